/* After each fault, two panels on one Redis are in step again within the longest pause, a deadline and a
 * sync (witness.h): what one is ordered, the other does. And while it lasts, the guarded calls of both
 * go on. */
#include "proxy.h"
#include "rig.h"
#include "server.h"
#include "witness.h"
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define LONGEST \
    200 /* pause, connecting, deadline: each, ms; a pause that is too long has 30 s here */

static struct server server;
static struct proxy proxy;
static struct rig rig;
static struct witness first, second;

static void both_listen(void)
{
    RIG_UNTIL(&rig, server_number(&server, "PUBLISH {circuit}:1:n hello") == 2);
}

static int begin(void **state)
{
    char url[64];
    (void)state;
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", proxy.port);
    server_do(&server, "FLUSHALL");
    proxy.mode = PROXY_PASS;
    rig_init(&rig, url); /* for its loop; its own storage has no part in this */
    rig.options.connect_timeout = rig.options.transaction_timeout = LONGEST;
    rig.options.backoff_max = LONGEST;
    rig.options.fault_retry = 30000;
    witness_open(&first, &rig.loop, "circuit", &rig.options, NULL, NULL);
    witness_open(&second, &rig.loop, "circuit", &rig.options, NULL, NULL);
    both_listen();
    return 0;
}

static int end(void **state)
{
    (void)state;
    witness_is_content(&first);
    witness_is_content(&second);
    witness_close(&first);
    witness_close(&second);
    rig_end(&rig);
    server_assert_no_key_stays(&server, SERVER_CIRCUITS);
    return 0;
}

static void both_have_noticed(void)
{
    RIG_UNTIL(&rig, first.lost > first.found && second.lost > second.found);
}

/* What is refused while both are BROKEN is refused by right. */
static void follows(struct witness *leader, struct witness *other, uint64_t since)
{
    assert_int_equal(leader->refused + other->refused, 0);
    witness_trip(leader);
    RIG_UNTIL(&rig, witness_state(other) == BREAKER_BROKEN);
    assert_in_range((uv_hrtime() - since) / 1000000, 0, witness_recovery(leader, leader->pause));
    witness_reset(other);
    RIG_UNTIL(&rig, witness_state(leader) == BREAKER_PASSING);
    unsigned ended[2] = {leader->ended, other->ended};
    RIG_UNTIL(&rig, leader->ended > ended[0] + 1 && other->ended > ended[1] + 1);
    leader->refused = other->refused = 0;
}

/* Right after the cure. */
static void in_step_again(void)
{
    uint64_t since = uv_hrtime();
    witness_is_served(&first, &server, since, first.pause);
    witness_is_served(&second, &server, since, second.pause);
    follows(&first, &second, since);
    follows(&second, &first, uv_hrtime());
    RIG_UNTIL(&rig, first.lost == first.found && second.lost == second.found);
}

/* ---- Away */

static void restarted(void **state)
{
    (void)state;
    server_kill(&server);
    both_have_noticed();
    rig_run_for(&rig, 2 * LONGEST); /* pauses have grown */
    server_restart(&server);
    in_step_again();
}

static void hung(void **state)
{
    (void)state;
    server_signal(&server, SIGSTOP);
    both_have_noticed();
    server_signal(&server, SIGCONT);
    in_step_again();
}

static void partitioned(void **state)
{
    (void)state;
    proxy.mode = PROXY_HOLD;
    both_have_noticed();
    rig_run_for(&rig, 2 * LONGEST);
    proxy.mode = PROXY_PASS;
    in_step_again();
}

/* ---- Half of the fleet is cut off: both halves go on by themselves, and agree again afterwards */

static void cut_half_off(void)
{
    witness_close(&second);
    rig.options.path = server.path;
    witness_open(&second, &rig.loop, "circuit", &rig.options, NULL, NULL);
    both_listen();
    proxy.mode = PROXY_HOLD;
    RIG_UNTIL(&rig, first.lost > first.found);
    rig_run_for(&rig, 2 * LONGEST);
    assert_int_equal(second.lost, 0);
}

static void go_on(const struct witness *one)
{
    unsigned admitted = one->admitted, ended = one->ended;
    RIG_UNTIL(&rig, one->admitted > admitted + 10 && one->ended > ended + 10);
}

static void both_are(breaker_state_t state)
{
    RIG_UNTIL(&rig, witness_state(&first) == state && witness_state(&second) == state);
}

static void nothing_moves(void **state)
{
    (void)state;
    cut_half_off();
    go_on(&first);
    go_on(&second);
    proxy.mode = PROXY_PASS;
    in_step_again();
    assert_int_equal(second.lost, 0);
}

/* What the half with the storage decided, the other learns. */
static void one_half_breaks(void **state)
{
    (void)state;
    cut_half_off();
    witness_trip(&second);
    go_on(&first);
    assert_int_equal(first.refused, 0);
    assert_int_equal(witness_state(&first), BREAKER_PASSING);
    uint64_t since = uv_hrtime();
    proxy.mode = PROXY_PASS;
    both_are(BREAKER_BROKEN);
    assert_in_range((uv_hrtime() - since) / 1000000, 0, witness_recovery(&first, first.pause));
    witness_reset(&second);
    both_are(BREAKER_PASSING);
    go_on(&second);
    first.refused = second.refused = 0; /* by right */
    in_step_again();
}

/* Each breaks, and one has healed again meanwhile: whichever it is, it is the same for both. */
static void both_halves_move(void **state)
{
    (void)state;
    cut_half_off();
    witness_trip(&first);
    assert_int_equal(witness_state(&first), BREAKER_BROKEN);
    go_on(&second);
    assert_int_equal(second.refused, 0);
    witness_trip(&second);
    witness_reset(&second);
    assert_int_equal(witness_state(&first), BREAKER_BROKEN);
    assert_int_equal(witness_state(&second), BREAKER_PASSING);
    uint64_t since = uv_hrtime();
    proxy.mode = PROXY_PASS;
    RIG_UNTIL(&rig, first.lost == first.found && witness_state(&first) == witness_state(&second));
    assert_in_range((uv_hrtime() - since) / 1000000, 0, witness_recovery(&first, first.pause));
    witness_reset(&first);
    both_are(BREAKER_PASSING);
    go_on(&first);
    go_on(&second);
    first.refused = second.refused = 0; /* by right */
    in_step_again();
}

static void cut(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        proxy.mode = PROXY_CUT;
        RIG_UNTIL(&rig, proxy.mode == PROXY_PASS);
        in_step_again();
    }
}

static void killed_by_the_server(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        server_do(&server, "CLIENT KILL TYPE normal SKIPME yes");
        server_do(&server, "CLIENT KILL TYPE pubsub");
        in_step_again();
    }
}

static void too_many_clients(void **state)
{
    (void)state;
    server_do(&server, "CONFIG SET maxclients 1");
    server_do(&server, "CLIENT KILL TYPE normal SKIPME yes");
    server_do(&server, "CLIENT KILL TYPE pubsub");
    both_have_noticed();
    server_do(&server, "CONFIG SET maxclients 10000");
    in_step_again();
}

/* ---- There, and not well */

static void replica(void **state)
{
    (void)state;
    server_do(&server, "REPLICAOF 127.0.0.1 1");
    both_have_noticed();
    server_do(&server, "REPLICAOF NO ONE");
    in_step_again();
}

/* The bell is heard by the server and proves nothing: the storage is away all the same. */
static void master_down(void **state)
{
    (void)state;
    server_do(&server, "CONFIG SET replica-serve-stale-data no");
    server_do(&server, "REPLICAOF 127.0.0.1 1");
    both_have_noticed();
    RIG_UNTIL(&rig, server_number(&server, "PUBLISH {circuit}:1:n x") == 2);
    rig_run_for(&rig, LONGEST);
    assert_int_equal(first.found, 0);
    assert_int_equal(second.found, 0);
    server_do(&server, "REPLICAOF NO ONE");
    server_do(&server, "CONFIG SET replica-serve-stale-data yes");
    in_step_again();
}

static void full(void **state)
{
    (void)state;
    server_do(&server, "CONFIG SET maxmemory-policy noeviction maxmemory 1");
    both_have_noticed();
    server_do(&server, "CONFIG SET maxmemory 0");
    in_step_again();
}

static void paused(void **state)
{
    (void)state;
    server_do(&server, "CLIENT PAUSE 60000 WRITE");
    both_have_noticed();
    server_do(&server, "CLIENT UNPAUSE");
    in_step_again();
}

static void busy(void **state)
{
    redisContext *client = redisConnectUnix(server.path);
    int done = 0;
    (void)state;
    server_do(&server, "CONFIG SET busy-reply-threshold 20");
    assert_int_equal(redisAppendCommand(client, "EVAL %s 0", "while true do end"), REDIS_OK);
    while (!done)
        assert_int_equal(redisBufferWrite(client, &done), REDIS_OK);
    both_have_noticed();
    freeReplyObject(server_try(&server, "SCRIPT KILL"));
    redisFree(client);
    in_step_again();
}

static void flushed(void **state)
{
    (void)state;
    server_do(&server, "SCRIPT FLUSH");
    server_do(&server, "FLUSHALL");
    in_step_again();
    assert_int_equal(first.lost + second.lost, 0); /* which is no fault of the storage's */
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
        IN_RIG(restarted),
        IN_RIG(hung),
        IN_RIG(partitioned),
        IN_RIG(nothing_moves),
        IN_RIG(one_half_breaks),
        IN_RIG(both_halves_move),
        IN_RIG(cut),
        IN_RIG(killed_by_the_server),
        IN_RIG(too_many_clients),
        IN_RIG(replica),
        IN_RIG(master_down),
        IN_RIG(full),
        IN_RIG(paused),
        IN_RIG(busy),
        IN_RIG(flushed),
    };
    return cmocka_run_group_tests_name("redis: in step again", tests, set_up, tear_down);
}
