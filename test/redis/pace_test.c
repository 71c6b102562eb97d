/* A slow or tiresome Redis and a panel: guarded calls do not wait for it, what was missed is learnt,
 * and no more connections are made than pauses allow. */
#include "proxy.h"
#include "rig.h"
#include "server.h"
#include "witness.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct server server;
static struct proxy proxy;
static struct rig rig;
static struct witness witness;

static int begin(void **state)
{
    char url[64];
    (void)state;
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", proxy.port);
    server_do(&server, "FLUSHALL");
    rig_init(&rig, url);
    return 0;
}

static int end(void **state)
{
    (void)state;
    proxy.mode = PROXY_PASS;
    proxy.delay = 0;
    if (witness.panel)
        witness_close(&witness);
    rig_end(&rig);
    server_assert_no_key_stays(&server, SERVER_CIRCUITS);
    return 0;
}

static void open_witness(void)
{
    witness_open(&witness, &rig.loop, "circuit", &rig.options, NULL, NULL);
}

static long long connections(void)
{
    redisReply *reply = server_ask(&server, "INFO stats");
    long long count = atoll(strstr(reply->str, "total_connections_received:") + 27);
    freeReplyObject(reply);
    return count;
}

/* ---- Slow: as many calls in as many turns of the loop as ever, and none waits for what comes so late */

static void calls_are_as_quick(uint64_t late)
{
    witness_is_content(&witness);
    witness.longest_gap = 0;
    unsigned ended = witness.ended, ticks = witness.asked;
    rig_run_for(&rig, 1500);
    ended = witness.ended - ended;
    ticks = witness.asked - ticks;
    assert_true(ended > 0);
    assert_true(ended * (WITNESS_TURNS + 1) >= ticks); /* each tick that finds none begins one */
    assert_in_range(witness.longest_gap, 0, late / 2);
    witness_is_content(&witness);
}

static void paused(void **state)
{
    (void)state;
    open_witness();
    RIG_UNTIL(&rig, witness.ended > 0);
    server_do(&server, "CLIENT PAUSE 1500 WRITE");
    calls_are_as_quick(1500);
}

static void far_away(void **state)
{
    (void)state;
    rig.options.transaction_timeout = rig.options.connect_timeout = 8000;
    open_witness();
    RIG_UNTIL(&rig, witness.ended > 0);
    proxy.delay = 2000;
    calls_are_as_quick(2000);
}

/* ---- A server that hangs up on idle clients, and all by its defaults */

static void idle_clients_are_closed(void **state)
{
    breaker_redis_options_t usual;
    (void)state;
    breaker_redis_options_init(&usual);
    rig.options.connect_timeout = usual.connect_timeout;
    rig.options.transaction_timeout = usual.transaction_timeout;
    rig.options.backoff_min = usual.backoff_min;
    rig.options.backoff_max = usual.backoff_max;
    server_do(&server, "CONFIG SET timeout 1");
    rig_open(&rig);
    open_witness();
    for (int i = 0; i < 5; i++) {
        witness.silent = false;
        assert_int_equal(rig_incr(&rig, "n"), 0);
        rig_run_for(&rig, 20);
        witness.silent = true;
        rig_run_for(&rig, 1700);
    }
    redisFree(server.client); /* which was idle, too */
    server.client = NULL;
    server_do(&server, "CONFIG SET timeout 0");
    assert_int_equal(server_number(&server, "GET n"), 5);
    assert_int_equal(rig.lost, 0);
    assert_int_equal(witness.lost, 0);
    witness_is_content(&witness);
}

/* ---- The bell's connection is cut for what we did not read, while a reset is told on it: an idle
 * panel hears of it all the same, over one connection more. */
static void overrun(void **state)
{
    static char filling[100000];
    struct rig elsewhere;
    static struct witness other;
    char url[128];
    (void)state;
    memset(filling, 'x', sizeof filling);
    rig.options.transaction_timeout = rig.options.connect_timeout = 20000;
    snprintf(url, sizeof url, "unix:%s", server.path);
    rig_init(&elsewhere, url);
    open_witness();
    witness_open(&other, &elsewhere.loop, "circuit", &elsewhere.options, NULL, NULL);
    RIG_UNTIL(&rig, server_number(&server, "PUBLISH {circuit}:1:n x") == 2 ||
                        uv_run(&elsewhere.loop, UV_RUN_NOWAIT) < 0);
    other.silent = witness.silent = true;
    RIG_UNTIL(&rig, !witness.calling);
    witness_trip(&other);
    RIG_UNTIL(&rig, witness_state(&witness) == BREAKER_BROKEN);
    /* From here on the first loop stands still. */
    server_do(&server, "CONFIG SET client-output-buffer-limit %s", "pubsub 1mb 512kb 1");
    for (int i = 0; server_number(&server, "PUBSUB NUMSUB {circuit}:1:n") != 1 && i < 1000; i++) {
        server_do(&server, "PUBLISH {circuit}:1:n %b", filling, sizeof filling);
        rig_run_for(&elsewhere, 1);
    }
    assert_int_equal(witness_state(&witness), BREAKER_BROKEN);
    long long before = connections();
    witness_reset(&other);
    RIG_UNTIL(&rig, witness_state(&witness) == BREAKER_PASSING);
    RIG_UNTIL(&rig, server_number(&server, "PUBLISH {circuit}:1:n x") == 2);
    assert_int_equal(connections(), before + 1);
    assert_int_equal(witness.lost, 0);
    witness_close(&other);
    rig_end(&elsewhere);
}

/* ---- Pauses: so many attempts in this time by one storage and its bell, as pauses of half of
 * backoff_max on average allow, thrice; without pauses they would be thousands. */

enum { TIME = 2000, PAUSE = 200, ATTEMPTS = 2 * 3 * TIME / (PAUSE / 2) };

static void open_for_storm(void)
{
    rig.options.backoff_min = rig.options.backoff_max = PAUSE;
    open_witness();
    RIG_UNTIL(&rig, server_number(&server, "PUBLISH {circuit}:1:n x") == 1);
}

static void no_storm_on_a_busy_server(void **state)
{
    redisContext *client = redisConnectUnix(server.path);
    int done = 0;
    (void)state;
    open_for_storm();
    int before = proxy.connections;
    server_do(&server, "CONFIG SET busy-reply-threshold 20");
    assert_int_equal(redisAppendCommand(client, "EVAL %s 0", "while true do end"), REDIS_OK);
    while (!done)
        assert_int_equal(redisBufferWrite(client, &done), REDIS_OK);
    RIG_UNTIL(&rig, witness.lost > 0);
    rig_run_for(&rig, TIME);
    int attempts = proxy.connections - before;
    freeReplyObject(server_try(&server, "SCRIPT KILL"));
    redisFree(client);
    RIG_UNTIL(&rig, witness.found == witness.lost);
    assert_in_range(attempts, 2, ATTEMPTS);
    witness_is_content(&witness);
}

static void no_storm_on_a_full_house(void **state)
{
    (void)state;
    open_for_storm();
    server_do(&server, "CONFIG SET maxclients 1");
    server_do(&server, "CLIENT KILL TYPE normal SKIPME yes");
    server_do(&server, "CLIENT KILL TYPE pubsub");
    RIG_UNTIL(&rig, witness.lost > 0);
    int before = proxy.connections;
    rig_run_for(&rig, TIME);
    assert_in_range(proxy.connections - before, 2, ATTEMPTS);
    server_do(&server, "CONFIG SET maxclients 10000");
    witness_is_content(&witness);
}

static int set_up(void **state)
{
    (void)state;
    server_start(&server, false);
    proxy_start(&proxy, server.path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    proxy_end(&proxy);
    server_end(&server);
    return 0;
}

#define IN_RIG(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_RIG(paused),
        IN_RIG(far_away),
        IN_RIG(idle_clients_are_closed),
        IN_RIG(overrun),
        IN_RIG(no_storm_on_a_busy_server),
        IN_RIG(no_storm_on_a_full_house),
    };
    return cmocka_run_group_tests_name("redis: the pace", tests, set_up, tear_down);
}
