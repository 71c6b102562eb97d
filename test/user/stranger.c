/* A program by somebody who had breaker.h and nothing else: no example, no README, no source. It keeps a
 * list of upstreams on loopback, one that listens and one that does not, and connects to them in turn
 * through one breaker each. What it shows is that the header suffices.
 */
#include <breaker.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define ROUNDS 12

struct upstream {
    const char *name;
    struct sockaddr_in address;
    unsigned connected, refused_by_peer, rejected, other;
};

struct dial {
    breaker_call_t call;
    uv_connect_t connect;
    uv_tcp_t tcp;
    struct upstream *upstream;
    int result;
};

static uv_loop_t loop;
static breaker_panel_t *panel;
static breaker_policy_t *policy;
static struct upstream upstreams[2];
static unsigned running, rounds, released;
static int panel_gone;
static breaker_snapshot_t snapshot;
static uv_tcp_t listener;

static void begin_round(void);

static void on_tcp_closed(uv_handle_t *handle)
{
    struct dial *dial = handle->data;
    breaker_finish(&dial->call, dial->result);
}

static void on_connect(uv_connect_t *connect, int status)
{
    struct dial *dial = connect->data;
    dial->result = status;
    if (!uv_is_closing((uv_handle_t *)&dial->tcp)) {
        uv_close((uv_handle_t *)&dial->tcp, on_tcp_closed);
    }
}

static int start(breaker_call_t *call)
{
    struct dial *dial = call->data;
    int err = uv_tcp_init(&loop, &dial->tcp);
    if (err != 0) {
        return err;
    }
    dial->tcp.data = dial;
    dial->connect.data = dial;
    err = uv_tcp_connect(&dial->connect, &dial->tcp,
                         (const struct sockaddr *)&dial->upstream->address, on_connect);
    if (err != 0) {
        dial->result = err;
        uv_close((uv_handle_t *)&dial->tcp, on_tcp_closed);
    }
    return 0;
}

static void stop(breaker_call_t *call)
{
    struct dial *dial = call->data;
    dial->result = UV_ECANCELED;
    if (!uv_is_closing((uv_handle_t *)&dial->tcp)) {
        uv_close((uv_handle_t *)&dial->tcp, on_tcp_closed);
    }
}

static void done(breaker_call_t *call, int status)
{
    struct dial *dial = call->data;
    if (status == 0) {
        dial->upstream->connected++;
    } else if (status == UV_ECONNREFUSED) {
        dial->upstream->refused_by_peer++;
    } else if (status == BREAKER_EREJECTED) {
        dial->upstream->rejected++;
        breaker_inspect(breaker_find(panel, dial->upstream->name), &snapshot);
    } else {
        dial->upstream->other++;
        fprintf(stderr, "%s: %s\n", dial->upstream->name, breaker_strerror(status));
    }
}

static void on_panel_gone(void *data)
{
    (void)data;
    panel_gone = 1;
}

static void release(breaker_call_t *call)
{
    free(call->data);
    released++;
    if (--running == 0) {
        if (++rounds < ROUNDS) {
            begin_round();
        } else {
            uv_close((uv_handle_t *)&listener, NULL);
            breaker_panel_destroy(panel, on_panel_gone);
        }
    }
}

static void dial_upstream(struct upstream *upstream)
{
    struct dial *dial = calloc(1, sizeof *dial);
    breaker_t *breaker;
    if (dial == NULL || breaker_obtain(&breaker, panel, upstream->name, policy) != 0) {
        abort();
    }
    breaker_call_init(&dial->call);
    dial->upstream = upstream;
    dial->call.data = dial;
    dial->call.stop = stop;
    dial->call.release = release;
    dial->call.timeout = 5000;
    if (breaker_call(breaker, &dial->call, start, done) != 0) {
        abort();
    }
    running++;
}

static void begin_round(void)
{
    dial_upstream(&upstreams[0]);
    dial_upstream(&upstreams[1]);
}

static void on_visitor(uv_stream_t *server, int status)
{
    /* Connections wait in the backlog; the kernel has answered them already. */
    (void)server;
    (void)status;
}

/* One port where somebody listens, and one where nobody does any more. */
static int prepare_upstreams(void)
{
    struct sockaddr_in any;
    uv_tcp_t silent;
    int length = sizeof any, err;

    upstreams[0].name = "listening";
    upstreams[1].name = "silent";
    uv_ip4_addr("127.0.0.1", 0, &any);
    uv_tcp_init(&loop, &listener);
    uv_tcp_init(&loop, &silent);
    if ((err = uv_tcp_bind(&listener, (const struct sockaddr *)&any, 0)) != 0 ||
        (err = uv_tcp_bind(&silent, (const struct sockaddr *)&any, 0)) != 0 ||
        (err = uv_listen((uv_stream_t *)&listener, 64, on_visitor)) != 0 ||
        (err = uv_tcp_getsockname(&listener, (struct sockaddr *)&upstreams[0].address, &length)) !=
            0) {
        return err;
    }
    length = sizeof any;
    err = uv_tcp_getsockname(&silent, (struct sockaddr *)&upstreams[1].address, &length);
    uv_close((uv_handle_t *)&silent, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
    return err;
}

static int expect(const char *what, unsigned is, unsigned should)
{
    if (is != should) {
        fprintf(stderr, "%s: %u, not %u\n", what, is, should);
    }
    return is != should;
}

int main(void)
{
    breaker_options_t options;
    const char *bad_field;
    int wrong = 0;

    uv_loop_init(&loop);
    breaker_options_init(&options);
    options.consecutive_failures = 4;
    options.broken_time = 60000;
    if (breaker_policy_create(&policy, &options, &bad_field) != 0) {
        fprintf(stderr, "bad option: %s\n", bad_field);
        return 1;
    }
    if (breaker_panel_create(&panel, &loop, NULL) != 0 || prepare_upstreams() != 0) {
        return 1;
    }
    begin_round();
    uv_run(&loop, UV_RUN_DEFAULT);
    breaker_policy_destroy(policy);

    wrong |= expect("connected", upstreams[0].connected, ROUNDS);
    wrong |= expect("connections refused", upstreams[1].refused_by_peer, 4);
    wrong |= expect("calls rejected", upstreams[1].rejected, ROUNDS - 4);
    wrong |= expect("others", upstreams[0].other + upstreams[1].other, 0);
    wrong |= expect("released", released, 2 * ROUNDS);
    wrong |= expect("panel gone", (unsigned)panel_gone, 1);
    wrong |= expect("state", snapshot.state, BREAKER_BROKEN);
    wrong |= expect("last error", (unsigned)-snapshot.last_error, (unsigned)-UV_ECONNREFUSED);
    wrong |= expect("uv_loop_close", (unsigned)-uv_loop_close(&loop), 0);
    return wrong;
}
