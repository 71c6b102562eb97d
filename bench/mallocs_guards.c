/* What the guards of libuv's requests allocate beyond libuv itself: each operation runs bare and
 * guarded, in a request of the caller's, and the difference is what a guard costs: nothing. */
#include "bench.h"
#include "mallocs.h"
#include <breaker/uv.h>

#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One operation at a time, which says when it is over. */
struct scene {
    uv_loop_t loop;
    breaker_panel_t *panel;
    breaker_t *breaker; /* NULL: bare */
    uv_pipe_t ours, theirs;
    bool is_over;
    unsigned open; /* handles of this operation */
    union {
        breaker_uv_connect_t connect;
        breaker_uv_write_t write;
        breaker_uv_shutdown_t shutdown;
        breaker_uv_getaddrinfo_t getaddrinfo;
        breaker_uv_getnameinfo_t getnameinfo;
        breaker_uv_work_t work;
        breaker_uv_fs_t fs;
        breaker_uv_read_t read;
    } request;
    struct sockaddr_in address;
    uv_buf_t buffer;
    char text[64];
};

static struct scene scene;

static void over(int status)
{
    measure_check("a guarded operation", status);
    scene.is_over = true;
}

#define REQUEST(kind) (&scene.request.kind)
#define READY(kind) breaker_uv_init(REQUEST(kind))

/* ---- On streams -------------------------------------------------------------------------------*/

static void closed(uv_handle_t *handle)
{
    (void)handle;
    scene.open--;
}

static void close_both(void)
{
    uv_close((uv_handle_t *)&scene.ours, closed);
    uv_close((uv_handle_t *)&scene.theirs, closed);
}

static uv_stream_t *open_both(void)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        measure_fail("socketpair", UV_EMFILE);
    uv_pipe_init(&scene.loop, &scene.ours, 0);
    uv_pipe_init(&scene.loop, &scene.theirs, 0);
    measure_check("uv_pipe_open", uv_pipe_open(&scene.ours, ends[0]));
    measure_check("uv_pipe_open", uv_pipe_open(&scene.theirs, ends[1]));
    scene.open = 2;
    return (uv_stream_t *)&scene.ours;
}

/* To where nobody listens: that is an operation like any other. */
static void connected(uv_connect_t *request, int status)
{
    uv_close((uv_handle_t *)request->handle, closed);
    over(status == UV_ENOENT ? 0 : status);
}

static int begin_connect(void)
{
    static const char path[] = "/nonexistent/socket";

    READY(connect);
    uv_pipe_init(&scene.loop, &scene.ours, 0);
    scene.open = 1;
    if (scene.breaker != NULL)
        return breaker_uv_pipe_connect(scene.breaker, REQUEST(connect), &scene.ours, path,
                                       connected);
    uv_pipe_connect(&REQUEST(connect)->req, &scene.ours, path, connected);
    return 0;
}

static void written(uv_write_t *request, int status)
{
    (void)request;
    close_both();
    over(status);
}

static int begin_write(void)
{
    uv_stream_t *stream = open_both();

    READY(write);
    scene.buffer = uv_buf_init(scene.text, sizeof scene.text);
    if (scene.breaker != NULL)
        return breaker_uv_write(scene.breaker, REQUEST(write), stream, &scene.buffer, 1, written);
    return uv_write(&REQUEST(write)->req, stream, &scene.buffer, 1, written);
}

static void shut(uv_shutdown_t *request, int status)
{
    (void)request;
    close_both();
    over(status);
}

static int begin_shutdown(void)
{
    uv_stream_t *stream = open_both();

    READY(shutdown);
    if (scene.breaker != NULL)
        return breaker_uv_shutdown(scene.breaker, REQUEST(shutdown), stream, shut);
    return uv_shutdown(&REQUEST(shutdown)->req, stream, shut);
}

static void lend(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    (void)handle;
    (void)wanted;
    *buffer = uv_buf_init(scene.text, sizeof scene.text);
}

static void read_bare(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    (void)stream;
    (void)buffer;
    if (length < 0) {
        close_both();
        over(length == UV_EOF ? 0 : (int)length);
    }
}

static void read_guarded(breaker_uv_read_t *request, ssize_t length, const uv_buf_t *buffer)
{
    read_bare(request->stream, length, buffer);
}

/* A chunk, and the end. */
static int begin_read(void)
{
    uv_stream_t *stream = open_both();
    int fd = -1;

    READY(read);
    REQUEST(read)->call.idle = 10000;
    uv_fileno((uv_handle_t *)&scene.theirs, &fd);
    if (write(fd, "text", 4) != 4 || shutdown(fd, SHUT_WR) != 0)
        return UV_EPIPE;
    if (scene.breaker != NULL)
        return breaker_uv_read_start(scene.breaker, REQUEST(read), stream, lend, read_guarded);
    return uv_read_start(stream, lend, read_bare);
}

/* ---- On the thread pool -----------------------------------------------------------------------*/

static void found(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    (void)request;
    uv_freeaddrinfo(list);
    over(status);
}

static int begin_getaddrinfo(void)
{
    static const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST};

    READY(getaddrinfo);
    if (scene.breaker != NULL)
        return breaker_uv_getaddrinfo(scene.breaker, &scene.loop, REQUEST(getaddrinfo), found,
                                      "127.0.0.1", NULL, &hints);
    return uv_getaddrinfo(&scene.loop, &REQUEST(getaddrinfo)->req, found, "127.0.0.1", NULL,
                          &hints);
}

static void named(uv_getnameinfo_t *request, int status, const char *host, const char *service)
{
    (void)request;
    (void)host;
    (void)service;
    over(status);
}

static int begin_getnameinfo(void)
{
    const struct sockaddr *address = (const struct sockaddr *)&scene.address;
    int flags = NI_NUMERICHOST | NI_NUMERICSERV;

    READY(getnameinfo);
    if (scene.breaker != NULL)
        return breaker_uv_getnameinfo(scene.breaker, &scene.loop, REQUEST(getnameinfo), named,
                                      address, flags);
    return uv_getnameinfo(&scene.loop, &REQUEST(getnameinfo)->req, named, address, flags);
}

static void toil(uv_work_t *request)
{
    (void)request;
}

static void toiled(uv_work_t *request, int status)
{
    (void)request;
    over(status);
}

static int begin_work(void)
{
    READY(work);
    if (scene.breaker != NULL)
        return breaker_uv_queue_work(scene.breaker, &scene.loop, REQUEST(work), toil, toiled);
    return uv_queue_work(&scene.loop, &REQUEST(work)->req, toil, toiled);
}

static void looked(uv_fs_t *request)
{
    int status = (int)request->result;

    uv_fs_req_cleanup(request);
    over(status);
}

static int begin_fs(void)
{
    READY(fs);
    if (scene.breaker != NULL)
        return breaker_uv_fs_stat(scene.breaker, &scene.loop, REQUEST(fs), "/", looked);
    return uv_fs_stat(&scene.loop, &REQUEST(fs)->req, "/", looked);
}

/* ---- Each, bare and guarded -------------------------------------------------------------------*/

static void run_times(void *subject, uint64_t times)
{
    int (*begin)(void) = *(int (**)(void))subject;

    for (; times > 0; times--) {
        scene.is_over = false;
        measure_check("to begin an operation", begin());
        while (!scene.is_over || scene.open > 0)
            uv_run(&scene.loop, UV_RUN_ONCE);
    }
}

static void open_scene(breaker_t **breaker)
{
    breaker_policy_t *policy;

    memset(&scene, 0, sizeof scene);
    uv_ip4_addr("127.0.0.1", 80, &scene.address);
    measure_check("uv_loop_init", uv_loop_init(&scene.loop));
    measure_check("breaker_panel_create", breaker_panel_create(&scene.panel, &scene.loop, NULL));
    measure_check("breaker_policy_create", breaker_policy_create(&policy, NULL, NULL));
    measure_check("breaker_create", breaker_create(breaker, scene.panel, "guard", policy));
    breaker_hold(*breaker, BREAKER_HOLD_CLOSED, NULL, NULL); /* whatever becomes of the connects */
    breaker_policy_destroy(policy);
}

static void close_scene(void)
{
    breaker_panel_destroy(scene.panel, NULL);
    uv_run(&scene.loop, UV_RUN_DEFAULT);
    measure_check("uv_loop_close", uv_loop_close(&scene.loop));
}

void mallocs_of_guards(uint64_t times, struct row *row,
                       void (*take)(struct row *row, const char *path, double mallocs))
{
    static const struct {
        const char *name;
        int (*begin)(void);
    } guards[] = {
        {"uv_connect", begin_connect},
        {"uv_write", begin_write},
        {"uv_shutdown", begin_shutdown},
        {"uv_read", begin_read},
        {"uv_getaddrinfo", begin_getaddrinfo},
        {"uv_getnameinfo", begin_getnameinfo},
        {"uv_work", begin_work},
        {"uv_fs", begin_fs},
    };
    breaker_t *breaker;

    open_scene(&breaker);
    for (unsigned i = 0; i < sizeof guards / sizeof *guards; i++) {
        int (*begin)(void) = guards[i].begin;
        double bare, guarded;

        scene.breaker = NULL;
        bare = mallocs_of(run_times, &begin, times);
        scene.breaker = breaker;
        guarded = mallocs_of(run_times, &begin, times);
        take(row, guards[i].name, guarded - bare);
    }
    close_scene();
}
