/* BROKEN: how long it lasts, how it grows, what a refusal says. */
#include "rig.h"
#include <string.h>

static void it_lasts_broken_time(void **state)
{
    static const uint64_t times[] = {1, 2, 999, 5000, BREAKER_TIME_MAX};
    breaker_options_t o = rig_plain(1);
    struct rig r;

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        o.broken_time = times[i];
        rig_begin(&r, &o);
        rig_wait(&r, 123);
        rig_calls(&r, 1, BREAKER_FAILURE);
        assert_int_equal(rig_look(&r).since, r.now);
        assert_int_equal(rig_look(&r).retry_after, times[i]);
        rig_refuse(&r);
        rig_wait(&r, times[i] - 1);
        assert_int_equal(rig_look(&r).retry_after, 1);
        rig_refuse(&r);
        assert_int_equal(rig_state(&r), BREAKER_BROKEN);
        rig_wait(&r, 1);
        rig_admit(&r);
        assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
        rig_end(&r);
    }
}

static void no_time_at_all(void **state)
{
    breaker_options_t o = rig_plain(1);
    struct rig r;

    (void)state;
    o.broken_time = 0;
    o.broken_factor = 100;
    o.recovery = BREAKER_TRIAL;
    rig_begin(&r, &o);
    for (unsigned i = 0; i < 20; i++) {
        rig_calls(&r, 1, BREAKER_FAILURE);
        assert_int_equal(rig_state(&r), BREAKER_BROKEN);
        assert_int_equal(rig_look(&r).retry_after, 0);
    }
    rig_calls(&r, 1, BREAKER_SUCCESS);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_end(&r);
}

static void it_becomes_recovering_when_somebody_asks(void **state)
{
    breaker_options_t o = rig_plain(1);
    breaker_snapshot_t seen;
    uint64_t epoch;
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    rig_calls(&r, 1, BREAKER_FAILURE);
    epoch = rig_look(&r).epoch;
    rig_wait(&r, 3600000);
    seen = rig_look(&r);
    assert_int_equal(seen.state, BREAKER_BROKEN);
    assert_int_equal(seen.retry_after, 0);
    assert_int_equal(seen.epoch, epoch);
    rig_admit(&r);
    assert_true(r.turn.moved);
    assert_int_equal(r.turn.from, BREAKER_BROKEN);
    assert_int_equal(r.turn.to, BREAKER_RECOVERING);
    assert_int_equal(r.turn.evidence.failed, 0);
    seen = rig_look(&r);
    assert_int_equal(seen.state, BREAKER_RECOVERING);
    assert_int_equal(seen.epoch, epoch + 1);
    assert_int_equal(seen.since, r.now); /* the ramp begins with the asking */
    rig_end(&r);
}

/* The length of the next BROKEN, come to by a failure in PASSING or RECOVERING. */
static uint64_t next_broken(struct rig *r)
{
    breaker_permit_t permit = rig_admit(r);

    assert_int_equal(rig_settle(r, permit, BREAKER_FAILURE), 0);
    assert_int_equal(rig_state(r), BREAKER_BROKEN);
    return rig_look(r).retry_after;
}

static void it_grows_with_each_consecutive_trip(void **state)
{
    static const struct {
        double factor;
        uint64_t time, limit, lasts[7];
    } table[] = {
        {2, 5000, 0, {5000, 10000, 20000, 40000, 60000, 60000, 60000}},
        {1, 5000, 0, {5000, 5000, 5000, 5000, 5000, 5000, 5000}},
        {3, 100, 1000, {100, 300, 900, 1000, 1000, 1000, 1000}},
        {1.5, 8, 0, {8, 12, 18, 27, 40, 60, 91}},
        {100,
         1,
         BREAKER_TIME_MAX,
         {1, 100, 10000, 1000000, BREAKER_TIME_MAX, BREAKER_TIME_MAX, BREAKER_TIME_MAX}},
        {2, 5000, 5000, {5000, 5000, 5000, 5000, 5000, 5000, 5000}},
        {2,
         BREAKER_TIME_MAX,
         0,
         {BREAKER_TIME_MAX, BREAKER_TIME_MAX, BREAKER_TIME_MAX, BREAKER_TIME_MAX, BREAKER_TIME_MAX,
          BREAKER_TIME_MAX, BREAKER_TIME_MAX}},
    };
    struct rig r;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        breaker_options_t o = rig_plain(1);
        o.recovery = BREAKER_TRIAL;
        o.broken_factor = table[i].factor;
        o.broken_time = table[i].time;
        o.broken_limit = table[i].limit;
        rig_begin(&r, &o);
        for (unsigned trip = 0; trip < 7; trip++) {
            assert_int_equal(next_broken(&r), table[i].lasts[trip]);
            assert_int_equal(rig_look(&r).trips, trip + 1);
            rig_wait(&r, table[i].lasts[trip]);
        }
        rig_end(&r);
    }
}

static void a_thousand_trips_are_no_more_than_the_limit(void **state)
{
    breaker_options_t o = rig_plain(1);
    struct rig r;

    (void)state;
    o.recovery = BREAKER_TRIAL;
    o.broken_factor = 1.001;
    rig_begin(&r, &o);
    for (unsigned trip = 1; trip <= 1000; trip++) {
        uint64_t lasts = next_broken(&r);
        assert_true(lasts >= o.broken_time && lasts <= 12 * o.broken_time);
        assert_int_equal(rig_look(&r).trips, trip < 255 ? trip : 255);
        rig_wait(&r, lasts);
    }
    rig_end(&r);
}

/* Trips once, passes for so long, trips again: how long then? */
static uint64_t after_passing(struct rig *r, const breaker_options_t *o, uint64_t passing)
{
    uint64_t lasts;

    rig_begin(r, o);
    rig_wait(r, next_broken(r));
    rig_wait(r, next_broken(r));
    rig_calls(r, 1, BREAKER_SUCCESS);
    assert_int_equal(rig_state(r), BREAKER_PASSING);
    assert_int_equal(rig_look(r).trips, 2);
    rig_wait(r, passing);
    lasts = next_broken(r);
    rig_end(r);
    return lasts;
}

static void trips_are_consecutive_until_passing_held(void **state)
{
    breaker_options_t o = rig_plain(1);
    struct rig r;

    (void)state;
    o.recovery = BREAKER_TRIAL;
    o.broken_time = 1000;
    o.broken_factor = 2;
    o.recovery_time = 500; /* the last BROKEN, 2000, is longer */
    assert_int_equal(after_passing(&r, &o, 0), 4000);
    assert_int_equal(after_passing(&r, &o, 501), 4000);
    assert_int_equal(after_passing(&r, &o, 2000), 4000);
    assert_int_equal(after_passing(&r, &o, 2001), 1000);
    assert_int_equal(after_passing(&r, &o, 1000000), 1000);
    o.recovery_time = 10000; /* is longer */
    assert_int_equal(after_passing(&r, &o, 2001), 4000);
    assert_int_equal(after_passing(&r, &o, 10000), 4000);
    assert_int_equal(after_passing(&r, &o, 10001), 1000);
}

static void the_streak_that_is_over_is_shown_as_0(void **state)
{
    breaker_options_t o = rig_plain(1);
    struct rig r;

    (void)state;
    o.recovery = BREAKER_IMMEDIATE;
    o.broken_factor = 2;
    rig_begin(&r, &o);
    rig_wait(&r, next_broken(&r));
    rig_wait(&r, next_broken(&r));
    rig_calls(&r, 1, BREAKER_SUCCESS);
    rig_wait(&r, 10000); /* as long as recovery_time and as the last BROKEN */
    assert_int_equal(rig_look(&r).trips, 2);
    rig_wait(&r, 1);
    assert_int_equal(rig_look(&r).trips, 0);
    rig_calls(&r, 1, BREAKER_FAILURE);
    assert_int_equal(rig_look(&r).trips, 1);
    rig_end(&r);
}

/* What is over stays over, also where an order leaves PASSING. */
static void an_order_does_not_bring_an_old_streak_back(void **state)
{
    static const enum turn_op orders[] = {TURN_RECOVER, TURN_TRIP};
    breaker_options_t o = rig_plain(1);
    struct rig r;

    (void)state;
    o.recovery = BREAKER_TRIAL;
    o.broken_factor = 2;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        rig_begin(&r, &o);
        rig_wait(&r, next_broken(&r));
        rig_wait(&r, next_broken(&r));
        rig_calls(&r, 1, BREAKER_SUCCESS);
        rig_wait(&r, 3600000);
        assert_int_equal(rig_look(&r).trips, 0);
        rig_order(&r, orders[i]);
        assert_int_equal(rig_look(&r).trips, orders[i] == TURN_TRIP);
        if (orders[i] == TURN_RECOVER)
            assert_int_equal(next_broken(&r), 5000);
        assert_int_equal(rig_look(&r).retry_after, 5000);
        rig_end(&r);
    }
    o.recovery = BREAKER_IMMEDIATE; /* from PASSING to itself */
    rig_begin(&r, &o);
    rig_wait(&r, next_broken(&r));
    rig_wait(&r, next_broken(&r));
    rig_calls(&r, 1, BREAKER_SUCCESS);
    rig_wait(&r, 3600000);
    rig_order(&r, TURN_RECOVER);
    assert_int_equal(rig_look(&r).trips, 0);
    assert_int_equal(next_broken(&r), 5000);
    rig_end(&r);
}

static void jitter_only_lengthens(void **state)
{
    static const struct {
        double jitter, draw;
        uint64_t first, limited; /* of broken_time 1000 and limit 1500 */
    } table[] = {{0, 0, 1000, 1500},     {0, NEVER, 1000, 1500}, {0.2, 0, 1000, 1500},
                 {0.2, 0.5, 1100, 1650}, {1, 0.25, 1250, 1875},  {1, NEVER, 2000, 3000},
                 {0.5, 0.75, 1375, 2062}};
    struct rig r;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        breaker_options_t o = rig_plain(1);
        o.recovery = BREAKER_TRIAL;
        o.broken_time = 1000;
        o.broken_limit = 1500;
        o.broken_factor = 2;
        o.broken_jitter = table[i].jitter;
        rig_begin(&r, &o);
        r.draw = table[i].draw;
        assert_int_equal(native_needs_draw(&r.circuit, &r.rules), table[i].jitter > 0);
        assert_int_equal(next_broken(&r), table[i].first);
        rig_wait(&r, table[i].first);
        assert_int_equal(next_broken(&r), table[i].limited);
        assert_true(native_needs_draw(&r.circuit, &r.rules));
        rig_end(&r);
    }
}

static void a_refusal_says_how_long_and_why(void **state)
{
    breaker_options_t o = rig_options();
    breaker_snapshot_t seen;
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    assert_int_equal(rig_look(&r).last_error, 0);
    rig_calls(&r, 9, BREAKER_SUCCESS);
    rig_calls(&r, 11, BREAKER_FAILURE);
    rig_wait(&r, 1234);
    rig_refuse(&r);
    seen = rig_look(&r);
    assert_int_equal(seen.retry_after, 5000 - 1234);
    assert_int_equal(seen.last_error, -1);
    assert_int_equal(seen.tripped.ok, 9);
    assert_int_equal(seen.tripped.failed, 11);
    assert_int_equal(seen.tripped.consecutive, 11);
    assert_int_equal(seen.counts.ok + seen.counts.failed + seen.counts.consecutive, 0);
    rig_wait(&r, 5000);
    rig_admit(&r); /* RECOVERING still knows */
    seen = rig_look(&r);
    assert_int_equal(seen.tripped.failed, 11);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAYS("BROKEN lasts broken_time", it_lasts_broken_time),
        SAYS("BROKEN may last no time at all", no_time_at_all),
        SAYS(
            "BROKEN becomes RECOVERING when somebody asks; inspecting computes and changes nothing",
            it_becomes_recovering_when_somebody_asks),
        SAYS("multiplied with each consecutive trip up to a limit; factor 1 turns it off",
             it_grows_with_each_consecutive_trip),
        SAYS("a thousand trips are no more than the limit",
             a_thousand_trips_are_no_more_than_the_limit),
        SAYS(
            "consecutive until PASSING has held longer than recovery_time and than the last BROKEN",
            trips_are_consecutive_until_passing_held),
        SAYS("a streak that is over is shown as 0", the_streak_that_is_over_is_shown_as_0),
        SAYS("an order does not bring an old streak back",
             an_order_does_not_bring_an_old_streak_back),
        SAYS("jitter only lengthens, and is off by default", jitter_only_lengthens),
        SAYS("a refusal says how long and why", a_refusal_says_how_long_and_why),
    };

    return cmocka_run_group_tests_name("BROKEN", tests, NULL, NULL);
}
