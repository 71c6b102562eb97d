/* Recovery: how many calls come through, how soon it is over, how it flaps. */
#include "scenario.h"

static void until(struct sim *sim, breaker_state_t state, uint64_t limit)
{
    while (sim->now < limit && sim_state(&sim->procs[0]) != state)
        sim_run(sim, sim->now + 10 * SIM_MS);
}

/* X10. An hour idle in RECOVERING, then a flood at a dependency that hangs. */
static void idle_flood(struct sim *sim)
{
    uint64_t times[] = {SIM_S, 8 * SIM_S}, calls;

    sim_open(sim, 4);
    sim->data = times;
    sim->failing = dependency_between;
    sim_join_many(sim, 20, 10);
    sim_run(sim, 2 * SIM_S);
    until(sim, BREAKER_RECOVERING, 40 * SIM_S);
    sim_run(sim, sim->now + 100 * SIM_MS);
    for (unsigned i = 0; i < 20; i++)
        sim_rate(sim, &sim->procs[i], 0);
    sim_run(sim, sim->now + 3600 * SIM_S);
    times[0] = 0;
    times[1] = UINT64_MAX;
    sim->has_hung = true;
    calls = sim->calls;
    for (unsigned i = 0; i < 20; i++)
        sim_rate(sim, &sim->procs[i], 500);
    sim_run(sim, sim->now + 200 * SIM_MS);
    scenario_bound(sim, (double)(sim->calls - calls), 105, "let out to what hangs");
    sim_close(sim);
}

/* X9. Fifty processes at a call a second: what the first tenth lets through. */
static void floor_of_many(struct sim *sim)
{
    uint64_t times[] = {SIM_S, 7 * SIM_S}, calls = 0, at;

    sim_open(sim, 9);
    sim->data = times;
    sim->failing = dependency_between;
    sim_join_many(sim, 50, 1);
    for (unsigned round = 0; round < 5; round++) {
        sim_run(sim, sim->now + 2 * SIM_S);
        until(sim, BREAKER_RECOVERING, sim->now + 60 * SIM_S);
        at = sim->calls;
        sim_run(sim, sim->now + SIM_S);
        calls += sim->calls - at;
        until(sim, BREAKER_PASSING, sim->now + 60 * SIM_S);
        sim_run(sim, sim->now + 65 * SIM_S);
        times[0] = sim->now;
        times[1] = sim->now + 6 * SIM_S;
    }
    scenario_bound(sim, (double)calls / 5, 8, "let through in the first tenth");
    sim_close(sim);
}

/* The same where an operator begins the recovery: who reported before is in it. */
static void floor_by_order(struct sim *sim)
{
    uint64_t calls = 0, at;

    sim_open(sim, 10);
    sim_join_many(sim, 50, 1);
    for (unsigned round = 0; round < 5; round++) {
        sim_run(sim, sim->now + 15 * SIM_S);
        sim_order(sim, &sim->procs[round], TURN_RECOVER, BREAKER_HOLD_NONE);
        sim_run(sim, sim->now + 10 * SIM_MS);
        at = sim->calls;
        sim_run(sim, sim->now + SIM_S);
        calls += sim->calls - at;
        until(sim, BREAKER_PASSING, sim->now + 60 * SIM_S);
    }
    scenario_bound(sim, (double)calls / 5, 8, "let through in the first tenth");
    sim_close(sim);
}

/* X8. A call in ten seconds, alone: the evidence has to last. */
static void rare_calls(struct sim *sim)
{
    breaker_options_t options;
    double sum = 0;

    for (unsigned seed = 1; seed <= 6; seed++) {
        uint64_t began;
        sim_open(sim, seed);
        sim_options(&options);
        options.min_reporters = 1;
        sim_join(sim, &options, 0.1);
        sim_run(sim, SIM_S);
        sim_order(sim, &sim->procs[0], TURN_RECOVER, BREAKER_HOLD_NONE);
        began = sim->now;
        until(sim, BREAKER_PASSING, 600 * SIM_S);
        sum += (double)(sim->now - began) / 1e6;
        if (seed < 6)
            sim_close(sim);
    }
    scenario_bound(sim, sum / 6, 120, "s until PASSING");
    sim_close(sim);
}

/* X13. The dependency is up for a minute and down for a minute. */
static double square(struct sim *sim, const struct proc *p)
{
    (void)p;
    return sim->now / (60 * SIM_S) % 2;
}

static void flapping(struct sim *sim)
{
    sim_open(sim, 13);
    sim->failing = square;
    sim_join_many(sim, 5, 4);
    sim_run(sim, 3600 * SIM_S);
    scenario_bound(sim, (double)sim->transitions, 200, "transitions in an hour");
    sim_close(sim);
}

/* The ordinary case, from end to end. */
static void healing(struct sim *sim)
{
    uint64_t times[] = {10 * SIM_S, 22 * SIM_S}, began;

    sim_open(sim, 14);
    sim->data = times;
    sim->failing = dependency_between;
    sim_join_many(sim, 10, 20);
    sim_run(sim, 12 * SIM_S);
    until(sim, BREAKER_BROKEN, 30 * SIM_S);
    scenario_bound(sim, (double)sim->now / 1e6 - 10, 6.2, "s until BROKEN");
    sim_run(sim, 22 * SIM_S);
    until(sim, BREAKER_RECOVERING, 60 * SIM_S);
    began = sim->now;
    until(sim, BREAKER_PASSING, 60 * SIM_S);
    scenario_bound(sim, (double)(sim->now - began) / 1e6, 10.3, "s of recovery");
    sim_close(sim);
}

const struct scenario scenarios_of_recovery[] = {
    {"idle flood", "X10: an hour idle in RECOVERING, then a flood", idle_flood},
    {"floor of many", "X9: low traffic in many processes", floor_of_many},
    {"floor by order", "X9: the same, by order", floor_by_order},
    {"rare calls", "X8: a call in ten seconds", rare_calls},
    {"flapping", "X13: up a minute, down a minute", flapping},
    {"healing", "the ordinary case", healing},
    {NULL, NULL, NULL},
};
