/* Guards a read stream from its start to its end: one call, one permit. Knows when a stream is
 * idle, and that the request is not the caller's before the timer in it is closed: so the I/O is
 * over, and the last callback due, when reading has been stopped and the timer is gone. */
#include "../guard.h"
#include <breaker/uv.h>

static breaker_uv_read_t *of(breaker_call_t *call)
{
    return GUARD_OF(breaker_uv_read_t, call, call);
}

/* ---- The two ends -----------------------------------------------------------------------------*/

static void tell(breaker_uv_read_t *request)
{
    request->guard.read(request, request->guard.last, &request->guard.buffer);
}

/* The I/O is over. */
static void finish(breaker_uv_read_t *request)
{
    bool told = request->guard.told != 0;

    request->guard.begun = 0;
    if (request->guard.outcome == 0)
        breaker_finish(&request->call, request->guard.status);
    else
        breaker_finish_as(&request->call, request->guard.status, request->guard.outcome);
    if (told)
        tell(request);
}

static void closed(uv_handle_t *timer)
{
    finish(GUARD_OF(breaker_uv_read_t, guard.timer, timer));
}

/* Ends the I/O, once. The outcome 0: the policy judges the status. */
static void end(breaker_uv_read_t *request, int status, breaker_outcome_t outcome)
{
    if (request->guard.ending)
        return;
    request->guard.ending = 1;
    request->guard.status = status;
    request->guard.outcome = outcome;
    uv_read_stop(request->stream);
    request->stream->data = request->guard.stream_data;
    if (request->guard.is_timed && !uv_is_closing((uv_handle_t *)&request->guard.timer))
        uv_close((uv_handle_t *)&request->guard.timer, closed);
    else
        finish(request);
}

/* The circuit's end. */
static void done(breaker_call_t *call, int status)
{
    breaker_uv_read_t *request = of(call);

    request->guard.last = status;
    request->guard.told = 1;
    if (!request->guard.begun)
        tell(request);
}

static void stop(breaker_call_t *call)
{
    end(of(call), UV_ECANCELED, BREAKER_CANCELLED);
}

/* ---- While it reads ---------------------------------------------------------------------------*/

static void chunk(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buffer)
{
    breaker_uv_read_t *request = stream->data;

    if (nread >= 0) {
        if (nread > 0) {
            request->guard.heard = uv_now(stream->loop);
            request->guard.asked = 0;
        }
        request->guard.read(request, nread, buffer);
        if (uv_is_closing((uv_handle_t *)stream))
            end(request, UV_ECANCELED, BREAKER_CANCELLED);
        return;
    }
    request->guard.buffer = *buffer;
    if (nread == UV_EOF && !request->unfinished)
        end(request, UV_EOF, BREAKER_SUCCESS);
    else if (nread == UV_ENOBUFS) /* alloc had none */
        end(request, UV_ENOBUFS, BREAKER_IGNORED);
    else
        end(request, (int)nread, (breaker_outcome_t)0);
}

/* Timers run before the loop polls: what has arrived meanwhile is read before the stream is called
 * idle. */
static void look(uv_timer_t *timer)
{
    breaker_uv_read_t *request = GUARD_OF(breaker_uv_read_t, guard.timer, timer);
    uint64_t silence = uv_now(timer->loop) - request->guard.heard;

    if (uv_is_closing((uv_handle_t *)request->stream)) {
        end(request, UV_ECANCELED, BREAKER_CANCELLED); /* its host has closed everything */
    } else if (silence < request->guard.idle) {
        request->guard.asked = 0;
        uv_timer_start(timer, look, request->guard.idle - silence, 0);
    } else if (!request->guard.asked) {
        request->guard.asked = 1;
        uv_timer_start(timer, look, 1, 0);
    } else {
        end(request, UV_ETIMEDOUT, BREAKER_FAILURE);
    }
}

static int start(breaker_call_t *call)
{
    breaker_uv_read_t *request = of(call);
    uv_stream_t *stream = request->stream;
    int status;

    if (uv_is_closing((uv_handle_t *)stream))
        return UV_ECANCELED;
    request->guard.stream_data = stream->data;
    stream->data = request;
    if ((status = uv_read_start(stream, request->guard.alloc, chunk)) < 0) {
        stream->data = request->guard.stream_data;
        return status;
    }
    request->guard.begun = 1;
    if (request->guard.is_timed) {
        uv_update_time(stream->loop);
        request->guard.heard = uv_now(stream->loop);
        uv_timer_init(stream->loop, &request->guard.timer);
        uv_timer_start(&request->guard.timer, look, request->guard.idle, 0);
    }
    return 0;
}

int breaker_uv_read_start(breaker_t *breaker, breaker_uv_read_t *request, uv_stream_t *stream,
                          uv_alloc_cb alloc, breaker_uv_read_cb read)
{
    int status;

    if (request == NULL || alloc == NULL || read == NULL || stream == NULL ||
        request->idle > BREAKER_TIME_MAX || !guard_is_on(breaker, stream->loop))
        return UV_EINVAL;
    if ((status = breaker_call(breaker, &request->call, start, done)) != 0)
        return status;
    request->call.stop = stop;
    request->call.fallback = NULL;
    request->stream = stream;
    request->guard.alloc = alloc;
    request->guard.read = read;
    request->guard.buffer = uv_buf_init(NULL, 0);
    request->guard.idle = request->idle;
    request->guard.is_timed = request->idle > 0;
    request->guard.begun = request->guard.ending = 0;
    request->guard.asked = request->guard.told = 0;
    return 0;
}

int breaker_uv_read_stop(breaker_uv_read_t *request)
{
    int status = request == NULL ? UV_EINVAL : breaker_cancel(&request->call);

    if (status == 0 && request->guard.begun)
        uv_read_stop(request->stream);
    return status;
}

int breaker_uv_read_end(breaker_uv_read_t *request, int status, breaker_outcome_t outcome)
{
    if (request == NULL || status >= 0 || outcome < BREAKER_SUCCESS ||
        outcome > BREAKER_CANCELLED || !request->guard.begun)
        return UV_EINVAL;
    if (request->guard.ending)
        return UV_EALREADY;
    end(request, status, outcome);
    return 0;
}
