/* What examples/read_stream.c does by hand, with the guards of <breaker/uv.h>: look up, connect,
 * read to the end. Each step is libuv's own call with a breaker in front; the stream may be silent
 * for 300 ms and no longer. Two streams from a local service: one ends as it should, the other
 * stalls.
 */
#include <breaker.h>
#include <breaker/uv.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "local_service.h"

static struct {
    breaker_uv_getaddrinfo_t lookup;
    breaker_uv_connect_t connect;
    breaker_uv_read_t read;
    uv_tcp_t tcp;
    char buffer[512];
    size_t received;
} download;

static const enum local_habit habits[] = {LOCAL_SENDS_ALL, LOCAL_STALLS};
static const int expected[] = {UV_EOF, UV_ETIMEDOUT};

static uv_loop_t *loop;
static breaker_panel_t *panel;
static breaker_t *names, *files;
static struct local_service service;
static unsigned round_number, as_expected;

static void next_download(void);

static void closed(uv_handle_t *tcp)
{
    (void)tcp;
    if (++round_number < 2) {
        next_download();
    } else {
        local_service_stop(&service);
        breaker_panel_destroy(panel, NULL);
    }
}

static void over(int status)
{
    printf("%zu bytes, then: %s\n", download.received, breaker_strerror(status));
    as_expected += status == expected[round_number];
    uv_close((uv_handle_t *)&download.tcp, closed);
}

static void lend_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    (void)handle;
    (void)wanted;
    *buffer = uv_buf_init(download.buffer, sizeof download.buffer);
}

static void received(breaker_uv_read_t *request, ssize_t nread, const uv_buf_t *buffer)
{
    (void)buffer;
    if (nread < 0) {
        over((int)nread); /* the guard has stopped reading; the handle is ours to close */
        return;
    }
    download.received += (size_t)nread;
    request->unfinished = download.received < LOCAL_LENGTH; /* an end here would be a failure */
}

static void connected(uv_connect_t *request, int status)
{
    if (status == 0)
        status =
            breaker_uv_read_start(files, &download.read, request->handle, lend_buffer, received);
    if (status < 0)
        over(status);
}

static void found(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    struct sockaddr_in address;

    (void)request;
    if (status == 0) {
        memcpy(&address, list->ai_addr, sizeof address);
        address.sin_port = htons((uint16_t)service.port);
        uv_freeaddrinfo(list);
        status = breaker_uv_tcp_connect(files, &download.connect, &download.tcp,
                                        (struct sockaddr *)&address, connected);
    }
    if (status < 0)
        over(status);
}

static void next_download(void)
{
    static const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};

    service.habit = habits[round_number];
    download.received = 0;
    uv_tcp_init(loop, &download.tcp);
    if (breaker_uv_getaddrinfo(names, loop, &download.lookup, found, "127.0.0.1", NULL, &hints) !=
        0)
        over(UV_EINVAL);
}

int main(void)
{
    breaker_policy_t *policy;

    loop = uv_default_loop();
    if (local_service_start(&service, loop) != 0 ||
        breaker_policy_create(&policy, NULL, NULL) != 0 ||
        breaker_panel_create(&panel, loop, NULL) != 0 ||
        breaker_create(&names, panel, "names", policy) != 0 ||
        breaker_create(&files, panel, "files", policy) != 0)
        return 1;
    breaker_policy_destroy(policy);

    breaker_uv_init(&download.lookup);
    breaker_uv_init(&download.connect);
    breaker_uv_init(&download.read);
    download.lookup.call.timeout = download.connect.call.timeout = 3000;
    download.read.call.timeout = 60000; /* in all */
    download.read.call.idle = 300;
    next_download();
    uv_run(loop, UV_RUN_DEFAULT);
    return uv_loop_close(loop) != 0 || as_expected != 2;
}
