/* Situations that undid earlier protocols, one each; and the mistakes that they catch. */
#ifndef SCENARIO_H
#define SCENARIO_H

#include "sim.h"

struct scenario {
    const char *name;
    const char *what;
    /* Opens the sim and runs; what it measured is in sim->figure, and what was wrong, in sim->wrong. */
    void (*run)(struct sim *sim);
};

extern const struct scenario scenarios_of_records[], scenarios_of_clocks[], scenarios_of_counts[],
    scenarios_of_recovery[], scenarios_of_leases[];

/* By number, from 0; NULL: there are no more. */
const struct scenario *scenario_at(unsigned number);
const struct scenario *scenario_find(const char *name);

/* The figure of a scenario, and its bound. */
void scenario_bound(struct sim *sim, double figure, double bound, const char *what);

/* ---- Dependencies ------------------------------------------------------------------------------*/

double dependency_dead(struct sim *sim, const struct proc *proc);

/* Dead from data[0] to data[1]; data: two times. */
double dependency_between(struct sim *sim, const struct proc *proc);

#endif /* SCENARIO_H */
