/* Real panels through chaos: faults by chance, perhaps an idle hour, then calm. */
#ifndef PANELS_CHAOS_H
#define PANELS_CHAOS_H

#include "panels.h"

/* Runs a seed, of 2 to 200 panels, and ends them. What was wrong, if anything, is in panels->wrong; the
 * trace is in panels->digest. */
void panels_chaos(struct panels *panels, uint64_t seed);

/* Options as FLEET's figures have them. */
void panels_options(breaker_options_t *options);

#endif /* PANELS_CHAOS_H */
