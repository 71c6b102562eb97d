/* Guards a read stream from its start to its end: one call, one permit. Knows when a stream is
 * alive, and how to let go of a stream, so that it may be closed at once. */
#include "../guard.h"
#include <breaker/uv.h>

enum hold { NOT_YET, HELD, LET_GO }; /* of the stream */

static breaker_uv_read_t *of(breaker_call_t *call)
{
    return GUARD_OF(breaker_uv_read_t, call, call);
}

/* ---- The end ----------------------------------------------------------------------------------*/

/* From here on the stream is not touched. */
static void let_go(breaker_uv_read_t *request)
{
    if (request->guard.hold != HELD)
        return;
    request->guard.hold = LET_GO;
    uv_read_stop(request->stream);
    request->stream->data = request->guard.stream_data;
}

static void end(breaker_uv_read_t *request, int status, breaker_outcome_t outcome)
{
    let_go(request);
    breaker_finish_as(&request->call, status, outcome);
}

static void end_by_policy(breaker_uv_read_t *request, int status)
{
    let_go(request);
    breaker_finish(&request->call, status);
}

static void done(breaker_call_t *call, int status)
{
    breaker_uv_read_t *request = of(call);

    request->guard.read(request, status, &request->guard.buffer);
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
        if (nread > 0)
            breaker_touch(&request->call);
        request->guard.read(request, nread, buffer);
        if (request->guard.hold == HELD && uv_is_closing((uv_handle_t *)stream))
            end(request, UV_ECANCELED, BREAKER_CANCELLED);
        return;
    }
    request->guard.buffer = *buffer;
    if (nread == UV_EOF && !request->unfinished)
        end(request, UV_EOF, BREAKER_SUCCESS);
    else if (nread == UV_ENOBUFS) /* alloc had none */
        end(request, UV_ENOBUFS, BREAKER_IGNORED);
    else
        end_by_policy(request, (int)nread);
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
        return guard_begun(call, status);
    }
    request->guard.hold = HELD;
    return 0;
}

int breaker_uv_read_start(breaker_t *breaker, breaker_uv_read_t *request, uv_stream_t *stream,
                          uv_alloc_cb alloc, breaker_uv_read_cb read)
{
    int status;

    if (request == NULL || alloc == NULL || read == NULL || stream == NULL ||
        !guard_is_on(breaker, stream->loop))
        return UV_EINVAL;
    if ((status = breaker_call(breaker, &request->call, start, done)) != 0)
        return status;
    request->call.stop = stop;
    request->call.fallback = NULL;
    request->stream = stream;
    request->guard.alloc = alloc;
    request->guard.read = read;
    request->guard.buffer = uv_buf_init(NULL, 0);
    request->guard.hold = NOT_YET;
    return 0;
}

int breaker_uv_read_stop(breaker_uv_read_t *request)
{
    int status = request == NULL ? UV_EINVAL : breaker_cancel(&request->call);

    if (status != UV_EINVAL)
        let_go(request);
    return status;
}

int breaker_uv_read_end(breaker_uv_read_t *request, int status, breaker_outcome_t outcome)
{
    if (request == NULL || status >= 0 || outcome < BREAKER_SUCCESS ||
        outcome > BREAKER_CANCELLED || request->guard.hold == NOT_YET)
        return UV_EINVAL;
    if (request->guard.hold == LET_GO || breaker_touch(&request->call) != 0)
        return UV_EALREADY; /* cancelled, too */
    end(request, status, outcome);
    return 0;
}
