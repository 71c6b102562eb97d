/* New records of a fleet's circuit, to come after the one in force. */
#ifndef CIRCUIT_DRAFT_H
#define CIRCUIT_DRAFT_H

#include "fleet.h"

/* A transition on this evidence. */
struct record draft_transition(const struct fleet *fleet, const struct fleet_world *world,
                               breaker_state_t to, const struct tally_sums *why);

/* What was ordered: a state (op; duration of a BROKEN, or 0), or the state in force; and the hold. */
struct record draft_order(const struct fleet *fleet, const struct fleet_world *world, uint8_t op,
                          uint32_t duration);

/* Consecutive trips, up to now. */
uint8_t draft_trips(const struct fleet *fleet, const struct fleet_world *world);

#endif /* CIRCUIT_DRAFT_H */
