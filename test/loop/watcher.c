/* How a watcher records: kinds by their short names, transitions by the letters of the states. */
#include "watcher.h"

const char state_letters[3] = {'P', 'B', 'R'};

static unsigned bit_of(int kind)
{
    return (unsigned)__builtin_ctz((unsigned)kind);
}

static const char *kind_name(int kind)
{
    switch (kind) {
    case BREAKER_BEFORE_CALL:
        return "before";
    case BREAKER_ON_SUCCESS:
        return "ok";
    case BREAKER_ON_FAILURE:
        return "failed";
    case BREAKER_ON_REJECTED:
        return "rejected";
    case BREAKER_ON_LATE:
        return "late";
    case BREAKER_ON_MISSED:
        return "missed";
    default:
        return "?";
    }
}

static void on_event(breaker_listener_t *listener, const breaker_event_t *event)
{
    struct watcher *watcher = (struct watcher *)(void *)listener;

    not_inside();
    watcher->told[bit_of(event->kind)]++;
    watcher->last = *event;
    if (event->kind == BREAKER_ON_MISSED)
        for (unsigned i = 0; i < BREAKER_KINDS; i++)
            watcher->missed[i] += event->missed[i];
    if (!watcher->is_quiet && event->kind == BREAKER_ON_STATE_CHANGE)
        record(watcher->f, "%s:%c>%c", watcher->name, state_letters[event->from],
               state_letters[event->to]);
    else if (!watcher->is_quiet)
        record(watcher->f, "%s:%s", watcher->name, kind_name(event->kind));
    if (watcher->in_notify != NULL)
        watcher->in_notify(watcher, event);
}

struct watcher *watcher_new(struct fixture *f, const char *name, int kinds)
{
    struct watcher *watcher = keep(f, sizeof *watcher);

    watcher->f = f;
    watcher->name = name;
    watcher->listener.kinds = kinds;
    watcher->listener.notify = on_event;
    return watcher;
}

void watch_breaker(struct watcher *watcher, breaker_t *breaker)
{
    assert_int_equal(API(breaker_listen(breaker, &watcher->listener)), 0);
}

void watch_panel(struct watcher *watcher)
{
    assert_int_equal(API(breaker_panel_listen(watcher->f->panel, &watcher->listener)), 0);
}

void unwatch(struct watcher *watcher)
{
    assert_int_equal(API(breaker_unlisten(&watcher->listener)), 0);
}

unsigned told_of(const struct watcher *watcher, int kind)
{
    return watcher->told[bit_of(kind)];
}
