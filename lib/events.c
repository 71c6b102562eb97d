/* Who listens, and what they are still to be told. Events are noted where they happen, in a ring of fixed
 * size, and told by the drain. A listener may be taken away at any moment, inside its own event too: the
 * cursor, which says who is next, steps aside for it. */
#include "memory.h"
#include "panel.h"
#include <string.h>

void event_init(breaker_panel_t *panel, uint32_t capacity)
{
    panel->events.capacity = capacity;
    panel->events.missed_last = &panel->events.missed_first;
}

/* ---- Listeners ---------------------------------------------------------------------------------*/

enum {
    PANEL_KINDS =
        BREAKER_ON_ALL | BREAKER_ON_STORAGE_LOST | BREAKER_ON_STORAGE_FOUND | BREAKER_ON_MISSED
};

static uint16_t kinds_of(const struct listeners *listeners)
{
    int kinds = 0;

    for (const breaker_listener_t *l = listeners->first; l != NULL; l = l->library.next)
        kinds |= l->kinds;
    return (uint16_t)kinds;
}

/* The ring is made when somebody first listens. */
static int make_ring(struct events *events)
{
    if (events->notes == NULL)
        events->notes = memory_zeroed(events->capacity * sizeof *events->notes);
    return events->notes == NULL ? UV_ENOMEM : 0;
}

static int begin_to_listen(breaker_panel_t *panel, breaker_t *breaker, breaker_listener_t *listener)
{
    struct listeners *listeners = breaker != NULL ? &breaker->listeners : &panel->events.listeners;
    breaker_listener_t **end = &listeners->first;

    if (listener == NULL || listener->notify == NULL || listener->kinds == 0 ||
        (listener->kinds & ~(breaker == NULL ? PANEL_KINDS : BREAKER_ON_ALL)) != 0)
        return UV_EINVAL;
    if (listener->library.on)
        return UV_EBUSY;
    if (panel->is_closing)
        return UV_ESHUTDOWN;
    if (make_ring(&panel->events) != 0)
        return UV_ENOMEM;
    while (*end != NULL)
        end = &(*end)->library.next;
    *end = listener;
    listener->library.next = NULL;
    listener->library.panel = panel;
    listener->library.breaker = breaker;
    listener->library.since = panel->events.number;
    listener->library.on = 1;
    if (breaker != NULL)
        breaker->kinds = (uint8_t)kinds_of(listeners);
    else
        panel->events.kinds = kinds_of(listeners);
    return 0;
}

int breaker_listen(breaker_t *breaker, breaker_listener_t *listener)
{
    return breaker == NULL ? UV_EINVAL : begin_to_listen(breaker->panel, breaker, listener);
}

int breaker_panel_listen(breaker_panel_t *panel, breaker_listener_t *listener)
{
    return panel == NULL ? UV_EINVAL : begin_to_listen(panel, NULL, listener);
}

static void take_off(struct events *events, struct listeners *listeners,
                     breaker_listener_t *listener)
{
    breaker_listener_t **link = &listeners->first;

    while (*link != listener)
        link = &(*link)->library.next;
    *link = listener->library.next;
    if (events->cursor == listener)
        events->cursor = listener->library.next;
    listener->library.on = 0;
}

int breaker_unlisten(breaker_listener_t *listener)
{
    struct events *events;
    breaker_t *breaker;

    if (listener == NULL || !listener->library.on)
        return UV_EINVAL;
    events = &listener->library.panel->events;
    breaker = listener->library.breaker;
    if (breaker != NULL) {
        take_off(events, &breaker->listeners, listener);
        breaker->kinds = (uint8_t)kinds_of(&breaker->listeners);
    } else {
        take_off(events, &events->listeners, listener);
        events->kinds = kinds_of(&events->listeners);
    }
    return 0;
}

static void take_all_off(struct events *events, struct listeners *listeners)
{
    while (listeners->first != NULL)
        take_off(events, listeners, listeners->first);
}

/* ---- Noting ------------------------------------------------------------------------------------*/

static struct note *at(struct events *events, uint32_t place)
{
    return &events->notes[(events->head + place) % events->capacity];
}

/* The ring is full: only counted. But a breaker's newest transition is found again in its state. */
static void miss(struct events *events, breaker_t *breaker, const struct note *note)
{
    events->missed_any = true;
    events->missed[__builtin_ctz(note->kind)]++;
    if (note->kind != BREAKER_ON_STATE_CHANGE || (breaker->flags & BREAKER_MISSED_CHANGE))
        return;
    breaker->flags |= BREAKER_MISSED_CHANGE;
    breaker->missed_from = note->from;
    breaker->next_missed = NULL;
    *events->missed_last = breaker;
    events->missed_last = &breaker->next_missed;
}

/* breaker is NULL for what concerns the panel. */
static void add(breaker_panel_t *panel, breaker_t *breaker, const struct note *note)
{
    struct events *events = &panel->events;
    uint32_t number = events->number++;
    struct note *place;

    panel_wake(panel);
    if (events->count == events->capacity || events->missed_any) {
        miss(events, breaker, note);
        return;
    }
    place = at(events, events->count++);
    *place = *note;
    place->breaker = breaker;
    place->number = number;
}

void event_note(breaker_t *breaker, const struct note *note)
{
    if (!(breaker->flags & BREAKER_IS_GONE) && breaker->panel->events.notes != NULL)
        add(breaker->panel, breaker, note);
}

void event_note_storage(breaker_panel_t *panel, int kind, int status)
{
    struct note note = {
        .kind = (uint16_t)kind, .time = panel_now(panel), .status = status, .is_panels = true};

    if (panel->events.kinds & kind)
        add(panel, NULL, &note);
}

static void forget_missed(struct events *events, breaker_t *breaker)
{
    breaker_t **link = &events->missed_first;

    if (!(breaker->flags & BREAKER_MISSED_CHANGE))
        return;
    while (*link != breaker)
        link = &(*link)->next_missed;
    *link = breaker->next_missed;
    if (*link == NULL)
        events->missed_last = link;
}

void event_forget(breaker_t *breaker)
{
    struct events *events = &breaker->panel->events;

    take_all_off(events, &breaker->listeners);
    breaker->kinds = 0;
    for (uint32_t i = 0; i < events->count; i++)
        if (at(events, i)->breaker == breaker)
            at(events, i)->breaker = NULL;
    forget_missed(events, breaker);
    if (events->telling == breaker) {
        events->telling = NULL;
        events->cursor = NULL;
    }
}

void event_close(breaker_panel_t *panel)
{
    take_all_off(&panel->events, &panel->events.listeners);
    panel->events.kinds = 0;
    memory_release(panel->events.notes);
    panel->events.notes = NULL;
    panel->events.count = 0;
    memset(panel->events.missed, 0, sizeof panel->events.missed);
}

/* ---- Telling -----------------------------------------------------------------------------------*/

/* Was the listener there when it happened? The numbers may wrap. */
static bool was_there(const breaker_listener_t *listener, uint32_t number)
{
    return (int32_t)(number - listener->library.since) >= 0;
}

static void tell_list(struct events *events, struct listeners *listeners,
                      const breaker_event_t *event, uint32_t number)
{
    events->cursor = listeners->first;
    while (events->cursor != NULL) {
        breaker_listener_t *listener = events->cursor;
        events->cursor = listener->library.next;
        if ((listener->kinds & event->kind) && was_there(listener, number))
            listener->notify(listener, event);
    }
}

/* The breaker's own listeners, then, if it is still there, the panel's. */
static void tell_all(struct events *events, const breaker_event_t *event, uint32_t number)
{
    events->telling = event->breaker;
    tell_list(events, &event->breaker->listeners, event, number);
    if (events->telling != NULL)
        tell_list(events, &events->listeners, event, number);
    events->telling = NULL;
}

static breaker_event_t event_of(const struct note *note)
{
    return (breaker_event_t){.kind = note->kind,
                             .breaker = note->breaker,
                             .time = note->time,
                             .status = note->status,
                             .duration = note->duration,
                             .from = (breaker_state_t)note->from,
                             .to = (breaker_state_t)note->to,
                             .counts = note->counts,
                             .retry_after = note->retry_after,
                             .elsewhere = note->elsewhere};
}

static void tell_notes(struct events *events)
{
    for (uint32_t batch = events->count; batch > 0 && events->count > 0; batch--) {
        struct note note = *at(events, 0);
        breaker_event_t event = event_of(&note);

        events->head = (events->head + 1) % events->capacity;
        events->count--;
        if (note.is_panels)
            tell_list(events, &events->listeners, &event, note.number);
        else if (note.breaker != NULL)
            tell_all(events, &event, note.number);
    }
}

/* The newest transition, as the breaker's state still has it. */
static breaker_event_t missed_change(breaker_t *breaker)
{
    breaker_snapshot_t now;

    breaker_inspect(breaker, &now);
    return (breaker_event_t){.kind = BREAKER_ON_STATE_CHANGE,
                             .breaker = breaker,
                             .time = now.since,
                             .status = now.last_error,
                             .from = (breaker_state_t)breaker->missed_from,
                             .to = now.state,
                             .counts = now.tripped,
                             .retry_after = now.state == BREAKER_BROKEN ? now.retry_after : 0};
}

static breaker_t *next_missed(struct events *events)
{
    breaker_t *breaker = events->missed_first;

    if (breaker == NULL)
        return NULL;
    forget_missed(events, breaker);
    breaker->flags &= (uint8_t)~BREAKER_MISSED_CHANGE;
    return breaker;
}

static size_t count_missed(const struct events *events)
{
    size_t count = 0;

    for (const breaker_t *b = events->missed_first; b != NULL; b = b->next_missed)
        count++;
    return count;
}

/* What did not fit before this drain: changes says of how many breakers. What comes while it is told joins
 * what did not fit, and waits for the next drain. */
static void tell_missed(breaker_panel_t *panel, breaker_event_t *event, uint32_t number,
                        size_t changes)
{
    struct events *events = &panel->events;
    breaker_t *breaker;

    event->kind = BREAKER_ON_MISSED;
    event->time = panel_now(panel);
    tell_list(events, &events->listeners, event, number);
    for (; changes > 0 && (breaker = next_missed(events)) != NULL; changes--) {
        breaker_event_t change = missed_change(breaker);
        tell_all(events, &change, number);
    }
}

static bool is_any_missed(const struct events *events)
{
    uint64_t missed = events->missed_first != NULL;

    for (unsigned i = 0; i < BREAKER_KINDS; i++)
        missed |= events->missed[i];
    return missed != 0;
}

void event_tell_all(breaker_panel_t *panel)
{
    struct events *events = &panel->events;
    bool missed = events->missed_any;
    uint32_t number = events->number - 1;
    size_t changes = count_missed(events);
    breaker_event_t event = {0};

    memcpy(event.missed, events->missed, sizeof event.missed);
    memset(events->missed, 0, sizeof events->missed);
    tell_notes(events);
    if (missed)
        tell_missed(panel, &event, number, changes);
    events->missed_any = events->missed_any && is_any_missed(events);
    if (events->count > 0 || events->missed_any)
        panel_wake(panel);
}
