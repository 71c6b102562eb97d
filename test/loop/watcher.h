/* A listener that records what it is told. */
#ifndef LOOP_WATCHER_H
#define LOOP_WATCHER_H

#include "fixture.h"

struct watcher {
    breaker_listener_t listener; /* first: the listener is the watcher */
    struct fixture *f;
    const char *name;
    bool is_quiet;
    void (*in_notify)(struct watcher *watcher, const breaker_event_t *event);
    void *data;
    /* What was told. */
    unsigned told[16]; /* by kind: the number of its bit */
    uint64_t missed[BREAKER_KINDS];
    breaker_event_t last;
};

/* The fixture's memory, to its end. */
struct watcher *watcher_new(struct fixture *f, const char *name, int kinds);
void watch_breaker(struct watcher *watcher, breaker_t *breaker); /* asserts that it is accepted */
void watch_panel(struct watcher *watcher);
void unwatch(struct watcher *watcher);

/* How many of a kind it was told. */
unsigned told_of(const struct watcher *watcher, int kind);

/* NAME:KIND, and for a transition NAME:FROM>TO, where states are P, B and R. */
extern const char state_letters[3];

#endif /* LOOP_WATCHER_H */
