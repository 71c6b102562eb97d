/* What the script leaves in Redis, seen by a second client: the digest is the text's, keys,
 * types, values and times to live are as the languages beside us write them, and nothing is done
 * that was not asked for. */
#include "redis_lua.h"
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
    snprintf(url, sizeof url, "unix:%s?db=2", server.path);
    server_do(&server, "FLUSHALL");
    server_do(&server, "SELECT 2");
    rig_init(&rig, url);
    rig_open(&rig);
    rig_until_well(&rig);
    server_do(&server, "CONFIG RESETSTAT");
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_end(&rig);
    return 0;
}

static void assert_text(const char *command, const char *expected)
{
    redisReply *reply = server_ask(&server, command);
    assert_non_null(reply->str);
    assert_string_equal(reply->str, expected);
    freeReplyObject(reply);
}

static void digest(void **state)
{
    (void)state;
    redisReply *reply = server_ask(&server, "SCRIPT LOAD %s", redis_lua_text);
    assert_string_equal(reply->str, redis_lua_digest);
    freeReplyObject(reply);
}

/* As Python's clients write a time: in seconds, the double that is nearest. */
static void log_as_python_writes_it(void **state)
{
    static const struct {
        int64_t ms;
        double score;
    } rows[] = {{1700000030750, 1700000030.75},
                {1700000030001, 1700000030.001},
                {1700000030000, 1700000030},
                {0, 0},
                {1, 0.001},
                {-1500, -1.5},
                {-20, -0.02},
                {253402300799999, 253402300799.99899}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        server_do(&server, "DEL log");
        struct op *op = op_new(&rig);
        breaker_verb_t *verb = op_verb(op, BREAKER_LOG, "log");
        verb->score = rows[i].ms;
        verb->cut = INT64_MIN / 2;
        op_submit(op);
        assert_int_equal(op_wait(op), 0);
        assert_int_equal(verb->number, 1);
        op_free(op);
        redisReply *reply = server_ask(&server, "ZRANGE log 0 -1 WITHSCORES");
        assert_int_equal(reply->elements, 2);
        assert_int_equal(reply->element[0]->len, 16);
        assert_true(strtod(reply->element[1]->str, NULL) == rows[i].score);
        freeReplyObject(reply);
        assert_int_equal(server_number(&server, "PTTL log"), -1);
    }
}

/* Entries of Python's clients and ours are cut alike, at whole and at broken seconds. */
static void log_is_cut(void **state)
{
    (void)state;
    server_do(&server, "ZADD log 100 a 100.5 b 100.501 c 101 d");
    struct op *op = op_new(&rig);
    breaker_verb_t *verb = op_verb(op, BREAKER_LOG, "log");
    verb->score = 102000;
    verb->cut = 100500;
    verb->ttl = 30000;
    op_submit(op);
    assert_int_equal(op_wait(op), 0);
    assert_int_equal(verb->number, 3);
    op_free(op);
    assert_int_equal(server_number(&server, "ZCARD log"), 3);
    assert_in_range(server_number(&server, "PTTL log"), 29000, 30000);
}

static void members_differ(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct op *op = op_new(&rig);
        for (int j = 0; j < 8; j++) {
            breaker_verb_t *verb = op_verb(op, BREAKER_LOG, "log");
            verb->score = 1000;
            verb->cut = 999;
        }
        op_submit(op);
        assert_int_equal(op_wait(op), 0);
        assert_int_equal(op->verbs[7].number, 8 * (i + 1));
        op_free(op);
    }
}

/* "If it is 1, expire": the life counts from the first, and is never lengthened. */
static void incr_and_its_life(void **state)
{
    (void)state;
    for (int i = 1; i <= 3; i++) {
        struct op *op = op_new(&rig);
        op_incr(op, "n", 1, i == 1 ? 30000 : 90000);
        op_submit(op);
        assert_int_equal(op_wait(op), 0);
        assert_int_equal(op->verbs[0].number, i);
        op_free(op);
        assert_in_range(server_number(&server, "PTTL n"), 25000, 30000);
    }
    /* lasier's failure key is there as 0, with a life, before its first failure: which restarts
     * it. */
    server_do(&server, "SET f 0 EX 10 NX");
    struct op *op = op_new(&rig);
    op_incr(op, "f", 1, 60000);
    op_submit(op);
    assert_int_equal(op_wait(op), 0);
    op_free(op);
    assert_in_range(server_number(&server, "PTTL f"), 55000, 60000);
    assert_int_equal(server_calls(&server, "set"), 3); /* one is the server's */
}

static void numbers_of_63_bits(void **state)
{
    static const char *const big[] = {"9007199254740993", "-9007199254740993",
                                      "9223372036854775807", "-9223372036854775808"};
    (void)state;
    for (size_t i = 0; i < sizeof big / sizeof *big; i++) {
        struct op *op = op_new(&rig);
        server_do(&server, "DEL n");
        op_incr(op, "n", strtoll(big[i], NULL, 10), 60000);
        op_submit(op);
        assert_int_equal(op_wait(op), 0);
        assert_true(op->verbs[0].number == strtoll(big[i], NULL, 10));
        op_free(op);
        assert_text("GET n", big[i]);
        assert_true(server_number(&server, "PTTL n") > 0); /* result = increment, to the last bit */
    }
    server_do(&server, "SET n 9007199254740992");
    struct op *op = op_new(&rig);
    op_incr(op, "n", 1, 60000);
    op_submit(op);
    assert_int_equal(op_wait(op), 0);
    assert_true(op->verbs[0].number == 9007199254740993);
    op_free(op);
    assert_int_equal(server_number(&server, "PTTL n"), -1);
}

static void lives_without_end(void **state)
{
    (void)state;
    struct op *op = op_new(&rig);
    op_set(op, "a", "x", UINT64_MAX);
    op_incr(op, "b", 1, UINT64_MAX);
    op_submit(op);
    assert_int_equal(op_wait(op), 0);
    op_free(op);
    assert_true(server_number(&server, "PTTL a") > 1000000000);
    assert_true(server_number(&server, "PTTL b") > 1000000000);
}

static void binary(void **state)
{
    char bytes[4] = {'\r', '\n', '\0', '%'};
    (void)state;
    struct op *op = op_new(&rig);
    breaker_verb_t *verb = op_verb(op, BREAKER_SET, "x");
    verb->key = bytes;
    verb->key_length = sizeof bytes;
    verb->value = bytes;
    verb->length = sizeof bytes;
    op_submit(op);
    assert_int_equal(op_wait(op), 0);
    op_free(op);
    redisReply *reply = server_ask(&server, "GET %b", bytes, sizeof bytes);
    assert_int_equal(reply->len, sizeof bytes);
    assert_memory_equal(reply->str, bytes, sizeof bytes);
    freeReplyObject(reply);
}

/* As many inner commands as verbs, and the clock. */
static void inner_commands(void **state)
{
    (void)state;
    struct op *op = op_new(&rig);
    op_incr(op, "{n}:ok", 1, 0);
    op_incr(op, "{n}:failed", 1, 0);
    op_get(op, "{n}:r");
    op_submit(op);
    assert_int_equal(op_wait(op), 0);
    op_free(op);
    assert_int_equal(server_calls(&server, "time"), 1);
    assert_int_equal(server_calls(&server, "incrby"), 2);
    assert_int_equal(server_calls(&server, "get"), 1);
    assert_int_equal(server_calls(&server, "pexpire"), 0);
    assert_int_equal(server_calls(&server, "evalsha"), 1);
}

/* Reading asks whether it could be written, now and then, and leaves no trace of that. */
static void asks_and_leaves_no_trace(void **state)
{
    (void)state;
    server_do(&server, "SET n 5 PX 50000");
    server_do(&server, "ZADD log 1 x");
    assert_int_equal(rig_get(&rig, "n"), 0);
    assert_int_equal(server_calls(&server, "setrange"), 0);
    rig_run_for(&rig, rig.options.transaction_timeout + 20);
    assert_int_equal(rig_get(&rig, "n"), 0);
    assert_int_equal(rig_get(&rig, "n"), 0);
    assert_int_equal(server_calls(&server, "setrange"), 1);
    assert_text("GET n", "5");
    assert_in_range(server_number(&server, "PTTL n"), 1, 50000);
    rig_run_for(&rig, rig.options.transaction_timeout + 20);
    assert_int_equal(rig_get(&rig, "absent"), 0);
    rig_run_for(&rig, rig.options.transaction_timeout + 20);
    struct op *op = op_new(&rig);
    op_verb(op, BREAKER_DELETE, "log"); /* what it holds is nobody's fault */
    op_submit(op);
    assert_int_equal(op_wait(op), 0);
    op_free(op);
    assert_int_equal(server_calls(&server, "setrange"), 3);
    assert_int_equal(server_number(&server, "DBSIZE"), 1);
    assert_int_equal(rig.lost, 0);
}

/* Opening, probing and closing leave nothing, and ask nothing while idle. */
static void quiet(void **state)
{
    (void)state;
    rig_run_for(&rig, 200);
    assert_int_equal(server_calls(&server, "evalsha"), 0);
    assert_int_equal(server_number(&server, "DBSIZE"), 0);
}

static void named_and_in_its_database(void **state)
{
    (void)state;
    assert_int_equal(rig_incr(&rig, "n"), 0);
    assert_int_equal(server_number(&server, "GET n"), 1);
    redisReply *reply = server_ask(&server, "CLIENT LIST");
    assert_non_null(strstr(reply->str, "name=libbreaker"));
    freeReplyObject(reply);
    server_do(&server, "SELECT 0");
    assert_int_equal(server_number(&server, "EXISTS n"), 0);
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
        IN_RIG(digest),
        IN_RIG(log_as_python_writes_it),
        IN_RIG(log_is_cut),
        IN_RIG(members_differ),
        IN_RIG(incr_and_its_life),
        IN_RIG(numbers_of_63_bits),
        IN_RIG(lives_without_end),
        IN_RIG(binary),
        IN_RIG(inner_commands),
        IN_RIG(asks_and_leaves_no_trace),
        IN_RIG(quiet),
        IN_RIG(named_and_in_its_database),
    };
    return cmocka_run_group_tests_name("redis: the script", tests, set_up, tear_down);
}
