/* The transactions that carry counts: see ask.h. */
#ifndef CIRCUIT_SYNC_H
#define CIRCUIT_SYNC_H

#include "ask.h"

void sync_make(struct ask *ask, struct fleet *fleet, const struct fleet_world *world);
void sync_hear(struct ask *ask, struct fleet *fleet, const struct fleet_world *world,
               bool is_answer, struct fleet_news *news);

/* False: there is nothing to be read. */
bool sync_make_read(struct ask *ask, struct fleet *fleet, const struct fleet_world *world);
void sync_hear_read(struct ask *ask, struct fleet *fleet, const struct fleet_world *world,
                    bool is_answer, struct fleet_news *news);

#endif /* CIRCUIT_SYNC_H */
