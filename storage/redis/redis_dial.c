/* Knows how a connection is made: an address is found, and then the next one, a socket, TLS, and
 * the greeting. */
#include "redis_greeting.h"
#include "redis_link.h"
#include "redis_socket.h"
#include "redis_tls.h"
#include <unistd.h>

void redis_link_be_up(struct redis_link *link)
{
    link->state = REDIS_LINK_UP;
    link->deadline = 0;
    link->events->up(link);
}

static void greet(struct redis_link *link)
{
    if (link->settings->tls) {
        int status = redis_tls_begin(link->settings->tls, link->context);
        if (status) {
            redis_link_drop(link, (struct redis_trouble){REDIS_LATER, status},
                            link->context->errstr);
            return;
        }
    }
    link->state = REDIS_LINK_GREETING; /* in what is left of the time for connecting */
    link->greeted = 0;
    link->greeting = redis_greeting_write(&link->out, &link->settings->options);
    if (link->greeting < 0)
        redis_link_fail(link, link->greeting);
    else if (link->greeting == 0)
        redis_link_be_up(link);
    redis_link_flush(link);
}

void redis_link_connected(struct redis_link *link)
{
    if (redis_link_is_inherited(link))
        return;
    int status = redis_socket_is_connected(link->context->fd);
    if (status > 0)
        greet(link);
    else if (status < 0)
        redis_link_fail(link, status);
}

static int dial(struct redis_link *link, const struct redis_address *to)
{
    int fd = redis_socket_dial(to);
    if (fd < 0)
        return fd;
    link->context = redisConnectFd(fd);
    if (!link->context) {
        close(fd);
        return UV_ENOMEM;
    }
    int status = uv_poll_init(link->loop, &link->poll, fd);
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
    redis_link_allow(link, link->settings->options.connect_timeout);
    redis_link_watch(link);
    return 0;
}

void redis_link_try_next(struct redis_link *link)
{
    int status = UV_EADDRNOTAVAIL;
    const struct redis_address *to;
    while ((to = redis_addresses_next(&link->addresses))) {
        status = dial(link, to);
        if (status == 0)
            return;
    }
    link->state = REDIS_LINK_FINDING; /* a place to fail from */
    redis_link_fail(link, status);
}

static void on_found(struct redis_addresses *addresses, int status)
{
    struct redis_link *link =
        (struct redis_link *)((char *)addresses - offsetof(struct redis_link, addresses));
    if (link->closing)
        redis_link_handle_closed(link);
    else if (link->state != REDIS_LINK_FINDING)
        return; /* its time was over */
    else if (status == 0)
        redis_link_try_next(link);
    else
        redis_link_fail(link, status);
}

void redis_link_begin(struct redis_link *link)
{
    link->state = REDIS_LINK_FINDING;
    redis_link_allow(link, link->settings->options.connect_timeout);
    int status =
        redis_addresses_find(&link->addresses, link->loop, &link->settings->options, on_found);
    if (status == 0)
        redis_link_try_next(link);
    else if (status < 0)
        redis_link_fail(link, status);
}
