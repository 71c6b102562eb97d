/* Reads a stream to its end, guarded: a stream that began well is no success yet. The call is over when
 * the last byte has come, or the connection broke off, or the deadline passed. Three streams from a
 * local service, of which only the first ends as it should.
 */
#include <breaker.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "local_service.h"

struct download {
    breaker_call_t call;
    uv_connect_t connect;
    uv_tcp_t tcp;
    char buffer[512];
    size_t received;
    int status;
};

static const enum local_habit habits[] = {LOCAL_SENDS_ALL, LOCAL_STALLS, LOCAL_BREAKS_OFF};
static const char *const titles[] = {"a whole stream", "one that stalls", "one that breaks off"};
static const int expected[] = {0, UV_ETIMEDOUT, UV_EOF};

static uv_loop_t *loop;
static breaker_panel_t *panel;
static breaker_t *files;
static struct local_service service;
static unsigned round_number, as_expected;

/* ---- The I/O. Every end leads through closed, and so to one breaker_finish. */

static void closed(uv_handle_t *handle)
{
    struct download *download = handle->data;

    breaker_finish(&download->call, download->status);
}

static void end(struct download *download, int status)
{
    if (!uv_is_closing((uv_handle_t *)&download->tcp)) {
        download->status = status;
        uv_close((uv_handle_t *)&download->tcp, closed);
    }
}

static void lend_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct download *download = handle->data;

    (void)wanted;
    *buffer = uv_buf_init(download->buffer, sizeof download->buffer);
}

static void received(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct download *download = stream->data;

    (void)buffer;
    if (length >= 0) {
        download->received += (size_t)length; /* a part: says nothing about the whole */
    } else if (length == UV_EOF && download->received == LOCAL_LENGTH) {
        end(download, 0);
    } else {
        end(download, (int)length); /* UV_EOF too: an end before the end is a failure */
    }
}

static void connected(uv_connect_t *request, int status)
{
    struct download *download = request->data;

    if (status == 0) {
        status = uv_read_start((uv_stream_t *)&download->tcp, lend_buffer, received);
    }
    if (status < 0) {
        end(download, status);
    }
}

/* ---- The guard around it */

static int start(breaker_call_t *call)
{
    struct download *download = call->data;
    struct sockaddr_in address;
    int status;

    download->received = 0;
    download->tcp.data = download->connect.data = download;
    uv_ip4_addr("127.0.0.1", service.port, &address);
    if ((status = uv_tcp_init(loop, &download->tcp)) < 0) {
        return status; /* nothing was begun, so no breaker_finish */
    }
    status =
        uv_tcp_connect(&download->connect, &download->tcp, (struct sockaddr *)&address, connected);
    if (status < 0) {
        end(download, status); /* a handle was begun: breaker_finish comes when it is closed */
    }
    return 0;
}

static void stop(breaker_call_t *call)
{
    end(call->data, UV_ECANCELED);
}

static void done(breaker_call_t *call, int status)
{
    struct download *download = call->data;

    printf("%-20s %3zu bytes, then: %s\n", titles[round_number], download->received,
           status == 0 ? "all of it" : breaker_strerror(status));
    as_expected += status == expected[round_number];
}

static void begin(breaker_call_t *call)
{
    service.habit = habits[round_number];
    if (breaker_call(files, call, start, done) != 0) {
        round_number = 3;
    }
}

static void release(breaker_call_t *call)
{
    breaker_snapshot_t now;

    if (++round_number < 3) {
        begin(call);
        return;
    }
    breaker_inspect(files, &now);
    printf("the circuit counts %u good and %u failed\n", now.counts.ok, now.counts.failed);
    local_service_stop(&service);
    breaker_panel_destroy(panel, NULL);
}

int main(void)
{
    breaker_policy_t *policy;
    struct download download;

    loop = uv_default_loop();
    if (local_service_start(&service, loop) != 0 ||
        breaker_policy_create(&policy, NULL, NULL) != 0 || /* NULL: the default options */
        breaker_panel_create(&panel, loop, NULL) != 0 ||
        breaker_create(&files, panel, "files", policy) != 0) {
        return 1;
    }
    breaker_policy_destroy(policy);

    breaker_call_init(&download.call);
    download.call.data = &download;
    download.call.timeout = 300;
    download.call.stop = stop;
    download.call.release = release;
    begin(&download.call);
    uv_run(loop, UV_RUN_DEFAULT);
    return uv_loop_close(loop) != 0 || as_expected != 3;
}
