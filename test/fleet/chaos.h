/* Faults by chance, then calm; what must hold at the end of both. */
#ifndef CHAOS_H
#define CHAOS_H

#include "sim.h"

/* Runs a seed: 2 to 200 processes, and one now and then; 120 s of faults, perhaps an idle hour, then a
 * calm. steps: no more of them than this; 0: all. What was wrong, if anything, is in sim->wrong. The sim
 * is open afterwards. */
void chaos_run(struct sim *sim, uint64_t seed, uint64_t steps);

#endif /* CHAOS_H */
