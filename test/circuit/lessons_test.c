/* What well-known breakers were measured to do wrong, each with the numbers it was measured with. */
#include "rig.h"

/* A call every so many ms, of which each lasts as long and ends so. */
static void stream(struct rig *r, unsigned calls, uint64_t each, breaker_outcome_t outcome)
{
    for (; calls > 0; calls--) {
        if (rig_ask(r) == 0)
            rig_settle(r, r->turn.permit, outcome);
        rig_wait(r, each);
    }
}

static void idle_then_one_failure(void **state)
{
    breaker_options_t o = rig_options();
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    stream(&r, 2000, 1, BREAKER_SUCCESS);
    rig_wait(&r, 3600000);
    rig_calls(&r, 1, BREAKER_FAILURE);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_counts(&r, 0, 1);
    rig_end(&r);
}

static void no_passing_without_a_probe(void **state)
{
    breaker_options_t o = rig_options();
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    stream(&r, 20, 1, BREAKER_FAILURE);
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    rig_wait(&r, 3600000);
    rig_admit(&r);
    rig_wait(&r, 60000);
    rig_calls(&r, 1, BREAKER_FAILURE); /* a probe, under guard; the one before is written off */
    assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
    rig_counts(&r, 0, 2);
    assert_int_equal(rig_ask_many(&r, 1000), 10);
    rig_end(&r);
}

static void a_cold_start_that_fails(void **state)
{
    breaker_options_t o = rig_options();
    unsigned failures = 0;
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    for (; rig_state(&r) == BREAKER_PASSING; failures++) {
        rig_calls(&r, 1, BREAKER_FAILURE);
        rig_wait(&r, 1);
    }
    assert_int_equal(failures, o.min_calls);
    rig_end(&r);
}

static void one_good_bucket_is_no_veto(void **state)
{
    breaker_options_t o = rig_options();
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    stream(&r, 10, 100, BREAKER_SUCCESS);
    stream(&r, 10, 100, BREAKER_FAILURE); /* half of twenty are enough */
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    assert_int_equal(rig_look(&r).tripped.ok, 10);
    assert_int_equal(rig_look(&r).tripped.failed, 10);
    rig_end(&r);
}

static void calls_longer_than_the_window(void **state)
{
    breaker_options_t o = rig_options();
    breaker_permit_t permits[300];
    unsigned failures = 0;
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    for (unsigned i = 0; rig_state(&r) == BREAKER_PASSING; i++) { /* ten a second, 30 s each */
        if (i >= 300) {
            rig_settle(&r, permits[i % 300], BREAKER_FAILURE);
            failures++;
        }
        if (rig_state(&r) == BREAKER_PASSING)
            permits[i % 300] = rig_admit(&r);
        rig_wait(&r, 100);
        assert_true(i < 1000);
    }
    assert_int_equal(failures, 20);
    rig_end(&r);
}

static void fifty_at_once_at_half_open(void **state)
{
    static const breaker_recovery_t recoveries[] = {BREAKER_TRIAL, BREAKER_SAMPLER};
    struct rig r;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        breaker_options_t o = rig_options();
        o.recovery = recoveries[i];
        rig_begin(&r, &o);
        r.draw = i == 0 ? ALWAYS : NEVER;
        rig_trip(&r);
        rig_wait(&r, o.broken_time);
        assert_int_equal(rig_ask_many(&r, 50), 1);
        rig_end(&r);
    }
}

static void a_hung_probe_does_not_refuse_for_ever(void **state)
{
    static const breaker_recovery_t recoveries[] = {BREAKER_TRIAL, BREAKER_SAMPLER};
    struct rig r;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        breaker_options_t o = rig_options();
        uint64_t worst = 0, last;
        o.recovery = recoveries[i];
        o.recovery_min = 1;
        rig_begin(&r, &o);
        rig_recover(&r);
        for (last = r.now; r.now < last + 10000000; rig_wait(&r, 100)) {
            if (rig_ask(&r) != 0) /* what is admitted never ends */
                continue;
            worst = r.now - last > worst ? r.now - last : worst;
            if (r.now > 21000000)
                break;
            last = r.now;
        }
        assert_true(r.now > 21000000);
        assert_true(worst <= o.probe_time + 12 * o.broken_time + 200);
        rig_end(&r);
    }
}

static void a_call_begun_while_closed_closes_nothing(void **state)
{
    breaker_options_t o = rig_options();
    breaker_permit_t old;
    struct rig r;

    (void)state;
    o.recovery = BREAKER_TRIAL;
    rig_begin(&r, &o);
    old = rig_admit(&r);
    rig_recover(&r);
    assert_int_equal(rig_settle(&r, old, BREAKER_SUCCESS), BREAKER_ESTALE);
    assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
    rig_end(&r);
}

static void refusals_open_nothing(void **state)
{
    breaker_options_t o = rig_plain(1);
    struct rig r;

    (void)state;
    o.min_calls = 1;
    o.error_ratio = 0.01;
    rig_begin(&r, &o);
    rig_calls(&r, 100, BREAKER_IGNORED); /* a limit of the user's own refused them */
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_hold(&r, BREAKER_HOLD_OPEN);
    assert_int_equal(rig_ask_many(&r, 100), 0);
    rig_hold(&r, BREAKER_HOLD_NONE);
    rig_calls(&r, 1, BREAKER_SUCCESS);
    rig_counts(&r, 1, 0);
    rig_end(&r);
}

static void the_window_advances_by_age(void **state)
{
    breaker_options_t o = rig_options();
    struct rig r;

    (void)state;
    o.error_ratio = 0.2;
    rig_begin(&r, &o);
    o.passing_time = 0;
    rig_calls(&r, 19, BREAKER_FAILURE);
    rig_wait(&r, 5 * 3600000);
    rig_calls(&r, 100, BREAKER_SUCCESS);
    rig_calls(&r, 1, BREAKER_FAILURE);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_counts(&r, 100, 1);
    rig_end(&r);
}

static void a_cancelled_probe_closes_nothing(void **state)
{
    breaker_options_t o = rig_options();
    struct rig r;

    (void)state;
    o.recovery = BREAKER_TRIAL;
    rig_begin(&r, &o);
    rig_recover(&r);
    rig_calls(&r, 100, BREAKER_CANCELLED);
    assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
    rig_calls(&r, 1, BREAKER_SUCCESS);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_end(&r);
}

static void the_clock_steps_back_3_seconds(void **state)
{
    breaker_options_t o = rig_options();
    unsigned calls = 0;
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    stream(&r, 1500, 10, BREAKER_SUCCESS);
    r.now -= 3000;
    stream(&r, 300, 10, BREAKER_SUCCESS);
    assert_true(rig_look(&r).counts.ok >= 900);
    for (; rig_state(&r) == BREAKER_PASSING && calls < 3000; calls++) {
        rig_calls(&r, 1, BREAKER_FAILURE);
        rig_wait(&r, 10);
    }
    assert_true(calls <= 700); /* the breaker is not off */
    rig_end(&r);
}

static void a_success_in_flight_at_the_trip_erases_nothing(void **state)
{
    breaker_options_t o = rig_plain(3);
    breaker_permit_t flying;
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    flying = rig_admit(&r);
    rig_calls(&r, 3, BREAKER_FAILURE);
    assert_int_equal(rig_settle(&r, flying, BREAKER_SUCCESS), BREAKER_ESTALE);
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    assert_int_equal(rig_look(&r).retry_after, o.broken_time);
    rig_end(&r);
}

static void thirty_thousand_calls_out(void **state)
{
    breaker_options_t o = rig_options();
    struct rig r;

    (void)state;
    o.recovery_min = 10;
    rig_begin(&r, &o);
    rig_trip(&r);
    rig_wait(&r, o.broken_time + 3600000);
    r.draw = ALWAYS;
    assert_int_equal(rig_ask_many(&r, 30000), 1); /* t is 0 when the first one asks */
    rig_wait(&r, 3600000);
    rig_admit(&r); /* the first one is written off */
    assert_int_equal(rig_ask_many(&r, 30000), 9);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAYS("2,000 ok calls, 1 h idle, then one failure: does not trip", idle_then_one_failure),
        SAYS("broken, 1 h idle, a call, 60 s, a call: no PASSING without evidence",
             no_passing_without_a_probe),
        SAYS("cold start, all failing, 1,000 calls/s: trips after min_calls",
             a_cold_start_that_fails),
        SAYS("one good bucket in ten is no veto", one_good_bucket_is_no_veto),
        SAYS("calls that last 30 s and fail, window 10 s: counted at their completion",
             calls_longer_than_the_window),
        SAYS("50 concurrent calls at half-open: one reaches the backend",
             fifty_at_once_at_half_open),
        SAYS("the probe hangs, or is never reported: not refused for ever",
             a_hung_probe_does_not_refuse_for_ever),
        SAYS("a call begun while closed succeeds after half-open began: closes nothing",
             a_call_begun_while_closed_closes_nothing),
        SAYS("only capacity refusals: opens nothing", refusals_open_nothing),
        SAYS("failures, 5 h idle, 100 ok, 1 failure, 20 %: does not trip",
             the_window_advances_by_age),
        SAYS("the half-open probe is cancelled: closes nothing", a_cancelled_probe_closes_nothing),
        SAYS("100 calls/s, the clock steps back 3 s: the window holds a thousand",
             the_clock_steps_back_3_seconds),
        SAYS("a success in flight at the trip erases nothing",
             a_success_in_flight_at_the_trip_erases_nothing),
        SAYS("30,000 calls out before the first verdict: ten", thirty_thousand_calls_out),
    };

    return cmocka_run_group_tests_name("lessons", tests, NULL, NULL);
}
