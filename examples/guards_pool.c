/* What libuv does on its thread pool, guarded by <breaker/uv.h>: a name for an address, work of
 * one's own, and files. A disk that is full is a failure, and after three of them the circuit
 * spares the threads; a file that is not there is none, for so it is on a disk that is well. */
#include <breaker.h>
#include <breaker/uv.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <uv.h>

static uv_loop_t *loop;
static breaker_panel_t *panel;
static breaker_t *names, *engine, *disk;
static breaker_uv_getnameinfo_t address;
static breaker_uv_work_t work;
static breaker_uv_fs_t file;
static uv_file full = -1;
static unsigned as_expected, writes;

static void check(const char *what, int status, int expected)
{
    printf("%-24s %s\n", what, status == 0 ? "well" : breaker_strerror(status));
    as_expected += status == expected;
}

/* ---- Files ------------------------------------------------------------------------------------*/

static void close_full(void)
{
    uv_fs_t request;

    if (full >= 0)
        uv_fs_close(loop, &request, full, NULL);
    breaker_panel_destroy(panel, NULL);
}

static void write_again(void);

static void written(uv_fs_t *request)
{
    int status = request->result < 0 ? (int)request->result : 0;

    uv_fs_req_cleanup(request);
    check("a write to a full disk", status, ++writes <= 3 ? UV_ENOSPC : BREAKER_EREJECTED);
    if (writes < 4)
        write_again();
    else
        close_full();
}

static void write_again(void)
{
    static char text[] = "text";
    static uv_buf_t buffer; /* the array must stay, too */

    buffer = uv_buf_init(text, sizeof text - 1);
    if (breaker_uv_fs_write(disk, loop, &file, full, &buffer, 1, -1, written) != 0)
        close_full();
}

static void opened(uv_fs_t *request)
{
    full = (uv_file)request->result;
    uv_fs_req_cleanup(request);
    check("a full disk", full < 0 ? full : 0, 0);
    if (full >= 0)
        write_again();
    else
        close_full();
}

static void looked(uv_fs_t *request)
{
    int status = (int)request->result;

    uv_fs_req_cleanup(request);
    check("a file", status, UV_ENOENT);
    breaker_uv_fs_open(disk, loop, &file, "/dev/full", O_WRONLY, 0, opened);
}

/* ---- Work -------------------------------------------------------------------------------------*/

/* In a thread; so it does not touch the breaker, but says how it went. */
static void toil(uv_work_t *request)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < 1000; i++)
        sum += i;
    ((breaker_uv_work_t *)request)->status = sum == 499500 ? 0 : UV_EPROTO;
}

static void toiled(uv_work_t *request, int status)
{
    (void)request;
    check("work", status, 0);
    breaker_uv_fs_stat(disk, loop, &file, "/nonexistent/file", looked);
}

/* ---- Names ------------------------------------------------------------------------------------*/

static void named(uv_getnameinfo_t *request, int status, const char *host, const char *service)
{
    (void)request;
    if (status == 0)
        printf("%s, port %s\n", host, service);
    check("a name", status, 0);
    breaker_uv_queue_work(engine, loop, &work, toil, toiled);
}

static breaker_t *make(const char *name)
{
    breaker_options_t options;
    breaker_policy_t *policy;
    breaker_t *made = NULL;

    breaker_options_init(&options);
    options.consecutive_failures = 3;
    options.timeout = 5000;
    if (breaker_policy_create(&policy, &options, NULL) == 0) {
        breaker_create(&made, panel, name, policy);
        breaker_policy_destroy(policy);
    }
    return made;
}

int main(void)
{
    struct sockaddr_in local;

    loop = uv_default_loop();
    if (breaker_panel_create(&panel, loop, NULL) != 0 || (names = make("names")) == NULL ||
        (engine = make("engine")) == NULL || (disk = make("disk")) == NULL)
        return 1;
    breaker_uv_init(&address);
    breaker_uv_init(&work);
    breaker_uv_init(&file);
    uv_ip4_addr("127.0.0.1", 80, &local);
    if (breaker_uv_getnameinfo(names, loop, &address, named, (struct sockaddr *)&local,
                               NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return 1;
    uv_run(loop, UV_RUN_DEFAULT);
    return uv_loop_close(loop) != 0 || as_expected != 8;
}
