/* A guard for a program's own Redis traffic through hiredis' asynchronous API, on the loop of the
 * breaker's panel. (The storage in Redis, of the circuits themselves, is <breaker/redis.h>.)
 *
 * It takes redisAsyncCommand's arguments with a breaker in front, and its callback comes as
 * hiredis':
 *     breaker_redis_command(breaker, &link, fn, data, "GET %s", key)
 *
 *   failure       no connection, a connection that was lost (a NULL reply), and error replies that
 * mean
 *                 trouble: see breaker_redis_troubles. About these the policy's classifier and
 * excluded
 *                 statuses have the last word
 *   success       all other replies, also errors (ERR, WRONGTYPE, NOAUTH, ...)
 *   a timeout     (the policy's, or link.timeout) is told at once, by an error reply "TIMEDOUT";
 * what
 *                 Redis still says is read and dropped: hiredis cannot take a command back
 *   a refusal     is an error reply "REJECTED", from the loop; the breaker's destruction
 * "CANCELLED"
 *
 * So fn sees what it knows already: a reply, an error reply, or NULL. breaker_redis_status tells
 * these replies apart; they are static: never freeReplyObject them.
 *
 * Commands go out in the order in which they were asked for, in the loop's next turn. SUBSCRIBE,
 * MONITOR and their kin, which are answered more than once, are UV_ENOTSUP. Each command allocates
 * one block here, besides hiredis' own for its text and its callback. */
#ifndef BREAKER_REDIS_GUARD_H
#define BREAKER_REDIS_GUARD_H

#include <breaker.h>
#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

struct redisAsyncContext; /* hiredis' */

/* redisCallbackFn of hiredis. reply is good during the callback, unless the context says otherwise.
 * c is NULL when the link has no context any more. */
typedef void (*breaker_redis_fn)(struct redisAsyncContext *c, void *reply, void *data);

/* Where the program keeps its connection: the caller's memory, to be there until each fn was
 * called. hiredis frees a context by itself when the connection is lost or cannot be made, so: set
 * context when there is one, and to NULL in its disconnect callback, in its connect callback with
 * an error, and when the program frees it. Meanwhile commands are failures with a NULL reply, as
 * they would be on a connection that is lost. */
typedef struct breaker_redis_link_s {
    struct redisAsyncContext *context;
    const char *const *troubles; /* words that are failures, to a NULL. NULL: the built-in ones */
    uint64_t timeout;            /* 0: the policy's */
} breaker_redis_link_t;

/* The built-in words, to a NULL: BUSY, CLUSTERDOWN, IOERR, LOADING, MASTERDOWN, MISCONF,
 * NOREPLICAS, OOM, READONLY, TRYAGAIN, UNKILLABLE. A word is compared whole with the first of the
 * reply, one of several words ("ERR max number of clients reached", which is there too) with its
 * beginning. */
BREAKER_API const char *const *breaker_redis_troubles(void);

/* redisAsyncCommand, redisvAsyncCommand and redisAsyncCommandArgv. 0: fn (may be NULL) comes
 * exactly once, from the loop. Errors as breaker_call, and UV_EINVAL for a bad format, UV_ENOMEM,
 * UV_ENOTSUP. */
BREAKER_API int breaker_redis_command(breaker_t *breaker, breaker_redis_link_t *link,
                                      breaker_redis_fn fn, void *data, const char *format, ...);
BREAKER_API int breaker_redis_vcommand(breaker_t *breaker, breaker_redis_link_t *link,
                                       breaker_redis_fn fn, void *data, const char *format,
                                       va_list arguments);
BREAKER_API int breaker_redis_command_argv(breaker_t *breaker, breaker_redis_link_t *link,
                                           breaker_redis_fn fn, void *data, int argc,
                                           const char **argv, const size_t *lengths);

/* What fn's reply means: 0 for Redis' own, error or not; BREAKER_EREJECTED, UV_ETIMEDOUT,
 * UV_ECANCELED for the guard's; UV_ENOTCONN for NULL. */
BREAKER_API int breaker_redis_status(const void *reply);

#ifdef __cplusplus
}
#endif

#endif /* BREAKER_REDIS_GUARD_H */
