/* One request to the service, and how it is sent with a breaker and without. Both ways share the
 * I/O, the time limit and the bookkeeping; what differs is the two short parts at the end.
 */
#include <stdlib.h>
#include <string.h>

#include "demo.h"

struct request {
    breaker_call_t call;
    struct stream *stream;
    double asked; /* ms since the start */
    int status;
    unsigned handles; /* still open */
    uv_tcp_t tcp;
    uv_timer_t timer; /* of the stream without a breaker; with one, the call has a time limit */
    uv_connect_t connect;
    uv_write_t write;
    size_t length;
    char answer[64];
    void (*over)(struct request *request); /* the I/O has ended with status */
};

/* ---- The I/O: connect, send a line, read a line, close. */

static void handle_closed(uv_handle_t *handle)
{
    struct request *request = handle->data;

    if (--request->handles == 0) {
        request->over(request);
    }
}

static void end_io(struct request *request, int status)
{
    if (uv_is_closing((uv_handle_t *)&request->tcp)) {
        return;
    }
    request->status = status;
    uv_close((uv_handle_t *)&request->tcp, handle_closed);
    if (request->handles == 2) {
        uv_close((uv_handle_t *)&request->timer, handle_closed);
    }
}

static void lend_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct request *request = handle->data;

    (void)wanted;
    *buffer = uv_buf_init(request->answer + request->length,
                          (unsigned)(sizeof request->answer - request->length));
}

static void received(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct request *request = stream->data;

    (void)buffer;
    if (length < 0) {
        end_io(request, (int)length);
        return;
    }
    request->length += (size_t)length;
    if (memchr(request->answer, '\n', request->length) != NULL) {
        end_io(request, strncmp(request->answer, "ok\n", 3) == 0 ? 0 : UV_EREMOTEIO);
    } else if (request->length == sizeof request->answer) {
        end_io(request, UV_EMSGSIZE);
    }
}

static void written(uv_write_t *write, int status)
{
    if (status < 0) {
        end_io(write->data, status);
    }
}

static void connected(uv_connect_t *connect, int status)
{
    struct request *request = connect->data;
    uv_stream_t *stream = (uv_stream_t *)&request->tcp;
    uv_buf_t line = uv_buf_init((char *)"what is the time?\n", 18);

    if (status == 0) {
        status = uv_write(&request->write, stream, &line, 1, written);
    }
    if (status == 0) {
        status = uv_read_start(stream, lend_buffer, received);
    }
    if (status < 0) {
        end_io(request, status);
    }
}

static void begin_io(struct request *request, uv_loop_t *loop)
{
    struct sockaddr_in address;
    int status;

    request->stream->flow.sent++;
    request->handles++;
    uv_tcp_init(loop, &request->tcp);
    request->tcp.data = request->connect.data = request->write.data = request;
    uv_ip4_addr("127.0.0.1", request->stream->port, &address);
    status =
        uv_tcp_connect(&request->connect, &request->tcp, (struct sockaddr *)&address, connected);
    if (status < 0) {
        end_io(request, status);
    }
}

/* ---- What the user of a request saw */

static void note(struct request *request, int status, int refused)
{
    struct stream *stream = request->stream;
    struct fate *fate = run_fate(stream->run, stream->door, request->asked);
    double now = run_time(stream->run);

    if (status == 0) {
        stream->flow.answered++;
        fate->answered++;
        return;
    }
    stream->waited += now - request->asked;
    if (refused) {
        stream->flow.refused++;
        fate->refused++;
        stream->refused_when_well += now >= DEMO_HEALS_AT;
    } else {
        stream->flow.failed++;
        fate->failed++;
    }
}

/* ---- With a breaker */

static void guarded_over(struct request *request)
{
    breaker_finish(&request->call, request->status);
}

static int guarded_start(breaker_call_t *call)
{
    struct request *request = call->data;

    request->over = guarded_over;
    begin_io(request, breaker_panel_loop(breaker_panel(request->stream->breaker)));
    return 0;
}

static void guarded_stop(breaker_call_t *call) /* the time limit */
{
    end_io(call->data, UV_ETIMEDOUT);
}

static void guarded_done(breaker_call_t *call, int status)
{
    note(call->data, status, call->refused);
}

static void guarded_release(breaker_call_t *call)
{
    free(call->data);
}

static void send_guarded(struct request *request)
{
    breaker_call_init(&request->call);
    request->call.data = request;
    request->call.timeout = DEMO_PATIENCE;
    request->call.stop = guarded_stop;
    request->call.release = guarded_release;
    if (breaker_call(request->stream->breaker, &request->call, guarded_start, guarded_done) != 0) {
        note(request, UV_ENOMEM, 0);
        free(request);
    }
}

/* ---- Without */

static void bare_over(struct request *request)
{
    note(request, request->status, 0);
    free(request);
}

static void bare_timeout(uv_timer_t *timer)
{
    end_io(timer->data, UV_ETIMEDOUT);
}

static void send_bare(struct request *request, uv_loop_t *loop)
{
    request->over = bare_over;
    request->handles++;
    uv_timer_init(loop, &request->timer);
    request->timer.data = request;
    uv_timer_start(&request->timer, bare_timeout, DEMO_PATIENCE, 0);
    begin_io(request, loop);
}

void stream_send(struct stream *stream)
{
    struct request *request = calloc(1, sizeof *request);

    stream->flow.asked++;
    if (request == NULL) {
        stream->flow.failed++;
        return;
    }
    request->stream = stream;
    request->asked = run_time(stream->run);
    if (stream->breaker != NULL) {
        send_guarded(request);
    } else {
        send_bare(request, uv_default_loop());
    }
}
