/* Guards for what libuv programs really do: connects, lookups, writes, streams, files, work.
 *
 * Each guard is libuv's own call with a breaker in front. It takes the same arguments and the same
 * type of callback, and brings the result there: a refused call has the status BREAKER_EREJECTED,
 * one that took too long UV_ETIMEDOUT, one that was cancelled UV_ECANCELED. The callback never runs
 * inside the guard, only from the loop.
 *
 * A guard's request (breaker_uv_..._t) begins with libuv's, so that one address is both, and holds
 * everything that is needed: nothing is allocated. Make it ready once with
 * breaker_uv_init(&request); one that is over may be used again as it is. Then set, if wanted:
 *     request.call.timeout   1 .. a day; 0: the policy's. From the start of the I/O
 *     request.call.release   the last callback; see below
 *     request.req.data       the user's, as in libuv; request.call.data too
 * call.stop and call.fallback are the guard's. In the callback, request.call.outcome, refused,
 * retry_after and last_error may be read.
 *
 * Whose is what. libuv is asked later, from the loop, and so copies later, too: what the arguments
 * point to must stay until the callback, whatever becomes of the call, also where libuv itself
 * would have copied it at once. Copied into the request, and free to lie on the stack, are only
 * addresses, hints, names of pipes, and arrays of at most BREAKER_UV_FEW buffers (the array; what
 * the buffers point to, never); each function says it again. A handle may be closed earlier, but
 * not reused (read streams: see there). Handles stay the caller's: a guard closes none.
 *
 * Where libuv cannot take an operation back (connect, write, shutdown), a timeout or a cancel ends
 * the attempt for the circuit and for the callback, and the operation itself goes on until the
 * caller closes the handle, as one does after an error. getaddrinfo, getnameinfo, fs and work are
 * taken back by uv_cancel if no thread has begun them. The request is the caller's again in the
 * callback, except after UV_ETIMEDOUT and UV_ECANCELED: then libuv may still be using it and what
 * it points to, and all is the caller's when call.release runs: after the operation's own end, for
 * a handle that was closed in the turn of its close callback or the next. So call.release is needed
 * wherever there is a timeout (the policy's, too) or a cancel, and the request or what it points to
 * is to be freed or used again: nothing else tells when. (fs and work wait for libuv before the
 * callback: there the memory is the caller's in the callback after a timeout, too.) With
 * call.release set, the request is the caller's in release and not before, always.
 *
 * Do not free a request in the close callback of its handle, nor a handle in the guard's callback.
 * libuv's own callback of a connect, a write or a shutdown that is given up by uv_close comes before
 * the handle's close callback; a guard's comes after it where libuv had the operation already, and
 * otherwise (it was yet to begin; a read stream) may come before it. What handle and request share
 * is freed by the later of close callback and release.
 *
 *                   failure                         a timeout, a cancel       who ends the I/O
 *   connect         any error but a mistake         callback at once          close the handle
 *   getaddrinfo,    any error of the resolver;      callback at once          uv_cancel, or it ends
 *     getnameinfo     "no such name" and a bad
 *                     question are none
 *   write,          any error but a mistake         callback at once          close the handle
 *     shutdown
 *   fs              the file system's trouble       circuit at once,          uv_cancel, or it ends
 *                                                     callback at the end
 *   work            a negative status of work       as fs                     uv_cancel, or it ends
 *   read stream     an error but a mistake or       callback at once          the guard stops
 *                     UV_ENOBUFS; idle, or in all,                              reading
 *                     for too long
 *
 * Everywhere UV_ECANCELED is CANCELLED. A mistake of the caller's is IGNORED, and the callback gets
 * libuv's word for it: of an argument (UV_EINVAL, UV_ENAMETOOLONG, UV_EAFNOSUPPORT) or of a handle
 * that is not in the state for it (UV_EALREADY, UV_EBADF, UV_EISCONN, UV_ENOTCONN, UV_ENOTSOCK),
 * where libuv says so when it is asked, before it has asked anybody; of a connect, whenever. But
 * UV_EPIPE, for a write on a connection that was shut down or lost, is a failure. What is no
 * failure by this table is decided by the guard; about the rest the policy's classifier and its
 * excluded statuses have the last word.
 *
 * Errors: as breaker_call, and then no callback comes. UV_EINVAL also for a loop, or the handle of
 * a loop, that is not the panel's. What libuv itself refuses comes by the callback. */
#ifndef BREAKER_UV_H
#define BREAKER_UV_H

/* clang-format off */ /* laid out by hand */

#include <breaker.h>
#include <uv.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Makes a guard's request ready: all zero but what the library needs. Never while it is in use. */
#define breaker_uv_init(request) \
    breaker_uv_init_sized((request), sizeof *(request), &(request)->call, sizeof((request)->call))
BREAKER_API void breaker_uv_init_sized(void *request, size_t size, breaker_call_t *call,
                                       size_t call_size);

/* Ends the guarded operation with UV_ECANCELED: breaker_cancel, by the request. */
#define breaker_uv_cancel(request) breaker_cancel(&(request)->call)

/* So many buffers are copied into the request; and the longest name of a pipe, with its NUL. */
enum { BREAKER_UV_FEW = 4, BREAKER_UV_PIPE_NAME = 108 };

/* ---- connect ----------------------------------------------------------------------------------*/

typedef struct breaker_uv_connect_s {
    uv_connect_t req;
    breaker_call_t call;
    struct {
        union {
            struct sockaddr_storage address;
            char name[BREAKER_UV_PIPE_NAME];
        } to;
        uv_connect_cb done;
    } guard;
} breaker_uv_connect_t;

/* uv_tcp_connect. The callback's req->handle is the handle, whatever happened. The address is
 * copied. */
BREAKER_API int breaker_uv_tcp_connect(breaker_t *breaker, breaker_uv_connect_t *request,
                                       uv_tcp_t *handle, const struct sockaddr *address,
                                       uv_connect_cb done);

/* uv_pipe_connect. The name is copied. UV_ENAMETOOLONG, returned: no socket has one of
 * BREAKER_UV_PIPE_NAME bytes and more (libuv may cut it off, and connect elsewhere). */
BREAKER_API int breaker_uv_pipe_connect(breaker_t *breaker, breaker_uv_connect_t *request,
                                        uv_pipe_t *handle, const char *name, uv_connect_cb done);

/* ---- getaddrinfo, getnameinfo ------------------------------------------------------------------
 * UV_EAI_NONAME and UV_EAI_NODATA are successes of the resolver, which is well and knows no such
 * name. What is wrong with the question (UV_EAI_BADFLAGS, UV_EAI_FAMILY, UV_EAI_SERVICE, ...; a
 * name that is too long, or no UTF-8: UV_EINVAL) is IGNORED. */

typedef struct breaker_uv_getaddrinfo_s {
    uv_getaddrinfo_t req;
    breaker_call_t call;
    struct {
        uv_loop_t *loop;
        const char *node, *service;
        struct addrinfo hints, *found;
        int has_hints, told;
        uv_getaddrinfo_cb done;
    } guard;
} breaker_uv_getaddrinfo_t;

/* uv_getaddrinfo. The result is NULL unless status is 0, and the caller's to free, as in libuv; one
 * that comes too late is freed here. The hints are copied; node and service must stay until the
 * callback. */
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
        const char *hostname, *service;
        uv_getnameinfo_cb done;
    } guard;
} breaker_uv_getnameinfo_t;

/* uv_getnameinfo. hostname and service are NULL unless status is 0, and lie in the request. The
 * address is copied. */
BREAKER_API int breaker_uv_getnameinfo(breaker_t *breaker, uv_loop_t *loop,
                                       breaker_uv_getnameinfo_t *request, uv_getnameinfo_cb done,
                                       const struct sockaddr *address, int flags);

/* ---- write, shutdown ---------------------------------------------------------------------------
 * The writes to a handle, and its shutdown, that are guarded by one breaker of the native circuit
 * go out in the order in which they were asked for. Between several breakers, and with a dialect,
 * which may have to ask its storage first, there is no order; an unguarded write goes out at once,
 * before those that wait. A refused write leaves a gap: what was asked for after it, and is
 * admitted, goes out all the same; so the handle is closed, or nothing written before the last
 * write is told.
 * The callback's req->handle is the handle. */

typedef struct breaker_uv_write_s {
    uv_write_t req;
    breaker_call_t call;
    struct {
        const uv_buf_t *buffers;
        uv_buf_t few[BREAKER_UV_FEW];
        unsigned count;
        uv_write_cb done;
    } guard;
} breaker_uv_write_t;

/* uv_write. An array of at most BREAKER_UV_FEW buffers is copied; a longer one must stay until the
 * callback, and what the buffers point to must stay until the request is the caller's again. */
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

/* uv_shutdown. */
BREAKER_API int breaker_uv_shutdown(breaker_t *breaker, breaker_uv_shutdown_t *request,
                                    uv_stream_t *handle, uv_shutdown_cb done);

/* ---- work --------------------------------------------------------------------------------------
 * Also the way for other threads to share a breaker. */

typedef struct breaker_uv_work_s {
    uv_work_t req;
    breaker_call_t call;
    int status; /* to be set by work: how it went. 0 at the start */
    struct {
        uv_loop_t *loop;
        uv_work_cb work;
        uv_after_work_cb after;
        int told, over, verdict;
    } guard;
} breaker_uv_work_t;

/* uv_queue_work. work runs in another thread, and gets the address of req, which is the request's:
 * there it may set status, which after gets and the circuit counts. Always after work has ended,
 * since that may be using what the caller owns: a timeout is told to the circuit at once, and to
 * after when work is over. The time in the queue of a full pool counts. In after the request is the
 * caller's, to free or to queue again, whatever status is, also UV_ETIMEDOUT; unless call.release
 * is set: then in release. */
BREAKER_API int breaker_uv_queue_work(breaker_t *breaker, uv_loop_t *loop,
                                      breaker_uv_work_t *request, uv_work_cb work,
                                      uv_after_work_cb after);

/* ---- fs ----------------------------------------------------------------------------------------
 * Files, on the thread pool: the disk that hangs, the network file system that is away. The
 * callback gets libuv's request with its result; uv_fs_req_cleanup is the caller's to call, as
 * ever. For a refused call req->result is BREAKER_EREJECTED. Otherwise it comes when libuv is done
 * with the request, with the true result, also after a timeout or a cancel that came too late
 * (req->result is UV_ETIMEDOUT or UV_ECANCELED only if no thread had begun it): a file that was
 * opened must be closed. In the callback the request is the caller's, to free or to use again, also
 * after a timeout; unless call.release is set: then in release. Paths must stay until the callback,
 * and so must the array of buffers if it has more than BREAKER_UV_FEW: a shorter one is copied.
 * Failures are UV_EIO, UV_ENOSPC, UV_EROFS, UV_ETIMEDOUT, UV_EMFILE,
 * UV_ENFILE, UV_ENOMEM, UV_ENXIO, UV_ENODEV, UV_EHOSTDOWN, UV_EHOSTUNREACH, UV_ENOTCONN,
 * UV_ECONNRESET, and the system's EDQUOT and ESTALE: the file system's trouble. Others (UV_ENOENT,
 * UV_EACCES, UV_EEXIST, ...) are about the file, and successes of the file system. */

typedef struct breaker_uv_fs_s breaker_uv_fs_t;

struct breaker_uv_fs_s {
    uv_fs_t req;
    breaker_call_t call;
    struct {
        uv_loop_t *loop;
        int (*begin)(breaker_uv_fs_t *request);
        const char *path, *new_path;
        uv_file file;
        int flags, mode;
        int64_t offset;
        const uv_buf_t *buffers;
        uv_buf_t few[BREAKER_UV_FEW];
        unsigned count;
        uv_fs_cb done;
        int told, over;
    } guard;
};

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

/* Any other operation of libuv's, by a function that begins it: it calls
 * uv_fs_...(request->guard.loop, &request->req, ..., breaker_uv_fs_over) and returns what that
 * returns. The rest as above. */
BREAKER_API int breaker_uv_fs(breaker_t *breaker, uv_loop_t *loop, breaker_uv_fs_t *request,
                              int (*begin)(breaker_uv_fs_t *request), uv_fs_cb done);
BREAKER_API void breaker_uv_fs_over(uv_fs_t *req);

/* ---- A guarded read stream ---------------------------------------------------------------------
 * What guarded generators are elsewhere: the whole stream is one call, and holds its permit from
 * the start to the end. The end (UV_EOF) is a success, an error in the middle a failure, and so is
 * a stream that is idle for too long or lasts too long; stopping early is CANCELLED, and an alloc
 * that has no buffer (UV_ENOBUFS) IGNORED. breaker_uv_cancel stops it, too, but only in the drain,
 * and until then chunks may still come; after breaker_uv_read_stop none does. */

typedef struct breaker_uv_read_s breaker_uv_read_t;

/* nread > 0: a chunk. 0: nothing yet, but the buffer back, as in uv_read_cb. Negative: the last
 * time: UV_EOF, an error, UV_ETIMEDOUT, UV_ECANCELED, BREAKER_EREJECTED, or what
 * breaker_uv_read_end was given. Reading has been stopped then, the request is the caller's (with
 * call.release set, in release), and the stream to be closed or read otherwise. The buffer is the
 * one lent by alloc, the caller's again; it may be empty the last time. */
typedef void (*breaker_uv_read_cb)(breaker_uv_read_t *request, ssize_t nread,
                                   const uv_buf_t *buffer);

struct breaker_uv_read_s {
    void *data;     /* the caller's */
    int unfinished; /* the caller's, at any time: while nonzero, UV_EOF is a failure, since the
                       stream was to bring more. 0 when made ready */
    breaker_call_t call; /* call.timeout: at most so long in all; call.idle: without a chunk */
    uv_stream_t *stream;
    struct {
        void *stream_data;
        uv_alloc_cb alloc;
        breaker_uv_read_cb read;
        uv_buf_t buffer;
        int hold; /* of the stream */
    } guard;
};

/* uv_read_start. While it reads, stream->data is the request, for alloc to find; then it becomes
 * again what it was. A handle's own reading must not be started or stopped besides.
 *
 * A stream that is to be closed before the last callback is first let go of, by
 * breaker_uv_read_stop or _end; only inside the callback of a chunk uv_close alone is a stop, too.
 * Nobody tells a reader that its handle was closed: a stream closed without that holds its permit
 * until it is idle or lasts too long, or for ever where it has no limit, and is touched then,
 * though its memory may be gone. */
BREAKER_API int breaker_uv_read_start(breaker_t *breaker, breaker_uv_read_t *request,
                                      uv_stream_t *stream, uv_alloc_cb alloc,
                                      breaker_uv_read_cb read);

/* Stops early: no chunk comes after this, and the last callback with UV_ECANCELED. The stream is
 * let go of: it may be closed, or read otherwise, at once. UV_EALREADY: it is over or about to be,
 * and the stream is let go of all the same; UV_EINVAL: never begun. */
BREAKER_API int breaker_uv_read_stop(breaker_uv_read_t *request);

/* Ends it with the caller's own verdict, where a message ends before the stream does, or turns out
 * to be bad: no chunk comes after this, the stream is let go of, and the last callback comes with
 * status, which is negative (UV_EOF for a good end). UV_EINVAL: no such outcome, not negative, or
 * it has not begun to read; UV_EALREADY: it is over or about to be. */
BREAKER_API int breaker_uv_read_end(breaker_uv_read_t *request, int status,
                                    breaker_outcome_t outcome);

#ifdef __cplusplus
}
#endif

#endif /* BREAKER_UV_H */
