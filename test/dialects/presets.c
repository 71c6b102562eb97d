/* The presets promise what each system's documentation does: played on the native circuit. */
#include "circuit/native.h"
#include <breaker/dialects.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One native circuit under a preset, and calls in virtual time. */
static breaker_options_t options;
static struct rules rules;
static struct native circuit;
static void *cells;
static uint64_t now;
static double draw;

static int set_up(void **state)
{
    (void)state;
    rules_defaults(&options);
    now = 1000000;
    draw = 0.5;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(cells);
    cells = NULL;
    return 0;
}

static void begin(void)
{
    assert_null(rules_fault(&options));
    rules_make(&rules, &options);
    cells = malloc(native_cells(&rules));
    assert_non_null(cells);
    native_init(&circuit, cells, &rules, now);
}

static bool admit(breaker_permit_t *permit)
{
    struct turn turn = {.op = TURN_ADMIT, .now = now, .draw = draw};

    native_step(&circuit, &rules, &turn);
    *permit = turn.permit;
    return turn.verdict == 0;
}

static int settle(breaker_permit_t permit, breaker_outcome_t outcome)
{
    struct turn turn = {.op = TURN_SETTLE, .now = now, .draw = draw, .permit = permit};

    turn.outcome = (uint8_t)outcome;
    native_step(&circuit, &rules, &turn);
    return turn.verdict;
}

/* A whole call; false: refused. */
static bool call(breaker_outcome_t outcome)
{
    breaker_permit_t permit;

    if (!admit(&permit))
        return false;
    settle(permit, outcome);
    return true;
}

static void assert_state(breaker_state_t state)
{
    assert_int_equal(circuit.state, state);
}

/* ---- pybreaker ---------------------------------------------------------------------------------*/

static void pybreaker_opens_after_consecutive_failures(void **state)
{
    (void)state;
    breaker_options_pybreaker(&options, 3, 10000);
    begin();
    for (unsigned i = 0; i < 5; i++) { /* a success begins the count anew */
        call(BREAKER_FAILURE);
        call(BREAKER_FAILURE);
        call(BREAKER_SUCCESS);
    }
    assert_state(BREAKER_PASSING);
    call(BREAKER_FAILURE);
    now += 86400000; /* no window: consecutive is consecutive */
    call(BREAKER_FAILURE);
    call(BREAKER_FAILURE);
    assert_state(BREAKER_BROKEN);
}

static void pybreaker_lets_one_call_through_after_the_timeout(void **state)
{
    breaker_permit_t trial, second;

    (void)state;
    breaker_options_pybreaker(&options, 1, 10000);
    begin();
    call(BREAKER_FAILURE);
    now += 9999;
    assert_false(call(BREAKER_SUCCESS));
    now += 1;
    assert_true(admit(&trial));
    assert_false(admit(&second));
    settle(trial, BREAKER_FAILURE);
    assert_state(BREAKER_BROKEN);
    now += 9999; /* and always as long */
    assert_false(call(BREAKER_SUCCESS));
    now += 1;
    assert_true(call(BREAKER_SUCCESS));
    assert_state(BREAKER_PASSING);
    assert_int_equal(options.excluded_outcome, BREAKER_SUCCESS);
}

/* None of the quirks: what began before a transition does not decide after it. */
static void pybreaker_without_late_results(void **state)
{
    breaker_permit_t early[3];

    (void)state;
    breaker_options_pybreaker(&options, 1, 10000);
    begin();
    for (unsigned i = 0; i < 3; i++)
        assert_true(admit(&early[i]));
    settle(early[0], BREAKER_FAILURE);
    assert_state(BREAKER_BROKEN);
    now += 5000;
    assert_int_equal(settle(early[1], BREAKER_FAILURE), BREAKER_ESTALE); /* prolongs nothing */
    assert_int_equal(settle(early[2], BREAKER_SUCCESS), BREAKER_ESTALE); /* closes nothing */
    assert_state(BREAKER_BROKEN);
    now += 5000;
    assert_true(call(BREAKER_CANCELLED)); /* a cancelled trial is none */
    assert_state(BREAKER_RECOVERING);
    assert_true(call(BREAKER_SUCCESS));
    assert_state(BREAKER_PASSING);
}

/* ---- lasier ------------------------------------------------------------------------------------*/

static void lasier_counts_failures_in_a_window(void **state)
{
    (void)state;
    breaker_options_lasier(&options, 3, 60000, 30000);
    begin();
    call(BREAKER_FAILURE);
    call(BREAKER_SUCCESS);
    call(BREAKER_FAILURE);
    now += 70000;
    call(BREAKER_FAILURE);
    call(BREAKER_FAILURE);
    assert_state(BREAKER_PASSING);
    call(BREAKER_FAILURE);
    assert_state(BREAKER_BROKEN);
    now += 29999;
    assert_false(call(BREAKER_SUCCESS));
    now += 1;
    assert_true(call(BREAKER_FAILURE)); /* no half-open, and counters at zero */
    assert_state(BREAKER_PASSING);
}

static void lasier_wants_more_than_the_minimum(void **state)
{
    (void)state;
    breaker_options_lasier_percentage(&options, 50, 4, 60000, 30000);
    begin();
    for (unsigned i = 0; i < 4; i++)
        call(BREAKER_FAILURE);
    assert_state(BREAKER_PASSING);
    call(BREAKER_FAILURE);
    assert_state(BREAKER_BROKEN);
}

/* ---- requests ----------------------------------------------------------------------------------*/

static void requests_wants_both_minimum_and_share(void **state)
{
    (void)state;
    breaker_options_requests(&options, 60000, 10, 300000, 5);
    begin();
    for (unsigned i = 0; i < 4; i++)
        call(BREAKER_FAILURE);
    assert_state(BREAKER_PASSING);
    for (unsigned i = 0; i < 45; i++)
        call(BREAKER_SUCCESS);
    call(BREAKER_FAILURE); /* 5 of 50 */
    assert_state(BREAKER_BROKEN);
    now += 299999;
    assert_false(call(BREAKER_SUCCESS));
    now += 1;
    assert_true(call(BREAKER_FAILURE)); /* the log began anew with the trip */
    assert_state(BREAKER_PASSING);
}

/* 97 of 97 are all, whatever doubles say of it. */
static void requests_divides_exactly(void **state)
{
    static const unsigned counts[] = {97, 161, 167, 193};

    for (unsigned i = 0; i < 4; i++) {
        set_up(state);
        breaker_options_requests(&options, 60000, 100, 300000, counts[i]);
        begin();
        for (unsigned k = 0; k < counts[i]; k++) {
            assert_state(BREAKER_PASSING);
            call(BREAKER_FAILURE);
        }
        assert_state(BREAKER_BROKEN);
        tear_down(state);
    }
}

static void requests_sees_what_the_original_does_not(void **state)
{
    (void)state;
    breaker_options_requests(&options, 60000, 10, 300000, 5);
    assert_int_equal(options.classify(options.classify_data, -ECONNREFUSED), BREAKER_FAILURE);
    assert_int_equal(options.classify(options.classify_data, 500), BREAKER_FAILURE);
    assert_int_equal(options.classify(options.classify_data, 404), BREAKER_SUCCESS);
    assert_int_equal(options.classify(options.classify_data, -ECANCELED), BREAKER_CANCELLED);
}

/* ---- aiomisc -----------------------------------------------------------------------------------*/

static void aiomisc_notices_an_outage_at_low_traffic(void **state)
{
    unsigned calls = 0;

    (void)state;
    breaker_options_aiomisc(&options, 0.5, 10000, 5000, 8000, 0);
    begin();
    while (circuit.state == BREAKER_PASSING && calls < 100) {
        call(BREAKER_FAILURE); /* one per bucket: the original never trips */
        now += 1000;
        calls++;
    }
    assert_int_equal(calls, 10);
}

static void aiomisc_recovers_by_a_growing_sample(void **state)
{
    breaker_permit_t permit;
    unsigned admitted = 0;

    (void)state;
    breaker_options_aiomisc(&options, 0.5, 10000, 5000, 8000, 0);
    begin();
    for (unsigned i = 0; i < 10; i++)
        call(BREAKER_FAILURE);
    assert_state(BREAKER_BROKEN);
    now += 5000;
    for (unsigned i = 0; i < 8000 && circuit.state != BREAKER_PASSING; i++, now++) {
        draw = (i * 7919 % 1000) / 1000.0;
        if (admit(&permit)) {
            settle(permit, BREAKER_SUCCESS);
            admitted++;
        }
        if (i == 4000)
            assert_in_range(admitted, 400, 1000); /* the integral of 2^x - 1: 0.17 of 4000 */
    }
    now++;
    assert_true(call(BREAKER_SUCCESS));
    assert_state(BREAKER_PASSING);
}

/* One good bucket in ten does not veto, and failures are not needed in each. */
static void aiomisc_goes_by_the_ratio(void **state)
{
    (void)state;
    breaker_options_aiomisc(&options, 0.5, 10000, 5000, 8000, 0);
    begin();
    for (unsigned i = 0; i < 10; i++, now += 1000)
        call(i == 3 ? BREAKER_SUCCESS : BREAKER_FAILURE);
    assert_state(BREAKER_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pybreaker_opens_after_consecutive_failures, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(pybreaker_lets_one_call_through_after_the_timeout, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(pybreaker_without_late_results, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lasier_counts_failures_in_a_window, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lasier_wants_more_than_the_minimum, set_up, tear_down),
        cmocka_unit_test_setup_teardown(requests_wants_both_minimum_and_share, set_up, tear_down),
        cmocka_unit_test_setup_teardown(requests_divides_exactly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(requests_sees_what_the_original_does_not, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(aiomisc_notices_an_outage_at_low_traffic, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(aiomisc_recovers_by_a_growing_sample, set_up, tear_down),
        cmocka_unit_test_setup_teardown(aiomisc_goes_by_the_ratio, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
