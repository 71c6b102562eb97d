/* What the scenarios share. */
#include "scenario.h"
#include <stdio.h>
#include <string.h>

const struct scenario *scenario_at(unsigned number)
{
    const struct scenario *const lists[] = {scenarios_of_records, scenarios_of_clocks,
                                            scenarios_of_counts, scenarios_of_recovery,
                                            scenarios_of_leases};

    for (unsigned i = 0; i < sizeof lists / sizeof *lists; i++)
        for (const struct scenario *s = lists[i]; s->name != NULL; s++)
            if (number-- == 0)
                return s;
    return NULL;
}

const struct scenario *scenario_find(const char *name)
{
    const struct scenario *s;

    for (unsigned i = 0; (s = scenario_at(i)) != NULL; i++)
        if (strcmp(s->name, name) == 0)
            break;
    return s;
}

void scenario_bound(struct sim *sim, double figure, double bound, const char *what)
{
    size_t length = strlen(sim->figure);

    snprintf(sim->figure + length, sizeof sim->figure - length, "%s%s %.4g (bound %.4g)",
             length > 0 ? "; " : "", what, figure, bound);
    if (figure > bound)
        sim_wrong(sim, "%s: %.4g, at most %.4g", what, figure, bound);
}

double dependency_dead(struct sim *sim, const struct proc *proc)
{
    (void)sim, (void)proc;
    return 1;
}

double dependency_between(struct sim *sim, const struct proc *proc)
{
    const uint64_t *times = sim->data;

    (void)proc;
    return sim->now >= times[0] && sim->now < times[1];
}
