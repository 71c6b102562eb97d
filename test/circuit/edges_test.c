/* Where numbers end and where time goes wrong: counters at 2^31 and 2^32, a clock that steps back, times
 * far away. */
#include "rig.h"

/* As if so many had come in the newest bucket. */
static void stuff(struct rig *r, uint32_t ok, uint32_t failed)
{
    r->circuit.window.ok += ok;
    r->circuit.window.failed += failed;
    assert_true(native_is_sound(&r->circuit, &r->rules));
}

static void the_window_saturates(void **state)
{
    breaker_options_t o = rig_plain(0);
    struct rig r;

    (void)state;
    o.max_failures = WINDOW_FULL;
    rig_begin(&r, &o);
    stuff(&r, WINDOW_FULL - 3, 0);
    rig_calls(&r, 10, BREAKER_FAILURE);
    rig_counts(&r, WINDOW_FULL - 3, 3);
    assert_int_equal(rig_look(&r).counts.consecutive, 10);
    rig_calls(&r, 10, BREAKER_SUCCESS);
    rig_counts(&r, WINDOW_FULL - 3, 3);
    assert_int_equal(rig_look(&r).counts.consecutive, 0);
    rig_wait(&r, 10000);
    rig_calls(&r, 10, BREAKER_FAILURE);
    rig_counts(&r, 0, 10);
    rig_end(&r);
}

static void a_full_window_still_trips(void **state)
{
    breaker_options_t o = rig_options();
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    stuff(&r, WINDOW_FULL / 2, WINDOW_FULL / 2 - 1);
    rig_calls(&r, 1, BREAKER_SUCCESS);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_order(&r, TURN_RESET);
    stuff(&r, WINDOW_FULL / 2, WINDOW_FULL / 2 - 1);
    rig_calls(&r, 1, BREAKER_FAILURE);
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    assert_int_equal(r.turn.evidence.failed, WINDOW_FULL / 2);
    rig_end(&r);
}

static void a_row_of_failures_saturates(void **state)
{
    static const uint32_t rows[] = {WINDOW_FULL - 1, WINDOW_FULL, UINT32_MAX - 2, UINT32_MAX - 1,
                                    UINT32_MAX};
    breaker_options_t o = rig_options();
    struct rig r;

    (void)state;
    o.error_ratio = BREAKER_OFF;
    o.max_failures = 1000000;
    for (unsigned i = 0; i < 5; i++) {
        rig_begin(&r, &o);
        r.circuit.consecutive = rows[i];
        rig_calls(&r, 5, BREAKER_FAILURE);
        assert_int_equal(rig_look(&r).counts.consecutive,
                         rows[i] > UINT32_MAX - 5 ? UINT32_MAX : rows[i] + 5);
        rig_calls(&r, 1, BREAKER_SUCCESS);
        assert_int_equal(rig_look(&r).counts.consecutive, 0);
        rig_end(&r);
    }
    o.consecutive_failures = UINT32_MAX;
    rig_begin(&r, &o);
    r.circuit.consecutive = UINT32_MAX - 2;
    rig_calls(&r, 1, BREAKER_FAILURE);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_calls(&r, 1, BREAKER_FAILURE);
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    rig_end(&r);
}

static void recovering_saturates(void **state)
{
    breaker_options_t o = rig_plain(0);
    struct rig r;

    (void)state;
    o.recovery_ratio = 1;
    o.recovery_time = BREAKER_TIME_MAX;
    rig_begin(&r, &o);
    rig_recover(&r);
    r.draw = ALWAYS;
    rig_wait(&r, 1);
    r.circuit.recovery.ok = WINDOW_FULL - 2;
    rig_calls(&r, 1, BREAKER_FAILURE);
    rig_calls(&r, 5, BREAKER_SUCCESS);
    rig_counts(&r, WINDOW_FULL - 1, 1);
    rig_calls(&r, 5, BREAKER_FAILURE);
    rig_counts(&r, WINDOW_FULL - 1, 1);
    for (unsigned i = 0; i < 3; i++) { /* nor does a write-off count more */
        rig_admit(&r);
        rig_wait(&r, o.probe_time);
    }
    rig_calls(&r, 1, BREAKER_IGNORED);
    rig_counts(&r, WINDOW_FULL - 1, 1);
    rig_end(&r);
}

static void many_probes_are_counted(void **state)
{
    breaker_options_t o = rig_plain(1);
    struct rig r;

    (void)state;
    o.recovery = BREAKER_TRIAL;
    o.max_trials = UINT32_MAX;
    o.success_threshold = UINT32_MAX;
    rig_begin(&r, &o);
    rig_recover(&r);
    r.circuit.recovery.probes = UINT32_MAX - 2;
    assert_int_equal(rig_ask_many(&r, 100), 2);
    rig_end(&r);
}

/* ---- A clock that steps back -------------------------------------------------------------------*/

static void broken_does_not_end_by_it(void **state)
{
    static const uint64_t steps[] = {1, 100, 4000, 500000};
    breaker_options_t o = rig_plain(1);
    struct rig r;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        rig_begin(&r, &o);
        rig_wait(&r, 1000);
        rig_calls(&r, 1, BREAKER_FAILURE);
        rig_wait(&r, 4000);
        r.now -= steps[i];
        rig_refuse(&r);
        assert_int_equal(rig_look(&r).retry_after,
                         steps[i] <= 4000 ? 1000 + steps[i] : o.broken_time);
        r.now += steps[i];
        assert_int_equal(rig_look(&r).retry_after, 1000);
        rig_wait(&r, 1000);
        rig_admit(&r);
        rig_end(&r);
    }
}

static void passing_counts_on(void **state)
{
    breaker_options_t o = rig_plain(3);
    breaker_permit_t permit;
    struct rig r;

    (void)state;
    o.passing_time = 100;
    o.slow_time = 50;
    o.slow_ratio = 1;
    rig_begin(&r, &o);
    rig_wait(&r, 200);
    permit = rig_admit(&r);
    r.now -= 500; /* before PASSING began: no time has passed */
    assert_int_equal(rig_settle(&r, permit, BREAKER_FAILURE), 0);
    assert_false(r.turn.slow);
    rig_calls(&r, 5, BREAKER_FAILURE);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_wait(&r, 400);
    rig_calls(&r, 1, BREAKER_FAILURE);
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    assert_int_equal(rig_look(&r).tripped.failed, 7);
    rig_end(&r);
}

/* A step back into an earlier tenth gives that one's sure call again, and no more. */
static void recovering_stays_careful(void **state)
{
    breaker_options_t o = rig_plain(0);
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    rig_recover(&r);
    rig_wait(&r, 5000);
    rig_calls(&r, 1, BREAKER_SUCCESS);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t now = r.now;
        r.now -= 4000 + i * 100000;
        assert_true(rig_ask_many(&r, 100) <= 1);
        assert_true(rig_look(&r).retry_after <= o.recovery_time);
        assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
        r.now = now;
        assert_true(rig_ask_many(&r, 100) <= 1);
    }
    rig_end(&r);
}

static void probes_are_not_written_off_by_it(void **state)
{
    breaker_options_t o = rig_plain(1);
    struct rig r;

    (void)state;
    o.recovery = BREAKER_TRIAL;
    rig_begin(&r, &o);
    rig_recover(&r);
    rig_admit(&r);
    r.now -= 500000;
    rig_refuse(&r);
    assert_int_equal(rig_look(&r).retry_after, o.probe_time);
    r.now += 500000 + o.probe_time - 1;
    rig_refuse(&r);
    assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
    rig_wait(&r, 1);
    rig_refuse(&r);
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    rig_end(&r);
}

/* Since cannot lie ahead for long: a transition made at an earlier time takes that. */
static void a_transition_takes_the_time_it_was_made_at(void **state)
{
    breaker_options_t o = rig_plain(1);
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    r.now -= 100000;
    rig_calls(&r, 1, BREAKER_FAILURE);
    assert_int_equal(rig_look(&r).since, r.now);
    rig_wait(&r, o.broken_time - 1);
    rig_refuse(&r);
    rig_wait(&r, 1);
    rig_admit(&r);
    rig_end(&r);
}

static void times_far_away(void **state)
{
    static const uint64_t starts[] = {0, UINT64_C(1) << 32, UINT64_C(1) << 53, UINT64_C(1) << 62};
    breaker_options_t o = rig_options();
    struct rig r;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        rig_begin(&r, &o);
        r.now = starts[i];
        native_init(&r.circuit, r.cells, &r.rules, r.now);
        rig_calls(&r, 20, BREAKER_FAILURE);
        assert_int_equal(rig_state(&r), BREAKER_BROKEN);
        rig_wait(&r, 4999);
        rig_refuse(&r);
        rig_wait(&r, 1);
        for (unsigned call = 0; call < 10; call++) {
            rig_calls(&r, 1, BREAKER_SUCCESS);
            rig_wait(&r, 1000);
        }
        rig_calls(&r, 1, BREAKER_SUCCESS);
        assert_int_equal(rig_state(&r), BREAKER_PASSING);
        rig_wait(&r, UINT64_C(1) << 62); /* the window turns a few times more than it has buckets */
        rig_counts(&r, 0, 0);
        rig_calls(&r, 1, BREAKER_SUCCESS);
        rig_counts(&r, 1, 0);
        rig_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAYS("the window saturates at 2^31, and counts on when it has expired",
             the_window_saturates),
        SAYS("a full window still trips", a_full_window_still_trips),
        SAYS("a row of failures saturates at 2^32 - 1", a_row_of_failures_saturates),
        SAYS("RECOVERING saturates at 2^31", recovering_saturates),
        SAYS("4294967295 probes are counted", many_probes_are_counted),
        SAYS("a clock that steps back: BROKEN does not end by it", broken_does_not_end_by_it),
        SAYS("a clock that steps back: PASSING counts on", passing_counts_on),
        SAYS("a clock that steps back: RECOVERING stays careful", recovering_stays_careful),
        SAYS("a clock that steps back: probes are not written off by it",
             probes_are_not_written_off_by_it),
        SAYS("a transition takes the time it was made at",
             a_transition_takes_the_time_it_was_made_at),
        SAYS("times far away are as good as any", times_far_away),
    };

    return cmocka_run_group_tests_name("edges", tests, NULL, NULL);
}
