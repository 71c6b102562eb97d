/* Guarded writes, with the guards of <breaker/uv.h>: connect to a Unix socket, say three words,
 * end, and read the answer, which is what was said. Between the words an operator forbids the
 * second: a refusal comes to the callback like any other status, and leaves a gap in what is on the
 * wire. */
#include <breaker.h>
#include <breaker/uv.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "local_echo.h"

enum { WORDS = 3 };

static const char *const words[WORDS] = {"one ", "two ", "three "};

static struct {
    breaker_uv_connect_t connect;
    breaker_uv_write_t writes[WORDS];
    breaker_uv_shutdown_t shutdown;
    breaker_uv_read_t read;
    uv_pipe_t pipe;
    char answer[64];
    size_t length;
} talk;

static breaker_panel_t *panel;
static breaker_t *peer;
static struct local_echo echo;
static unsigned refused;
static int ended;

/* What the requests share is static; where it is allocated, it is freed by the later of this and
 * the last request's call.release. */
static void closed(uv_handle_t *pipe)
{
    (void)pipe;
    local_echo_stop(&echo);
    breaker_panel_destroy(panel, NULL);
}

static void lend_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    (void)handle;
    (void)wanted;
    *buffer =
        uv_buf_init(talk.answer + talk.length, (unsigned)(sizeof talk.answer - 1 - talk.length));
}

static void heard(breaker_uv_read_t *request, ssize_t nread, const uv_buf_t *buffer)
{
    (void)buffer;
    if (nread >= 0) {
        talk.length += (size_t)nread;
        return;
    }
    ended = (int)nread;
    printf("the answer: %s(%s)\n", talk.answer, breaker_strerror(ended));
    uv_close((uv_handle_t *)request->stream, closed);
}

static void shut(uv_shutdown_t *request, int status)
{
    (void)request;
    printf("the end is %s\n", status == 0 ? "said" : breaker_strerror(status));
}

static void say(unsigned number);

static void said(uv_write_t *request, int status)
{
    unsigned number = (unsigned)((breaker_uv_write_t *)request - talk.writes);

    refused += status == BREAKER_EREJECTED;
    printf("%s: %s\n", words[number], status == 0 ? "said" : breaker_strerror(status));
    if (number + 1 < WORDS)
        say(number + 1);
    else if (breaker_uv_shutdown(peer, &talk.shutdown, request->handle, shut) != 0)
        uv_close((uv_handle_t *)request->handle, closed);
}

static void say(unsigned number)
{
    static uv_buf_t buffers[WORDS]; /* the array must stay, too */
    breaker_uv_write_t *request = &talk.writes[number];

    buffers[number] = uv_buf_init((char *)words[number], (unsigned)strlen(words[number]));
    breaker_hold(peer, number == 1 ? BREAKER_HOLD_OPEN : BREAKER_HOLD_NONE, NULL, NULL);
    breaker_uv_write(peer, request, (uv_stream_t *)&talk.pipe, &buffers[number], 1, said);
}

static void connected(uv_connect_t *request, int status)
{
    if (status == 0)
        status = breaker_uv_read_start(peer, &talk.read, request->handle, lend_buffer, heard);
    if (status == 0)
        say(0);
    else
        uv_close((uv_handle_t *)request->handle, closed);
}

int main(void)
{
    uv_loop_t *loop = uv_default_loop();
    breaker_policy_t *policy;

    if (local_echo_start(&echo, loop) != 0 || breaker_policy_create(&policy, NULL, NULL) != 0 ||
        breaker_panel_create(&panel, loop, NULL) != 0 ||
        breaker_create(&peer, panel, "peer", policy) != 0)
        return 1;
    breaker_policy_destroy(policy);

    breaker_uv_init(&talk.connect);
    breaker_uv_init(&talk.shutdown);
    breaker_uv_init(&talk.read);
    for (unsigned i = 0; i < WORDS; i++)
        breaker_uv_init(&talk.writes[i]);
    talk.connect.call.timeout = 3000;
    talk.read.call.idle = 3000;
    uv_pipe_init(loop, &talk.pipe, 0);
    if (breaker_uv_pipe_connect(peer, &talk.connect, &talk.pipe, echo.path, connected) != 0)
        return 1;
    uv_run(loop, UV_RUN_DEFAULT);
    return uv_loop_close(loop) != 0 || refused != 1 || ended != UV_EOF ||
           strcmp(talk.answer, "one three ") != 0;
}
