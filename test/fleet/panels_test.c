/* Real panels in virtual time: through chaos; and orders, holds and refreshes among them, with a storage
 * that comes and goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "panels.h"
#include "panels_chaos.h"
#include <cmocka.h>
#include <string.h>

enum { SEEDS = 60 };

static struct panels all;
static double share;

static double failing(struct panels *p, const struct member *m)
{
    (void)p, (void)m;
    return share;
}

static void holds_through_chaos(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        panels_chaos(&all, seed);
        if (all.wrong[0] != '\0')
            fail_msg("seed %llu: %s", (unsigned long long)seed, all.wrong);
    }
}

static void same_seed_same_trace(void **state)
{
    uint64_t digest;

    (void)state;
    panels_chaos(&all, 3);
    digest = all.digest;
    panels_chaos(&all, 3);
    assert_true(all.digest == digest);
    panels_chaos(&all, 4);
    assert_true(all.digest != digest);
}

/* ---- Orders ------------------------------------------------------------------------------------*/

static void open_some(unsigned count, double rate)
{
    breaker_options_t options;

    panels_options(&options);
    panels_open(&all, 1, &options);
    all.failing = NULL;
    for (unsigned i = 0; i < count; i++)
        panels_join(&all, rate);
    panels_run(&all, PANELS_S);
}

static void close_all(void)
{
    panels_close(&all);
    assert_string_equal(all.wrong, "");
}

static int order_status;

static void on_order(breaker_order_t *order, int status)
{
    struct member *m = order->data;

    m->ordered++;
    order_status = status;
}

static void more(uint64_t time)
{
    panels_run(&all, all.now + time);
}

static breaker_snapshot_t look(unsigned member)
{
    breaker_snapshot_t snapshot;

    assert_int_equal(breaker_inspect(all.members[member].breaker, &snapshot), 0);
    return snapshot;
}

static breaker_order_t *order_of(unsigned member)
{
    all.members[member].order.data = &all.members[member];
    return &all.members[member].order;
}

/* An incident for the member, so that its loop turns. */
static void nudge(struct panels *p)
{
    for (unsigned i = 0; i < p->count; i++)
        for (int j = 0; j < 3; j++)
            uv_run(&p->members[i].loop, UV_RUN_NOWAIT);
}

static void settle_down(uint64_t time)
{
    for (uint64_t end = all.now + time; all.now < end;) {
        nudge(&all);
        more(1000);
    }
}

static void orders_are_obeyed_by_all(void **state)
{
    (void)state;
    open_some(5, 0);
    assert_int_equal(breaker_trip(all.members[0].breaker, order_of(0), on_order), 0);
    settle_down(20000);
    assert_int_equal(all.members[0].ordered, 1);
    assert_int_equal(order_status, 0);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(look(i).state, BREAKER_BROKEN);
        assert_true(look(i).retry_after > 4900 && look(i).retry_after <= 5000);
    }
    breaker_recover(all.members[1].breaker, order_of(1), on_order);
    settle_down(20000);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(look(i).state, BREAKER_RECOVERING);
    breaker_reset(all.members[2].breaker, order_of(2), on_order);
    settle_down(20000);
    assert_true(panels_all(&all, BREAKER_PASSING));
    assert_int_equal(all.members[1].ordered + all.members[2].ordered, 2);
    close_all();
}

/* For a time that its giver says, within what each policy allows. */
static void tripped_for_a_time(void **state)
{
    (void)state;
    open_some(3, 0);
    assert_int_equal(breaker_trip_for(all.members[0].breaker, 17000, order_of(0), on_order), 0);
    settle_down(20000);
    assert_int_equal(all.members[0].ordered, 1);
    for (unsigned i = 0; i < 3; i++)
        assert_in_range(look(i).retry_after, 16900, 17000);
    assert_int_equal(breaker_trip_for(all.members[1].breaker, 600000, NULL, NULL), 0);
    settle_down(20000);
    for (unsigned i = 0; i < 3; i++)
        assert_in_range(look(i).retry_after, 59900, 60000); /* broken_limit */
    all.members[2].is_cut = true;
    breaker_reset(all.members[0].breaker, NULL, NULL);
    settle_down(3000000);
    assert_int_equal(breaker_trip_for(all.members[2].breaker, 40000, NULL, NULL), 0);
    assert_in_range(look(2).retry_after, 39999, 40000); /* alone */
    close_all();
}

/* A policy with other numbers is told of, once. */
static void another_policy_is_told(void **state)
{
    breaker_options_t options;
    breaker_policy_t *other;

    (void)state;
    open_some(3, 0);
    panels_options(&options);
    options.min_calls = 11;
    assert_int_equal(breaker_policy_create(&other, &options, NULL), 0);
    assert_int_equal(breaker_set_policy(all.members[1].breaker, other), 0);
    for (unsigned i = 0; i < 3; i++) {
        breaker_trip(all.members[0].breaker, NULL, NULL);
        settle_down(20000);
    }
    assert_int_equal(all.members[0].differing + all.members[2].differing, 0);
    assert_int_equal(all.members[1].differing, 1);
    breaker_reset(all.members[1].breaker, NULL, NULL);
    settle_down(20000);
    assert_int_equal(all.members[0].differing, 1);
    assert_int_equal(all.members[2].differing, 1);
    assert_int_equal(breaker_set_policy(all.members[1].breaker, all.policy), 0);
    breaker_trip(all.members[1].breaker, NULL, NULL);
    settle_down(20000);
    breaker_policy_destroy(other);
    assert_int_equal(all.members[1].differing, 1);
    close_all();
}

/* An idle panel that hears a key anew looks at it. */
static void hearing_anew_is_looking(void **state)
{
    static const char bell[] = "{api}:1:n";

    (void)state;
    open_some(2, 0);
    all.lose_bell = 1;
    breaker_trip(all.members[0].breaker, NULL, NULL);
    settle_down(2000000);
    assert_int_equal(look(1).state, BREAKER_PASSING);
    all.members[1].client->bell(all.members[1].client, bell, strlen(bell), NULL, 0);
    settle_down(20000);
    assert_int_equal(look(1).state, BREAKER_BROKEN);
    close_all();
}

static void holds_are_common(void **state)
{
    breaker_permit_t permit;

    (void)state;
    open_some(3, 0);
    breaker_hold(all.members[0].breaker, BREAKER_HOLD_OPEN, order_of(0), on_order);
    settle_down(20000);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(look(i).hold, BREAKER_HOLD_OPEN);
        assert_int_equal(breaker_try_acquire(all.members[i].breaker, &permit), BREAKER_EREJECTED);
    }
    panels_join(&all, 0); /* one that comes later hears of it too */
    settle_down(20000);
    assert_int_equal(look(3).hold, BREAKER_HOLD_OPEN);
    breaker_hold(all.members[3].breaker, BREAKER_HOLD_WATCH, order_of(3), on_order);
    breaker_trip(all.members[3].breaker, NULL, NULL);
    settle_down(500000);
    assert_int_equal(look(0).hold, BREAKER_HOLD_WATCH);
    assert_int_equal(look(0).state, BREAKER_BROKEN);
    assert_int_equal(breaker_try_acquire(all.members[0].breaker, &permit), 0);
    assert_int_equal(breaker_report(all.members[0].breaker, &permit, BREAKER_SUCCESS, 0), 0);
    assert_int_equal(look(0).totals.rejected, 2);
    close_all();
}

static void refresh_shows_all_counts(void **state)
{
    (void)state;
    open_some(2, 0);
    for (unsigned i = 0; i < 7; i++) {
        breaker_permit_t permit;
        assert_int_equal(breaker_try_acquire(all.members[0].breaker, &permit), 0);
        breaker_report(all.members[0].breaker, &permit, i < 2 ? BREAKER_FAILURE : BREAKER_SUCCESS,
                       -1);
        settle_down(1000000);
    }
    assert_int_equal(look(1).counts.ok, 0);
    breaker_refresh(all.members[1].breaker, order_of(1), on_order);
    settle_down(50000);
    assert_int_equal(all.members[1].ordered, 1);
    assert_int_equal(look(1).counts.ok, 5);
    assert_int_equal(look(1).counts.failed, 2);
    close_all();
}

/* The storage is away: an order acts here, is told so, and reaches the others when it is back. */
static void order_in_an_outage(void **state)
{
    (void)state;
    open_some(3, 0);
    all.members[0].is_cut = true;
    breaker_trip(all.members[0].breaker, order_of(0), on_order);
    assert_int_equal(look(0).state, BREAKER_BROKEN);
    settle_down(3000000);
    assert_int_equal(all.members[0].ordered, 1);
    assert_int_equal(order_status, UV_ETIMEDOUT);
    assert_int_equal(all.members[0].lost, 1);
    assert_int_equal(look(0).state, BREAKER_BROKEN);
    assert_int_equal(look(1).state, BREAKER_PASSING);
    all.members[0].is_cut = false;
    settle_down(3000000);
    assert_int_equal(all.members[0].found, 1);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(look(i).state, BREAKER_BROKEN);
    close_all();
}

/* Destroyed in the middle of everything, an order under way too. */
static void destroyed_in_the_middle(void **state)
{
    (void)state;
    open_some(2, 50);
    breaker_trip(all.members[0].breaker, order_of(0), on_order);
    breaker_destroy(all.members[0].breaker);
    nudge(&all);
    assert_int_equal(all.members[0].ordered, 1);
    assert_int_equal(order_status, UV_ECANCELED);
    all.members[0].life++;
    settle_down(1000000);
    close_all();
}

/* Nothing is asked while nobody calls. */
static void idle_is_silent(void **state)
{
    uint64_t before;

    (void)state;
    open_some(4, 0);
    settle_down(1000000);
    before = all.store.carried_out;
    settle_down(20000000);
    assert_int_equal(all.store.carried_out, before);
    for (unsigned i = 0; i < 4; i++) {
        uv_unref((uv_handle_t *)&all.members[i].keeper);
        assert_int_equal(uv_loop_alive(&all.members[i].loop), 0);
    }
    close_all();
}

/* While refusing, a read a second at the most. */
static void refusing_reads_once_a_second(void **state)
{
    uint64_t before;

    (void)state;
    open_some(2, 100);
    breaker_hold(all.members[0].breaker, BREAKER_HOLD_OPEN, NULL, NULL);
    more(2 * PANELS_S);
    before = all.store.carried_out;
    more(20 * PANELS_S);
    assert_in_range(all.store.carried_out - before, 30, 41);
    close_all();
}

static void leaves_counts_at_home(void **state)
{
    breaker_options_t options;

    (void)state;
    panels_options(&options);
    options.share = BREAKER_SHARE_STATE;
    panels_open(&all, 5, &options);
    for (unsigned i = 0; i < 3; i++)
        panels_join(&all, 20);
    panels_run(&all, 2 * PANELS_S);
    for (unsigned i = 0; i < STORE_CHAINS; i++)
        assert_null(all.store.chains[i]);
    share = 1;
    all.failing = failing;
    panels_run(&all, 4 * PANELS_S);
    assert_true(panels_all(&all, BREAKER_BROKEN));
    assert_int_equal(all.records, 1);
    close_all();
}

static void refuses_in_an_outage(void **state)
{
    breaker_options_t options;
    uint64_t calls;

    (void)state;
    panels_options(&options);
    options.on_outage = BREAKER_OUTAGE_REFUSE;
    panels_open(&all, 5, &options);
    panels_join(&all, 50);
    panels_run(&all, PANELS_S);
    all.members[0].is_cut = true;
    panels_run(&all, 3 * PANELS_S);
    calls = all.calls;
    panels_run(&all, 6 * PANELS_S);
    assert_int_equal(all.calls, calls);
    all.members[0].is_cut = false;
    panels_run(&all, 10 * PANELS_S);
    assert_true(all.calls > calls + 100);
    close_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tripped_for_a_time),      cmocka_unit_test(another_policy_is_told),
        cmocka_unit_test(hearing_anew_is_looking), cmocka_unit_test(orders_are_obeyed_by_all),
        cmocka_unit_test(holds_are_common),        cmocka_unit_test(refresh_shows_all_counts),
        cmocka_unit_test(order_in_an_outage),      cmocka_unit_test(destroyed_in_the_middle),
        cmocka_unit_test(idle_is_silent),          cmocka_unit_test(refusing_reads_once_a_second),
        cmocka_unit_test(leaves_counts_at_home),   cmocka_unit_test(refuses_in_an_outage),
        cmocka_unit_test(same_seed_same_trace),    cmocka_unit_test(holds_through_chaos),
    };

    return cmocka_run_group_tests_name("fleet panels", tests, NULL, NULL);
}
