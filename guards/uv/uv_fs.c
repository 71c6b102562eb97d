/* Guards file operations. Knows which errors are the file system's trouble, and that the callback
 * must wait for libuv even where the circuit has given up: the buffers are in use, and what was
 * opened must be closed by somebody. One operation is a pair of functions below: one begins it, one
 * is called. */
#include "../guard.h"
#include "uv_buffers.h"
#include <breaker/uv.h>
#include <errno.h>

static breaker_uv_fs_t *of(breaker_call_t *call)
{
    return GUARD_OF(breaker_uv_fs_t, call, call);
}

static bool is_trouble(ssize_t result)
{
    switch (result) {
    case UV_EIO:
    case UV_ENOSPC:
    case UV_EROFS:
    case UV_ETIMEDOUT:
    case UV_EMFILE:
    case UV_ENFILE:
    case UV_ENOMEM:
    case UV_ENXIO:
    case UV_ENODEV:
    case UV_EHOSTDOWN:
    case UV_EHOSTUNREACH:
    case UV_ENOTCONN:
    case UV_ECONNRESET:
#ifdef EDQUOT
    case -EDQUOT:
#endif
#ifdef ESTALE
    case -ESTALE:
#endif
        return true;
    default:
        return false;
    }
}

static void finish(breaker_call_t *call, ssize_t result)
{
    int status = result < 0 ? (int)result : 0;

    if (status == UV_ECANCELED || is_trouble(result))
        breaker_finish(call, status);
    else
        breaker_finish_as(call, status, BREAKER_SUCCESS);
}

void breaker_uv_fs_over(uv_fs_t *req)
{
    breaker_uv_fs_t *request = (breaker_uv_fs_t *)req;
    int told = request->guard.told;

    request->guard.over = 1;
    finish(&request->call, req->result);
    if (told != 0) {
        if (req->result == UV_ECANCELED)
            req->result = told; /* a timeout, say, and no thread had begun it */
        request->guard.done(req);
    }
}

static int start(breaker_call_t *call)
{
    breaker_uv_fs_t *request = of(call);
    int status;

    request->guard.over = 0;
    if ((status = request->guard.begin(request)) < 0) {
        request->guard.over = 1;
        request->req.result = status;
        if (!is_trouble(status)) { /* nor is what libuv refuses */
            finish(call, status);
            return 0;
        }
    }
    return status;
}

static void stop(breaker_call_t *call)
{
    uv_cancel((uv_req_t *)&of(call)->req);
}

static void settled(breaker_call_t *call, int status)
{
    breaker_uv_fs_t *request = of(call);

    if (!request->guard.over) {
        request->guard.told = status;
        return;
    }
    if (call->refused)
        request->req.result = status;
    request->guard.done(&request->req);
}

int breaker_uv_fs(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                  int (*begin)(breaker_uv_fs_t *request), uv_fs_cb callback)
{
    int status;

    if (request == NULL || begin == NULL || callback == NULL || !guard_is_on(breaker, loop))
        return UV_EINVAL;
    if ((status = breaker_call(breaker, &request->call, start, settled)) != 0)
        return status;
    request->call.stop = stop;
    request->call.fallback = NULL;
    request->guard.loop = loop;
    request->guard.begin = begin;
    request->guard.done = callback;
    request->guard.told = 0;
    request->guard.over = 1;            /* until it is begun */
    request->req.result = UV_ECANCELED; /* if it never is; what was opened must not be hidden */
    return 0;
}

/* ---- The operations ---------------------------------------------------------------------------*/

/* Defines how one begins: the arguments between the request and the callback. */
#define BEGINS(operation, ...)                                                    \
    static int begin_##operation(breaker_uv_fs_t *request)                        \
    {                                                                             \
        return uv_fs_##operation(request->guard.loop, &request->req, __VA_ARGS__, \
                                 breaker_uv_fs_over);                             \
    }

BEGINS(open, request->guard.path, request->guard.flags, request->guard.mode)
BEGINS(close, request->guard.file)
BEGINS(read, request->guard.file, request->guard.buffers, request->guard.count,
       request->guard.offset)
BEGINS(write, request->guard.file, request->guard.buffers, request->guard.count,
       request->guard.offset)
BEGINS(fsync, request->guard.file)
BEGINS(ftruncate, request->guard.file, request->guard.offset)
BEGINS(stat, request->guard.path)
BEGINS(lstat, request->guard.path)
BEGINS(fstat, request->guard.file)
BEGINS(access, request->guard.path, request->guard.mode)
BEGINS(unlink, request->guard.path)
BEGINS(mkdir, request->guard.path, request->guard.mode)
BEGINS(rmdir, request->guard.path)
BEGINS(scandir, request->guard.path, request->guard.flags)
BEGINS(rename, request->guard.path, request->guard.new_path)
BEGINS(copyfile, request->guard.path, request->guard.new_path, request->guard.flags)

static int on_path(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                   int (*begin)(breaker_uv_fs_t *), const char *path, int number, uv_fs_cb done)
{
    int status = path == NULL ? UV_EINVAL : breaker_uv_fs(breaker, loop, request, begin, done);

    if (status == 0) {
        request->guard.path = path;
        request->guard.flags = request->guard.mode = number;
    }
    return status;
}

static int on_paths(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                    int (*begin)(breaker_uv_fs_t *), const char *path, const char *new_path,
                    int flags, uv_fs_cb done)
{
    int status =
        new_path == NULL ? UV_EINVAL : on_path(breaker, loop, request, begin, path, flags, done);

    if (status == 0)
        request->guard.new_path = new_path;
    return status;
}

static int on_file(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                   int (*begin)(breaker_uv_fs_t *), uv_file file, int64_t offset, uv_fs_cb done)
{
    int status = breaker_uv_fs(breaker, loop, request, begin, done);

    if (status == 0) {
        request->guard.file = file;
        request->guard.offset = offset;
    }
    return status;
}

static int on_buffers(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                      int (*begin)(breaker_uv_fs_t *), uv_file file, const uv_buf_t buffers[],
                      unsigned count, int64_t offset, uv_fs_cb done)
{
    int status = buffers == NULL || count == 0
                     ? UV_EINVAL
                     : on_file(breaker, loop, request, begin, file, offset, done);

    if (status == 0) {
        request->guard.buffers = uv_buffers_keep(request->guard.few, buffers, count);
        request->guard.count = count;
    }
    return status;
}

int breaker_uv_fs_open(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                       const char *path, int flags, int mode, uv_fs_cb done)
{
    int status = on_path(breaker, loop, request, begin_open, path, flags, done);

    if (status == 0)
        request->guard.mode = mode;
    return status;
}

int breaker_uv_fs_close(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request, uv_file file,
                        uv_fs_cb done)
{
    return on_file(breaker, loop, request, begin_close, file, 0, done);
}

int breaker_uv_fs_read(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request, uv_file file,
                       const uv_buf_t buffers[], unsigned count, int64_t offset, uv_fs_cb done)
{
    return on_buffers(breaker, loop, request, begin_read, file, buffers, count, offset, done);
}

int breaker_uv_fs_write(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request, uv_file file,
                        const uv_buf_t buffers[], unsigned count, int64_t offset, uv_fs_cb done)
{
    return on_buffers(breaker, loop, request, begin_write, file, buffers, count, offset, done);
}

int breaker_uv_fs_fsync(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request, uv_file file,
                        uv_fs_cb done)
{
    return on_file(breaker, loop, request, begin_fsync, file, 0, done);
}

int breaker_uv_fs_ftruncate(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                            uv_file file, int64_t length, uv_fs_cb done)
{
    return on_file(breaker, loop, request, begin_ftruncate, file, length, done);
}

int breaker_uv_fs_stat(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                       const char *path, uv_fs_cb done)
{
    return on_path(breaker, loop, request, begin_stat, path, 0, done);
}

int breaker_uv_fs_lstat(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                        const char *path, uv_fs_cb done)
{
    return on_path(breaker, loop, request, begin_lstat, path, 0, done);
}

int breaker_uv_fs_fstat(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request, uv_file file,
                        uv_fs_cb done)
{
    return on_file(breaker, loop, request, begin_fstat, file, 0, done);
}

int breaker_uv_fs_access(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                         const char *path, int mode, uv_fs_cb done)
{
    return on_path(breaker, loop, request, begin_access, path, mode, done);
}

int breaker_uv_fs_unlink(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                         const char *path, uv_fs_cb done)
{
    return on_path(breaker, loop, request, begin_unlink, path, 0, done);
}

int breaker_uv_fs_mkdir(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                        const char *path, int mode, uv_fs_cb done)
{
    return on_path(breaker, loop, request, begin_mkdir, path, mode, done);
}

int breaker_uv_fs_rmdir(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                        const char *path, uv_fs_cb done)
{
    return on_path(breaker, loop, request, begin_rmdir, path, 0, done);
}

int breaker_uv_fs_scandir(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                          const char *path, int flags, uv_fs_cb done)
{
    return on_path(breaker, loop, request, begin_scandir, path, flags, done);
}

int breaker_uv_fs_rename(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                         const char *path, const char *new_path, uv_fs_cb done)
{
    return on_paths(breaker, loop, request, begin_rename, path, new_path, 0, done);
}

int breaker_uv_fs_copyfile(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                           const char *path, const char *new_path, int flags, uv_fs_cb done)
{
    return on_paths(breaker, loop, request, begin_copyfile, path, new_path, flags, done);
}
