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

static int make_room(void *data, breaker_t *breaker)
{
    (void)data;
    if (breaker->missed == NULL)
        breaker->missed = memory_zeroed(sizeof *breaker->missed);
    return breaker->missed == NULL ? UV_ENOMEM : 0;
}

int event_prepare(breaker_t *breaker)
{
    return breaker->panel->events.notes == NULL ? 0 : make_room(NULL, breaker);
}

/* When somebody first listens: the ring, and a place beside it for each breaker. Not for what is
 * missed: where nobody else listens, that is nothing. */
static int prepare(breaker_panel_t *panel, int kinds)
{
    struct events *events = &panel->events;

    if (events->notes != NULL || kinds == BREAKER_ON_MISSED)
        return 0;
    if (breaker_each(panel, make_room, NULL) != 0)
        return UV_ENOMEM;
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
    if (prepare(panel, listener->kinds) != 0)
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

static void put_last(struct events *events, struct missed *missed)
{
    missed->next = NULL;
    missed->link = events->missed_last;
    *events->missed_last = missed;
    events->missed_last = &missed->next;
}

static void take_out(struct events *events, struct missed *missed)
{
    if (missed->link == NULL)
        return;
    *missed->link = missed->next;
    if (missed->next != NULL)
        missed->next->link = missed->link;
    else
        events->missed_last = missed->link;
    missed->link = NULL;
}

/* breaker is NULL for what concerns the panel. */
static void write_down(struct note *place, breaker_t *breaker, const struct note *note,
                       uint64_t number)
{
    *place = *note;
    place->breaker = breaker;
    place->number = number;
}

/* Whatever was missed of it before, from what was last told to this. */
static void keep_newest(struct events *events, breaker_t *breaker, const struct note *note,
                        uint64_t number)
{
    struct missed *missed = breaker->missed;
    uint8_t from = missed->link != NULL ? missed->note.from : note->from;

    take_out(events, missed);
    write_down(&missed->note, breaker, note, number);
    missed->note.from = from;
    put_last(events, missed);
}

/* The ring is full: only counted, but for a breaker's newest transition. */
static void miss(struct events *events, breaker_t *breaker, const struct note *note,
                 uint64_t number)
{
    events->missed_any = true;
    events->missed[__builtin_ctz(note->kind)]++;
    if (note->kind == BREAKER_ON_STATE_CHANGE)
        keep_newest(events, breaker, note, number);
}

static void add(breaker_panel_t *panel, breaker_t *breaker, const struct note *note)
{
    struct events *events = &panel->events;
    uint64_t number = events->number++;

    panel_wake(panel);
    if (events->count == events->capacity || events->missed_any)
        miss(events, breaker, note, number);
    else
        write_down(at(events, events->count++), breaker, note, number);
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

static void forget_notes(struct events *events, const breaker_t *breaker)
{
    for (uint32_t i = 0; i < events->count; i++)
        if (at(events, i)->breaker == breaker)
            at(events, i)->breaker = NULL;
}

static void forget_missed(struct events *events, breaker_t *breaker)
{
    if (breaker->missed == NULL)
        return;
    take_out(events, breaker->missed);
    memory_release(breaker->missed);
    breaker->missed = NULL;
}

void event_forget(breaker_t *breaker)
{
    struct events *events = &breaker->panel->events;

    take_all_off(events, &breaker->listeners);
    breaker->kinds = 0;
    if (!breaker->panel->is_closing) /* which forgets them all */
        forget_notes(events, breaker);
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

/* Was the listener there when it happened? */
static bool was_there(const breaker_listener_t *listener, uint64_t number)
{
    return number >= listener->library.since;
}

static void tell_list(struct events *events, struct listeners *listeners,
                      const breaker_event_t *event, uint64_t number)
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
static void tell_all(struct events *events, const breaker_event_t *event, uint64_t number)
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

static size_t count_missed(const struct events *events)
{
    size_t count = 0;

    for (const struct missed *m = events->missed_first; m != NULL; m = m->next)
        count++;
    return count;
}

/* What did not fit before this drain: changes says of how many breakers. What comes while it is told joins
 * what did not fit, and waits for the next drain. */
static void tell_missed(breaker_panel_t *panel, breaker_event_t *event, uint64_t number,
                        size_t changes)
{
    struct events *events = &panel->events;
    struct missed *missed;

    event->kind = BREAKER_ON_MISSED;
    event->time = panel_now(panel);
    tell_list(events, &events->listeners, event, number);
    for (; changes > 0 && (missed = events->missed_first) != NULL; changes--) {
        breaker_event_t change = event_of(&missed->note);
        take_out(events, missed);
        tell_all(events, &change, missed->note.number);
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
    uint64_t number = events->number - 1;
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
