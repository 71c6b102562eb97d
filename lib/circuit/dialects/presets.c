/* The native circuit as each system's documentation describes that system's. */
#include <breaker/dialects.h>
#include <errno.h>

void breaker_options_aiomisc(breaker_options_t *o, double error_ratio, uint64_t response_time,
                             uint64_t broken_time, uint64_t recovery_time, uint64_t passing_time)
{
    o->window = response_time;
    o->error_ratio = error_ratio;
    o->min_calls = 10;
    o->passing_time = passing_time;
    o->broken_time = broken_time != 0 ? broken_time : response_time;
    o->broken_factor = 1;
    o->recovery = BREAKER_SAMPLER;
    o->recovery_time = recovery_time != 0 ? recovery_time : response_time;
}

/* A fixed pause, the same each time. */
static void pause_for(breaker_options_t *o, uint64_t time, breaker_recovery_t recovery)
{
    o->broken_time = time;
    o->broken_factor = 1;
    o->recovery = recovery;
}

void breaker_options_pybreaker(breaker_options_t *o, unsigned fail_max, uint64_t reset_timeout)
{
    o->error_ratio = BREAKER_OFF;
    o->consecutive_failures = fail_max;
    o->max_trials = 1;
    o->success_threshold = 1;
    o->excluded_outcome = BREAKER_SUCCESS;
    pause_for(o, reset_timeout, BREAKER_TRIAL);
}

void breaker_options_lasier(breaker_options_t *o, unsigned max_failures, uint64_t failure_timeout,
                            uint64_t circuit_timeout)
{
    o->error_ratio = BREAKER_OFF;
    o->max_failures = max_failures;
    o->window = failure_timeout;
    pause_for(o, circuit_timeout, BREAKER_IMMEDIATE);
}

void breaker_options_lasier_percentage(breaker_options_t *o, double percentage,
                                       unsigned min_accepted_requests, uint64_t failure_timeout,
                                       uint64_t circuit_timeout)
{
    o->error_ratio = percentage / 100;
    o->min_calls = min_accepted_requests < UINT32_MAX ? min_accepted_requests + 1 : UINT32_MAX;
    o->window = failure_timeout;
    pause_for(o, circuit_timeout, BREAKER_IMMEDIATE);
}

void breaker_options_requests(breaker_options_t *o, uint64_t ttl, double percent_failed,
                              uint64_t re_enable_after, unsigned minimum_failures)
{
    o->error_ratio = percent_failed / 100;
    o->min_calls = 1;
    o->min_failures = minimum_failures;
    o->window = ttl;
    o->classify = breaker_classify_http;
    pause_for(o, re_enable_after, BREAKER_IMMEDIATE);
}

breaker_outcome_t breaker_classify_http(void *data, int status)
{
    (void)data;
    if (status == -ECANCELED)
        return BREAKER_CANCELLED;
    return status < 0 || status > 499 ? BREAKER_FAILURE : BREAKER_SUCCESS;
}
