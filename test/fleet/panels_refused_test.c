/* A storage that answers, and will not write: full, say. It is as good as one that is away. */
#include "panels_scene.h"

static const unsigned writes = ~(1U << BREAKER_GET);

/* What was agreed on ends in its time, though its end cannot be written. */
static void a_trip_ends_though_its_end_cannot_be_written(void **state)
{
    (void)state;
    open_some(3, 20, NULL);
    share = 1;
    panels_run(&all, all.now + 3 * PANELS_S);
    assert_int_equal(look(0).state, BREAKER_BROKEN);
    share = 0;
    all.refuses = writes;
    panels_run(&all, all.now + 60 * PANELS_S);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(look(i).state, BREAKER_PASSING);
    close_all();
}

static void open_trials(unsigned count)
{
    breaker_options_t options;

    panels_options(&options);
    options.recovery = BREAKER_TRIAL;
    open_some(count, 5, &options);
}

/* Only leases are new keys, and there is no room for one. */
static void trials_are_made_though_there_is_no_lease(void **state)
{
    (void)state;
    open_trials(2);
    all.refuses = 1U << BREAKER_ADD;
    breaker_recover(of(0), NULL, NULL);
    panels_run(&all, all.now + 30 * PANELS_S);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(look(i).state, BREAKER_PASSING);
        assert_true(all.members[i].lost == 1);
    }
    close_all();
}

/* Told once, though reads go on; and back as soon as it writes. */
static void a_full_storage_is_lost_and_found(void **state)
{
    (void)state;
    open_some(2, 20, NULL);
    all.refuses = writes;
    panels_run(&all, all.now + 20 * PANELS_S);
    assert_int_equal(all.members[0].lost, 1);
    assert_int_equal(all.members[0].found, 0);
    all.refuses = 0;
    panels_run(&all, all.now + 3 * PANELS_S);
    assert_int_equal(all.members[0].lost, 1);
    assert_int_equal(all.members[0].found, 1);
    breaker_trip(of(0), order_of(0), on_order);
    panels_run(&all, all.now + PANELS_S);
    assert_int_equal(answer, 0);
    assert_int_equal(look(1).state, BREAKER_BROKEN);
    close_all();
}

/* Nothing but time says that it writes again, where nothing is to be written. */
static void an_idle_circuit_comes_back(void **state)
{
    (void)state;
    open_some(2, 0, NULL);
    all.refuses = writes;
    breaker_trip(of(0), NULL, NULL);
    pass(3 * PANELS_S);
    assert_int_equal(look(0).state, BREAKER_BROKEN);
    assert_int_equal(look(1).state, BREAKER_PASSING);
    all.refuses = 0;
    for (unsigned i = 0; i < 200; i++) {
        breaker_permit_t permit;
        if (breaker_try_acquire(of(0), &permit) == 0)
            breaker_report(of(0), &permit, BREAKER_SUCCESS, 0);
        pass(PANELS_S);
    }
    breaker_trip(of(1), order_of(1), on_order);
    pass(PANELS_S);
    assert_int_equal(answer, 0);
    assert_int_equal(look(0).state, BREAKER_BROKEN);
    close_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trip_ends_though_its_end_cannot_be_written),
        cmocka_unit_test(trials_are_made_though_there_is_no_lease),
        cmocka_unit_test(a_full_storage_is_lost_and_found),
        cmocka_unit_test(an_idle_circuit_comes_back),
    };

    return cmocka_run_group_tests_name("fleet panels, refused", tests, NULL, NULL);
}
