/* Drives libcurl's multi interface by libuv: one uv_poll for each of its sockets, one timer.
 * Nothing of it keeps the loop alive; the calls to the circuit do. */
#include "curl_client.h"
#include "memory.h"

struct socket {
    uv_poll_t poll; /* first: the handle is the socket */
    breaker_curl_t *client;
    curl_socket_t number;
};

/* ---- What libcurl has to say ------------------------------------------------------------------*/

static void hear(breaker_curl_t *client)
{
    struct curl_transfer *transfer;
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        CURLcode code = message->data.result;

        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer) == CURLE_OK)
            curl_transfer_ended(transfer, code);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct socket *socket = (struct socket *)poll;
    breaker_curl_t *client = socket->client;
    int running, mask = 0;

    if (events & UV_READABLE)
        mask |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        mask |= CURL_CSELECT_OUT;
    if (status < 0)
        mask = CURL_CSELECT_ERR;
    curl_multi_socket_action(client->multi, socket->number, mask, &running);
    hear(client);
}

static void on_timer(uv_timer_t *timer)
{
    breaker_curl_t *client = timer->data;
    int running;

    curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    hear(client);
}

/* ---- What libcurl wants -----------------------------------------------------------------------*/

static void handle_closed(breaker_curl_t *client)
{
    breaker_curl_destroy_cb destroyed = client->destroyed;
    void *data = client->destroyed_data;

    if (--client->handles > 0)
        return;
    memory_release(client);
    if (destroyed != NULL)
        destroyed(data);
}

static void socket_closed(uv_handle_t *handle)
{
    struct socket *socket = (struct socket *)handle;
    breaker_curl_t *client = socket->client;

    memory_release(socket);
    handle_closed(client);
}

static struct socket *watch(breaker_curl_t *client, curl_socket_t number)
{
    struct socket *socket = memory_zeroed(sizeof *socket);

    if (socket == NULL)
        return NULL;
    socket->client = client;
    socket->number = number;
    if (uv_poll_init_socket(client->loop, &socket->poll, number) != 0) {
        memory_release(socket);
        return NULL;
    }
    uv_unref((uv_handle_t *)&socket->poll);
    client->handles++;
    curl_multi_assign(client->multi, number, socket);
    return socket;
}

/* To say no would cost libcurl all transfers; so the one that cannot be watched is given up. */
static int want_socket(CURL *easy, curl_socket_t number, int what, void *data, void *assigned)
{
    breaker_curl_t *client = data;
    struct socket *socket = assigned;
    int events = 0;

    if (what == CURL_POLL_REMOVE) {
        curl_multi_assign(client->multi, number, NULL);
        if (socket != NULL && !uv_is_closing((uv_handle_t *)&socket->poll))
            uv_close((uv_handle_t *)&socket->poll, socket_closed);
        return 0;
    }
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= UV_READABLE;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= UV_WRITABLE;
    if (socket == NULL)
        socket = watch(client, number);
    if (socket == NULL || uv_poll_start(&socket->poll, events, on_poll) != 0)
        curl_transfer_starve(client, easy);
    return 0;
}

static int want_timer(CURLM *multi, long time, void *data)
{
    breaker_curl_t *client = data;

    (void)multi;
    if (uv_is_closing((uv_handle_t *)&client->timer))
        return 0;
    if (time < 0)
        uv_timer_stop(&client->timer);
    else
        uv_timer_start(&client->timer, on_timer, (uint64_t)time, 0);
    return 0;
}

/* ---- Life -------------------------------------------------------------------------------------*/

int curl_loop_open(breaker_curl_t *client)
{
    if ((client->multi = curl_multi_init()) == NULL)
        return UV_ENOMEM;
    uv_timer_init(client->loop, &client->timer);
    uv_unref((uv_handle_t *)&client->timer);
    client->timer.data = client;
    client->handles = 1;
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, want_timer);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    return 0;
}

static void timer_closed(uv_handle_t *timer)
{
    handle_closed(timer->data);
}

void curl_loop_close(breaker_curl_t *client)
{
    curl_multi_cleanup(client->multi); /* which takes the sockets away */
    uv_close((uv_handle_t *)&client->timer, timer_closed);
}
