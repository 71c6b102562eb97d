/* Faults that real panels once had, each with its situation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "panels_scene.h"

/* ---- Looking -----------------------------------------------------------------------------------*/

static void who_looks_is_told_of_a_trip(void **state)
{
    (void)state;
    open_some(2, 0, NULL);
    all.lose_bell = 1;
    breaker_trip(of(0), NULL, NULL);
    pass(20000);
    assert_int_equal(look(1).state, BREAKER_PASSING);
    assert_int_equal(breaker_refresh(of(1), order_of(1), on_order), 0);
    pass(50000);
    assert_int_equal(all.members[1].ordered, 1);
    assert_int_equal(look(1).state, BREAKER_BROKEN);
    close_all();
}

/* An answer to an earlier question is no answer to who looks. */
static void who_looks_sees_what_stood(void **state)
{
    (void)state;
    open_some(2, 0, NULL);
    all.lose_bell = 1;
    for (unsigned i = 1; i <= 40; i++) {
        all.latency = 20000;
        report(1, 1, BREAKER_SUCCESS); /* a SYNC goes */
        pass(12000 + 500 * i);
        all.latency = 0;
        breaker_trip(of(0), order_of(0), on_order);
        while (all.members[0].ordered < 2 * i - 1)
            pass(1000);
        breaker_refresh(of(1), order_of(1), on_order);
        while (all.members[1].ordered < i)
            pass(1000);
        assert_int_equal(answer, 0);
        assert_int_equal(look(1).state, BREAKER_BROKEN);
        breaker_reset(of(0), order_of(0), on_order);
        while (all.members[0].ordered < 2 * i)
            pass(1000);
        pass(2000000);
        breaker_reset(of(1), NULL, NULL);
        pass(100000);
    }
    close_all();
}

static void old_results_are_not_shown(void **state)
{
    (void)state;
    open_some(1, 0, NULL);
    report(0, 5, BREAKER_SUCCESS);
    pass(50000);
    assert_int_equal(look(0).counts.ok, 5);
    pass(60000000);
    assert_int_equal(look(0).counts.ok, 0);
    close_all();
}

static void the_trip_is_shown_while_recovering(void **state)
{
    (void)state;
    open_some(3, 0, NULL);
    share = 1;
    for (unsigned i = 0; i < 3; i++)
        panels_rate(&all, &all.members[i], 20);
    panels_run(&all, all.now + 2 * PANELS_S);
    assert_int_equal(all.records, 1);
    assert_int_equal(look(0).state, BREAKER_BROKEN);
    assert_true(look(0).tripped.failed >= 10);
    share = 0;
    panels_run(&all, all.now + 6 * PANELS_S);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(look(i).state, BREAKER_RECOVERING);
        assert_true(look(i).tripped.failed >= 10);
    }
    close_all();
}

/* ---- Storages that are half well ---------------------------------------------------------------*/

/* It reads, and takes no writes: a trip of this process, which cannot be written, ends in its time. */
static void a_trip_ends_though_it_cannot_be_written(void **state)
{
    (void)state;
    open_some(0, 0, NULL);
    all.patience = 500;
    join(1, 20);
    all.refuses = ~(1U << BREAKER_GET);
    breaker_trip(of(0), NULL, NULL);
    panels_run(&all, all.now + 3 * PANELS_S);
    assert_int_equal(look(0).state, BREAKER_BROKEN);
    panels_run(&all, all.now + 20 * PANELS_S);
    assert_int_equal(look(0).state, BREAKER_PASSING);
    all.refuses = 0;
    panels_run(&all, all.now + 5 * PANELS_S);
    assert_int_equal(look(0).state, BREAKER_PASSING);
    close_all();
}

/* One connection that breaks with two questions under way is no outage. */
static void two_errors_at_once_are_one(void **state)
{
    (void)state;
    for (uint64_t time = 6000; time <= 14000; time += 1000) { /* the results go after ten */
        open_some(1, 0, NULL);
        report(0, 1, BREAKER_SUCCESS);
        pass(time);
        all.fails_at_once = 1;
        breaker_trip(of(0), NULL, NULL);
        pass(1000);
        all.fails_at_once = 0;
        pass(300000);
        assert_int_equal(all.members[0].lost, 0);
        close_all();
    }
}

static void a_hold_outlasts_an_outage(void **state)
{
    (void)state;
    open_some(2, 5, NULL);
    panels_cut(&all, &all.members[0], true);
    panels_run(&all, all.now + 3 * PANELS_S);
    breaker_hold(of(0), BREAKER_HOLD_OPEN, order_of(0), on_order);
    panels_run(&all, all.now + 100 * PANELS_S);
    assert_int_equal(look(0).hold, BREAKER_HOLD_OPEN);
    assert_int_equal(look(1).hold, BREAKER_HOLD_NONE);
    panels_cut(&all, &all.members[0], false);
    panels_run(&all, all.now + 5 * PANELS_S);
    assert_int_equal(look(1).hold, BREAKER_HOLD_OPEN);
    close_all();
}

/* ---- One process is one ------------------------------------------------------------------------*/

static void an_exchange_makes_no_second_reporter(void **state)
{
    breaker_options_t options;
    breaker_policy_t *other;

    (void)state;
    open_some(1, 0, NULL);
    panels_options(&options);
    options.broken_time = 4000;
    assert_int_equal(breaker_policy_create(&other, &options, NULL), 0);
    for (unsigned i = 0; i < 9; i++) {
        report(0, 1, BREAKER_FAILURE);
        pass(15000);
        assert_int_equal(breaker_set_policy(of(0), i % 2 ? all.policy : other), 0);
    }
    report(0, 1, BREAKER_FAILURE);
    pass(50000);
    breaker_policy_destroy(other);
    assert_int_equal(all.records, 0); /* its own circuit may have broken */
    close_all();
}

/* The clock of the storage steps back to a bucket in which it was counted, failing. Its own circuit, which
 * goes by the loop's clock, has forgotten that. */
static void a_step_back_makes_no_second_reporter(void **state)
{
    uint64_t begun;

    (void)state;
    open_some(1, 0, NULL);
    pass(1000000 - all.now % 1000000);
    begun = all.now;
    report(0, 9, BREAKER_FAILURE);
    pass(12000000);
    all.store.step -= (int64_t)((all.now - begun) / 1000) - 300;
    report(0, 1, BREAKER_SUCCESS); /* its answer brings the new time */
    pass(100000);
    report(0, 2, BREAKER_FAILURE);
    pass(300000);
    assert_int_equal(all.records, 0);
    close_all();
}

/* What the child of a fork has not sent is its parent's. */
static void a_fork_counts_nothing_twice(void **state)
{
    (void)state;
    open_some(2, 0, NULL);
    report(0, 7, BREAKER_SUCCESS);
    assert_int_equal(breaker_panel_fork(all.members[0].panel), 0); /* as if it were one */
    pass(100000);
    breaker_refresh(of(1), order_of(1), on_order);
    pass(50000);
    assert_int_equal(all.members[1].ordered, 1);
    assert_int_equal(look(1).counts.ok, 0);
    close_all();
}

/* ---- Exchanges, evictions ----------------------------------------------------------------------*/

/* Counts that are shared are kept while the span of a bucket is the same. */
static void an_exchange_keeps_what_is_shared(void **state)
{
    breaker_options_t options;
    breaker_policy_t *shorter, *coarser;

    (void)state;
    open_some(2, 0, NULL);
    panels_options(&options);
    options.window /= 2;
    options.buckets /= 2;
    assert_int_equal(breaker_policy_create(&shorter, &options, NULL), 0);
    options.window *= 2;
    assert_int_equal(breaker_policy_create(&coarser, &options, NULL), 0);
    report(0, 7, BREAKER_SUCCESS);
    pass(100000);
    assert_int_equal(breaker_set_policy(of(0), shorter), 0);
    breaker_refresh(of(0), order_of(0), on_order);
    pass(100000);
    assert_int_equal(look(0).counts.ok, 7);
    assert_int_equal(breaker_set_policy(of(0), coarser), 0);
    breaker_refresh(of(0), order_of(0), on_order);
    pass(100000);
    assert_int_equal(look(0).counts.ok, 0);
    breaker_policy_destroy(shorter);
    breaker_policy_destroy(coarser);
    close_all();
}

static void sharing_is_for_life(void **state)
{
    breaker_options_t options;
    breaker_policy_t *alone, *at_home;
    breaker_t *own;

    (void)state;
    open_some(1, 0, NULL);
    panels_options(&options);
    options.share = BREAKER_SHARE_NONE;
    assert_int_equal(breaker_policy_create(&alone, &options, NULL), 0);
    options.share = BREAKER_SHARE_STATE;
    assert_int_equal(breaker_policy_create(&at_home, &options, NULL), 0);
    assert_int_equal(breaker_set_policy(of(0), alone), UV_EINVAL);
    assert_int_equal(breaker_set_policy(of(0), at_home), 0);
    assert_int_equal(breaker_create(&own, all.members[0].panel, "own", alone), 0);
    assert_int_equal(breaker_set_policy(own, at_home), UV_EINVAL);
    assert_ptr_equal(breaker_policy(own), alone);
    assert_int_equal(breaker_set_policy(own, alone), 0);
    breaker_destroy(own);
    breaker_policy_destroy(alone);
    breaker_policy_destroy(at_home);
    close_all();
}

/* ---- Alone, in the middle of a trial -----------------------------------------------------------*/

static breaker_permit_t begin_trial(void)
{
    breaker_permit_t permit;

    for (int i = 0; i < 100 && breaker_try_acquire(of(0), &permit) != 0; i++)
        pass(20000);
    assert_true(permit.epoch != 0);
    return permit;
}

/* Trials that are under way when the storage goes away keep their places, and their results count. */
static void a_trial_goes_on_without_a_storage(void **state)
{
    breaker_options_t options;
    breaker_permit_t trials[2], more;

    (void)state;
    for (int outcome = BREAKER_SUCCESS; outcome <= BREAKER_FAILURE; outcome++) {
        panels_options(&options);
        options.recovery = BREAKER_TRIAL;
        options.max_trials = 2;
        options.success_threshold = 2;
        options.probe_time = 3600000;
        open_some(1, 0, &options);
        breaker_recover(of(0), NULL, NULL);
        trials[0] = begin_trial();
        trials[1] = begin_trial();
        panels_cut(&all, &all.members[0], true);
        while (all.members[0].lost == 0) {
            assert_int_not_equal(breaker_try_acquire(of(0), &more), 0);
            pass(20000);
        }
        for (int i = 0; i < 100; i++) {
            assert_int_not_equal(breaker_try_acquire(of(0), &more), 0);
            pass(20000);
        }
        assert_int_equal(look(0).state, BREAKER_RECOVERING);
        assert_int_equal(breaker_report(of(0), &trials[0], outcome, -1), 0);
        assert_int_equal(breaker_report(of(0), &trials[1], outcome, -1), 0);
        assert_int_equal(look(0).state,
                         outcome == BREAKER_SUCCESS ? BREAKER_PASSING : BREAKER_BROKEN);
        close_all();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_looks_is_told_of_a_trip),
        cmocka_unit_test(who_looks_sees_what_stood),
        cmocka_unit_test(old_results_are_not_shown),
        cmocka_unit_test(the_trip_is_shown_while_recovering),
        cmocka_unit_test(a_trip_ends_though_it_cannot_be_written),
        cmocka_unit_test(two_errors_at_once_are_one),
        cmocka_unit_test(a_hold_outlasts_an_outage),
        cmocka_unit_test(an_exchange_makes_no_second_reporter),
        cmocka_unit_test(a_step_back_makes_no_second_reporter),
        cmocka_unit_test(a_fork_counts_nothing_twice),
        cmocka_unit_test(an_exchange_keeps_what_is_shared),
        cmocka_unit_test(sharing_is_for_life),
        cmocka_unit_test(a_trial_goes_on_without_a_storage),
    };

    return cmocka_run_group_tests_name("fleet panels, mended", tests, NULL, NULL);
}
