/* Guarded connects, to peers that answer, that are not there, and that never answer. */
#include "peer.h"
#include <breaker/dialects.h>
#include <breaker/uv.h>
#include <fixture.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct attempt {
    breaker_uv_connect_t request;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
    struct fixture *f;
    bool is_pipe, stay; /* the handle is not closed in the callback */
};

static void handle_closed(uv_handle_t *handle)
{
    record(((struct attempt *)handle->data)->f, "closed");
}

static void connected(uv_connect_t *req, int status)
{
    struct attempt *attempt = req->data;
    uv_stream_t *expected =
        attempt->is_pipe ? (uv_stream_t *)&attempt->pipe : (uv_stream_t *)&attempt->tcp;

    not_inside();
    assert_ptr_equal(req->handle, expected);
    record(attempt->f, "%s", status == 0 ? "connected" : breaker_strerror(status));
    if (!attempt->stay && !uv_is_closing((uv_handle_t *)req->handle))
        uv_close((uv_handle_t *)req->handle, handle_closed);
}

static void released(breaker_call_t *call)
{
    not_inside();
    record(((struct attempt *)call->data)->f, "released");
}

static struct attempt *prepare(struct fixture *f)
{
    struct attempt *attempt = keep(f, sizeof *attempt);

    breaker_uv_init(&attempt->request);
    attempt->f = f;
    attempt->request.req.data = attempt->request.call.data = attempt;
    attempt->request.call.release = released;
    attempt->tcp.data = attempt->pipe.data = attempt;
    return attempt;
}

static struct attempt *begin(struct fixture *f, breaker_t *breaker, struct sockaddr_in address)
{
    struct attempt *attempt = prepare(f);

    uv_tcp_init(&f->loop, &attempt->tcp);
    assert_int_equal(API(breaker_uv_tcp_connect(breaker, &attempt->request, &attempt->tcp,
                                                (struct sockaddr *)&address, connected)),
                     0);
    return attempt;
}

static void connects(void **state)
{
    struct fixture *f = *state;
    breaker_t *door = quick_breaker(f, "door");
    struct peer peer;
    struct attempt *attempt;

    peer_start(&peer, &f->loop, PEER_READS);
    attempt = begin(f, door, peer.address);
    while (attempt->request.call.outcome == 0 || !uv_is_closing((uv_handle_t *)&attempt->tcp))
        uv_run(&f->loop, UV_RUN_ONCE);
    settle_down(f);
    peer_stop(&peer);
    run_out(f);
    expect(f, "connected released closed");
    assert_int_equal(look(door).totals.ok, 1);
}

static void connects_by_a_long_address(void **state)
{
    struct fixture *f = *state;
    breaker_t *door = quick_breaker(f, "door");
    struct attempt *attempt;
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        skip(); /* no IPv6 here */
    }
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    attempt = prepare(f);
    memset(&attempt->request.guard, 0x55, sizeof attempt->request.guard);
    uv_tcp_init(&f->loop, &attempt->tcp);
    assert_int_equal(API(breaker_uv_tcp_connect(door, &attempt->request, &attempt->tcp,
                                                (struct sockaddr *)&address, connected)),
                     0);
    memset(&address, 0, sizeof address); /* it was copied */
    run_out(f);
    expect(f, "connected released closed");
    close(fd);
}

static void nobody_there_is_a_failure_and_then_a_refusal(void **state)
{
    struct fixture *f = *state;
    breaker_t *door = quick_breaker(f, "door");
    struct attempt *attempt = NULL;

    for (unsigned i = 0; i < 4; i++) {
        attempt = begin(f, door, peer_nowhere());
        attempt->request.call.release = NULL;
        run_out(f);
    }
    expect(f, "connection refused closed connection refused closed connection refused closed "
              "refused by the circuit breaker closed");
    assert_int_equal(attempt->request.call.refused, 1);
    assert_int_equal(attempt->request.call.last_error, UV_ECONNREFUSED);
    assert_int_equal(look(door).totals.failed, 3);
}

static void no_answer_times_out_and_ends_with_the_handle(void **state)
{
    struct fixture *f = *state;
    breaker_t *door = quick_breaker(f, "door");
    struct crowd crowd;
    struct attempt *attempt;

    crowd_gather(&crowd);
    attempt = begin(f, door, crowd.address);
    attempt->request.call.timeout = 20;
    attempt->stay = true;
    while (look(door).totals.timed_out == 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    settle_down(f);
    expect(f, "connection timed out");
    assert_int_equal(attempt->request.call.outcome, BREAKER_FAILURE);
    assert_int_equal(API(breaker_uv_tcp_connect(door, &attempt->request, &attempt->tcp,
                                                (struct sockaddr *)&crowd.address, connected)),
                     UV_EBUSY);
    uv_close((uv_handle_t *)&attempt->tcp, handle_closed);
    run_out(f);
    expect(f, "closed released");
    assert_int_equal(look(door).totals.late, 0);
    crowd_leave(&crowd);
}

static void cancelled(void **state)
{
    struct fixture *f = *state;
    breaker_t *door = quick_breaker(f, "door");
    struct crowd crowd;
    struct attempt *early, *late;

    crowd_gather(&crowd);
    early = begin(f, door, crowd.address);
    assert_int_equal(API(breaker_uv_cancel(&early->request)), 0);
    run_out(f);
    expect(f, "operation canceled released closed");
    late = begin(f, door, crowd.address);
    settle_down(f);
    expect(f, "");
    assert_int_equal(API(breaker_uv_cancel(&late->request)), 0);
    run_out(f);
    expect(f, "operation canceled closed released");
    assert_int_equal(look(door).totals.failed, 0);
    assert_int_equal(look(door).totals.cancelled, 1);
    crowd_leave(&crowd);
}

static void a_handle_closed_before_the_start(void **state)
{
    struct fixture *f = *state;
    breaker_t *door = quick_breaker(f, "door");
    struct attempt *attempt = begin(f, door, peer_nowhere());

    uv_close((uv_handle_t *)&attempt->tcp, NULL);
    run_out(f);
    expect(f, "operation canceled released");
    assert_int_equal(look(door).totals.cancelled, 1);
}

/* libuv's callback would come before the close callback; the guard's, and release, come after. */
static void given_up_by_closing(void **state)
{
    struct fixture *f = *state;
    breaker_t *door = quick_breaker(f, "door");
    struct crowd crowd;
    struct attempt *attempt;

    crowd_gather(&crowd);
    attempt = begin(f, door, crowd.address);
    settle_down(f);
    uv_close((uv_handle_t *)&attempt->tcp, handle_closed);
    run_out(f);
    expect(f, "closed operation canceled released");
    assert_int_equal(look(door).totals.cancelled, 1);
    crowd_leave(&crowd);
}

static void the_breaker_goes_away(void **state)
{
    struct fixture *f = *state;
    breaker_t *door = quick_breaker(f, "door");
    struct crowd crowd;

    crowd_gather(&crowd);
    begin(f, door, crowd.address);
    settle_down(f);
    API_VOID(breaker_destroy(door));
    run_out(f);
    expect(f, "operation canceled closed released");
    crowd_leave(&crowd);
}

/* One that asks a storage first, and says which call it was that tripped. */
static void with_a_dialect(void **state)
{
    struct fixture *f = *state;
    breaker_pybreaker_t py;
    breaker_options_t options;
    breaker_t *door;

    breaker_pybreaker_init(&py);
    py.fail_max = 2;
    breaker_options_init(&options);
    options.dialect = &py.dialect;
    door = make_breaker(f, "door", &options);
    for (unsigned i = 0; i < 3; i++) {
        begin(f, door, peer_nowhere());
        run_out(f);
    }
    expect(f, "connection refused released closed "
              "this call tripped the circuit breaker released closed "
              "refused by the circuit breaker released closed");
}

static void pipes(void **state)
{
    struct fixture *f = *state;
    breaker_t *door = quick_breaker(f, "door");
    struct attempt *attempt = prepare(f);

    uv_pipe_init(&f->loop, &attempt->pipe, 0);
    assert_int_equal(API(breaker_uv_pipe_connect(door, &attempt->request, &attempt->pipe,
                                                 "/nonexistent/socket", connected)),
                     0);
    attempt->is_pipe = true;
    run_out(f);
    expect(f, "no such file or directory released closed");
    assert_int_equal(look(door).totals.failed, 1);
}

static void a_pipe_closed_before_the_start(void **state)
{
    struct fixture *f = *state;
    breaker_t *door = quick_breaker(f, "door");
    struct attempt *attempt = prepare(f);

    attempt->is_pipe = true;
    uv_pipe_init(&f->loop, &attempt->pipe, 0);
    assert_int_equal(API(breaker_uv_pipe_connect(door, &attempt->request, &attempt->pipe,
                                                 "/nonexistent/socket", connected)),
                     0);
    uv_close((uv_handle_t *)&attempt->pipe, NULL);
    run_out(f);
    expect(f, "operation canceled released");
    assert_int_equal(look(door).totals.cancelled, 1);
}

static void somebody_came(uv_stream_t *listener, int status)
{
    assert_int_equal(status, 0);
    if (!uv_is_closing((uv_handle_t *)listener))
        uv_close((uv_handle_t *)listener, NULL);
}

static void pipes_connect(void **state)
{
    struct fixture *f = *state;
    breaker_t *door = quick_breaker(f, "door");
    struct attempt *attempt = prepare(f);
    uv_pipe_t listener;
    char name[64];

    snprintf(name, sizeof name, "/tmp/breaker-guard-%d", (int)getpid());
    unlink(name);
    uv_pipe_init(&f->loop, &listener, 0);
    uv_pipe_init(&f->loop, &attempt->pipe, 0);
    assert_int_equal(uv_pipe_bind(&listener, name), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&listener, 4, somebody_came), 0);
    assert_int_equal(
        API(breaker_uv_pipe_connect(door, &attempt->request, &attempt->pipe, name, connected)), 0);
    memset(name, 'x', sizeof name); /* it was copied */
    attempt->is_pipe = true;
    run_out(f);
    expect(f, "connected released closed");
    assert_int_equal(look(door).totals.ok, 1);
}

static void misuse(void **state)
{
    struct fixture *f = *state;
    breaker_t *door = quick_breaker(f, "door");
    struct attempt *attempt = prepare(f);
    struct sockaddr_in nowhere = peer_nowhere();
    const struct sockaddr *address = (struct sockaddr *)&nowhere;
    uv_loop_t other;

    uv_loop_init(&other);
    uv_tcp_init(&other, &attempt->tcp);
    assert_int_equal(
        API(breaker_uv_tcp_connect(door, &attempt->request, &attempt->tcp, address, connected)),
        UV_EINVAL);
    uv_close((uv_handle_t *)&attempt->tcp, NULL);
    uv_run(&other, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&other), 0);
    assert_int_equal(API(breaker_uv_tcp_connect(door, &attempt->request, NULL, address, connected)),
                     UV_EINVAL);
    uv_tcp_init(&f->loop, &attempt->tcp);
    assert_int_equal(
        API(breaker_uv_tcp_connect(NULL, &attempt->request, &attempt->tcp, address, connected)),
        UV_EINVAL);
    assert_int_equal(
        API(breaker_uv_tcp_connect(door, &attempt->request, &attempt->tcp, NULL, connected)),
        UV_EINVAL);
    assert_int_equal(
        API(breaker_uv_tcp_connect(door, &attempt->request, &attempt->tcp, address, NULL)),
        UV_EINVAL);
    uv_close((uv_handle_t *)&attempt->tcp, NULL);
    run_out(f);
    expect(f, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(connects),
        REAL_TEST(connects_by_a_long_address),
        REAL_TEST(nobody_there_is_a_failure_and_then_a_refusal),
        REAL_TEST(no_answer_times_out_and_ends_with_the_handle),
        REAL_TEST(cancelled),
        REAL_TEST(a_handle_closed_before_the_start),
        REAL_TEST(given_up_by_closing),
        REAL_TEST(the_breaker_goes_away),
        REAL_TEST(with_a_dialect),
        REAL_TEST(pipes),
        REAL_TEST(a_pipe_closed_before_the_start),
        REAL_TEST(pipes_connect),
        REAL_TEST(misuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
