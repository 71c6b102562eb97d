/* A real Redis whose set-up is at odds with ours: passwords, rights, commands that were taken away.
 * What must hold: it is told once, tried again slowly, and mended without us when somebody mends
 * it; and guarded calls go on all the while. */
#include "conformance.h"
#include "rig.h"
#include "server.h"
#include "witness.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct server server;
static struct rig rig;
static struct witness witness;
static char url[256];

static int begin(void **state)
{
    (void)state;
    server_start(&server, false);
    snprintf(url, sizeof url, "unix:%s", server.path);
    rig_init(&rig, url);
    return 0;
}

static void open_watched(void)
{
    rig_open(&rig);
    witness_open(&witness, &rig.loop, "witness", &rig.options, NULL, NULL);
}

static void close_witness(void)
{
    witness_is_content(&witness);
    witness_close(&witness);
}

static int end(void **state)
{
    (void)state;
    if (witness.panel)
        close_witness();
    rig_end(&rig);
    server_assert_no_key_stays(&server, SERVER_CIRCUITS);
    memset(server.extra, 0, sizeof server.extra);
    server_end(&server);
    return 0;
}

static long long connections(void)
{
    redisReply *reply = server_ask(&server, "INFO stats");
    long long count = atoll(strstr(reply->str, "total_connections_received:") + 27);
    freeReplyObject(reply);
    return count;
}

/* Told once with this code; tried again slowly: with pauses of 60 to 67 ms, at most so often by each
 * of three: ours, the witness' and its bell's. */
static void is_refused(int told)
{
    assert_true(rig_ask(&rig) < 0);
    RIG_UNTIL(&rig, rig.health == told); /* a connection that was lost may have been told first */
    unsigned lost = rig.lost;
    long long before = connections();
    rig_run_for(&rig, 300);
    assert_in_range(connections() - before, 0, 3 * 6);
    assert_int_equal(rig.lost, lost);
    assert_int_equal(rig.found, 0);
}

static void is_mended(void)
{
    rig_until_well(&rig);
    assert_int_equal(rig_incr(&rig, "n"), 0);
    RIG_UNTIL(&rig, rig.found == 1);
    assert_int_equal(rig.health, 0);
}

/* The same, right after the cure, where the witness has the rights that it needs, too. */
static void is_mended_for_all(void)
{
    witness_is_served(&witness, &server, uv_hrtime(), witness.slow_pause + WITNESS_PAUSE);
    is_mended();
}

/* ---- Passwords */

static void no_password(void **state)
{
    (void)state;
    server_do(&server, "CONFIG SET requirepass secret");
    open_watched();
    is_refused(UV_EACCES);
    assert_non_null(strstr(breaker_redis_reason(rig.storage), "NOAUTH"));
    server_do(&server, "CONFIG SET requirepass %s", "");
    is_mended_for_all();
}

static void wrong_password(void **state)
{
    (void)state;
    server_do(&server, "CONFIG SET requirepass secret");
    rig.options.password = "wrong";
    open_watched();
    is_refused(UV_EACCES);
    assert_non_null(strstr(breaker_redis_reason(rig.storage), "WRONGPASS"));
    assert_null(strstr(breaker_redis_reason(rig.storage), "wrong"));
    server_do(&server, "CONFIG SET requirepass wrong");
    is_mended_for_all();
}

static void password_without_need(void **state)
{
    (void)state;
    rig.options.password = "secret";
    open_watched();
    is_refused(UV_EACCES);
    server_do(&server, "CONFIG SET requirepass secret");
    is_mended_for_all();
}

/* The old connection goes on; the next one is refused. */
static void password_rotated(void **state)
{
    (void)state;
    server_do(&server, "CONFIG SET requirepass first");
    rig.options.password = "first";
    open_watched();
    rig_until_well(&rig);
    server_do(&server, "CONFIG SET requirepass second");
    assert_int_equal(rig_incr(&rig, "n"), 0);
    assert_int_equal(rig.lost, 0);
    server_do(&server, "CLIENT KILL TYPE normal SKIPME yes");
    is_refused(UV_EACCES);
    server_do(&server, "CONFIG SET requirepass first");
    is_mended_for_all();
}

static void database_that_is_not(void **state)
{
    (void)state;
    rig.options.database = 99;
    open_watched();
    is_refused(UV_EINVAL);
}

/* ---- Rights. What the header says is needed, is enough. */

#define RIGHTS                                                                                \
    "ACL SETUSER narrow reset on >word +evalsha +eval +time +get +set +incrby +pexpire +del " \
    "+zadd "                                                                                  \
    "+zcard +zremrangebyscore +setrange +sadd +hset +sscan"

static void as_narrow_user(void)
{
    rig.options.user = "narrow";
    rig.options.password = "word";
    rig.options.prefix = "mine:";
}

static int make(void *data, breaker_storage_t **storage)
{
    breaker_redis_options_t options;
    (void)data;
    breaker_redis_options_init(&options);
    assert_int_equal(breaker_redis_options_url(&options, url), 0);
    options.user = "narrow";
    options.password = "word";
    options.prefix = "mine:";
    server_do(&server, "FLUSHALL");
    return breaker_redis_create(storage, &options, NULL);
}

static void destroy(void *data, breaker_storage_t *storage)
{
    (void)data;
    assert_int_equal(breaker_redis_destroy(storage), 0);
}

static void rights_in_the_header(void **state)
{
    struct conformance_subject subject = {
        .name = "redis, narrow user", .coarse = RIG_COARSE_MS, .make = make, .destroy = destroy};
    (void)state;
    server_do(&server,
              RIGHTS " +publish +subscribe +unsubscribe +select +scan +unlink ~mine:* &mine:*");
    assert_int_equal(breaker_storage_conformance(&subject), 0);
}

/* Without pub/sub everything else works, and health is well. */
static void no_right_to_listen(void **state)
{
    (void)state;
    server_do(&server, RIGHTS " ~mine:*");
    as_narrow_user();
    open_watched();
    assert_int_equal(rig.storage->ops->listen(rig.storage, &rig.client, "n", 1), 0);
    rig_until_well(&rig);
    struct op *op = op_new(&rig);
    op_incr(op, "n", 1, 1000);
    breaker_verb_t *tell = op_verb(op, BREAKER_TELL, "n");
    tell->value = op->value;
    tell->length = 3;
    op_submit(op);
    assert_int_equal(op_wait(op), 0);
    op_free(op);
    rig_run_for(&rig, 50);
    assert_int_equal(rig.lost, 0);
    assert_int_equal(rig_incr(&rig, "n"), 0);
}

/* Nor is it any trouble that a channel cannot be left. */
static void no_right_to_leave(void **state)
{
    (void)state;
    server_do(&server, RIGHTS " +publish +subscribe ~mine:* &mine:*");
    as_narrow_user();
    open_watched();
    assert_int_equal(rig.storage->ops->listen(rig.storage, &rig.client, "n", 1), 0);
    assert_int_equal(rig.storage->ops->listen(rig.storage, &rig.client, "m", 1), 0);
    rig_until_well(&rig);
    RIG_UNTIL(&rig, server_number(&server, "PUBLISH mine:m x") == 1);
    rig.storage->ops->unlisten(rig.storage, &rig.client, "n", 1);
    rig_run_for(&rig, 50);
    unsigned before = rig.bells;
    assert_int_equal(server_number(&server, "PUBLISH mine:n x"), 1);
    assert_int_equal(server_number(&server, "PUBLISH mine:m x"), 1);
    RIG_UNTIL(&rig, rig.bells == before + 1);
    rig_run_for(&rig, 20);
    assert_int_equal(rig.bells, before + 1);
    assert_int_equal(rig.lost, 0);
}

static void no_right_to_scripts(void **state)
{
    (void)state;
    server_do(&server, "ACL SETUSER narrow reset on >word +@all -@scripting ~mine:* &*");
    as_narrow_user();
    open_watched();
    is_refused(UV_EACCES);
    server_do(&server, "ACL SETUSER narrow +@scripting");
    is_mended_for_all();
}

static void no_right_to_write(void **state)
{
    (void)state;
    server_do(&server, RIGHTS " -incrby ~mine:* &*");
    as_narrow_user();
    open_watched();
    assert_int_equal(rig_ask(&rig), 0);
    assert_int_equal(rig_incr(&rig, "n"), UV_EACCES);
    RIG_UNTIL(&rig, rig.lost == 1);
    for (int i = 0; i < 4; i++) { /* what can be asked without the right, says nothing of health */
        rig_until_well(&rig);
        RIG_UNTIL(&rig, rig_incr(&rig, "n") == UV_EACCES);
    }
    assert_int_equal(rig.lost, 1);
    assert_int_equal(rig.found, 0);
    server_do(&server, "ACL SETUSER narrow +incrby");
    witness_is_served(&witness, &server, uv_hrtime(), witness.slow_pause + WITNESS_PAUSE);
    RIG_UNTIL(&rig, rig_incr(&rig, "n") == 0);
    RIG_UNTIL(&rig, rig.found == 1);
    assert_int_equal(rig.lost, 1);
}

/* What cannot be told to end is not made; and what has an end, keeps it. */
static void no_right_to_expire(void **state)
{
    struct op *op;
    (void)state;
    server_do(&server, RIGHTS " -pexpire ~mine:* &*");
    as_narrow_user();
    open_watched();
    assert_int_equal(rig_ask(&rig), 0);
    op = op_new(&rig);
    op_incr(op, "n", 1, 60000);
    *op_verb(op, BREAKER_MEMBER, "set") = (breaker_verb_t){.kind = BREAKER_MEMBER,
                                                           .key = "set",
                                                           .key_length = 3,
                                                           .value = (char[]){"member"},
                                                           .length = 6,
                                                           .ttl = 60000};
    op_submit(op);
    assert_int_equal(op_wait(op), 0);
    op_free(op);
    assert_in_range(server_number(&server, "PTTL mine:n"), 1, 60000);
    assert_int_equal(server_number(&server, "EXISTS mine:set"), 0);
    op = op_new(&rig);
    op_verb(op, BREAKER_LOG, "log")->ttl = 60000;
    op_submit(op);
    assert_int_equal(op_wait(op), UV_EACCES);
    op_free(op);
    assert_int_equal(server_number(&server, "EXISTS mine:log"), 0);
    RIG_UNTIL(&rig, rig.lost == 1);
    RIG_UNTIL(&rig, witness.ended > 9);
    assert_int_equal(witness.lost, 0); /* nothing that it needs */
}

static void no_right_to_keys(void **state)
{
    (void)state;
    server_do(&server, RIGHTS " ~others:* &*");
    as_narrow_user();
    open_watched();
    assert_int_equal(rig_ask(&rig), 0);
    assert_int_equal(rig_incr(&rig, "n"), UV_EACCES);
    RIG_UNTIL(&rig, rig.lost == 1);
    is_refused(UV_EACCES);
    server_do(&server, "ACL SETUSER narrow ~mine:*");
    is_mended_for_all();
}

/* A register that may not be kept is nobody's trouble: the rest of the transaction is done. */
static void no_right_to_registers(void **state)
{
    (void)state;
    server_do(&server, RIGHTS " -sadd -hset +publish &mine:* ~mine:*");
    as_narrow_user();
    open_watched();
    struct op *op = op_new(&rig);
    breaker_verb_t *verb = op_verb(op, BREAKER_MEMBER, "set");
    verb->value = (char[]){"member"};
    verb->length = 6;
    verb = op_verb(op, BREAKER_FIELD, "record");
    verb->value = (char[]){"name\0text"};
    verb->length = 9;
    op_incr(op, "n", 1, 1000);
    op_submit(op);
    assert_int_equal(op_wait(op), 0);
    assert_int_equal(op->verbs[2].number, 1);
    op_free(op);
    assert_int_equal(server_number(&server, "EXISTS mine:set mine:record"), 0);
    assert_int_equal(rig.lost, 0);
    RIG_UNTIL(&rig, witness.ended > 0);
    assert_int_equal(witness.lost, 0);
}

/* Not even the key that nobody has may be asked about: that it cannot is no fault. */
static void no_right_to_nobodys_key(void **state)
{
    (void)state;
    server_do(&server, RIGHTS " ~n &*");
    rig.options.user = "narrow";
    rig.options.password = "word";
    open_watched();
    assert_int_equal(rig_incr(&rig, "n"), 0);
    assert_int_equal(rig_get(&rig, "n"), 0);
    assert_int_equal(rig.lost, 0);
    server_do(&server, "REPLICAOF 127.0.0.1 1");
    assert_int_equal(rig_incr(&rig, "n"), UV_EROFS);
    server_do(&server, "REPLICAOF NO ONE");
    is_mended();
}

static void user_deleted(void **state)
{
    (void)state;
    server_do(&server, RIGHTS " ~mine:* &*");
    as_narrow_user();
    open_watched();
    assert_int_equal(rig_incr(&rig, "n"), 0);
    server_do(&server, "ACL DELUSER narrow");
    RIG_UNTIL(&rig, rig_ask(&rig) < 0);
    is_refused(UV_EACCES);
    server_do(&server, RIGHTS " ~mine:* &*");
    is_mended_for_all();
}

static void command_taken_away(void **state)
{
    (void)state;
    SERVER_AGAIN(&server, "--rename-command", "EVALSHA", "");
    open_watched();
    is_refused(UV_ENOSYS);
    assert_non_null(strstr(breaker_redis_reason(rig.storage), "unknown command"));
}

#define IN_RIG(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_RIG(no_password),           IN_RIG(wrong_password),
        IN_RIG(password_without_need), IN_RIG(password_rotated),
        IN_RIG(database_that_is_not),  IN_RIG(rights_in_the_header),
        IN_RIG(no_right_to_listen),    IN_RIG(no_right_to_leave),
        IN_RIG(no_right_to_scripts),   IN_RIG(no_right_to_write),
        IN_RIG(no_right_to_expire),    IN_RIG(no_right_to_keys),
        IN_RIG(no_right_to_registers), IN_RIG(no_right_to_nobodys_key),
        IN_RIG(user_deleted),          IN_RIG(command_taken_away),
    };
    return cmocka_run_group_tests_name("redis: access", tests, NULL, NULL);
}
