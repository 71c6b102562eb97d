/* Guarded commands to real servers in every kind of trouble that can be had for the asking. */
#include "redis_client.h"
#include <stdio.h>
#include <string.h>

static void trouble_is_a_failure_and_then_a_refusal(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");

    connect_to(f, &server);
    server_do(&server, "CONFIG SET maxmemory 1");
    in_flight_of = redis;
    for (unsigned i = 0; i < 4; i++) {
        COMMAND(redis, "set", "SET a 1");
        wait_for(f, 1);
    }
    in_flight_of = NULL;
    server_do(&server, "CONFIG SET maxmemory 0");
    expect(f, "set:OOM set:OOM set:OOM set:REJECTED!");
    assert_int_equal(look(redis).state, BREAKER_BROKEN);
    disconnect(f);
}

static void a_replica(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");
    char port[16];

    connect_to(f, &server);
    snprintf(port, sizeof port, "%d", server_free_port());
    server_do(&server, "REPLICAOF 127.0.0.1 %s", port);
    COMMAND(redis, "write", "SET a 1");
    wait_for(f, 1);
    server_do(&server, "CONFIG SET replica-serve-stale-data no");
    COMMAND(redis, "read", "GET a");
    wait_for(f, 1);
    server_do(&server, "CONFIG SET replica-serve-stale-data yes");
    server_do(&server, "REPLICAOF NO ONE");
    expect(f, "write:READONLY read:MASTERDOWN");
    assert_int_equal(look(redis).totals.failed, 2);
    disconnect(f);
}

/* A connection of its own for what takes the server's time; nobody waits for its answer. */
static redisContext *begin_elsewhere(const char *format, const char *argument)
{
    redisContext *other = redisConnectUnix(server.path);
    int is_done = 0;

    assert_non_null(other);
    assert_int_equal(other->err, 0);
    assert_int_equal(redisAppendCommand(other, format, argument), REDIS_OK);
    while (!is_done)
        assert_int_equal(redisBufferWrite(other, &is_done), REDIS_OK);
    return other;
}

static void wait_elsewhere(redisContext *other)
{
    void *reply = NULL;

    assert_int_equal(redisGetReply(other, &reply), REDIS_OK);
    freeReplyObject(reply);
    redisFree(other);
}

/* Asks until the server is in trouble; then it is a failure, and the trouble is the first word. */
static void ask_until(struct fixture *f, breaker_t *redis, const char *wanted)
{
    for (unsigned i = 0; look(redis).totals.failed == 0; i++) {
        assert_in_range(i, 0, 100000);
        forget(f);
        COMMAND(redis, "get", "GET a");
        wait_for(f, 1);
    }
    expect(f, wanted);
}

static void a_script_that_does_not_end(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");
    redisContext *other;

    connect_to(f, &server);
    server_do(&server, "CONFIG SET busy-reply-threshold 1");
    other = begin_elsewhere("EVAL %s 0", "while true do end");
    ask_until(f, redis, "get:BUSY");
    server_do(&server, "SCRIPT KILL");
    wait_elsewhere(other);
    server_do(&server, "CONFIG SET busy-reply-threshold 5000");
    COMMAND(redis, "get", "PING");
    wait_for(f, 1);
    expect(f, "get:PONG");
    disconnect(f);
}

static void a_server_that_loads(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");
    redisContext *other;

    connect_to(f, &server);
    server_do(&server, "FLUSHALL");
    server_do(&server, "DEBUG POPULATE 300 key 1000");
    server_do(&server, "CONFIG SET key-load-delay 2000");
    server_do(&server, "CONFIG SET loading-process-events-interval-bytes 1024");
    other = begin_elsewhere("DEBUG %s", "RELOAD");
    ask_until(f, redis, "get:LOADING");
    redisFree(other);
    disconnect(f);
    server_kill(&server); /* else the next test waits for it */
    server_restart(&server);
}

/* Nobody has the slot of any key. */
static void a_cluster_without_slots(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");
    struct server cluster = {.extra = {"--cluster-enabled", "yes", "--cluster-port", NULL}};
    char port[16];

    snprintf(port, sizeof port, "%d", server_free_port());
    cluster.extra[3] = port;
    server_start(&cluster, true);
    connect_to(f, &cluster);
    for (unsigned i = 0; i < 4; i++) {
        COMMAND(redis, "get", "GET a");
        wait_for(f, 1);
    }
    expect(f, "get:CLUSTERDOWN get:CLUSTERDOWN get:CLUSTERDOWN get:REJECTED!");
    disconnect(f);
    server_end(&cluster);
}

/* What would take whole clusters and broken disks a script says as well. */
static void whatever_a_script_says(void **state)
{
    static const char *const troubles[] = {
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "IOERR error or timeout writing to target instance",
        "NOREPLICAS Not enough good replicas to write.",
        "MISCONF Redis is configured to save RDB snapshots",
        "UNKILLABLE Sorry the script already executed write commands",
        "ERR max number of clients reached",
    };
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");

    connect_to(f, &server);
    for (unsigned i = 0; i < sizeof troubles / sizeof *troubles; i++) {
        COMMAND(redis, "say", "EVAL %s 0 %s", "return redis.error_reply(ARGV[1])", troubles[i]);
        wait_for(f, 1);
        assert_int_equal(look(redis).totals.failed, i + 1);
        API(breaker_reset(redis, NULL, NULL));
    }
    COMMAND(redis, "say", "EVAL %s 0", "return redis.error_reply('ERR max number of apples')");
    COMMAND(redis, "say", "EVAL %s 0", "return redis.error_reply('TRYAGAINS no')");
    wait_for(f, 2);
    assert_int_equal(look(redis).totals.ok, 2);
    disconnect(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(trouble_is_a_failure_and_then_a_refusal),
        REAL_TEST(a_replica),
        REAL_TEST(a_script_that_does_not_end),
        REAL_TEST(a_server_that_loads),
        REAL_TEST(a_cluster_without_slots),
        REAL_TEST(whatever_a_script_says),
    };

    return cmocka_run_group_tests(tests, redis_begin, redis_end);
}
