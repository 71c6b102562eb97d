/* The last act of a program: what it does to a shared circuit, and then its loop runs out. The others are to
 * hear of it all the same, though nothing waits for an answer. */
#include "rig.h"
#include "server.h"
#include <stdio.h>

static struct server server;
static breaker_t *breaker;
static breaker_call_t call;
static uv_timer_t timer;
static void (*act)(void);

static int start(breaker_call_t *own)
{
    return breaker_finish(own, UV_EIO);
}

static void on_done(breaker_call_t *own, int status)
{
    (void)own;
    assert_int_equal(status, UV_EIO);
}

static void trip(void)
{
    assert_int_equal(breaker_trip(breaker, NULL, NULL), 0);
}

static void report_a_failure(void)
{
    breaker_permit_t permit;

    assert_int_equal(breaker_try_acquire(breaker, &permit), 0);
    assert_int_equal(breaker_report(breaker, &permit, BREAKER_FAILURE, UV_EIO), 0);
}

static void make_a_call(void)
{
    breaker_call_init(&call);
    assert_int_equal(breaker_call(breaker, &call, start, on_done), 0);
}

static void on_timer(uv_timer_t *own)
{
    uv_close((uv_handle_t *)own, NULL);
    act();
}

/* The circuit has met the storage. */
static void at_once(breaker_order_t *order, int status)
{
    (void)order;
    assert_int_equal(status, 0);
    uv_close((uv_handle_t *)&timer, NULL);
    act();
}

static void after_a_while(breaker_order_t *order, int status)
{
    (void)order;
    assert_int_equal(status, 0);
    uv_timer_start(&timer, on_timer, 50, 0);
}

static breaker_storage_t *storage_in(const char *path)
{
    breaker_redis_options_t options;
    breaker_storage_t *storage;
    char url[128];

    snprintf(url, sizeof url, "unix:%s", path);
    breaker_redis_options_init(&options);
    assert_int_equal(breaker_redis_options_url(&options, url), 0);
    assert_int_equal(breaker_redis_create(&storage, &options, NULL), 0);
    return storage;
}

static breaker_policy_t *trips_at_once(void)
{
    breaker_options_t options;
    breaker_policy_t *policy;

    breaker_options_init(&options);
    options.consecutive_failures = 1;
    options.min_reporters = 1;
    assert_int_equal(breaker_policy_create(&policy, &options, NULL), 0);
    return policy;
}

/* A whole program; at its end the storage knows. */
static void live(breaker_order_cb when, void (*what)(void), const char *key)
{
    uv_loop_t loop;
    breaker_panel_t *panel;
    breaker_panel_options_t options;
    breaker_policy_t *policy = trips_at_once();
    breaker_order_t order = {0};

    act = what;
    server_do(&server, "FLUSHALL");
    assert_int_equal(uv_loop_init(&loop), 0);
    uv_timer_init(&loop, &timer);
    breaker_panel_options_init(&options);
    options.storage = storage_in(server.path);
    assert_int_equal(breaker_panel_create(&panel, &loop, &options), 0);
    assert_int_equal(breaker_create(&breaker, panel, "x", policy), 0);
    assert_int_equal(breaker_refresh(breaker, &order, when), 0);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(breaker_panel_destroy(panel, NULL), 0);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    breaker_redis_destroy(options.storage);
    breaker_policy_destroy(policy);
    assert_int_equal(uv_loop_close(&loop), 0);
    for (int i = 0; i < RIG_PATIENCE_MS; i += 10) { /* it is on its way */
        redisReply *reply = server_ask(&server, "KEYS %s", key);
        size_t keys = reply->elements;

        freeReplyObject(reply);
        if (keys > 0)
            return;
        uv_sleep(10);
    }
    fail_msg("there is no %s", key);
}

static void it_trips(void **state)
{
    (void)state;
    live(at_once, trip, "{x}:1:r");
    live(after_a_while, trip, "{x}:1:r");
}

/* Counts, or the record of the transition that they made. */
static void it_fails(void **state)
{
    (void)state;
    live(after_a_while, report_a_failure, "{x}:1:*");
    live(after_a_while, make_a_call, "{x}:1:*");
}

static int set_up(void **state)
{
    (void)state;
    server_start(&server, false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_end(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_trips),
        cmocka_unit_test(it_fails),
    };
    return cmocka_run_group_tests_name("redis: the last act", tests, set_up, tear_down);
}
