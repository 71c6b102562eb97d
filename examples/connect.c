/* Finds a host and connects to it, guarded: the lookup and the connect are one call to the circuit, with
 * one deadline over both. Five attempts, one after the other; when three in a row have failed, the
 * circuit refuses the rest and spares everybody the waiting.
 *
 *     connect HOST PORT     or, without arguments, to a service of its own
 */
#include <breaker.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "local_service.h"

struct attempt {
    breaker_call_t call; /* embedded: call->data points back */
    uv_getaddrinfo_t lookup;
    uv_connect_t connect;
    uv_tcp_t tcp;
    int status;
    int stopped;
    unsigned left;
};

static uv_loop_t *loop;
static breaker_panel_t *panel;
static breaker_t *door;
static const char *host, *port;
static struct local_service service;
static unsigned connections;

/* ---- The I/O: lookup, connect, close. Each way out ends in one breaker_finish. */

static void closed(uv_handle_t *handle)
{
    struct attempt *attempt = handle->data;

    breaker_finish(&attempt->call, attempt->status);
}

static void close_tcp(struct attempt *attempt, int status)
{
    attempt->status = status;
    if (!uv_is_closing((uv_handle_t *)&attempt->tcp)) {
        uv_close((uv_handle_t *)&attempt->tcp, closed);
    }
}

static void connected(uv_connect_t *request, int status)
{
    /* A real program would keep the connection and use it; here it is enough to have had it. */
    close_tcp(request->data, status);
}

static void looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    struct attempt *attempt = request->data;

    if (status == 0 && attempt->stopped) {
        status = UV_ECANCELED; /* too late: nobody waits for it any more */
    }
    if (status == 0) {
        status = uv_tcp_init(loop, &attempt->tcp);
    }
    if (status == 0) {
        attempt->tcp.data = attempt->connect.data = attempt;
        status = uv_tcp_connect(&attempt->connect, &attempt->tcp, list->ai_addr, connected);
        if (status < 0) {
            close_tcp(attempt, status);
        }
    } else {
        breaker_finish(&attempt->call, status);
    }
    uv_freeaddrinfo(list);
}

/* ---- The guard around it */

static int start(breaker_call_t *call)
{
    struct attempt *attempt = call->data;
    struct addrinfo hints;

    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    attempt->stopped = 0;
    attempt->lookup.data = attempt;
    attempt->tcp.data = NULL; /* no connection yet */
    return uv_getaddrinfo(loop, &attempt->lookup, looked_up, host, port, &hints);
}

/* The deadline has passed: end whatever is under way. breaker_finish follows from its callback. */
static void stop(breaker_call_t *call)
{
    struct attempt *attempt = call->data;

    attempt->stopped = 1;
    if (attempt->tcp.data != NULL) {
        close_tcp(attempt, UV_ECANCELED);
    } else {
        uv_cancel((uv_req_t *)&attempt->lookup);
    }
}

static void done(breaker_call_t *call, int status)
{
    if (status == 0) {
        connections++;
        printf("connected to %s:%s\n", host, port);
    } else if (call->refused) {
        printf("not tried: %s; ask again in %u ms\n", breaker_strerror(call->last_error),
               (unsigned)call->retry_after);
    } else {
        printf("failed: %s\n", breaker_strerror(status));
    }
}

/* After release nobody but us touches the memory: it may be freed, or used again. */
static void release(breaker_call_t *call)
{
    struct attempt *attempt = call->data;

    if (--attempt->left > 0 && breaker_call(door, call, start, done) == 0) {
        return;
    }
    if (service.port != 0) {
        local_service_stop(&service);
    }
    breaker_panel_destroy(panel, NULL);
}

int main(int argc, char **argv)
{
    breaker_options_t options;
    breaker_policy_t *policy;
    struct attempt attempt;
    char own_port[8];

    loop = uv_default_loop();
    if (argc == 3) {
        host = argv[1];
        port = argv[2];
    } else if (local_service_start(&service, loop) == 0) {
        snprintf(own_port, sizeof own_port, "%d", service.port);
        host = "127.0.0.1";
        port = own_port;
    } else {
        return 1;
    }

    breaker_options_init(&options);
    options.consecutive_failures = 3;
    if (breaker_policy_create(&policy, &options, NULL) != 0 ||
        breaker_panel_create(&panel, loop, NULL) != 0 ||
        breaker_create(&door, panel, "door", policy) != 0) {
        return 1;
    }
    breaker_policy_destroy(policy); /* the breaker holds it from here on */

    breaker_call_init(&attempt.call);
    attempt.call.data = &attempt;
    attempt.call.timeout = 3000;
    attempt.call.stop = stop;
    attempt.call.release = release;
    attempt.left = 5;
    if (breaker_call(door, &attempt.call, start, done) != 0) {
        return 1;
    }
    uv_run(loop, UV_RUN_DEFAULT);
    return uv_loop_close(loop) != 0 || connections == 0;
}
