/* FLEET's tables again, over this implementation: each figure beside the one that was expected. They are
 * means over a few seeds, and say so where few make a difference. */
#include "figures.h"
#include "scenario.h"
#include <stdio.h>

static struct sim sim;

static double ms(uint64_t time)
{
    return (double)time / 1e3;
}

/* ---- Detection: all fail, from a cold start ----------------------------------------------------*/

enum { SEEDS = 20 };

struct weather {
    const char *name;
    struct net net;
    uint64_t interval;
};

static const struct weather weathers[] = {
    {"1 ms", {.base = 0.5, .more = 1}, 10},
    {"no bell", {.base = 0.5, .more = 1, .lose_bell = 1}, 10},
    {"10% loss",
     {.base = 0.5, .more = 1, .lose_request = 0.1, .lose_reply = 0.1, .lose_bell = 0.1},
     10},
    {"sync 100", {.base = 0.5, .more = 1}, 100},
    {"50 ms", {.base = 45, .more = 5}, 10},
};
enum { WEATHERS = sizeof weathers / sizeof *weathers };

struct detection {
    unsigned count;
    double rate;
    const char *expected; /* perfect; then lag and calls of each */
};

static const struct detection detections[] = {
    {2, 100, "61 | 5, 1.2 | -, 2.2 | 69, 7 | 49, 7 | 184, 11"},
    {10, 10, "105 | 4, 0.6 | -, 10 | 47, 7 | - | 154, 17"},
    {10, 100, "15 | 6, 10 | -, 16 | 5, 13 | 59, 60 | 164, 91"},
    {50, 1, "176 | 5, 0.6 | -, 46 | 38, 7 | - | 143, 11"},
    {50, 10, "22 | 6, 3.4 | -, 50 | 12, 17 | - | 153, 92"},
    {50, 100, "4 | 9, 51 | -, 79 | 10, 86 | 9, 50 | 137, 493"},
};

struct detected {
    double perfect, lag, beyond, tripped;
};

static void detect_once(const struct detection *d, const struct weather *w, uint64_t seed,
                        struct detected *sum)
{
    breaker_options_t options;

    sim_open(&sim, seed);
    sim_options(&options);
    options.sync_interval = w->interval;
    sim.net = w->net;
    sim.failing = dependency_dead;
    for (unsigned i = 0; i < d->count; i++)
        sim_join(&sim, &options, 0);
    sim_run(&sim, SIM_S); /* everybody knows the clock */
    for (unsigned i = 0; i < d->count; i++)
        sim_rate(&sim, &sim.procs[i], d->rate);
    sim_run(&sim, 3 * SIM_S + 500 * SIM_MS);
    if (sim.wrong[0] != '\0')
        printf("WRONG: %s\n", sim.wrong);
    sum->perfect += ms(sim.perfect_trip - SIM_S) / SEEDS;
    sum->beyond += (double)sim.beyond / SEEDS;
    if (sim.first_trip > 0) { /* else each has broken its own circuit before */
        sum->lag += ms(sim.first_trip - sim.perfect_trip);
        sum->tripped++;
    }
    sim_close(&sim);
}

static void detection(void)
{
    puts(
        "Detection, from a cold start, all calls failing: when a perfect breaker would trip (ms);\n"
        "then how much later the record says BROKEN (ms), and how many calls began meanwhile:\n"
        "1 ms | bells lost | 10% loss | sync_interval 100 | 50 ms one way.");
    for (size_t i = 0; i < sizeof detections / sizeof *detections; i++) {
        const struct detection *d = &detections[i];
        printf("  %2u x %3.0f/s ", d->count, d->rate);
        for (unsigned j = 0; j < WEATHERS; j++) {
            struct detected sum = {0, 0, 0, 0};
            for (uint64_t seed = 1; seed <= SEEDS; seed++)
                detect_once(d, &weathers[j], seed, &sum);
            if (j == 0)
                printf("%4.0f", sum.perfect);
            printf(" | %3.0f, %.3g", sum.lag / sum.tripped, sum.beyond);
        }
        printf("\n     expected %s\n", d->expected);
        fflush(stdout);
    }
}

/* ---- Recovery ----------------------------------------------------------------------------------*/

static const struct recovering {
    unsigned count;
    double rate;
    const char *expected;
} recoverings[] = {
    {50, 0.1, "0 / 27 / 4.9"},
    {50, 1, "2.7 / 224 / 5.1"},
    {50, 20, "40 / 4453 / 6.3"},
    {2, 100, "6.7 / 890 / 5.5"},
};

static void until(breaker_state_t state, uint64_t limit)
{
    while (sim.now < limit && sim.stands.state != state)
        sim_run(&sim, sim.now + 10 * SIM_MS);
}

/* Calls admitted in the first tenth and in all of T, when all is well. */
static void recover_once(const struct recovering *r, uint64_t seed, double *first, double *all,
                         double *end)
{
    uint64_t times[] = {SIM_S, UINT64_MAX}, calls, began;

    sim_open(&sim, seed);
    sim.data = times;
    sim.failing = dependency_between;
    sim_join_many(&sim, r->count, r->rate);
    sim_run(&sim, SIM_S);
    until(BREAKER_BROKEN, 60 * SIM_S);
    times[1] = 0;
    until(BREAKER_RECOVERING, 120 * SIM_S);
    calls = sim.calls;
    began = sim.now;
    sim_run(&sim, began + SIM_S);
    *first += (double)(sim.calls - calls) / 5;
    sim_run(&sim, began + 10 * SIM_S);
    *all += (double)(sim.calls - calls) / 5;
    until(BREAKER_PASSING, began + 100 * SIM_S);
    *end += (double)(sim.now - began) / 5e6;
    sim_close(&sim);
}

static uint64_t attempt_calls, attempts, attempt_from;

static void on_attempt(struct sim *s, const struct record *after)
{
    if (after->state == BREAKER_RECOVERING)
        attempt_from = s->bad_calls;
    if (after->state == BREAKER_BROKEN && attempt_from != UINT64_MAX) {
        attempts++;
        attempt_calls += s->bad_calls - attempt_from;
    }
    if (after->state != BREAKER_RECOVERING)
        attempt_from = UINT64_MAX;
}

/* Bad calls of an attempt that fails. */
static double attempt_in_vain(const struct recovering *r)
{
    attempt_calls = attempts = 0;
    attempt_from = UINT64_MAX;
    sim_open(&sim, 1);
    sim.failing = dependency_dead;
    sim.wrote = on_attempt;
    sim_join_many(&sim, r->count, r->rate);
    sim_run(&sim, 400 * SIM_S);
    sim_close(&sim);
    return (double)attempt_calls / (double)(attempts > 0 ? attempts : 1);
}

static void recovery(void)
{
    puts("Recovery in 10 s: calls admitted in the first second / in 10 s / bad calls of an attempt "
         "in\n"
         "vain; until PASSING (expected 10.0 - 10.1 s; the first row has few calls).");
    for (size_t i = 0; i < sizeof recoverings / sizeof *recoverings; i++) {
        const struct recovering *r = &recoverings[i];
        double first = 0, all = 0, end = 0;
        for (uint64_t seed = 1; seed <= 5; seed++)
            recover_once(r, seed, &first, &all, &end);
        printf("  %2u x %5.1f/s  %5.1f / %4.0f / %.1f; %.1f s    expected %s\n", r->count, r->rate,
               first, all, attempt_in_vain(r), end, r->expected);
        fflush(stdout);
    }
}

/* ---- Quorum ------------------------------------------------------------------------------------*/

static const struct sickness {
    unsigned count;
    double rate, times;
    const char *expected; /* without quorum, with */
} sicknesses[] = {
    {50, 1, 1, "0, 0"},          {50, 1, 10, "0, 0"},    {50, 1, 60, "59 %, 0"},
    {50, 1, 200, "93 %, 5.8 %"}, {10, 5, 12, "67 %, 0"}, {3, 4, 1, "56 %, 0"},
    {3, 4, 4, "94 %, 0"},        {2, 10, 1, "90 %, 0"},  {2, 10, 3, "92 %, 0"},
};

static void quorum(void)
{
    puts("One client, calling so many times as often, fails by its own fault for 60 s: healthy "
         "calls\n"
         "refused to the others (expected without a quorum, and with it).");
    for (size_t i = 0; i < sizeof sicknesses / sizeof *sicknesses; i++) {
        const struct sickness *s = &sicknesses[i];
        uint64_t refused = 0, calls = 0;
        for (uint64_t seed = 1; seed <= 3; seed++) {
            sim_open(&sim, seed);
            sim_join_many(&sim, s->count, s->rate);
            sim.procs[0].sick = 1;
            sim_rate(&sim, &sim.procs[0], s->times * s->rate);
            sim_run(&sim, 60 * SIM_S);
            for (unsigned j = 1; j < s->count; j++) {
                refused += sim.procs[j].refused;
                calls += sim.procs[j].refused + sim.procs[j].admitted;
            }
            sim_close(&sim);
        }
        printf("  %2u x %2.0f/s, x %3.0f   %.2g %%    expected %s\n", s->count, s->rate, s->times,
               100.0 * (double)refused / (double)calls, s->expected);
        fflush(stdout);
    }
}

/* ---- Flapping ----------------------------------------------------------------------------------*/

static double ratio, period;

static double coin(struct sim *s, const struct proc *p)
{
    (void)s, (void)p;
    return ratio;
}

static double square(struct sim *s, const struct proc *p)
{
    (void)p;
    return s->now / (uint64_t)(period * 1e6) % 2 == 0; /* down at first */
}

static const struct flap {
    const char *name;
    double ratio, period;
    const char *expected;
} flaps[] = {
    {"random 50 %", 0.5, 0, "123 (60)"},   {"random 40 %", 0.4, 0, "145 (62)"},
    {"up/down 20 s", 0, 20, "128 (60)"},   {"up/down 60 s", 0, 60, "122 (59)"},
    {"up/down 300 s", 0, 300, "154 (71)"}, {"down for the hour", 1, 0, "121 (61)"},
};

static void flapping(void)
{
    puts("Flapping: transitions in an hour (trips), 5 x 4 calls/s, broken 5 s x 2 up to 60 s.");
    for (size_t i = 0; i < sizeof flaps / sizeof *flaps; i++) {
        ratio = flaps[i].ratio;
        period = flaps[i].period;
        sim_open(&sim, 1);
        sim.failing = period > 0 ? square : coin;
        sim_join_many(&sim, 5, 4);
        sim_run(&sim, 3600 * SIM_S);
        printf("  %-18s %3.0f (%.0f)    expected %s\n", flaps[i].name, (double)sim.transitions,
               (double)sim.trips, flaps[i].expected);
        fflush(stdout);
        sim_close(&sim);
    }
}

/* ---- Traffic -----------------------------------------------------------------------------------*/

static void traffic(void)
{
    static const double rates[] = {0.1, 1, 20, 100};
    static const char *const expected[] = {"10", "69", "973", "3660"};

    puts(
        "Transactions a second of 50 processes while PASSING, and verbs of one; refused in BROKEN\n"
        "(expected 6 / 25 / 48 / 50).");
    for (unsigned i = 0; i < 4; i++) {
        uint64_t before, inner, passing;
        sim_open(&sim, 1);
        sim_join_many(&sim, 50, rates[i]);
        sim_run(&sim, 20 * SIM_S);
        before = sim.store.carried_out;
        inner = sim.store.inner;
        sim_run(&sim, 40 * SIM_S);
        passing = sim.store.carried_out - before;
        inner = sim.store.inner - inner;
        for (unsigned j = 0; j < 50; j++)
            sim.procs[j].rules.options.broken_limit = 1000000;
        sim_order(&sim, &sim.procs[0], TURN_TRIP, BREAKER_HOLD_NONE);
        sim_run(&sim, 41 * SIM_S);
        before = sim.store.carried_out;
        sim_run(&sim, 44 * SIM_S);
        printf("  50 x %5.1f/s  %.0f (%.2f per call, %.2f inner commands each)    expected %s;"
               " BROKEN %.0f\n",
               rates[i], (double)passing / 20, (double)passing / (rates[i] * 50 * 20),
               (double)inner / (double)passing, expected[i],
               (double)(sim.store.carried_out - before) / 3);
        fflush(stdout);
        sim_close(&sim);
    }
}

int figures_run(void)
{
    detection();
    recovery();
    quorum();
    flapping();
    traffic();
    return 0;
}
