/* How the service of the examples behaves; nothing here is about breakers. */
#include "local_service.h"

#include <stdlib.h>
#include <string.h>

#define PIECES 4

struct connection {
    uv_tcp_t tcp; /* first: the handle is the connection */
    uv_write_t write;
    enum local_habit habit;
    unsigned sent;
};

static const char piece[] = "a piece of what was asked for\n";
_Static_assert((sizeof piece - 1) * PIECES == LOCAL_LENGTH, "the header says how much is sent");

static void free_connection(uv_handle_t *handle)
{
    free(handle);
}

static void close_connection(struct connection *connection)
{
    uv_handle_t *handle = (uv_handle_t *)&connection->tcp;

    if (!uv_is_closing(handle)) {
        uv_close(handle, free_connection);
    }
}

static void send_piece(struct connection *connection);

static void piece_sent(uv_write_t *write, int status)
{
    struct connection *connection = write->data;

    connection->sent++;
    if (status == 0 && connection->habit == LOCAL_STALLS) {
        return;
    }
    if (status == 0 && connection->habit == LOCAL_SENDS_ALL && connection->sent < PIECES) {
        send_piece(connection);
    } else {
        close_connection(connection);
    }
}

static void send_piece(struct connection *connection)
{
    uv_buf_t buffer = uv_buf_init((char *)piece, sizeof piece - 1);

    connection->write.data = connection;
    if (uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &buffer, 1, piece_sent) < 0) {
        close_connection(connection);
    }
}

static void lend_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    static char scratch[256];

    (void)handle;
    (void)wanted;
    *buffer = uv_buf_init(scratch, sizeof scratch);
}

/* Reads only to learn that the client is gone. */
static void heard(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    (void)buffer;
    if (length < 0) {
        close_connection((struct connection *)stream);
    }
}

static void accept_connection(uv_stream_t *listener, int status)
{
    struct local_service *service = listener->data;
    struct connection *connection;

    if (status < 0 || (connection = calloc(1, sizeof *connection)) == NULL) {
        return;
    }
    connection->habit = service->habit;
    uv_tcp_init(listener->loop, &connection->tcp);
    if (uv_accept(listener, (uv_stream_t *)&connection->tcp) < 0 ||
        uv_read_start((uv_stream_t *)&connection->tcp, lend_buffer, heard) < 0) {
        close_connection(connection);
        return;
    }
    send_piece(connection);
}

int local_service_start(struct local_service *service, uv_loop_t *loop)
{
    struct sockaddr_in address;
    int length = sizeof address;
    int status = uv_tcp_init(loop, &service->listener);

    if (status < 0) {
        return status;
    }
    service->habit = LOCAL_SENDS_ALL;
    service->listener.data = service;
    uv_ip4_addr("127.0.0.1", 0, &address);
    if ((status = uv_tcp_bind(&service->listener, (struct sockaddr *)&address, 0)) < 0 ||
        (status = uv_listen((uv_stream_t *)&service->listener, 16, accept_connection)) < 0 ||
        (status = uv_tcp_getsockname(&service->listener, (struct sockaddr *)&address, &length)) <
            0) {
        local_service_stop(service);
        return status;
    }
    service->port = ntohs(address.sin_port);
    return 0;
}

void local_service_stop(struct local_service *service)
{
    uv_close((uv_handle_t *)&service->listener, NULL);
}
