/* Drives libcurl's multi interface by libuv: one uv_poll for each of its sockets, one timer.
 * Nothing of it keeps the loop alive; the calls to the circuit do. */
#include "curl_client.h"
#include "memory.h"

struct curl_socket {
    uv_poll_t poll; /* first: the handle is the socket */
    breaker_curl_t *client;
    struct curl_socket *next, **link;
    curl_socket_t number;
    int events; /* that libcurl waits for */
};

/* ---- What libcurl has to say ------------------------------------------------------------------*/

static void hear(breaker_curl_t *client)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(client->multi, &left)) != NULL)
        if (message->msg == CURLMSG_DONE)
            curl_hop_ended(client, message->easy_handle, message->data.result);
}

static void act(breaker_curl_t *client, curl_socket_t number, int mask)
{
    int running;

    curl_multi_socket_action(client->multi, number, mask, &running);
    hear(client);
}

/* At an error libuv stops watching, and does not tell what there is to be read before it: an answer
 * to an upload that the server did not want, say. With an empty mask libcurl looks for itself. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct curl_socket *socket = (struct curl_socket *)poll;
    int mask = 0;

    if (status < 0)
        uv_poll_start(poll, socket->events, on_poll);
    else
        mask = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
               (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
    act(socket->client, socket->number, mask);
}

static void on_timer(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
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
    struct curl_socket *socket = (struct curl_socket *)handle;
    breaker_curl_t *client = socket->client;

    memory_release(socket);
    handle_closed(client);
}

static struct curl_socket *watch(breaker_curl_t *client, curl_socket_t number)
{
    struct curl_socket *socket = memory_zeroed(sizeof *socket);

    if (socket == NULL)
        return NULL;
    if (uv_poll_init_socket(client->loop, &socket->poll, number) != 0) {
        memory_release(socket);
        return NULL;
    }
    uv_unref((uv_handle_t *)&socket->poll);
    socket->client = client;
    socket->number = number;
    socket->link = &client->sockets;
    if ((socket->next = client->sockets) != NULL)
        socket->next->link = &socket->next;
    client->sockets = socket;
    client->handles++;
    curl_multi_assign(client->multi, number, socket);
    return socket;
}

static void forget(struct curl_socket *socket)
{
    *socket->link = socket->next;
    if (socket->next != NULL)
        socket->next->link = socket->link;
    if (!uv_is_closing((uv_handle_t *)&socket->poll)) /* the host may have closed it */
        uv_close((uv_handle_t *)&socket->poll, socket_closed);
}

/* Which transfers are on a socket libcurl does not tell, and to say no would kill its multi handle;
 * so where one cannot be watched all are given up. */
static int want_socket(CURL *easy, curl_socket_t number, int what, void *data, void *assigned)
{
    breaker_curl_t *client = data;
    struct curl_socket *socket = assigned;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        curl_multi_assign(client->multi, number, NULL);
        if (socket != NULL)
            forget(socket);
        return 0;
    }
    if (socket == NULL && (socket = watch(client, number)) == NULL) {
        curl_transfers_cancel(client, true);
        return 0;
    }
    socket->events =
        (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    if (uv_poll_start(&socket->poll, socket->events, on_poll) != 0)
        curl_transfers_cancel(client, true);
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
    curl_multi_cleanup(client->multi);
    while (client->sockets != NULL) /* those that libcurl has not taken away */
        forget(client->sockets);
    uv_close((uv_handle_t *)&client->timer, timer_closed);
}
