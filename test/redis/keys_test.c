/* Keys that hold what none of us wrote: it stays as it is, is named, and harms no other key. */
#include "rig.h"
#include "server.h"
#include "witness.h"
#include <stdio.h>
#include <stdlib.h>

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

static int end(void **state)
{
    (void)state;
    if (witness.panel) {
        witness_is_content(&witness);
        witness_close(&witness);
    }
    rig_end(&rig);
    server_assert_no_key_stays(&server, SERVER_CIRCUITS);
    memset(server.extra, 0, sizeof server.extra);
    server_end(&server);
    return 0;
}

/* Guarded calls beside it, which go on whatever its keys hold. */
static void open_watched(void)
{
    rig_open(&rig);
    witness_open(&witness, &rig.loop, "circuit", &rig.options, NULL, NULL);
}

/* Somebody's list at our key: it stays as it is, and is named; others are served. */
static void squatter(void **state)
{
    (void)state;
    server_do(&server, "LPUSH squat a b c");
    open_watched();
    assert_int_equal(rig_incr(&rig, "squat"), UV_EINVAL);
    assert_non_null(strstr(breaker_redis_reason(rig.storage), "WRONGTYPE"));
    assert_non_null(strstr(breaker_redis_reason(rig.storage), "squat"));
    struct op *op = op_new(&rig);
    op_get(op, "squat");
    op_submit(op);
    assert_int_equal(op_wait(op), UV_EINVAL);
    op_free(op);
    assert_int_equal(rig_incr(&rig, "n"), 0);
    assert_int_equal(server_number(&server, "LLEN squat"), 3);
    assert_int_equal(rig.lost, 0);
    RIG_UNTIL(&rig, witness.ended > 0);
    assert_int_equal(witness.lost, 0);
}

/* ---- Somebody's lists at a circuit's own keys: its calls go on, nothing is done to the lists, and when
 * they are gone the circuit is shared again. */

#define RECORD "{circuit}:1:r"

static void squat(const char *key)
{
    server_do(&server, "EVAL %s 1 %s",
              "redis.call('DEL', KEYS[1]) redis.call('RPUSH', KEYS[1], 'a', 'b', 'c')", key);
}

static void assert_untouched(const char *key)
{
    redisReply *reply = server_ask(&server, "LRANGE %s 0 -1", key);
    assert_int_equal(reply->elements, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(reply->element[i]->str[0], 'a' + (int)i);
    freeReplyObject(reply);
    assert_int_equal(server_number(&server, "PTTL %s", key), -1);
}

static void squatter_on_the_record(void **state)
{
    (void)state;
    squat(RECORD);
    open_watched();
    RIG_UNTIL(&rig, witness.lost > 0);
    rig_run_for(&rig, 300);
    witness_is_content(&witness);
    assert_untouched(RECORD);
    assert_int_equal(rig_incr(&rig, "n"), 0);
    assert_int_equal(rig.lost, 0); /* which is the circuit's trouble, not the storage's */
    server_do(&server, "DEL " RECORD);
    witness_is_served(&witness, &server, uv_hrtime(), WITNESS_PAUSE);
}

/* The circuit breaks by an order, and by itself, and is not written over the list. */
static void squatter_is_not_written_over(void **state)
{
    (void)state;
    open_watched();
    RIG_UNTIL(&rig, witness.ended > 0 && server_number(&server, "DBSIZE") > 1);
    witness_is_content(&witness);
    assert_int_equal(server_number(&server, "EXISTS " RECORD), 0);
    squat(RECORD);
    witness_trip(&witness); /* while it knows nothing of the list */
    assert_untouched(RECORD);
    assert_int_equal(witness_state(&witness), BREAKER_BROKEN);
    witness_reset(&witness);
    assert_untouched(RECORD);
    assert_int_equal(witness_state(&witness), BREAKER_PASSING);
    witness.fails = true;
    RIG_UNTIL(&rig, witness_state(&witness) == BREAKER_BROKEN);
    assert_untouched(RECORD);
    witness.fails = false;
    server_do(&server, "DEL " RECORD);
    rig_run_for(&rig, 5000); /* BROKEN, before RECOVERING begins */
    RIG_UNTIL(&rig, witness_state(&witness) == BREAKER_PASSING);
    witness_is_served(&witness, &server, uv_hrtime(), WITNESS_PAUSE);
    witness.refused = 0; /* by right, while it was BROKEN */
}

/* On the counters that it has now and will have next. */
enum { AHEAD = 8 };

static void name_counters(char (*keys)[128])
{
    redisReply *found;
    do {
        uv_run(&rig.loop, UV_RUN_ONCE);
        found = server_ask(&server, "KEYS {circuit}:1:c:*");
        if (found->elements)
            snprintf(keys[0], sizeof keys[0], "%s", found->element[found->elements - 1]->str);
        freeReplyObject(found);
    } while (!keys[0][0]);
    char *bucket = strrchr(keys[0], ':') + 1;
    long long number = atoll(bucket);
    for (int i = AHEAD - 1; i >= 0; i--)
        snprintf(keys[i], sizeof keys[i], "%.*s%lld", (int)(bucket - keys[0]), keys[0], number + i);
}

static void squatter_on_the_counters(void **state)
{
    char keys[AHEAD][128] = {""};
    (void)state;
    open_watched();
    name_counters(keys);
    for (int i = 0; i < AHEAD; i++)
        squat(keys[i]);
    RIG_UNTIL(&rig, witness.lost > 0);
    rig_run_for(&rig, 300);
    witness_is_content(&witness);
    assert_int_equal(rig.lost, 0);
    for (int i = 0; i < AHEAD; i++)
        assert_untouched(keys[i]);
    for (int i = 0; i < AHEAD; i++)
        server_do(&server, "DEL %s", keys[i]);
    witness_is_served(&witness, &server, uv_hrtime(), WITNESS_PAUSE);
}

/* Values that none of us wrote: told apart, never trusted, never copied beyond the room there
 * is. */
static void strange_values(void **state)
{
    static const char *const strange[] = {
        "nan", "1e3", " 1", "0x10", "99999999999999999999", "", "9223372036854775807"};
    (void)state;
    rig_open(&rig);
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        server_do(&server, "SET n %s", strange[i]);
        assert_int_equal(rig_incr(&rig, "n"), UV_EINVAL);
        assert_int_equal(rig_get(&rig, "n"), 0);
    }
    server_do(&server, "SETRANGE n 5000000 x"); /* five megabytes stay where they are */
    assert_int_equal(rig_get(&rig, "n"), UV_EMSGSIZE);
    assert_int_equal(rig.lost, 0);
}

static void guard_on_a_long_value(void **state)
{
    (void)state;
    rig_open(&rig);
    server_do(&server, "SETRANGE n 100000 x");
    struct op *op = op_new(&rig);
    op->transaction.guard = BREAKER_GUARD_ABSENT;
    op->transaction.guard_key = "n";
    op->transaction.guard_key_length = 1;
    op->transaction.standing = op->value;
    op->transaction.standing_length = sizeof op->value;
    op_submit(op);
    assert_int_equal(op_wait(op), BREAKER_EGUARD);
    assert_int_equal(op->transaction.standing_length, UINT16_MAX);
    assert_int_equal(op->transaction.standing_found, 1);
    op_free(op);
}

#define IN_RIG(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_RIG(squatter),
        IN_RIG(squatter_on_the_record),
        IN_RIG(squatter_is_not_written_over),
        IN_RIG(squatter_on_the_counters),
        IN_RIG(strange_values),
        IN_RIG(guard_on_a_long_value),
    };
    return cmocka_run_group_tests_name("redis: keys", tests, NULL, NULL);
}
