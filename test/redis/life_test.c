/* The storage in its loop: that it keeps none alive, ends and begins again, and bears callbacks
 * that do what callbacks do. */
#include "hostile.h"
#include "rig.h"
#include "server.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static struct server server;
static struct hostile hostile;
static struct rig rig;
static char url[128];

static int begin(void **state)
{
    (void)state;
    server_do(&server, "FLUSHALL");
    snprintf(url, sizeof url, "unix:%s", server.path);
    rig_init(&rig, url);
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_end(&rig);
    return 0;
}

static void open_well(void)
{
    rig_open(&rig);
    rig_until_well(&rig);
}

/* ---- Loops */

/* Connected, listening, with something under way: none of it keeps the loop alive. */
static void keeps_no_loop_alive(void **state)
{
    (void)state;
    open_well();
    assert_int_equal(rig.storage->ops->listen(rig.storage, &rig.client, "n", 1), 0);
    RIG_UNTIL(&rig, server_number(&server, "PUBLISH n x") == 1);
    uv_timer_stop(&rig.ticker);
    assert_int_equal(uv_run(&rig.loop, UV_RUN_DEFAULT), 0);
    struct op *op = op_new(&rig);
    op_submit(op);
    assert_int_equal(uv_run(&rig.loop, UV_RUN_DEFAULT), 0);
    uv_timer_start(&rig.ticker, rig.ticker.timer_cb, 1, 1);
    if (!op->completions)
        op_wait(op);
    op_free(op);
}

static void keeps_no_loop_alive_while_down(void **state)
{
    (void)state;
    rig.options.path = "/nowhere/socket";
    rig_open(&rig);
    assert_int_equal(rig_ask(&rig), UV_ENOENT);
    uv_timer_stop(&rig.ticker);
    assert_int_equal(uv_run(&rig.loop, UV_RUN_DEFAULT), 0);
    uv_timer_start(&rig.ticker, rig.ticker.timer_cb, 1, 1);
}

static void other_loops(void **state)
{
    uv_loop_t other;
    (void)state;
    open_well();
    uv_loop_init(&other);
    breaker_client_t client = rig.client;
    client.loop = &other;
    assert_int_equal(rig.storage->ops->open(rig.storage, &client), UV_EINVAL);
    assert_int_equal(uv_loop_close(&other), 0);
}

/* Two loops in two threads, each with a storage of its own on one server. */
static void use_in_a_thread(void *data)
{
    struct rig *mine = data;
    int well = 0;
    rig_init(mine, url);
    rig_open(mine);
    mine->storage->ops->listen(mine->storage, &mine->client, "n", 1);
    for (int i = 0; i < 200; i++)
        well += rig_incr(mine, "n") == 0;
    rig_end(mine);
    mine->bells = (unsigned)well;
}

static void two_threads(void **state)
{
    static struct rig rigs[2];
    uv_thread_t threads[2];
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(uv_thread_create(&threads[i], use_in_a_thread, &rigs[i]), 0);
    for (int i = 0; i < 2; i++)
        uv_thread_join(&threads[i]);
    assert_int_equal(rigs[0].bells + rigs[1].bells, 400);
    assert_int_equal(server_number(&server, "GET n"), 400);
}

/* Closed and opened again, also before the closing is over. */
static void opened_again(void **state)
{
    (void)state;
    open_well();
    for (int i = 0; i < 10; i++) {
        breaker_client_t second = rig.client;
        unsigned closed = rig.closed;
        rig.storage->ops->close(rig.storage, &rig.client);
        if (i % 2)
            RIG_UNTIL(&rig, rig.closed == closed + 1);
        assert_int_equal(rig.storage->ops->open(rig.storage, &second), 0);
        struct op *op = op_new(&rig);
        op_incr(op, "n", 1, 0);
        rig.storage->ops->submit(rig.storage, &second, &op->transaction);
        assert_int_equal(op_wait(op), 0);
        op_free(op);
        RIG_UNTIL(&rig, rig.closed == closed + 1);
        assert_int_equal(rig.storage->ops->open(rig.storage, &rig.client), 0);
        rig.storage->ops->close(rig.storage, &second);
        RIG_UNTIL(&rig, rig.closed == closed + 2);
    }
    assert_int_equal(server_number(&server, "GET n"), 10);
}

/* ---- Callbacks that act: each of them, in each callback */

enum { ACT_SUBMIT, ACT_CANCEL, ACT_LISTEN, ACT_UNLISTEN, ACT_FLUSH, ACTS };

static struct op *acted[4096];
static unsigned acted_count;
static int act;

static void act_now(struct op *other)
{
    struct op *op;
    switch (act) {
    case ACT_SUBMIT:
    case ACT_FLUSH:
        if (acted_count == sizeof acted / sizeof *acted)
            return;
        op = acted[acted_count++] = op_new(&rig);
        if (act == ACT_FLUSH)
            rig.storage->ops->flush(rig.storage, &rig.client, &op->transaction);
        else
            op_submit(op);
        break;
    case ACT_CANCEL:
        if (other && !other->completions) {
            op_cancel(other);
            other->completions = 1;
        }
        break;
    case ACT_UNLISTEN:
        rig.storage->ops->unlisten(rig.storage, &rig.client, "key", 3);
        assert_int_equal(rig.storage->ops->listen(rig.storage, &rig.client, "other", 5), 0);
        rig.storage->ops->unlisten(rig.storage, &rig.client, "other", 5);
        break;
    default:
        assert_int_equal(rig.storage->ops->listen(rig.storage, &rig.client, "key", 3), 0);
        break;
    }
}

static void act_on_bell(breaker_client_t *client, const char *key, size_t key_length,
                        const char *value, size_t length)
{
    (void)client, (void)key, (void)key_length, (void)value, (void)length;
    rig.heard++;
    act_now(NULL);
}

static void act_when_complete(struct op *op)
{
    act_now(op->data);
}

static void act_on_health(breaker_client_t *client, int status)
{
    (void)client;
    rig.health = status;
    act_now(NULL);
}

static void callbacks_that_act(void **state)
{
    (void)state;
    for (act = 0; act < ACTS; act++)
        for (int mode = HOSTILE_NOT; mode < HOSTILE_MODES; mode++) {
            char address[64];
            struct op *ops[6];
            rig_end(&rig);
            hostile.polite = 3;
            hostile.mode = mode;
            snprintf(address, sizeof address, "redis://127.0.0.1:%d", hostile.port);
            rig_init(&rig, address);
            rig.options.prefix = "p:";
            rig.options.connect_timeout = rig.options.transaction_timeout = 30;
            rig_open(&rig);
            rig.client.health = act_on_health;
            rig.client.bell = act_on_bell;
            assert_int_equal(rig.storage->ops->listen(rig.storage, &rig.client, "key", 3), 0);
            acted_count = 0;
            for (int i = 0; i < 6; i++) {
                ops[i] = op_new(&rig);
                ops[i]->then = act_when_complete;
            }
            for (int i = 0; i < 6; i++) {
                ops[i]->data = ops[(i + 1) % 6];
                op_submit(ops[i]);
            }
            for (int i = 0; i < 6; i++)
                op_wait(ops[i]);
            hostile.mode = HOSTILE_NOT;
            rig_until_well(&rig);
            for (unsigned i = 0; i < acted_count; i++) {
                op_wait(acted[i]);
                op_free(acted[i]);
            }
            for (int i = 0; i < 6; i++)
                op_free(ops[i]);
        }
}

/* ---- Flush */

static void flush(void **state)
{
    (void)state;
    rig.options.prefix = "a*b[c]?\\:";
    open_well();
    for (int i = 0; i < 1500; i++)
        server_do(&server, "SET %s%d x", "a*b[c]?\\:", i);
    server_do(&server, "MSET aXbc:1 x axbcY:1 x other x a*b[c]? x");
    struct op *op = op_new(&rig);
    rig.storage->ops->flush(rig.storage, &rig.client, &op->transaction);
    assert_int_equal(op_wait(op), 0);
    assert_true(op->transaction.wall > 0);
    assert_int_equal(server_number(&server, "DBSIZE"), 4);
    op_free(op);
}

static void flush_without_prefix(void **state)
{
    (void)state;
    open_well();
    server_do(&server, "SET other x");
    struct op *op = op_new(&rig);
    rig.storage->ops->flush(rig.storage, &rig.client, &op->transaction);
    assert_int_equal(op_wait(op), UV_EINVAL);
    assert_int_equal(server_number(&server, "DBSIZE"), 1);
    op_free(op);
}

static void flush_cancelled(void **state)
{
    (void)state;
    rig.options.prefix = "p:";
    open_well();
    for (int i = 0; i < 1500; i++)
        server_do(&server, "SET p:%d x", i);
    struct op *op = op_new(&rig);
    rig.storage->ops->flush(rig.storage, &rig.client, &op->transaction);
    uv_run(&rig.loop, UV_RUN_NOWAIT);
    uv_run(&rig.loop, UV_RUN_NOWAIT);
    op_cancel(op);
    assert_int_equal(rig_incr(&rig, "n"), 0);
    assert_int_equal(op->completions, 0);
    op_free(op);
}

static int set_up(void **state)
{
    (void)state;
    server_start(&server, false);
    hostile_start(&hostile);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hostile_end(&hostile);
    server_end(&server);
    return 0;
}

#define IN_RIG(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_RIG(keeps_no_loop_alive),
        IN_RIG(keeps_no_loop_alive_while_down),
        IN_RIG(other_loops),
        IN_RIG(two_threads),
        IN_RIG(opened_again),
        IN_RIG(callbacks_that_act),
        IN_RIG(flush),
        IN_RIG(flush_without_prefix),
        IN_RIG(flush_cancelled),
    };
    return cmocka_run_group_tests_name("redis: life", tests, set_up, tear_down);
}
