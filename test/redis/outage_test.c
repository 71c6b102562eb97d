/* A real Redis that is away, comes and goes, hangs, or has another clock. What must hold: each
 * transaction completes once and in time; what was told as done was done, once; and when all is
 * well again, so are we within a pause and a deadline. */
#include "proxy.h"
#include "rig.h"
#include "server.h"
#include "witness.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct server server;
static struct proxy proxy;
static struct rig rig;
static struct witness witness;

static int begin(void **state)
{
    char url[128];
    (void)state;
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", proxy.port);
    server_do(&server, "FLUSHALL");
    proxy.mode = PROXY_PASS;
    proxy.delay = proxy.slice = 0;
    proxy.connections = 0;
    rig_init(&rig, url);
    return 0;
}

static int end(void **state)
{
    (void)state;
    proxy.mode = PROXY_PASS;
    proxy.delay = proxy.slice = 0;
    rig_end(&rig);
    return 0;
}

/* Guarded calls beside it, which go on whatever happens. */
static void watch(struct rig *one)
{
    witness_open(&witness, &one->loop, "witness", &one->options, NULL, NULL);
}

static void end_watched(struct rig *one)
{
    RIG_UNTIL(one, witness.found == witness.lost);
    witness_is_content(&witness);
    witness_close(&witness);
    rig_end(one);
    server_assert_no_key_stays(&server, SERVER_CIRCUITS);
}

/* Right after the cure. */
static void is_served_again(void)
{
    witness_is_served(&witness, &server, uv_hrtime(), witness.pause);
}

static void open_well(void)
{
    rig_open(&rig);
    rig_until_well(&rig);
}

/* ---- Away */

static void down_at_start(const char *url, int told)
{
    struct rig early;
    rig_init(&early, url);
    server_kill(&server);
    rig_open(&early);
    watch(&early);
    for (int i = 0; i < 20; i++) {
        int status = rig_ask(&early);
        assert_true(status == told || status == UV_ECONNREFUSED);
        rig_run_for(&early, 2);
    }
    assert_int_equal(early.lost, 1);
    assert_int_equal(early.health, told);
    RIG_UNTIL(&early, witness.lost > 0);
    server_restart(&server);
    is_served_again();
    rig_until_well(&early);
    RIG_UNTIL(&early, early.found == 1);
    assert_int_equal(early.lost, 1);
    end_watched(&early);
}

static void down_at_start_unix(void **state)
{
    char url[128];
    (void)state;
    snprintf(url, sizeof url, "unix:%s", server.path);
    down_at_start(url, UV_ENOENT);
}

static void down_at_start_tcp(void **state)
{
    char url[64];
    (void)state;
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", server.port);
    down_at_start(url, UV_ECONNREFUSED);
}

/* Killed with transactions under way, and restarted, again and again; the last time empty. Each increments
 * a key of its own, so that what is done twice cannot stand in for what is lost. */
enum { KILLS = 100, OPS = 20 };

static unsigned submit_round(struct rig *one, struct op **ops, char (*keys)[24], int round)
{
    unsigned well = 0;
    for (int i = 0; i < OPS; i++) {
        snprintf(keys[i], sizeof keys[i], "n:%d:%d", round, i);
        ops[i] = op_new(one);
        op_incr(ops[i], keys[i], 1, 0);
        op_submit(ops[i]);
    }
    if (round % 3)
        uv_run(&one->loop, UV_RUN_NOWAIT);
    server_kill(&server);
    for (int i = 0; i < OPS; i++)
        well |= (unsigned)(op_wait(ops[i]) == 0) << i;
    return well;
}

/* What was told as done was done, and nothing twice: what the process had written to its file is there,
 * killed or not. */
static void was_done_once(struct op **ops, char (*keys)[24], unsigned well)
{
    for (int i = 0; i < OPS; i++) {
        assert_in_range(server_number(&server, "INCRBY %s 0", keys[i]), well >> i & 1, 1);
        op_free(ops[i]);
    }
}

/* Nor later: in the keys of all rounds. */
static void nothing_was_done_twice(void)
{
    static const char script[] =
        "local twice = 0 for _, key in ipairs(redis.call('KEYS', 'n:*')) do "
        "twice = twice + (tonumber(redis.call('GET', key)) > 1 and 1 or 0) end return twice";
    assert_int_equal(server_number(&server, "EVAL %s 0", script), 0);
}

static void killed_in_the_middle(void **state)
{
    char url[128], keys[OPS][24];
    struct op *ops[OPS];
    struct rig direct;
    (void)state;
    SERVER_AGAIN(&server, "--appendonly", "yes", "--appendfsync", "no");
    snprintf(url, sizeof url, "unix:%s", server.path);
    rig_init(&direct, url);
    rig_open(&direct);
    watch(&direct);
    for (int round = 0; round < KILLS; round++) {
        rig_until_well(&direct);
        unsigned well = submit_round(&direct, ops, keys, round);
        RIG_UNTIL(&direct, direct.health < 0);
        server_restart(&server);
        was_done_once(ops, keys, well);
    }
    rig_until_well(&direct);
    nothing_was_done_twice();
    server.extra[0] = NULL;
    server_kill(&server);
    server_restart(&server); /* empty: it is another circuit's beginning, and no trouble */
    is_served_again();
    rig_until_well(&direct);
    RIG_UNTIL(&direct, direct.health == 0);
    assert_int_equal(direct.lost, direct.found);
    assert_true(witness.lost > 0);
    end_watched(&direct);
}

/* An idle connection that is closed, by an administrator or for its idleness, is nobody's
 * trouble. */
static void killed_while_idle(void **state)
{
    (void)state;
    open_well();
    for (int i = 0; i < 20; i++) {
        int connections = proxy.connections;
        server_do(&server, "CLIENT KILL TYPE normal SKIPME yes");
        RIG_UNTIL(&rig, proxy.connections > connections);
        assert_int_equal(rig_incr(&rig, "n"), 0);
    }
    assert_int_equal(server_number(&server, "GET n"), 20);
    assert_int_equal(rig.lost, 0);
}

/* Again and again, with the usual times: who asks next waits for no pause. */
static void killed_for_its_idleness(void **state)
{
    enum { ROUNDS = 15 };
    breaker_redis_options_t usual;
    (void)state;
    breaker_redis_options_init(&usual);
    rig.options.connect_timeout = usual.connect_timeout;
    rig.options.transaction_timeout = usual.transaction_timeout;
    rig.options.backoff_min = usual.backoff_min;
    rig.options.backoff_max = usual.backoff_max;
    open_well();
    for (int i = 0; i < ROUNDS; i++) {
        int connections = proxy.connections;
        rig_run_for(&rig, usual.backoff_min + 20); /* it lasts */
        server_do(&server, "CLIENT KILL TYPE normal SKIPME yes");
        RIG_UNTIL(&rig, proxy.count == 0 || proxy.connections > connections);
        rig_run_for(&rig, 2); /* we know it before we ask */
        assert_int_equal(rig_incr(&rig, "n"), 0);
    }
    assert_int_equal(server_number(&server, "GET n"), ROUNDS);
    assert_in_range(proxy.connections, 2, 2 * ROUNDS);
    assert_int_equal(rig.lost, 0);
}

/* ---- Hanging */

static void stopped(void **state)
{
    char url[128];
    struct rig direct;
    (void)state;
    snprintf(url, sizeof url, "unix:%s", server.path);
    rig_init(&direct, url);
    direct.options.transaction_timeout = 100;
    rig_open(&direct);
    watch(&direct);
    rig_until_well(&direct);
    server_signal(&server, SIGSTOP);
    struct op *late = op_new(&direct);
    op_set(late, "late", "late", 0);
    op_submit(late);
    assert_int_equal(op_wait(late), UV_ETIMEDOUT);
    for (int i = 0; i < 10; i++)
        assert_true(rig_incr(&direct, "n") < 0);
    RIG_UNTIL(&direct, witness.lost > 0);
    server_signal(&server, SIGCONT);
    is_served_again();
    rig_until_well(&direct);
    /* The late answer went where nobody reads it. */
    struct op *op = op_new(&direct);
    op_get(op, "absent");
    op_incr(op, "m", 5, 0);
    op_submit(op);
    assert_int_equal(op_wait(op), 0);
    assert_int_equal(op->verbs[0].found, 0);
    assert_int_equal(op->verbs[1].number, 5);
    assert_int_equal(late->completions, 1);
    op_free(op);
    op_free(late);
    end_watched(&direct);
}

/* The loop itself stands still, longer than any deadline, while the answer waits in the socket. */
static void stalled_loop(void **state)
{
    (void)state;
    rig.options.transaction_timeout = 200;
    open_well();
    for (int i = 0; i < 5; i++) {
        struct op *op = op_new(&rig);
        op_incr(op, "n", 1, 0);
        op_submit(op);
        uv_run(&rig.loop, UV_RUN_NOWAIT);
        uv_run(&rig.loop, UV_RUN_NOWAIT);
        usleep(250000);
        assert_int_equal(op_wait(op), 0);
        op_free(op);
    }
    assert_int_equal(server_number(&server, "GET n"), 5);
    assert_int_equal(rig.lost, 0);
}

/* The same at any moment of a connection's beginning. */
static void stalled_at_any_moment(void **state)
{
    (void)state;
    for (int turns = 0; turns < 9; turns++) {
        struct rig one;
        char url[64];
        snprintf(url, sizeof url, "redis://127.0.0.1:%d", proxy.port);
        rig_init(&one, url);
        one.options.transaction_timeout = one.options.connect_timeout = 200;
        one.options.database = 1;
        rig_open(&one);
        struct op *op = op_new(&one);
        op_submit(op);
        for (int i = 0; i < turns; i++)
            uv_run(&one.loop, i % 3 ? UV_RUN_NOWAIT : UV_RUN_ONCE);
        usleep(250000);
        assert_int_equal(op_wait(op), 0);
        assert_int_equal(one.lost, 0);
        op_free(op);
        rig_end(&one);
    }
}

/* ---- More clients than the server takes */

static void max_clients(void **state)
{
    (void)state;
    server_do(&server, "CONFIG SET maxclients 1");
    for (int i = 0; i < 100; i++) {
        struct rig one;
        char url[128];
        if (i % 2)
            snprintf(url, sizeof url, "unix:%s", server.path);
        else
            snprintf(url, sizeof url, "redis://127.0.0.1:%d", server.port);
        rig_init(&one, url);
        rig_open(&one);
        struct op *first = op_new(&one), *second = op_new(&one);
        op_submit(first);
        op_submit(second);
        assert_true(op_wait(first) < 0);
        assert_true(op_wait(second) < 0);
        op_free(first);
        op_free(second);
        rig_end(&one);
    }
    server_do(&server, "CONFIG SET maxclients 10000");
    open_well();
}

/* ---- The server's clock */

static void clock_steps(void **state)
{
    char url[128];
    struct rig direct;
    (void)state;
    if (!server_bend_clock(&server))
        skip();
    snprintf(url, sizeof url, "unix:%s", server.path);
    rig_init(&direct, url);
    rig_open(&direct);
    watch(&direct);
    rig_until_well(&direct);
    static const int64_t steps[] = {0, 3600, -3600, 60, 0};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        *server.shift = steps[i];
        uint64_t here = (uint64_t)time(NULL) * 1000;
        struct op *op = op_new(&direct);
        op_set(op, "n", "1", 60000);
        op_submit(op);
        assert_int_equal(op_wait(op), 0);
        int64_t off = (int64_t)(op->transaction.wall - here) - steps[i] * 1000;
        assert_true(off > -5000 && off < 15000); /* the storage's clock, read in the transaction */
        op_free(op);
    }
    assert_int_equal(direct.lost, 0);
    end_watched(&direct);
    server_straighten_clock(&server);
}

static int set_up(void **state)
{
    (void)state;
    server_start(&server, true);
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
        cmocka_unit_test(down_at_start_unix),
        cmocka_unit_test(down_at_start_tcp),
        cmocka_unit_test(killed_in_the_middle),
        IN_RIG(killed_while_idle),
        IN_RIG(killed_for_its_idleness),
        cmocka_unit_test(stopped),
        IN_RIG(stalled_loop),
        IN_RIG(stalled_at_any_moment),
        IN_RIG(max_clients),
        cmocka_unit_test(clock_steps),
    };
    return cmocka_run_group_tests_name("redis: outages", tests, set_up, tear_down);
}
