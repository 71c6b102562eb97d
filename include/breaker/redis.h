/* The storage in Redis, for fleets: every process that uses one name in one Redis shares one circuit, and so
 * do Python programs where a dialect speaks their language.
 *
 * A storage belongs to the loop of the panels that use it, and to that loop's thread; panels of other loops
 * have storages of their own (for them, opening is UV_EINVAL). It connects when the first panel uses it and
 * stays connected, with a second connection for the bell (pub/sub) when somebody listens. Neither keeps the
 * loop alive, but for the time in which a host name is looked up, which cannot be cut short: closing waits
 * for it. Nothing blocks, and nothing waits for ever: a Redis that is down, loading, full, hung or talking
 * nonsense ends each transaction with an error by its deadline; the connection is dropped and made again, for
 * ever, with growing pauses. Meanwhile transactions are refused at once. A connection that the server closed
 * while nothing was asked is no trouble: who asks next waits for the new one. A transaction whose fate is
 * unknown is never sent again. Deadlines count the time in which the loop could turn.
 *
 * Needed: Redis 5 or later, one server (or a node of a cluster that serves the slots of all that is used).
 * Each transaction is one Lua script; a user with an access list needs, on its keys and channels,
 *     +evalsha +eval +time +get +set +incrby +pexpire +del +zadd +zcard +zremrangebyscore +setrange
 *     +publish, for registers +sadd +hset +sscan, for the bell +subscribe +unsubscribe, with a database
 *     +select, for flush +scan +unlink
 * (client|setname is tried and may be denied, and so may sadd and hset; without publish and subscribe
 * everything works, and news travel with the next exchange; without unsubscribe the server keeps the
 * channels of circuits that are gone, as long as the connection).
 *
 * An error of one key (WRONGTYPE, a number that is none) is its transaction's alone. READONLY, OOM and their
 * like are the storage's: no transaction is taken, not even one that only reads, until a probe has shown that
 * the key at fault could be written. Each new connection is probed, with the key "breaker:probe" behind the
 * prefix, which is never written; a name's next address is tried where the probe fails. An access list or a
 * cluster may withhold that key: then the first transaction finds out. A server that becomes a replica under an
 * open connection is found out within transaction_timeout of the last writing, whatever is asked (SETRANGE with
 * nothing to write, on a key of the transaction). Times to live are the server's: its clock moves them.
 *
 * Programs need not ignore SIGPIPE for it. Replies that nobody asked for, replies without end and replies that
 * are no replies cost the connection, never the process. After a fork the child, once it has called
 * uv_loop_fork, makes connections of its own (libuv never ends there what was being looked up: that loop can no
 * more be closed).
 */
#ifndef BREAKER_REDIS_H
#define BREAKER_REDIS_H

/* clang-format off */ /* laid out by hand */

#include <breaker/storage.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BREAKER_REDIS_PREFIX_MAX 128u
#define BREAKER_REDIS_TEXT_MAX 512u

/* Strings are the caller's, and read by breaker_redis_create only. */
typedef struct breaker_redis_options_s {
    size_t size; /* set by breaker_redis_options_init; grows at the end only */

    /* -- Where. */
    const char *host;  /* a name, an IPv4 or an IPv6 address. A name is looked up for each attempt, and its
                          addresses, at most 8, are tried in turn. Default "127.0.0.1" */
    unsigned port;     /* 1 .. 65535. Default 6379 */
    const char *path;  /* of a unix socket, instead of host and port. Default NULL */
    unsigned database; /* Default 0. Not with a cluster */

    /* -- Who. */
    const char *user;        /* Default NULL: Redis' default user */
    const char *password;    /* Default NULL: no AUTH */
    const char *client_name; /* shown by CLIENT LIST: bytes '!' to '~'. Default "libbreaker"; NULL: none. A
                                server may deny it */

    /* -- What. */
    const char *prefix; /* of all keys and channels, at most 128 bytes. Default "": keys are as the circuits
                           name them, which the dialects need to meet their peers */

    /* -- How long, in ms: 1 .. a day. */
    uint64_t connect_timeout;     /* of each address, with TLS and the greeting; and of looking up a name.
                                     Default 2000 */
    uint64_t transaction_timeout; /* from submit to completion; of a flush, each of its steps. When an answer
                                     has not come by then, the connection is dropped, so that it never answers
                                     a later question. Default 1000 */
    uint64_t backoff_min;         /* a pause before connecting again is random, from 0 to this, */
    uint64_t backoff_max;         /* doubled with each failure up to this. Default 100, 5000 */
    uint64_t fault_retry;         /* the pause after a fault of the set-up (a wrong password, a right that is
                                     missing). Default 30000 */

    /* -- How much: what does not fit is refused with UV_ENOBUFS. */
    unsigned max_pending; /* transactions under way: 1 .. 65536. Default 4096 */
    size_t max_bytes;     /* of them, waiting to be written, about: 4096 .. 64 MiB. Default 1 MiB. Asking for
                             bells waits besides, with no more than so much at a time */

    /* -- TLS, where hiredis was built with it: otherwise tls != 0 is UV_ENOTSUP. */
    int tls;
    const char *tls_ca;   /* a file of certificates to trust. Default NULL: the system's */
    const char *tls_cert; /* the client's own certificate and key, files. Default NULL: none */
    const char *tls_key;
    const char *tls_name; /* the server's name, for servers that have several (SNI). hiredis checks the
                             certificate's chain, not the name in it. Default NULL */

    char text[BREAKER_REDIS_TEXT_MAX]; /* breaker_redis_options_url's: what it took out of the URL */
} breaker_redis_options_t;

#define breaker_redis_options_init(options) \
    breaker_redis_options_init_sized((options), sizeof *(options))
BREAKER_API void breaker_redis_options_init_sized(breaker_redis_options_t *options, size_t size);

/* Sets where and who from "redis://[[user]:password@]host[:port][/database]", the same with
 * rediss:// (TLS), or "unix:PATH[?db=N]". User and password may be %-encoded; an IPv6 address is
 * in brackets. The pieces point into the options themselves: such options must not be copied.
 * UV_EINVAL: not such a URL; UV_ENAMETOOLONG: over 500 bytes. The options are then as before. */
BREAKER_API int breaker_redis_options_url(breaker_redis_options_t *options, const char *url);

/* Makes a storage; nothing is sent before a panel uses it. options may be NULL. UV_EINVAL: an
 * option is out of range, and *bad_field (if bad_field is not NULL) is its name, as with
 * breaker_policy_create; UV_ENOTSUP: TLS, and hiredis has none ("tls"); UV_ENOMEM. */
BREAKER_API int breaker_redis_create(breaker_storage_t **storage,
                                     const breaker_redis_options_t *options,
                                     const char **bad_field);

/* Destroys it, after the last panel that used it. What is asynchronous about that has been
 * waited for by the panel's own destruction, and no handle is left on the loop. UV_EBUSY while a
 * panel uses it. */
BREAKER_API int breaker_redis_destroy(breaker_storage_t *storage);

/* The last trouble in words, as Redis or the system put it, with the key if one was at fault,
 * for a log: "" if there was none. Valid until the loop runs again. */
BREAKER_API const char *breaker_redis_reason(const breaker_storage_t *storage);

#ifdef __cplusplus
}
#endif

#endif /* BREAKER_REDIS_H */
