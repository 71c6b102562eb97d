/* Holds: what an operator lays over the states. */
#include "rig.h"

/* Brings a circuit into a state. */
static void bring(struct rig *r, const breaker_options_t *o, breaker_state_t state)
{
    rig_begin(r, o);
    if (state == BREAKER_BROKEN)
        rig_trip(r);
    if (state == BREAKER_RECOVERING)
        rig_recover(r);
    assert_int_equal(rig_state(r), state);
}

static void forced_open(void **state)
{
    breaker_options_t o = rig_plain(1);
    struct rig r;

    (void)state;
    for (int at = BREAKER_PASSING; at <= BREAKER_RECOVERING; at++) {
        bring(&r, &o, (breaker_state_t)at);
        r.draw = ALWAYS;
        rig_hold(&r, BREAKER_HOLD_OPEN);
        assert_int_equal(rig_look(&r).hold, BREAKER_HOLD_OPEN);
        for (unsigned i = 0; i < 5; i++) {
            rig_refuse(&r);
            assert_false(r.turn.watched);
            assert_true(rig_look(&r).retry_after == UINT64_MAX);
            assert_int_equal(rig_state(&r), at); /* the circuit beneath keeps its state */
            rig_wait(&r, 3600000);
        }
        rig_hold(&r, BREAKER_HOLD_NONE);
        assert_int_equal(rig_state(&r), at);
        rig_admit(&r);
        rig_end(&r);
    }
}

static void forced_closed(void **state)
{
    breaker_options_t o = rig_plain(1);
    struct rig r;

    (void)state;
    for (int at = BREAKER_PASSING; at <= BREAKER_RECOVERING; at++) {
        bring(&r, &o, (breaker_state_t)at);
        rig_hold(&r, BREAKER_HOLD_CLOSED);
        assert_int_equal(rig_look(&r).retry_after, 0);
        assert_int_equal(rig_ask_many(&r, 1000), 1000);
        rig_calls(&r, 100, BREAKER_FAILURE); /* nothing is counted */
        rig_calls(&r, 100, BREAKER_SUCCESS);
        rig_calls(&r, 100, BREAKER_IGNORED);
        rig_counts(&r, 0, 0);
        assert_int_equal(rig_look(&r).counts.consecutive, 0);
        assert_int_equal(rig_look(&r).last_error, -1); /* but known */
        assert_int_equal(rig_state(&r), at);
        rig_wait(&r, 3600000);
        rig_calls(&r, 1, BREAKER_FAILURE);
        assert_int_equal(rig_state(&r), at);
        rig_end(&r);
    }
}

static void watch_refuses_nothing(void **state)
{
    breaker_options_t o = rig_plain(3);
    breaker_permit_t probe, watched;
    struct rig r;

    (void)state;
    o.recovery = BREAKER_TRIAL;
    rig_begin(&r, &o);
    rig_hold(&r, BREAKER_HOLD_WATCH);
    for (unsigned i = 0; i < 3; i++) { /* decides, counts and tells as always */
        probe = rig_admit(&r);
        assert_false(r.turn.watched);
        rig_settle(&r, probe, BREAKER_FAILURE);
    }
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    assert_int_equal(rig_look(&r).tripped.failed, 3);
    assert_int_equal(rig_look(&r).retry_after, 0); /* nobody is refused */
    watched = rig_admit(&r);
    assert_true(r.turn.watched); /* would have been */
    assert_int_equal(rig_settle(&r, watched, BREAKER_FAILURE), 0);
    assert_int_equal(rig_settle(&r, watched, BREAKER_SUCCESS), 0);
    rig_wait(&r, o.broken_time);
    probe = rig_admit(&r);
    assert_false(r.turn.watched);
    assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
    watched = rig_admit(&r); /* beyond max_trials */
    assert_true(r.turn.watched);
    assert_int_equal(rig_settle(&r, watched, BREAKER_FAILURE), 0); /* its outcome is not counted */
    assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
    rig_counts(&r, 0, 0);
    assert_int_equal(rig_settle(&r, probe, BREAKER_SUCCESS), 0);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_end(&r);
}

static void each_change_of_the_hold_begins_fresh_counts(void **state)
{
    static const breaker_hold_t holds[] = {BREAKER_HOLD_OPEN, BREAKER_HOLD_CLOSED,
                                           BREAKER_HOLD_WATCH};
    breaker_options_t o = rig_plain(5);
    breaker_permit_t before, during;
    struct rig r;

    (void)state;
    o.recovery_min = 5;
    for (unsigned i = 0; i < 6; i++) {
        bring(&r, &o, i < 3 ? BREAKER_PASSING : BREAKER_RECOVERING);
        r.draw = ALWAYS;
        rig_wait(&r, 1);
        rig_calls(&r, 2, BREAKER_FAILURE);
        before = rig_admit(&r);
        rig_hold(&r, holds[i % 3]);
        rig_counts(&r, 0, 0);
        assert_int_equal(rig_look(&r).counts.consecutive, 0);
        assert_int_equal(rig_settle(&r, before, BREAKER_FAILURE), BREAKER_ESTALE);
        rig_ask(&r);
        during = r.turn.permit;
        rig_hold(&r, BREAKER_HOLD_NONE);
        rig_settle(&r, during, BREAKER_FAILURE);
        rig_counts(&r, 0, 0);
        assert_int_equal(rig_ask_many(&r, 5), 5); /* no place is lost */
        rig_end(&r);
    }
}

/* The permit of a forced call is good for its result whenever it comes, and counts nowhere. */
static void a_forced_call_never_counts(void **state)
{
    breaker_options_t o = rig_plain(1);
    breaker_permit_t permit;
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    rig_hold(&r, BREAKER_HOLD_CLOSED);
    permit = rig_admit(&r);
    rig_hold(&r, BREAKER_HOLD_NONE);
    assert_int_equal(rig_settle(&r, permit, BREAKER_FAILURE), 0);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_counts(&r, 0, 0);
    rig_recover(&r);
    r.draw = ALWAYS;
    rig_wait(&r, 1);
    assert_int_equal(rig_ask_many(&r, 100), 10);
    assert_int_equal(rig_settle(&r, permit, BREAKER_SUCCESS), 0);
    rig_refuse(&r); /* it gave no place back */
    rig_end(&r);
}

/* Since, trips and the time of BROKEN are the circuit's own, and go on under a hold. */
static void broken_goes_on_under_a_hold(void **state)
{
    breaker_options_t o = rig_plain(1);
    uint64_t since;
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    rig_calls(&r, 1, BREAKER_FAILURE);
    since = rig_look(&r).since;
    rig_wait(&r, 2000);
    rig_hold(&r, BREAKER_HOLD_CLOSED);
    rig_wait(&r, 1000);
    rig_hold(&r, BREAKER_HOLD_NONE);
    assert_int_equal(rig_look(&r).since, since);
    assert_int_equal(rig_look(&r).retry_after, 2000);
    assert_int_equal(rig_look(&r).trips, 1);
    assert_int_equal(rig_look(&r).tripped.failed, 1);
    rig_wait(&r, 2000);
    rig_admit(&r);
    assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
    rig_end(&r);
}

static void orders_reach_the_circuit_beneath(void **state)
{
    static const breaker_hold_t holds[] = {BREAKER_HOLD_OPEN, BREAKER_HOLD_CLOSED,
                                           BREAKER_HOLD_WATCH};
    breaker_options_t o = rig_plain(1);
    struct rig r;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        rig_begin(&r, &o);
        rig_hold(&r, holds[i]);
        rig_order(&r, TURN_TRIP);
        assert_int_equal(rig_state(&r), BREAKER_BROKEN);
        rig_order(&r, TURN_RECOVER);
        assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
        rig_order(&r, TURN_RESET);
        assert_int_equal(rig_state(&r), BREAKER_PASSING);
        assert_int_equal(rig_look(&r).hold, holds[i]);
        rig_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAYS("forced open: every call is refused; the circuit beneath keeps its state",
             forced_open),
        SAYS("forced closed: every call is admitted; nothing is counted", forced_closed),
        SAYS("watch-only: decide, count and tell, but refuse nothing", watch_refuses_nothing),
        SAYS("each change of the hold begins a new epoch with fresh counts",
             each_change_of_the_hold_begins_fresh_counts),
        SAYS("the outcome of a forced call counts nowhere", a_forced_call_never_counts),
        SAYS("BROKEN goes on under a hold", broken_goes_on_under_a_hold),
        SAYS("orders reach the circuit beneath", orders_reach_the_circuit_beneath),
    };

    return cmocka_run_group_tests_name("holds", tests, NULL, NULL);
}
