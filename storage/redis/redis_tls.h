/* TLS, where hiredis was built with it. */
#ifndef REDIS_TLS_H
#define REDIS_TLS_H

#include <breaker/redis.h>
#include <hiredis/hiredis.h>
#include <stdbool.h>

struct redis_tls;

bool redis_tls_exists(void);

/* Reads the files: may block, so only when a storage is created. UV_EINVAL with *bad_field. */
int redis_tls_make(struct redis_tls **tls, const breaker_redis_options_t *options,
                   const char **bad_field);
void redis_tls_free(struct redis_tls *tls); /* NULL is allowed */

/* Begins TLS on a connected context: 0 or negative. */
int redis_tls_begin(struct redis_tls *tls, redisContext *context);

/* Takes some of the bytes, perhaps none, and sends what it can. 1: go on; 0: the connection
 * takes no more now; or a negative libuv code. Never raises SIGPIPE. */
int redis_tls_send(redisContext *context, const char *bytes, size_t size, size_t *taken);

/* Whether it has taken bytes that are not sent yet. */
bool redis_tls_is_waiting(const redisContext *context);

#endif /* REDIS_TLS_H */
