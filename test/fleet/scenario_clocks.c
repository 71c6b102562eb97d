/* Clocks that step, loops that stand still. */
#include "scenario.h"

static void join_broken(struct sim *sim, uint64_t *times)
{
    sim->data = times;
    sim->failing = dependency_between;
    sim_join_many(sim, 5, 10);
    sim_run(sim, 2 * SIM_S);
    while (sim->now < 30 * SIM_S && sim_state(&sim->procs[0]) != BREAKER_BROKEN)
        sim_run(sim, sim->now + 10 * SIM_MS);
}

static void until(struct sim *sim, breaker_state_t state, uint64_t limit)
{
    while (sim->now < limit && sim_state(&sim->procs[0]) != state)
        sim_run(sim, sim->now + 10 * SIM_MS);
}

/* X4. The storage's clock steps in BROKEN: how long is it BROKEN? */
static void broken_step(struct sim *sim, int64_t step, const char *what)
{
    uint64_t times[] = {SIM_S, 8 * SIM_S}, began;

    sim_open(sim, 2);
    join_broken(sim, times);
    began = sim->now;
    sim_run(sim, sim->now + SIM_S);
    sim_step_clock(sim, step);
    until(sim, BREAKER_RECOVERING, began + 100 * SIM_S);
    scenario_bound(sim, (double)(sim->now - began) / 1e6, 5.4, what);
    sim_close(sim);
}

static void broken_back(struct sim *sim)
{
    broken_step(sim, -3600000, "s BROKEN of 5 configured");
}

/* In BROKEN, forward: it must not end early either. */
static void broken_forward(struct sim *sim)
{
    uint64_t times[] = {SIM_S, 8 * SIM_S}, began;

    sim_open(sim, 2);
    join_broken(sim, times);
    began = sim->now;
    sim_run(sim, sim->now + SIM_S);
    sim_step_clock(sim, 3600000);
    until(sim, BREAKER_RECOVERING, began + 100 * SIM_S);
    scenario_bound(sim, 5 - (double)(sim->now - began) / 1e6, 0.1, "s too short, of 5");
    sim_close(sim);
}

/* X4. It steps in RECOVERING: how many of 50 calls a second are admitted in the next second? */
static void recovering_step(struct sim *sim, int64_t step, bool none)
{
    uint64_t times[] = {SIM_S, 5 * SIM_S}, calls, refused;
    double share;

    sim_open(sim, 2);
    join_broken(sim, times);
    for (unsigned i = 0; i < 5; i++)
        sim_rate(sim, &sim->procs[i], 20);
    until(sim, BREAKER_RECOVERING, sim->now + 100 * SIM_S);
    sim_run(sim, sim->now + 4 * SIM_S);
    calls = sim->calls;
    refused = sim->refused;
    sim_step_clock(sim, step);
    sim_run(sim, sim->now + 2 * SIM_S);
    calls = sim->calls - calls;
    share = (double)calls / (double)(calls + sim->refused - refused);
    scenario_bound(sim, none ? 1 - share : share, none ? 0.8 : 0.6,
                   none ? "share refused at p = 0.4" : "share admitted at p = 0.4");
    sim_close(sim);
}

static void recovering_forward(struct sim *sim)
{
    recovering_step(sim, 3600000, false);
}

static void recovering_back(struct sim *sim)
{
    recovering_step(sim, -3600000, true);
}

/* X5. After a step back old and new processes count in the same buckets. */
static void buckets(struct sim *sim)
{
    uint64_t low = UINT64_MAX, high = 0;

    sim_open(sim, 4);
    sim_join_many(sim, 5, 5);
    sim_run(sim, 20 * SIM_S);
    sim_step_clock(sim, -3600000);
    sim_run(sim, 22 * SIM_S);
    sim_join_many(sim, 5, 5);
    sim_run(sim, 25 * SIM_S);
    for (unsigned i = 0; i < 10; i++) {
        uint64_t newest = sim->procs[i].fleet.tally.newest;
        low = newest < low ? newest : low;
        high = newest > high ? newest : high;
    }
    scenario_bound(sim, (double)(high - low), 1, "buckets apart");
    sim_close(sim);
}

/* S8. The loop stands still while its answers arrive: none of them is late. */
static void stall(struct sim *sim)
{
    sim_open(sim, 8);
    sim_join_many(sim, 2, 50);
    sim_run(sim, 5 * SIM_S);
    for (unsigned i = 0; i < 20; i++) {
        while (!sim->procs[0].fleet.sync_is_out)
            sim_run(sim, sim->now + SIM_MS);
        sim_stall(sim, &sim->procs[0], 3 * SIM_S);
        sim_run(sim, sim->now + 4 * SIM_S);
    }
    scenario_bound(sim, (double)sim->timeouts, 0, "answers called late");
    sim_close(sim);
}

const struct scenario scenarios_of_clocks[] = {
    {"broken back", "X4: an hour back in BROKEN", broken_back},
    {"broken forward", "X4: an hour forward in BROKEN", broken_forward},
    {"recovering forward", "X4: an hour forward in RECOVERING", recovering_forward},
    {"recovering back", "X4: an hour back in RECOVERING", recovering_back},
    {"buckets", "X5: an hour back, and who counts where", buckets},
    {"stall", "S8: a loop that stands still", stall},
    {NULL, NULL, NULL},
};
