/* How the connection of these tests comes and goes, and what is recorded of its answers. */
#include "redis_client.h"
#include <hiredis/adapters/libuv.h>
#include <string.h>

struct server server;
breaker_redis_link_t connection;
breaker_t *in_flight_of;

static struct fixture *now;
static unsigned answers;

static void disconnected(const redisAsyncContext *context, int status)
{
    (void)status;
    if (connection.context == context)
        connection.context = NULL;
}

void redis_take(struct fixture *f, redisAsyncContext *context)
{
    now = f;
    answers = 0;
    assert_non_null(context);
    if (context->err == 0)
        assert_int_equal(redisLibuvAttach(context, &f->loop), REDIS_OK);
    redisAsyncSetDisconnectCallback(context, disconnected);
    memset(&connection, 0, sizeof connection);
    connection.context = context;
}

void connect_to(struct fixture *f, const struct server *to)
{
    redis_take(f, redisAsyncConnectUnix(to->path));
    assert_int_equal(connection.context->err, 0);
}

void disconnect(struct fixture *f)
{
    if (connection.context != NULL)
        redisAsyncFree(connection.context);
    connection.context = NULL;
    run_out(f);
}

void answered(redisAsyncContext *c, void *answer, void *data)
{
    redisReply *reply = answer;
    int status = breaker_redis_status(reply);

    not_inside();
    assert_ptr_equal(c, connection.context);
    answers++;
    if (status == UV_ENOTCONN)
        record(now, "%s:lost", (char *)data);
    else if (status != 0)
        record(now, "%s:%.*s!", (char *)data, (int)strcspn(reply->str, " "), reply->str);
    else if (reply->type == REDIS_REPLY_INTEGER)
        record(now, "%s:%lld", (char *)data, reply->integer);
    else if (reply->type == REDIS_REPLY_NIL)
        record(now, "%s:nil", (char *)data);
    else
        record(now, "%s:%.*s", (char *)data, (int)strcspn(reply->str, " "), reply->str);
    if (in_flight_of != NULL) /* the circuit knows before fn does */
        assert_int_equal(look(in_flight_of).in_flight, 0);
}

void wait_for(struct fixture *f, unsigned count)
{
    while (answers < count)
        uv_run(&f->loop, UV_RUN_ONCE);
    answers = 0;
    settle_down(f);
}

int redis_begin(void **state)
{
    (void)state;
    server_start(&server, false);
    return 0;
}

int redis_end(void **state)
{
    (void)state;
    server_end(&server);
    return 0;
}
