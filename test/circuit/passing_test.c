/* PASSING: what is counted, from when to when, and what of it trips. */
#include "rig.h"

static void a_result_counts_where_it_completes(void **state)
{
    breaker_options_t o = rig_plain(0);
    breaker_permit_t permit;
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    permit = rig_admit(&r);
    rig_wait(&r, 60000); /* six windows long */
    assert_int_equal(rig_settle(&r, permit, BREAKER_FAILURE), 0);
    rig_counts(&r, 0, 1);
    rig_wait(&r, 8999);
    rig_counts(&r, 0, 1);
    rig_wait(&r, 1001);
    rig_counts(&r, 0, 0);
    rig_end(&r);
}

static void counts_expire_on_read_after_any_gap(void **state)
{
    static const uint64_t gaps[] = {10000, 10001, 3600000, BREAKER_TIME_MAX, UINT64_C(1) << 40};
    breaker_options_t o = rig_plain(0);
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
        rig_calls(&r, 3, BREAKER_FAILURE);
        rig_calls(&r, 4, BREAKER_SUCCESS);
        rig_counts(&r, 4, 3);
        rig_wait(&r, gaps[i]);
        rig_counts(&r, 0, 0);
        assert_true(rig_look(&r).ratio == 0);
    }
    rig_end(&r);
}

static void a_clock_that_steps_back_does_not_move_the_window(void **state)
{
    breaker_options_t o = rig_plain(0);
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    for (unsigned i = 0; i < 10; i++) {
        rig_calls(&r, 100, BREAKER_SUCCESS);
        rig_wait(&r, 1000);
    }
    r.now -= 1;
    rig_counts(&r, 1000, 0);
    r.now -= 3000;
    rig_calls(&r, 10, BREAKER_FAILURE);
    rig_counts(&r, 1000, 10);
    r.now += 3000; /* the ten are in the newest bucket */
    rig_counts(&r, 1000, 10);
    r.now += 9001;
    rig_counts(&r, 0, 0);
    rig_end(&r);
}

static void the_last_outcomes_are_the_alternative(void **state)
{
    breaker_options_t o = rig_options();
    struct rig r;

    (void)state;
    o.last_calls = 40;
    rig_begin(&r, &o);
    rig_calls(&r, 40, BREAKER_SUCCESS);
    rig_wait(&r, BREAKER_TIME_MAX);
    rig_calls(&r, 19, BREAKER_FAILURE);
    rig_counts(&r, 21, 19);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_wait(&r, BREAKER_TIME_MAX);
    rig_calls(&r, 1, BREAKER_FAILURE);
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    rig_end(&r);
}

static void a_ratio_is_over_results_alone(void **state)
{
    breaker_options_t o = rig_options();
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    rig_ask_many(&r, 1000); /* begun, and never settled */
    rig_calls(&r, 1000, BREAKER_IGNORED);
    rig_calls(&r, 1000, BREAKER_CANCELLED);
    rig_counts(&r, 0, 0);
    rig_calls(&r, 1, BREAKER_SUCCESS);
    rig_calls(&r, 3, BREAKER_FAILURE);
    rig_counts(&r, 1, 3);
    assert_true(rig_look(&r).ratio == 0.75);
    rig_calls(&r, 15, BREAKER_FAILURE);
    rig_calls(&r, 100, BREAKER_IGNORED);
    rig_calls(&r, 100, BREAKER_CANCELLED);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_calls(&r, 1, BREAKER_FAILURE); /* the 20th result */
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    assert_int_equal(rig_look(&r).tripped.failed, 19);
    rig_refuse(&r);
    assert_int_equal(rig_look(&r).counts.failed, 0);
    rig_end(&r);
}

/* A neutral outcome does not end a row of failures, and trips nothing. */
static void neutral_outcomes_leave_a_row_as_it_is(void **state)
{
    breaker_options_t o = rig_plain(3);
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    rig_calls(&r, 2, BREAKER_FAILURE);
    rig_calls(&r, 5, BREAKER_IGNORED);
    rig_calls(&r, 5, BREAKER_CANCELLED);
    assert_int_equal(rig_look(&r).counts.consecutive, 2);
    rig_wait(&r, 3600000); /* whenever they were */
    assert_int_equal(rig_look(&r).counts.consecutive, 2);
    rig_calls(&r, 1, BREAKER_SUCCESS);
    assert_int_equal(rig_look(&r).counts.consecutive, 0);
    rig_calls(&r, 2, BREAKER_FAILURE);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_calls(&r, 1, BREAKER_FAILURE);
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    assert_int_equal(rig_look(&r).tripped.consecutive, 3);
    assert_int_equal(rig_look(&r).last_error, -1);
    rig_end(&r);
}

static void a_success_trips_where_it_completes_the_minimum(void **state)
{
    breaker_options_t o = rig_options();
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    rig_calls(&r, 10, BREAKER_FAILURE);
    rig_calls(&r, 9, BREAKER_SUCCESS);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_calls(&r, 1, BREAKER_SUCCESS);
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    assert_true(r.turn.moved);
    assert_int_equal(r.turn.from, BREAKER_PASSING);
    assert_int_equal(r.turn.to, BREAKER_BROKEN);
    assert_int_equal(r.turn.evidence.ok, 10);
    assert_int_equal(r.turn.evidence.failed, 10);
    rig_end(&r);
}

static void failures_in_the_window_trip_when_they_are_there_at_once(void **state)
{
    breaker_options_t o = rig_plain(0);
    struct rig r;

    (void)state;
    o.max_failures = 5;
    rig_begin(&r, &o);
    for (unsigned i = 0; i < 20; i++) { /* one in 2.5 s: four in the window */
        rig_calls(&r, 1, BREAKER_FAILURE);
        rig_wait(&r, 2500);
    }
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_calls(&r, 2, BREAKER_FAILURE);
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    rig_end(&r);
}

static void one_slow_call(struct rig *r, uint64_t ms, breaker_outcome_t outcome, bool is_slow)
{
    breaker_permit_t permit = rig_admit(r);

    rig_wait(r, ms);
    assert_int_equal(rig_settle(r, permit, outcome), 0);
    assert_int_equal(r->turn.slow, is_slow);
}

static void slow_calls_trip(void **state)
{
    breaker_options_t o = rig_options();
    struct rig r;

    (void)state;
    o.error_ratio = BREAKER_OFF;
    o.slow_ratio = 0.5;
    o.slow_time = 100;
    o.min_calls = 4;
    rig_begin(&r, &o);
    one_slow_call(&r, 99, BREAKER_SUCCESS, false);
    one_slow_call(&r, 100, BREAKER_SUCCESS, true);
    one_slow_call(&r, 500, BREAKER_IGNORED, false); /* says nothing, not even that */
    one_slow_call(&r, 500, BREAKER_CANCELLED, false);
    one_slow_call(&r, 0, BREAKER_FAILURE, false);
    assert_int_equal(rig_look(&r).counts.slow, 1);
    one_slow_call(&r, 5000, BREAKER_FAILURE, true);
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    assert_int_equal(rig_look(&r).tripped.slow, 2);
    assert_int_equal(rig_look(&r).tripped.ok, 2);
    assert_int_equal(rig_look(&r).tripped.failed, 2);
    rig_end(&r);
}

/* "0 unless slow_ratio is set", in every window and in RECOVERING. */
static void slow_calls_are_told_but_not_counted_without_their_rule(void **state)
{
    breaker_options_t o = rig_plain(0);
    struct rig r;

    (void)state;
    o.slow_time = 100;
    for (o.last_calls = 0; o.last_calls <= 20; o.last_calls += 20) {
        rig_begin(&r, &o);
        one_slow_call(&r, 200, BREAKER_SUCCESS, true);
        assert_int_equal(rig_look(&r).counts.slow, 0);
        rig_recover(&r);
        one_slow_call(&r, 200, BREAKER_SUCCESS, true);
        rig_counts(&r, 1, 0);
        assert_int_equal(rig_look(&r).counts.slow, 0);
        rig_end(&r);
    }
}

struct heard {
    breaker_counts_t counts;
    unsigned calls;
    int answer;
};

static int hear(void *data, const breaker_counts_t *counts)
{
    struct heard *heard = data;

    heard->counts = *counts;
    heard->calls++;
    return heard->answer;
}

static void the_users_rule_sees_the_counts_of_each_result(void **state)
{
    breaker_options_t o = rig_options();
    struct heard heard = {{0}, 0, 0};
    struct rig r;

    (void)state;
    o.error_ratio = BREAKER_OFF;
    o.rule = hear;
    o.rule_data = &heard;
    rig_begin(&r, &o);
    rig_calls(&r, 3, BREAKER_SUCCESS);
    rig_calls(&r, 2, BREAKER_FAILURE);
    assert_int_equal(heard.calls, 5);
    assert_int_equal(heard.counts.ok, 3);
    assert_int_equal(heard.counts.failed, 2);
    assert_int_equal(heard.counts.consecutive, 2);
    rig_calls(&r, 1, BREAKER_IGNORED);
    rig_calls(&r, 1, BREAKER_CANCELLED);
    assert_int_equal(heard.calls, 5);
    heard.answer = -5;
    rig_calls(&r, 1, BREAKER_SUCCESS);
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    rig_refuse(&r);
    rig_recover(&r);
    rig_calls(&r, 1, BREAKER_FAILURE); /* not asked outside of PASSING */
    assert_int_equal(heard.calls, 6);
    rig_end(&r);
}

static void passing_time_is_the_least_before_a_trip(void **state)
{
    breaker_options_t o = rig_plain(3);
    struct rig r;

    (void)state;
    o.passing_time = 4000;
    rig_begin(&r, &o);
    rig_wait(&r, 3999);
    rig_calls(&r, 50, BREAKER_FAILURE);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_wait(&r, 1);
    rig_calls(&r, 1, BREAKER_FAILURE);
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    assert_int_equal(rig_look(&r).tripped.failed, 51);
    rig_order(&r, TURN_RESET); /* counted from the last transition */
    rig_wait(&r, 3999);
    rig_calls(&r, 3, BREAKER_FAILURE);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_order(&r, TURN_TRIP); /* an order does not wait */
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    rig_end(&r);
}

static void every_transition_begins_fresh_counts(void **state)
{
    breaker_options_t o = rig_plain(5);
    struct rig r;

    (void)state;
    o.recovery_min = 1;
    rig_begin(&r, &o);
    rig_calls(&r, 7, BREAKER_SUCCESS);
    rig_calls(&r, 5, BREAKER_FAILURE);
    rig_counts(&r, 0, 0);
    assert_int_equal(rig_look(&r).tripped.ok, 7);
    rig_wait(&r, o.broken_time);
    rig_calls(&r, 1, BREAKER_SUCCESS); /* by the first ask */
    assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
    rig_counts(&r, 1, 0);
    rig_wait(&r, o.recovery_time);
    rig_admit(&r);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_counts(&r, 0, 0);
    assert_int_equal(rig_look(&r).counts.consecutive, 0);
    assert_int_equal(rig_look(&r).tripped.ok, 0);
    rig_calls(&r, 4, BREAKER_FAILURE);
    rig_order(&r, TURN_RESET);
    rig_counts(&r, 0, 0);
    rig_calls(&r, 4, BREAKER_FAILURE);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAYS("a result is credited to the bucket of its completion",
             a_result_counts_where_it_completes),
        SAYS("buckets expire by age, on read and on write, after any gap",
             counts_expire_on_read_after_any_gap),
        SAYS("the loop's clock stepping back does not move the window",
             a_clock_that_steps_back_does_not_move_the_window),
        SAYS("a count-based window (the last N outcomes) is the alternative",
             the_last_outcomes_are_the_alternative),
        SAYS("ratio = failed / (ok + failed), never over started, refused, ignored or cancelled",
             a_ratio_is_over_results_alone),
        SAYS("consecutive failures: neutral outcomes leave a row as it is",
             neutral_outcomes_leave_a_row_as_it_is),
        SAYS("error ratio, looked at on success too, when that completes the minimum",
             a_success_trips_where_it_completes_the_minimum),
        SAYS("failures in the window", failures_in_the_window_trip_when_they_are_there_at_once),
        SAYS("slow-call ratio", slow_calls_trip),
        SAYS("slow calls are told, but not counted, without their rule",
             slow_calls_are_told_but_not_counted_without_their_rule),
        SAYS("a user's own function", the_users_rule_sees_the_counts_of_each_result),
        SAYS("passing_time: the minimum time in PASSING before a trip",
             passing_time_is_the_least_before_a_trip),
        SAYS("every transition begins fresh counts", every_transition_begins_fresh_counts),
    };

    return cmocka_run_group_tests_name("PASSING", tests, NULL, NULL);
}
