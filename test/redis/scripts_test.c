/* A real Redis without its scripts, or its data: each transaction is done once all the same. */
#include "rig.h"
#include "server.h"
#include <stdio.h>
#include <stdlib.h>

static struct server server;
static struct rig rig;

static int begin(void **state)
{
    char url[128];
    (void)state;
    snprintf(url, sizeof url, "unix:%s", server.path);
    server_do(&server, "FLUSHALL");
    rig_init(&rig, url);
    rig_open(&rig);
    rig_until_well(&rig);
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_end(&rig);
    return 0;
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

enum { MANY = 100 };

static void submit_many(struct op **ops, const char *key)
{
    for (int i = 0; i < MANY; i++) {
        ops[i] = op_new(&rig);
        op_incr(ops[i], key, 1, 0);
        op_submit(ops[i]);
    }
}

static int count_well(struct op **ops)
{
    int well = 0;
    for (int i = 0; i < MANY; i++) {
        int status = op_wait(ops[i]);
        well += status == 0;
        op_free(ops[i]);
    }
    return well;
}

/* A hundred in one write find no script: one brings it, each is applied once. */
static void no_script(void **state)
{
    struct op *ops[MANY];
    (void)state;
    server_do(&server, "SCRIPT FLUSH");
    server_do(&server, "CONFIG RESETSTAT");
    submit_many(ops, "n");
    assert_int_equal(count_well(ops), MANY);
    assert_int_equal(server_number(&server, "GET n"), MANY);
    assert_int_equal(server_calls(&server, "eval"), 1);
    assert_int_equal(server_calls(&server, "evalsha"), 2 * MANY - 1);
    assert_int_equal(rig.lost, 0);
}

/* Somebody keeps flushing the scripts: what was told as done was done, once. */
static void no_script_again_and_again(void **state)
{
    struct op *ops[MANY];
    int well = 0;
    (void)state;
    for (int round = 0; round < 20; round++) {
        redisContext *client = ask_and_leave("SCRIPT FLUSH");
        submit_many(ops, "n");
        uv_run(&rig.loop, UV_RUN_NOWAIT);
        redisContext *second = ask_and_leave("SCRIPT FLUSH");
        well += count_well(ops);
        redisFree(client);
        redisFree(second);
    }
    assert_int_equal(well, 20 * MANY);
    assert_int_equal(server_number(&server, "GET n"), 20 * MANY);
    assert_int_equal(rig.lost, 0);
}

/* What a cancelled one would have brought is brought by the next. */
static void no_script_and_cancelled(void **state)
{
    struct op *ops[MANY];
    (void)state;
    server_do(&server, "SCRIPT FLUSH");
    submit_many(ops, "n");
    uv_run(&rig.loop, UV_RUN_NOWAIT);
    for (int i = 0; i < MANY / 2; i++)
        op_cancel(ops[i]);
    for (int i = MANY / 2; i < MANY; i++)
        assert_int_equal(op_wait(ops[i]), 0);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(ops[i]->completions, i >= MANY / 2);
        op_free(ops[i]);
    }
    assert_in_range(server_number(&server, "GET n"), MANY / 2, MANY);
}

/* All of a turn goes out in one write: the server sees one read for the whole of it. */
static void one_write(void **state)
{
    struct op *ops[MANY];
    (void)state;
    server_do(&server, "CONFIG RESETSTAT");
    redisReply *reply = server_ask(&server, "INFO stats");
    long long before = atoll(strstr(reply->str, "total_reads_processed:") + 22);
    freeReplyObject(reply);
    for (int i = 0; i < MANY; i++) { /* short ones: the server reads 16 KiB at once */
        ops[i] = op_new(&rig);
        op_submit(ops[i]);
    }
    assert_int_equal(count_well(ops), MANY);
    reply = server_ask(&server, "INFO stats");
    long long after = atoll(strstr(reply->str, "total_reads_processed:") + 22);
    freeReplyObject(reply);
    assert_int_equal(server_calls(&server, "evalsha"), MANY);
    assert_in_range(after - before, 2, 3); /* ours, and the second client's own */
}

static void flushed_by_others(void **state)
{
    (void)state;
    assert_int_equal(rig_incr(&rig, "n"), 0);
    server_do(&server, "FLUSHALL");
    struct op *op = op_new(&rig);
    op_get(op, "n");
    op_submit(op);
    assert_int_equal(op_wait(op), 0);
    assert_int_equal(op->verbs[0].found, 0);
    op_free(op);
    assert_int_equal(rig_incr(&rig, "n"), 0);
    assert_true(server_number(&server, "PTTL n") > 0);
    assert_int_equal(rig.lost, 0);
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
        IN_RIG(no_script), IN_RIG(no_script_again_and_again), IN_RIG(no_script_and_cancelled),
        IN_RIG(one_write), IN_RIG(flushed_by_others),
    };
    return cmocka_run_group_tests_name("redis: lost scripts", tests, set_up, tear_down);
}
