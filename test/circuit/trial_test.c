/* RECOVERING by trial, or not at all; and probes whose results never come. */
#include "rig.h"

static breaker_options_t trial(unsigned max_trials, unsigned success_threshold)
{
    breaker_options_t o = rig_plain(1);

    o.recovery = BREAKER_TRIAL;
    o.max_trials = max_trials;
    o.success_threshold = success_threshold;
    return o;
}

static void at_most_max_trials_at_once(void **state)
{
    static const unsigned trials[] = {1, 2, 3, 100};
    breaker_permit_t permit;
    struct rig r;

    (void)state;
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        breaker_options_t o = trial(trials[i], 1000);
        rig_begin(&r, &o);
        rig_recover(&r);
        r.draw = NEVER; /* no chance in it */
        permit = rig_admit(&r);
        assert_int_equal(rig_ask_many(&r, 1000), trials[i] - 1);
        assert_int_equal(rig_settle(&r, permit, BREAKER_SUCCESS), 0);
        assert_int_equal(rig_ask_many(&r, 1000), 1);
        rig_end(&r);
    }
}

static void success_threshold_successes_close(void **state)
{
    static const unsigned thresholds[] = {1, 2, 10};
    struct rig r;

    (void)state;
    for (size_t i = 0; i < sizeof thresholds / sizeof *thresholds; i++) {
        breaker_options_t o = trial(1, thresholds[i]);
        rig_begin(&r, &o);
        rig_recover(&r);
        rig_calls(&r, thresholds[i] - 1, BREAKER_SUCCESS);
        assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
        rig_calls(&r, 1, BREAKER_SUCCESS); /* at once, whatever recovery_time */
        assert_int_equal(rig_state(&r), BREAKER_PASSING);
        assert_int_equal(r.turn.evidence.ok, thresholds[i]);
        rig_end(&r);
    }
}

static void one_failure_breaks(void **state)
{
    breaker_options_t o = trial(1, 10);
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    rig_recover(&r);
    rig_calls(&r, 9, BREAKER_SUCCESS);
    assert_int_equal(rig_look(&r).last_error, 0);
    rig_calls(&r, 1, BREAKER_FAILURE);
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    assert_int_equal(rig_look(&r).last_error, -1);
    assert_int_equal(rig_look(&r).tripped.ok, 9);
    assert_int_equal(rig_look(&r).tripped.failed, 1);
    rig_end(&r);
}

static void one_slow_call_breaks_where_a_rule_asks(void **state)
{
    breaker_options_t o = trial(1, 1);
    struct rig r;

    (void)state;
    o.slow_time = 100;
    o.slow_ratio = 1;
    for (unsigned ms = 99; ms <= 100; ms++) {
        breaker_permit_t permit;
        rig_begin(&r, &o);
        rig_recover(&r);
        permit = rig_admit(&r);
        rig_wait(&r, ms);
        rig_settle(&r, permit, BREAKER_SUCCESS);
        assert_int_equal(rig_state(&r), ms < 100 ? BREAKER_PASSING : BREAKER_BROKEN);
        rig_end(&r);
    }
}

static void immediate_goes_straight_to_passing(void **state)
{
    breaker_options_t o = rig_plain(3);
    struct rig r;

    (void)state;
    o.recovery = BREAKER_IMMEDIATE;
    rig_begin(&r, &o);
    rig_calls(&r, 3, BREAKER_FAILURE);
    rig_wait(&r, o.broken_time - 1);
    rig_refuse(&r);
    rig_wait(&r, 1);
    rig_admit(&r);
    assert_true(r.turn.moved);
    assert_int_equal(r.turn.to, BREAKER_PASSING);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_counts(&r, 0, 0);
    assert_int_equal(rig_look(&r).counts.consecutive, 0);
    assert_int_equal(rig_ask_many(&r, 1000), 1000);
    rig_calls(&r, 2, BREAKER_FAILURE);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_end(&r);
}

static void neutral_outcomes_give_the_place_back(void **state)
{
    static const breaker_outcome_t neutral[] = {BREAKER_IGNORED, BREAKER_CANCELLED};
    static const breaker_recovery_t recoveries[] = {BREAKER_TRIAL, BREAKER_SAMPLER};
    struct rig r;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        breaker_options_t o = trial(1, 1);
        o.recovery = recoveries[i / 2];
        o.recovery_min = 1;
        rig_begin(&r, &o);
        rig_recover(&r);
        r.draw = ALWAYS;
        rig_wait(&r, 1);
        for (unsigned n = 0; n < 100; n++) {
            breaker_permit_t permit = rig_admit(&r);
            rig_refuse(&r);
            assert_int_equal(rig_settle(&r, permit, neutral[i % 2]), 0);
            assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
            rig_counts(&r, 0, 0);
        }
        assert_int_equal(rig_look(&r).last_error, 0);
        rig_end(&r);
    }
}

/* ---- Missing results ---------------------------------------------------------------------------*/

static void missing_results_are_one_failure(void **state)
{
    static const unsigned trials[] = {1, 2, 50};
    struct rig r;

    (void)state;
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        breaker_options_t o = trial(trials[i], 1);
        uint64_t epoch;
        rig_begin(&r, &o);
        rig_recover(&r);
        assert_int_equal(rig_ask_many(&r, trials[i]), trials[i]);
        epoch = rig_look(&r).epoch;
        rig_wait(&r, o.probe_time - 1);
        assert_int_equal(rig_look(&r).retry_after, 1);
        rig_refuse(&r);
        assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
        rig_wait(&r, 1); /* looked at when somebody asks; no timer */
        assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
        assert_int_equal(rig_look(&r).retry_after, 0);
        rig_wait(&r, 12345);
        assert_int_equal(rig_look(&r).retry_after, 0);
        rig_refuse(&r);
        assert_int_equal(rig_state(&r), BREAKER_BROKEN);
        assert_int_equal(r.turn.evidence.failed, 1);
        assert_int_equal(rig_look(&r).epoch, epoch + 2);
        rig_wait(&r, o.broken_time);
        rig_calls(&r, 1, BREAKER_SUCCESS); /* not refused for ever */
        assert_int_equal(rig_state(&r), BREAKER_PASSING);
        rig_end(&r);
    }
}

static void the_clock_runs_from_the_last_admission(void **state)
{
    breaker_options_t o = trial(3, 3);
    breaker_permit_t first, second;
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    rig_recover(&r);
    first = rig_admit(&r);
    rig_wait(&r, o.probe_time - 1);
    second = rig_admit(&r);
    rig_wait(&r, o.probe_time - 1);
    assert_int_equal(rig_settle(&r, second, BREAKER_SUCCESS), 0);
    rig_admit(&r); /* once more from here */
    rig_wait(&r, o.probe_time - 1);
    assert_int_equal(rig_settle(&r, first, BREAKER_SUCCESS), 0); /* late, but nobody asked */
    rig_counts(&r, 2, 0);
    assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
    rig_wait(&r, 1);
    rig_refuse(&r);
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    rig_end(&r);
}

static void with_no_result_missing_no_clock_runs(void **state)
{
    breaker_options_t o = trial(1, 2);
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    rig_recover(&r);
    rig_calls(&r, 1, BREAKER_SUCCESS);
    rig_wait(&r, 3600000);
    rig_calls(&r, 1, BREAKER_IGNORED);
    rig_wait(&r, 3600000);
    rig_calls(&r, 1, BREAKER_SUCCESS);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_end(&r);
}

/* The sampler goes on after it, with fresh places. */
static void what_comes_later_is_late(void **state)
{
    breaker_options_t o = rig_plain(0);
    breaker_permit_t permits[10], fresh;
    uint64_t epoch;
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    rig_recover(&r);
    r.draw = ALWAYS;
    rig_wait(&r, 1);
    for (unsigned i = 0; i < 10; i++)
        permits[i] = rig_admit(&r);
    epoch = rig_look(&r).epoch;
    rig_wait(&r, o.probe_time);
    fresh = rig_admit(&r);
    assert_false(r.turn.moved);
    assert_int_equal(rig_look(&r).epoch, epoch + 1);
    rig_counts(&r, 0, 1);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(rig_settle(&r, permits[i], i % 2 ? BREAKER_SUCCESS : BREAKER_FAILURE),
                         BREAKER_ESTALE);
    rig_counts(&r, 0, 1);
    assert_int_equal(rig_look(&r).last_error, 0);
    assert_int_equal(rig_ask_many(&r, 100), 9); /* late ones give no place back twice */
    assert_int_equal(rig_settle(&r, fresh, BREAKER_SUCCESS), 0);
    rig_counts(&r, 1, 1);
    rig_end(&r);
}

static void written_off_once(void **state)
{
    breaker_options_t o = rig_plain(0);
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    rig_recover(&r);
    rig_admit(&r);
    rig_wait(&r, o.probe_time);
    rig_calls(&r, 1, BREAKER_SUCCESS);
    rig_counts(&r, 1, 1);
    rig_wait(&r, o.probe_time);
    rig_calls(&r, 1, BREAKER_SUCCESS);
    rig_counts(&r, 2, 1);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAYS("trial: at most max_trials calls at once", at_most_max_trials_at_once),
        SAYS("trial: success_threshold successes close", success_threshold_successes_close),
        SAYS("trial: one failure breaks", one_failure_breaks),
        SAYS("trial: one slow call breaks, where a rule asks",
             one_slow_call_breaks_where_a_rule_asks),
        SAYS("immediate: straight to PASSING", immediate_goes_straight_to_passing),
        SAYS("IGNORED and CANCELLED give a permit back and say nothing about the dependency",
             neutral_outcomes_give_the_place_back),
        SAYS("when probe_time has passed the missing ones count as one failure",
             missing_results_are_one_failure),
        SAYS("trials have one clock: since the last admission",
             the_clock_runs_from_the_last_admission),
        SAYS("with no result missing no clock runs", with_no_result_missing_no_clock_runs),
        SAYS("what comes for missing ones later is late", what_comes_later_is_late),
        SAYS("missing results are written off once", written_off_once),
    };

    return cmocka_run_group_tests_name("trial", tests, NULL, NULL);
}
