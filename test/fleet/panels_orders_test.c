/* Orders to shared circuits that meet other orders, outages, and trouble of the process' own. */
#include "panels_scene.h"

static void is_told(unsigned member, unsigned times)
{
    pass(20000);
    assert_int_equal(all.members[member].ordered, times);
}

/* Both wait for the storage to be met, and neither takes the other's place. */
static void a_hold_and_a_state_go_together(void **state)
{
    (void)state;
    open_some(1, 0, NULL);
    panels_join(&all, 0);
    assert_int_equal(breaker_hold(of(1), BREAKER_HOLD_OPEN, NULL, NULL), 0);
    assert_int_equal(breaker_reset(of(1), order_of(1), on_order), 0);
    assert_int_equal(look(1).hold, BREAKER_HOLD_OPEN);
    is_told(1, 1);
    assert_int_equal(answer, 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(look(i).hold, BREAKER_HOLD_OPEN);
        assert_int_equal(look(i).state, BREAKER_PASSING);
    }
    assert_int_equal(breaker_trip(of(1), NULL, NULL), 0);
    assert_int_equal(breaker_hold(of(1), BREAKER_HOLD_WATCH, order_of(1), on_order), 0);
    is_told(1, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(look(i).hold, BREAKER_HOLD_WATCH);
        assert_int_equal(look(i).state, BREAKER_BROKEN);
        assert_int_equal(look(i).trips, 1);
    }
    close_all();
}

/* Of one kind the last one counts. */
static void a_later_order_takes_an_earlier_ones_place(void **state)
{
    (void)state;
    open_some(1, 0, NULL);
    panels_join(&all, 0);
    breaker_hold(of(1), BREAKER_HOLD_OPEN, NULL, NULL);
    breaker_trip(of(1), NULL, NULL);
    breaker_reset(of(1), NULL, NULL);
    breaker_hold(of(1), BREAKER_HOLD_NONE, order_of(1), on_order);
    is_told(1, 1);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(look(i).hold, BREAKER_HOLD_NONE);
        assert_int_equal(look(i).state, BREAKER_PASSING);
    }
    close_all();
}

static void a_hold_given_as_the_storage_dies_stays(void **state)
{
    (void)state;
    open_some(2, 5, NULL);
    panels_cut(&all, &all.members[0], true);
    breaker_hold(of(0), BREAKER_HOLD_OPEN, order_of(0), on_order);
    panels_run(&all, all.now + 30 * PANELS_S);
    assert_int_equal(all.members[0].lost, 1);
    assert_int_equal(all.members[0].ordered, 1);
    assert_int_not_equal(answer, 0);
    assert_int_equal(look(0).hold, BREAKER_HOLD_OPEN);
    panels_cut(&all, &all.members[0], false);
    panels_run(&all, all.now + 5 * PANELS_S);
    assert_int_equal(look(1).hold, BREAKER_HOLD_OPEN);
    panels_cut(&all, &all.members[0], true); /* and one that is lifted then stays away */
    breaker_hold(of(0), BREAKER_HOLD_NONE, NULL, NULL);
    panels_run(&all, all.now + 30 * PANELS_S);
    assert_int_equal(look(0).hold, BREAKER_HOLD_NONE);
    assert_int_equal(look(1).hold, BREAKER_HOLD_OPEN);
    close_all();
}

/* A storage that is away may have lost it: it does not stand there. */
static void a_hold_that_is_in_force_is_not_obeyed_while_the_storage_is_away(void **state)
{
    (void)state;
    open_some(2, 5, NULL);
    breaker_hold(of(0), BREAKER_HOLD_OPEN, NULL, NULL);
    panels_run(&all, all.now + PANELS_S);
    breaker_hold(of(0), BREAKER_HOLD_OPEN, order_of(0), on_order);
    panels_run(&all, all.now + PANELS_S);
    assert_int_equal(answer, 0);
    panels_cut(&all, &all.members[0], true);
    panels_run(&all, all.now + 5 * PANELS_S);
    breaker_hold(of(0), BREAKER_HOLD_OPEN, order_of(0), on_order);
    panels_run(&all, all.now + 30 * PANELS_S);
    assert_int_equal(all.members[0].ordered, 2);
    assert_int_not_equal(answer, 0);
    panels_cut(&all, &all.members[0], false);
    panels_run(&all, all.now + 5 * PANELS_S);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(look(i).hold, BREAKER_HOLD_OPEN);
    close_all();
}

/* The last word has who was last, though the storage heard it first. */
static void a_hold_ordered_later_elsewhere_stays(void **state)
{
    (void)state;
    open_some(2, 5, NULL);
    panels_cut(&all, &all.members[0], true);
    breaker_hold(of(0), BREAKER_HOLD_OPEN, NULL, NULL);
    panels_run(&all, all.now + 30 * PANELS_S);
    breaker_hold(of(1), BREAKER_HOLD_WATCH, NULL, NULL);
    panels_run(&all, all.now + PANELS_S);
    panels_cut(&all, &all.members[0], false);
    panels_run(&all, all.now + 5 * PANELS_S);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(look(i).hold, BREAKER_HOLD_WATCH);
    close_all();
}

/* The process is failing alone, and stays broken, whoever holds the circuit. */
static void a_hold_leaves_ones_own_state(void **state)
{
    breaker_permit_t permit;

    (void)state;
    open_some(2, 0, NULL);
    report(0, 10, BREAKER_FAILURE);
    assert_int_equal(look(0).state, BREAKER_BROKEN);
    for (unsigned i = 0; i < 2; i++) { /* by itself, and by another */
        breaker_hold(of(i), BREAKER_HOLD_WATCH, NULL, NULL);
        pass(50000);
        assert_int_equal(look(0).hold, BREAKER_HOLD_WATCH);
        assert_int_equal(look(0).state, BREAKER_BROKEN);
        breaker_hold(of(i), BREAKER_HOLD_NONE, NULL, NULL);
        pass(50000);
        assert_int_equal(look(0).hold, BREAKER_HOLD_NONE);
        assert_int_equal(look(0).state, BREAKER_BROKEN);
        assert_int_equal(look(1).state, BREAKER_PASSING);
    }
    assert_int_equal(breaker_try_acquire(of(0), &permit), BREAKER_EREJECTED);
    close_all();
}

/* It could not be offered in a minute, since the one before it was under way all the time. */
static void an_order_that_grew_old_is_told(void **state)
{
    (void)state;
    open_some(0, 0, NULL);
    all.patience = 100000;
    join(1, 0);
    all.lose_request = 1;
    breaker_trip(of(0), NULL, NULL);
    pass(10000);
    breaker_reset(of(0), order_of(0), on_order);
    pass(10000);
    all.lose_request = 0;
    panels_run(&all, all.now + 110 * PANELS_S);
    assert_int_equal(all.members[0].ordered, 1);
    assert_int_equal(answer, UV_ETIMEDOUT);
    close_all();
}

static breaker_order_t later;

/* An answer to who looked before is none to who looks now. */
static void each_look_has_its_answer(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        open_some(2, 0, NULL);
        all.lose_bell = 1;
        later = (breaker_order_t){.data = &all.members[1]};
        all.latency = 20000;
        breaker_refresh(of(1), order_of(1), on_order);
        pass(1000 + 500 * i);
        all.latency = 0;
        breaker_trip(of(0), order_of(0), on_order);
        is_told(0, 1);
        breaker_refresh(of(1), &later, on_order);
        while (later.library.in_use)
            pass(1000);
        assert_int_equal(all.members[1].ordered, 2);
        assert_int_equal(look(1).state, BREAKER_BROKEN);
        close_all();
    }
}

/* Others are being asked all the time, and each is answered. */
static void who_looks_all_the_time_is_answered(void **state)
{
    static breaker_order_t looks[100];
    unsigned told;

    (void)state;
    open_some(1, 0, NULL);
    all.latency = 5000;
    for (unsigned i = 0; i < 100; i++) {
        looks[i] = (breaker_order_t){.data = &all.members[0]};
        breaker_refresh(of(0), &looks[i], on_order);
        pass(1000);
        told = all.members[0].ordered;
        assert_true(told + 60 > i);
    }
    pass(100000);
    assert_int_equal(all.members[0].ordered, 100);
    close_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hold_and_a_state_go_together),
        cmocka_unit_test(a_later_order_takes_an_earlier_ones_place),
        cmocka_unit_test(a_hold_given_as_the_storage_dies_stays),
        cmocka_unit_test(a_hold_that_is_in_force_is_not_obeyed_while_the_storage_is_away),
        cmocka_unit_test(a_hold_ordered_later_elsewhere_stays),
        cmocka_unit_test(a_hold_leaves_ones_own_state),
        cmocka_unit_test(an_order_that_grew_old_is_told),
        cmocka_unit_test(each_look_has_its_answer),
        cmocka_unit_test(who_looks_all_the_time_is_answered),
    };

    return cmocka_run_group_tests_name("fleet panels, orders", tests, NULL, NULL);
}
