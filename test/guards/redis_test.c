/* Guarded commands of hiredis: their order, what counts, how connections are lost, and misuse. */
#include "redis_client.h"
#include <signal.h>
#include <string.h>

static void answers_come_in_order(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");
    const char *words[] = {"SET", "b", "x\0y"};
    const size_t lengths[] = {3, 1, 3};

    connect_to(f, &server);
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

    connect_to(f, &server);
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

static void a_table_of_ones_own(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");
    static const char *const mine[] = {"WRONGTYPE", "ERR value is not", "BUSY", NULL};

    connect_to(f, &server);
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

    connect_to(f, &server);
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

    connect_to(f, &server);
    COMMAND(redis, "sent", "BLPOP nothing 0");
    settle_down(f);
    COMMAND(redis, "waiting", "PING");
    API_VOID(redisAsyncFree(connection.context)); /* which tells hiredis' own callbacks inside */
    wait_for(f, 2);
    expect(f, "sent:lost waiting:lost");
    disconnect(f);
}

static void a_server_that_hangs(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");

    connect_to(f, &server);
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
    assert_int_equal(look(redis).totals.late, 0); /* it was given up */
    disconnect(f);
}

static void the_breaker_goes_away(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");

    connect_to(f, &server);
    COMMAND(redis, "sent", "BLPOP nothing 0");
    settle_down(f);
    COMMAND(redis, "waiting", "PING");
    API_VOID(breaker_destroy(redis));
    wait_for(f, 2);
    assert_int_equal(f->used > 0, 1);
    forget(f);
    disconnect(f);
    expect(f, ""); /* each once */
}

/* Where a context leaves replies to its callbacks, those that no callback gets are the guard's. */
static void replies_that_are_not_freed(void **state)
{
#ifdef REDIS_NO_AUTO_FREE_REPLIES
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");

    connect_to(f, &server);
    connection.context->c.flags |= REDIS_NO_AUTO_FREE_REPLIES;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(
            API(breaker_redis_command(redis, &connection, NULL, NULL, "ECHO %0200d", i)), 0);
    while (look(redis).totals.ok < 3)
        uv_run(&f->loop, UV_RUN_ONCE);
    disconnect(f);
#else
    (void)state;
    skip(); /* hiredis frees them all */
#endif
}

static void misuse(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");
    const char *words[] = {"PING"};

    connect_to(f, &server);
#define REFUSED(status, ...) assert_int_equal(API(breaker_redis_command(__VA_ARGS__)), (status))
    REFUSED(UV_EINVAL, NULL, &connection, answered, NULL, "PING");
    REFUSED(UV_EINVAL, redis, NULL, answered, NULL, "PING");
    REFUSED(UV_EINVAL, redis, &connection, answered, NULL, NULL);
    REFUSED(UV_EINVAL, redis, &connection, answered, NULL, "GET %y");
    REFUSED(UV_EINVAL, redis, &connection, answered, NULL, "");
    REFUSED(UV_EINVAL, redis, &connection, answered, NULL, "   ");
    REFUSED(UV_ENOTSUP, redis, &connection, answered, NULL, "SUBSCRIBE channel");
    REFUSED(UV_ENOTSUP, redis, &connection, answered, NULL, "sync");
    REFUSED(UV_ENOTSUP, redis, &connection, answered, NULL, "PSYNC ? -1");
    REFUSED(UV_ENOTSUP, redis, &connection, answered, NULL, "CLIENT reply OFF");
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
    expect(f, "");
    COMMAND(redis, "nothing", "%s", "");
    COMMAND(redis, "client", "CLIENT ID extra");
    COMMAND(redis, "sync", "SYNCHRO");
    wait_for(f, 3);
    expect(f, "nothing:ERR client:ERR sync:ERR");
    disconnect(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(answers_come_in_order),
        REAL_TEST(business_errors_are_successes),
        REAL_TEST(a_table_of_ones_own),
        REAL_TEST(a_lost_connection),
        REAL_TEST(freed_by_the_program),
        REAL_TEST(a_server_that_hangs),
        REAL_TEST(the_breaker_goes_away),
        REAL_TEST(replies_that_are_not_freed),
        REAL_TEST(misuse),
    };

    return cmocka_run_group_tests(tests, redis_begin, redis_end);
}
