/* The first words on a connection: who we are, and which database. */
#ifndef REDIS_GREETING_H
#define REDIS_GREETING_H

#include "redis_error.h"
#include "redis_wire.h"
#include <breaker/redis.h>

/* Writes them: how many replies are due, or UV_ENOMEM. */
int redis_greeting_write(struct redis_buffer *out, const breaker_redis_options_t *options);

/* What the reply to the index-th of them means; REDIS_FINE: go on. */
struct redis_trouble redis_greeting_judge(const breaker_redis_options_t *options, int index,
                                          const struct redis_reply *reply);

#endif /* REDIS_GREETING_H */
