/* A redis-server of the demo's own, on a unix socket in a directory of its own: how it is started,
 * asked for its counts, and ended with the demo, whatever becomes of that.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fleet.h"

#define PATIENCE 5000 /* ms */
#define MISSING 127

static void become_server(const struct redis *redis)
{
    int quiet = open("/dev/null", O_RDWR);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(quiet, STDIN_FILENO);
    dup2(quiet, STDOUT_FILENO);
    dup2(quiet, STDERR_FILENO);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", redis->path, "--dir",
           redis->directory, "--save", "", "--appendonly", "no", (char *)NULL);
    _exit(MISSING);
}

/* Asks for what the server answers in one go, or in a few; returns its length, or -1. */
static ssize_t ask(const struct redis *redis, const char *command, char *answer, size_t capacity)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 1};
    size_t length = 0;
    ssize_t got = -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", redis->path);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        write(fd, command, strlen(command)) == (ssize_t)strlen(command)) {
        while (length < capacity - 1 &&
               (got = read(fd, answer + length, capacity - 1 - length)) > 0) {
            length += (size_t)got;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    answer[length] = '\0';
    return got < 0 ? -1 : (ssize_t)length;
}

static int answers(const struct redis *redis)
{
    char answer[64];

    return ask(redis, "PING\r\nQUIT\r\n", answer, sizeof answer) > 0 && answer[0] == '+';
}

int redis_start(struct redis *redis)
{
    int waited, status;

    snprintf(redis->directory, sizeof redis->directory, "/tmp/demo-fleet-XXXXXX");
    if (mkdtemp(redis->directory) == NULL) {
        fprintf(stderr, "demo: no directory for Redis: %s\n", strerror(errno));
        redis->directory[0] = '\0';
        return -1;
    }
    snprintf(redis->path, sizeof redis->path, "%s/socket", redis->directory);
    if ((redis->pid = fork()) == 0) {
        become_server(redis);
    }
    for (waited = 0; redis->pid > 0 && waited < PATIENCE; waited += 10) {
        if (answers(redis)) {
            return 0;
        }
        if (waitpid(redis->pid, &status, WNOHANG) == redis->pid) {
            redis->pid = 0;
            fprintf(stderr, WIFEXITED(status) && WEXITSTATUS(status) == MISSING
                                ? "demo: redis-server is missing (Debian: redis-server)\n"
                                : "demo: redis-server does not run\n");
            break;
        }
        usleep(10000);
    }
    if (waited >= PATIENCE) {
        fprintf(stderr, "demo: redis-server does not answer\n");
    }
    redis_end(redis);
    return -1;
}

void redis_end(struct redis *redis)
{
    if (redis->pid > 0) {
        kill(redis->pid, SIGKILL); /* it keeps nothing */
        waitpid(redis->pid, NULL, 0);
        redis->pid = 0;
    }
    if (redis->directory[0] != '\0') {
        unlink(redis->path);
        rmdir(redis->directory);
    }
}

static long long calls(const char *statistics, const char *command)
{
    const char *at = strstr(statistics, command);

    return at != NULL ? atoll(at + strlen(command)) : 0;
}

long long redis_served(const struct redis *redis)
{
    static char answer[1 << 15];

    if (ask(redis, "INFO commandstats\r\nQUIT\r\n", answer, sizeof answer) <= 0) {
        return -1;
    }
    return calls(answer, "cmdstat_evalsha:calls=") + calls(answer, "cmdstat_eval:calls=");
}
