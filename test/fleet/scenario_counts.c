/* Counts and quorum: what is lost, what must not be counted twice, who may break the fleet. */
#include "scenario.h"

static uint64_t counted(const struct sim *sim, bool truly)
{
    uint64_t sum = 0;

    for (unsigned i = 0; truly && i < SIM_TRUTHS; i++)
        sum += sim->truths[i].cell.ok + sim->truths[i].cell.failed;
    for (unsigned i = 0; !truly && i < STORE_CHAINS; i++) {
        for (const struct store_key *k = sim->store.chains[i]; k != NULL; k = k->next) {
            struct tally_cell cell;
            int64_t number = 0;
            if (k->length < 11 || k->key[8] != 'c')
                continue;
            for (unsigned j = 0; j < k->value_length; j++)
                number = number * 10 + (k->value[j] - '0');
            cell = tally_unpack(number, 0);
            sum += cell.ok + cell.failed;
        }
    }
    return sum;
}

/* X6. Half of the answers are lost: nothing is counted twice (N7 says so), most is counted once. */
static void unknown_fate(struct sim *sim)
{
    breaker_options_t options;

    sim_open(sim, 22);
    sim_options(&options);
    options.window = 80000; /* nothing expires while it is looked at */
    sim->net.lose_reply = 0.5;
    for (unsigned i = 0; i < 4; i++)
        sim_join(sim, &options, 2);
    sim_run(sim, 60 * SIM_S);
    sim->net.lose_reply = 0;
    sim_run(sim, 62 * SIM_S);
    scenario_bound(sim, 1 - (double)counted(sim, false) / (double)counted(sim, true), 0.5,
                   "share of the results that is lost");
    sim_close(sim);
}

/* X6. Answers take longer than anybody waits: counts go on. */
static void slow_answers(struct sim *sim)
{
    breaker_options_t options;

    sim_open(sim, 23);
    sim_options(&options);
    options.window = 200000;
    sim_run(sim, SIM_S);
    for (unsigned i = 0; i < 4; i++)
        sim_join(sim, &options, 5);
    sim_run(sim, 10 * SIM_S);
    sim->net.base = 150;
    sim_run(sim, 100 * SIM_S);
    scenario_bound(sim, 1 - (double)counted(sim, false) / (double)counted(sim, true), 0.5,
                   "share of the results that is lost");
    sim_close(sim);
}

/* X16. Slow failures of one epoch come in when the next has begun. */
static double long_ago(struct sim *sim, const struct proc *p)
{
    (void)p;
    return sim->now < 30 * SIM_S;
}

static void late(struct sim *sim)
{
    sim_open(sim, 16);
    sim->failing = long_ago;
    sim->bad_time = 6 * SIM_S;
    sim_join_many(sim, 5, 10);
    sim_run(sim, 60 * SIM_S);
    scenario_bound(sim, 0, 0, "late results counted");
    sim_close(sim);
}

/* X12. The storage is away, the dependency dead: how many calls of a process go out in a minute? */
static void outage(struct sim *sim)
{
    uint64_t times[] = {10 * SIM_S, 70 * SIM_S}, bad;

    sim_open(sim, 12);
    sim->data = times;
    sim->failing = dependency_between;
    sim_join_many(sim, 5, 10);
    sim_run(sim, 8 * SIM_S);
    for (unsigned i = 0; i < 5; i++)
        sim->procs[i].is_cut = true;
    bad = sim->bad_calls;
    sim_run(sim, 70 * SIM_S);
    scenario_bound(sim, (double)(sim->bad_calls - bad) / 5, 150, "of 600 go out");
    sim_close(sim);
}

/* X12. The storage goes away in BROKEN: L has to take over. */
static void outage_broken(struct sim *sim)
{
    uint64_t times[] = {2 * SIM_S, 70 * SIM_S}, bad;

    sim_open(sim, 13);
    sim->data = times;
    sim->failing = dependency_between;
    sim_join_many(sim, 5, 10);
    while (sim->now < 30 * SIM_S && sim_state(&sim->procs[0]) != BREAKER_BROKEN)
        sim_run(sim, sim->now + 10 * SIM_MS);
    sim_run(sim, sim->now + 100 * SIM_MS);
    for (unsigned i = 0; i < 5; i++)
        sim->procs[i].is_cut = true;
    bad = sim->bad_calls;
    sim_run(sim, sim->now + 5 * SIM_S);
    scenario_bound(sim, (double)(sim->bad_calls - bad) / 5, 5, "bad calls of a process in 5 s");
    sim_close(sim);
}

static uint64_t refused_but(const struct sim *sim, unsigned sick, uint64_t *calls)
{
    uint64_t refused = 0;

    for (unsigned i = 0; i < sim->count; i++) {
        if (i == sick)
            continue;
        refused += sim->procs[i].refused;
        *calls += sim->procs[i].admitted + sim->procs[i].refused;
    }
    return refused;
}

/* X11. One client of three fails by its own fault, and calls again and again. */
static void sick_one(struct sim *sim)
{
    uint64_t refused = 0, calls = 0;

    for (unsigned seed = 1; seed <= 10; seed++) {
        sim_open(sim, seed);
        sim_join_many(sim, 3, 4);
        sim->procs[0].sick = 1;
        sim_rate(sim, &sim->procs[0], 64);
        sim_run(sim, 60 * SIM_S);
        refused += refused_but(sim, 0, &calls);
        if (seed < 10)
            sim_close(sim);
    }
    scenario_bound(sim, 100.0 * (double)refused / (double)calls, 0,
                   "% of the healthy calls refused");
    sim_close(sim);
}

/* X11. From a cold start, very often: the first bucket has few reporters, or only this one. */
static void sick_cold(struct sim *sim)
{
    unsigned tripped = 0;

    for (unsigned seed = 1; seed <= 20; seed++) {
        sim_open(sim, seed);
        sim_join_many(sim, 10, 1);
        sim->procs[0].sick = 1;
        sim_rate(sim, &sim->procs[0], 200);
        for (unsigned i = 1; i < 10; i++)
            sim->procs[i].sick = 0.01;
        sim_run(sim, 20 * SIM_S);
        tripped += sim->trips > 0;
        if (seed < 20)
            sim_close(sim);
    }
    scenario_bound(sim, tripped, 4, "false trips in 20 cold starts");
    sim_close(sim);
}

/* N9. A lone process trips nobody but itself. */
static void lone(struct sim *sim)
{
    sim_open(sim, 9);
    sim->failing = dependency_dead;
    sim_join_many(sim, 1, 50);
    sim_run(sim, 30 * SIM_S);
    scenario_bound(sim, (double)sim->transitions, 0, "records by one alone");
    scenario_bound(sim, (double)sim->bad_calls, 60, "bad calls that its own circuit let out");
    sim_close(sim);
}

const struct scenario scenarios_of_counts[] = {
    {"unknown fate", "X6: half of the answers are lost", unknown_fate},
    {"slow answers", "X6: answers later than anybody waits", slow_answers},
    {"late", "X16: results of an earlier epoch", late},
    {"outage", "X12: storage away, then the dependency dies", outage},
    {"outage broken", "X12: storage away in BROKEN", outage_broken},
    {"sick one", "X11: one client fails by its own fault", sick_one},
    {"sick cold", "X11: the same from a cold start, very often", sick_cold},
    {"lone", "N9: one process alone", lone},
    {NULL, NULL, NULL},
};
