/* Knows what goes over an open connection: bytes out as far as the socket takes them, replies in
 * as far as they are there, each acted upon after hiredis' reader has returned. An error that
 * libuv reports says only that something can be learnt by reading and writing, and stops the
 * poll handle, which is then started again. */
#include "redis_greeting.h"
#include "redis_link.h"
#include "redis_socket.h"
#include "redis_tls.h"
#include <errno.h>
#include <unistd.h>

#define READ_SIZE 16384u /* what hiredis reads at once */
#define ROUNDS_MAX 256u  /* such reads in one turn of the loop */
#define ERRORS_MAX 16u   /* events with nothing behind them */

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

bool redis_link_is_inherited(struct redis_link *link)
{
    if (link->pid == getpid())
        return false;
    redis_link_fail(link, UV_ECONNABORTED);
    return true;
}

/* 1: go on, 0: full, negative: broken. */
static int send_some(struct redis_link *link)
{
    const char *bytes = link->out.data + link->out.sent;
    size_t size = link->out.length - link->out.sent, taken = 0;
    if (link->settings->tls) {
        int more = redis_tls_send(link->context, bytes, size, &taken);
        link->out.sent += taken;
        return more;
    }
    ssize_t sent = redis_socket_send(link->context->fd, bytes, size);
    if (sent <= 0)
        return (int)sent;
    link->out.sent += (size_t)sent;
    return 1;
}

static void on_poll(uv_poll_t *poll, int status, int events);

/* Watches for what is needed now. */
void redis_link_watch(struct redis_link *link)
{
    int mask = link->state == REDIS_LINK_CONNECTING ? UV_WRITABLE : UV_READABLE;
    if (is_open(link) && has_unsent(link)) {
        /* TLS may wait for the other side instead: then its socket has room, and would wake us for
         * nothing without end. */
        if (!link->settings->tls || !redis_socket_has_room(link->context->fd))
            mask |= UV_WRITABLE;
    }
    if (mask == link->mask)
        return;
    int status = uv_poll_start(&link->poll, mask, on_poll);
    link->mask = status == 0 ? mask : 0;
    if (status != 0 && !redis_link_is_robbed(link))
        redis_link_fail(link, status);
}

void redis_link_flush(struct redis_link *link)
{
    if (!is_open(link) || redis_link_is_inherited(link))
        return;
    int more = 1;
    while (more > 0 && has_unsent(link))
        more = send_some(link);
    if (more < 0) { /* a last word may wait, which says more than this */
        redis_link_read(link);
        if (is_open(link))
            redis_link_fail(link, more);
        return;
    }
    bool was_blocked = link->blocked;
    link->blocked = has_unsent(link);
    redis_link_watch(link);
    if (was_blocked && !link->blocked && link->state == REDIS_LINK_UP)
        link->events->room(link);
}

/* ---- Reading */

static void on_greeting(struct redis_link *link)
{
    struct redis_trouble trouble =
        redis_greeting_judge(&link->settings->options, link->greeted, &link->reply);
    if (trouble.fault != REDIS_FINE) {
        char text[REDIS_TEXT_MAX];
        redis_reply_copy_error(&link->reply, text, sizeof text);
        redis_link_drop(link, trouble, text);
    } else if (++link->greeted == link->greeting) {
        redis_link_be_up(link);
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
    if (!is_open(link) || redis_link_is_inherited(link))
        return;
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
        size_t came = link->context->reader->len - before;
        if (came == 0)
            return;
        link->errors = 0;
        digest_replies(link);
        if (came < READ_SIZE && !link->settings->tls)
            return; /* there is no more */
    }
    if (is_open(link) && link->settings->tls)
        redis_link_read_on(link);
}

/* ---- Events */

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct redis_link *link = poll->data;
    if (redis_link_is_inherited(link))
        return;
    if (status < 0) { /* libuv has stopped the handle */
        link->mask = 0;
        events = UV_READABLE | UV_WRITABLE;
        if (++link->errors > ERRORS_MAX) {
            redis_link_fail(link, UV_EIO);
            return;
        }
    }
    if (link->state == REDIS_LINK_CONNECTING) {
        redis_link_connected(link);
    } else {
        if (events & UV_READABLE)
            redis_link_read(link);
        if (is_open(link) && (events & UV_WRITABLE || has_unsent(link)))
            redis_link_flush(link);
    }
    if (is_open(link) || link->state == REDIS_LINK_CONNECTING)
        redis_link_watch(link);
}
