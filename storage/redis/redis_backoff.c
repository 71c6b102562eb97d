/* Knows how a thousand processes that lost one server do not come back at once: each pause is
 * drawn from 0 to a limit, which doubles with each failure and begins anew only after a
 * connection that lasted. One that the server closed because it was idle is no failure; but a
 * server that hangs up as soon as it was of use must not be called without end. */
#include "redis_backoff.h"
#include <uv.h>

#define DOUBLINGS_MAX 20u

/* From 0 to limit, by the system's chance: a fork shares no seed. */
static uint64_t draw(uint64_t limit)
{
    uint64_t bits = 0;
    if (uv_random(NULL, NULL, &bits, sizeof bits, 0, NULL) != 0)
        bits = uv_hrtime();
    return bits % (limit + 1);
}

void redis_backoff_praise(struct redis_backoff *backoff)
{
    if (!backoff->good_since)
        backoff->good_since = uv_hrtime();
}

uint64_t redis_backoff_pause(struct redis_backoff *backoff, const breaker_redis_options_t *options,
                             enum redis_fault fault, bool idle)
{
    uint64_t limit = options->backoff_max, good = backoff->good_since;
    uint64_t lasted = good ? (uv_hrtime() - good) / 1000000 : 0;
    backoff->good_since = 0;
    if (fault == REDIS_SETTING)
        return options->fault_retry + draw(options->fault_retry / 8);
    if (good && lasted >= options->backoff_max)
        backoff->failures = 0;
    if (good && idle && lasted >= options->backoff_min)
        return draw(options->backoff_min);
    if (backoff->failures < DOUBLINGS_MAX && options->backoff_min << backoff->failures < limit)
        limit = options->backoff_min << backoff->failures;
    if (backoff->failures < DOUBLINGS_MAX)
        backoff->failures++;
    return draw(limit);
}
