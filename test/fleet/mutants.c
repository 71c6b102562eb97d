/* The mistakes of FLEET's section 6, planted one by one: chaos or a scenario must catch each. */
#include "mutants.h"
#include "chaos.h"
#include "circuit/fleet/mutant.h"
#include "scenario.h"
#include <stdio.h>
#include <string.h>

int fleet_mutant;

enum { CHAOS_SEEDS = 60 };

/* by NULL: chaos. */
static const struct mutant {
    int number;
    const char *mistake;
    const char *by;
} mutants[] = {
    {1, "adopt whatever the storage holds", NULL},
    {2, "a tentative record may be taught", "alone"},
    {3, "epoch + 1", "old epoch"},
    {4, "a record written without guard", NULL},
    {5, "what remains by the clock at each look", "broken back"},
    {6, "the same, clamped at each look", "broken back"},
    {7, "the ramp by the clock", "recovering forward"},
    {8, "the storage's time never goes back", "buckets"},
    {9, "counts sent again after an unknown fate", "unknown fate"},
    {10, "one batch is sent until it is answered", "slow answers"},
    {11, "late results counted in the present epoch", "late"},
    {12, "no circuit of one's own in an outage", "outage broken"},
    {13, "no quorum", "sick one"},
    {14, "a sole reporter may trip the fleet", "sick cold"},
    {15, "the floor of the ramp per process", "floor of many"},
    {16, "no cap while unproven", "idle flood"},
    {17, "windowed evidence in RECOVERING", "rare calls"},
    {19, "a lease given back without guard", "overdue"},
    {20, "leases by their keys' life alone", "crash and step"},
    {21, "backoff begins anew with PASSING", "flapping"},
    {22, "an absent record is PASSING for all", "lost asleep"},
    {23, "teaching by epoch alone", "sleeper"},
    {24, "any answer is contact", "sleeper"},
    {26, "deadlines before arrivals after a stall", "stall"},
    {27, "nothing is read when refusing", "reset unheard"},
};

static bool chaos_catches(struct sim *sim)
{
    for (uint64_t seed = 1; seed <= CHAOS_SEEDS && sim->wrong[0] == '\0'; seed++) {
        chaos_run(sim, seed, 0);
        sim_close(sim);
    }
    return sim->wrong[0] != '\0';
}

static bool is_caught(const struct mutant *mutant, struct sim *sim)
{
    memset(sim, 0, sizeof *sim);
    fleet_mutant = mutant->number;
    if (mutant->by == NULL)
        chaos_catches(sim);
    else
        scenario_find(mutant->by)->run(sim);
    fleet_mutant = 0;
    return sim->wrong[0] != '\0';
}

const char *mutant_name(unsigned number)
{
    return number < sizeof mutants / sizeof *mutants ? mutants[number].mistake : NULL;
}

bool mutant_is_caught(unsigned number)
{
    static struct sim sim;

    return is_caught(&mutants[number], &sim);
}

unsigned mutants_run(void)
{
    static struct sim sim;
    unsigned missed = 0;

    for (size_t i = 0; i < sizeof mutants / sizeof *mutants; i++) {
        const struct mutant *m = &mutants[i];
        bool caught = is_caught(m, &sim);
        missed += !caught;
        printf("%-3d %-42s %-6s %-18s %s\n", m->number, m->mistake, caught ? "caught" : "MISSED",
               m->by != NULL ? m->by : "chaos", sim.wrong);
        fflush(stdout);
    }
    return missed;
}
