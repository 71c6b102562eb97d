/* A server, and a connection to it on the loop of a test, whose guarded commands are recorded. */
#ifndef REDIS_CLIENT_H
#define REDIS_CLIENT_H

#include <breaker/redis_guard.h>
#include <fixture.h>
#include <hiredis/async.h>
#include <server.h>

extern struct server server;
extern breaker_redis_link_t connection;
extern breaker_t *in_flight_of; /* if it is set, none of its calls is in flight when fn comes */

void redis_take(struct fixture *f, redisAsyncContext *context); /* it is the connection */
void connect_to(struct fixture *f, const struct server *to);
void disconnect(struct fixture *f);

/* fn: records data, and the reply's first word or number; with "!" if it is the guard's own. */
void answered(redisAsyncContext *c, void *reply, void *data);
void wait_for(struct fixture *f, unsigned count); /* so many more answers */

#define COMMAND(breaker, name, ...)                                                                \
    assert_int_equal(                                                                              \
        API(breaker_redis_command((breaker), &connection, answered, (void *)(name), __VA_ARGS__)), \
        0)

int redis_begin(void **state); /* of a group of tests */
int redis_end(void **state);

#endif /* REDIS_CLIENT_H */
