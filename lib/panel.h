/* What the files of the loop layer share: the panel, its breakers and policies, and who does what.
 *
 *   policy.c     options, checked and counted; what a status means
 *   registry.c   breakers by name: created, found, evicted, destroyed
 *   breaker.c    asking and reporting at once; looking
 *   call.c       calls with callbacks: how they begin; and
 *   call_end.c   how they end
 *   order.c      trip, recover, reset, hold, refresh
 *   listing.c    the names of a fleet's circuits
 *   turn.c       conversations of dialects with a storage
 *   dialect.c    what each dialect alone can tell
 *   door.c       the panel's doors to storages, and transactions with a deadline
 *   shared.c      circuits that are shared; and
 *   mission.c    their transactions
 *   events.c     listeners, and what they are still to be told
 *   deadlines.c  when what is late
 *   hash.c       names, hashed under a key
 *   panel.c      the loop: the drain, the handles, clocks, the end
 */
#ifndef PANEL_H
#define PANEL_H

#include "circuit/dialects/dialect.h"
#include "circuit/fleet/fleet.h"
#include "circuit/native.h"
#include "deadlines.h"
#include "hash.h"
#include <breaker.h>
#include <breaker/storage.h>
#include <stdatomic.h>
#include <uv.h>

/* ---- Policy ------------------------------------------------------------------------------------*/

struct breaker_policy_s {
    atomic_uint refs;
    struct rules rules;            /* of a dialect, only what concerns calls is used */
    const struct dialect *dialect; /* NULL: the native circuit */
    void *dialect_rules;
    bool is_plain; /* nothing but the built-in classifier, and nothing excluded */
    int *excluded; /* sorted */
    size_t excluded_count;
};

void policy_ref(breaker_policy_t *policy);
void policy_unref(breaker_policy_t *policy);
breaker_outcome_t policy_classify_by_rules(const breaker_policy_t *policy, int status);
static inline breaker_outcome_t policy_classify(const breaker_policy_t *policy, int status)
{
    return status >= 0 && policy->is_plain ? BREAKER_SUCCESS
                                           : policy_classify_by_rules(policy, status);
}

/* ---- Events ------------------------------------------------------------------------------------*/

/* A listener list, in the order in which they came. */
struct listeners {
    breaker_listener_t *first;
};

/* What waits to be told. */
struct note {
    breaker_t *breaker; /* NULL: destroyed meanwhile */
    uint64_t time;
    uint64_t duration;
    uint64_t retry_after;
    breaker_counts_t counts;
    uint64_t number; /* in the order of what happened */
    int status;
    uint16_t kind;
    uint8_t from, to;
    bool elsewhere;
    bool is_panels; /* about the storage, not a breaker */
};

/* A breaker's newest transition, if it was missed. Every breaker has room for one where somebody listens. */
struct missed {
    struct note note;
    struct missed *next, **link; /* in their order; link NULL: there is none */
};

struct events {
    struct listeners listeners; /* of the whole panel */
    uint16_t kinds;             /* that they ask for */
    uint64_t number;            /* of the next note */
    breaker_listener_t *cursor; /* to be told next, while telling */
    breaker_t *telling;         /* whose event is being told; NULL: destroyed meanwhile */
    struct note *notes;         /* a ring, made with the first listener */
    uint32_t capacity, head, count;
    bool missed_any; /* the ring is full: from here on notes are only counted */
    uint64_t missed[BREAKER_KINDS];
    struct missed *missed_first, **missed_last;
};

/* ---- Breaker -----------------------------------------------------------------------------------*/

enum {
    BREAKER_IS_GONE = 1 << 0,     /* destroyed, and only here for the calls that it still has */
    BREAKER_IS_OBTAINED = 1 << 1, /* may be evicted */
    BREAKER_WAS_USED = 1 << 2,    /* since the eviction hand came by */
    BREAKER_IS_DIALECT = 1 << 3,
    BREAKER_CONVERSES = 1 << 4, /* a dialect that is not local */
    BREAKER_IS_SHARED = 1 << 5, /* see shared.h */
    BREAKER_IS_ASKED = 1 << 6   /* a call's last callbacks run, which may ask for its breaker */
};

/* As breaker_totals_t; ok is the breaker's, and so is admitted, which follows from the others. */
struct totals {
    uint64_t trips, slow, late, stale, timed_out, cancelled, ignored, failed, rejected;
};

/* What every call touches lies together, at the end, with the end of its circuit; the rest is before it. */
struct breaker_s {
    breaker_t *next; /* of the same hash */
    struct listeners listeners;
    breaker_call_t *pending; /* calls accepted and not yet over */
    struct missed *missed;   /* NULL: nobody listens on this panel */
    uint32_t hash;
    uint32_t name_offset; /* from the breaker's own address */
    struct totals totals;
    struct native circuit; /* a dialect uses only its hold */
    breaker_panel_t *panel;
    breaker_policy_t *policy;
    uint64_t ok;       /* see totals */
    int32_t in_flight; /* negative where a copy of a permit was reported too */
    uint8_t kinds;     /* that its listeners ask for; those of a panel alone are not among them */
    uint8_t flags;
    uint8_t name_length;
    /* The cells of the window or the dialect's circuit, then the name. */
};

/* What follows the struct is aligned for anything. */
enum { BREAKER_TAIL = (sizeof(struct breaker_s) + 15) / 16 * 16 };

static inline void *breaker_tail(const breaker_t *breaker)
{
    return (char *)(uintptr_t)breaker + BREAKER_TAIL;
}

/* ---- Panel -------------------------------------------------------------------------------------*/

struct call_queue {
    breaker_call_t *first, **last;
};

struct order_queue {
    breaker_order_t *first, **last;
};

/* Of calls that wait for a conversation: such a one is not due, and its due is its place here. */
struct waiting {
    struct breaker_due_s *first, **last;
};

/* The panel's client of a storage. */
struct door {
    breaker_storage_t *storage; /* NULL: there is none */
    breaker_client_t client;
    bool is_own; /* the panel made the storage */
    bool is_closing;
    bool is_lost; /* as the storage said last */
};

/* A transaction under way, with a deadline of its own. */
struct errand {
    breaker_transaction_t transaction; /* the owner's, but for complete and data */
    struct breaker_due_s due;
    breaker_panel_t *panel;
    struct door *door;
    void (*done)(struct errand *errand, int status); /* once, perhaps inside errand_run */
};

struct conversation;

struct turns {
    struct conversation *all; /* made with the first breaker that converses */
    struct conversation *free;
    struct conversation *active;
    unsigned count;
    struct waiting calls; /* for one */
    struct order_queue orders;
    bool is_serving; /* them */
};

/* What the shared circuits of a panel have in common: see shared.c and mission.c. */
struct fleets {
    struct mission *free; /* transactions' memory */
    unsigned missions;    /* that were made */
    struct mission_line { /* for one of them, who waited longest first */
        struct breaker_due_s *first;
        struct breaker_due_s *
            *last; /* where the next is hung in; meaningless while there is none */
    } line;
    uint32_t self; /* what this process signs with; 0: nothing yet */
    struct fleet_clock clock;
    uint64_t left; /* a circuit was given up last, by that clock */
    uint64_t chance;
};

struct registry {
    breaker_t **chains;
    size_t mask; /* a power of two, less one; chains NULL: none yet */
    size_t count;
    size_t obtained;
    size_t hand; /* of the eviction */
    struct hash_key key;
};

struct breaker_panel_s {
    uv_loop_t *loop;
    uint64_t (*now)(void *);
    double (*random)(void *);
    void *data;
    uint64_t newest; /* a lent clock does not go back */
    uint64_t chance;
    unsigned max_obtained;

    uv_check_t check; /* active while there is something to do: judges deadlines, and drains */
    enum duty {
        RESTING,
        WORKING,
        ALIVE
    } duty;             /* of check: stopped, at work, holding the loop too */
    uv_idle_t haste;    /* active while something waits for a drain: drains before the poll, and
                           keeps it from blocking */
    uv_timer_t alarm;   /* wakes the loop for the next deadline; never keeps it alive */
    uv_idle_t farewell; /* the end, and the drain where the host closed the others */
    uint64_t alarm_at;

    struct call_queue starts;
    struct call_queue endings;
    struct order_queue orders;
    struct pages *listings;
    size_t
        pending; /* calls accepted and not yet over, orders not yet told, conversations, listings */
    struct turns turns;
    struct door door;   /* to the user's storage */
    struct door pantry; /* to a private one in memory, for dialects where there is no other */
    struct fleets fleet;
    uint64_t storage_timeout;
    uint64_t (*wall)(void *);
    struct wheel wheel;
    struct events events;
    struct registry registry;

    bool is_awake;   /* a drain is on its way */
    bool has_sent;   /* a mission, and no turn has begun since */
    bool is_fresh;   /* the loop's time was updated in this drain */
    bool is_closing; /* breaker_panel_destroy was called */
    bool is_leaving; /* and nothing is pending any more */
    bool is_bidding; /* farewell is being closed */
    uint8_t farewells;
    breaker_panel_cb destroyed;
};

/* panel.c */
static inline uint64_t panel_now(breaker_panel_t *panel)
{
    uint64_t now;

    if (__builtin_expect(panel->now == NULL, 1))
        return uv_now(panel->loop);
    now = panel->now(panel->data);
    if (now > panel->newest)
        panel->newest = now;
    return panel->newest;
}
/* May something be begun? */
static inline bool panel_is_open(const breaker_panel_t *panel)
{
    return !panel->is_closing && !uv_is_closing((const uv_handle_t *)&panel->check);
}
void panel_wake_up(breaker_panel_t *panel);
static inline void panel_wake(breaker_panel_t *panel) /* a drain is wanted */
{
    if (!panel->is_awake)
        panel_wake_up(panel);
}
double panel_draw(breaker_panel_t *panel);
bool panel_judges_real_time(const breaker_panel_t *panel);
uint64_t panel_fresh_now(breaker_panel_t *panel); /* in a drain: the clock, read once */
uint64_t panel_wall(const breaker_panel_t *panel);

/* call.c */
static inline breaker_call_t *call_of(struct breaker_due_s *due)
{
    return (breaker_call_t *)(void *)((char *)due - offsetof(breaker_call_t, library.due));
}
void call_push(struct call_queue *queue, breaker_call_t *call);
void call_run_starts(breaker_panel_t *panel);
void call_run_endings(breaker_panel_t *panel);
void call_abandon(breaker_t *breaker);    /* the breaker is destroyed */
void call_converse(breaker_call_t *call); /* it waited for a conversation, and one is free */
void call_admitted(breaker_call_t *call, int verdict, breaker_permit_t permit, int reason);
void call_settled(breaker_call_t *call, int verdict, int reason);

/* breaker.c */
int breaker_admit(breaker_t *breaker, uint64_t now, breaker_permit_t *permit);
int breaker_settle(breaker_t *breaker, uint64_t now, breaker_permit_t permit,
                   breaker_outcome_t outcome, int status);
void breaker_late(breaker_t *breaker, uint64_t now, uint64_t start, int status);
void breaker_moved(breaker_t *breaker, const struct turn *turn, bool elsewhere);
void breaker_take_turn(breaker_t *breaker, struct turn *turn); /* of a local circuit */
void breaker_count_admission(breaker_t *breaker, bool admitted, bool watched);
void breaker_count_outcome(breaker_t *breaker, breaker_outcome_t outcome);
void breaker_note_call(breaker_t *breaker, int kind, uint64_t now, uint64_t start, int status);
struct dialect_view breaker_view(const breaker_t *breaker, uint64_t now);

/* order.c */
void order_push(breaker_panel_t *panel, breaker_order_t *order, int status);
void order_run(breaker_panel_t *panel); /* tells the orders that were carried out */
void order_abandon(breaker_panel_t *panel, const breaker_t *breaker); /* NULL: any */
bool order_is_under_way(const breaker_t *breaker); /* given, and not yet in force or told */
void order_converse(breaker_order_t *order);

/* listing.c */
bool listing_is_ready(const breaker_panel_t *panel);
void listing_run(breaker_panel_t *panel); /* tells what has come, and asks on */
void listing_abandon(breaker_panel_t *panel);

/* turn.c */
/* The pool, and a storage for the dialect: before the first breaker that converses. */
int turn_prepare(breaker_panel_t *panel, const struct dialect *dialect);
void turn_free(breaker_panel_t *panel);
void turn_create(breaker_t *breaker);
void turn_admit(breaker_call_t *call);
void turn_settle(breaker_call_t *call, breaker_outcome_t outcome, int status);
void turn_forget(breaker_call_t *call); /* the call goes on without it */
int turn_order(breaker_t *breaker, enum turn_op op, breaker_order_t *order);
void turn_abandon(breaker_panel_t *panel,
                  const breaker_t *breaker);                   /* those of no call; NULL: any */
static inline bool turn_is_ready(const breaker_panel_t *panel) /* for somebody who waits */
{
    const struct turns *turns = &panel->turns;

    return turns->free != NULL && (turns->orders.first != NULL || turns->calls.first != NULL);
}
void turn_serve(breaker_panel_t *panel);
bool turn_is_under_way(const breaker_t *breaker);
bool turn_is_wire(const breaker_panel_t *panel);

/* door.c */
int door_open(breaker_panel_t *panel, struct door *door, breaker_storage_t *storage);
int door_open_pantry(breaker_panel_t *panel);
bool door_close_all(breaker_panel_t *panel); /* true: all are closed */
struct door *door_of_dialects(breaker_panel_t *panel);
void errand_run(struct errand *errand, breaker_panel_t *panel, struct door *door);
void errand_cancel(struct errand *errand);

/* registry.c */
int registry_init(breaker_panel_t *panel);
void registry_free(breaker_panel_t *panel);
void registry_destroy_all(breaker_panel_t *panel);
void registry_free_breaker(breaker_t *breaker);
static inline void registry_drop_if_over(breaker_t *breaker) /* gone, and its last call is over */
{
    const int flags = breaker->flags & (BREAKER_IS_GONE | BREAKER_IS_ASKED);

    if (flags == BREAKER_IS_GONE && breaker->pending == NULL)
        registry_free_breaker(breaker);
}

/* events.c */
static inline bool event_is_wanted(const breaker_t *breaker, int kind)
{
    return ((breaker->kinds | breaker->panel->events.kinds) & kind) != 0;
}
int event_prepare(breaker_t *breaker); /* it is created; UV_ENOMEM */
void event_note(breaker_t *breaker, const struct note *note);
void event_note_storage(breaker_panel_t *panel, int kind, int status);
void event_init(breaker_panel_t *panel, uint32_t capacity);
void event_tell_all(breaker_panel_t *panel);
void event_forget(breaker_t *breaker); /* it is destroyed */
void event_close(breaker_panel_t *panel);

/* In each drain, where mostly there is nothing to tell. */
static inline void event_tell(breaker_panel_t *panel)
{
    if (panel->events.count > 0 || panel->events.missed_any)
        event_tell_all(panel);
}

#endif /* PANEL_H */
