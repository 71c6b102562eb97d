/* Orders in every state, and the exchange of rules in every state. */
#include "rig.h"

enum { PASSING = BREAKER_PASSING, BROKEN = BREAKER_BROKEN, RECOVERING = BREAKER_RECOVERING };

static void every_order_in_every_state(void **state)
{
    static const struct {
        breaker_recovery_t recovery;
        int from;
        enum turn_op order;
        int to;
    } table[] = {
        {BREAKER_SAMPLER, PASSING, TURN_TRIP, BROKEN},
        {BREAKER_SAMPLER, PASSING, TURN_RECOVER, RECOVERING},
        {BREAKER_SAMPLER, PASSING, TURN_RESET, PASSING},
        {BREAKER_SAMPLER, BROKEN, TURN_TRIP, BROKEN},
        {BREAKER_SAMPLER, BROKEN, TURN_RECOVER, RECOVERING},
        {BREAKER_SAMPLER, BROKEN, TURN_RESET, PASSING},
        {BREAKER_SAMPLER, RECOVERING, TURN_TRIP, BROKEN},
        {BREAKER_SAMPLER, RECOVERING, TURN_RECOVER, RECOVERING},
        {BREAKER_SAMPLER, RECOVERING, TURN_RESET, PASSING},
        {BREAKER_TRIAL, BROKEN, TURN_RECOVER, RECOVERING},
        {BREAKER_IMMEDIATE, PASSING, TURN_RECOVER, PASSING},
        {BREAKER_IMMEDIATE, BROKEN, TURN_RECOVER, PASSING},
        {BREAKER_IMMEDIATE, BROKEN, TURN_TRIP, BROKEN},
    };
    struct rig r;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        breaker_options_t o = rig_plain(0);
        uint64_t epoch;
        o.recovery = table[i].recovery;
        rig_begin(&r, &o);
        rig_calls(&r, 5, BREAKER_SUCCESS);
        rig_calls(&r, 2, BREAKER_FAILURE);
        if (table[i].from == BROKEN)
            rig_trip(&r);
        if (table[i].from == RECOVERING) {
            rig_recover(&r);
            rig_calls(&r, 1, BREAKER_FAILURE);
        }
        epoch = rig_look(&r).epoch;
        rig_wait(&r, 700);
        rig_order(&r, table[i].order);
        assert_true(r.turn.moved); /* also from a state to itself */
        assert_int_equal(r.turn.from, table[i].from);
        assert_int_equal(r.turn.to, table[i].to);
        assert_int_equal(r.turn.evidence.failed, table[i].from == PASSING      ? 2
                                                 : table[i].from == RECOVERING ? 1
                                                                               : 0);
        assert_int_equal(r.turn.evidence.ok, table[i].from == PASSING ? 5 : 0);
        assert_int_equal(rig_state(&r), table[i].to);
        assert_int_equal(rig_look(&r).since, r.now);
        assert_int_equal(rig_look(&r).epoch, epoch + 1);
        rig_counts(&r, 0, 0);
        rig_end(&r);
    }
}

static void a_trip_by_order_lasts_as_a_rules_would(void **state)
{
    breaker_options_t o = rig_plain(0);
    struct rig r;

    (void)state;
    o.broken_factor = 2;
    rig_begin(&r, &o);
    rig_trip(&r);
    assert_int_equal(rig_look(&r).retry_after, 5000);
    rig_wait(&r, 3000);
    rig_order(&r, TURN_TRIP); /* begins it anew */
    assert_int_equal(rig_look(&r).trips, 1);
    assert_int_equal(rig_look(&r).retry_after, 5000);
    rig_wait(&r, 4999);
    rig_refuse(&r);
    rig_wait(&r, 1);
    rig_admit(&r);
    rig_end(&r);
}

static void a_reset_forgets_the_streak(void **state)
{
    breaker_options_t o = rig_plain(1);
    struct rig r;

    (void)state;
    o.broken_factor = 2;
    rig_begin(&r, &o);
    for (unsigned i = 0; i < 3; i++) {
        rig_order(&r, TURN_RECOVER);
        rig_order(&r, TURN_TRIP);
    }
    assert_int_equal(rig_look(&r).trips, 3);
    rig_order(&r, TURN_RESET);
    assert_int_equal(rig_look(&r).trips, 0);
    rig_calls(&r, 1, BREAKER_FAILURE);
    assert_int_equal(rig_look(&r).trips, 1);
    assert_int_equal(rig_look(&r).retry_after, 5000);
    rig_end(&r);
}

static void a_recover_begins_the_ramp_at_its_beginning(void **state)
{
    breaker_options_t o = rig_plain(0);
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    rig_calls(&r, 9, BREAKER_FAILURE);
    rig_order(&r, TURN_RECOVER); /* without a trip: no counts of one */
    assert_int_equal(rig_look(&r).tripped.failed, 0);
    rig_wait(&r, 9000);
    rig_ask(&r);
    rig_order(&r, TURN_RECOVER);
    rig_admit(&r); /* the first of the first tenth */
    rig_refuse(&r);
    rig_order(&r, TURN_TRIP);
    rig_order(&r, TURN_RECOVER); /* before broken_time is over */
    rig_admit(&r);
    rig_end(&r);
}

static void the_counts_at_a_trip_are_kept_until_passing(void **state)
{
    breaker_options_t o = rig_plain(0);
    struct rig r;

    (void)state;
    rig_begin(&r, &o);
    rig_calls(&r, 3, BREAKER_SUCCESS);
    rig_calls(&r, 9, BREAKER_FAILURE);
    rig_trip(&r);
    rig_order(&r, TURN_RECOVER);
    rig_order(&r, TURN_RECOVER);
    assert_int_equal(rig_look(&r).tripped.ok, 3);
    assert_int_equal(rig_look(&r).tripped.failed, 9);
    assert_int_equal(rig_look(&r).tripped.consecutive, 9);
    rig_order(&r, TURN_RESET);
    assert_int_equal(rig_look(&r).tripped.failed, 0);
    rig_end(&r);
}

/* ---- Exchange of rules -------------------------------------------------------------------------*/

static void the_counts_stay_where_the_geometry_does(void **state)
{
    breaker_options_t o = rig_plain(0), other = rig_plain(5);
    breaker_permit_t permit;
    struct rig r;

    (void)state;
    other.broken_time = 77;
    rig_begin(&r, &o);
    permit = rig_admit(&r);
    rig_calls(&r, 3, BREAKER_SUCCESS);
    rig_calls(&r, 4, BREAKER_FAILURE);
    rig_retune(&r, &other);
    rig_counts(&r, 3, 4);
    assert_int_equal(rig_look(&r).counts.consecutive, 4);
    assert_int_equal(rig_settle(&r, permit, BREAKER_FAILURE), 0); /* the fifth in a row */
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    assert_int_equal(rig_look(&r).retry_after, 77);
    rig_end(&r);
}

static void the_counts_start_afresh_where_it_changes(void **state)
{
    breaker_options_t from = rig_plain(5), other[5];
    breaker_permit_t permit;
    uint64_t epoch, since;
    struct rig r;

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        other[i] = from;
    other[0].window = 20000;
    other[1].buckets = 60;
    other[2].last_calls = 100;
    other[3].slow_ratio = 1;
    other[3].slow_time = 1000;
    other[4].buckets = 1;
    for (unsigned i = 0; i < 5; i++) {
        rig_begin(&r, &from);
        permit = rig_admit(&r);
        rig_calls(&r, 3, BREAKER_SUCCESS);
        rig_calls(&r, 4, BREAKER_FAILURE);
        epoch = rig_look(&r).epoch;
        since = rig_look(&r).since;
        rig_wait(&r, 500);
        rig_retune(&r, &other[i]);
        rig_counts(&r, 0, 0);
        assert_int_equal(rig_look(&r).counts.consecutive, 0);
        assert_int_equal(rig_look(&r).epoch, epoch); /* state and epoch are kept */
        assert_int_equal(rig_look(&r).since, since);
        assert_int_equal(rig_settle(&r, permit, BREAKER_SUCCESS), 0);
        rig_counts(&r, 1, 0);
        rig_wait(&r, 9999); /* the buckets begin at the exchange */
        rig_counts(&r, 1, 0);
        rig_wait(&r, 100);
        rig_counts(&r, i == 0 || i == 2, 0);
        rig_retune(&r, &from);
        rig_counts(&r, 0, 0);
        rig_end(&r);
    }
}

static void a_broken_under_way_is_kept(void **state)
{
    breaker_options_t o = rig_plain(3), other = rig_plain(3);
    struct rig r;

    (void)state;
    other.buckets = 60;
    other.broken_time = 99999;
    rig_begin(&r, &o);
    rig_calls(&r, 3, BREAKER_FAILURE);
    rig_wait(&r, 4000);
    rig_retune(&r, &other);
    assert_int_equal(rig_state(&r), BREAKER_BROKEN);
    assert_int_equal(rig_look(&r).retry_after, 1000);
    assert_int_equal(rig_look(&r).tripped.failed, 3);
    assert_int_equal(rig_look(&r).trips, 1);
    rig_retune(&r, &o);
    assert_int_equal(rig_look(&r).tripped.failed, 3);
    other.last_calls = 2; /* less memory than the counts at the trip take */
    rig_retune(&r, &other);
    assert_int_equal(rig_look(&r).tripped.failed, 3);
    rig_wait(&r, 1000);
    rig_admit(&r);
    assert_int_equal(rig_look(&r).tripped.failed, 3);
    rig_order(&r, TURN_RESET);
    rig_calls(&r, 3, BREAKER_FAILURE);
    assert_int_equal(rig_look(&r).retry_after, 99999);
    rig_end(&r);
}

static void recovering_goes_on_by_the_new_rules(void **state)
{
    breaker_options_t o = rig_plain(3), other = rig_plain(3);
    breaker_permit_t permit;
    struct rig r;

    (void)state;
    other.buckets = 60;
    other.recovery = BREAKER_TRIAL;
    other.success_threshold = 4;
    rig_begin(&r, &o);
    rig_recover(&r);
    r.draw = ALWAYS;
    rig_wait(&r, 1);
    rig_calls(&r, 2, BREAKER_SUCCESS);
    permit = rig_admit(&r);
    rig_retune(&r, &other);
    rig_counts(&r, 2, 0);
    rig_refuse(&r); /* one is out */
    assert_int_equal(rig_settle(&r, permit, BREAKER_SUCCESS), 0);
    assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
    rig_calls(&r, 1, BREAKER_SUCCESS);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAYS("every order in every state is a transition", every_order_in_every_state),
        SAYS("a trip by order lasts as a rule's would; in BROKEN it begins anew",
             a_trip_by_order_lasts_as_a_rules_would),
        SAYS("a reset: PASSING with fresh counts and no consecutive trips",
             a_reset_forgets_the_streak),
        SAYS("a recover: RECOVERING from its beginning",
             a_recover_begins_the_ramp_at_its_beginning),
        SAYS("the counts at a trip are kept until PASSING",
             the_counts_at_a_trip_are_kept_until_passing),
        SAYS("exchange of rules: the counts stay where the geometry does",
             the_counts_stay_where_the_geometry_does),
        SAYS("exchange of rules: the counts start afresh where it changes",
             the_counts_start_afresh_where_it_changes),
        SAYS("exchange of rules: a BROKEN under way is kept", a_broken_under_way_is_kept),
        SAYS("exchange of rules: RECOVERING goes on by the new ones",
             recovering_goes_on_by_the_new_rules),
    };

    return cmocka_run_group_tests_name("orders", tests, NULL, NULL);
}
