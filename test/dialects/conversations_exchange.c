/* Rules that are exchanged in the middle of a turn, while the storage is asked: what was sent is what is
 * heard. */
#include "actor.h"
#include "circuit/dialects/lasier.h"
#include "circuit/dialects/pybreaker.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { T0 = 1700000000, STATUS = -ECONNREFUSED };
static const uint64_t t0 = (uint64_t)T0 * 1000;

static struct shelf shelf;

static int clear(void **state)
{
    (void)state;
    shelf_clear(&shelf);
    return 0;
}

/* A failure that is being settled when the rules are exchanged. */
static int fail_and_exchange(struct actor *a, const breaker_dialect_t *options)
{
    enum turn_next next = TURN_ASK;

    assert_int_equal(actor_turn(a, TURN_ADMIT), 0);
    a->turn.outcome = BREAKER_FAILURE;
    a->turn.status = STATUS;
    memset(a->talk.verbs, 0x5a, sizeof a->talk.verbs); /* what earlier turns have left there */
    actor_begin(a, TURN_SETTLE);
    assert_int_equal(actor_step(a), TURN_ASK);
    actor_exchange(a, options);
    while (next == TURN_ASK) {
        actor_answer(a);
        next = actor_step(a);
    }
    if (next == TURN_WRITE)
        actor_answer(a);
    return a->turn.verdict;
}

static unsigned count_events(const struct actor *a, int kind)
{
    unsigned count = 0;

    for (unsigned i = 0; i < a->talk.event_count; i++)
        count += a->talk.events[i].kind == kind;
    return count;
}

/* ---- lasier ------------------------------------------------------------------------------------*/

static void lasier_options(breaker_lasier_t *options, bool with_requests)
{
    breaker_lasier_init(options);
    options->kind = with_requests ? BREAKER_LASIER_PERCENTAGE : BREAKER_LASIER_MAX;
    options->min_accepted_requests = 2;
    options->max_failures = 2;
}

static void lasier_hears_what_it_sent(void **state)
{
    (void)state;
    for (int before = 0; before < 2; before++) {
        breaker_lasier_t from, to;
        struct actor a;
        const struct lasier *c;

        lasier_options(&from, before == 1);
        lasier_options(&to, before == 0);
        shelf_clear(&shelf);
        actor_enter(&a, &from.dialect, "one", false, &shelf, t0);
        c = a.circuit;
        assert_int_equal(fail_and_exchange(&a, &to.dialect), 0);
        assert_int_equal(c->failures, 1);
        assert_int_equal(c->requests, before);
        assert_int_equal(c->seen, BREAKER_PASSING);
        assert_int_equal(count_events(&a, BREAKER_ON_FAILURE), 1);
        actor_leave(&a);
    }
}

static void lasier_stays_with_what_it_caught(void **state)
{
    const int others[] = {-EPIPE};
    breaker_lasier_t from, to;
    struct actor a;

    (void)state;
    lasier_options(&from, false);
    lasier_options(&to, false);
    from.max_failures = to.max_failures = 1;
    to.caught.list = others;
    to.caught.count = 1;
    actor_enter(&a, &from.dialect, "one", false, &shelf, t0);
    assert_int_equal(fail_and_exchange(&a, &to.dialect), BREAKER_ETRIPPED);
    assert_int_equal(((const struct lasier *)a.circuit)->failures, 0); /* a trip clears them */
    assert_int_equal(count_events(&a, BREAKER_ON_FAILURE), 1);
    actor_leave(&a);
}

/* ---- pybreaker and its family ------------------------------------------------------------------*/

static void family_stays_with_what_it_judged(void **state)
{
    static const breaker_family_t variants[] = {BREAKER_PYBREAKER, BREAKER_ASYNCBREAKER,
                                                BREAKER_AIOBREAKER, BREAKER_INFUSE};
    const int excluded[] = {STATUS};

    (void)state;
    for (unsigned i = 0; i < sizeof variants / sizeof *variants; i++) {
        breaker_pybreaker_t from, to;
        struct actor a;

        breaker_family_init_sized(&from, variants[i], sizeof from);
        breaker_family_init_sized(&to, variants[i], sizeof to);
        from.fail_max = to.fail_max = 3;
        to.excluded.list = excluded;
        to.excluded.count = 1;
        shelf_clear(&shelf);
        actor_enter(&a, &from.dialect, "one", true, &shelf, t0);
        assert_int_equal(fail_and_exchange(&a, &to.dialect), 0);
        assert_int_equal(((const struct pybreaker *)a.circuit)->fails, 1);
        assert_int_equal(count_events(&a, BREAKER_ON_FAILURE), 1);
        assert_int_equal(count_events(&a, BREAKER_ON_SUCCESS), 0);
        actor_leave(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lasier_hears_what_it_sent, clear),
        cmocka_unit_test_setup(lasier_stays_with_what_it_caught, clear),
        cmocka_unit_test_setup(family_stays_with_what_it_judged, clear),
    };

    return cmocka_run_group_tests(tests, NULL, clear);
}
