/* What shared circuits make of slow calls, of last_calls, of one process that comes twice; and what they show. */
#include "panels_scene.h"

/* ---- Slow --------------------------------------------------------------------------------------*/

static void settle_slowly(unsigned member, breaker_outcome_t outcome)
{
    breaker_permit_t permit;

    for (int i = 0; i < 20 && breaker_try_acquire(of(member), &permit) != 0; i++)
        pass(20000);
    pass(60000);
    assert_int_equal(breaker_report(of(member), &permit, outcome, -1), 0);
}

/* A slow trial is a failed one, in a fleet as alone. */
static void a_slow_trial_closes_nothing(void **state)
{
    breaker_options_t options;

    (void)state;
    panels_options(&options);
    options.recovery = BREAKER_TRIAL;
    options.slow_ratio = 1;
    options.slow_time = 50;
    open_some(2, 0, &options);
    breaker_recover(of(0), NULL, NULL);
    settle_slowly(0, BREAKER_SUCCESS);
    pass(100000);
    assert_int_equal(look(0).state, BREAKER_BROKEN); /* the next trial is another's */
    assert_int_equal(look(1).state, BREAKER_RECOVERING);
    settle_slowly(1, BREAKER_SUCCESS);
    pass(100000);
    assert_int_equal(look(1).state, BREAKER_BROKEN);
    close_all();
}

static void slow_counts_where_it_was_asked_for(void **state)
{
    breaker_options_t options;

    (void)state;
    for (int i = 0; i < 2; i++) {
        panels_options(&options);
        options.slow_time = 50;
        options.slow_ratio = i == 0 ? BREAKER_OFF : 1;
        open_some(1, 0, &options);
        settle_slowly(0, BREAKER_SUCCESS);
        pass(50000);
        assert_int_equal(look(0).counts.ok, 1);
        assert_int_equal(look(0).counts.slow, i);
        close_all();
    }
}

/* ---- The last calls ----------------------------------------------------------------------------*/

/* Two failures in each hundred, and ten of the last twenty break: nobody has that many. */
static void old_calls_are_not_among_the_last(void **state)
{
    breaker_options_t options;

    (void)state;
    for (int share_kind = BREAKER_SHARE_COUNTS; share_kind <= BREAKER_SHARE_STATE; share_kind++) {
        panels_options(&options);
        options.error_ratio = BREAKER_OFF;
        options.last_calls = 20;
        options.max_failures = 10;
        options.share = (breaker_share_t)share_kind;
        open_some(2, 0, &options);
        for (unsigned i = 0; i < 20; i++) {
            report(0, 1, BREAKER_FAILURE);
            report(1, 1, BREAKER_FAILURE);
            report(0, 49, BREAKER_SUCCESS);
            report(1, 49, BREAKER_SUCCESS);
            pass(20000);
        }
        assert_int_equal(all.records, 0);
        report(0, 10, BREAKER_FAILURE);
        assert_int_equal(look(0).state, BREAKER_BROKEN);
        pass(50000);
        if (options.share == BREAKER_SHARE_COUNTS) { /* the other one has not failed */
            assert_int_equal(look(1).state, BREAKER_PASSING);
            report(1, 10, BREAKER_FAILURE);
            pass(50000);
        }
        assert_int_equal(all.records, 1);
        assert_int_equal(look(1).state, BREAKER_BROKEN);
        close_all();
    }
}

/* ---- One process is one ------------------------------------------------------------------------*/

/* It gives the circuit up and takes it again, as breaker_obtain does where there is little room. */
static void who_comes_again_is_no_second_reporter(void **state)
{
    (void)state;
    open_some(2, 0, NULL);
    pass(PANELS_S - all.now % PANELS_S);
    for (unsigned i = 0; i < 3; i++) {
        report(0, 9, BREAKER_FAILURE);
        pass(20000);
        breaker_destroy(of(0));
        assert_int_equal(
            breaker_create(&all.members[0].breaker, all.members[0].panel, "api", all.policy), 0);
        pass(20000);
    }
    report(1, 1, BREAKER_SUCCESS);
    pass(50000);
    assert_int_equal(look(1).counts.failed, 27);
    assert_int_equal(all.records, 0);
    close_all();
}

static unsigned consecutive;

static int on_rule(void *data, const breaker_counts_t *counts)
{
    (void)data;
    if (counts->consecutive > consecutive)
        consecutive = counts->consecutive;
    return 0;
}

/* A rule of the program's sees what it would see alone. */
static void rules_see_true_numbers(void **state)
{
    breaker_options_t options;

    (void)state;
    consecutive = 0;
    panels_options(&options);
    options.consecutive_failures = 4;
    options.rule = on_rule;
    options.min_reporters = 1;
    open_some(2, 0, &options);
    report(0, 4, BREAKER_FAILURE);
    report(1, 2, BREAKER_FAILURE);
    pass(100000);
    assert_int_equal(look(1).state, BREAKER_BROKEN);
    assert_true(consecutive >= 3 && consecutive <= 4);
    close_all();
}

/* ---- What is shown -----------------------------------------------------------------------------*/

/* A state that is older than the host is as old as its clock can say. */
static void a_snapshot_says_since_when(void **state)
{
    uint64_t before;

    (void)state;
    open_some(1, 0, NULL);
    breaker_trip_for(of(0), 50000, NULL, NULL);
    before = look(0).since;
    pass(20 * PANELS_S);
    assert_int_equal(look(0).since, before);
    join(1, 0);
    pass(50000);
    assert_int_equal(look(1).state, BREAKER_BROKEN);
    assert_int_equal(look(1).hold, BREAKER_HOLD_NONE);
    assert_true(look(1).since + 20000 < all.now / 1000 + all.members[1].base);
    panels_cut(&all, &all.members[0], true); /* its own circuit goes on with it */
    for (int i = 0; i < 3; i++) {
        breaker_refresh(of(0), order_of(0), on_order);
        pass(PANELS_S);
    }
    assert_int_equal(all.members[0].lost, 1);
    assert_int_equal(look(0).state, BREAKER_BROKEN);
    assert_true(look(0).since <= before + 5 && look(0).since + 5 >= before);
    close_all();
}

/* Whoever comes later shows what all show. */
static void a_newcomer_shows_the_fleets_numbers(void **state)
{
    (void)state;
    open_some(1, 0, NULL);
    breaker_trip(of(0), NULL, NULL);
    pass(50000);
    breaker_recover(of(0), NULL, NULL);
    pass(50000);
    report(0, 1, BREAKER_FAILURE);
    breaker_trip(of(0), NULL, NULL);
    pass(50000);
    assert_int_equal(look(0).trips, 2);
    pass(PANELS_S);
    join(1, 0);
    pass(50000);
    assert_int_equal(look(1).trips, 2);
    assert_true(look(1).since + 1000 < all.now / 1000 + all.members[1].base);
    breaker_reset(of(1), NULL, NULL);
    pass(10 * PANELS_S);
    join(1, 0);
    pass(50000);
    assert_int_equal(look(2).state, BREAKER_PASSING);
    assert_int_equal(look(2).trips, 0);
    assert_true(look(2).since + 10000 < all.now / 1000 + all.members[2].base);
    close_all();
}

static void ones_own_old_policy_is_no_other(void **state)
{
    breaker_options_t options;
    breaker_policy_t *other;

    (void)state;
    open_some(2, 0, NULL);
    breaker_trip(of(0), NULL, NULL);
    pass(50000);
    panels_options(&options);
    options.last_calls = 30;
    assert_int_equal(breaker_policy_create(&other, &options, NULL), 0);
    assert_int_equal(breaker_set_policy(of(0), other), 0);
    breaker_refresh(of(0), order_of(0), on_order);
    pass(50000);
    assert_int_equal(all.members[0].differing, 0);
    breaker_reset(of(0), NULL, NULL);
    pass(50000);
    assert_int_equal(all.members[1].differing, 1);
    breaker_policy_destroy(other);
    close_all();
}

static void who_refuses_in_an_outage_says_when_it_asks_again(void **state)
{
    breaker_options_t options;
    breaker_permit_t permit;

    (void)state;
    panels_options(&options);
    options.on_outage = BREAKER_OUTAGE_REFUSE;
    open_some(1, 5, &options);
    panels_cut(&all, &all.members[0], true);
    panels_run(&all, all.now + 3 * PANELS_S);
    assert_int_equal(breaker_try_acquire(of(0), &permit), BREAKER_EREJECTED);
    assert_true(breaker_retry_after(of(0)) >= 1 && breaker_retry_after(of(0)) <= 2000);
    panels_cut(&all, &all.members[0], false);
    panels_run(&all, all.now + 3 * PANELS_S);
    assert_int_equal(breaker_retry_after(of(0)), 0);
    all.refuses = ~(1U << BREAKER_GET);
    while (breaker_retry_after(of(0)) == 0)
        panels_run(&all, all.now + PANELS_S / 10);
    assert_in_range(breaker_retry_after(of(0)), 5000, 10000);
    close_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_trial_closes_nothing),
        cmocka_unit_test(slow_counts_where_it_was_asked_for),
        cmocka_unit_test(old_calls_are_not_among_the_last),
        cmocka_unit_test(who_comes_again_is_no_second_reporter),
        cmocka_unit_test(rules_see_true_numbers),
        cmocka_unit_test(a_snapshot_says_since_when),
        cmocka_unit_test(a_newcomer_shows_the_fleets_numbers),
        cmocka_unit_test(ones_own_old_policy_is_no_other),
        cmocka_unit_test(who_refuses_in_an_outage_says_when_it_asks_again),
    };

    return cmocka_run_group_tests_name("fleet panels, judged", tests, NULL, NULL);
}
