/* What the loop layer does for circuits that are shared: see shared.c and mission.c. */
#ifndef SHARED_H
#define SHARED_H

#include "circuit/fleet/fleet.h"
#include "panel.h"

struct mission;

/* Behind the cells of a breaker that is shared, before its name. */
struct shared {
    struct fleet fleet;
    breaker_t *breaker;
    struct breaker_due_s due;  /* when something is to be asked */
    struct order_queue orders; /* given, and not yet in the storage */
    struct mission *out;       /* under way */
    bool is_barred;            /* the storage will not do with its keys, and that was told */
};

/* Is a breaker of this policy shared? */
bool shared_wants(const breaker_panel_t *panel, const breaker_policy_t *policy);

/* The memory that it takes then, and where it is: before the name, which is at the end. */
enum { SHARED_SIZE = (sizeof(struct shared) + 15) / 16 * 16 };

static inline struct shared *shared_of(const breaker_t *breaker)
{
    return (struct shared *)(void *)((char *)(uintptr_t)breaker + breaker->name_offset -
                                     SHARED_SIZE);
}

void shared_begin(breaker_t *breaker);    /* it was created */
void shared_end(breaker_t *breaker);      /* it is destroyed */
void shared_exchange(breaker_t *breaker); /* it has another policy */
void shared_fork(breaker_panel_t *panel);
void shared_found(breaker_panel_t *panel); /* the storage says that it is there again */

void shared_take_turn(breaker_t *breaker, struct turn *turn);
void shared_order(breaker_t *breaker, struct turn *turn, breaker_order_t *order);
/* An order or a transition of this process is still to be written. */
bool shared_is_busy(const breaker_t *breaker);
void shared_ring(breaker_panel_t *panel, const char *key, size_t key_length, const char *value,
                 size_t length);

struct dialect_view shared_view(const breaker_t *breaker, uint64_t now);
void shared_inspect(const breaker_t *breaker, uint64_t now, breaker_snapshot_t *snapshot);

/* ---- Between shared.c and mission.c -------------------------------------------------------------*/

struct fleet_world shared_world(const breaker_t *breaker, uint64_t now);

/* The storage is well, as far as it has said, but will not do this with these keys. */
bool shared_is_refusal(const breaker_panel_t *panel, int status);

/* An answer came, or none: what the circuit made of it. from: its state before. */
void shared_heard(struct shared *shared, breaker_state_t from, const struct fleet_news *news,
                  int status);

/* Sees to it that what is due goes out in time, after the poll phase, with what else is due then. */
void mission_tend(struct shared *shared);
void mission_send(struct breaker_due_s *due); /* what is due now, all of it */
void mission_cancel_all(struct shared *shared);
void mission_free(breaker_panel_t *panel);

#endif /* SHARED_H */
