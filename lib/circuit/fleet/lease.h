/* Trials of a fleet: at most max_trials at once, each with a lease of its own in the storage. */
#ifndef CIRCUIT_LEASE_H
#define CIRCUIT_LEASE_H

#include "fleet.h"

enum {
    LEASE_NONE,
    LEASE_WANTED,  /* the slot is to be asked for */
    LEASE_VOID,    /* what stands there is out of date (the lease says what), to be replaced */
    LEASE_HELD,    /* mine, and not spent */
    LEASE_SPENT,   /* a trial is under way */
    LEASE_LEAVING, /* to be given back */
    LEASE_STAGES
};

/* A trial may be made now: spends a lease that was bought before, or sees that one is bought. */
bool lease_take(struct fleet *fleet, const struct fleet_world *world);

/* How long until one may be made, or may be asked for. */
uint64_t lease_retry_after(const struct fleet *fleet, const struct fleet_world *world);

/* A result came. After a success the lease may serve again; otherwise others are to have it. */
void lease_return(struct fleet *fleet, const struct fleet_world *world, bool good);

/* Nobody waits for results any more. */
void lease_write_off(struct fleet *fleet);

/* Which lease is the next transaction's business? FLEET_LEASES: none. */
unsigned lease_next(struct fleet *fleet, const struct fleet_world *world);

/* As text: "token granted life". */
uint16_t lease_write(const struct fleet_lease *lease, char *text);
bool lease_read(struct fleet_lease *lease, const char *text, size_t length);

/* A new lease for a slot. */
struct fleet_lease lease_draw(const struct fleet *fleet, const struct fleet_world *world,
                              uint8_t slot);

/* The answer to WANTED: is it had, and if not, what stands there (NULL: nothing that can be read)? To
 * VOID: was it replaced? */
void lease_heard(struct fleet *fleet, const struct fleet_world *world, unsigned index,
                 const struct fleet_lease *mine, bool had, const struct fleet_lease *standing);

/* Fate unknown. */
void lease_lost(struct fleet *fleet, const struct fleet_world *world, unsigned index,
                const struct fleet_lease *mine);

#endif /* CIRCUIT_LEASE_H */
