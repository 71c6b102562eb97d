/* The peers: how each habit is brought about with libuv, and two kinds of crowd with plain sockets
 * and semaphores. */
#include "peer.h"
#include <fcntl.h>
#include <fixture.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct peer_client {
    uv_tcp_t tcp; /* first: the handle is the client */
    uv_timer_t timer;
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct peer *peer;
    struct peer_client *next, **link;
    enum habit habit;
};

static void freed(uv_handle_t *timer)
{
    free(timer->data);
}

static void closed(uv_handle_t *tcp)
{
    struct peer_client *client = (struct peer_client *)tcp;

    uv_close((uv_handle_t *)&client->timer, freed);
}

static bool part(struct peer_client *client)
{
    if (uv_is_closing((uv_handle_t *)&client->tcp))
        return false;
    *client->link = client->next;
    if (client->next != NULL)
        client->next->link = client->link;
    return true;
}

static void hang_up(struct peer_client *client)
{
    if (part(client))
        uv_close((uv_handle_t *)&client->tcp, closed);
}

static void reset(struct peer_client *client)
{
    if (part(client))
        assert_int_equal(uv_tcp_close_reset(&client->tcp, closed), 0);
}

static void lend(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    static char scratch[65536];

    (void)handle;
    (void)wanted;
    *buffer = uv_buf_init(scratch, sizeof scratch);
}

static void heard(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct peer_client *client = (struct peer_client *)stream;
    struct peer *peer = client->peer;

    if (length == UV_EOF)
        peer->ends++;
    if (length < 0) {
        hang_up(client);
        return;
    }
    for (ssize_t i = 0; i < length; i++, peer->received++)
        if (peer->received < sizeof peer->first - 1)
            peer->first[peer->received] = buffer->base[i];
    if (length > 0 && client->habit == PEER_BREAKS_OFF)
        reset(client);
}

static void ended(uv_shutdown_t *shutdown, int status)
{
    (void)shutdown;
    (void)status;
}

static void sent(uv_write_t *write, int status)
{
    struct peer_client *client = write->data;

    if (status != 0 || client->habit == PEER_SENDS)
        hang_up(client);
    else if (client->habit == PEER_HALF_CLOSES)
        uv_shutdown(&client->shutdown, (uv_stream_t *)&client->tcp, ended);
}

static void say(struct peer_client *client, size_t length)
{
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)PEER_TEXT, (unsigned)length);

    client->write.data = client;
    assert_int_equal(uv_write(&client->write, (uv_stream_t *)&client->tcp, &buffer, 1, sent), 0);
}

static void drip(uv_timer_t *timer)
{
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)PEER_TEXT, 1);
    struct peer_client *client = timer->data;

    if (uv_try_write((uv_stream_t *)&client->tcp, &buffer, 1) < 0)
        hang_up(client);
}

static void begin(struct peer_client *client)
{
    switch (client->habit) {
    case PEER_STALLS:
        return;
    case PEER_READS:
        break;
    case PEER_SENDS:
    case PEER_HALF_CLOSES:
    case PEER_BREAKS_OFF:
        say(client, PEER_LENGTH);
        break;
    case PEER_DRIPS:
        uv_timer_start(&client->timer, drip, 1, 2);
        break;
    }
    assert_int_equal(uv_read_start((uv_stream_t *)&client->tcp, lend, heard), 0);
}

static void accept_one(uv_stream_t *listener, int status)
{
    struct peer *peer = listener->data;
    struct peer_client *client = calloc(1, sizeof *client);

    assert_int_equal(status, 0);
    assert_non_null(client);
    peer->accepted++;
    client->peer = peer;
    client->habit = peer->habit;
    uv_tcp_init(listener->loop, &client->tcp);
    uv_timer_init(listener->loop, &client->timer);
    client->timer.data = client;
    client->next = peer->clients;
    client->link = &peer->clients;
    if (client->next != NULL)
        client->next->link = &client->next;
    peer->clients = client;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&client->tcp), 0);
    begin(client);
}

void peer_start(struct peer *peer, uv_loop_t *loop, enum habit habit)
{
    int length = sizeof peer->address;

    memset(peer, 0, sizeof *peer);
    peer->habit = habit;
    uv_tcp_init(loop, &peer->listener);
    peer->listener.data = peer;
    uv_ip4_addr("127.0.0.1", 0, &peer->address);
    assert_int_equal(uv_tcp_bind(&peer->listener, (struct sockaddr *)&peer->address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&peer->listener, 16, accept_one), 0);
    uv_tcp_getsockname(&peer->listener, (struct sockaddr *)&peer->address, &length);
}

void peer_stop(struct peer *peer)
{
    while (peer->clients != NULL)
        hang_up(peer->clients);
    uv_close((uv_handle_t *)&peer->listener, NULL);
}

static int bound(struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    uv_ip4_addr("127.0.0.1", 0, address);
    assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof *address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &length), 0);
    return fd;
}

struct sockaddr_in peer_nowhere(void)
{
    struct sockaddr_in address;

    close(bound(&address));
    return address;
}

void crowd_gather(struct crowd *crowd)
{
    crowd->listener = bound(&crowd->address);
    assert_int_equal(listen(crowd->listener, 0), 0);
    for (unsigned i = 0; i < 8; i++) {
        crowd->visitors[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(crowd->visitors[i], (struct sockaddr *)&crowd->address, sizeof crowd->address);
    }
}

void crowd_leave(struct crowd *crowd)
{
    for (unsigned i = 0; i < 8; i++)
        close(crowd->visitors[i]);
    close(crowd->listener);
}

static void hold(uv_work_t *work)
{
    struct plug *plug = work->data;

    uv_sem_post(&plug->held);
    uv_sem_wait(&plug->free);
}

static void let_go(uv_work_t *work, int status)
{
    struct plug *plug = work->data;

    assert_int_equal(status, 0);
    if (--plug->count == 0) {
        uv_sem_destroy(&plug->held);
        uv_sem_destroy(&plug->free);
    }
}

void plug_in(struct plug *plug, uv_loop_t *loop)
{
    const char *size = getenv("UV_THREADPOOL_SIZE");

    plug->count = size == NULL ? 4 : (unsigned)atoi(size);
    assert_in_range(plug->count, 1, 64);
    uv_sem_init(&plug->held, 0);
    uv_sem_init(&plug->free, 0);
    for (unsigned i = 0; i < plug->count; i++) {
        plug->works[i].data = plug;
        assert_int_equal(uv_queue_work(loop, &plug->works[i], hold, let_go), 0);
    }
    for (unsigned i = 0; i < plug->count; i++)
        uv_sem_wait(&plug->held);
}

void plug_draw(struct plug *plug)
{
    for (unsigned i = 0; i < plug->count; i++)
        uv_sem_post(&plug->free);
}
