/* L, the process's own circuit in series with the fleet's: what F does to it. */
#ifndef CIRCUIT_LOCAL_H
#define CIRCUIT_LOCAL_H

#include "fleet.h"

/* What F is in, to be carried on alone. */
struct local_term {
    uint64_t began, ends; /* as the fleet's */
    uint64_t epoch;       /* L's, in which F's probes were admitted */
    uint32_t probes;      /* under way */
    uint32_t duration;
    uint8_t state, trips;
};

/* PASSING, afresh; results of earlier permits are late. */
void local_refresh(const struct fleet_world *world, uint8_t hold);

/* The same state, with another hold. */
void local_hold(const struct fleet_world *world, uint8_t hold);

struct local_term local_term_of(const struct fleet *fleet);

/* Goes on with it: whatever it is, or if it is not PASSING and the storage is away. */
void local_carry_on(const struct fleet_world *world, const struct local_term *term);
void local_take_over(const struct fleet_world *world, const struct local_term *term);

/* Breaks, for as long as F last did. */
void local_break(const struct fleet *fleet, const struct fleet_world *world);

#endif /* CIRCUIT_LOCAL_H */
