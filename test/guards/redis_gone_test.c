/* Guarded commands that Redis never answers: nobody listens, nobody accepts, nobody is awake. Each
 * fn is called once all the same, the panel's end waits for none of them, and the blocks are freed
 * with the context, however late that is. */
#include "peer.h"
#include "redis_client.h"
#include <mallocs.h>
#include <stdlib.h>

/* ---- The library's blocks, counted -------------------------------------------------------------*/

static unsigned asked;
static int live;

static void *allocate(size_t size)
{
    void *block = malloc(size);

    asked++;
    live += block != NULL;
    return block;
}

static void *reallocate(void *old, size_t size)
{
    asked++;
    live += old == NULL;
    return realloc(old, size);
}

static void release(void *block)
{
    live -= block != NULL;
    free(block);
}

/* ---- Connections that come to nothing ----------------------------------------------------------*/

static struct fixture *now;

static void told_to_connect(const redisAsyncContext *context, int status)
{
    assert_ptr_equal(context, connection.context);
    record(now, status == REDIS_OK ? "connected" : "not-connected");
    if (status != REDIS_OK)
        connection.context = NULL;
}

static void dial(struct fixture *f, const struct sockaddr_in *address)
{
    redisAsyncContext *context = redisAsyncConnect("127.0.0.1", ntohs(address->sin_port));

    redis_take(f, context);
    assert_int_equal(context->err, 0);
    now = f;
    redisAsyncSetConnectCallback(context, told_to_connect);
}

/* hiredis' adapter says nothing of it: the guard finds out, at the latest by the timeout. */
static void a_connect_that_is_refused(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");
    struct sockaddr_in nowhere = peer_nowhere();

    dial(f, &nowhere);
    connection.timeout = 2000;
    for (unsigned i = 0; i < 3; i++)
        COMMAND(redis, "ping", "PING");
    wait_for(f, 3);
    assert_null(connection.context);
    expect(f, "not-connected ping:lost ping:lost ping:lost");
    assert_int_equal(look(redis).totals.failed, 3);
    assert_int_equal(look(redis).totals.timed_out, 0);
    COMMAND(redis, "ping", "PING");
    wait_for(f, 1);
    expect(f, "ping:REJECTED!");
    disconnect(f);
}

/* The refusal comes when the command is under way: a SYN is lost here, by a crowd that leaves. */
static void a_connect_that_is_refused_later(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");
    struct crowd crowd;

    crowd_gather(&crowd);
    dial(f, &crowd.address);
    connection.timeout = 3000; /* the SYN is sent anew after one */
    COMMAND(redis, "one", "PING");
    settle_down(f);
    crowd_leave(&crowd);
    wait_for(f, 1);
    assert_null(connection.context);
#if HIREDIS_MAJOR < 1
    expect(f, "not-connected one:TIMEDOUT!");
#else /* its adapter tells */
    expect(f, "not-connected one:lost");
#endif
    disconnect(f);
}

static void a_connect_that_is_not_answered(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");
    struct crowd crowd;

    crowd_gather(&crowd);
    dial(f, &crowd.address);
    connection.timeout = 30;
    COMMAND(redis, "one", "PING");
    wait_for(f, 1);
    assert_non_null(connection.context);
    expect(f, "one:TIMEDOUT!");
    connection.timeout = 0;
    COMMAND(redis, "two", "PING");
    settle_down(f);
    fixture_destroy_panel(f);
    fixture_wait_destroyed(f); /* and not for Redis */
    expect(f, "two:CANCELLED! destroyed");
    disconnect(f);
    forget(f); /* some versions tell the connect callback */
    crowd_leave(&crowd);
}

static void no_such_socket(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");

    redis_take(f, redisAsyncConnectUnix("/nonexistent/socket"));
    assert_int_not_equal(connection.context->err, 0);
    connection.timeout = 2000;
    for (unsigned i = 0; i < 4; i++) {
        COMMAND(redis, "ping", "PING");
        wait_for(f, 1);
    }
    expect(f, "ping:lost ping:lost ping:lost ping:REJECTED!");
    disconnect(f);
}

/* ---- Panels that go first ----------------------------------------------------------------------*/

static void the_panel_goes_first(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");

    connect_to(f, &server);
    COMMAND(redis, "sent", "BLPOP nothing 0");
    assert_int_equal(API(breaker_redis_command(redis, &connection, NULL, NULL, "GET a")), 0);
    settle_down(f);
    fixture_destroy_panel(f);
    fixture_wait_destroyed(f);
    expect(f, "sent:CANCELLED! destroyed");
    assert_int_equal(live, 2); /* the panel's are gone, these are hiredis' still */
    server_do(&server, "RPUSH nothing 1");
    while (live > 0) /* answered, dropped and freed, with no panel */
        uv_run(&f->loop, UV_RUN_ONCE);
    disconnect(f);
    expect(f, "");
}

static void the_context_goes_last(void **state)
{
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");

    connect_to(f, &server);
    COMMAND(redis, "sent", "BLPOP nothing 0");
    settle_down(f);
    fixture_destroy_panel(f);
    fixture_wait_destroyed(f);
    expect(f, "sent:CANCELLED! destroyed");
    assert_int_equal(live, 1);
    disconnect(f);
    assert_int_equal(live, 0);
    expect(f, "");
}

/* ---- What a command allocates ------------------------------------------------------------------*/

enum { PINGS = 10 };
static unsigned bare_answers;

static void bare_answer(redisAsyncContext *context, void *reply, void *data)
{
    (void)context, (void)reply, (void)data;
    bare_answers++;
}

/* By hiredis alone. */
static uint64_t bare_mallocs(struct fixture *f)
{
    uint64_t from = mallocs_counted();

    bare_answers = 0;
    for (unsigned i = 0; i < PINGS; i++) {
        redisAsyncCommand(connection.context, bare_answer, NULL, "PING");
        while (bare_answers <= i)
            uv_run(&f->loop, UV_RUN_ONCE);
    }
    return mallocs_counted() - from;
}

static uint64_t guarded_mallocs(struct fixture *f, breaker_t *redis)
{
    uint64_t from = mallocs_counted();

    for (unsigned i = 0; i < PINGS; i++) {
        COMMAND(redis, "ping", "PING");
        wait_for(f, 1);
    }
    return mallocs_counted() - from;
}

/* As the header says, and not more by another way than the library's allocator. */
static void one_block_each(void **state)
{
    uint64_t bare, guarded;
    struct fixture *f = *state;
    breaker_t *redis = quick_breaker(f, "redis");
    int before;

    connect_to(f, &server);
    COMMAND(redis, "ping", "PING");
    wait_for(f, 1);
    bare_mallocs(f); /* warms up */
    before = live;
    asked = 0;
    bare = bare_mallocs(f);
    guarded = guarded_mallocs(f, redis);
    assert_int_equal(asked, PINGS);
    assert_int_equal(live, before);
    if (mallocs_are_counted()) /* hiredis' buffers may grow */
        assert_in_range(guarded, bare + PINGS, bare + PINGS + PINGS / 2);
    forget(f);
    disconnect(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(a_connect_that_is_refused),
        REAL_TEST(a_connect_that_is_refused_later),
        REAL_TEST(a_connect_that_is_not_answered),
        REAL_TEST(no_such_socket),
        REAL_TEST(the_panel_goes_first),
        REAL_TEST(the_context_goes_last),
        REAL_TEST(one_block_each),
    };

    if (breaker_replace_allocator(allocate, reallocate, release) != 0)
        return 1;
    return cmocka_run_group_tests(tests, redis_begin, redis_end) + (live != 0);
}
