/* Records: which one is in force, who may teach, who must not. */
#include "scenario.h"

static void rates(struct sim *sim, unsigned first, unsigned count, double rate)
{
    for (unsigned i = first; i < first + count; i++)
        sim_rate(sim, &sim->procs[i], rate);
}

static void cut(struct sim *sim, unsigned first, unsigned count, bool is_cut)
{
    for (unsigned i = first; i < first + count; i++)
        sim->procs[i].is_cut = is_cut;
}

/* X1. The record is evicted while the old ones idle; fresh ones trip; an old one wakes. */
static void old_epoch(struct sim *sim)
{
    uint64_t times[] = {SIM_S, 60 * SIM_S};
    uint64_t bad;

    sim_open(sim, 3);
    sim->data = times;
    sim->failing = dependency_between;
    sim_join_many(sim, 5, 10);
    sim_run(sim, 130 * SIM_S);
    rates(sim, 0, 5, 0);
    sim_run(sim, 150 * SIM_S);
    store_drop(&sim->store, ":1:r");
    times[1] = UINT64_MAX;
    times[0] = 0;
    sim_join_many(sim, 5, 10);
    sim_run(sim, 154 * SIM_S);
    bad = sim->bad_calls;
    if (sim_state(&sim->procs[5]) != BREAKER_BROKEN)
        sim_wrong(sim, "the fresh ones have not tripped");
    sim_call(sim, &sim->procs[0]);
    sim_run(sim, 156 * SIM_S);
    scenario_bound(sim, (double)(sim->bad_calls - bad), 2, "bad calls let through after the trip");
    sim_close(sim);
}

/* X2. Some lose storage and dependency for a minute, and come back to a healthy fleet. */
static double some_dead(struct sim *sim, const struct proc *p)
{
    return p->number < 5 && sim->now > 10 * SIM_S && sim->now < 70 * SIM_S;
}

static void minority(struct sim *sim)
{
    uint64_t refused = 0;

    sim_open(sim, 5);
    sim->failing = some_dead;
    sim_join_many(sim, 20, 5);
    sim_run(sim, 10 * SIM_S);
    cut(sim, 0, 5, true);
    sim_run(sim, 70 * SIM_S);
    cut(sim, 0, 5, false);
    sim_run(sim, 130 * SIM_S);
    for (unsigned i = 5; i < 20; i++)
        refused += sim->procs[i].refused;
    scenario_bound(sim, (double)refused, 0, "calls refused to the healthy");
    sim_close(sim);
}

/* X2, from its other end: what two decided while the storage was away stays theirs. */
static void tentative(struct sim *sim)
{
    uint64_t refused = 0;
    struct sim *s = sim;

    sim_open(s, 6);
    s->failing = some_dead;
    sim_join_many(s, 20, 20);
    sim_run(s, 10 * SIM_S);
    cut(s, 0, 5, true);
    sim_run(s, 12 * SIM_S);
    store_clear(&s->store); /* and the storage forgets everything */
    sim_run(s, 40 * SIM_S);
    cut(s, 0, 5, false);
    sim_run(s, 41 * SIM_S);
    store_clear(&s->store);
    sim_run(s, 120 * SIM_S);
    for (unsigned i = 5; i < 20; i++)
        refused += s->procs[i].refused;
    scenario_bound(s, (double)refused, 0, "calls refused to the healthy");
    sim_close(s);
}

/* X2. Where one process may break the fleet: what it decided while it was cut off stays its own. */
static double first_dead(struct sim *sim, const struct proc *p)
{
    return p->number == 0 && sim->now > 10 * SIM_S && sim->now < 70 * SIM_S;
}

/* Cuts the first off just before it trips; true: it tripped the fleet, as far as it alone knows. */
static bool cut_tripping(struct sim *sim)
{
    const struct window *window = &sim->procs[0].local.window;

    sim_run(sim, 10 * SIM_S);
    while (sim->now < 12 * SIM_S && window->failed * 20 < window->ok * 18)
        sim_run(sim, sim->now + SIM_MS);
    cut(sim, 0, 1, true);
    sim_run(sim, sim->now + 200 * SIM_MS);
    return sim->procs[0].fleet.cas == FLEET_CAS_PROPOSE && sim->trips == 0;
}

static void alone(struct sim *sim)
{
    breaker_options_t options;
    uint64_t refused = 0;
    unsigned tripped = 0;
    bool cut_off;

    sim_options(&options);
    options.min_reporters = 1;
    options.window = 2000;
    for (unsigned seed = 1; seed <= 60; seed++) {
        sim_open(sim, seed);
        sim->failing = first_dead;
        sim_join(sim, &options, 200);
        for (unsigned i = 0; i < 10; i++)
            sim_join(sim, &options, 0);
        cut_off = cut_tripping(sim);
        tripped += cut_off;
        rates(sim, 1, 10, 0.1);
        sim_run(sim, 70 * SIM_S);
        cut(sim, 0, 1, false);
        sim_run(sim, 130 * SIM_S);
        for (unsigned i = 1; cut_off && i < sim->count; i++)
            refused += sim->procs[i].refused;
        if (seed < 60)
            sim_close(sim);
    }
    if (tripped == 0)
        sim_wrong(sim, "it has never tripped alone");
    scenario_bound(sim, (double)refused, 0, "calls refused to the healthy");
    sim_close(sim);
}

/* X3. A process comes back after an hour with a record that a failover has lost. */
static void sleeper(struct sim *sim)
{
    uint64_t times[] = {5 * SIM_S, 20 * SIM_S};
    struct store *copy = &(struct store){.now = 0};
    uint64_t refused = 0;

    sim_open(sim, 1);
    sim->data = times;
    sim->failing = dependency_between;
    sim_join_many(sim, 4, 10);
    sim_run(sim, 4 * SIM_S);
    store_copy(copy, &sim->store);
    sim_run(sim, 20 * SIM_S);
    while (sim->now < 60 * SIM_S && sim_state(&sim->procs[0]) != BREAKER_RECOVERING)
        sim_run(sim, sim->now + 100 * SIM_MS);
    sim_rate(sim, &sim->procs[0], 0);
    sim_run(sim, sim->now + SIM_S);
    for (unsigned i = 1; i < 4; i++)
        sim_crash(sim, &sim->procs[i]);
    store_copy(&sim->store, copy);
    sim_join_many(sim, 5, 2);
    sim_run(sim, 3600 * SIM_S);
    for (unsigned i = 0; i < 6; i++)
        sim_call(sim, &sim->procs[0]);
    sim_rate(sim, &sim->procs[0], 10);
    sim_run(sim, 3630 * SIM_S);
    for (unsigned i = 4; i < sim->count; i++)
        refused += sim->procs[i].refused;
    store_close(copy);
    scenario_bound(sim, (double)sim->taught, 0, "taught");
    scenario_bound(sim, (double)refused, 0, "calls refused to the healthy");
    sim_close(sim);
}

/* X3b. The record is lost while all sleep in RECOVERING; they wake at a dead dependency. */
static void lost_asleep(struct sim *sim)
{
    uint64_t times[] = {2 * SIM_S, UINT64_MAX}, bad;
    breaker_options_t options;

    sim_open(sim, 4);
    sim->data = times;
    sim->failing = dependency_between;
    sim_options(&options);
    options.min_calls = 1000;
    for (unsigned i = 0; i < 20; i++)
        sim_join(sim, &options, 10);
    while (sim->now < 60 * SIM_S && sim_state(&sim->procs[0]) != BREAKER_RECOVERING)
        sim_run(sim, sim->now + 100 * SIM_MS);
    sim_run(sim, sim->now + 50 * SIM_MS);
    rates(sim, 0, 20, 0);
    sim_run(sim, sim->now + 3600 * SIM_S);
    store_clear(&sim->store);
    bad = sim->bad_calls;
    rates(sim, 0, 20, 500);
    sim_run(sim, sim->now + 200 * SIM_MS);
    scenario_bound(sim, (double)(sim->bad_calls - bad), 300, "let through at a dead dependency");
    sim_close(sim);
}

/* X14. Bells are lost, and BROKEN is long: a reset by one must be heard by those who refuse. */
static void reset_unheard(struct sim *sim)
{
    uint64_t times[] = {SIM_S, 5 * SIM_S};
    breaker_options_t options;
    unsigned stale = 0;

    sim_open(sim, 7);
    sim->data = times;
    sim->failing = dependency_between;
    sim->net.lose_bell = 1;
    sim_options(&options);
    options.broken_time = options.broken_limit = 600000;
    for (unsigned i = 0; i < 50; i++)
        sim_join(sim, &options, 5);
    sim_run(sim, 20 * SIM_S);
    sim_order(sim, &sim->procs[0], TURN_RESET, BREAKER_HOLD_NONE);
    sim_run(sim, 23 * SIM_S);
    for (unsigned i = 0; i < 50; i++)
        stale += sim_state(&sim->procs[i]) == BREAKER_BROKEN;
    scenario_bound(sim, stale, 0, "of 50 stale after 3 s");
    sim_close(sim);
}

/* Guarded writes: many trip at once, and one transition is made. */
static void race(struct sim *sim)
{
    sim_open(sim, 11);
    sim->failing = dependency_dead;
    sim->net = (struct net){.base = 0.5, .more = 5};
    sim_join_many(sim, 20, 100);
    sim_run(sim, 3 * SIM_S);
    scenario_bound(sim, (double)sim->trips, 1, "records of one trip");
    scenario_bound(sim, !sim_agree(sim, 0), 0, "split");
    sim_close(sim);
}

const struct scenario scenarios_of_records[] = {
    {"old epoch", "X1: an old record over a fresh trip", old_epoch},
    {"minority", "X2: a partitioned minority comes back", minority},
    {"tentative", "X2: and the storage has forgotten", tentative},
    {"alone", "X2: what one decided while cut off", alone},
    {"sleeper", "X3: back after an hour with a lost record", sleeper},
    {"lost asleep", "X3: the record is lost while all sleep", lost_asleep},
    {"reset unheard", "X14: bells lost, a reset by one", reset_unheard},
    {"race", "many trip at once", race},
    {NULL, NULL, NULL},
};
