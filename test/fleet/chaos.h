/* Faults by chance, then calm; what must hold at the end of both. */
#ifndef CHAOS_H
#define CHAOS_H

#include "sim.h"

/* Runs a seed: faults for so many seconds only (0: 120 s of them, then 90 s of calm). What was
 * wrong, if anything, is in sim->wrong. The sim is open afterwards. */
void chaos_run(struct sim *sim, uint64_t seed, uint64_t seconds);

#endif /* CHAOS_H */
