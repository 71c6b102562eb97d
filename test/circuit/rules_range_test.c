/* Options by tables: what each may be, and the name that is told where it is not. */
#include "rig.h"
#include <math.h>
#include <string.h>

#define DAY BREAKER_TIME_MAX

static int never(void *data, const breaker_counts_t *counts)
{
    (void)data;
    (void)counts;
    return 0;
}

static void expect(const breaker_options_t *options, const char *field, const char *what)
{
    const char *fault = rules_fault(options);

    if (fault == NULL ? field != NULL : field == NULL || strcmp(fault, field) != 0)
        fail_msg("%s: %s instead of %s", what, fault ? fault : "no fault", field ? field : "none");
}

/* Options that differ from the defaults in one field only. */
#define EXPECT(member, value, field)                    \
    do {                                                \
        breaker_options_t options_ = rig_options();     \
        options_.member = (value);                      \
        expect(&options_, field, #member " = " #value); \
    } while (0)

#define GOOD(member, value) EXPECT(member, value, NULL)
#define BAD(member, value) EXPECT(member, value, #member)

static void the_defaults_are_good(void **state)
{
    breaker_options_t o = rig_options();

    (void)state;
    expect(&o, NULL, "defaults");
    assert_int_equal(o.size, sizeof o);
    assert_int_equal(o.window, 10000);
    assert_int_equal(o.buckets, 10);
    assert_int_equal(o.last_calls, 0);
    assert_true(o.error_ratio == 0.5);
    assert_int_equal(o.min_calls, 20);
    assert_int_equal(o.min_failures, 0);
    assert_int_equal(o.max_failures, 0);
    assert_int_equal(o.consecutive_failures, 0);
    assert_true(o.slow_ratio == BREAKER_OFF);
    assert_int_equal(o.slow_time, 0);
    assert_null(o.rule);
    assert_int_equal(o.passing_time, 0);
    assert_int_equal(o.broken_time, 5000);
    assert_true(o.broken_factor == 2);
    assert_int_equal(o.broken_limit, 0);
    assert_true(o.broken_jitter == 0);
    assert_int_equal(o.recovery, BREAKER_SAMPLER);
    assert_int_equal(o.recovery_time, 10000);
    assert_int_equal(o.recovery_min, 10);
    assert_true(o.recovery_ratio == BREAKER_OFF);
    assert_int_equal(o.max_trials, 1);
    assert_int_equal(o.success_threshold, 1);
    assert_int_equal(o.probe_time, 30000);
    assert_int_equal(o.timeout, 0);
    assert_int_equal(o.excluded_outcome, BREAKER_IGNORED);
}

static void times_are_up_to_a_day(void **state)
{
    (void)state;
    BAD(window, 0);
    GOOD(window, 10);
    GOOD(window, DAY);
    BAD(window, DAY + 1);
    BAD(window, UINT64_MAX);
    BAD(window, UINT64_C(1) << 32);

    GOOD(passing_time, 0);
    GOOD(passing_time, DAY);
    BAD(passing_time, DAY + 1);
    BAD(passing_time, UINT64_MAX);

    GOOD(broken_time, 0);
    GOOD(broken_time, DAY);
    BAD(broken_time, DAY + 1);
    BAD(broken_time, UINT64_MAX);

    BAD(recovery_time, 0);
    GOOD(recovery_time, 1);
    GOOD(recovery_time, DAY);
    BAD(recovery_time, DAY + 1);

    BAD(probe_time, 0);
    GOOD(probe_time, 1);
    GOOD(probe_time, DAY);
    BAD(probe_time, DAY + 1);

    GOOD(timeout, 0);
    GOOD(timeout, DAY);
    BAD(timeout, DAY + 1);

    GOOD(slow_time, 0);
    GOOD(slow_time, DAY);
    BAD(slow_time, DAY + 1);
    BAD(slow_time, UINT64_MAX);
}

static void ratios_are_above_0_and_up_to_1(void **state)
{
    static const double bad[] = {0,     -0.0,   -0.5,      -1.5,     -2,        1.0000001, 2,
                                 1e300, -1e300, -0.999999, INFINITY, -INFINITY, NAN};
    static const double good[] = {5e-324, 0.001, 0.1, 0.5, 0.999999, 1};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        breaker_options_t o = rig_options();
        o.slow_time = 1;
        o.error_ratio = bad[i];
        expect(&o, "error_ratio", "error_ratio");
        o.error_ratio = 0.5;
        o.slow_ratio = bad[i];
        expect(&o, "slow_ratio", "slow_ratio");
        o.slow_ratio = BREAKER_OFF;
        o.recovery_ratio = bad[i];
        expect(&o, "recovery_ratio", "recovery_ratio");
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        breaker_options_t o = rig_options();
        o.slow_time = 1;
        o.error_ratio = o.slow_ratio = o.recovery_ratio = good[i];
        expect(&o, NULL, "ratios");
    }
    GOOD(recovery_ratio, BREAKER_OFF);
    GOOD(slow_ratio, BREAKER_OFF);
}

static void a_window_has_1_to_60_buckets_of_1_ms_at_least(void **state)
{
    breaker_options_t o = rig_options();

    (void)state;
    BAD(buckets, 0);
    GOOD(buckets, 1);
    GOOD(buckets, 60);
    BAD(buckets, 61);
    BAD(buckets, UINT32_MAX);
    o.window = 9;
    expect(&o, "buckets", "10 buckets in 9 ms");
    o.buckets = 9;
    expect(&o, NULL, "9 buckets in 9 ms");
    o.window = 1;
    o.buckets = 1;
    expect(&o, NULL, "1 bucket in 1 ms");
    GOOD(last_calls, 20);
    GOOD(last_calls, 10000);
    BAD(last_calls, 10001);
    BAD(last_calls, UINT32_MAX);
}

static void no_minimum_is_larger_than_the_last_calls(void **state)
{
    breaker_options_t o = rig_options();

    (void)state;
    BAD(min_calls, 0);
    GOOD(min_calls, WINDOW_FULL);
    BAD(min_calls, WINDOW_FULL + 1);
    GOOD(min_failures, WINDOW_FULL);
    BAD(min_failures, WINDOW_FULL + 1);
    GOOD(max_failures, WINDOW_FULL);
    BAD(max_failures, WINDOW_FULL + 1);
    GOOD(consecutive_failures, UINT32_MAX);

    o.last_calls = 50;
    o.min_calls = 51;
    expect(&o, "min_calls", "51 of the last 50");
    o.min_calls = 50;
    expect(&o, NULL, "50 of the last 50");
    o.min_failures = 51;
    expect(&o, "min_failures", "51 failures of the last 50");
    o.min_failures = 50;
    expect(&o, NULL, "50 failures of the last 50");
    o.max_failures = 51;
    expect(&o, "max_failures", "51 failures of the last 50 trip");
    o.max_failures = 50;
    expect(&o, NULL, "50 failures of the last 50 trip");
    o.consecutive_failures = 51; /* whenever they were */
    expect(&o, NULL, "51 in a row");
    o.error_ratio = BREAKER_OFF;
    o.min_calls = o.min_failures = 51; /* no ratio uses them */
    expect(&o, NULL, "minimums without a ratio");
    o.slow_ratio = 0.5;
    o.slow_time = 100;
    expect(&o, "min_calls", "51 of the last 50, for the slow ratio");
}

static void one_rule_at_least_is_set(void **state)
{
    breaker_options_t o = rig_options();

    (void)state;
    o.error_ratio = BREAKER_OFF;
    expect(&o, "error_ratio", "no rule");
    o.max_failures = 1;
    expect(&o, NULL, "failures in the window");
    o.max_failures = 0;
    o.consecutive_failures = 1;
    expect(&o, NULL, "consecutive failures");
    o.consecutive_failures = 0;
    o.slow_ratio = 1;
    o.slow_time = 1;
    expect(&o, NULL, "slow ratio");
    o.slow_ratio = BREAKER_OFF;
    expect(&o, "error_ratio", "a slow time is no rule");
    o.rule = never;
    expect(&o, NULL, "the user's");
}

static void a_slow_ratio_needs_a_slow_time(void **state)
{
    breaker_options_t o = rig_options();

    (void)state;
    o.slow_ratio = 0.5;
    expect(&o, "slow_time", "slow ratio without a time");
    o.slow_time = 1;
    expect(&o, NULL, "slow ratio with a time");
}

static void broken_time_grows_within_bounds(void **state)
{
    (void)state;
    BAD(broken_factor, 0);
    BAD(broken_factor, 0.999);
    BAD(broken_factor, -2);
    GOOD(broken_factor, 1);
    GOOD(broken_factor, 1.5);
    GOOD(broken_factor, 100);
    BAD(broken_factor, 100.001);
    BAD(broken_factor, (double)INFINITY);
    BAD(broken_factor, (double)-INFINITY);
    BAD(broken_factor, (double)NAN);

    GOOD(broken_limit, 0);
    BAD(broken_limit, 4999);
    GOOD(broken_limit, 5000);
    GOOD(broken_limit, DAY);
    BAD(broken_limit, DAY + 1);
    BAD(broken_limit, UINT64_MAX);

    GOOD(broken_jitter, 0);
    GOOD(broken_jitter, 1);
    BAD(broken_jitter, -0.001);
    BAD(broken_jitter, 1.001);
    BAD(broken_jitter, (double)INFINITY);
    BAD(broken_jitter, (double)NAN);
}

static void the_rest_has_its_range(void **state)
{
    (void)state;
    GOOD(recovery, BREAKER_TRIAL);
    GOOD(recovery, BREAKER_IMMEDIATE);
    BAD(recovery, (breaker_recovery_t)3);
    BAD(recovery, (breaker_recovery_t)-1);
    BAD(recovery_min, 0);
    GOOD(recovery_min, WINDOW_FULL);
    BAD(recovery_min, WINDOW_FULL + 1);
    BAD(max_trials, 0);
    GOOD(max_trials, UINT32_MAX);
    BAD(success_threshold, 0);
    GOOD(success_threshold, UINT32_MAX);
    BAD(excluded_outcome, (breaker_outcome_t)0);
    GOOD(excluded_outcome, BREAKER_SUCCESS);
    GOOD(excluded_outcome, BREAKER_FAILURE);
    GOOD(excluded_outcome, BREAKER_CANCELLED);
    BAD(excluded_outcome, (breaker_outcome_t)5);
    BAD(excluded_outcome, (breaker_outcome_t)-1);
}

static void what_follows_from_the_options(void **state)
{
    static const struct {
        uint64_t broken_time, limit, expected;
    } limits[] = {{0, 0, 0},         {1, 0, 12},    {5000, 0, 60000},   {7200000, 0, DAY},
                  {7200001, 0, DAY}, {DAY, 0, DAY}, {5000, 5000, 5000}, {5000, 9999, 9999}};
    static const struct {
        double error, recovery, expected;
    } ratios[] = {{0.2, BREAKER_OFF, 0.2},
                  {0.2, 0.9, 0.9},
                  {BREAKER_OFF, BREAKER_OFF, 0.5},
                  {BREAKER_OFF, 0.1, 0.1}};
    static const struct {
        uint64_t window;
        unsigned buckets;
        uint64_t width;
    } widths[] = {{10000, 10, 1000}, {1, 1, 1}, {10001, 10, 1001}, {61, 60, 2}, {DAY, 60, 1440000}};
    struct rules rules;
    breaker_options_t o;

    (void)state;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        o = rig_options();
        o.broken_time = limits[i].broken_time;
        o.broken_limit = limits[i].limit;
        rules_make(&rules, &o);
        assert_int_equal(rules.options.broken_limit, limits[i].expected);
    }
    for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++) {
        o = rig_options();
        o.error_ratio = ratios[i].error;
        o.recovery_ratio = ratios[i].recovery;
        rules_make(&rules, &o);
        assert_true(rules.options.recovery_ratio == ratios[i].expected);
    }
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        o = rig_options();
        o.window = widths[i].window;
        o.buckets = widths[i].buckets;
        rules_make(&rules, &o);
        assert_int_equal(rules.geometry.width, widths[i].width);
        assert_int_equal(rules.geometry.buckets, widths[i].buckets);
        assert_int_equal(rules.geometry.last, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAYS("the defaults are those of the header, and good", the_defaults_are_good),
        SAYS("times are up to a day", times_are_up_to_a_day),
        SAYS("ratios are above 0 and up to 1", ratios_are_above_0_and_up_to_1),
        SAYS("a window has 1 to 60 buckets, of 1 ms at least, or 1 to 10000 outcomes",
             a_window_has_1_to_60_buckets_of_1_ms_at_least),
        SAYS("no minimum is larger than the last calls", no_minimum_is_larger_than_the_last_calls),
        SAYS("one rule at least is set", one_rule_at_least_is_set),
        SAYS("a slow ratio needs a slow time", a_slow_ratio_needs_a_slow_time),
        SAYS("the time of BROKEN grows within bounds", broken_time_grows_within_bounds),
        SAYS("the rest has its range", the_rest_has_its_range),
        SAYS("limit, recovery ratio and width follow from the other options",
             what_follows_from_the_options),
    };

    return cmocka_run_group_tests_name("ranges of options", tests, NULL, NULL);
}
