/* Knows how to run a redis-server for a test: in a directory of its own, without persistence,
 * ending with the test whatever becomes of it. */
#include "server.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 10000

int server_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void run(const struct server *server)
{
    char port[16], socket_path[sizeof server->path], log[128];
    const char *arguments[32] = {"redis-server",
                                 "--port",
                                 port,
                                 "--bind",
                                 "127.0.0.1",
                                 "--unixsocket",
                                 socket_path,
                                 "--dir",
                                 server->directory,
                                 "--save",
                                 "",
                                 "--appendonly",
                                 "no",
                                 "--logfile",
                                 log,
                                 "--enable-protected-configs",
                                 "yes",
                                 "--enable-debug-command",
                                 "yes"};
    size_t count = 0;
    while (arguments[count])
        count++;
    for (size_t i = 0; i < 8 && server->extra[i]; i++)
        arguments[count++] = server->extra[i];
    snprintf(port, sizeof port, "%d", server->port);
    snprintf(socket_path, sizeof socket_path, "%s", server->path);
    snprintf(log, sizeof log, "%s/log", server->directory);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (server->preload)
        setenv("LD_PRELOAD", server->preload, 1);
    int quiet = open("/dev/null", O_RDWR);
    dup2(quiet, 0);
    dup2(quiet, 1);
    dup2(quiet, 2);
    execvp(arguments[0], (char **)(uintptr_t)arguments);
    _exit(127);
}

void server_launch(struct server *server)
{
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0)
        run(server);
}

static void connect_client(struct server *server)
{
    struct timeval patience = {PATIENCE_MS / 1000, 0};
    for (int i = 0; i < PATIENCE_MS; i++) {
        server->client = redisConnectUnixWithTimeout(server->path, patience);
        if (server->client && !server->client->err) {
            redisSetTimeout(server->client, patience);
            redisReply *reply = redisCommand(server->client, "PING");
            bool answers = reply && reply->type == REDIS_REPLY_STATUS;
            freeReplyObject(reply);
            if (answers)
                return;
        }
        redisFree(server->client);
        server->client = NULL;
        assert_int_equal(waitpid(server->pid, NULL, WNOHANG), 0);
        usleep(1000);
    }
    fail_msg("the server does not come up");
}

void server_restart(struct server *server)
{
    server_launch(server);
    connect_client(server);
}

void server_again(struct server *server, const char *const *extra)
{
    server_kill(server);
    for (size_t i = 0; extra[i]; i++)
        server->extra[i] = extra[i];
    server_restart(server);
}

bool server_bend_clock(struct server *server)
{
    char file[128];
    const char *shim = getenv("CLOCK_SHIFT_LIBRARY");
    if (!shim)
        return false;
    snprintf(file, sizeof file, "%s/shift", server->directory);
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, 8), 0);
    void *bytes = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(bytes != MAP_FAILED);
    close(fd);
    server->shift = bytes;
    *server->shift = 0;
    setenv("CLOCK_SHIFT", file, 1);
    server_kill(server);
    server->preload = shim;
    server_restart(server);
    return true;
}

void server_straighten_clock(struct server *server)
{
    server_kill(server);
    munmap((void *)(uintptr_t)server->shift, 8);
    server->shift = NULL;
    server->preload = NULL;
    server_restart(server);
}

void server_start(struct server *server, bool with_port)
{
    snprintf(server->directory, sizeof server->directory, "/tmp/breaker-redis-XXXXXX");
    assert_non_null(mkdtemp(server->directory));
    snprintf(server->path, sizeof server->path, "%s/socket", server->directory);
    server->port = with_port ? server_free_port() : 0;
    server_restart(server);
}

void server_signal(struct server *server, int signal)
{
    assert_int_equal(kill(server->pid, signal), 0);
}

void server_kill(struct server *server)
{
    redisFree(server->client);
    server->client = NULL;
    if (server->pid) {
        kill(server->pid, SIGKILL);
        waitpid(server->pid, NULL, 0);
    }
    server->pid = 0;
    unlink(server->path);
}

void server_end(struct server *server)
{
    char command[128];
    server_kill(server);
    snprintf(command, sizeof command, "rm -rf '%s'", server->directory);
    if (server->directory[0] && system(command) != 0)
        print_error("%s: left behind\n", server->directory);
}

/* ---- The second client */

static redisReply *ask(struct server *server, const char *format, va_list arguments)
{
    if (!server->client)
        connect_client(server);
    redisReply *reply = redisvCommand(server->client, format, arguments);
    if (!reply) {
        redisFree(server->client);
        server->client = NULL;
    }
    return reply;
}

redisReply *server_try(struct server *server, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = ask(server, format, arguments);
    va_end(arguments);
    return reply;
}

static redisReply *must(redisReply *reply, const char *format)
{
    if (!reply)
        fail_msg("%s: no answer", format);
    else if (reply->type == REDIS_REPLY_ERROR)
        fail_msg("%s: %s", format, reply->str);
    return reply;
}

redisReply *server_ask(struct server *server, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = ask(server, format, arguments);
    va_end(arguments);
    return must(reply, format);
}

void server_do(struct server *server, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = ask(server, format, arguments);
    va_end(arguments);
    freeReplyObject(must(reply, format));
}

long long server_number(struct server *server, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = must(ask(server, format, arguments), format);
    va_end(arguments);
    long long number = reply->type == REDIS_REPLY_INTEGER  ? reply->integer
                       : reply->type == REDIS_REPLY_STRING ? atoll(reply->str)
                                                           : -1;
    freeReplyObject(reply);
    return number;
}

long long server_calls(struct server *server, const char *command)
{
    char head[64];
    snprintf(head, sizeof head, "cmdstat_%s:calls=", command);
    redisReply *reply = server_ask(server, "INFO commandstats");
    const char *at = strstr(reply->str, head);
    long long calls = at ? atoll(at + strlen(head)) : 0;
    freeReplyObject(reply);
    return calls;
}

void server_assert_no_key_stays(struct server *server, const char *pattern)
{
    redisReply *keys = server_ask(server, "KEYS %s", pattern);
    for (size_t i = 0; i < keys->elements; i++)
        if (server_number(server, "PTTL %b", keys->element[i]->str, keys->element[i]->len) == -1)
            fail_msg("%s has no time to live", keys->element[i]->str);
    freeReplyObject(keys);
}
