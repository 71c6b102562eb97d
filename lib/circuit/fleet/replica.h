/* The record in force in this process, and the one that the storage is known to have held. */
#ifndef CIRCUIT_REPLICA_H
#define CIRCUIT_REPLICA_H

#include "fleet.h"

/* How a record was seen. */
enum replica_sight {
    REPLICA_STANDING, /* in an answer: it stood in the storage */
    REPLICA_PASSED, /* a bell, or an answer to an old question: it stood once, and may only raise */
    REPLICA_GARBLED /* what stands is no record: as none, but it is not taught over */
};

/* epoch 0: there is none. */
void replica_see(struct fleet *fleet, const struct fleet_world *world, const struct record *record,
                 enum replica_sight sight, struct fleet_news *news);

/* A transition of this process: in force at once, and offered to the storage. False: not now. */
bool replica_propose(struct fleet *fleet, const struct fleet_world *world, breaker_state_t to,
                     const struct tally_sums *why, struct fleet_news *news);

/* The same of an order: a state, which may be begun anew (op; or the one in force goes on), and the hold
 * that was ordered. A transition that is not committed yet gives way. */
bool replica_order(struct fleet *fleet, const struct fleet_world *world, uint8_t op,
                   const struct fleet_order *order, struct fleet_news *news);

/* What became of the write of this record. */
enum replica_fate { REPLICA_WON, REPLICA_LOST, REPLICA_UNKNOWN };
void replica_written(struct fleet *fleet, const struct fleet_world *world,
                     const struct record *record, enum replica_fate fate,
                     const struct record *standing, enum replica_sight sight,
                     struct fleet_news *news);

/* What was not committed is somebody else's. */
void replica_drop(struct fleet *fleet, const struct fleet_world *world, struct fleet_news *news);

/* The storage is away: L takes over what F is in, and what was not committed is nobody else's. */
void replica_part(struct fleet *fleet, const struct fleet_world *world, struct fleet_news *news);

#endif /* CIRCUIT_REPLICA_H */
