/* Guarded commands of hiredis, to a real server in every kind of trouble that can be had for the
 * asking. */
#include <breaker/redis_guard.h>
#include <fixture.h>
#include <hiredis/adapters/libuv.h>
#include <hiredis/async.h>
#include <server.h>
#include <signal.h>
#include <string.h>

static struct server server;
static struct fixture *now;
static breaker_redis_link_t connection;
static unsigned answers;
static breaker_t *last_breaker;

static void disconnected(const redisAsyncContext *context, int status)
{
    (void)status;
    if (connection.context == context)
        connection.context = NULL;
}

static void connect_to(struct fixture *f)
{
    redisAsyncContext *context = redisAsyncConnectUnix(server.path);

    now = f;
    answers = 0;
    assert_non_null(context);
    assert_int_equal(context->err, 0);
    assert_int_equal(redisLibuvAttach(context, &f->loop), REDIS_OK);
    redisAsyncSetDisconnectCallback(context, disconnected);
    memset(&connection, 0, sizeof connection);
    connection.context = context;
}

static void disconnect(struct fixture *f)
{
    if (connection.context != NULL)
        redisAsyncFree(connection.context);
    connection.context = NULL;
    run_out(f);
}

static void answered(redisAsyncContext *c, void *answer, void *data)
{
    redisReply *reply = answer;
    int status = breaker_redis_status(reply);

    not_inside();
    assert_ptr_equal(c == NULL ? NULL : c, c);
    answers++;
    if (status == UV_ENOTCONN)
        record(now, "%s:lost", (char *)data);
    else if (status != 0)
        record(now, "%s:%.*s!", (char *)data, (int)strcspn(reply->str, " "), reply->str);
    else if (reply->type == REDIS_REPLY_INTEGER)
        record(now, "%s:%lld", (char *)data, reply->integer);
    else
        record(now, "%s:%.*s", (char *)data, (int)strcspn(reply->str, " "), reply->str);
    if (last_breaker != NULL) /* the circuit knows before fn does */
        assert_int_equal(look(last_breaker).in_flight, 0);
}

#define COMMAND(breaker, name, ...)                                                                \
    assert_int_equal(                                                                              \
        API(breaker_redis_command((breaker), &connection, answered, (void *)(name), __VA_ARGS__)), \
        0)

static void wait_for(struct fixture *f, unsigned count)
{
    while (answers < count)
        uv_run(&f->loop, UV_RUN_ONCE);
    answers = 0;
    settle_down(f);
}

static void answers_come_in_order(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");
    const char *words[] = {"SET", "b", "x\0y"};
    const size_t lengths[] = {3, 1, 3};

    connect_to(f);
    COMMAND(redis, "a", "SET a %d", 5);
    assert_int_equal(API(breaker_redis_command_argv(redis, &connection, answered, (void *)"b", 3,
                                                    words, lengths)),
                     0);
    COMMAND(redis, "c", "INCR a");
    COMMAND(redis, "d", "STRLEN b");
    assert_int_equal(API(breaker_redis_command(redis, &connection, NULL, NULL, "DEL b")), 0);
    wait_for(f, 4);
    COMMAND(redis, "e", "EXISTS b");
    wait_for(f, 1);
    expect(f, "a:OK b:OK c:6 d:3 e:0");
    assert_int_equal(look(redis).totals.ok, 6);
    disconnect(f);
}

static void business_errors_are_successes(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");

    connect_to(f);
    server_do(&server, "SET word text");
    for (unsigned i = 0; i < 2; i++) {
        COMMAND(redis, "list", "LPUSH word 1");
        COMMAND(redis, "number", "INCR word");
        COMMAND(redis, "none", "NOSUCHCOMMAND");
    }
    wait_for(f, 6);
    expect(f, "list:WRONGTYPE number:ERR none:ERR list:WRONGTYPE number:ERR none:ERR");
    assert_int_equal(look(redis).totals.ok, 6);
    disconnect(f);
}

static void trouble_is_a_failure_and_then_a_refusal(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");

    connect_to(f);
    server_do(&server, "CONFIG SET maxmemory 1");
    last_breaker = redis;
    for (unsigned i = 0; i < 4; i++) {
        COMMAND(redis, "set", "SET a 1");
        wait_for(f, 1);
    }
    last_breaker = NULL;
    server_do(&server, "CONFIG SET maxmemory 0");
    expect(f, "set:OOM set:OOM set:OOM set:REJECTED!");
    assert_int_equal(look(redis).state, BREAKER_BROKEN);
    disconnect(f);
}

static void a_replica_and_a_busy_server(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");
    char port[16];

    connect_to(f);
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

static void a_table_of_ones_own(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");
    static const char *const mine[] = {"WRONGTYPE", "ERR value is not", "BUSY", NULL};

    connect_to(f);
    connection.troubles = mine;
    server_do(&server, "SET word text");
    COMMAND(redis, "list", "LPUSH word 1");
    COMMAND(redis, "number", "INCR word");
    wait_for(f, 2);
    assert_int_equal(look(redis).totals.failed, 2);
    COMMAND(redis, "none", "NOSUCHCOMMAND");
    server_do(&server, "XGROUP CREATE stream group $ MKSTREAM");
    COMMAND(redis, "group", "XGROUP CREATE stream group $"); /* BUSYGROUP is not BUSY */
    wait_for(f, 2);
    assert_int_equal(look(redis).totals.failed, 2);
    expect(f, "list:WRONGTYPE number:ERR none:ERR group:BUSYGROUP");
    disconnect(f);
}

static void a_lost_connection(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");

    connect_to(f);
    COMMAND(redis, "ping", "PING");
    wait_for(f, 1);
    COMMAND(redis, "one", "BLPOP nothing 0");
    COMMAND(redis, "two", "BLPOP nothing 0");
    settle_down(f);
    server_do(&server, "CLIENT KILL TYPE normal SKIPME yes");
    wait_for(f, 2);
    assert_null(connection.context);
    COMMAND(redis, "three", "PING"); /* nothing to send it on: a failure too */
    wait_for(f, 1);
    COMMAND(redis, "four", "PING");
    wait_for(f, 1);
    expect(f, "ping:PONG one:lost two:lost three:lost four:REJECTED!");
    assert_int_equal(look(redis).totals.failed, 3);
    disconnect(f);
}

static void freed_by_the_program(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");

    connect_to(f);
    COMMAND(redis, "sent", "BLPOP nothing 0");
    settle_down(f);
    COMMAND(redis, "waiting", "PING");
    redisAsyncFree(connection.context);
    wait_for(f, 2);
    expect(f, "sent:lost waiting:lost");
    disconnect(f);
}

static void a_server_that_hangs(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");

    connect_to(f);
    COMMAND(redis, "ping", "PING");
    wait_for(f, 1);
    connection.timeout = 30;
    server_signal(&server, SIGSTOP);
    COMMAND(redis, "slow", "GET a");
    wait_for(f, 1);
    server_signal(&server, SIGCONT);
    connection.timeout = 0;
    COMMAND(redis, "next", "PING"); /* after the late reply, which nobody sees */
    wait_for(f, 1);
    expect(f, "ping:PONG slow:TIMEDOUT! next:PONG");
    assert_int_equal(look(redis).totals.timed_out, 1);
    assert_int_equal(look(redis).totals.late, 1);
    disconnect(f);
}

static void the_breaker_goes_away(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");

    connect_to(f);
    COMMAND(redis, "sent", "BLPOP nothing 0");
    settle_down(f);
    COMMAND(redis, "waiting", "PING");
    API_VOID(breaker_destroy(redis));
    wait_for(f, 2);
    assert_int_equal(f->used > 0, 1);
    f->used = 0;
    disconnect(f);
    assert_int_equal(answers, 0); /* each once */
}

static void misuse(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");
    const char *words[] = {"PING"};

    connect_to(f);
#define REFUSED(status, ...) assert_int_equal(API(breaker_redis_command(__VA_ARGS__)), (status))
    REFUSED(UV_EINVAL, NULL, &connection, answered, NULL, "PING");
    REFUSED(UV_EINVAL, redis, NULL, answered, NULL, "PING");
    REFUSED(UV_EINVAL, redis, &connection, answered, NULL, NULL);
    REFUSED(UV_EINVAL, redis, &connection, answered, NULL, "GET %y");
    REFUSED(UV_ENOTSUP, redis, &connection, answered, NULL, "SUBSCRIBE channel");
    REFUSED(UV_ENOTSUP, redis, &connection, answered, NULL, "pUnsubscribe");
    REFUSED(UV_ENOTSUP, redis, &connection, answered, NULL, "MONITOR");
    assert_int_equal(
        API(breaker_redis_command_argv(redis, &connection, answered, NULL, 0, words, NULL)),
        UV_EINVAL);
    assert_int_equal(
        API(breaker_redis_command_argv(redis, &connection, answered, NULL, 1, NULL, NULL)),
        UV_EINVAL);
    assert_string_equal(breaker_redis_troubles()[0], "BUSY");
    run_out(f);
    assert_int_equal(answers, 0);
    disconnect(f);
}

static int begin(void **state)
{
    (void)state;
    server_start(&server, false);
    return 0;
}

static int end(void **state)
{
    (void)state;
    server_end(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(answers_come_in_order),
        REAL_TEST(business_errors_are_successes),
        REAL_TEST(trouble_is_a_failure_and_then_a_refusal),
        REAL_TEST(a_replica_and_a_busy_server),
        REAL_TEST(a_table_of_ones_own),
        REAL_TEST(a_lost_connection),
        REAL_TEST(freed_by_the_program),
        REAL_TEST(a_server_that_hangs),
        REAL_TEST(the_breaker_goes_away),
        REAL_TEST(misuse),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
