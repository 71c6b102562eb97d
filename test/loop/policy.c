/* Options that are wrong are refused, by the name of the field. */
#include "job.h"
#include <math.h>
#include <string.h>

/* ---- Bad options -------------------------------------------------------------------------------*/

static const char *fault_of(const breaker_options_t *options)
{
    breaker_policy_t *policy = (breaker_policy_t *)(uintptr_t)1;
    const char *fault = "untouched";
    int status = API(breaker_policy_create(&policy, options, &fault));

    assert_int_equal(status, fault == NULL ? 0 : UV_EINVAL);
    assert_int_equal(policy == NULL, fault != NULL);
    API_VOID(breaker_policy_destroy(policy));
    if (status != 0)
        assert_int_equal(API(breaker_policy_create(&policy, options, NULL)), UV_EINVAL);
    return fault;
}

/* One field of the defaults at a time, set to values that must be refused by its name. */
#define REFUSED(field, ...)                                                                  \
    do {                                                                                     \
        const double values[] = {__VA_ARGS__};                                               \
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {                        \
            breaker_options_t o;                                                             \
            const char *fault;                                                               \
            breaker_options_init(&o);                                                        \
            o.slow_time = 1000;                                                              \
            o.field = (__typeof__(o.field))values[i];                                        \
            fault = fault_of(&o);                                                            \
            if (fault == NULL || strcmp(fault, #field) != 0)                                 \
                fail_msg("%s = %g: %s", #field, values[i], fault != NULL ? fault : "taken"); \
        }                                                                                    \
    } while (0)

#define TAKEN(field, ...)                                                               \
    do {                                                                                \
        const double values[] = {__VA_ARGS__};                                          \
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {                   \
            breaker_options_t o;                                                        \
            breaker_options_init(&o);                                                   \
            o.slow_time = 1000;                                                         \
            o.field = (__typeof__(o.field))values[i];                                   \
            if (fault_of(&o) != NULL)                                                   \
                fail_msg("%s = %g is refused for %s", #field, values[i], fault_of(&o)); \
        }                                                                               \
    } while (0)

static const double day = BREAKER_TIME_MAX, beyond = BREAKER_TIME_MAX + 1.0;

static void test_bad_windows(void **state)
{
    (void)state;
    REFUSED(window, 0, beyond, 1e15);
    TAKEN(window, 10, day);
    REFUSED(buckets, 0, 61, 1e9);
    TAKEN(buckets, 1, 60);
    REFUSED(last_calls, 10001, 4e9);
    TAKEN(last_calls, 0, 20, 10000);
}

static void test_bad_rules(void **state)
{
    (void)state;
    REFUSED(error_ratio, 0, -0.5, 1.0001, NAN, INFINITY, -INFINITY, -2);
    TAKEN(error_ratio, 0.0001, 1);
    REFUSED(min_calls, 0);
    REFUSED(slow_ratio, 0, -0.5, 1.0001, NAN, INFINITY, -1.0001);
    TAKEN(slow_ratio, 0.0001, 1, BREAKER_OFF);
    REFUSED(slow_time, beyond);
    REFUSED(passing_time, beyond);
    TAKEN(passing_time, 0, day);
    REFUSED(error_ratio, BREAKER_OFF); /* no rule at all */
}

static void test_bad_broken(void **state)
{
    (void)state;
    REFUSED(broken_time, beyond);
    TAKEN(broken_time, 0, day);
    REFUSED(broken_factor, 0.9999, 100.0001, 0, -1, NAN, INFINITY);
    TAKEN(broken_factor, 1, 100);
    REFUSED(broken_limit, 4999, beyond);
    TAKEN(broken_limit, 0, 5000, day);
    REFUSED(broken_jitter, -0.0001, 1.0001, NAN, INFINITY);
    TAKEN(broken_jitter, 0, 1);
}

static void test_bad_recoveries(void **state)
{
    (void)state;
    REFUSED(recovery, 3, 1000);
    TAKEN(recovery, BREAKER_SAMPLER, BREAKER_TRIAL, BREAKER_IMMEDIATE);
    REFUSED(recovery_time, 0, beyond);
    TAKEN(recovery_time, 1, day);
    REFUSED(recovery_min, 0);
    REFUSED(recovery_ratio, 0, -0.5, 1.0001, NAN, INFINITY);
    TAKEN(recovery_ratio, 0.0001, 1, BREAKER_OFF);
    REFUSED(max_trials, 0);
    REFUSED(success_threshold, 0);
    REFUSED(probe_time, 0, beyond);
    TAKEN(probe_time, 1, day);
}

static void test_bad_calls(void **state)
{
    (void)state;
    REFUSED(timeout, beyond);
    TAKEN(timeout, 0, day);
    REFUSED(excluded_outcome, 0, 5, 1000);
    TAKEN(excluded_outcome, BREAKER_SUCCESS, BREAKER_FAILURE, BREAKER_CANCELLED);
}

static void test_options_that_do_not_agree(void **state)
{
    breaker_options_t o;

    (void)state;
    breaker_options_init(&o);
    o.last_calls = 19; /* the ratio wants 20 */
    assert_string_equal(fault_of(&o), "min_calls");
    o.min_calls = 5;
    o.min_failures = 20;
    assert_string_equal(fault_of(&o), "min_failures");
    o.min_failures = 0;
    o.max_failures = 20;
    assert_string_equal(fault_of(&o), "max_failures");
    o.max_failures = 19;
    assert_null(fault_of(&o));
    o.slow_ratio = 0.5; /* slow, but how slow? */
    assert_string_equal(fault_of(&o), "slow_time");
    breaker_options_init(&o);
    o.window = 9; /* a bucket has a ms at least */
    assert_string_equal(fault_of(&o), "buckets");
}

static void test_sizes(void **state)
{
    breaker_options_t o;
    breaker_policy_t *policy;

    (void)state;
    assert_null(fault_of(NULL)); /* the defaults */
    memset(&o, 0, sizeof o);
    assert_string_equal(fault_of(&o), "size");
    breaker_options_init_sized(&o, sizeof o - 8);
    assert_string_equal(fault_of(&o), "size");
    breaker_options_init_sized(&o, sizeof o + 8);
    assert_string_equal(fault_of(&o), "size");
    memset(&o, 0x5a, sizeof o); /* what is beyond the size given stays untouched */
    breaker_options_init_sized(&o, offsetof(breaker_options_t, broken_time));
    assert_true(o.broken_time == UINT64_C(0x5a5a5a5a5a5a5a5a));
    assert_int_equal(o.window, 10000);
    API_VOID(breaker_options_init_sized(NULL, sizeof o));
    assert_int_equal(API(breaker_policy_create(NULL, NULL, NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_policy_create(&policy, NULL, NULL)), 0);
    API_VOID(breaker_policy_destroy(policy));
    API_VOID(breaker_policy_destroy(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_windows), cmocka_unit_test(test_bad_rules),
        cmocka_unit_test(test_bad_broken),  cmocka_unit_test(test_bad_recoveries),
        cmocka_unit_test(test_bad_calls),   cmocka_unit_test(test_options_that_do_not_agree),
        cmocka_unit_test(test_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
