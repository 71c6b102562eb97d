/* Knows how a breaker is led through one conversation after the other, and how what lies in Redis is
 * compared, to the last key. */
#include "wire.h"
#include <stdio.h>
#include <stdlib.h>

struct wire wire;

static uint64_t wall(void *data)
{
    return ((struct wire *)data)->wall;
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void run_until(const bool *flag)
{
    uint64_t limit = uv_hrtime() + WIRE_PATIENCE;

    uv_timer_start(&wire.ticker, on_tick, 5, 5);
    while (!*flag) {
        uv_run(&wire.loop, UV_RUN_ONCE);
        if (uv_hrtime() > limit)
            fail_msg("no answer");
    }
    uv_timer_stop(&wire.ticker);
}

/* ---- Life --------------------------------------------------------------------------------------*/

int wire_start(void **state)
{
    (void)state;
    server_start(&wire.server, false);
    return 0;
}

int wire_end(void **state)
{
    (void)state;
    server_end(&wire.server);
    return 0;
}

int wire_fresh(void **state)
{
    breaker_panel_options_t options;
    breaker_redis_options_t redis;
    char url[128];

    (void)state;
    PEER("FLUSHALL");
    wire.wall = WIRE_WALL;
    wire.breaker = NULL;
    uv_loop_init(&wire.loop);
    uv_timer_init(&wire.loop, &wire.ticker);
    snprintf(url, sizeof url, "unix:%s", wire.server.path);
    breaker_redis_options_init(&redis);
    assert_int_equal(breaker_redis_options_url(&redis, url), 0);
    redis.transaction_timeout = 10000;
    assert_int_equal(breaker_redis_create(&wire.storage, &redis, NULL), 0);
    breaker_panel_options_init(&options);
    options.data = &wire;
    options.wall = wall;
    options.storage = wire.storage;
    options.storage_timeout = 10000;
    assert_int_equal(breaker_panel_create(&wire.panel, &wire.loop, &options), 0);
    return 0;
}

static void on_left(void *data)
{
    ((struct wire *)data)->is_over = true;
}

int wire_leave(void **state)
{
    (void)state;
    wire.is_over = false;
    breaker_panel_destroy(wire.panel, on_left);
    run_until(&wire.is_over);
    assert_int_equal(breaker_redis_destroy(wire.storage), 0);
    uv_close((uv_handle_t *)&wire.ticker, NULL);
    uv_run(&wire.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&wire.loop), 0);
    return 0;
}

/* ---- Use ---------------------------------------------------------------------------------------*/

static void on_order(breaker_order_t *order, int status)
{
    (void)order;
    wire.status = status;
    wire.is_over = true;
}

void wire_order(int (*give)(breaker_t *, breaker_order_t *, breaker_order_cb))
{
    wire.is_over = false;
    assert_int_equal(give(wire.breaker, &wire.order, on_order), 0);
    run_until(&wire.is_over);
    assert_int_equal(wire.status, 0);
}

void wire_make(const breaker_dialect_t *dialect)
{
    breaker_options_t options;
    breaker_policy_t *policy;

    breaker_options_init(&options);
    options.dialect = dialect;
    assert_int_equal(breaker_policy_create(&policy, &options, NULL), 0);
    breaker_destroy(wire.breaker);
    assert_int_equal(breaker_create(&wire.breaker, wire.panel, "name", policy), 0);
    breaker_policy_destroy(policy);
    wire_order(breaker_refresh); /* an answer to it comes after all that was sent before */
}

static int on_start(breaker_call_t *call)
{
    struct wire_call *c = (struct wire_call *)(void *)call;

    c->is_open = wire.is_over = true;
    return 0;
}

static void on_done(breaker_call_t *call, int status)
{
    struct wire_call *c = (struct wire_call *)(void *)call;

    c->status = status;
    c->is_over = wire.is_over = true;
}

bool wire_begin(struct wire_call *call)
{
    memset(call, 0, sizeof *call);
    breaker_call_init(&call->call);
    wire.is_over = false;
    assert_int_equal(breaker_call(wire.breaker, &call->call, on_start, on_done), 0);
    run_until(&wire.is_over);
    return call->is_open;
}

int wire_finish(struct wire_call *call, int status, breaker_outcome_t outcome)
{
    assert_int_equal(breaker_finish_as(&call->call, status, outcome), 0);
    run_until(&call->is_over);
    return call->status;
}

int wire_call(int status, breaker_outcome_t outcome)
{
    struct wire_call call;

    return wire_begin(&call) ? wire_finish(&call, status, outcome) : call.status;
}

int wire_ok(void)
{
    return wire_call(200, BREAKER_SUCCESS);
}

int wire_fail(void)
{
    return wire_call(503, BREAKER_FAILURE);
}

/* ---- What lies there ---------------------------------------------------------------------------*/

static void print_all(void)
{
    redisReply *keys = server_ask(&wire.server, "KEYS *");

    for (size_t i = 0; i < keys->elements; i++) {
        const char *key = keys->element[i]->str;
        redisReply *value = server_try(&wire.server, "GET %s", key);
        print_error("    %s=%s@%lld\n", key, value != NULL && value->str != NULL ? value->str : "",
                    server_number(&wire.server, "PTTL %s", key));
        freeReplyObject(value);
    }
    freeReplyObject(keys);
}

static bool is_text(const char *wanted, const char *format, const char *key)
{
    redisReply *reply = server_ask(&wire.server, format, key);
    bool is = reply->str != NULL && strcmp(reply->str, wanted) == 0;

    freeReplyObject(reply);
    return is;
}

static bool has_life(const char *key, const char *seconds)
{
    long long left = server_number(&wire.server, "PTTL %s", key);
    long long whole = seconds != NULL ? atoll(seconds) * 1000 : 0;

    return seconds == NULL ? left == -1 : left > whole / 2 && left <= whole;
}

/* TYPE:COUNT */
static bool is_many(const char *key, char *wanted)
{
    char *count = strchr(wanted, ':');
    const char *ask = wanted[0] == 'z' ? "ZCARD %s" : wanted[0] == 'h' ? "HLEN %s" : "SCARD %s";

    *count++ = '\0';
    return is_text(wanted, "TYPE %s", key) && server_number(&wire.server, ask, key) == atoll(count);
}

static bool is_there(const char *item)
{
    char text[256];

    snprintf(text, sizeof text, "%s", item);
    char *value = text + strcspn(text, "=#");
    char kind = *value;
    *value++ = '\0';
    char *seconds = strchr(value, '@');
    if (seconds != NULL)
        *seconds++ = '\0';
    if (!has_life(text, seconds))
        return false;
    if (kind == '#')
        return is_many(text, value);
    return is_text("string", "TYPE %s", text) && is_text(value, "GET %s", text);
}

void wire_holds(const char *file, int line, const char *const *items)
{
    long long count = 0;
    bool is_well = true;

    for (; items[count] != NULL; count++)
        if (!is_there(items[count])) {
            print_error("%s:%d: not there: %s\n", file, line, items[count]);
            is_well = false;
        }
    if (count != server_number(&wire.server, "DBSIZE")) {
        print_error("%s:%d: not so many keys\n", file, line);
        is_well = false;
    }
    if (!is_well) {
        print_all();
        fail_msg("%s:%d: not what the layout says", file, line);
    }
}
