/* The server: one request at a time from each connection, answered by its path. */
#include "http.h"
#include <fixture.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MANY = 1 << 20 };

struct http_client {
    uv_tcp_t tcp; /* first: the handle is the client */
    uv_write_t write;
    struct http *http;
    struct http_client *next, **link;
    uv_timer_t timer; /* closed with tcp */
    uv_shutdown_t shutdown;
    char request[8192], head[1024];
    size_t length;
    const char *drips; /* what is left of it */
    const char *held;  /* the path of a request that waits */
    bool is_last;
};

static char many[MANY];

static void freed(uv_handle_t *timer)
{
    free(timer->data);
}

static void closed(uv_handle_t *handle)
{
    uv_close((uv_handle_t *)&((struct http_client *)handle)->timer, freed);
}

static bool part(struct http_client *client)
{
    if (uv_is_closing((uv_handle_t *)&client->tcp))
        return false;
    *client->link = client->next;
    if (client->next != NULL)
        client->next->link = client->link;
    return true;
}

static void hang_up(struct http_client *client)
{
    if (part(client))
        uv_close((uv_handle_t *)&client->tcp, closed);
}

static void written(uv_write_t *write, int status)
{
    struct http_client *client = write->data;

    if (status != 0 || client->is_last)
        hang_up(client);
}

static void answer(struct http_client *client, int status, const char *header, const char *body,
                   size_t length, size_t promised)
{
    uv_buf_t buffers[2];
    int size =
        snprintf(client->head, sizeof client->head,
                 "HTTP/1.1 %d Well\r\nContent-Length: %zu\r\n%s\r\n", status, promised, header);

    buffers[0] = uv_buf_init(client->head, (unsigned)size);
    buffers[1] = uv_buf_init((char *)(uintptr_t)body, (unsigned)length);
    client->write.data = client;
    assert_int_equal(uv_write(&client->write, (uv_stream_t *)&client->tcp, buffers, 2, written), 0);
}

static void say(struct http_client *client, int status, const char *header, const char *body)
{
    answer(client, status, header, body, strlen(body), strlen(body));
}

static void tell_secrets(struct http_client *client)
{
    static const char *const names[] = {
        "\r\nX-Secret:", "\r\nCookie:", "\r\nAuthorization:", "\r\nReferer:"};
    static char found[5];
    unsigned count = 0;

    for (unsigned i = 0; i < 4; i++)
        if (strstr(client->request, names[i]) != NULL)
            found[count++] = "XCAR"[i];
    found[count] = '\0';
    say(client, 200, "", found);
}

/* By then the upload has filled what the system buffers. */
static void answer_early(uv_timer_t *timer)
{
    struct http_client *client = timer->data;

    if (!uv_is_closing((uv_handle_t *)&client->tcp)) {
        say(client, 413, "", "enough");
        hang_up(client);
    }
}

static void drip(uv_timer_t *timer)
{
    struct http_client *client = timer->data;
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)client->drips, 1);

    if (uv_is_closing((uv_handle_t *)&client->tcp) || *client->drips == '\0')
        uv_timer_stop(timer);
    else if (uv_try_write((uv_stream_t *)&client->tcp, &buffer, 1) == 1)
        client->drips++;
}

static void half_close(struct http_client *client)
{
    static const char text[] = "HTTP/1.1 200 Well\r\n\r\nhello";
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)text, sizeof text - 1);

    assert_int_equal(uv_try_write((uv_stream_t *)&client->tcp, &buffer, 1), sizeof text - 1);
    assert_int_equal(uv_shutdown(&client->shutdown, (uv_stream_t *)&client->tcp, NULL), 0);
}

static void challenge(struct http_client *client)
{
    if (strstr(client->request, "\r\nAuthorization:") != NULL)
        say(client, 200, "", "come in");
    else
        say(client, 401,
            "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=MD5\r\n",
            "who are you?");
}

static void say_retry(struct http_client *client, int status, int seconds, bool as_date)
{
    char header[128], date[64];
    time_t then = time(NULL) + seconds;

    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&then));
    if (as_date)
        snprintf(header, sizeof header, "Retry-After: %s\r\n", date);
    else
        snprintf(header, sizeof header, "Retry-After: %d\r\n", seconds);
    say(client, status, header, "later");
}

static void act(struct http_client *client, const char *path)
{
    char header[512];

    if (strcmp(path, "/text") == 0) {
        say(client, 200, "", "hello");
    } else if (strncmp(path, "/status/", 8) == 0) {
        say(client, atoi(path + 8), "", "a body");
    } else if (strncmp(path, "/retry/", 7) == 0) {
        say_retry(client, atoi(path + 7), atoi(path + 11), false);
    } else if (strncmp(path, "/date/", 6) == 0) {
        say_retry(client, atoi(path + 6), atoi(path + 10), true);
    } else if (strncmp(path, "/to/", 4) == 0) {
        snprintf(header, sizeof header, "Location: %.400s\r\n", path + 4);
        say(client, 302, header, "it has moved");
    } else if (strncmp(path, "/lead/", 6) == 0) {
        snprintf(header, sizeof header, "Location: %.400s\r\n", path + 10);
        say(client, atoi(path + 6), header, "it has moved");
    } else if (strcmp(path, "/loop") == 0) {
        say(client, 302, "Location: /loop\r\n", "round and round");
    } else if (strcmp(path, "/many") == 0) {
        answer(client, 200, "", many, MANY, MANY);
    } else if (strcmp(path, "/cut") == 0) {
        client->is_last = true;
        answer(client, 200, "", "short", 5, 100);
    } else if (strcmp(path, "/reset") == 0) {
        if (part(client))
            uv_tcp_close_reset(&client->tcp, closed);
    } else if (strcmp(path, "/early") == 0) {
        uv_read_stop((uv_stream_t *)&client->tcp);
        uv_timer_start(&client->timer, answer_early, 50, 0);
    } else if (strcmp(path, "/drip") == 0) {
        client->drips = "HTTP/1.1 200 Well\r\nContent-Length: 5\r\n\r\nhello";
        uv_timer_start(&client->timer, drip, 1, 1);
    } else if (strcmp(path, "/half") == 0) {
        half_close(client);
    } else if (strcmp(path, "/digest") == 0) {
        challenge(client);
    } else if (strcmp(path, "/secret") == 0) {
        tell_secrets(client);
    } else if (strcmp(path, "/stall") != 0) {
        say(client, 404, "", "no such path");
    }
}

static void lend(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct http_client *client = (struct http_client *)handle;

    (void)wanted;
    *buffer = uv_buf_init(client->request + client->length,
                          (unsigned)(sizeof client->request - 1 - client->length));
}

/* The body of a request is not waited for: it is to be short, and come with its head. */
static void heard(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct http_client *client = (struct http_client *)stream;
    char *path, *end;

    (void)buffer;
    if (length < 0) {
        hang_up(client);
        return;
    }
    client->length += (size_t)length;
    client->request[client->length] = '\0';
    if (strstr(client->request, "\r\n\r\n") == NULL)
        return;
    client->length = 0;
    client->http->requests++;
    path = strchr(client->request, ' ') + 1;
    end = strchr(path, ' ');
    *end = '\0';
    path = strcpy(keep(client->http->listener.loop->data, strlen(path) + 1), path);
    *end = ' ';
    if (client->http->holds)
        client->held = path;
    else
        act(client, path);
}

void http_go(struct http *http)
{
    struct http_client *next;

    http->holds = false;
    for (struct http_client *client = http->clients; client != NULL; client = next) {
        const char *path = client->held;

        next = client->next;
        client->held = NULL;
        if (path != NULL)
            act(client, path);
    }
}

static void accept_one(uv_stream_t *listener, int status)
{
    struct http *http = listener->data;
    struct http_client *client = calloc(1, sizeof *client);

    assert_int_equal(status, 0);
    assert_non_null(client);
    http->connections++;
    client->http = http;
    client->next = http->clients;
    client->link = &http->clients;
    if (client->next != NULL)
        client->next->link = &client->next;
    http->clients = client;
    uv_tcp_init(listener->loop, &client->tcp);
    uv_timer_init(listener->loop, &client->timer);
    client->timer.data = client;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&client->tcp), 0);
    assert_int_equal(uv_read_start((uv_stream_t *)&client->tcp, lend, heard), 0);
}

void http_start(struct http *http, uv_loop_t *loop)
{
    struct sockaddr_in address;
    int length = sizeof address;

    memset(http, 0, sizeof *http);
    memset(many, 'm', sizeof many);
    uv_tcp_init(loop, &http->listener);
    http->listener.data = http;
    uv_ip4_addr("127.0.0.1", 0, &address);
    assert_int_equal(uv_tcp_bind(&http->listener, (struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&http->listener, 128, accept_one), 0);
    uv_tcp_getsockname(&http->listener, (struct sockaddr *)&address, &length);
    snprintf(http->root, sizeof http->root, "http://127.0.0.1:%d", ntohs(address.sin_port));
}

void http_stop(struct http *http)
{
    while (http->clients != NULL)
        hang_up(http->clients);
    uv_close((uv_handle_t *)&http->listener, NULL);
}
