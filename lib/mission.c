/* Missions: the transactions of shared circuits (circuit/fleet/ask.h) on their way to the panel's storage and
 * back, always from the loop and always in the background: no call waits for them, and they do not keep
 * the loop alive. What is due at one time goes out together. Their memory serves all circuits of a panel,
 * and there is an end to it: who is due then waits in line for what comes back. */
#include "circuit/fleet/ask.h"
#include "memory.h"
#include "shared.h"
#include <string.h>

enum { MISSIONS_MAX = 256, RETRY = 1 };

struct mission {
    struct errand errand;
    struct mission *next; /* of the same breaker, or free */
    struct shared *shared;
    struct ask ask;
};

/* ---- Memory ------------------------------------------------------------------------------------*/

static struct shared *shared_at(struct breaker_due_s *due)
{
    return (struct shared *)(void *)((char *)due - offsetof(struct shared, due));
}

static struct mission *take(breaker_panel_t *panel)
{
    struct mission *m = panel->fleet.free;

    if (m != NULL) {
        panel->fleet.free = m->next;
        return m;
    }
    if (panel->fleet.missions == MISSIONS_MAX || (m = memory_zeroed(sizeof *m)) == NULL)
        return NULL;
    panel->fleet.missions++;
    return m;
}

static void stand_in_line(struct shared *s)
{
    struct mission_line *line = &s->breaker->panel->fleet.line;

    s->due.time = 0; /* nothing can be due before */
    s->due.next = NULL;
    s->due.link = line->first == NULL ? &line->first : line->last;
    *s->due.link = &s->due;
    line->last = &s->due.next;
}

/* From the line, the wheel, or neither. */
static void make_undue(struct shared *s)
{
    struct mission_line *line = &s->breaker->panel->fleet.line;

    if (line->last == &s->due.next)
        line->last = s->due.link;
    wheel_remove(&s->due);
}

/* Whoever does not use what was free for it, sees that the next is called. */
static void call_next(breaker_panel_t *panel)
{
    struct breaker_due_s *due = panel->fleet.line.first;

    if (due == NULL || panel->fleet.free == NULL || panel->is_closing)
        return;
    make_undue(shared_at(due));
    wheel_add(&panel->wheel, due);
    panel_wake(panel);
}

static void give_back(breaker_panel_t *panel, struct mission *m)
{
    m->next = panel->fleet.free;
    panel->fleet.free = m;
    call_next(panel);
}

static void take_out(struct mission *m)
{
    struct mission **link = &m->shared->out;

    while (*link != m)
        link = &(*link)->next;
    *link = m->next;
}

/* ---- Out and back ------------------------------------------------------------------------------*/

static void on_done(struct errand *errand, int status);

static void dispatch(struct mission *m)
{
    breaker_panel_t *panel = m->shared->breaker->panel;

    memset(&m->errand, 0, sizeof m->errand);
    m->errand.transaction = m->ask.transaction;
    m->errand.done = on_done;
    errand_run(&m->errand, panel, &panel->door);
    panel->has_sent = true;
}

static void on_done(struct errand *errand, int status)
{
    struct mission *m = (struct mission *)(void *)errand;
    struct shared *s = m->shared;
    breaker_panel_t *panel = s->breaker->panel;
    breaker_state_t from = fleet_state(&s->fleet, &s->breaker->circuit);
    struct fleet_news news = {.entered = false};
    uint64_t now = panel_now(panel);
    struct fleet_world world;

    m->ask.transaction = errand->transaction;
    if (status == 0 || status == BREAKER_EGUARD) {
        fleet_clock_hear(&panel->fleet.clock, m->ask.went, now, m->ask.transaction.wall);
    }
    m->ask.is_refused = shared_is_refusal(panel, status);
    world = shared_world(s->breaker, now);
    if (ask_hear(&m->ask, &s->fleet, &world, status, &news)) {
        dispatch(m);
        return;
    }
    take_out(m);
    give_back(panel, m);
    shared_heard(s, from, &news, status);
}

static void tend(struct shared *s, uint64_t earliest)
{
    breaker_panel_t *panel = s->breaker->panel;
    uint64_t due = fleet_due(&s->fleet);

    if (due == UINT64_MAX || panel->is_closing)
        return;
    if (due < earliest)
        due = earliest;
    if (s->due.link != NULL && s->due.time <= due)
        return;
    make_undue(s);
    s->due.time = due;
    wheel_add(&panel->wheel, &s->due);
    panel_wake(panel);
}

void mission_tend(struct shared *s)
{
    tend(s, 0);
}

/* False: there is nothing to be asked, or no memory to do it with. */
static bool send_one(struct shared *s, struct mission *m, uint64_t now)
{
    struct fleet_world world = shared_world(s->breaker, now);

    if (!ask_make(&m->ask, &s->fleet, &world)) {
        give_back(s->breaker->panel, m);
        return false;
    }
    m->shared = s;
    m->next = s->out;
    s->out = m;
    dispatch(m);
    return true;
}

/* There is no memory. While some of it is under way it comes back; otherwise the system may have more soon. */
static void send_later(struct shared *s, uint64_t now)
{
    if (fleet_due(&s->fleet) > now) {
        tend(s, 0);
    } else if (s->breaker->panel->fleet.missions == 0) {
        tend(s, time_after(now, RETRY));
    } else {
        make_undue(s);
        stand_in_line(s);
    }
}

void mission_send(struct breaker_due_s *due)
{
    struct shared *s = shared_at(due);
    uint64_t now = panel_now(s->breaker->panel);
    struct mission *m;

    while ((m = take(s->breaker->panel)) != NULL && send_one(s, m, now))
        ;
    if (m == NULL)
        send_later(s, now);
    else
        tend(s, 0);
}

/* ---- The end -----------------------------------------------------------------------------------*/

void mission_cancel_all(struct shared *s)
{
    breaker_panel_t *panel = s->breaker->panel;

    make_undue(s);
    while (s->out != NULL) {
        struct mission *m = s->out;
        s->out = m->next;
        errand_cancel(&m->errand);
        give_back(panel, m);
    }
    call_next(panel); /* it may have been called itself */
}

void mission_free(breaker_panel_t *panel)
{
    while (panel->fleet.free != NULL) {
        struct mission *m = panel->fleet.free;
        panel->fleet.free = m->next;
        memory_release(m);
    }
}
