/* Knows the life of a connection: how it is made, when it is given up, and that it comes back.
 *
 * hiredis is used as a reader and writer of bytes, not through its asynchronous API: that one
 * aborts the process on a reply that nobody asked for, raises SIGPIPE, loses callbacks with the
 * event-loop glue that comes with it, frees itself at moments of its own choice and calls back
 * from inside. So the socket is ours, non-blocking, watched by a uv_poll of ours; the context
 * made of it reads and parses; and what it parsed is acted upon after hiredis has returned. A
 * connection that is given up is freed when its poll handle is closed, never sooner, and only
 * then is the next one made. Deadlines are judged after what has arrived was read.
 * redis_dial.c has the beginning, redis_traffic.c what goes over an open connection. */
#include "redis_link.h"
#include "redis_socket.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- Time */

uint64_t redis_link_clock(void)
{
    return uv_hrtime() / 1000000;
}

#define LATE 20u /* ms after which a timer tells that the loop was kept from turning */

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

void redis_link_read_on(struct redis_link *link)
{
    if (uv_timer_start(&link->timer, on_timer, 0, 0) == 0)
        link->armed = redis_link_clock();
}

void redis_link_allow(struct redis_link *link, uint64_t in)
{
    link->deadline = in ? redis_link_clock() + in : 0;
    arm(link);
}

void redis_link_expect(struct redis_link *link, uint64_t due)
{
    link->due = due;
    arm(link);
}

void redis_link_praise(struct redis_link *link)
{
    redis_backoff_praise(&link->backoff);
}

/* ---- The end of a connection */

void redis_link_handle_closed(struct redis_link *link)
{
    if (--link->handles == 0)
        link->events->closed(link);
}

static void rest(struct redis_link *link)
{
    link->state = REDIS_LINK_WAITING;
    redis_link_allow(link, link->pause + 1);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct redis_link *link = handle->data;
    redisFree(link->context);
    link->context = NULL;
    link->poll_closing = false;
    link->state = REDIS_LINK_OFF;
    if (link->closing)
        redis_link_handle_closed(link);
    else if (link->wanted && link->next_address)
        redis_link_try_next(link);
    else if (link->wanted)
        rest(link);
}

static void close_socket(struct redis_link *link)
{
    link->state = REDIS_LINK_CLOSING;
    link->deadline = 0;
    redis_buffer_clear(&link->out);
    if (!uv_is_closing((uv_handle_t *)&link->poll)) {
        uv_close((uv_handle_t *)&link->poll, on_poll_closed);
        link->poll_closing = true;
    }
}

void redis_link_drop(struct redis_link *link, struct redis_trouble trouble, const char *text)
{
    char copy[REDIS_TEXT_MAX]; /* text may be the context's, or in the reply */
    snprintf(copy, sizeof copy, "%s", text);
    if (link->state == REDIS_LINK_OFF || link->state == REDIS_LINK_WAITING ||
        link->state == REDIS_LINK_CLOSING)
        return;
    link->next_address = link->addresses.next < link->addresses.count &&
                         trouble.fault == REDIS_LATER && !link->backoff.good_since;
    if (link->state == REDIS_LINK_FINDING) {
        link->state = REDIS_LINK_WAITING;
    } else {
        if (link->pid == getpid())
            redis_socket_give_up(link->context->fd);
        close_socket(link);
    }
    if (link->next_address) {
        link->events->next(link);
        return;
    }
    bool idle = link->events->down(link, trouble, copy);
    link->pause =
        redis_backoff_pause(&link->backoff, &link->settings->options, trouble.fault, idle);
    if (link->state == REDIS_LINK_WAITING)
        rest(link);
}

void redis_link_fail(struct redis_link *link, int status)
{
    redis_link_drop(link, (struct redis_trouble){REDIS_LATER, status}, uv_strerror(status));
}

/* ---- Life */

/* The loop was kept from turning: who is waited for had no chance to be heard, so all deadlines
 * begin anew, once in a row. */
static void begin_anew(struct redis_link *link, uint64_t now)
{
    if (link->deadline && link->state != REDIS_LINK_WAITING)
        link->deadline = now + link->settings->options.connect_timeout;
    if (link->due)
        link->events->late(link);
}

static void on_timer(uv_timer_t *timer)
{
    struct redis_link *link = timer->data;
    uint64_t now = redis_link_clock();
    bool is_late = now > link->armed + LATE;
    link->armed = 0;
    if (is_late && !link->was_late)
        begin_anew(link, now);
    link->was_late = is_late;
    if (link->state == REDIS_LINK_CONNECTING)
        redis_link_connected(link);
    else
        redis_link_read(link);
    now = redis_link_clock();
    if (link->deadline && now >= link->deadline) {
        link->deadline = 0;
        if (link->state == REDIS_LINK_WAITING)
            redis_link_begin(link);
        else
            redis_link_fail(link, UV_ETIMEDOUT);
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
    bool is_orphaned =
        link->state == REDIS_LINK_FINDING && redis_addresses_are_orphaned(&link->addresses);
    link->wanted = true;
    if (link->state == REDIS_LINK_OFF || is_orphaned)
        redis_link_begin(link);
}

void redis_link_hurry(struct redis_link *link)
{
    link->pause = 0; /* if the socket is still being closed */
    if (link->state == REDIS_LINK_WAITING)
        redis_link_begin(link);
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
    redis_link_handle_closed(handle->data);
}

bool redis_link_close(struct redis_link *link)
{
    link->robbed = redis_link_is_robbed(link);
    link->closing = true;
    link->wanted = false;
    link->handles += redis_addresses_abandon(&link->addresses);
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
