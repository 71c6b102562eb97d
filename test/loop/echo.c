/* How the echo answers. */
#include "echo.h"
#include <netinet/in.h>

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
    struct echo *echo = handle->data;

    (void)size;
    *buffer = uv_buf_init(handle == (uv_handle_t *)&echo->client ? &echo->answer : &echo->byte, 1);
}

static void on_question(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct echo *echo = stream->data;

    if (length > 0)
        assert_int_equal(uv_write(&echo->answering, stream, buffer, 1, NULL), 0);
}

static void on_answer(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct echo *echo = stream->data;

    (void)buffer;
    if (length > 0)
        job_finish(echo->job, echo->answer == 'q' ? 0 : UV_EPROTO);
}

static void on_connection(uv_stream_t *server, int status)
{
    struct echo *echo = server->data;

    assert_int_equal(status, 0);
    assert_int_equal(uv_accept(server, (uv_stream_t *)&echo->accepted), 0);
    assert_int_equal(uv_read_start((uv_stream_t *)&echo->accepted, on_alloc, on_question), 0);
    echo->opened++;
}

static void on_connected(uv_connect_t *request, int status)
{
    struct echo *echo = request->data;

    assert_int_equal(status, 0);
    assert_int_equal(uv_read_start((uv_stream_t *)&echo->client, on_alloc, on_answer), 0);
    echo->opened++;
}

struct echo *echo_open(struct fixture *f)
{
    struct echo *echo = keep(f, sizeof *echo);
    struct sockaddr_in address;
    int length = sizeof address;

    echo->server.data = echo->accepted.data = echo->client.data = echo->connecting.data = echo;
    assert_int_equal(uv_tcp_init(&f->loop, &echo->server), 0);
    assert_int_equal(uv_tcp_init(&f->loop, &echo->accepted), 0);
    assert_int_equal(uv_tcp_init(&f->loop, &echo->client), 0);
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    assert_int_equal(uv_tcp_bind(&echo->server, (struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&echo->server, 1, on_connection), 0);
    assert_int_equal(uv_tcp_getsockname(&echo->server, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(
        uv_tcp_connect(&echo->connecting, &echo->client, (struct sockaddr *)&address, on_connected),
        0);
    while (echo->opened < 2)
        uv_run(&f->loop, UV_RUN_ONCE);
    return echo;
}

void echo_close(struct echo *echo)
{
    uv_close((uv_handle_t *)&echo->server, NULL);
    uv_close((uv_handle_t *)&echo->accepted, NULL);
    uv_close((uv_handle_t *)&echo->client, NULL);
}

void echo_ask(struct job *job)
{
    struct echo *echo = job->data;
    static char question[] = "q";
    uv_buf_t buffer = uv_buf_init(question, 1);

    echo->job = job;
    assert_int_equal(uv_write(&echo->writing, (uv_stream_t *)&echo->client, &buffer, 1, NULL), 0);
}
