/* A panel with very many breakers, and something waiting to be told of each, is destroyed: what that costs
 * for one breaker does not grow with what waits. */
#include "job.h"
#include "watcher.h"
#include <stdio.h>

enum { BREAKERS = 300000, EVENTS_MAX = 65536 };

static breaker_t **make_many(struct fixture *f, unsigned count)
{
    breaker_t **breakers = keep(f, count * sizeof(breaker_t *));
    breaker_options_t options;
    breaker_policy_t *policy;
    char name[16];

    quick_options(&options);
    policy = make_policy(&options);
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%u", i);
        assert_int_equal(breaker_create(&breakers[i], f->panel, name, policy), 0);
    }
    API_VOID(breaker_policy_destroy(policy));
    return breakers;
}

static void test_with_events_waiting(void **state)
{
    struct fixture *f = *state;
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_STATE_CHANGE);
    unsigned count = fixture_rounds(BREAKERS);
    breaker_panel_options_t options;
    breaker_t **breakers;

    breaker_panel_options_init(&options);
    options.max_events = EVENTS_MAX;
    fixture_panel(f, &options, true);
    watch_panel(watcher);
    breakers = make_many(f, count);
    for (unsigned i = 0; i < count; i++) /* some fit, and most are missed */
        assert_int_equal(breaker_trip(breakers[i], NULL, NULL), 0);
    fixture_destroy_panel(f);
    fixture_wait_destroyed(f);
    expect(f, "destroyed");
}

static void on_order(breaker_order_t *order, int status)
{
    unsigned *told = order->data;

    assert_int_equal(status, UV_ECANCELED);
    *told += 1;
}

static void test_with_orders_waiting(void **state)
{
    struct fixture *f = *state;
    unsigned count = fixture_rounds(BREAKERS), told = 0;
    breaker_t **breakers = make_many(f, count);
    breaker_order_t *orders = keep(f, count * sizeof *orders);

    for (unsigned i = 0; i < count; i++) {
        orders[i].data = &told;
        assert_int_equal(breaker_reset(breakers[i], &orders[i], on_order), 0);
    }
    fixture_destroy_panel(f);
    fixture_wait_destroyed(f);
    assert_int_equal(told, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BARE_TEST(test_with_events_waiting),
        VIRTUAL_TEST(test_with_orders_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
