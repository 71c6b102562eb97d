/* Guards for what libuv programs really do: connects, lookups, writes, streams, files, work.
 *
 * Each guard is libuv's own call with a breaker in front. It takes the same arguments and the same type of
 * callback, and brings the result there: a refused call has the status BREAKER_EREJECTED, one that took
 * too long UV_ETIMEDOUT, one that was cancelled UV_ECANCELED. Nothing runs inside the guard itself.
 *
 * A guard's request (breaker_uv_..._t) begins with libuv's and holds everything that is needed: nothing is
 * allocated, so what the arguments point to (paths, buffers, an address is copied) must stay until the
 * callback. Make it ready once with breaker_uv_init(&request), then set, if wanted:
 *     request.call.timeout   1 .. a day; 0: the policy's. From the start of the I/O
 *     request.call.release   the last callback; see below
 *     request.req.data       the user's, as in libuv; request.call.data is the guard's
 *
 * Whose is what. Handles stay the caller's: a guard closes none. Where libuv cannot take an operation back
 * (connect, write, shutdown), a timeout or a cancel ends the attempt for the circuit and for the callback,
 * and the operation itself goes on until the caller closes the handle, as one does after an error;
 * getaddrinfo, getnameinfo and work are taken back by uv_cancel if no thread has begun them.
 * The request is the caller's again in the callback, except after UV_ETIMEDOUT and UV_ECANCELED: then libuv
 * may still be using it, and it is the caller's when call.release runs (for a handle that was closed,
 * no later than its close callback).
 *
 *                      counts as failure             a timeout                        who ends it
 *   connect            any error                     UV_ETIMEDOUT at once             close the handle
 *   getaddrinfo, ...   any error but UV_EAI_NONAME   UV_ETIMEDOUT at once             uv_cancel, or its end
 *   write, shutdown    any error                     UV_ETIMEDOUT at once             close the handle
 *   fs                 UV_EIO and its like; see fs   told to the circuit at once; the callback brings the
 *                                                    true result, when libuv is done
 *   work               what the work says            the same, with status UV_ETIMEDOUT
 *   read stream        errors, idle too long         UV_ETIMEDOUT at once             uv_read_stop
 *
 * What counts as failure can be changed by the policy (classifier, excluded statuses); the above is where it
 * has neither. Cancelled operations count as CANCELLED, and UV_EAI_NONAME, UV_EAI_NODATA (the name
 * does not exist: the resolver is well) as SUCCESS.
 *
 * Errors, besides libuv's own for bad arguments, which then come by the callback: as breaker_call. */
#ifndef BREAKER_UV_H
#define BREAKER_UV_H

#include <breaker.h>
#include <uv.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Makes a guard's request ready: all zero but what the library needs. */
#define breaker_uv_init(request) breaker_uv_init_sized((request), sizeof *(request), &(request)->call)
BREAKER_API void breaker_uv_init_sized(void *request, size_t size, breaker_call_t *call);

/* Ends the guarded operation with UV_ECANCELED: breaker_cancel, by the request. */
#define breaker_uv_cancel(request) breaker_cancel(&(request)->call)

/* ---- connect -----------------------------------------------------------------------------------*/

typedef struct breaker_uv_connect_s {
    uv_connect_t req;
    breaker_call_t call;
    struct {
        struct sockaddr_storage address;
        const char *name;
        uv_connect_cb done;
    } guard;
} breaker_uv_connect_t;

/* uv_tcp_connect. The address is copied. The callback's req->handle is the handle, whatever happened. */
BREAKER_API int breaker_uv_tcp_connect(breaker_t *breaker, breaker_uv_connect_t *request,
                                       uv_tcp_t *handle, const struct sockaddr *address,
                                       uv_connect_cb done);

/* uv_pipe_connect. The name must stay until the callback. */
BREAKER_API int breaker_uv_pipe_connect(breaker_t *breaker, breaker_uv_connect_t *request,
                                        uv_pipe_t *handle, const char *name, uv_connect_cb done);

/* ---- getaddrinfo, getnameinfo ------------------------------------------------------------------*/

typedef struct breaker_uv_getaddrinfo_s {
    uv_getaddrinfo_t req;
    breaker_call_t call;
    struct {
        uv_loop_t *loop;
        const char *node, *service;
        const struct addrinfo *hints;
        struct addrinfo *found;
        uv_getaddrinfo_cb done;
    } guard;
} breaker_uv_getaddrinfo_t;

/* uv_getaddrinfo. The result is the caller's to free, as in libuv; one that comes late is freed here.
 * node, service and hints must stay until the callback. done may not be NULL. */
BREAKER_API int breaker_uv_getaddrinfo(breaker_t *breaker, uv_loop_t *loop,
                                       breaker_uv_getaddrinfo_t *request, uv_getaddrinfo_cb done,
                                       const char *node, const char *service,
                                       const struct addrinfo *hints);

typedef struct breaker_uv_getnameinfo_s {
    uv_getnameinfo_t req;
    breaker_call_t call;
    struct {
        uv_loop_t *loop;
        struct sockaddr_storage address;
        int flags;
        uv_getnameinfo_cb done;
    } guard;
} breaker_uv_getnameinfo_t;

/* uv_getnameinfo. hostname and service are good in the callback, and NULL unless status is 0. */
BREAKER_API int breaker_uv_getnameinfo(breaker_t *breaker, uv_loop_t *loop,
                                       breaker_uv_getnameinfo_t *request, uv_getnameinfo_cb done,
                                       const struct sockaddr *address, int flags);

/* ---- write, shutdown ---------------------------------------------------------------------------*/

typedef struct breaker_uv_write_s {
    uv_write_t req;
    breaker_call_t call;
    struct {
        const uv_buf_t *buffers;
        unsigned count;
        uv_write_cb done;
    } guard;
} breaker_uv_write_t;

/* uv_write. The array of buffers must stay until the callback, and so must what they hold; after
 * UV_ETIMEDOUT and UV_ECANCELED until release. The callback's req->handle is the handle. */
BREAKER_API int breaker_uv_write(breaker_t *breaker, breaker_uv_write_t *request,
                                 uv_stream_t *handle, const uv_buf_t buffers[], unsigned count,
                                 uv_write_cb done);

typedef struct breaker_uv_shutdown_s {
    uv_shutdown_t req;
    breaker_call_t call;
    struct {
        uv_shutdown_cb done;
    } guard;
} breaker_uv_shutdown_t;

BREAKER_API int breaker_uv_shutdown(breaker_t *breaker, breaker_uv_shutdown_t *request,
                                    uv_stream_t *handle, uv_shutdown_cb done);

/* ---- work --------------------------------------------------------------------------------------*/

typedef struct breaker_uv_work_s {
    uv_work_t req;
    breaker_call_t call;
    int status; /* to be set by work: what it says of itself. 0 at the start */
    struct {
        uv_loop_t *loop;
        uv_work_cb work;
        uv_after_work_cb after;
    } guard;
} breaker_uv_work_t;

/* uv_queue_work. work runs in another thread and gets the address of req, so the whole request
 * (breaker_uv_work_t *) is that address too: there it may set status, which counts for the circuit. after
 * gets status too, or BREAKER_EREJECTED and so on; and always after work has ended, as it uses the
 * request: a timeout is told to the circuit at once, and to after when work is over. The way for
 * other threads to share a breaker. */
BREAKER_API int breaker_uv_queue_work(breaker_t *breaker, uv_loop_t *loop,
                                      breaker_uv_work_t *request, uv_work_cb work,
                                      uv_after_work_cb after);

/* ---- fs ----------------------------------------------------------------------------------------
 * Files, on the thread pool: the disk that hangs, the network file system that is away. The callback gets
 * libuv's request, with its result; uv_fs_req_cleanup is the caller's to call, as ever; for a refused
 * call req->result is BREAKER_EREJECTED. It always comes when libuv is done with the request, with the
 * true result, also after a timeout or a cancel that came too late: a file that was opened must be
 * closed. Paths and buffers must stay until then.
 * Failures are UV_EIO, UV_ENOSPC, UV_EDQUOT, UV_EROFS, UV_ESTALE (by number), UV_ETIMEDOUT, UV_EMFILE, UV_ENFILE, UV_ENOMEM,
 * UV_ENXIO, UV_ENODEV, UV_EHOSTDOWN, UV_ENOTCONN and UV_ECONNRESET: the file system's trouble. Others (UV_ENOENT,
 * UV_EACCES, UV_EEXIST, ...) are about the file, and successes of the file system. */

typedef struct breaker_uv_fs_s {
    uv_fs_t req;
    breaker_call_t call;
    struct {
        uv_loop_t *loop;
        int operation;
        const char *path, *new_path;
        uv_file file;
        int flags, mode;
        int64_t offset;
        size_t length;
        const uv_buf_t *buffers;
        unsigned count;
        uv_fs_cb done;
    } guard;
} breaker_uv_fs_t;

BREAKER_API int breaker_uv_fs_open(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                                   const char *path, int flags, int mode, uv_fs_cb done);
BREAKER_API int breaker_uv_fs_close(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                                    uv_file file, uv_fs_cb done);
BREAKER_API int breaker_uv_fs_read(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                                   uv_file file, const uv_buf_t buffers[], unsigned count,
                                   int64_t offset, uv_fs_cb done);
BREAKER_API int breaker_uv_fs_write(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                                    uv_file file, const uv_buf_t buffers[], unsigned count,
                                    int64_t offset, uv_fs_cb done);
BREAKER_API int breaker_uv_fs_fsync(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                                    uv_file file, uv_fs_cb done);
BREAKER_API int breaker_uv_fs_ftruncate(breaker_t *breaker, uv_loop_t *loop,
                                        breaker_uv_fs_t *request, uv_file file, int64_t length,
                                        uv_fs_cb done);
BREAKER_API int breaker_uv_fs_stat(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                                   const char *path, uv_fs_cb done);
BREAKER_API int breaker_uv_fs_lstat(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                                    const char *path, uv_fs_cb done);
BREAKER_API int breaker_uv_fs_fstat(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                                    uv_file file, uv_fs_cb done);
BREAKER_API int breaker_uv_fs_access(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                                     const char *path, int mode, uv_fs_cb done);
BREAKER_API int breaker_uv_fs_unlink(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                                     const char *path, uv_fs_cb done);
BREAKER_API int breaker_uv_fs_mkdir(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                                    const char *path, int mode, uv_fs_cb done);
BREAKER_API int breaker_uv_fs_rmdir(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                                    const char *path, uv_fs_cb done);
BREAKER_API int breaker_uv_fs_scandir(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                                      const char *path, int flags, uv_fs_cb done);
BREAKER_API int breaker_uv_fs_rename(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                                     const char *path, const char *new_path, uv_fs_cb done);
BREAKER_API int breaker_uv_fs_copyfile(breaker_t *breaker, uv_loop_t *loop,
                                       breaker_uv_fs_t *request, const char *path,
                                       const char *new_path, int flags, uv_fs_cb done);

/* ---- A guarded read stream ---------------------------------------------------------------------
 * What guarded generators are elsewhere: the whole stream is one call, and holds its permit from the first
 * byte to the end. The end (UV_EOF) is a success, an error in the middle a failure, and so is a stream that
 * is idle for too long, or lasts too long; stopping early is CANCELLED. */

typedef struct breaker_uv_read_s breaker_uv_read_t;

/* nread > 0: a chunk. Otherwise it is the last time: UV_EOF, an error, UV_ETIMEDOUT, BREAKER_EREJECTED, or
 * UV_ECANCELED after breaker_uv_read_stop; reading has been stopped, the request is the caller's, and so
 * is the handle, to close. The buffer is the caller's, as in uv_read_cb; it may be empty the last time. */
typedef void (*breaker_uv_read_cb)(breaker_uv_read_t *request, ssize_t nread, const uv_buf_t *buffer);

struct breaker_uv_read_s {
    void *data;           /* the caller's */
    uint64_t idle;        /* at most so long between two chunks, ms; 0: any time. Set before the start */
    breaker_call_t call;  /* call.timeout: at most so long in all */
    uv_stream_t *stream;  /* its data is the guard's while it reads */
    struct {
        uv_timer_t *timer; /* lent by the caller, if idle is not 0 */
        uv_alloc_cb alloc;
        breaker_uv_read_cb read;
        ssize_t last;
    } guard;
};

#ifdef __cplusplus
}
#endif

#endif /* BREAKER_UV_H */
