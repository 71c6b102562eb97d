/* What the recordings do not hold: storages in trouble, answers that come late, others that write in
 * between, breakers that join a circuit. */
#include "actor.h"
#include "circuit/dialects/pybreaker.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { T0 = 1700000000 }; /* s */
static const uint64_t t0 = (uint64_t)T0 * 1000;

static struct shelf shelf;

static int clear(void **state)
{
    (void)state;
    shelf_clear(&shelf);
    return 0;
}

static void put(const char *key, const char *value)
{
    shelf_set(&shelf, key, strlen(key), value, strlen(value), 0);
}

static void assert_key(const char *key, const char *value)
{
    struct shelf_item *item = shelf_find(&shelf, key, strlen(key));

    if (value == NULL) {
        assert_null(item);
        return;
    }
    assert_non_null(item);
    assert_int_equal(item->length, strlen(value));
    assert_memory_equal(item->value, value, item->length);
}

static void assert_event(const struct actor *a, unsigned i, int kind, int from, int to,
                         bool noticed)
{
    assert_true(i < a->talk.event_count);
    assert_int_equal(a->talk.events[i].kind, kind);
    assert_int_equal(a->talk.events[i].from, from);
    assert_int_equal(a->talk.events[i].to, to);
    assert_int_equal(a->talk.events[i].noticed, noticed);
}

static void enter(struct actor *a, breaker_family_t variant, unsigned fail_max)
{
    breaker_pybreaker_t options;

    breaker_family_init_sized(&options, variant, sizeof options);
    options.fail_max = fail_max;
    options.reset_timeout = 10000;
    actor_enter(a, &options.dialect, "one", true, &shelf, t0);
}

static int failing_call(struct actor *a)
{
    assert_int_equal(actor_turn(a, TURN_ADMIT), 0);
    return actor_settle(a, BREAKER_FAILURE, -ECONNREFUSED);
}

/* ---- pybreaker: the storage fails --------------------------------------------------------------*/

static void a_dead_storage_reads_as_closed(void **state)
{
    struct actor a;

    (void)state;
    enter(&a, BREAKER_PYBREAKER, 1);
    assert_int_equal(failing_call(&a), BREAKER_ETRIPPED);
    assert_int_equal(actor_turn(&a, TURN_ADMIT), BREAKER_EREJECTED);
    assert_int_equal(a.talk.reason, BREAKER_REASON_OPEN);

    a.trouble = -ETIMEDOUT;
    assert_int_equal(actor_turn(&a, TURN_ADMIT), 0);
    assert_event(&a, 0, BREAKER_ON_STATE_CHANGE, BREAKER_BROKEN, BREAKER_PASSING, true);
    assert_event(&a, 1, BREAKER_BEFORE_CALL, BREAKER_PASSING, BREAKER_PASSING, false);
    assert_int_equal(a.transactions, 1); /* what it would have written, it drops */
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(failing_call(&a), 0); /* the counter reads 0 */

    a.trouble = 0;
    assert_key("pybreaker:state", "open");
    assert_int_equal(actor_turn(&a, TURN_ADMIT), BREAKER_EREJECTED);
    actor_leave(&a);
}

static void a_trial_that_cannot_be_counted(void **state)
{
    struct actor a;
    breaker_permit_t trial;

    (void)state;
    enter(&a, BREAKER_PYBREAKER, 1);
    failing_call(&a);
    a.now += 10000;
    assert_int_equal(actor_turn(&a, TURN_ADMIT), 0);
    trial = a.turn.permit;
    a.trouble = -ETIMEDOUT;
    assert_int_equal(actor_settle(&a, BREAKER_SUCCESS, 0), 0);
    assert_int_equal(((struct pybreaker *)a.circuit)->seen, BREAKER_RECOVERING);
    a.turn.permit = trial;
    assert_int_equal(actor_settle(&a, BREAKER_FAILURE, -1), BREAKER_ETRIPPED);
    assert_int_equal(a.talk.reason, BREAKER_REASON_TRIAL);
    assert_int_equal(((struct pybreaker *)a.circuit)->seen, BREAKER_BROKEN);
    assert_key("pybreaker:state", "half-open"); /* dropped */
    actor_leave(&a);
}

static void a_variant_without_a_counter_closes_all_the_same(void **state)
{
    struct actor a;

    (void)state;
    enter(&a, BREAKER_AIOBREAKER, 1);
    failing_call(&a);
    assert_key("aiobreaker:state", "OPEN");
    a.now += 10000;
    assert_int_equal(actor_turn(&a, TURN_ADMIT), 0);
    assert_key("aiobreaker:state", "HALF_OPEN");
    assert_int_equal(actor_settle(&a, BREAKER_SUCCESS, 0), 0);
    assert_key("aiobreaker:state", "CLOSED");
    assert_key("aiobreaker:success_counter", NULL);
    actor_leave(&a);
}

/* ---- pybreaker: others -------------------------------------------------------------------------*/

static void a_new_breaker_joins_and_resets_nothing(void **state)
{
    static const breaker_family_t variants[] = {BREAKER_PYBREAKER, BREAKER_ASYNCBREAKER,
                                                BREAKER_AIOBREAKER, BREAKER_INFUSE};

    for (unsigned i = 0; i < 4; i++) {
        struct actor a, b;
        clear(state);
        enter(&a, variants[i], 2);
        failing_call(&a);
        failing_call(&a);
        a.now += 3000;
        enter(&b, variants[i], 2);
        assert_int_equal(b.talk.event_count, 0);
        b.now = a.now;
        assert_int_equal(actor_turn(&b, TURN_ADMIT), BREAKER_EREJECTED);
        assert_int_equal(b.talk.event_count, 0); /* it knew */
        assert_int_equal(((struct pybreaker *)b.circuit)->opened, t0);
        actor_leave(&a);
        actor_leave(&b);
    }
}

static void joining_may_be_left_to_the_first_call(void **state)
{
    struct actor a, b;

    (void)state;
    enter(&a, BREAKER_INFUSE, 1);
    failing_call(&a);
    enter(&b, BREAKER_INFUSE, 1);
    b.dialect->init(b.circuit, b.rules, "one", true);
    b.now = t0 + 5000;
    assert_int_equal(actor_turn(&b, TURN_ADMIT), BREAKER_EREJECTED);
    assert_int_equal(b.talk.event_count, 0);
    assert_key("infuse:opened_at", "1700000000"); /* not prolonged */
    actor_leave(&a);
    actor_leave(&b);
}

static void a_lost_state_is_written_anew(void **state)
{
    struct actor a;

    enter(&a, BREAKER_PYBREAKER, 1);
    failing_call(&a);
    clear(state);
    assert_int_equal(actor_turn(&a, TURN_ADMIT), 0);
    assert_event(&a, 0, BREAKER_ON_STATE_CHANGE, BREAKER_BROKEN, BREAKER_PASSING, true);
    assert_key("pybreaker:state", "closed");
    assert_key("pybreaker:fail_counter", "0");
    assert_key("pybreaker:success_counter", "0");
    actor_leave(&a);
}

static void in_infuse_a_lost_state_is_half_open(void **state)
{
    struct actor a;

    enter(&a, BREAKER_INFUSE, 3);
    clear(state);
    assert_int_equal(actor_turn(&a, TURN_ADMIT), 0);
    assert_event(&a, 0, BREAKER_ON_STATE_CHANGE, BREAKER_PASSING, BREAKER_RECOVERING, true);
    assert_key("infuse:state", NULL);
    assert_int_equal(actor_settle(&a, BREAKER_FAILURE, -1), BREAKER_ETRIPPED);
    assert_int_equal(a.talk.reason, BREAKER_REASON_TRIAL);
    assert_key("infuse:state", "open");
    actor_leave(&a);
}

/* Nothing is written that the original would not write. */
static void in_infuse_only_a_counter_above_0_is_zeroed(void **state)
{
    struct actor a;

    enter(&a, BREAKER_INFUSE, 3);
    clear(state);
    put("infuse:state", "closed");
    assert_int_equal(actor_turn(&a, TURN_ADMIT), 0);
    assert_int_equal(actor_settle(&a, BREAKER_SUCCESS, 0), 0);
    actor_turn(&a, TURN_RESET);
    assert_key("infuse:fail_counter", NULL);
    failing_call(&a);
    assert_key("infuse:fail_counter", "1");
    assert_int_equal(actor_turn(&a, TURN_ADMIT), 0);
    assert_int_equal(actor_settle(&a, BREAKER_SUCCESS, 0), 0);
    assert_key("infuse:fail_counter", "0");
    actor_leave(&a);
}

/* Two calls have asked at once; the second's answer is from before the first one's write. */
static void an_old_answer_is_asked_again(void **state)
{
    struct actor a, late;

    (void)state;
    enter(&a, BREAKER_PYBREAKER, 1);
    failing_call(&a);
    a.now += 10000;
    late = a; /* another turn on the same circuit */
    actor_begin(&late, TURN_ADMIT);
    assert_int_equal(actor_step(&late), TURN_ASK);
    actor_answer(&late); /* open */
    assert_int_equal(actor_turn(&a, TURN_ADMIT), 0);
    assert_key("pybreaker:state", "half-open");

    assert_int_equal(actor_step(&late), TURN_ASK);
    actor_answer(&late);
    assert_int_equal(actor_step(&late), TURN_DONE);
    assert_int_equal(late.turn.verdict, 0);
    assert_int_equal(late.talk.event_count, 1); /* before_call, and no second way to half-open */
    actor_leave(&a);
}

static void opened_at_only_moves_forward(void **state)
{
    struct actor a;

    (void)state;
    enter(&a, BREAKER_PYBREAKER, 1);
    assert_int_equal(actor_turn(&a, TURN_ADMIT), 0);
    a.turn.outcome = BREAKER_FAILURE;
    actor_begin(&a, TURN_SETTLE);
    assert_int_equal(actor_step(&a), TURN_ASK); /* the counter, and opened_at: absent */
    actor_answer(&a);
    assert_int_equal(actor_step(&a), TURN_ASK); /* the opening, guarded */
    put("pybreaker:opened_at", "1699999990");   /* a slower clock was faster */
    actor_answer(&a);
    assert_key("pybreaker:state", "closed");
    assert_int_equal(actor_step(&a), TURN_ASK);
    put("pybreaker:opened_at", "1700000005"); /* and now a faster one */
    actor_answer(&a);
    assert_int_equal(actor_step(&a), TURN_WRITE);
    actor_answer(&a);
    assert_key("pybreaker:state", "open");
    assert_key("pybreaker:opened_at", "1700000005");
    assert_int_equal(a.turn.verdict, BREAKER_ETRIPPED);
    assert_int_equal(a.talk.event_count, 2); /* failure and the opening, told once */
    actor_leave(&a);
}

static void somebody_who_moves_opened_at_for_ever_does_not_hold_us(void **state)
{
    struct actor a;
    unsigned steps = 0;

    (void)state;
    enter(&a, BREAKER_PYBREAKER, 1);
    assert_int_equal(actor_turn(&a, TURN_ADMIT), 0);
    a.turn.outcome = BREAKER_FAILURE;
    actor_begin(&a, TURN_SETTLE);
    while (actor_step(&a) == TURN_ASK) {
        actor_answer(&a);
        put("pybreaker:opened_at", steps % 2 ? "1" : "2");
        assert_true(++steps < 20);
    }
    actor_answer(&a);
    assert_key("pybreaker:state", "open");
    actor_leave(&a);
}

static void garbage_in_the_keys(void **state)
{
    struct actor a;

    (void)state;
    enter(&a, BREAKER_PYBREAKER, 1);
    put("pybreaker:state", "ajar");
    assert_int_equal(actor_turn(&a, TURN_ADMIT), 0);
    put("pybreaker:state", "open");
    put("pybreaker:opened_at", "tuesday");
    assert_int_equal(actor_turn(&a, TURN_ADMIT), 0); /* no stamp: a trial */
    assert_int_equal(actor_settle(&a, BREAKER_FAILURE, -1), BREAKER_ETRIPPED);
    assert_key("pybreaker:opened_at", "1700000000");
    put("pybreaker:opened_at", "253402300799"); /* the end of the year 9999 */
    assert_int_equal(actor_turn(&a, TURN_ADMIT), BREAKER_EREJECTED);
    put("pybreaker:opened_at", "1700000000000"); /* ms: no time */
    assert_int_equal(actor_turn(&a, TURN_ADMIT), 0);
    assert_int_equal(actor_settle(&a, BREAKER_FAILURE, -1), BREAKER_ETRIPPED);
    put("pybreaker:opened_at", "9223372036854775807");
    assert_int_equal(actor_turn(&a, TURN_ADMIT), 0);
    actor_leave(&a);
}

static void permits_of_no_call_are_stale(void **state)
{
    struct actor a;

    (void)state;
    enter(&a, BREAKER_PYBREAKER, 1);
    for (uint64_t epoch = 0; epoch < 6; epoch++) {
        a.turn.permit = (breaker_permit_t){epoch, t0};
        if (epoch == 1 || epoch == 3)
            continue;
        assert_int_equal(actor_settle(&a, BREAKER_FAILURE, -1), BREAKER_ESTALE);
        assert_int_equal(a.transactions, 0);
    }
    actor_leave(&a);
}

static void what_is_read_at_creation_stays(void **state)
{
    breaker_pybreaker_t other;
    struct actor a;

    (void)state;
    enter(&a, BREAKER_AIOBREAKER, 5);
    breaker_pybreaker_init(&other);
    other.fail_max = 1;
    other.key_namespace = "elsewhere";
    actor_exchange(&a, &other.dialect);
    assert_int_equal(failing_call(&a), BREAKER_ETRIPPED); /* fail_max is read when used */
    assert_key("aiobreaker:state", "OPEN");
    assert_key("elsewhere:pybreaker:state", NULL);
    actor_leave(&a);
}

static void a_look_reads_and_changes_nothing(void **state)
{
    struct actor a;
    breaker_pybreaker_snapshot_t s;

    (void)state;
    enter(&a, BREAKER_PYBREAKER, 3);
    put("pybreaker:state", "open");
    put("pybreaker:fail_counter", "7");
    put("pybreaker:success_counter", "2");
    put("pybreaker:opened_at", "1699999999");
    assert_int_equal(actor_turn(&a, TURN_LOOK), 0);
    pybreaker_inspect(a.circuit, a.rules, a.now, &s);
    assert_int_equal(s.state, BREAKER_PASSING);
    assert_int_equal(s.stored, BREAKER_BROKEN);
    assert_int_equal(s.fail_counter, 7);
    assert_int_equal(s.success_counter, 2);
    assert_int_equal(s.opened_at, 1699999999000);
    assert_int_equal(a.talk.event_count, 0);
    actor_turn(&a, TURN_ADMIT);
    pybreaker_inspect(a.circuit, a.rules, a.now, &s);
    assert_int_equal(s.time_remaining, 9000);
    actor_leave(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_dead_storage_reads_as_closed, clear),
        cmocka_unit_test_setup(a_trial_that_cannot_be_counted, clear),
        cmocka_unit_test_setup(a_variant_without_a_counter_closes_all_the_same, clear),
        cmocka_unit_test_setup(a_new_breaker_joins_and_resets_nothing, clear),
        cmocka_unit_test_setup(joining_may_be_left_to_the_first_call, clear),
        cmocka_unit_test_setup(a_lost_state_is_written_anew, clear),
        cmocka_unit_test_setup(in_infuse_a_lost_state_is_half_open, clear),
        cmocka_unit_test_setup(in_infuse_only_a_counter_above_0_is_zeroed, clear),
        cmocka_unit_test_setup(an_old_answer_is_asked_again, clear),
        cmocka_unit_test_setup(opened_at_only_moves_forward, clear),
        cmocka_unit_test_setup(somebody_who_moves_opened_at_for_ever_does_not_hold_us, clear),
        cmocka_unit_test_setup(garbage_in_the_keys, clear),
        cmocka_unit_test_setup(permits_of_no_call_are_stale, clear),
        cmocka_unit_test_setup(what_is_read_at_creation_stays, clear),
        cmocka_unit_test_setup(a_look_reads_and_changes_nothing, clear),
    };

    return cmocka_run_group_tests(tests, NULL, clear);
}
