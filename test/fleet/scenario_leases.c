/* Trials with leases. */
#include "scenario.h"

static void join_trial(struct sim *sim, unsigned count, double rate, unsigned trials)
{
    breaker_options_t options;

    sim_options(&options);
    options.recovery = BREAKER_TRIAL;
    options.max_trials = trials;
    options.success_threshold = 1000000; /* it goes on and on */
    options.probe_time = 5000;
    for (unsigned i = 0; i < count; i++)
        sim_join(sim, &options, rate);
    sim_run(sim, sim->now + SIM_S);
    sim_order(sim, &sim->procs[0], TURN_RECOVER, BREAKER_HOLD_NONE);
    sim_run(sim, sim->now + SIM_S);
}

/* N12. Two trials at once, never more, however many ask. */
static void limit(struct sim *sim)
{
    sim_open(sim, 31);
    sim->good_time = 300 * SIM_MS;
    join_trial(sim, 12, 5, 2);
    sim_run(sim, 120 * SIM_S);
    scenario_bound(sim, (double)sim->most_trials, 2, "trials at once, of 2");
    scenario_bound(sim, 100 - (double)sim->calls, 0, "trials missing of 100");
    sim_close(sim);
}

/* N12. A call outlives its lease, which is somebody else's by then, and is given back by its holder. */
static void overdue(struct sim *sim)
{
    unsigned over = 0;

    sim_open(sim, 32);
    join_trial(sim, 8, 0, 1);
    for (unsigned round = 0; round < 10; round++) {
        uint64_t end;
        sim_call(sim, &sim->procs[0]); /* buys the lease */
        sim_run(sim, sim->now + 50 * SIM_MS);
        sim->good_time = 9 * SIM_S;
        sim_call(sim, &sim->procs[0]); /* spends it */
        sim->good_time = 3 * SIM_S;
        for (unsigned i = 1; i < 8; i++)
            sim_rate(sim, &sim->procs[i], 5);
        end = sim->now + 15 * SIM_S;
        sim_run(sim, sim->now + 9100 * SIM_MS);
        while (sim->now < end) {
            sim_run(sim, sim->now + 50 * SIM_MS);
            over += sim->trials_out > 1;
        }
        for (unsigned i = 1; i < 8; i++)
            sim_rate(sim, &sim->procs[i], 0);
        sim_run(sim, sim->now + 30 * SIM_S);
    }
    scenario_bound(sim, over, 0, "looks with more than one");
    sim_close(sim);
}

static uint64_t longest_gap(struct sim *sim, uint64_t until)
{
    uint64_t gap = 0, last = sim->now, calls = sim->calls;

    while (sim->now < until) {
        sim_run(sim, sim->now + 100 * SIM_MS);
        if (sim->calls > calls)
            last = sim->now;
        calls = sim->calls;
        if (sim->now - last > gap)
            gap = sim->now - last;
    }
    return gap;
}

/* X7. A process dies with the only lease in hand. */
static void crash(struct sim *sim)
{
    sim_open(sim, 33);
    sim->good_time = 2 * SIM_S;
    join_trial(sim, 6, 5, 1);
    while (sim->now < 60 * SIM_S && sim->trials_out == 0)
        sim_run(sim, sim->now + 10 * SIM_MS);
    for (unsigned i = 0; i < 6; i++)
        if (sim->procs[i].out > 0)
            sim_crash(sim, &sim->procs[i]);
    scenario_bound(sim, (double)longest_gap(sim, sim->now + 60 * SIM_S) / 1e6, 11,
                   "s without a trial");
    sim_close(sim);
}

/* X7. The storage's clock steps back by an hour, and the lease's holder is dead. */
static void crash_and_step(struct sim *sim)
{
    sim_open(sim, 34);
    sim->good_time = 2 * SIM_S;
    join_trial(sim, 6, 5, 1);
    while (sim->now < 60 * SIM_S && sim->trials_out == 0)
        sim_run(sim, sim->now + 10 * SIM_MS);
    for (unsigned i = 0; i < 6; i++)
        if (sim->procs[i].out > 0)
            sim_crash(sim, &sim->procs[i]);
    sim_step_clock(sim, -3600000);
    scenario_bound(sim, (double)longest_gap(sim, sim->now + 300 * SIM_S) / 1e6, 11,
                   "s without a trial");
    sim_close(sim);
}

/* Calls so rare that a lease lapses before the next one comes. */
static void rare(struct sim *sim)
{
    sim_open(sim, 35);
    join_trial(sim, 2, 0.05, 1);
    sim_run(sim, 1800 * SIM_S);
    scenario_bound(sim, 10 - (double)sim->calls, 0, "trials missing of 10");
    sim_close(sim);
}

/* One failing client of four: it does not break the others' recovery, and theirs ends it. */
static double sick(struct sim *sim, const struct proc *p)
{
    (void)sim;
    return p->number == 0;
}

static void sick_trial(struct sim *sim)
{
    breaker_options_t options;

    sim_open(sim, 36);
    sim_options(&options);
    options.recovery = BREAKER_TRIAL;
    options.success_threshold = 3;
    sim->failing = sick;
    for (unsigned i = 0; i < 4; i++)
        sim_join(sim, &options, 10);
    sim_run(sim, SIM_S);
    sim_order(sim, &sim->procs[1], TURN_RECOVER, BREAKER_HOLD_NONE);
    sim_run(sim, 20 * SIM_S);
    scenario_bound(sim, sim->stands.state != BREAKER_PASSING, 0, "not PASSING");
    scenario_bound(sim, (double)sim->trips, 0, "trips");
    sim_close(sim);
}

/* What a trial has shown is over with the next one: neither a process alone nor one that died with a failure
 * keeps the others in RECOVERING. */
static void failed_trial(struct sim *sim)
{
    breaker_options_t options;

    sim_open(sim, 37);
    sim_options(&options);
    options.recovery = BREAKER_TRIAL;
    sim->failing = dependency_dead;
    sim_join(sim, &options, 10);
    sim_run(sim, SIM_S);
    sim_order(sim, &sim->procs[0], TURN_RECOVER, BREAKER_HOLD_NONE);
    sim_run(sim, sim->now + 8 * SIM_S);
    sim->failing = NULL;
    sim_run(sim, sim->now + 60 * SIM_S);
    scenario_bound(sim, !sim_all(sim, BREAKER_PASSING), 0, "not PASSING alone");
    sim->failing = dependency_dead;
    sim_join(sim, &options, 0);
    sim_order(sim, &sim->procs[0], TURN_RECOVER, BREAKER_HOLD_NONE);
    sim_run(sim, sim->now + 8 * SIM_S);
    sim_crash(sim, &sim->procs[0]);
    sim->failing = NULL;
    sim_rate(sim, &sim->procs[1], 10);
    sim_run(sim, sim->now + 60 * SIM_S);
    scenario_bound(sim, !sim_all(sim, BREAKER_PASSING), 0, "not PASSING after a crash");
    sim_close(sim);
}

/* A process asks once and is quiet then: its lease is the others' before its life is over. */
static void unspent(struct sim *sim)
{
    breaker_options_t options;
    uint64_t begun;

    sim_open(sim, 38);
    sim_options(&options);
    options.recovery = BREAKER_TRIAL;
    for (unsigned i = 0; i < 6; i++)
        sim_join(sim, &options, 0);
    sim_run(sim, SIM_S);
    sim_order(sim, &sim->procs[0], TURN_RECOVER, BREAKER_HOLD_NONE);
    sim_run(sim, sim->now + 50 * SIM_MS);
    begun = sim->now;
    sim_call(sim, &sim->procs[0]); /* buys one, and does not come back */
    sim_run(sim, sim->now + 50 * SIM_MS);
    for (unsigned i = 1; i < 6; i++)
        sim_rate(sim, &sim->procs[i], 5);
    while (sim->calls == 0 && sim->now < begun + 60 * SIM_S)
        sim_run(sim, sim->now + 100 * SIM_MS);
    scenario_bound(sim, (double)(sim->now - begun) / 1e6, 12, "s until another's trial");
    sim_close(sim);
}

/* RECOVERING by order, where nothing ever broke: a trial that fails holds the next one off all the same. */
static void never_broke(struct sim *sim)
{
    breaker_options_t options;

    sim_open(sim, 39);
    sim_options(&options);
    options.recovery = BREAKER_TRIAL;
    sim->failing = dependency_dead;
    sim_join(sim, &options, 0);
    sim_run(sim, SIM_S);
    sim_order(sim, &sim->procs[0], TURN_RECOVER, BREAKER_HOLD_NONE);
    sim_run(sim, sim->now + 50 * SIM_MS);
    sim_rate(sim, &sim->procs[0], 100);
    sim_run(sim, sim->now + 60 * SIM_S);
    scenario_bound(sim, (double)sim->bad_calls, 30, "bad calls in a minute");
    sim_close(sim);
}

const struct scenario scenarios_of_leases[] = {
    {"trials", "N12: no more trials than leases", limit},
    {"overdue", "N12: calls that outlive their lease", overdue},
    {"crash", "X7: a process dies with the lease", crash},
    {"crash and step", "X7: and the clock steps", crash_and_step},
    {"rare trials", "leases that lapse unspent", rare},
    {"sick trial", "one failing client in RECOVERING", sick_trial},
    {"unspent", "a lease that nobody spends", unspent},
    {"never broke", "a trial fails in RECOVERING by order", never_broke},
    {"failed trial", "one that failed, alone or dead", failed_trial},
    {NULL, NULL, NULL},
};
