/* A guard for a program's own Redis traffic through hiredis' asynchronous API, on the loop of the
 * breaker's panel. (The storage in Redis, of the circuits themselves, is <breaker/redis.h>.)
 *
 * It takes redisAsyncCommand's arguments with a breaker in front, and its callback comes as
 * hiredis':
 *
 *     breaker_redis_command(breaker, &link, fn, data, "GET %s", key)
 *
 * But for a link in the place of the context: where the program says which context it has at the
 * moment, if any. A command goes out in the next drain, when hiredis may have freed a context that
 * is lost, and nothing tells the guard but the program; and while there is none, commands must
 * still come to the breaker, which counts them as failures and soon refuses them.
 *
 * Set a timeout (the policy's, or link.timeout). hiredis knows none, and its adapter for libuv
 * (before hiredis 1.0) passes no error of the socket on: a TCP connect that is refused is never
 * told, neither to the connect callback nor to commands. The guard looks for such a connect when a
 * command begins and when one times out, and then lets hiredis find out: the connect callback gets
 * its error, and all commands NULL. Without a timeout, and without another command, the first would
 * wait for ever.
 *
 *   failure      no connection, a connection that was lost (a NULL reply), and error replies that
 *                mean trouble: see breaker_redis_troubles. About these the policy's classifier and
 *                excluded statuses have the last word
 *   success      all other replies, also errors (ERR, WRONGTYPE, NOAUTH, ...)
 *   a timeout    is told at once, by an error reply "TIMEDOUT"; what Redis still says is read and
 *                dropped (and not counted as late): hiredis cannot take a command back
 *   a refusal    is an error reply "REJECTED"; the destruction of breaker or panel is one,
 *                "CANCELLED", for commands under way, too: the panel's end does not wait for Redis
 *
 * So fn sees what it knows already: a reply, an error reply, or NULL. breaker_redis_status tells
 * these replies apart; they are static: never freeReplyObject them. fn comes from the loop, and
 * never inside a call, also where the program itself frees the context with commands under way:
 * redisAsyncFree returns, and the next drain brings NULL.
 *
 * Commands guarded by one breaker of the native circuit go out in the order in which they were
 * asked for, in the next drain. Each is admitted or refused for itself: a MULTI, what follows
 * it and its EXEC may be torn apart, and what other guarded commands share the connection get into
 * the middle. So send a transaction as one EVAL, or with plain hiredis inside one breaker_call.
 *
 * What is not answered once, each time, is UV_ENOTSUP: SUBSCRIBE and its kin, MONITOR, SYNC, PSYNC,
 * CLIENT REPLY. Each command allocates one block here, besides hiredis' own for its text and its
 * callback. hiredis keeps a command that was given up until Redis has answered it or the context is
 * freed, and the block is freed then, though breaker, panel and link may be gone. So a program frees
 * its context in the end, before or after the panel. */
#ifndef BREAKER_REDIS_GUARD_H
#define BREAKER_REDIS_GUARD_H

/* clang-format off */ /* laid out by hand */

#include <breaker.h>
#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

struct redisAsyncContext; /* hiredis' */

/* redisCallbackFn of hiredis. reply is good during the callback, unless the context says otherwise
 * (REDIS_NO_AUTO_FREE_REPLIES). c is the link's context of that moment, NULL when it has none. */
typedef void (*breaker_redis_fn)(struct redisAsyncContext *c, void *reply, void *data);

/* Where the program keeps its connection: the caller's memory, to be there until each fn was
 * called, and for a command without one until it is answered or given up, which it is when the fn of
 * a later one is called, or when the panel is gone. hiredis frees a context by itself when the
 * connection is lost or cannot be made, so: set context when there is one, and to NULL in its
 * disconnect callback, in its connect callback with an error, and when the program frees it.
 * Meanwhile commands are failures with a NULL reply, as they would be on a connection that is lost.
 */
typedef struct breaker_redis_link_s {
    struct redisAsyncContext *context;
    const char *const *troubles; /* words that are failures, to a NULL. NULL: the built-in ones */
    uint64_t timeout;            /* 1 .. a day; 0: the policy's */
} breaker_redis_link_t;

/* The built-in words, to a NULL: BUSY, CLUSTERDOWN, IOERR, LOADING, MASTERDOWN, MISCONF,
 * NOREPLICAS, OOM, READONLY, TRYAGAIN, UNKILLABLE. A word is compared whole with the first of the
 * reply, one of several words ("ERR max number of clients reached", which is there too) with its
 * beginning. */
BREAKER_API const char *const *breaker_redis_troubles(void);

/* redisAsyncCommand, redisvAsyncCommand and redisAsyncCommandArgv. 0: fn (may be NULL) comes
 * exactly once. Errors as breaker_call, and UV_EINVAL for a bad format or one without a word,
 * UV_ENOMEM, UV_ENOTSUP. */
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
