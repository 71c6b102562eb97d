/* When the evidence of PASSING trips: each rule at its edge, alone and beside others. */
#include "rig.h"

static int calls_of_rule;

static int third_slow(void *data, const breaker_counts_t *counts)
{
    calls_of_rule++;
    assert_ptr_equal(data, &calls_of_rule);
    return counts->slow >= 3;
}

static breaker_options_t ratio(double error_ratio, unsigned min_calls)
{
    breaker_options_t options = rig_options();

    options.error_ratio = error_ratio;
    options.min_calls = min_calls;
    return options;
}

static bool trips(const breaker_options_t *options, breaker_counts_t counts, bool was_failure,
                  bool was_slow)
{
    struct rules rules;

    rules_make(&rules, options);
    return rules_trip(&rules, &counts, was_failure, was_slow);
}

/* ok, failed, then: does it trip on a failure? */
static void an_error_ratio_is_met_exactly(void **state)
{
    static const struct {
        double ratio;
        uint32_t failed, all;
        bool trips;
    } table[] = {
        {0.1, 3, 30, true},
        {0.1, 2, 30, false},
        {0.1, 3, 31, false},
        {0.1, 1, 10, true},
        {0.1, 1, 11, false},
        {0.1, 7, 70, true},
        {0.3, 3, 10, true},
        {0.3, 6, 20, true},
        {0.3, 5, 20, false},
        {0.7, 7, 10, true},
        {0.7, 21, 30, true},
        {0.7, 20, 30, false},
        {0.5, 1, 2, true},
        {0.5, 1, 3, false},
        {0.5, 10, 20, true},
        {0.5, 9, 20, false},
        {1, 20, 20, true},
        {1, 19, 20, false},
        {0.05, 1, 20, true},
        {0.05, 1, 21, false},
        {0.29, 29, 100, true},
        {0.29, 28, 100, false},
        {0.57, 57, 100, true},
        {0.001, 1, 1000, true},
        {0.001, 1, 1001, false},
        {0.333, 333, 1000, true},
        {5e-324, 1, UINT32_C(1) << 31, true},
        {1, UINT32_C(1) << 31, UINT32_C(1) << 31, true},
        {1, (UINT32_C(1) << 31) - 1, UINT32_C(1) << 31, false},
        {0.999999999, (UINT32_C(1) << 31) - 1, UINT32_C(1) << 31, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        breaker_options_t o = ratio(table[i].ratio, 1);
        breaker_counts_t counts = {table[i].all - table[i].failed, table[i].failed, 0, 1};
        if (trips(&o, counts, true, false) != table[i].trips)
            fail_msg("%u of %u at %.12g", table[i].failed, table[i].all, table[i].ratio);
    }
}

/* k of n meets the ratio that the user wrote as k/n; one failure fewer, or one success more, does not. */
static void every_fraction_is_met_exactly(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 400; n++) {
        for (uint32_t k = 1; k <= n; k++) {
            breaker_options_t o = ratio((double)k / n, 1);
            assert_true(trips(&o, (breaker_counts_t){n - k, k, 0, 1}, true, false));
            assert_true(trips(&o, (breaker_counts_t){7 * (n - k), 7 * k, 0, 1}, true, false));
            assert_false(trips(&o, (breaker_counts_t){n - k + 1, k - 1, 0, 1}, true, false));
            assert_false(trips(&o, (breaker_counts_t){n - k + 1, k, 0, 1}, true, false));
        }
    }
}

/* Decimals as they are written: 0.01, 0.02, ... of a thousand. */
static void every_percentage_is_met_exactly(void **state)
{
    (void)state;
    for (uint32_t percent = 1; percent <= 100; percent++) {
        for (uint32_t hundreds = 1; hundreds <= 50; hundreds++) {
            breaker_options_t o = ratio(percent / 100.0, 1);
            uint32_t n = 100 * hundreds, k = percent * hundreds;
            assert_true(trips(&o, (breaker_counts_t){n - k, k, 0, 1}, true, false));
            assert_false(trips(&o, (breaker_counts_t){n - k + 1, k - 1, 0, 1}, true, false));
        }
    }
}

static void a_ratio_wants_a_minimum_of_calls(void **state)
{
    breaker_options_t o = ratio(0.5, 20);

    (void)state;
    assert_false(trips(&o, (breaker_counts_t){0, 19, 0, 19}, true, false));
    assert_true(trips(&o, (breaker_counts_t){0, 20, 0, 20}, true, false));
    assert_true(trips(&o, (breaker_counts_t){10, 10, 0, 1}, true, false));
    o.min_calls = UINT32_MAX;
    assert_false(trips(&o, (breaker_counts_t){0, WINDOW_FULL, 0, 20}, true, false));
}

static void a_success_trips_where_it_completes_the_minimum(void **state)
{
    breaker_options_t o = ratio(0.5, 20);

    (void)state;
    assert_false(trips(&o, (breaker_counts_t){1, 18, 0, 0}, false, false));
    assert_true(trips(&o, (breaker_counts_t){1, 19, 0, 0}, false, false));
    assert_true(trips(&o, (breaker_counts_t){10, 10, 0, 0}, false, false));
    assert_false(trips(&o, (breaker_counts_t){11, 9, 0, 0}, false, false));
    assert_false(trips(&o, (breaker_counts_t){2, 19, 0, 0}, false, false));
}

static void a_ratio_wants_a_minimum_of_failures(void **state)
{
    breaker_options_t o = ratio(0.1, 1);

    (void)state;
    o.min_failures = 5;
    assert_false(trips(&o, (breaker_counts_t){0, 4, 0, 4}, true, false));
    assert_true(trips(&o, (breaker_counts_t){0, 5, 0, 5}, true, false));
    assert_true(trips(&o, (breaker_counts_t){45, 5, 0, 1}, true, false));
    assert_false(trips(&o, (breaker_counts_t){46, 5, 0, 1}, true, false));
}

static void so_many_failures_in_the_window_trip(void **state)
{
    breaker_options_t o = rig_plain(0);

    (void)state;
    o.max_failures = 5;
    assert_false(trips(&o, (breaker_counts_t){0, 4, 0, 4}, true, false));
    assert_true(trips(&o, (breaker_counts_t){0, 5, 0, 5}, true, false));
    assert_true(trips(&o, (breaker_counts_t){1000000, 5, 0, 1}, true, false));
    assert_true(trips(&o, (breaker_counts_t){0, 6, 0, 6}, true, false));
    assert_false(trips(&o, (breaker_counts_t){0, 5, 0, 0}, false, false));
}

static void so_many_in_a_row_trip(void **state)
{
    breaker_options_t o = rig_plain(3);

    (void)state;
    assert_false(trips(&o, (breaker_counts_t){0, 100, 0, 2}, true, false));
    assert_true(trips(&o, (breaker_counts_t){0, 0, 0, 3}, true, false));
    assert_true(trips(&o, (breaker_counts_t){100, 3, 0, 3}, true, false));
    assert_false(trips(&o, (breaker_counts_t){100, 3, 0, 3}, false, false));
}

static void a_share_of_slow_calls_trips(void **state)
{
    breaker_options_t o = rig_options();

    (void)state;
    o.error_ratio = BREAKER_OFF;
    o.slow_ratio = 0.3;
    o.slow_time = 100;
    o.min_calls = 10;
    assert_true(trips(&o, (breaker_counts_t){10, 0, 3, 0}, false, true));
    assert_false(trips(&o, (breaker_counts_t){10, 0, 2, 0}, false, true));
    assert_false(trips(&o, (breaker_counts_t){9, 0, 9, 0}, false, true));
    assert_true(trips(&o, (breaker_counts_t){5, 5, 3, 0}, true, true));
    assert_true(trips(&o, (breaker_counts_t){10, 0, 3, 0}, false, false)); /* completes ten */
    assert_false(trips(&o, (breaker_counts_t){11, 0, 11, 0}, false, false));
    assert_true(trips(&o, (breaker_counts_t){11, 0, 11, 0}, false, true));
    assert_false(trips(&o, (breaker_counts_t){0, 100, 0, 100}, true, false));
}

static void a_rule_of_the_users_own_trips(void **state)
{
    breaker_options_t o = rig_plain(0);

    (void)state;
    o.rule = third_slow;
    o.rule_data = &calls_of_rule;
    calls_of_rule = 0;
    assert_false(trips(&o, (breaker_counts_t){10, 10, 2, 10}, true, true));
    assert_int_equal(calls_of_rule, 1);
    assert_true(trips(&o, (breaker_counts_t){10, 0, 3, 0}, false, false));
    assert_int_equal(calls_of_rule, 2);
}

static void of_several_rules_any_trips(void **state)
{
    breaker_options_t o = ratio(0.5, 20);

    (void)state;
    o.max_failures = 50;
    o.consecutive_failures = 5;
    o.slow_ratio = 0.25;
    o.slow_time = 10;
    o.rule = third_slow;
    o.rule_data = &calls_of_rule;
    assert_false(trips(&o, (breaker_counts_t){61, 39, 2, 4}, true, false)); /* none */
    assert_true(trips(&o, (breaker_counts_t){20, 20, 0, 1}, true, false));  /* ratio */
    assert_true(trips(&o, (breaker_counts_t){500, 50, 0, 1}, true, false)); /* in the window */
    assert_true(trips(&o, (breaker_counts_t){0, 5, 0, 5}, true, false));    /* in a row */
    assert_true(trips(&o, (breaker_counts_t){8, 0, 3, 0}, false, false));   /* the user's */
    o.rule = NULL;
    assert_true(trips(&o, (breaker_counts_t){20, 0, 5, 0}, false, true)); /* slow */
    assert_false(trips(&o, (breaker_counts_t){20, 0, 4, 0}, false, true));
}

static void nothing_reaches_no_ratio(void **state)
{
    breaker_counts_t none = {0, 0, 0, 0}, one = {0, 1, 0, 1};

    (void)state;
    assert_false(rules_reached(5e-324, 0, &none));
    assert_false(rules_reached(5e-324, 0, &one));
    assert_true(rules_reached(1, 1, &one));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAYS("3 of 30 at 0.1 trips, 2 of 30 does not; and so at every edge",
             an_error_ratio_is_met_exactly),
        SAYS("k of n meets k/n, for all up to 400", every_fraction_is_met_exactly),
        SAYS("a percentage is met by that many of a hundred", every_percentage_is_met_exactly),
        SAYS("a ratio wants a minimum of calls", a_ratio_wants_a_minimum_of_calls),
        SAYS("looked at on success too, when that completes the minimum",
             a_success_trips_where_it_completes_the_minimum),
        SAYS("and, if wanted, a minimum of failures", a_ratio_wants_a_minimum_of_failures),
        SAYS("failures in the window", so_many_failures_in_the_window_trip),
        SAYS("consecutive failures", so_many_in_a_row_trip),
        SAYS("slow-call ratio", a_share_of_slow_calls_trips),
        SAYS("a user's own function, after each result", a_rule_of_the_users_own_trips),
        SAYS("any of those given trips", of_several_rules_any_trips),
        SAYS("nothing reaches no ratio", nothing_reaches_no_ratio),
    };

    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
