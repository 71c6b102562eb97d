/* What the requests breaker reads and writes: two logs of binary members, the second of the last trip,
 * and what it registers. aiomisc, which is local, writes nothing. */
#include "wire.h"
#include <stdlib.h>

#define S "svc-PercentCB"
#define REGISTERS S "-config#hash:5", "all_breakers#set:1"

static void make(const char *service)
{
    breaker_requests_t options;

    breaker_requests_init(&options);
    options.service = service;
    options.ttl = 60000;
    options.percent_failed = 12.5;
    options.re_enable_after_seconds = 30000;
    options.minimum_failures = 2;
    wire_make(&options.dialect);
}

static void has_field(const char *name, const char *text)
{
    redisReply *reply = server_ask(&wire.server, "HGET " S "-config %s", name);

    assert_string_equal(reply->str, text);
    freeReplyObject(reply);
}

static void creation_registers(void **state)
{
    (void)state;
    make("svc");
    HOLDS(REGISTERS);
    has_field("ttl", "60");
    has_field("percent_failed", "12.5");
    has_field("re_enable_after_seconds", "30");
    has_field("minimum_failures", "2");
    has_field("type", "PercentCB");
    assert_int_equal(server_number(&wire.server, "SISMEMBER all_breakers " S), 1);
    PEER("SADD all_breakers other-PercentCB");
    PEER("HSET " S "-config ttl 99 color red");
    make("svc"); /* anew: what it says of itself, it says again */
    HOLDS(S "-config#hash:6", "all_breakers#set:2");
    has_field("ttl", "60");
}

static void names_too_long_to_register(void **state)
{
    char service[BREAKER_VALUE_MAX]; /* and a tail */

    (void)state;
    memset(service, 's', sizeof service - 1);
    service[sizeof service - 1] = '\0';
    make(service);
    assert_int_equal(server_number(&wire.server, "EXISTS all_breakers"), 0);
    assert_int_equal(server_number(&wire.server, "DBSIZE"), 1); /* its parameters */
}

static void registers_of_another_type(void **state)
{
    (void)state;
    PEER("SET all_breakers squatter");
    PEER("SET " S "-config squatter");
    make("svc");
    HOLDS("all_breakers=squatter", S "-config=squatter");
    wire_ok();
    HOLDS("all_breakers=squatter", S "-config=squatter", S "=0", S "-count#zset:1");
}

/* 16 bytes, and the score as the original writes it. */
static void has_entry(const char *key, const char *score)
{
    redisReply *reply = server_ask(&wire.server, "ZRANGE %s -1 -1 WITHSCORES", key);

    assert_int_equal(reply->elements, 2);
    assert_int_equal(reply->element[0]->len, 16);
    assert_string_equal(reply->element[1]->str, score);
    freeReplyObject(reply);
}

static void success(void **state)
{
    (void)state;
    make("svc");
    assert_int_equal(wire_ok(), 200);
    HOLDS(REGISTERS, S "=0", S "-count#zset:1");
    has_entry(S "-count", "1700000000.75");
    assert_int_equal(wire_ok(), 200);
    HOLDS(REGISTERS, S "=0", S "-count#zset:2"); /* equal scores are two entries */
}

static void error_and_trip(void **state)
{
    (void)state;
    make("svc");
    assert_int_equal(wire_fail(), 503);
    HOLDS(REGISTERS, S "-count#zset:1", S "-error#zset:1");
    has_entry(S "-error", "1700000000.75");
    assert_int_equal(wire_fail(), 503);
    HOLDS(REGISTERS, S "=1700000000", S "-count#zset:2", S "-error#zset:2");
    assert_int_equal(wire_ok(), BREAKER_EREJECTED);
    HOLDS(REGISTERS, S "=1700000000", S "-count#zset:2", S "-error#zset:2");
    wire.wall += 31000;
    assert_int_equal(wire_ok(), 200);
    HOLDS(REGISTERS, S "=0", S "-count#zset:3", S "-error#zset:2");
}

/* The peers' members are 16 bytes too, of whatever value. */
static void log_of_peers(void **state)
{
    static const char member[16] = "\0\r\n\xff$5\0abcdefgh";
    const char *score = "1699999999.125";

    (void)state;
    make("svc");
    PEER("ZADD " S "-count %s %b", score, member, sizeof member);
    PEER("ZADD " S "-count 1699999940 %s", "at the edge: goes");
    PEER("ZADD " S "-count 1699999940.001 %s", "above: stays");
    PEER("ZADD " S "-count 1699999000 %s", "old: goes");
    PEER("ZADD " S "-error %s %b", score, member, sizeof member);
    assert_int_equal(wire_fail(), 503); /* two errors of three */
    HOLDS(REGISTERS, S "=1700000000", S "-count#zset:3", S "-error#zset:2");
}

static void trip_of_a_peer(void **state)
{
    (void)state;
    make("svc");
    PEER("SET " S " 1699999990");
    assert_int_equal(wire_ok(), BREAKER_EREJECTED);
    PEER("SET " S " 0"); /* its own copy goes on refusing */
    assert_int_equal(wire_ok(), BREAKER_EREJECTED);
    HOLDS(REGISTERS, S "=0");
}

static void success_erases_a_trip(void **state)
{
    struct wire_call call;

    (void)state;
    make("svc");
    assert_true(wire_begin(&call));
    PEER("SET " S " 1699999999");
    wire_finish(&call, 200, BREAKER_SUCCESS);
    HOLDS(REGISTERS, S "=0", S "-count#zset:1");
}

static void orders(void **state)
{
    (void)state;
    make("svc");
    wire_order(breaker_trip);
    HOLDS(REGISTERS, S "=1700000000");
    wire_order(breaker_reset);
    HOLDS(REGISTERS, S "=0");
}

static void aiomisc_is_local(void **state)
{
    breaker_aiomisc_t options;

    (void)state;
    breaker_aiomisc_init(&options);
    wire_make(&options.dialect);
    wire_ok();
    wire_fail();
    wire_order(breaker_trip);
    HOLDS_NOTHING;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, wire_fresh, wire_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(creation_registers),
        TEST(names_too_long_to_register),
        TEST(registers_of_another_type),
        TEST(success),
        TEST(error_and_trip),
        TEST(log_of_peers),
        TEST(trip_of_a_peer),
        TEST(success_erases_a_trip),
        TEST(orders),
        TEST(aiomisc_is_local),
    };
    return cmocka_run_group_tests(tests, wire_start, wire_end);
}
