/* Guards connects, and is the pattern of all guards: the call first, which refuses a request that
 * is in use; then what start will need, since start runs from the loop and not before. libuv's end
 * is the call's finish, the circuit's end is the user's callback. libuv cannot take a connect back,
 * so there is nothing to stop: the caller closes the handle, and libuv's callback follows. What
 * libuv refuses at once is the caller's mistake; of a pipe it says so in its callback. */
#include "../guard.h"
#include <breaker/uv.h>
#include <string.h>

void breaker_uv_init_sized(void *request, size_t size, breaker_call_t *call, size_t call_size)
{
    if (request == NULL || call == NULL)
        return;
    memset(request, 0, size);
    breaker_call_init_sized(call, call_size);
}

static breaker_uv_connect_t *of(breaker_call_t *call)
{
    return GUARD_OF(breaker_uv_connect_t, call, call);
}

static void connected(uv_connect_t *req, int status)
{
    breaker_call_t *call = &((breaker_uv_connect_t *)req)->call;

    if (guard_is_mistake(status))
        breaker_finish_as(call, status, BREAKER_IGNORED);
    else
        breaker_finish(call, status);
}

static int start_tcp(breaker_call_t *call)
{
    breaker_uv_connect_t *request = of(call);
    uv_tcp_t *handle = (uv_tcp_t *)request->req.handle;

    if (uv_is_closing((uv_handle_t *)handle))
        return UV_ECANCELED;
    return guard_begun(call,
                       uv_tcp_connect(&request->req, handle,
                                      (struct sockaddr *)&request->guard.to.address, connected));
}

static int start_pipe(breaker_call_t *call)
{
    breaker_uv_connect_t *request = of(call);
    uv_pipe_t *handle = (uv_pipe_t *)request->req.handle;

    if (uv_is_closing((uv_handle_t *)handle))
        return UV_ECANCELED;
    uv_pipe_connect(&request->req, handle, request->guard.to.name, connected);
    return 0;
}

static void done(breaker_call_t *call, int status)
{
    breaker_uv_connect_t *request = of(call);

    request->guard.done(&request->req, status);
}

static int guard(breaker_t *breaker, breaker_uv_connect_t *request, uv_stream_t *handle,
                 breaker_start_cb start, uv_connect_cb callback)
{
    int status;

    if (request == NULL || callback == NULL || handle == NULL ||
        !guard_is_on(breaker, handle->loop))
        return UV_EINVAL;
    if ((status = breaker_call(breaker, &request->call, start, done)) != 0)
        return status;
    request->call.stop = NULL;
    request->call.fallback = NULL;
    request->req.handle = handle;
    request->guard.done = callback;
    return 0;
}

int breaker_uv_tcp_connect(breaker_t *breaker, breaker_uv_connect_t *request, uv_tcp_t *handle,
                           const struct sockaddr *address, uv_connect_cb callback)
{
    size_t size;
    int status;

    if (address == NULL)
        return UV_EINVAL;
    size =
        address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    status = guard(breaker, request, (uv_stream_t *)handle, start_tcp, callback);
    if (status == 0)
        memcpy(&request->guard.to.address, address, size);
    return status;
}

int breaker_uv_pipe_connect(breaker_t *breaker, breaker_uv_connect_t *request, uv_pipe_t *handle,
                            const char *name, uv_connect_cb callback)
{
    int status;

    if (name == NULL)
        return UV_EINVAL;
    if (strlen(name) >= sizeof request->guard.to.name)
        return UV_ENAMETOOLONG;
    status = guard(breaker, request, (uv_stream_t *)handle, start_pipe, callback);
    if (status == 0)
        strcpy(request->guard.to.name, name);
    return status;
}
