/* Knows the connection: sockets, hiredis' context, libuv's handles, and every way in which they fail.
 *
 * hiredis is used as a reader and writer of bytes, not through its asynchronous API: that one aborts the
 * process on a reply that nobody asked for, raises SIGPIPE, loses callbacks with the event-loop glue that
 * comes with it, frees itself at moments of its own choice and calls back from inside. So the socket is
 * ours, non-blocking, watched by a uv_poll of ours; the context made of it reads and parses; and what
 * it parsed is acted upon after hiredis has returned. An error that libuv reports says only that
 * something can be learnt by reading and writing, and stops the handle, which is then started again.
 * Deadlines are judged after what has arrived was read. */
#include "redis_link.h"
#include "redis_tls.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS_MAX 256u /* reads in one turn of the loop, 16 KiB each */
#define ERRORS_MAX 16u
#define DOUBLINGS_MAX 20u

static void try_next(struct redis_link *link);

/* ---- Time */

uint64_t redis_link_clock(void)
{
    return uv_hrtime() / 1000000;
}

static void on_timer(uv_timer_t *timer);

static void arm(struct redis_link *link)
{
    uint64_t next = link->deadline;
    if (link->due && (!next || link->due < next))
        next = link->due;
    if (!next || (link->armed && link->armed <= next))
        return;
    /* The loop's cached time lags behind; the timer counts from there. */
    uint64_t cached = uv_now(link->loop);
    if (uv_timer_start(&link->timer, on_timer, next > cached ? next - cached : 0, 0) == 0)
        link->armed = next;
}

static void set_deadline(struct redis_link *link, uint64_t in)
{
    link->deadline = in ? redis_link_clock() + in : 0;
    arm(link);
}

void redis_link_expect(struct redis_link *link, uint64_t due)
{
    link->due = due;
    arm(link);
}

/* From 0 to limit, by the system's chance: a fork shares no seed. */
static uint64_t draw(uint64_t limit)
{
    uint64_t bits = 0;
    if (uv_random(NULL, NULL, &bits, sizeof bits, 0, NULL) != 0)
        bits = uv_hrtime();
    return bits % (limit + 1);
}

static uint64_t pause_after(struct redis_link *link, enum redis_fault fault)
{
    const breaker_redis_options_t *options = &link->settings->options;
    if (fault == REDIS_SETTING)
        return options->fault_retry + draw(options->fault_retry / 8);
    if (link->good_since && redis_link_clock() - link->good_since >= options->backoff_max)
        link->failures = 0;
    uint64_t limit = options->backoff_max;
    if (link->failures < DOUBLINGS_MAX && options->backoff_min << link->failures < limit)
        limit = options->backoff_min << link->failures;
    link->failures++;
    return draw(limit);
}

void redis_link_praise(struct redis_link *link)
{
    if (!link->good_since)
        link->good_since = redis_link_clock();
}

/* ---- The end of a connection */

static void on_handle_closed(struct redis_link *link)
{
    if (--link->handles == 0)
        link->events->closed(link);
}

static void rest(struct redis_link *link)
{
    link->state = REDIS_LINK_WAITING;
    set_deadline(link, link->pause + 1);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct redis_link *link = handle->data;
    redisFree(link->context);
    link->context = NULL;
    link->poll_closing = false;
    link->state = REDIS_LINK_OFF;
    if (link->closing)
        on_handle_closed(link);
    else if (link->wanted && link->next_address)
        try_next(link);
    else if (link->wanted)
        rest(link);
}

static void close_socket(struct redis_link *link)
{
    link->state = REDIS_LINK_CLOSING;
    link->good_since = 0;
    link->deadline = 0;
    redis_buffer_clear(&link->out);
    if (!uv_is_closing((uv_handle_t *)&link->poll)) {
        uv_close((uv_handle_t *)&link->poll, on_poll_closed);
        link->poll_closing = true;
    }
}

void redis_link_drop(struct redis_link *link, struct redis_trouble trouble, const char *text)
{
    char copy[160]; /* text may be the context's, or in the reply */
    snprintf(copy, sizeof copy, "%s", text);
    if (link->state == REDIS_LINK_OFF || link->state == REDIS_LINK_WAITING ||
        link->state == REDIS_LINK_CLOSING)
        return;
    link->next_address =
        link->addresses.next < link->addresses.count && trouble.fault == REDIS_LATER &&
        (link->state == REDIS_LINK_CONNECTING || link->state == REDIS_LINK_GREETING);
    if (!link->next_address)
        link->pause = pause_after(link, trouble.fault);
    if (link->state == REDIS_LINK_FINDING)
        rest(link);
    else
        close_socket(link);
    if (!link->next_address)
        link->events->down(link, trouble, copy);
}

static void fail(struct redis_link *link, int status)
{
    redis_link_drop(link, (struct redis_trouble){REDIS_LATER, status}, uv_strerror(status));
}

/* ---- Writing */

static bool is_open(const struct redis_link *link)
{
    return link->state == REDIS_LINK_GREETING || link->state == REDIS_LINK_UP;
}

static bool has_unsent(const struct redis_link *link)
{
    return link->out.sent < link->out.length ||
           (link->settings->tls && redis_tls_is_waiting(link->context));
}

/* 1: go on, 0: full, negative: broken. */
static int send_some(struct redis_link *link)
{
    const char *bytes = link->out.data + link->out.sent;
    size_t size = link->out.length - link->out.sent, taken = 0;
    int more;
    if (link->settings->tls) {
        more = redis_tls_send(link->context, bytes, size, &taken);
    } else {
        ssize_t sent = send(link->context->fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            return 1;
        if (sent < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : uv_translate_sys_error(errno);
        taken = (size_t)sent;
        more = 1;
    }
    link->out.sent += taken;
    return more;
}

static void on_poll(uv_poll_t *poll, int status, int events);

/* Watches for what is needed now. */
static void watch(struct redis_link *link)
{
    int mask = link->state == REDIS_LINK_CONNECTING ? UV_WRITABLE : UV_READABLE;
    if (is_open(link) && has_unsent(link)) {
        /* TLS may wait for the other side instead: then its socket has room, and would wake us for
         * nothing without end. */
        struct pollfd room = {.fd = link->context->fd, .events = POLLOUT};
        if (!link->settings->tls || poll(&room, 1, 0) == 0)
            mask |= UV_WRITABLE;
    }
    if (mask == link->mask)
        return;
    int status = uv_poll_start(&link->poll, mask, on_poll);
    link->mask = status == 0 ? mask : 0;
    if (status != 0 && !redis_link_is_robbed(link))
        fail(link, status);
}

void redis_link_flush(struct redis_link *link)
{
    if (!is_open(link))
        return;
    if (link->pid != getpid()) { /* the parent's socket */
        fail(link, UV_ECONNABORTED);
        return;
    }
    int more = 1;
    while (more > 0 && has_unsent(link))
        more = send_some(link);
    if (more < 0) { /* a last word may wait, which says more than this */
        redis_link_read(link);
        if (is_open(link))
            fail(link, more);
        return;
    }
    bool was_blocked = link->blocked;
    link->blocked = has_unsent(link);
    watch(link);
    if (was_blocked && !link->blocked && link->state == REDIS_LINK_UP)
        link->events->room(link);
}

/* ---- Reading */

static void on_greeting(struct redis_link *link)
{
    const breaker_redis_options_t *options = &link->settings->options;
    const struct redis_part *error = redis_reply_part(&link->reply, 0, REDIS_REPLY_ERROR);
    bool is_name = options->client_name && link->greeted == (options->password != NULL);
    if (error) {
        const char *text = redis_reply_text(&link->reply, error);
        struct redis_trouble trouble = redis_error_classify(text, error->length);
        if (!is_name || trouble.fault != REDIS_SETTING) { /* the name is but a nicety */
            char copy[160];
            snprintf(copy, sizeof copy, "%.*s", (int)error->length, text);
            redis_link_drop(link, trouble, copy);
            return;
        }
    }
    if (++link->greeted == link->greeting) {
        link->state = REDIS_LINK_UP;
        link->deadline = 0;
        link->events->up(link);
    }
}

/* Acts upon every reply that is complete. */
static void digest_replies(struct redis_link *link)
{
    while (is_open(link)) {
        void *whole = NULL;
        if (redisGetReplyFromReader(link->context, &whole) != REDIS_OK) {
            bool lacking = link->context->err == REDIS_ERR_OOM && !link->reply.refused;
            int status = lacking ? UV_ENOMEM : UV_EPROTO;
            redis_link_drop(link, (struct redis_trouble){REDIS_LATER, status},
                            lacking ? uv_strerror(status) : "a reply that is none of Redis'");
            return;
        }
        if (!whole)
            break;
        if (link->state == REDIS_LINK_GREETING)
            on_greeting(link);
        else
            link->events->reply(link, &link->reply);
        redis_reply_clear(&link->reply);
    }
    if (is_open(link) &&
        link->context->reader->len - link->context->reader->pos > REDIS_REPLY_BYTES_MAX)
        redis_link_drop(link, (struct redis_trouble){REDIS_LATER, UV_EPROTO},
                        "a reply without end");
}

void redis_link_read(struct redis_link *link)
{
    for (unsigned round = 0; round < ROUNDS_MAX && is_open(link); round++) {
        size_t before = link->context->reader->len;
        errno = 0;
        if (redisBufferRead(link->context) != REDIS_OK) {
            int status = link->context->err == REDIS_ERR_OOM ? UV_ENOMEM
                         : link->context->err == REDIS_ERR_IO && errno
                             ? uv_translate_sys_error(errno)
                             : UV_ECONNRESET;
            redis_link_drop(link, (struct redis_trouble){REDIS_LATER, status},
                            link->context->errstr);
            return;
        }
        if (link->context->reader->len == before)
            return;
        link->errors = 0;
        digest_replies(link);
    }
    if (is_open(link) && link->settings->tls) /* the rest is where the poll does not see it */
        redis_link_drop(link, (struct redis_trouble){REDIS_LATER, UV_EPROTO},
                        "replies without end");
}

/* ---- The beginning of a connection */

static void greet(struct redis_link *link)
{
    const breaker_redis_options_t *options = &link->settings->options;
    int status = link->settings->tls ? redis_tls_begin(link->settings->tls, link->context) : 0;
    if (status) {
        redis_link_drop(link, (struct redis_trouble){REDIS_LATER, status}, link->context->errstr);
        return;
    }
    link->greeted = link->greeting = 0;
    link->state = REDIS_LINK_GREETING;
    if (options->password) {
        redis_buffer_begin(&link->out, options->user ? 3 : 2);
        redis_buffer_text(&link->out, "AUTH");
        if (options->user)
            redis_buffer_text(&link->out, options->user);
        redis_buffer_text(&link->out, options->password);
        status = redis_buffer_end(&link->out);
        link->greeting++;
    }
    if (options->client_name && !status) {
        redis_buffer_begin(&link->out, 3);
        redis_buffer_text(&link->out, "CLIENT");
        redis_buffer_text(&link->out, "SETNAME");
        redis_buffer_text(&link->out, options->client_name);
        status = redis_buffer_end(&link->out);
        link->greeting++;
    }
    if (options->database && !status) {
        redis_buffer_begin(&link->out, 2);
        redis_buffer_text(&link->out, "SELECT");
        redis_buffer_number(&link->out, options->database);
        status = redis_buffer_end(&link->out);
        link->greeting++;
    }
    if (status) {
        fail(link, status);
    } else if (link->greeting) {
        redis_link_flush(link);
    } else {
        link->state = REDIS_LINK_UP;
        link->deadline = 0;
        link->events->up(link);
        if (link->state == REDIS_LINK_UP)
            watch(link);
    }
}

/* A port of this very machine that nobody listens to may, by bad luck, be the one that we were given:
 * then we are connected to ourselves, and keep the server from coming up. */
static bool is_self(int fd)
{
    struct sockaddr_storage here = {0}, there = {0};
    socklen_t here_size = sizeof here, there_size = sizeof there;
    getsockname(fd, (struct sockaddr *)&here, &here_size);
    getpeername(fd, (struct sockaddr *)&there, &there_size);
    return here.ss_family != AF_UNIX && here_size == there_size &&
           memcmp(&here, &there, here_size) == 0;
}

static void on_connected(struct redis_link *link)
{
    struct sockaddr_storage there;
    socklen_t size = sizeof(int), there_size = sizeof there;
    int error = 0, fd = link->context->fd, on = 1, idle = 15, interval = 5, count = 3;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (!error && getpeername(fd, (struct sockaddr *)&there, &there_size) != 0) {
        if (errno == ENOTCONN)
            return; /* not yet */
        error = errno;
    }
    if (!error && is_self(fd))
        error = ECONNREFUSED;
    if (error) {
        fail(link, uv_translate_sys_error(error));
        return;
    }
    if (!link->settings->options.path) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    }
    greet(link);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct redis_link *link = poll->data;
    if (link->pid != getpid()) {
        fail(link, UV_ECONNABORTED);
        return;
    }
    if (status < 0) { /* libuv has stopped the handle */
        link->mask = 0;
        events = UV_READABLE | UV_WRITABLE;
        if (++link->errors > ERRORS_MAX) {
            fail(link, UV_EIO);
            return;
        }
    }
    if (link->state == REDIS_LINK_CONNECTING) {
        on_connected(link);
    } else {
        if (events & UV_READABLE)
            redis_link_read(link);
        if (is_open(link) && (events & UV_WRITABLE || has_unsent(link)))
            redis_link_flush(link);
    }
    if (is_open(link) || link->state == REDIS_LINK_CONNECTING)
        watch(link);
}

static int dial(struct redis_link *link, const struct redis_address *to)
{
    int fd = socket(to->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return uv_translate_sys_error(errno);
    int status = connect(fd, (const struct sockaddr *)&to->address, to->length);
    status = status != 0 && errno != EINPROGRESS ? uv_translate_sys_error(errno) : 0;
    link->context = status ? NULL : redisConnectFd(fd);
    if (!link->context) {
        close(fd);
        return status ? status : UV_ENOMEM;
    }
    status = uv_poll_init(link->loop, &link->poll, fd);
    if (status) {
        redisFree(link->context);
        link->context = NULL;
        return status;
    }
    link->context->flags &= ~REDIS_BLOCK; /* it takes descriptors for blocking ones */
    link->poll.data = link;
    uv_unref((uv_handle_t *)&link->poll);
    redis_reply_attach(&link->reply, link->context);
    redis_buffer_clear(&link->out);
    link->state = REDIS_LINK_CONNECTING;
    link->pid = getpid();
    link->mask = 0;
    link->errors = 0;
    link->blocked = false;
    set_deadline(link, link->settings->options.connect_timeout);
    watch(link);
    return 0;
}

static void try_next(struct redis_link *link)
{
    int status = UV_EADDRNOTAVAIL;
    const struct redis_address *to;
    while ((to = redis_addresses_next(&link->addresses))) {
        status = dial(link, to);
        if (status == 0)
            return;
    }
    link->state = REDIS_LINK_FINDING; /* a place to fail from */
    fail(link, status);
}

static void on_found(struct redis_addresses *addresses, int status)
{
    struct redis_link *link =
        (struct redis_link *)((char *)addresses - offsetof(struct redis_link, addresses));
    if (link->state != REDIS_LINK_FINDING)
        return; /* its time was over */
    if (status == 0)
        try_next(link);
    else
        fail(link, status);
}

static void begin(struct redis_link *link)
{
    link->state = REDIS_LINK_FINDING;
    set_deadline(link, link->settings->options.connect_timeout);
    int status =
        redis_addresses_find(&link->addresses, link->loop, &link->settings->options, on_found);
    if (status == 0)
        try_next(link);
    else if (status < 0)
        fail(link, status);
}

/* ---- Life */

static void on_timer(uv_timer_t *timer)
{
    struct redis_link *link = timer->data;
    uint64_t now;
    link->armed = 0;
    if (is_open(link) && link->pid == getpid()) {
        redis_link_read(link);
    } else if (link->state == REDIS_LINK_CONNECTING) {
        struct pollfd ready = {.fd = link->context->fd, .events = POLLOUT};
        if (poll(&ready, 1, 0) > 0)
            on_connected(link);
    }
    now = redis_link_clock();
    if (link->deadline && now >= link->deadline) {
        link->deadline = 0;
        if (link->state == REDIS_LINK_WAITING)
            begin(link);
        else
            fail(link, UV_ETIMEDOUT);
    }
    if (link->due && now >= link->due) {
        link->due = 0;
        link->events->due(link);
    }
    arm(link);
}

void redis_link_init(struct redis_link *link, uv_loop_t *loop,
                     const struct redis_settings *settings, const struct redis_link_events *events,
                     void *data)
{
    memset(link, 0, sizeof *link);
    link->loop = loop;
    link->settings = settings;
    link->events = events;
    link->data = data;
    uv_timer_init(loop, &link->timer);
    uv_unref((uv_handle_t *)&link->timer);
    link->timer.data = link;
}

void redis_link_start(struct redis_link *link)
{
    link->wanted = true;
    if (link->state == REDIS_LINK_OFF)
        begin(link);
}

void redis_link_stop(struct redis_link *link)
{
    link->wanted = false;
    link->next_address = false;
    link->pause = 0;
    link->deadline = 0;
    if (link->context && link->state != REDIS_LINK_CLOSING)
        close_socket(link);
    else if (!link->context)
        link->state = REDIS_LINK_OFF;
}

bool redis_link_is_robbed(const struct redis_link *link)
{
    if (link->closing)
        return link->robbed;
    return uv_is_closing((const uv_handle_t *)&link->timer) ||
           (link->context && !link->poll_closing &&
            uv_is_closing((const uv_handle_t *)&link->poll));
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_handle_closed(handle->data);
}

bool redis_link_close(struct redis_link *link)
{
    link->robbed = redis_link_is_robbed(link);
    link->closing = true;
    link->wanted = false;
    redis_addresses_abandon(&link->addresses);
    if (link->context && link->state != REDIS_LINK_CLOSING)
        close_socket(link);
    link->handles += link->poll_closing;
    if (!uv_is_closing((uv_handle_t *)&link->timer)) {
        uv_close((uv_handle_t *)&link->timer, on_timer_closed);
        link->handles++;
    }
    return link->handles != 0;
}

void redis_link_free(struct redis_link *link)
{
    if (link->context)
        redisFree(link->context);
    link->context = NULL;
    redis_buffer_free(&link->out);
    redis_reply_free(&link->reply);
}
