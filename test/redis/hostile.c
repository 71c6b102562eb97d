/* Knows what a server, or whatever sits at its address, can do to a client. One thread accepts,
 * one serves each connection with blocking reads and writes that end soon after the test wants
 * them to. */
#include "hostile.h"
#include <arpa/inet.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define GOOD "*2\r\n:0\r\n:1700000000000\r\n"

static const char *const names[HOSTILE_MODES] = {
    "not",         "unsolicited", "extra",       "maxclients", "rst",          "close",
    "garbage",     "half reply",  "dribble",     "huge array", "nested array", "huge string",
    "long string", "push",        "map",         "double",     "deep",         "hang",
    "wrong type",  "wrong shape", "wrong count", "no script",  "error",        "flood"};

const char *hostile_name(enum hostile_mode mode)
{
    return names[mode];
}

struct guest {
    struct hostile *hostile;
    int fd;
};

/* ---- One connection */

static bool say_bytes(const struct guest *guest, const char *bytes, size_t size)
{
    while (size) {
        struct pollfd ready = {.fd = guest->fd, .events = POLLOUT};
        if (guest->hostile->ending || poll(&ready, 1, 20) < 0)
            return false;
        if (!ready.revents)
            continue;
        ssize_t sent = send(guest->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN)
            return false;
        bytes += sent > 0 ? sent : 0;
        size -= (size_t)(sent > 0 ? sent : 0);
    }
    return true;
}

static bool say(const struct guest *guest, const char *text)
{
    return say_bytes(guest, text, strlen(text));
}

/* Until the other side, or the test, ends it. */
static void wait_for_end(const struct guest *guest)
{
    char bytes[4096];
    while (!guest->hostile->ending) {
        struct pollfd ready = {.fd = guest->fd, .events = POLLIN};
        if (poll(&ready, 1, 20) > 0 && recv(guest->fd, bytes, sizeof bytes, 0) <= 0)
            return;
    }
}

static void reset(const struct guest *guest)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(guest->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

static void send_much(const struct guest *guest, const char *head, const char *fill, unsigned times)
{
    size_t length = strlen(fill), used = 0;
    static const size_t size = 65536;
    char *chunk = malloc(size);
    while (used + length <= size) {
        memcpy(chunk + used, fill, length);
        used += length;
    }
    bool open = say(guest, head);
    for (unsigned i = 0; open && i < times; i++)
        open = say_bytes(guest, chunk, used);
    free(chunk);
    if (open)
        wait_for_end(guest);
}

static void dribble(const struct guest *guest)
{
    for (const char *at = GOOD; *at && say_bytes(guest, at, 1); at++)
        usleep(20000);
    wait_for_end(guest);
}

/* The reply, or whatever, and whether the connection goes on. */
static bool misbehave(const struct guest *guest)
{
    static const struct {
        enum hostile_mode mode;
        const char *text;
    } texts[] = {
        {HOSTILE_UNSOLICITED, "+HELLO\r\n" GOOD},
        {HOSTILE_EXTRA, GOOD "+PONG\r\n"},
        {HOSTILE_GARBAGE, "HTTP/1.1 400 Bad Request\r\n\r\n"},
        {HOSTILE_HUGE_ARRAY, "*4294967295\r\n"},
        {HOSTILE_NESTED_ARRAY, "*2\r\n*2000000000\r\n"},
        {HOSTILE_PUSH, ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n" GOOD},
        {HOSTILE_MAP, "%1\r\n+a\r\n:1\r\n"},
        {HOSTILE_DOUBLE, ",1.5\r\n"},
        {HOSTILE_WRONG_TYPE, ":1\r\n"},
        {HOSTILE_WRONG_SHAPE, "*2\r\n$1\r\n0\r\n*1\r\n:1\r\n"},
        {HOSTILE_WRONG_COUNT, "*4\r\n:0\r\n:1700000000000\r\n:7\r\n:8\r\n"},
        {HOSTILE_NO_SCRIPT, "-NOSCRIPT No matching script. Please use EVAL.\r\n"},
        {HOSTILE_ERROR, "-WEIRD nobody knows this one\r\n"},
    };
    int mode = guest->hostile->mode;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if ((int)texts[i].mode == mode)
            return say(guest, texts[i].text);
    switch (mode) {
    case HOSTILE_MAXCLIENTS:
        say(guest, "-ERR max number of clients reached\r\n");
        reset(guest);
        return false;
    case HOSTILE_RST:
        reset(guest);
        return false;
    case HOSTILE_HALF_REPLY:
        say(guest, "$10\r\nabc");
        return false;
    case HOSTILE_CLOSE:
        return false;
    case HOSTILE_DRIBBLE:
        dribble(guest);
        return false;
    case HOSTILE_HUGE_STRING:
        send_much(guest, "$300000000\r\n", "xxxxxxxxxxxxxxxx", 300000000 / 65536);
        return false;
    case HOSTILE_LONG_STRING:
        send_much(guest, "*3\r\n:0\r\n:1\r\n$2097152\r\n", "xxxxxxxxxxxxxxxx", 33);
        return false;
    case HOSTILE_FLOOD:
        send_much(guest, "", GOOD, 1000);
        return false;
    case HOSTILE_DEEP:
        send_much(guest, "", "*1\r\n", 1);
        return false;
    case HOSTILE_HANG:
        wait_for_end(guest);
        return false;
    default:
        return false;
    }
}

/* Answers one command as a Redis with nothing in it would. */
static bool behave(const struct guest *guest, const redisReply *command)
{
    bool is_script = command->type == REDIS_REPLY_ARRAY && command->elements > 0 &&
                     strncmp(command->element[0]->str, "EVAL", 4) == 0;
    if (command->elements == 2 && strcmp(command->element[0]->str, "SUBSCRIBE") == 0) {
        char confirmation[256];
        const char *bell = guest->hostile->bell;
        snprintf(confirmation, sizeof confirmation,
                 "*3\r\n$9\r\nsubscribe\r\n$%zu\r\n%.100s\r\n:1\r\n", command->element[1]->len,
                 command->element[1]->str);
        return !bell || (say(guest, confirmation) && say(guest, bell));
    }
    const char *name_answer = guest->hostile->name_answer;
    if (name_answer && strcmp(command->element[0]->str, "CLIENT") == 0)
        return say(guest, name_answer);
    return say(guest, is_script ? GOOD : "+OK\r\n");
}

static bool serve_command(const struct guest *guest, const redisReply *command, int *answered)
{
    if (guest->hostile->mode == HOSTILE_NOT || *answered < guest->hostile->polite) {
        ++*answered;
        return behave(guest, command);
    }
    return misbehave(guest);
}

static void *serve(void *data)
{
    struct guest *guest = data;
    redisReader *reader = redisReaderCreate();
    int answered = 0;
    bool open = true;
    if (guest->hostile->polite < 0 && guest->hostile->mode != HOSTILE_NOT)
        open = misbehave(guest);
    while (open && !guest->hostile->ending) {
        char bytes[16384];
        struct pollfd ready = {.fd = guest->fd, .events = POLLIN};
        if (poll(&ready, 1, 20) <= 0)
            continue;
        ssize_t came = recv(guest->fd, bytes, sizeof bytes, 0);
        open = came > 0;
        if (open)
            redisReaderFeed(reader, bytes, (size_t)came);
        void *command = NULL;
        while (open && redisReaderGetReply(reader, &command) == REDIS_OK && command) {
            open = serve_command(guest, command, &answered);
            freeReplyObject(command);
        }
    }
    redisReaderFree(reader);
    close(guest->fd);
    guest->hostile->running--;
    free(guest);
    return NULL;
}

/* ---- All of them */

static void *accept_all(void *data)
{
    struct hostile *hostile = data;
    while (!hostile->ending) {
        struct pollfd ready = {.fd = hostile->listener, .events = POLLIN};
        if (poll(&ready, 1, 20) <= 0)
            continue;
        int fd = accept(hostile->listener, NULL, NULL);
        if (fd < 0)
            continue;
        struct guest *guest = malloc(sizeof *guest);
        pthread_t thread;
        *guest = (struct guest){hostile, fd};
        hostile->connections++;
        hostile->running++;
        if (pthread_create(&thread, NULL, serve, guest) != 0)
            abort();
        pthread_detach(thread);
    }
    return NULL;
}

void hostile_start(struct hostile *hostile)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    const int yes = 1;
    memset(hostile, 0, sizeof *hostile);
    hostile->bell = "";
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    hostile->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* So that another server can take its place while connections to it last. */
    setsockopt(hostile->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    assert_int_equal(bind(hostile->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(hostile->listener, 64), 0);
    assert_int_equal(getsockname(hostile->listener, (struct sockaddr *)&address, &size), 0);
    hostile->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&hostile->thread, NULL, accept_all, hostile), 0);
}

void hostile_end(struct hostile *hostile)
{
    hostile->ending = 1;
    pthread_join(hostile->thread, NULL);
    while (hostile->running)
        usleep(1000);
    close(hostile->listener);
}
