/* A real Redis that answers, but cannot or will not do what is asked: loading, replica, full,
 * busy, without its scripts. What must hold: each transaction completes once with the right
 * code, health is told once per change, a half-working server is not taken for a healthy one,
 * and all is well soon after. */
#include "rig.h"
#include "server.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

/* A transaction that writes fails so, the storage says so once, and stays so until cure is done. */
static void falls_ill(int told)
{
    assert_int_equal(rig_incr(&rig, "n"), told);
    RIG_UNTIL(&rig, rig.lost == 1);
    assert_int_equal(rig.health, told);
    assert_string_not_equal(breaker_redis_reason(rig.storage), "");
    /* For several pauses and probes: not even reads are served, and nothing more is told. */
    for (int i = 0; i < 40; i++) {
        assert_true(rig_ask(&rig) < 0);
        rig_run_for(&rig, 2);
    }
    assert_int_equal(rig.lost, 1);
    assert_int_equal(rig.found, 0);
}

static void gets_well(void)
{
    rig_until_well(&rig);
    RIG_UNTIL(&rig, rig.found == 1);
    assert_int_equal(rig.health, 0);
    assert_int_equal(rig_incr(&rig, "n"), 0);
    assert_int_equal(rig.lost, 1);
}

static void out_of_memory(void **state)
{
    (void)state;
    server_do(&server, "CONFIG SET maxmemory-policy noeviction maxmemory 1");
    falls_ill(UV_ENOSPC);
    server_do(&server, "CONFIG SET maxmemory 0");
    gets_well();
    assert_int_equal(server_number(&server, "GET n"), 1); /* probing wrote nothing */
}

static void read_only_replica(void **state)
{
    (void)state;
    server_do(&server, "SET n 40");
    server_do(&server, "REPLICAOF 127.0.0.1 1");
    falls_ill(UV_EROFS);
    server_do(&server, "REPLICAOF NO ONE");
    gets_well();
    assert_int_equal(server_number(&server, "GET n"), 41);
}

static void master_down(void **state)
{
    (void)state;
    server_do(&server, "CONFIG SET replica-serve-stale-data no");
    server_do(&server, "REPLICAOF 127.0.0.1 1");
    falls_ill(UV_EAGAIN);
    server_do(&server, "REPLICAOF NO ONE");
    server_do(&server, "CONFIG SET replica-serve-stale-data yes");
    gets_well();
}

static void not_enough_replicas(void **state)
{
    (void)state;
    server_do(&server, "CONFIG SET min-replicas-to-write 1");
    falls_ill(UV_EROFS);
    server_do(&server, "CONFIG SET min-replicas-to-write 0");
    gets_well();
}

/* Snapshots are wanted and fail: the directory is gone. */
static void misconfigured_persistence(void **state)
{
    char nowhere[128];
    (void)state;
    snprintf(nowhere, sizeof nowhere, "%s/nowhere", server.directory);
    redisReply *reply = NULL;
    char command[200];
    snprintf(command, sizeof command, "mkdir %s", nowhere);
    assert_int_equal(system(command), 0);
    server_do(&server, "CONFIG SET dir %s", nowhere);
    assert_int_equal(rmdir(nowhere), 0);
    server_do(&server, "CONFIG SET save %s", "3600 1");
    server_do(&server, "SET n 0");
    server_do(&server, "BGSAVE");
    do {
        freeReplyObject(reply);
        usleep(2000);
        reply = server_ask(&server, "INFO persistence");
    } while (!strstr(reply->str, "rdb_last_bgsave_status:err"));
    freeReplyObject(reply);
    falls_ill(UV_EROFS);
    server_do(&server, "CONFIG SET save %s", "");
    server_do(&server, "CONFIG SET dir %s", server.directory);
    gets_well();
}

/* So from the start: nothing is served, and nothing is written to find out. */
static void never_well(const char *ill, const char *cure, int told)
{
    rig_close(&rig);
    server_do(&server, ill);
    rig_open(&rig);
    assert_int_equal(rig_get(&rig, "n"), told);
    RIG_UNTIL(&rig, rig.lost == 1);
    assert_int_equal(rig.health, told);
    for (int i = 0; i < 20; i++) {
        assert_true(rig_get(&rig, "n") < 0);
        rig_run_for(&rig, 2);
    }
    assert_int_equal(rig.lost, 1);
    assert_int_equal(rig.found, 0);
    server_do(&server, cure);
    rig_until_well(&rig);
    RIG_UNTIL(&rig, rig.found == 1);
    assert_int_equal(server_number(&server, "DBSIZE"), 0);
}

static void replica_from_the_start(void **state)
{
    (void)state;
    never_well("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", UV_EROFS);
}

static void full_from_the_start(void **state)
{
    (void)state;
    never_well("CONFIG SET maxmemory-policy noeviction maxmemory 1", "CONFIG SET maxmemory 0",
               UV_ENOSPC);
}

static void without_replicas_from_the_start(void **state)
{
    (void)state;
    never_well("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0",
               UV_EROFS);
}

/* It becomes a replica under our connection, and nobody writes: what it holds is trusted for one
 * deadline at most, by a guard too, and by none of many questions in one turn. */
static void replica_meanwhile(void **state)
{
    enum { OPS = 10 };
    struct op *ops[OPS];
    (void)state;
    server_do(&server, "SET n 40");
    assert_int_equal(rig_get(&rig, "n"), 0);
    server_do(&server, "REPLICAOF 127.0.0.1 1");
    rig_run_for(&rig, rig.options.transaction_timeout + 20);
    for (int i = 0; i < OPS; i++) {
        ops[i] = op_new(&rig);
        if (i % 2) {
            ops[i]->transaction.guard = BREAKER_GUARD_ABSENT;
            ops[i]->transaction.guard_key = "n";
            ops[i]->transaction.guard_key_length = 1;
        } else {
            op_get(ops[i], "n");
        }
        op_submit(ops[i]);
    }
    for (int i = 0; i < OPS; i++) {
        assert_int_equal(op_wait(ops[i]), UV_EROFS);
        op_free(ops[i]);
    }
    RIG_UNTIL(&rig, rig.lost == 1);
    assert_true(rig_get(&rig, "n") < 0);
    server_do(&server, "REPLICAOF NO ONE");
    gets_well();
}

/* ---- Loading and busy: by a client that does not wait for its answer */

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

static void loading(void **state)
{
    (void)state;
    server_do(&server, "DEBUG POPULATE 20000 filling 50");
    server_do(&server, "CONFIG SET loading-process-events-interval-bytes 2048");
    server_do(&server, "CONFIG SET key-load-delay 20");
    redisContext *client = ask_and_leave("DEBUG RELOAD");
    RIG_UNTIL(&rig, rig_ask(&rig) < 0);
    RIG_UNTIL(&rig, rig.lost == 1);
    RIG_UNTIL(&rig, strstr(breaker_redis_reason(rig.storage), "LOADING"));
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

/* ---- Scripts */

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

/* ---- Data that is lost */

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
        IN_RIG(out_of_memory),
        IN_RIG(read_only_replica),
        IN_RIG(master_down),
        IN_RIG(not_enough_replicas),
        IN_RIG(misconfigured_persistence),
        IN_RIG(replica_from_the_start),
        IN_RIG(full_from_the_start),
        IN_RIG(without_replicas_from_the_start),
        IN_RIG(replica_meanwhile),
        IN_RIG(loading),
        IN_RIG(busy),
        IN_RIG(busy_and_unkillable),
        IN_RIG(paused),
        IN_RIG(no_script),
        IN_RIG(no_script_again_and_again),
        IN_RIG(no_script_and_cancelled),
        IN_RIG(one_write),
        IN_RIG(flushed_by_others),
    };
    return cmocka_run_group_tests_name("redis: states of a server", tests, set_up, tear_down);
}
