/* Starts a redis-server in a directory of its own and ends it; reads its commandstats. */
#include "redis_server.h"
#include "bench.h"

#include <breaker/redis.h>
#include <hiredis.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[] = "/tmp/breaker-bench-redis-XXXXXX";
static char path[64];
static pid_t server;
static redisContext *watcher; /* a client of the bench's own */

static void run_server(void)
{
    if (freopen("/dev/null", "w", stdout) == NULL) {
        _exit(126);
    }
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path, "--save", "",
           "--appendonly", "no", "--dir", directory, (char *)NULL);
    _exit(127);
}

void redis_server_start(void)
{
    strcpy(directory + sizeof directory - 7, "XXXXXX");
    if (mkdtemp(directory) == NULL) {
        measure_fail("mkdtemp", UV_EIO);
    }
    snprintf(path, sizeof path, "%s/socket", directory);
    server = fork();
    if (server == 0) {
        run_server();
    }
    for (int i = 0; i < 200; i++) {
        watcher = redisConnectUnix(path);
        if (watcher != NULL && watcher->err == 0) {
            return;
        }
        redisFree(watcher);
        uv_sleep(50);
        if (waitpid(server, NULL, WNOHANG) == server) {
            break;
        }
    }
    measure_fail("redis-server did not start", UV_ENOENT);
}

void redis_server_stop(void)
{
    redisFree(watcher);
    kill(server, SIGTERM);
    waitpid(server, NULL, 0);
    unlink(path);
    rmdir(directory);
}

void redis_server_pause(void)
{
    kill(server, SIGSTOP);
}

void redis_server_go_on(void)
{
    kill(server, SIGCONT);
}

breaker_storage_t *redis_storage(uv_loop_t *loop, void *unused)
{
    breaker_redis_options_t options;
    breaker_storage_t *storage;

    (void)loop, (void)unused;
    breaker_redis_options_init(&options);
    options.path = path;
    measure_check("breaker_redis_create", breaker_redis_create(&storage, &options, NULL));
    return storage;
}

void redis_storage_drop(breaker_storage_t *storage)
{
    measure_check("breaker_redis_destroy", breaker_redis_destroy(storage));
}

static double calls_of(const char *stats, const char *command)
{
    char name[64];
    const char *at;

    snprintf(name, sizeof name, "cmdstat_%s:calls=", command);
    at = strstr(stats, name);
    return at == NULL ? 0 : strtod(at + strlen(name), NULL);
}

struct redis_counts redis_counted(void)
{
    static const char *const inner[] = {
        "get",  "set",   "incrby",           "del", "publish", "pexpire",
        "zadd", "zcard", "zremrangebyscore", "time"};
    struct redis_counts counts = {0, 0};
    redisReply *reply = redisCommand(watcher, "INFO commandstats");

    if (reply == NULL || reply->type != REDIS_REPLY_STRING) {
        measure_fail("INFO commandstats", UV_EPROTO);
    }
    counts.transactions = calls_of(reply->str, "evalsha") + calls_of(reply->str, "eval");
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
        counts.inner += calls_of(reply->str, inner[i]);
    }
    freeReplyObject(reply);
    freeReplyObject(redisCommand(watcher, "CONFIG RESETSTAT"));
    return counts;
}
