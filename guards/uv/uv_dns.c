/* Guards lookups. Knows which of the resolver's answers are its trouble and which are the
 * question's, and that a result nobody waits for any more must be freed. */
#include "../guard.h"
#include <breaker/uv.h>
#include <string.h>

static void finish(breaker_call_t *call, int status)
{
    switch (status) {
    case UV_EAI_NONAME:
    case UV_EAI_NODATA:
        breaker_finish_as(call, status, BREAKER_SUCCESS);
        break;
    case UV_EAI_ADDRFAMILY:
    case UV_EAI_BADFLAGS:
    case UV_EAI_BADHINTS:
    case UV_EAI_FAMILY:
    case UV_EAI_OVERFLOW:
    case UV_EAI_PROTOCOL:
    case UV_EAI_SERVICE:
    case UV_EAI_SOCKTYPE:
        breaker_finish_as(call, status, BREAKER_IGNORED);
        break;
    case UV_EAI_CANCELED:
        breaker_finish(call, UV_ECANCELED);
        break;
    default:
        breaker_finish(call, status);
    }
}

static void forget_fallback(breaker_call_t *call, breaker_call_cb stop)
{
    call->stop = stop;
    call->fallback = NULL;
}

/* ---- getaddrinfo ------------------------------------------------------------------------------*/

static breaker_uv_getaddrinfo_t *addrinfo_of(breaker_call_t *call)
{
    return GUARD_OF(breaker_uv_getaddrinfo_t, call, call);
}

static void found(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
    breaker_uv_getaddrinfo_t *request = (breaker_uv_getaddrinfo_t *)req;

    if (request->guard.told)
        uv_freeaddrinfo(list);
    else
        request->guard.found = list;
    finish(&request->call, status);
}

static int start_addrinfo(breaker_call_t *call)
{
    breaker_uv_getaddrinfo_t *request = addrinfo_of(call);

    return guard_begun(call,
                       uv_getaddrinfo(request->guard.loop, &request->req, found,
                                      request->guard.node, request->guard.service,
                                      request->guard.has_hints ? &request->guard.hints : NULL));
}

static void stop_addrinfo(breaker_call_t *call)
{
    uv_cancel((uv_req_t *)&addrinfo_of(call)->req);
}

static void done_addrinfo(breaker_call_t *call, int status)
{
    breaker_uv_getaddrinfo_t *request = addrinfo_of(call);
    struct addrinfo *list = request->guard.found;

    request->guard.told = 1;
    request->guard.found = NULL;
    if (status != 0) { /* it came, but after a timeout or a cancel */
        uv_freeaddrinfo(list);
        list = NULL;
    }
    request->guard.done(&request->req, status, list);
}

int breaker_uv_getaddrinfo(breaker_t *breaker, uv_loop_t *loop, breaker_uv_getaddrinfo_t *request,
                           uv_getaddrinfo_cb done, const char *node, const char *service,
                           const struct addrinfo *hints)
{
    int status;

    if (request == NULL || done == NULL || !guard_is_on(breaker, loop))
        return UV_EINVAL;
    status = breaker_call(breaker, &request->call, start_addrinfo, done_addrinfo);
    if (status != 0)
        return status;
    forget_fallback(&request->call, stop_addrinfo);
    request->guard.loop = loop;
    request->guard.node = node;
    request->guard.service = service;
    request->guard.has_hints = hints != NULL;
    if (hints != NULL)
        request->guard.hints = *hints;
    request->guard.found = NULL;
    request->guard.told = 0;
    request->guard.done = done;
    return 0;
}

/* ---- getnameinfo ------------------------------------------------------------------------------*/

static breaker_uv_getnameinfo_t *nameinfo_of(breaker_call_t *call)
{
    return GUARD_OF(breaker_uv_getnameinfo_t, call, call);
}

static void named(uv_getnameinfo_t *req, int status, const char *hostname, const char *service)
{
    breaker_uv_getnameinfo_t *request = (breaker_uv_getnameinfo_t *)req;

    request->guard.hostname = hostname;
    request->guard.service = service;
    finish(&request->call, status);
}

static int start_nameinfo(breaker_call_t *call)
{
    breaker_uv_getnameinfo_t *request = nameinfo_of(call);

    return guard_begun(call, uv_getnameinfo(request->guard.loop, &request->req, named,
                                            (struct sockaddr *)&request->guard.address,
                                            request->guard.flags));
}

static void stop_nameinfo(breaker_call_t *call)
{
    uv_cancel((uv_req_t *)&nameinfo_of(call)->req);
}

static void done_nameinfo(breaker_call_t *call, int status)
{
    breaker_uv_getnameinfo_t *request = nameinfo_of(call);

    request->guard.done(&request->req, status, status == 0 ? request->guard.hostname : NULL,
                        status == 0 ? request->guard.service : NULL);
}

int breaker_uv_getnameinfo(breaker_t *breaker, uv_loop_t *loop, breaker_uv_getnameinfo_t *request,
                           uv_getnameinfo_cb done, const struct sockaddr *address, int flags)
{
    size_t size;
    int status;

    if (request == NULL || done == NULL || address == NULL || !guard_is_on(breaker, loop))
        return UV_EINVAL;
    size =
        address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    status = breaker_call(breaker, &request->call, start_nameinfo, done_nameinfo);
    if (status != 0)
        return status;
    forget_fallback(&request->call, stop_nameinfo);
    request->guard.loop = loop;
    memcpy(&request->guard.address, address, size);
    request->guard.flags = flags;
    request->guard.hostname = request->guard.service = NULL;
    request->guard.done = done;
    return 0;
}
