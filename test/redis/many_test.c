/* A hundred thousand circuits of one process on one Redis: two connections, no call waits, and all of
 * them are heard of. */
#include "rig.h"
#include "server.h"
#include <breaker.h>
#include <stdio.h>
#include <stdlib.h>

enum { BREAKERS = 100000, PATIENCE = 100 /* s */ };

static struct server server;
static uv_loop_t loop;
static breaker_storage_t *storage;
static breaker_panel_t *panel;
static breaker_policy_t *policy;
static uv_timer_t other_work; /* the background keeps no loop alive */
static bool is_gone;

static void on_other_work(uv_timer_t *timer)
{
    (void)timer;
}

static void on_gone(void *data)
{
    (void)data;
    is_gone = true;
}

static unsigned connections(void)
{
    redisReply *reply = server_ask(&server, "CLIENT LIST");
    unsigned count = 0;
    for (const char *at = reply->str; (at = strstr(at, "name=libbreaker ")); at++)
        count++;
    freeReplyObject(reply);
    return count;
}

static long long channels(void)
{
    redisReply *reply = server_ask(&server, "INFO stats");
    long long count = atoll(strstr(reply->str, "pubsub_channels:") + 16);
    freeReplyObject(reply);
    return count;
}

/* Other work goes on: one second for all the calls of a turn would be a thousand times too long. */
static void ask_all(breaker_outcome_t outcome)
{
    char name[32];
    for (int i = 0; i < BREAKERS; i++) {
        breaker_permit_t permit;
        snprintf(name, sizeof name, "circuit %d", i);
        breaker_t *breaker = breaker_find(panel, name);
        assert_int_equal(breaker_try_acquire(breaker, &permit), 0);
        assert_int_equal(breaker_report(breaker, &permit, outcome, 0), 0);
    }
}

static void hundred_thousand(void **state)
{
    char name[32];
    uint64_t until = uv_hrtime() + PATIENCE * UINT64_C(1000000000);
    (void)state;
    for (int i = 0; i < BREAKERS; i++) {
        breaker_t *breaker;
        snprintf(name, sizeof name, "circuit %d", i);
        assert_int_equal(breaker_create(&breaker, panel, name, policy), 0);
    }
    ask_all(BREAKER_SUCCESS);
    while (channels() < BREAKERS) {
        assert_true(uv_hrtime() < until);
        for (int i = 0; i < 100; i++)
            uv_run(&loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(connections(), 2);
    ask_all(BREAKER_SUCCESS);
    while (server_number(&server, "DBSIZE") < BREAKERS) { /* each has counted something */
        assert_true(uv_hrtime() < until);
        for (int i = 0; i < 100; i++)
            uv_run(&loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(connections(), 2);
    assert_int_equal(server_number(&server, "EXISTS {circuit 0}:1:r"), 0);
}

static int set_up(void **state)
{
    breaker_redis_options_t where;
    breaker_panel_options_t box;
    breaker_options_t options;
    (void)state;
    server_start(&server, false);
    breaker_redis_options_init(&where);
    where.path = server.path;
    where.transaction_timeout = 20000;
    uv_loop_init(&loop);
    uv_timer_init(&loop, &other_work);
    uv_timer_start(&other_work, on_other_work, 10000 * PATIENCE, 0);
    assert_int_equal(breaker_redis_create(&storage, &where, NULL), 0);
    breaker_panel_options_init(&box);
    box.storage = storage;
    box.storage_timeout = 20000;
    assert_int_equal(breaker_panel_create(&panel, &loop, &box), 0);
    breaker_options_init(&options);
    options.window = 10000 * PATIENCE; /* no count is forgotten before all are there */
    assert_int_equal(breaker_policy_create(&policy, &options, NULL), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    uv_close((uv_handle_t *)&other_work, NULL);
    assert_int_equal(breaker_panel_destroy(panel, on_gone), 0);
    while (!is_gone)
        uv_run(&loop, UV_RUN_ONCE);
    breaker_policy_destroy(policy);
    assert_int_equal(breaker_redis_destroy(storage), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    server_end(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hundred_thousand)};
    return cmocka_run_group_tests_name("redis: many circuits", tests, set_up, tear_down);
}
