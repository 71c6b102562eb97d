/* How long to wait before the next attempt. */
#ifndef REDIS_BACKOFF_H
#define REDIS_BACKOFF_H

#include "redis_error.h"
#include <breaker/redis.h>
#include <stdbool.h>

struct redis_backoff {
    unsigned failures;
    uint64_t good_since; /* of the connection that there is; 0: it has not been of use */
};

/* The connection has shown that it is of use. */
void redis_backoff_praise(struct redis_backoff *backoff);

/* It has ended: the pause before the next one, in ms. idle: nothing was asked and nothing is known
 * to be wrong; then its end counts for no failure, if it lasted for as long as such a pause. */
uint64_t redis_backoff_pause(struct redis_backoff *backoff, const breaker_redis_options_t *options,
                             enum redis_fault fault, bool idle);

#endif /* REDIS_BACKOFF_H */
