/* What the guards have in common: from the call to the request around it, whether a loop is the
 * panel's, and which errors are mistakes of the caller. Everything else they use is public, so that
 * the next guard can be written anywhere. */
#ifndef GUARD_H
#define GUARD_H

#include <breaker.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#define GUARD_OF(type, member, pointer) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline bool guard_is_on(const breaker_t *breaker, const struct uv_loop_s *loop)
{
    return breaker != NULL && loop != NULL && breaker_panel_loop(breaker_panel(breaker)) == loop;
}

/* What libuv says where no peer was asked: of an argument, or of a handle that is not in the state
 * for it. EPIPE is none, since a peer that has broken off is the more usual cause. */
static inline bool guard_is_mistake(int status)
{
    switch (status) {
    case UV_EAFNOSUPPORT:
    case UV_EALREADY:
    case UV_EBADF:
    case UV_EINVAL:
    case UV_EISCONN:
    case UV_ENAMETOOLONG:
    case UV_ENOTCONN:
    case UV_ENOTSOCK:
        return true;
    default:
        return false;
    }
}

/* For a start to return, with what libuv said when it was asked: a mistake ends the call, and says
 * nothing about the peer. */
static inline int guard_begun(breaker_call_t *call, int status)
{
    if (!guard_is_mistake(status))
        return status;
    breaker_finish_as(call, status, BREAKER_IGNORED);
    return 0;
}

#endif /* GUARD_H */
