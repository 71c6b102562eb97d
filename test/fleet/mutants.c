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
    {MUTANT_ADOPT_ANYTHING, "adopt whatever the storage holds", NULL},
    {MUTANT_TEACH_TENTATIVE, "a tentative record may be taught", "alone"},
    {MUTANT_EPOCH_PLUS_ONE, "epoch + 1", "old epoch"},
    {MUTANT_NO_GUARD, "a record written without guard", NULL},
    {MUTANT_END_BY_CLOCK, "what remains by the clock at each look", "broken back"},
    {MUTANT_END_BY_CLAMPED_CLOCK, "the same, clamped at each look", "broken back"},
    {MUTANT_RAMP_BY_CLOCK, "the ramp by the clock", "recovering forward"},
    {MUTANT_CLOCK_NEVER_BACK, "the storage's time never goes back", "buckets"},
    {MUTANT_SEND_AGAIN, "counts sent again after an unknown fate", "unknown fate"},
    {MUTANT_ONE_BATCH, "one batch is sent until it is answered", "slow answers"},
    {MUTANT_COUNT_LATE, "late results counted in the present epoch", "late"},
    {MUTANT_NO_LOCAL, "no circuit of one's own in an outage", "outage broken"},
    {MUTANT_NO_QUORUM, "no quorum", "sick one"},
    {MUTANT_SOLE_REPORTER, "a sole reporter may trip the fleet", "sick cold"},
    {MUTANT_FLOOR_OF_EACH, "the floor of the ramp per process", "floor of many"},
    {MUTANT_NO_CAP, "no cap while unproven", "idle flood"},
    {MUTANT_WINDOWED_RECOVERY, "windowed evidence in RECOVERING", "rare calls"},
    {MUTANT_LEASE_NO_GUARD, "a lease given back without guard", "overdue"},
    {MUTANT_LEASE_BY_LIFE, "leases by their keys' life alone", "crash and step"},
    {MUTANT_BACKOFF_ANEW, "backoff begins anew with PASSING", "flapping"},
    {MUTANT_ABSENT_IS_PASSING, "an absent record is PASSING for all", "lost asleep"},
    {MUTANT_TEACH_BY_EPOCH, "teaching by epoch alone", "sleeper"},
    {MUTANT_ANY_CONTACT, "any answer is contact", "sleeper"},
    {MUTANT_DEADLINES_FIRST, "deadlines before arrivals after a stall", "stall"},
    {MUTANT_NEVER_READ, "nothing is read when refusing", "reset unheard"},
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
