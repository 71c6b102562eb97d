/* A real Redis that answers, but cannot or will not do what is asked: replica, full, without replicas
 * or snapshots. What must hold: each transaction completes once with the right code, health is
 * told once per change, a half-working server is not taken for a healthy one, guarded calls go on
 * all the while, and all is well soon after. */
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
    assert_int_equal(witness.lost, 1);
    witness_is_content(&witness);
    witness_close(&witness);
    rig_end(&rig);
    server_assert_no_key_stays(&server, SERVER_CIRCUITS);
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
    RIG_UNTIL(&rig, witness.lost > 0);
}

/* Right after the cure. */
static void is_served_again(void)
{
    witness_is_served(&witness, &server, uv_hrtime(), witness.pause);
}

static void gets_well(void)
{
    is_served_again();
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
    RIG_UNTIL(&rig, witness.lost > 0);
    server_do(&server, cure);
    is_served_again();
    rig_until_well(&rig);
    RIG_UNTIL(&rig, rig.found == 1);
    assert_int_equal(server_number(&server, "EXISTS n breaker:probe"), 0);
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
    };
    return cmocka_run_group_tests_name("redis: states of a server", tests, set_up, tear_down);
}
