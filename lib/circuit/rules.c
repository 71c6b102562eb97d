/* What options are in range, what follows from them, and when the evidence of PASSING trips. */
#include "rules.h"
#include <string.h>

enum { SYNC_INTERVAL_MAX = 60000 };

void rules_defaults(breaker_options_t *o)
{
    memset(o, 0, sizeof *o);
    o->size = sizeof *o;
    o->window = 10000;
    o->buckets = 10;
    o->error_ratio = 0.5;
    o->min_calls = 20;
    o->slow_ratio = BREAKER_OFF;
    o->broken_time = 5000;
    o->broken_factor = 2;
    o->recovery_time = 10000;
    o->recovery_min = 10;
    o->recovery_ratio = BREAKER_OFF;
    o->max_trials = 1;
    o->success_threshold = 1;
    o->probe_time = 30000;
    o->excluded_outcome = BREAKER_IGNORED;
    o->share = BREAKER_SHARE_COUNTS;
    o->sync_interval = 10;
    o->min_reporters = 2;
}

/* Comparisons are written so that NaN fails them. */
static bool is_off(double ratio)
{
    return ratio <= BREAKER_OFF && ratio >= BREAKER_OFF;
}

static bool is_ratio(double ratio)
{
    return ratio > 0 && ratio <= 1;
}

static bool is_time(uint64_t time)
{
    return time >= 1 && time <= BREAKER_TIME_MAX;
}

static const char *window_fault(const breaker_options_t *o)
{
    if (!is_time(o->window))
        return "window";
    if (o->buckets < 1 || o->buckets > BREAKER_BUCKETS_MAX || o->buckets > o->window)
        return "buckets";
    if (o->last_calls > BREAKER_LAST_CALLS_MAX)
        return "last_calls";
    return NULL;
}

/* More than a window counts would never be reached. */
static bool fits_window(const breaker_options_t *o, unsigned count)
{
    return count <= (o->last_calls == 0 ? WINDOW_FULL : o->last_calls);
}

static const char *rule_fault(const breaker_options_t *o)
{
    bool ratio = !is_off(o->error_ratio), slow = !is_off(o->slow_ratio);

    if (ratio && !is_ratio(o->error_ratio))
        return "error_ratio";
    if (o->min_calls < 1 || ((ratio || slow) && !fits_window(o, o->min_calls)))
        return "min_calls";
    if (ratio && !fits_window(o, o->min_failures))
        return "min_failures";
    if (!fits_window(o, o->max_failures))
        return "max_failures";
    if (slow && !is_ratio(o->slow_ratio))
        return "slow_ratio";
    if (o->slow_time > BREAKER_TIME_MAX || (slow && o->slow_time == 0))
        return "slow_time";
    if (!ratio && !slow && o->max_failures == 0 && o->consecutive_failures == 0 && o->rule == NULL)
        return "error_ratio";
    return o->passing_time > BREAKER_TIME_MAX ? "passing_time" : NULL;
}

static const char *broken_fault(const breaker_options_t *o)
{
    if (o->broken_time > BREAKER_TIME_MAX)
        return "broken_time";
    if (!(o->broken_factor >= 1 && o->broken_factor <= 100))
        return "broken_factor";
    if (o->broken_limit != 0 &&
        (o->broken_limit < o->broken_time || o->broken_limit > BREAKER_TIME_MAX))
        return "broken_limit";
    return o->broken_jitter >= 0 && o->broken_jitter <= 1 ? NULL : "broken_jitter";
}

static const char *recovery_fault(const breaker_options_t *o)
{
    if ((unsigned)o->recovery > BREAKER_IMMEDIATE)
        return "recovery";
    if (!is_time(o->recovery_time))
        return "recovery_time";
    if (o->recovery_min < 1 || o->recovery_min > WINDOW_FULL)
        return "recovery_min";
    if (!is_off(o->recovery_ratio) && !is_ratio(o->recovery_ratio))
        return "recovery_ratio";
    if (o->max_trials < 1)
        return "max_trials";
    if (o->success_threshold < 1)
        return "success_threshold";
    return is_time(o->probe_time) ? NULL : "probe_time";
}

const char *rules_call_fault(const breaker_options_t *o)
{
    if (o->timeout > BREAKER_TIME_MAX)
        return "timeout";
    if (o->excluded_outcome < BREAKER_SUCCESS || o->excluded_outcome > BREAKER_CANCELLED)
        return "excluded_outcome";
    return NULL;
}

static const char *share_fault(const breaker_options_t *o)
{
    if ((unsigned)o->share > BREAKER_SHARE_STATE)
        return "share";
    if (o->sync_interval < 1 || o->sync_interval > SYNC_INTERVAL_MAX)
        return "sync_interval";
    if (o->min_reporters < 1)
        return "min_reporters";
    return (unsigned)o->on_outage > BREAKER_OUTAGE_REFUSE ? "on_outage" : NULL;
}

const char *rules_fault(const breaker_options_t *options)
{
    const char *(*const checks[])(const breaker_options_t *) = {
        window_fault, rule_fault, broken_fault, recovery_fault, rules_call_fault, share_fault};
    const char *fault = NULL;

    for (size_t i = 0; fault == NULL && i < sizeof checks / sizeof *checks; i++)
        fault = checks[i](options);
    return fault;
}

static uint64_t default_limit(uint64_t broken_time)
{
    uint64_t limit = 12 * broken_time;
    return limit < BREAKER_TIME_MAX ? limit : BREAKER_TIME_MAX;
}

static void make_glance(struct rules *rules)
{
    const breaker_options_t *o = &rules->options;

    rules->glance = (struct glance){
        .calls = o->slow_time > 0 || o->rule != NULL || o->last_calls > 0 ? 0 : o->min_calls,
        .failures = o->max_failures > 0 ? o->max_failures : UINT32_MAX,
        .consecutive = o->consecutive_failures > 0 ? o->consecutive_failures : UINT32_MAX,
        .ratio = is_off(o->error_ratio) ? 2 : o->error_ratio,
    };
}

void rules_make(struct rules *rules, const breaker_options_t *options)
{
    breaker_options_t *o = &rules->options;

    *o = *options;
    rules->wants_slow = !is_off(o->slow_ratio);
    if (o->broken_limit == 0)
        o->broken_limit = default_limit(o->broken_time);
    if (is_off(o->recovery_ratio))
        o->recovery_ratio = is_off(o->error_ratio) ? 0.5 : o->error_ratio;
    rules->geometry = (struct geometry){
        /* Rounded up, so that buckets x width never falls short of the window. */
        .width = (o->window + o->buckets - 1) / o->buckets,
        .buckets = (uint16_t)o->buckets,
        .stride = rules->wants_slow ? 3 : 2,
        .last = o->last_calls,
    };
    make_glance(rules);
}

bool rules_reached(double ratio, uint32_t part, const breaker_counts_t *counts)
{
    double all = (double)counts->ok + counts->failed;

    /* The quotient is exact where the ratio is met exactly (3 of 30 at 0.1), the product is not; but it
     * is cheap, and off by far less than a half. */
    return all > 0 && part + 0.5 >= ratio * all && part / all >= ratio;
}

/* A success can complete the minimum, but raises no ratio by itself. */
static bool ratio_trips(const breaker_options_t *o, const breaker_counts_t *c, bool was_failure)
{
    uint32_t all = c->ok + c->failed;

    return o->error_ratio > 0 && all >= o->min_calls && (was_failure || all == o->min_calls) &&
           c->failed >= o->min_failures && rules_reached(o->error_ratio, c->failed, c);
}

static bool slow_trips(const breaker_options_t *o, const breaker_counts_t *c, bool was_slow)
{
    uint32_t all = c->ok + c->failed;

    return o->slow_ratio > 0 && all >= o->min_calls && (was_slow || all == o->min_calls) &&
           rules_reached(o->slow_ratio, c->slow, c);
}

bool rules_trip(const struct rules *rules, const breaker_counts_t *c, bool was_failure,
                bool was_slow)
{
    const breaker_options_t *o = &rules->options;

    return ratio_trips(o, c, was_failure) || slow_trips(o, c, was_slow) ||
           (was_failure && o->max_failures > 0 && c->failed >= o->max_failures) ||
           (was_failure && o->consecutive_failures > 0 &&
            c->consecutive >= o->consecutive_failures) ||
           (o->rule != NULL && o->rule(o->rule_data, c) != 0);
}
