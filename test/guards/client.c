/* How the test's own end of a connection comes and goes. */
#include "client.h"

static void on_connect(uv_connect_t *connect, int status)
{
    assert_int_equal(status, 0);
    ((struct client *)connect->data)->is_connected = true;
}

struct client *client_alone(struct fixture *f)
{
    struct client *client = keep(f, sizeof *client);

    client->f = f;
    uv_tcp_init(&f->loop, &client->tcp);
    client->tcp.data = client->connect.data = client;
    return client;
}

struct client *client_connect(struct fixture *f, const struct peer *peer)
{
    struct client *client = client_alone(f);
    unsigned before = peer->accepted;

    assert_int_equal(uv_tcp_connect(&client->connect, &client->tcp,
                                    (const struct sockaddr *)&peer->address, on_connect),
                     0);
    while (!client->is_connected || peer->accepted == before)
        uv_run(&f->loop, UV_RUN_ONCE);
    return client;
}

static void closed(uv_handle_t *handle)
{
    record(((struct client *)handle->data)->f, "closed");
}

void client_close(struct client *client)
{
    if (!uv_is_closing((uv_handle_t *)&client->tcp))
        uv_close((uv_handle_t *)&client->tcp, closed);
}
