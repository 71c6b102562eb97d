/* What the recordings do not hold of lasier and the requests breaker: storages in trouble, rules of the
 * user's own, orders. */
#include "actor.h"
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

static int failing_call(struct actor *a)
{
    assert_int_equal(actor_turn(a, TURN_ADMIT), 0);
    return actor_settle(a, BREAKER_FAILURE, -ECONNREFUSED);
}

static void lasier_goes_on_without_its_storage(void **state)
{
    breaker_lasier_t options;
    struct actor a;

    (void)state;
    breaker_lasier_init(&options);
    options.max_failures = 1;
    actor_enter(&a, &options.dialect, "one", false, &shelf, t0);
    a.trouble = -ECONNRESET;
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(failing_call(&a), 0);
    a.trouble = 0;
    assert_int_equal(failing_call(&a), BREAKER_ETRIPPED);
    assert_key("circuit_one:failures", "1");
    assert_int_equal(actor_turn(&a, TURN_ADMIT), BREAKER_EREJECTED);
    a.trouble = -ECONNRESET;
    assert_int_equal(actor_turn(&a, TURN_ADMIT), 0);
    actor_leave(&a);
}

/* The counters of a circuit that somebody else has just opened are left alone. */
static void lasier_counts_nothing_while_open(void **state)
{
    breaker_lasier_t options;
    struct actor a;
    breaker_permit_t permit;

    (void)state;
    breaker_lasier_init(&options);
    options.failure_key = "f";
    options.max_failures = 2;
    actor_enter(&a, &options.dialect, "one", false, &shelf, t0);
    assert_int_equal(actor_turn(&a, TURN_ADMIT), 0);
    permit = a.turn.permit;
    put("circuit_f", "1");
    assert_int_equal(actor_settle(&a, BREAKER_FAILURE, -1), 0);
    assert_event(&a, 0, BREAKER_ON_STATE_CHANGE, BREAKER_PASSING, BREAKER_BROKEN, true);
    assert_event(&a, 1, BREAKER_ON_LATE, BREAKER_BROKEN, BREAKER_BROKEN, false);
    assert_key("f", NULL);
    put("f", "2"); /* as the original, the rule is asked all the same */
    a.turn.permit = permit;
    assert_int_equal(actor_settle(&a, BREAKER_FAILURE, -1), BREAKER_ETRIPPED);
    assert_key("f", NULL);
    actor_leave(&a);
}

static int at_least_two_of_three(void *data, uint64_t failures, uint64_t requests)
{
    *(uint64_t *)data = requests;
    return failures >= 2 && requests <= 3;
}

static void lasier_takes_a_rule_of_the_users_own(void **state)
{
    uint64_t requests = 99;
    breaker_lasier_t options;
    struct actor a;

    (void)state;
    breaker_lasier_init(&options);
    options.kind = BREAKER_LASIER_OWN;
    options.rule = at_least_two_of_three;
    options.rule_data = &requests;
    options.count_requests = 1;
    actor_enter(&a, &options.dialect, "one", false, &shelf, t0);
    assert_int_equal(failing_call(&a), 0);
    assert_int_equal(requests, 1);
    assert_int_equal(actor_turn(&a, TURN_ADMIT), 0);
    assert_int_equal(actor_settle(&a, BREAKER_IGNORED, 0), 0);
    assert_int_equal(failing_call(&a), BREAKER_ETRIPPED);
    assert_int_equal(requests, 3);
    actor_leave(&a);
}

static void requests_goes_on_without_its_storage(void **state)
{
    breaker_requests_t options;
    struct actor a;

    (void)state;
    breaker_requests_init(&options);
    options.minimum_failures = 1;
    actor_enter(&a, &options.dialect, "one", false, &shelf, t0);
    a.trouble = -ECONNRESET;
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(failing_call(&a), 0);
    assert_int_equal(actor_turn(&a, TURN_ADMIT), 0);
    assert_int_equal(actor_settle(&a, BREAKER_SUCCESS, 200), 0);
    a.trouble = 0;
    assert_int_equal(failing_call(&a), 0);
    assert_int_equal(actor_turn(&a, TURN_ADMIT), BREAKER_EREJECTED);
    a.trouble = -ECONNRESET;
    assert_int_equal(actor_turn(&a, TURN_ADMIT), BREAKER_EREJECTED); /* by its own copy */
    assert_int_equal(a.transactions, 0);
    actor_leave(&a);
}

static void requests_takes_orders(void **state)
{
    breaker_requests_t options;
    struct actor a;

    (void)state;
    breaker_requests_init(&options);
    options.service = "shop";
    actor_enter(&a, &options.dialect, "one", true, &shelf, t0);
    actor_turn(&a, TURN_TRIP);
    assert_key("shop-PercentCB", "1700000000");
    assert_int_equal(actor_turn(&a, TURN_ADMIT), BREAKER_EREJECTED);
    actor_turn(&a, TURN_RESET);
    assert_key("shop-PercentCB", "0");
    assert_int_equal(actor_turn(&a, TURN_ADMIT), 0);
    put("shop-PercentCB", "not a second");
    assert_int_equal(actor_turn(&a, TURN_ADMIT), 0);
    actor_leave(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lasier_goes_on_without_its_storage, clear),
        cmocka_unit_test_setup(lasier_counts_nothing_while_open, clear),
        cmocka_unit_test_setup(lasier_takes_a_rule_of_the_users_own, clear),
        cmocka_unit_test_setup(requests_goes_on_without_its_storage, clear),
        cmocka_unit_test_setup(requests_takes_orders, clear),
    };

    return cmocka_run_group_tests(tests, NULL, clear);
}
