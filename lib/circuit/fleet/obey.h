/* Orders to a fleet's circuit: each is in force here at once, and is offered to the storage until it stands
 * there. A state and a hold are ordered apart, and go into one record. */
#ifndef CIRCUIT_OBEY_H
#define CIRCUIT_OBEY_H

#include "fleet.h"

/* A new order, which takes the place of one of its kind that waits. */
void obey_order(struct fleet *fleet, const struct fleet_world *world, struct turn *turn,
                struct fleet_news *news);

/* After an answer: offers what waits. */
void obey(struct fleet *fleet, const struct fleet_world *world, struct fleet_news *news);

/* Is anything ordered that does not stand in the storage? */
static inline bool obey_waits(const struct fleet *fleet)
{
    return fleet->order.op != TURN_ADMIT || fleet->order.holds;
}

/* ---- For replica.c -----------------------------------------------------------------------------*/

/* The hold in force here, where the record in force says this one. */
static inline uint8_t obey_hold(const struct fleet *fleet, uint8_t hold)
{
    return fleet->order.holds ? fleet->order.hold : hold;
}

void obey_forget(struct fleet *fleet);

/* The record of this process stands in the storage. */
void obey_committed(struct fleet *fleet, struct fleet_news *news);

/* Another stands there: what was ordered is offered again, over that. */
void obey_lost(struct fleet *fleet, struct fleet_news *news);

/* Another stands there, and may have another hold, that was ordered later. */
void obey_other_hold(struct fleet *fleet, const struct fleet_world *world,
                     const struct record *record, struct fleet_news *news);

/* It could not be written, and now a transition takes the place of the state that was ordered. */
void obey_outdone(struct fleet *fleet, struct fleet_news *news);

#endif /* CIRCUIT_OBEY_H */
