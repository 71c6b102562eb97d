/* Guarded writes and shutdowns, to peers that read, that do not, and that break off. */
#include "client.h"
#include <breaker/uv.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct message {
    breaker_uv_write_t write;
    breaker_uv_shutdown_t shutdown;
    struct client *client;
    const char *name;
    uv_buf_t buffers[2];
    int status;
    bool is_over;
};

static void told(struct message *message, int status)
{
    not_inside();
    message->status = status;
    message->is_over = true;
    record(message->client->f, "%s: %s", message->name,
           status == 0 ? "done" : breaker_strerror(status));
}

static void written(uv_write_t *req, int status)
{
    struct message *message = req->data;

    assert_ptr_equal(req->handle, &message->client->tcp);
    told(message, status);
}

static void shut(uv_shutdown_t *req, int status)
{
    struct message *message = req->data;

    assert_ptr_equal(req->handle, &message->client->tcp);
    told(message, status);
}

static void released(breaker_call_t *call)
{
    struct message *message = call->data;

    record(message->client->f, "%s: released", message->name);
}

static struct message *prepare(struct client *client, const char *name)
{
    struct message *message = keep(client->f, sizeof *message);

    breaker_uv_init(&message->write);
    breaker_uv_init(&message->shutdown);
    message->write.req.data = message->write.call.data = message;
    message->shutdown.req.data = message->shutdown.call.data = message;
    message->client = client;
    message->name = name;
    return message;
}

static struct message *say(breaker_t *breaker, struct client *client, const char *text)
{
    struct message *message = prepare(client, text);

    message->buffers[0] = uv_buf_init((char *)(uintptr_t)text, (unsigned)strlen(text));
    message->buffers[1] = uv_buf_init((char *)(uintptr_t) ".", 1);
    assert_int_equal(API(breaker_uv_write(breaker, &message->write, (uv_stream_t *)&client->tcp,
                                          message->buffers, 2, written)),
                     0);
    return message;
}

static struct message *shut_down(breaker_t *breaker, struct client *client)
{
    struct message *message = prepare(client, "shutdown");

    assert_int_equal(
        API(breaker_uv_shutdown(breaker, &message->shutdown, (uv_stream_t *)&client->tcp, shut)),
        0);
    return message;
}

/* More than the system buffers. */
static struct message *say_much(breaker_t *breaker, struct client *client)
{
    enum { MUCH = 32 << 20 };
    struct message *message = prepare(client, "much");

    message->buffers[0] = uv_buf_init(keep(client->f, MUCH), MUCH);
    message->write.call.release = released;
    assert_int_equal(API(breaker_uv_write(breaker, &message->write, (uv_stream_t *)&client->tcp,
                                          message->buffers, 1, written)),
                     0);
    return message;
}

static void in_the_order_of_asking(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer_breaker = quick_breaker(f, "peer");
    struct peer peer;
    struct client *client;

    peer_start(&peer, &f->loop, PEER_READS);
    client = client_connect(f, &peer);
    say(peer_breaker, client, "one");
    say(peer_breaker, client, "two");
    shut_down(peer_breaker, client);
    while (peer.ends == 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_string_equal(peer.first, "one.two.");
    client_close(client);
    peer_stop(&peer);
    run_out(f);
    expect(f, "one: done two: done shutdown: done closed");
    assert_int_equal(look(peer_breaker).totals.ok, 3);
}

static void a_peer_that_does_not_read(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer_breaker = quick_breaker(f, "peer");
    struct peer peer;
    struct client *client;
    struct message *message;

    peer_start(&peer, &f->loop, PEER_STALLS);
    client = client_connect(f, &peer);
    message = say_much(peer_breaker, client);
    message->write.call.timeout = 30;
    while (!message->is_over)
        uv_run(&f->loop, UV_RUN_ONCE);
    settle_down(f);
    expect(f, "much: connection timed out");
    client_close(client);
    peer_stop(&peer);
    run_out(f);
    expect(f, "closed much: released");
    assert_int_equal(look(peer_breaker).totals.failed, 1);
    assert_int_equal(look(peer_breaker).totals.late, 0);
}

static void cancelled(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer_breaker = quick_breaker(f, "peer");
    struct peer peer;
    struct client *client;
    struct message *message, *end;

    peer_start(&peer, &f->loop, PEER_STALLS);
    client = client_connect(f, &peer);
    message = say_much(peer_breaker, client);
    end = shut_down(peer_breaker, client);
    settle_down(f);
    assert_int_equal(API(breaker_uv_cancel(&end->shutdown)), 0);
    assert_int_equal(API(breaker_uv_cancel(&message->write)), 0);
    settle_down(f);
    expect(f, "shutdown: operation canceled much: operation canceled");
    client_close(client);
    peer_stop(&peer);
    run_out(f);
    expect(f, "closed much: released");
    assert_int_equal(look(peer_breaker).totals.cancelled, 2);
}

static void a_peer_that_resets(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer_breaker = quick_breaker(f, "peer");
    struct peer peer;
    struct client *client;
    struct message *message;

    signal(SIGPIPE, SIG_IGN);
    peer_start(&peer, &f->loop, PEER_BREAKS_OFF);
    client = client_connect(f, &peer);
    message = say_much(peer_breaker, client);
    while (!message->is_over)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_true(message->status == UV_ECONNRESET || message->status == UV_EPIPE);
    for (unsigned i = 0; i < 3; i++) {
        say(peer_breaker, client, "more");
        settle_down(f);
    }
    client_close(client);
    peer_stop(&peer);
    run_out(f);
    assert_non_null(strstr(f->trace, "more: refused by the circuit breaker"));
    assert_int_equal(look(peer_breaker).totals.failed, 3);
}

/* What is refused is not on the wire; what is asked for after it is. */
static void refused(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer_breaker = quick_breaker(f, "peer");
    struct peer peer;
    struct client *client;

    peer_start(&peer, &f->loop, PEER_READS);
    client = client_connect(f, &peer);
    say(peer_breaker, client, "one");
    settle_down(f);
    breaker_trip(peer_breaker, NULL, NULL);
    say(peer_breaker, client, "two");
    shut_down(peer_breaker, client);
    settle_down(f);
    breaker_reset(peer_breaker, NULL, NULL);
    say(peer_breaker, client, "three");
    shut_down(peer_breaker, client);
    while (peer.ends == 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_string_equal(peer.first, "one.three.");
    client_close(client);
    peer_stop(&peer);
    run_out(f);
    expect(f, "one: done two: refused by the circuit breaker "
              "shutdown: refused by the circuit breaker three: done shutdown: done closed");
    assert_int_equal(look(peer_breaker).totals.rejected, 2);
}

/* On a handle that was never connected: nobody was asked, and nothing is said about a peer. */
static void mistakes_say_nothing(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer_breaker = quick_breaker(f, "peer");
    struct client *client = client_alone(f);

    for (unsigned i = 0; i < 2; i++) {
        say(peer_breaker, client, "one");
        shut_down(peer_breaker, client);
        settle_down(f);
    }
    expect(f, "one: bad file descriptor shutdown: socket is not connected "
              "one: bad file descriptor shutdown: socket is not connected");
    assert_int_equal(look(peer_breaker).totals.ignored, 4);
    client_close(client);
    run_out(f);
}

/* A short array may lie on the stack; of a long one, the guard keeps the address. */
static void arrays_of_buffers(void **state)
{
    static char text[] = "abcdef";
    struct fixture *f = *state;
    breaker_t *peer_breaker = quick_breaker(f, "peer");
    uv_buf_t buffers[6], few[BREAKER_UV_FEW];
    struct peer peer;
    struct client *client;

    peer_start(&peer, &f->loop, PEER_READS);
    client = client_connect(f, &peer);
    for (unsigned i = 0; i < 6; i++)
        buffers[i] = uv_buf_init(text + i, 1);
    memcpy(few, buffers, sizeof few);
    assert_int_equal(
        API(breaker_uv_write(peer_breaker, &prepare(client, "few")->write,
                             (uv_stream_t *)&client->tcp, few, BREAKER_UV_FEW, written)),
        0);
    memset(few, 0, sizeof few);
    assert_int_equal(API(breaker_uv_write(peer_breaker, &prepare(client, "many")->write,
                                          (uv_stream_t *)&client->tcp, buffers, 6, written)),
                     0);
    while (peer.received < BREAKER_UV_FEW + 6)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_string_equal(peer.first, "abcdabcdef");
    client_close(client);
    peer_stop(&peer);
    run_out(f);
    expect(f, "few: done many: done closed");
}

static void closed_before_the_start(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer_breaker = quick_breaker(f, "peer");
    struct peer peer;
    struct client *client;

    peer_start(&peer, &f->loop, PEER_READS);
    client = client_connect(f, &peer);
    say(peer_breaker, client, "one");
    shut_down(peer_breaker, client);
    client_close(client);
    peer_stop(&peer);
    run_out(f);
    expect(f, "one: operation canceled shutdown: operation canceled closed");
    assert_int_equal(look(peer_breaker).totals.cancelled, 2);
}

static void misuse(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer_breaker = quick_breaker(f, "peer");
    struct peer peer;
    struct client *client;
    struct message *message;
    uv_stream_t *stream;

    peer_start(&peer, &f->loop, PEER_READS);
    client = client_connect(f, &peer);
    stream = (uv_stream_t *)&client->tcp;
    message = prepare(client, "bad");
    assert_int_equal(API(breaker_uv_write(peer_breaker, &message->write, stream, NULL, 1, written)),
                     UV_EINVAL);
    assert_int_equal(
        API(breaker_uv_write(peer_breaker, &message->write, stream, message->buffers, 0, written)),
        UV_EINVAL);
    assert_int_equal(
        API(breaker_uv_write(peer_breaker, &message->write, stream, message->buffers, 1, NULL)),
        UV_EINVAL);
    assert_int_equal(API(breaker_uv_shutdown(peer_breaker, &message->shutdown, NULL, shut)),
                     UV_EINVAL);
    assert_int_equal(API(breaker_uv_shutdown(peer_breaker, NULL, stream, shut)), UV_EINVAL);
    client_close(client);
    peer_stop(&peer);
    run_out(f);
    expect(f, "closed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(in_the_order_of_asking),
        REAL_TEST(a_peer_that_does_not_read),
        REAL_TEST(cancelled),
        REAL_TEST(a_peer_that_resets),
        REAL_TEST(refused),
        REAL_TEST(mistakes_say_nothing),
        REAL_TEST(arrays_of_buffers),
        REAL_TEST(closed_before_the_start),
        REAL_TEST(misuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
