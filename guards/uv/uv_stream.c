/* Guards writes and shutdowns. As with connects, libuv cannot take one back: who gave up closes the
 * handle, and libuv's callback follows. */
#include "../guard.h"
#include "uv_buffers.h"
#include <breaker/uv.h>

/* ---- write ------------------------------------------------------------------------------------*/

static breaker_uv_write_t *write_of(breaker_call_t *call)
{
    return GUARD_OF(breaker_uv_write_t, call, call);
}

static void written(uv_write_t *req, int status)
{
    breaker_finish(&((breaker_uv_write_t *)req)->call, status);
}

static int start_write(breaker_call_t *call)
{
    breaker_uv_write_t *request = write_of(call);
    uv_stream_t *handle = request->req.handle;

    if (uv_is_closing((uv_handle_t *)handle))
        return UV_ECANCELED;
    return guard_begun(call, uv_write(&request->req, handle, request->guard.buffers,
                                      request->guard.count, written));
}

static void done_write(breaker_call_t *call, int status)
{
    breaker_uv_write_t *request = write_of(call);

    request->guard.done(&request->req, status);
}

int breaker_uv_write(breaker_t *breaker, breaker_uv_write_t *request, uv_stream_t *handle,
                     const uv_buf_t buffers[], unsigned count, uv_write_cb done)
{
    int status;

    if (request == NULL || done == NULL || handle == NULL || buffers == NULL || count == 0 ||
        !guard_is_on(breaker, handle->loop))
        return UV_EINVAL;
    if ((status = breaker_call(breaker, &request->call, start_write, done_write)) != 0)
        return status;
    request->call.stop = NULL;
    request->call.fallback = NULL;
    request->req.handle = handle;
    request->guard.buffers = uv_buffers_keep(request->guard.few, buffers, count);
    request->guard.count = count;
    request->guard.done = done;
    return 0;
}

/* ---- shutdown ---------------------------------------------------------------------------------*/

static breaker_uv_shutdown_t *shutdown_of(breaker_call_t *call)
{
    return GUARD_OF(breaker_uv_shutdown_t, call, call);
}

static void shut(uv_shutdown_t *req, int status)
{
    breaker_finish(&((breaker_uv_shutdown_t *)req)->call, status);
}

static int start_shutdown(breaker_call_t *call)
{
    breaker_uv_shutdown_t *request = shutdown_of(call);
    uv_stream_t *handle = request->req.handle;

    if (uv_is_closing((uv_handle_t *)handle))
        return UV_ECANCELED;
    return guard_begun(call, uv_shutdown(&request->req, handle, shut));
}

static void done_shutdown(breaker_call_t *call, int status)
{
    breaker_uv_shutdown_t *request = shutdown_of(call);

    request->guard.done(&request->req, status);
}

int breaker_uv_shutdown(breaker_t *breaker, breaker_uv_shutdown_t *request, uv_stream_t *handle,
                        uv_shutdown_cb done)
{
    int status;

    if (request == NULL || done == NULL || handle == NULL || !guard_is_on(breaker, handle->loop))
        return UV_EINVAL;
    if ((status = breaker_call(breaker, &request->call, start_shutdown, done_shutdown)) != 0)
        return status;
    request->call.stop = NULL;
    request->call.fallback = NULL;
    request->req.handle = handle;
    request->guard.done = done;
    return 0;
}
