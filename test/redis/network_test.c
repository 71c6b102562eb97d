/* A real Redis behind a bad network, and questions without end. What must hold: what has an
 * unknown fate is never sent again; memory is bounded, order is kept; a crowd that lost its
 * server does not come back at once. */
#include "proxy.h"
#include "rig.h"
#include "server.h"
#include "witness.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

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
    if (witness.panel) {
        witness_is_content(&witness);
        witness_close(&witness);
    }
    rig_end(&rig);
    server_assert_no_key_stays(&server, SERVER_CIRCUITS);
    return 0;
}

static void open_well(void)
{
    rig_open(&rig);
    rig_until_well(&rig);
}

/* With guarded calls beside it, which go on whatever happens. */
static void open_watched(void)
{
    rig_open(&rig);
    witness_open(&witness, &rig.loop, "witness", &rig.options, NULL, NULL);
    rig_until_well(&rig);
}

static void cure(void)
{
    proxy.mode = PROXY_PASS;
    witness_is_served(&witness, &server, uv_hrtime(), witness.pause);
}

static void lost_replies(void **state)
{
    (void)state;
    rig.options.transaction_timeout = 100;
    open_watched();
    proxy.mode = PROXY_LOSE_REPLIES;
    assert_int_equal(rig_incr(&rig, "n"), UV_ETIMEDOUT);
    RIG_UNTIL(&rig, witness.lost > 0);
    cure();
    rig_until_well(&rig);
    /* It was done, of which we know nothing; it was not done twice. */
    assert_int_equal(server_number(&server, "GET n"), 1);
}

static void lost_connection_after_the_question(void **state)
{
    (void)state;
    open_watched();
    for (int i = 0; i < 10; i++) {
        proxy.mode = PROXY_HOLD_REPLIES;
        struct op *op = op_new(&rig);
        op_incr(op, "n", 1, 0);
        op_submit(op);
        RIG_UNTIL(&rig, op->completions || server_number(&server, "EXISTS n") == 1);
        proxy.mode = PROXY_CUT;
        assert_int_equal(op_wait(op), UV_ECONNRESET);
        rig_until_well(&rig);
        assert_int_equal(server_number(&server, "GET n"), 1);
        server_do(&server, "DEL n");
        op_free(op);
    }
}

static void partition(void **state)
{
    (void)state;
    rig.options.transaction_timeout = rig.options.connect_timeout = 100;
    open_watched();
    proxy.mode = PROXY_HOLD;
    assert_int_equal(rig_incr(&rig, "n"), UV_ETIMEDOUT);
    RIG_UNTIL(&rig, rig.lost == 1);
    for (int i = 0; i < 50; i++)
        assert_true(rig_ask(&rig) < 0);
    assert_int_equal(rig.lost, 1);
    RIG_UNTIL(&rig, witness.lost > 0);
    cure();
    rig_until_well(&rig);
    RIG_UNTIL(&rig, rig.found == 1);
}

static void latency(void **state)
{
    (void)state;
    rig.options.transaction_timeout = rig.options.connect_timeout = 2000;
    open_well();
    proxy.delay = 50;
    struct op *ops[10];
    for (int i = 0; i < 10; i++) {
        ops[i] = op_new(&rig);
        op_incr(ops[i], "n", 1, 0);
        op_submit(ops[i]);
    }
    for (int i = 0; i < 10; i++) {
        assert_int_equal(op_wait(ops[i]), 0);
        assert_int_equal(ops[i]->verbs[0].number, i + 1);
        op_free(ops[i]);
    }
    assert_int_equal(rig.lost, 0);
}

/* A connection that is slow in each of its stages, and a script that has to be brought: what was
 * submitted has one time for all of it. */
static void slow_in_every_stage(void **state)
{
    struct op *ops[5];
    (void)state;
    rig.options.transaction_timeout = rig.options.connect_timeout = 500;
    proxy.delay = 400;
    rig_open(&rig);
    for (int i = 0; i < 5; i++) {
        ops[i] = op_new(&rig);
        op_submit(ops[i]);
    }
    for (int i = 0; i < 5; i++) {
        assert_int_equal(op_wait(ops[i]), UV_ETIMEDOUT);
        op_free(ops[i]);
    }
    proxy.delay = 0;
    rig_until_well(&rig);
    server_do(&server, "SCRIPT FLUSH");
    proxy.delay = 300;
    assert_int_equal(rig_incr(&rig, "n"), UV_ETIMEDOUT);
    proxy.delay = 0;
    rig_until_well(&rig);
}

/* Answers that come in crumbs: that the script is not known is learnt again and again, after it was
 * brought; it is brought once. */
static void no_script_in_crumbs(void **state)
{
    enum { OPS = 30 };
    struct op *ops[OPS];
    (void)state;
    rig.options.transaction_timeout = 5000;
    open_well();
    server_do(&server, "SCRIPT FLUSH");
    server_do(&server, "CONFIG RESETSTAT");
    proxy.delay = 2;
    proxy.slice = 40;
    for (int i = 0; i < OPS; i++) {
        ops[i] = op_new(&rig);
        op_incr(ops[i], "n", 1, 0);
        op_submit(ops[i]);
    }
    for (int i = 0; i < OPS; i++) {
        assert_int_equal(op_wait(ops[i]), 0);
        op_free(ops[i]);
    }
    assert_int_equal(server_number(&server, "GET n"), OPS);
    assert_int_equal(server_calls(&server, "eval"), 1);
    assert_int_equal(rig.lost, 0);
}

static void make_long(struct op *op)
{
    static char value[BREAKER_VALUE_MAX];
    memset(value, 'v', sizeof value);
    op_incr(op, "n", 1, 0);
    for (int i = 1; i < 8; i++) {
        breaker_verb_t *verb = op_verb(op, BREAKER_SET, "key");
        verb->value = value;
        verb->length = sizeof value;
    }
}

/* Questions pile up before a socket that takes no more: in order, and none is lost or doubled. */
static void full_socket(void **state)
{
    enum { OPS = 3000 };
    struct op **ops = calloc(OPS, sizeof *ops);
    char url[128];
    struct rig direct; /* a unix socket: it has little room */
    (void)state;
    snprintf(url, sizeof url, "unix:%s", server.path);
    rig_init(&direct, url);
    direct.options.transaction_timeout = 8000;
    direct.options.max_bytes = OPS * 4096;
    rig_open(&direct);
    rig_until_well(&direct);
    server_do(&server, "DEL n");
    server_signal(&server, SIGSTOP);
    for (int i = 0; i < OPS; i++) {
        ops[i] = op_new(&direct);
        make_long(ops[i]);
        op_submit(ops[i]);
        if (i % 100 == 0)
            uv_run(&direct.loop, UV_RUN_NOWAIT);
    }
    rig_run_for(&direct, 50);
    for (int i = 0; i < OPS; i += 7)
        op_cancel(ops[i]);
    server_signal(&server, SIGCONT);
    int64_t last = 0;
    for (int i = 0; i < OPS; i++) {
        if (i % 7) {
            assert_int_equal(op_wait(ops[i]), 0);
            assert_true(ops[i]->verbs[0].number > last);
            last = ops[i]->verbs[0].number;
        } else {
            assert_int_equal(ops[i]->completions, 0);
        }
        op_free(ops[i]);
    }
    free(ops);
    assert_int_equal(direct.lost, 0);
    rig_end(&direct);
}

/* Megabytes for a server that hangs: what does not fit is refused, the process does not grow, and
 * what was taken is done, once. */
static void too_long(void **state)
{
    enum { OPS = 4000, BYTES = 65536 };
    struct op **ops = calloc(OPS, sizeof *ops);
    char url[128];
    struct rig direct;
    int refused = 0, well = 0;
    (void)state;
    snprintf(url, sizeof url, "unix:%s", server.path);
    rig_init(&direct, url);
    direct.options.transaction_timeout = 8000;
    direct.options.max_bytes = BYTES;
    rig_open(&direct);
    rig_until_well(&direct);
    server_do(&server, "DEL n");
    for (int i = 0; i < OPS; i++)
        make_long(ops[i] = op_new(&direct));
    server_signal(&server, SIGSTOP);
    long before = rig_resident();
    for (int i = 0; i < OPS; i++) {
        op_submit(ops[i]);
        if (i % 100 == 0)
            uv_run(&direct.loop, UV_RUN_NOWAIT);
    }
    uv_run(&direct.loop, UV_RUN_NOWAIT);
    rig_assert_growth("a hanging server's client", before, 32 * BYTES);
    server_signal(&server, SIGCONT);
    for (int i = 0; i < OPS; i++) {
        int status = op_wait(ops[i]);
        assert_true(status == 0 || status == UV_ENOBUFS);
        refused += status != 0;
        well += status == 0;
        op_free(ops[i]);
    }
    free(ops);
    assert_in_range(well, BYTES / 2048, OPS / 2); /* what the socket took, too */
    assert_int_equal(refused + well, OPS);
    assert_int_equal(server_number(&server, "GET n"), well);
    assert_int_equal(direct.lost, 0);
    rig_end(&direct);
}

static void too_many(void **state)
{
    struct op *ops[64];
    (void)state;
    rig.options.max_pending = 10;
    open_well();
    proxy.mode = PROXY_HOLD;
    for (int i = 0; i < 64; i++) {
        ops[i] = op_new(&rig);
        op_incr(ops[i], "n", 1, 0);
        op_submit(ops[i]);
        assert_int_equal(ops[i]->completions, 0); /* never inside */
    }
    for (int i = 10; i < 64; i++)
        assert_int_equal(op_wait(ops[i]), UV_ENOBUFS);
    proxy.mode = PROXY_PASS;
    for (int i = 0; i < 10; i++)
        assert_int_equal(op_wait(ops[i]), 0);
    for (int i = 0; i < 64; i++)
        op_free(ops[i]);
    assert_int_equal(server_number(&server, "GET n"), 10);
    assert_int_equal(rig.lost, 0);
}

/* Cancelled ones that were never sent leave their places to others. */
static void cancelled_before_sent(void **state)
{
    struct op *op = op_new(&rig);
    (void)state;
    rig.options.max_pending = 4;
    rig_open(&rig);
    for (int i = 0; i < 100; i++) {
        op_incr(op, "n", 1, 0);
        op->transaction.count = 1;
        op_submit(op);
        op_cancel(op);
    }
    op_submit(op);
    assert_int_equal(op_wait(op), 0);
    assert_int_equal(server_number(&server, "GET n"), 1);
    op_free(op);
}

/* ---- A crowd that lost its server comes back over time, not at once */

static void crowd(void **state)
{
    enum { CROWD = 100 };
    static struct rig crowd[CROWD];
    (void)state;
    for (int i = 0; i < CROWD; i++) {
        char url[64];
        snprintf(url, sizeof url, "redis://127.0.0.1:%d", proxy.port);
        rig_init(&crowd[i], url);
        crowd[i].options.backoff_min = 400;
        crowd[i].options.backoff_max = 400;
        rig_open(&crowd[i]);
        rig_until_well(&crowd[i]);
    }
    assert_int_equal(proxy.connections, CROWD);
    proxy.mode = PROXY_CUT;
    RIG_UNTIL(&rig, proxy.mode == PROXY_PASS);
    int in_slice[8] = {0}, before = proxy.connections;
    for (int slice = 0; slice < 8; slice++) {
        uint64_t until = uv_hrtime() + 50000000;
        while (uv_hrtime() < until)
            for (int i = 0; i < CROWD; i++)
                uv_run(&crowd[i].loop, UV_RUN_NOWAIT);
        in_slice[slice] = proxy.connections - before;
        before = proxy.connections;
    }
    for (int i = 0; i < 8; i++) /* an eighth each, by chance; all at once would be 100 in one */
        assert_in_range(in_slice[i], 0, 60);
    for (int i = 0; i < CROWD; i++) {
        rig_until_well(&crowd[i]);
        rig_end(&crowd[i]);
    }
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
        IN_RIG(lost_replies),
        IN_RIG(lost_connection_after_the_question),
        IN_RIG(partition),
        IN_RIG(latency),
        IN_RIG(slow_in_every_stage),
        IN_RIG(no_script_in_crumbs),
        cmocka_unit_test(full_socket),
        cmocka_unit_test(too_long),
        IN_RIG(too_many),
        IN_RIG(cancelled_before_sent),
        IN_RIG(crowd),
    };
    return cmocka_run_group_tests_name("redis: the network", tests, set_up, tear_down);
}
