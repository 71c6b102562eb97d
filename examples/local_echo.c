/* How the echo of the examples is brought about; nothing here is about breakers. */
#include "local_echo.h"
#include <stdio.h>
#include <stdlib.h>

struct connection {
    uv_pipe_t pipe; /* first: the handle is the connection */
    uv_write_t write;
    char heard[512];
};

static void free_connection(uv_handle_t *handle)
{
    free(handle);
}

static void lend_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct connection *connection = (struct connection *)handle;

    (void)wanted;
    *buffer = uv_buf_init(connection->heard, sizeof connection->heard);
}

static void heard(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer);

static void said(uv_write_t *write, int status)
{
    if (status == 0)
        uv_read_start(write->handle, lend_buffer, heard);
}

/* Reads on when the buffer has gone out again. */
static void heard(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct connection *connection = (struct connection *)stream;
    uv_buf_t all;

    if (length < 0) {
        uv_close((uv_handle_t *)stream, free_connection);
    } else if (length > 0) {
        all = uv_buf_init(buffer->base, (unsigned)length);
        uv_read_stop(stream);
        uv_write(&connection->write, stream, &all, 1, said);
    }
}

static void accept_connection(uv_stream_t *listener, int status)
{
    struct connection *connection;

    if (status < 0 || (connection = calloc(1, sizeof *connection)) == NULL)
        return;
    uv_pipe_init(listener->loop, &connection->pipe, 0);
    if (uv_accept(listener, (uv_stream_t *)&connection->pipe) < 0 ||
        uv_read_start((uv_stream_t *)&connection->pipe, lend_buffer, heard) < 0)
        uv_close((uv_handle_t *)&connection->pipe, free_connection);
}

int local_echo_start(struct local_echo *echo, uv_loop_t *loop)
{
    int status;

    snprintf(echo->path, sizeof echo->path, "/tmp/breaker-echo-%d", (int)uv_os_getpid());
    uv_pipe_init(loop, &echo->listener, 0);
    if ((status = uv_pipe_bind(&echo->listener, echo->path)) < 0 ||
        (status = uv_listen((uv_stream_t *)&echo->listener, 16, accept_connection)) < 0)
        local_echo_stop(echo);
    return status;
}

void local_echo_stop(struct local_echo *echo)
{
    uv_close((uv_handle_t *)&echo->listener, NULL); /* which removes the socket */
}
