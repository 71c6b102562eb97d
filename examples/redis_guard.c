/* A program's own Redis traffic, guarded by <breaker/redis_guard.h>: hiredis as it is used with
 * libuv, with a breaker in front of each command. A wrong type is the program's affair; a server
 * that takes no writes is a failure, and after three of them the circuit answers in its place.
 *
 *     redis_guard SOCKET      of a Redis that may be played with: it is told to have no memory
 */
#include <breaker.h>
#include <breaker/redis_guard.h>
#include <hiredis/adapters/libuv.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

static uv_loop_t *loop;
static breaker_panel_t *panel;
static breaker_t *redis;
static breaker_redis_link_t connection;
static unsigned as_expected;

/* ---- The connection: hiredis frees a context by itself, so the link must know -----------------*/

static void connected(const redisAsyncContext *context, int status)
{
    (void)context;
    if (status != REDIS_OK)
        connection.context = NULL;
}

static void disconnected(const redisAsyncContext *context, int status)
{
    (void)context;
    (void)status;
    connection.context = NULL;
}

static int connect_to(const char *path)
{
    redisAsyncContext *context = redisAsyncConnectUnix(path);

    if (context == NULL || context->err != 0 || redisLibuvAttach(context, loop) != REDIS_OK)
        return -1;
    redisAsyncSetConnectCallback(context, connected);
    redisAsyncSetDisconnectCallback(context, disconnected);
    connection.context = context;
    connection.timeout =
        5000; /* always: hiredis has none, and may never tell of a failed connect */
    return 0;
}

/* ---- The commands, one after the other --------------------------------------------------------*/

static const struct {
    const char *command, *answer; /* the first word of it */
} steps[] = {
    {"SET word text", "OK"},          {"GET word", "text"},          {"LPUSH word 1", "WRONGTYPE"},
    {"CONFIG SET maxmemory 1", "OK"}, {"SET word more", "OOM"},      {"SET word more", "OOM"},
    {"SET word more", "OOM"},         {"SET word more", "REJECTED"},
};
enum { STEPS = sizeof steps / sizeof *steps };

static void answered(struct redisAsyncContext *context, void *data, void *step);

static void ask(unsigned step)
{
    int status = breaker_redis_command(redis, &connection, answered, (void *)(uintptr_t)step,
                                       steps[step].command);

    if (status != 0)
        printf("%s: %s\n", steps[step].command, breaker_strerror(status));
}

/* A reply, an error reply, or NULL for a connection that is lost: also of the guard's own. */
static void answered(struct redisAsyncContext *context, void *data, void *which)
{
    unsigned step = (unsigned)(uintptr_t)which;
    const redisReply *reply = data;
    const char *text = reply == NULL || reply->str == NULL ? "nothing" : reply->str;

    (void)context;
    printf("%-24s %s%s\n", steps[step].command, text,
           breaker_redis_status(reply) == BREAKER_EREJECTED ? " (not asked)" : "");
    as_expected += strncmp(text, steps[step].answer, strlen(steps[step].answer)) == 0;
    if (reply != NULL && step + 1 < STEPS) {
        ask(step + 1);
        return;
    }
    if (connection.context != NULL)
        redisAsyncDisconnect(connection.context);
    breaker_panel_destroy(panel, NULL);
}

int main(int argc, char **argv)
{
    breaker_options_t options;
    breaker_policy_t *policy;

    if (argc != 2) {
        fprintf(stderr, "usage: redis_guard SOCKET\n");
        return 2;
    }
    loop = uv_default_loop();
    breaker_options_init(&options);
    options.consecutive_failures = 3;
    if (connect_to(argv[1]) != 0 || breaker_policy_create(&policy, &options, NULL) != 0 ||
        breaker_panel_create(&panel, loop, NULL) != 0 ||
        breaker_create(&redis, panel, "redis", policy) != 0)
        return 1;
    breaker_policy_destroy(policy);
    ask(0);
    uv_run(loop, UV_RUN_DEFAULT);
    return uv_loop_close(loop) != 0 || as_expected != STEPS;
}
