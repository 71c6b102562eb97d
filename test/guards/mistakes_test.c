/* What a caller can do wrong with a handle: libuv refuses it and asks no peer, so the circuit counts
 * it as nothing, and the callback gets the error. */
#include "reader.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct attempt {
    breaker_uv_connect_t request;
    struct fixture *f;
};

static void connected(uv_connect_t *req, int status)
{
    not_inside();
    record(((struct attempt *)req->data)->f, "%s",
           status == 0 ? "connected" : breaker_strerror(status));
}

static struct attempt *prepare(struct fixture *f)
{
    struct attempt *attempt = keep(f, sizeof *attempt);

    breaker_uv_init(&attempt->request);
    attempt->request.req.data = attempt;
    attempt->f = f;
    return attempt;
}

static void connect_to(breaker_t *breaker, struct client *client, const void *address)
{
    assert_int_equal(API(breaker_uv_tcp_connect(breaker, &prepare(client->f)->request, &client->tcp,
                                                address, connected)),
                     0);
    settle_down(client->f);
}

static void on_a_handle_that_connects(void **state)
{
    struct fixture *f = *state;
    breaker_t *door = quick_breaker(f, "door");
    struct client *client = client_alone(f);
    struct crowd crowd;

    crowd_gather(&crowd);
    connect_to(door, client, &crowd.address);
    for (unsigned i = 0; i < 3; i++)
        connect_to(door, client, &crowd.address);
    expect(f, "connection already in progress connection already in progress "
              "connection already in progress");
    assert_int_equal(look(door).totals.ignored, 3);
    assert_int_equal(look(door).state, BREAKER_PASSING);
    client_close(client);
    run_out(f);
    crowd_leave(&crowd);
}

static void on_a_handle_that_is_connected(void **state)
{
    struct fixture *f = *state;
    breaker_t *door = quick_breaker(f, "door");
    struct client *client;
    struct peer peer;

    peer_start(&peer, &f->loop, PEER_READS);
    client = client_connect(f, &peer);
    connect_to(door, client, &peer.address); /* Linux says once more that it is well */
    connect_to(door, client, &peer.address);
    expect(f, "connected socket is already connected");
    assert_int_equal(look(door).totals.ignored, 1);
    client_close(client);
    peer_stop(&peer);
    run_out(f);
}

static void to_no_address(void **state)
{
    struct fixture *f = *state;
    breaker_t *door = quick_breaker(f, "door");
    struct client *client = client_alone(f);
    struct sockaddr_in unspecified = {.sin_family = AF_UNSPEC}, any = peer_nowhere();
    struct sockaddr_in6 longer;

    connect_to(door, client, &unspecified);
    expect(f, "invalid argument");
    any.sin_port = 0;
    assert_int_equal(uv_tcp_bind(&client->tcp, (struct sockaddr *)&any, 0), 0);
    uv_ip6_addr("::1", 1, &longer);
    connect_to(door, client, &longer); /* from one of the other family */
    assert_int_equal(look(door).totals.ignored, 2);
    client_close(client);
    run_out(f);
}

static void somebody_came(uv_stream_t *listener, int status)
{
    (void)listener;
    assert_int_equal(status, 0);
}

static void of_a_pipe(void **state)
{
    struct fixture *f = *state;
    breaker_t *door = quick_breaker(f, "door");
    char name[64], endless[BREAKER_UV_PIPE_NAME + 1];
    uv_pipe_t listener, pipe;

    snprintf(name, sizeof name, "/tmp/breaker-mistakes-%d", (int)getpid());
    unlink(name);
    uv_pipe_init(&f->loop, &listener, 0);
    uv_pipe_init(&f->loop, &pipe, 0);
    assert_int_equal(uv_pipe_bind(&listener, name), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&listener, 4, somebody_came), 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(
            API(breaker_uv_pipe_connect(door, &prepare(f)->request, &pipe, name, connected)), 0);
        settle_down(f);
    }
    expect(f, "connected socket is already connected");
    assert_int_equal(look(door).totals.ignored, 1);
    memset(endless, 'x', BREAKER_UV_PIPE_NAME);
    endless[BREAKER_UV_PIPE_NAME] = '\0';
    assert_int_equal(
        API(breaker_uv_pipe_connect(door, &prepare(f)->request, &pipe, endless, connected)),
        UV_ENAMETOOLONG);
    uv_close((uv_handle_t *)&pipe, NULL);
    uv_close((uv_handle_t *)&listener, NULL);
    run_out(f);
}

static void second_chunk(breaker_uv_read_t *read, ssize_t nread, const uv_buf_t *buffer)
{
    not_inside();
    assert_null(buffer->base);
    record(read->data, "%s", breaker_strerror((int)nread));
}

static void reading_twice(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = reader_open(f, PEER_STALLS);
    breaker_uv_read_t second;

    breaker_uv_init(&second);
    second.data = f;
    reader_begin(reader, peer);
    settle_down(f);
    assert_int_equal(API(breaker_uv_read_start(peer, &second, (uv_stream_t *)&reader->client->tcp,
                                               reader_lend, second_chunk)),
                     0);
    settle_down(f);
    expect(f, "connection already in progress");
    assert_int_equal(second.call.outcome, BREAKER_IGNORED);
    assert_int_equal(API(breaker_uv_read_stop(&reader->read)), 0);
    reader_run(reader);
    assert_int_equal(look(peer).totals.ignored, 1);
}

static void reading_what_is_not_connected(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = reader_open(f, PEER_STALLS);

    client_close(reader->client);
    reader->client = client_alone(f);
    reader_begin(reader, peer);
    reader_run(reader);
    assert_int_equal(reader->last, UV_ENOTCONN);
    assert_int_equal(reader->read.call.outcome, BREAKER_IGNORED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(on_a_handle_that_connects),
        REAL_TEST(on_a_handle_that_is_connected),
        REAL_TEST(to_no_address),
        REAL_TEST(of_a_pipe),
        REAL_TEST(reading_twice),
        REAL_TEST(reading_what_is_not_connected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
