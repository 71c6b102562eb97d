/* The service of the row echo_share: sends back what comes, from a thread of its own, so that its work
 * is not in the client's account. */
#include "echo.h"

#include "bench.h"

#include <stdlib.h>

struct peer {
    uv_tcp_t tcp;
    uv_write_t write;
    char bytes[4 * ECHO_BYTES];
};

struct echo_server {
    uv_thread_t thread;
    uv_loop_t loop;
    uv_tcp_t listener;
    uv_async_t stop;
    struct peer peers[ECHO_CONNECTIONS];
    unsigned count;
};

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct peer *peer = handle->data;

    (void)wanted;
    *buffer = uv_buf_init(peer->bytes, sizeof peer->bytes);
}

static void on_written(uv_write_t *write, int status)
{
    (void)write;
    measure_check("the echo server's write", status == UV_ECANCELED ? 0 : status);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct peer *peer = stream->data;

    if (count < 0) {
        uv_close((uv_handle_t *)stream, NULL);
    } else if (count > 0) {
        uv_buf_t answer = uv_buf_init(buffer->base, (unsigned)count);

        measure_check("uv_write", uv_write(&peer->write, stream, &answer, 1, on_written));
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct echo_server *server = listener->data;

    measure_check("the echo server's connection", status);
    if (server->count == ECHO_CONNECTIONS) {
        measure_fail("the echo server is full", UV_ENOBUFS);
    }
    struct peer *peer = &server->peers[server->count++];

    uv_tcp_init(&server->loop, &peer->tcp);
    peer->tcp.data = peer;
    measure_check("uv_accept", uv_accept(listener, (uv_stream_t *)&peer->tcp));
    uv_tcp_nodelay(&peer->tcp, 1);
    uv_read_start((uv_stream_t *)&peer->tcp, on_alloc, on_read);
}

static void on_stop(uv_async_t *stop)
{
    struct echo_server *server = stop->data;

    uv_close((uv_handle_t *)&server->stop, NULL);
    uv_close((uv_handle_t *)&server->listener, NULL);
}

static void server_main(void *data)
{
    struct echo_server *server = data;

    uv_run(&server->loop, UV_RUN_DEFAULT);
}

struct echo_server *echo_server_start(struct sockaddr_in *address)
{
    struct echo_server *server = calloc(1, sizeof *server);
    struct sockaddr_in any;
    int size = sizeof *address;

    if (server == NULL) {
        measure_fail("calloc", UV_ENOMEM);
    }
    measure_check("uv_loop_init", uv_loop_init(&server->loop));
    measure_check("uv_async_init", uv_async_init(&server->loop, &server->stop, on_stop));
    uv_tcp_init(&server->loop, &server->listener);
    server->stop.data = server;
    server->listener.data = server;
    uv_ip4_addr("127.0.0.1", 0, &any);
    measure_check("uv_tcp_bind", uv_tcp_bind(&server->listener, (struct sockaddr *)&any, 0));
    measure_check("uv_listen",
                  uv_listen((uv_stream_t *)&server->listener, ECHO_CONNECTIONS, on_connection));
    uv_tcp_getsockname(&server->listener, (struct sockaddr *)address, &size);
    measure_check("uv_thread_create", uv_thread_create(&server->thread, server_main, server));
    return server;
}

void echo_server_stop(struct echo_server *server)
{
    uv_async_send(&server->stop);
    uv_thread_join(&server->thread);
    measure_check("uv_loop_close", uv_loop_close(&server->loop));
    free(server);
}
