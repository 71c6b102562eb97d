/* A real Redis that has no time: it loads, a script of somebody's runs and runs, it is told to pause.
 * What must hold: each transaction completes once with the right code, health is told once per
 * change, guarded calls go on all the while, and all is well soon after. */
#include "rig.h"
#include "server.h"
#include "witness.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct server server;
static struct rig rig;
static struct witness witness;

static int begin(void **state)
{
    char url[128];
    (void)state;
    snprintf(url, sizeof url, "unix:%s", server.path);
    server_do(&server, "FLUSHALL");
    rig_init(&rig, url);
    rig_open(&rig);
    rig_until_well(&rig);
    witness_open(&witness, &rig.loop, "witness", &rig.options, NULL, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    /* It was without its storage, and is with it again. */
    RIG_UNTIL(&rig, witness.lost > 0 && witness.found == witness.lost);
    witness_is_content(&witness);
    witness_close(&witness);
    rig_end(&rig);
    server_assert_no_key_stays(&server, SERVER_CIRCUITS);
    return 0;
}

/* Right after the cure. */
static void gets_well(void)
{
    witness_is_served(&witness, &server, uv_hrtime(), witness.pause);
    rig_until_well(&rig);
    RIG_UNTIL(&rig, rig.found == 1);
    assert_int_equal(rig.health, 0);
    assert_int_equal(rig_incr(&rig, "n"), 0);
    assert_int_equal(rig.lost, 1);
}

static redisContext *ask_and_leave(const char *format, ...)
{
    va_list arguments;
    redisContext *client = redisConnectUnix(server.path);
    int done = 0;
    assert_non_null(client);
    va_start(arguments, format);
    assert_int_equal(redisvAppendCommand(client, format, arguments), REDIS_OK);
    va_end(arguments);
    while (!done)
        assert_int_equal(redisBufferWrite(client, &done), REDIS_OK);
    return client;
}

static bool has_loaded(void)
{
    redisReply *reply = server_ask(&server, "INFO persistence");
    bool has = strstr(reply->str, "\nloading:0") != NULL;
    freeReplyObject(reply);
    return has;
}

static void loading(void **state)
{
    (void)state;
    server_do(&server, "DEBUG POPULATE 20000 filling 50");
    server_do(&server, "CONFIG SET loading-process-events-interval-bytes 2048");
    server_do(&server, "CONFIG SET key-load-delay 60");
    redisContext *client = ask_and_leave("DEBUG RELOAD");
    RIG_UNTIL(&rig, rig_ask(&rig) < 0);
    RIG_UNTIL(&rig, rig.lost == 1);
    RIG_UNTIL(&rig, strstr(breaker_redis_reason(rig.storage), "LOADING"));
    RIG_UNTIL(&rig, witness.lost > 0);
    RIG_UNTIL(&rig, has_loaded());
    redisFree(client);
    gets_well();
    server_do(&server, "CONFIG SET key-load-delay 0");
}

static void busy(void **state)
{
    (void)state;
    server_do(&server, "CONFIG SET busy-reply-threshold 20");
    redisContext *client = ask_and_leave("EVAL %s 0", "while true do end");
    RIG_UNTIL(&rig, strstr(breaker_redis_reason(rig.storage), "BUSY") || rig_incr(&rig, "n") > 0);
    assert_int_equal(rig.lost, 1);
    RIG_UNTIL(&rig, witness.lost > 0);
    redisReply *reply = server_try(&server, "SCRIPT KILL");
    assert_non_null(reply);
    freeReplyObject(reply);
    redisFree(client);
    gets_well();
}

static void busy_and_unkillable(void **state)
{
    (void)state;
    server_do(&server, "CONFIG SET busy-reply-threshold 20");
    redisContext *client =
        ask_and_leave("EVAL %s 1 written", "redis.call('SET', KEYS[1], 1) while true do end");
    RIG_UNTIL(&rig, strstr(breaker_redis_reason(rig.storage), "BUSY") || rig_incr(&rig, "n") > 0);
    RIG_UNTIL(&rig, witness.lost > 0);
    redisReply *reply = server_try(&server, "SCRIPT KILL");
    assert_true(reply && reply->type == REDIS_REPLY_ERROR);
    freeReplyObject(reply);
    server_kill(&server);
    server_restart(&server);
    redisFree(client);
    gets_well();
}

static void paused(void **state)
{
    (void)state;
    server_do(&server, "CLIENT PAUSE 1200 WRITE");
    assert_int_equal(rig_incr(&rig, "n"), UV_ETIMEDOUT);
    RIG_UNTIL(&rig, rig.lost == 1);
    gets_well();
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

#define IN_RIG(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_RIG(loading),
        IN_RIG(busy),
        IN_RIG(busy_and_unkillable),
        IN_RIG(paused),
    };
    return cmocka_run_group_tests_name("redis: no time", tests, set_up, tear_down);
}
