/* An array of buffers often lies on the stack of who asks, as libuv allows. The guards ask libuv
 * later, so a short one is copied into the request. */
#ifndef UV_BUFFERS_H
#define UV_BUFFERS_H

#include <breaker/uv.h>
#include <string.h>

static inline const uv_buf_t *uv_buffers_keep(uv_buf_t few[BREAKER_UV_FEW],
                                              const uv_buf_t buffers[], unsigned count)
{
    if (count > BREAKER_UV_FEW)
        return buffers;
    memcpy(few, buffers, count * sizeof *buffers);
    return few;
}

#endif /* UV_BUFFERS_H */
