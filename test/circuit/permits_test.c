/* Permits and their epochs: a result counts in its own, and nowhere else. */
#include "rig.h"
#include <string.h>

/* Nothing of the circuit changes by a result that is late. */
static void settle_late(struct rig *r, breaker_permit_t permit, breaker_outcome_t outcome)
{
    struct native before = r->circuit;
    breaker_snapshot_t seen = rig_look(r), after;

    assert_int_equal(rig_settle(r, permit, outcome), BREAKER_ESTALE);
    assert_false(r->turn.moved);
    after = rig_look(r);
    assert_memory_equal(&seen, &after, sizeof seen);
    assert_memory_equal(&before, &r->circuit, sizeof before);
}

static const breaker_outcome_t outcomes[] = {BREAKER_SUCCESS, BREAKER_FAILURE, BREAKER_IGNORED,
                                             BREAKER_CANCELLED};

static void all_late(struct rig *r, breaker_permit_t permit)
{
    for (unsigned i = 0; i < 4; i++)
        settle_late(r, permit, outcomes[i]);
}

static void a_permit_carries_epoch_and_start(void **state)
{
    breaker_options_t o = rig_options();
    breaker_permit_t permit;
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    rig_wait(&r, 77);
    permit = rig_admit(&r);
    assert_int_equal(permit.start, r.now);
    assert_int_equal(permit.epoch, rig_look(&r).epoch);
    rig_trip(&r);
    rig_refuse(&r);
    assert_int_equal(r.turn.permit.epoch, 0);
    assert_int_equal(r.turn.permit.start, 0);
    rig_end(&r);
}

static void results_of_passing_are_late_after_it(void **state)
{
    breaker_options_t o = rig_plain(0);
    breaker_permit_t permit;
    struct rig r;

    (void)state;
    o.recovery = BREAKER_TRIAL;
    o.success_threshold = 2;
    rig_begin(&r, &o);
    permit = rig_admit(&r);
    rig_trip(&r);
    all_late(&r, permit); /* in BROKEN */
    rig_wait(&r, 5000);
    all_late(&r, permit);
    rig_calls(&r, 1, BREAKER_SUCCESS);
    assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
    all_late(&r, permit); /* a call begun while closed neither closes nor breaks */
    rig_admit(&r);
    all_late(&r, permit); /* nor gives a place back that it does not have */
    rig_refuse(&r);
    assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
    rig_order(&r, TURN_RESET);
    all_late(&r, permit); /* in the next PASSING */
    rig_end(&r);
}

static void probes_are_late_after_recovering(void **state)
{
    breaker_options_t o = rig_plain(2);
    breaker_permit_t probe, other;
    struct rig r;

    (void)state;
    o.recovery = BREAKER_TRIAL;
    o.max_trials = 3;
    rig_begin(&r, &o);
    rig_recover(&r);
    probe = rig_admit(&r);
    other = rig_admit(&r);
    assert_int_equal(rig_settle(&r, rig_admit(&r), BREAKER_FAILURE), 0);
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    all_late(&r, probe);
    rig_recover(&r);
    all_late(&r, probe); /* the RECOVERING after it is another */
    rig_calls(&r, 1, BREAKER_SUCCESS);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    all_late(&r, other);
    rig_counts(&r, 0, 0);
    rig_end(&r);
}

static void a_permit_that_was_never_given_is_late(void **state)
{
    static const uint64_t epochs[] = {0, 2, 1000, UINT64_MAX - 1};
    breaker_options_t o = rig_plain(1);
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    assert_int_equal(rig_look(&r).epoch, 1);
    for (size_t i = 0; i < sizeof epochs / sizeof *epochs; i++)
        all_late(&r, (breaker_permit_t){epochs[i], r.now});
    rig_end(&r);
}

static void each_order_and_hold_begins_an_epoch(void **state)
{
    static const enum turn_op orders[] = {TURN_TRIP,    TURN_TRIP,  TURN_RECOVER,
                                          TURN_RECOVER, TURN_RESET, TURN_RESET,
                                          TURN_RECOVER, TURN_TRIP,  TURN_RESET};
    breaker_options_t o = rig_plain(0);
    uint64_t epoch = 1;
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        rig_order(&r, orders[i]);
        assert_int_equal(rig_look(&r).epoch, ++epoch);
        rig_hold(&r, BREAKER_HOLD_OPEN);
        assert_int_equal(rig_look(&r).epoch, ++epoch);
        rig_hold(&r, BREAKER_HOLD_OPEN); /* no change */
        assert_int_equal(rig_look(&r).epoch, epoch);
        rig_hold(&r, BREAKER_HOLD_NONE);
        assert_int_equal(rig_look(&r).epoch, ++epoch);
        rig_wait(&r, 1);
    }
    rig_end(&r);
}

static void the_last_error_is_that_of_a_failure_that_counts(void **state)
{
    breaker_options_t o = rig_plain(0);
    breaker_permit_t permit;
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    permit = rig_admit(&r);
    rig_calls(&r, 1, BREAKER_SUCCESS);
    rig_calls(&r, 1, BREAKER_IGNORED);
    assert_int_equal(rig_look(&r).last_error, 0);
    rig_order(&r, TURN_RESET);
    settle_late(&r, permit, BREAKER_FAILURE);
    assert_int_equal(rig_look(&r).last_error, 0);
    rig_calls(&r, 1, BREAKER_FAILURE);
    assert_int_equal(rig_look(&r).last_error, -1);
    rig_calls(&r, 3, BREAKER_SUCCESS);
    rig_order(&r, TURN_RESET);
    assert_int_equal(rig_look(&r).last_error, -1); /* until another one */
    rig_end(&r);
}

/* A permit's epoch is not its circuit's age: a result of the present epoch counts after any time. */
static void an_old_permit_of_the_present_epoch_counts(void **state)
{
    breaker_options_t o = rig_plain(0);
    breaker_permit_t permit;
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    permit = rig_admit(&r);
    rig_wait(&r, UINT64_C(1) << 40);
    assert_int_equal(rig_settle(&r, permit, BREAKER_FAILURE), 0);
    rig_counts(&r, 0, 1);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAYS("permits are small values that carry epoch and start",
             a_permit_carries_epoch_and_start),
        SAYS("a result counts only in its own epoch; a later one changes nothing",
             results_of_passing_are_late_after_it),
        SAYS("probes are late after their RECOVERING", probes_are_late_after_recovering),
        SAYS("a cleared permit, or one never given, is stale",
             a_permit_that_was_never_given_is_late),
        SAYS("each order and each change of the hold begins an epoch",
             each_order_and_hold_begins_an_epoch),
        SAYS("the last error is that of a failure that counts",
             the_last_error_is_that_of_a_failure_that_counts),
        SAYS("an old permit of the present epoch counts",
             an_old_permit_of_the_present_epoch_counts),
    };

    return cmocka_run_group_tests_name("permits", tests, NULL, NULL);
}
