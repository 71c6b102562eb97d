/* Two minutes of faults drawn by chance, one and a half of calm. The dependency comes and goes during the
 * faults, and is well afterwards: then everybody must be PASSING, on the same record. */
#include "chaos.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FAULTS = 14, STORM = 120, CALM = 90 }; /* s */

struct chaos {
    struct store copy;
    uint64_t well_at; /* the dependency changes its mind */
    double share;     /* of calls that fail */
};

static struct chaos *chaos_of(struct sim *sim)
{
    return sim->data;
}

static uint64_t pick(struct sim *sim, uint64_t count)
{
    return (uint64_t)(sim_draw(sim) * (double)count);
}

static struct proc *anyone(struct sim *sim)
{
    return &sim->procs[pick(sim, sim->count)];
}

/* ---- The dependency ----------------------------------------------------------------------------*/

static double share(struct sim *sim, const struct proc *p)
{
    struct chaos *c = chaos_of(sim);

    (void)p;
    if (sim->now >= STORM * SIM_S)
        return 0;
    if (sim->now >= c->well_at) {
        double draw = sim_draw(sim);
        c->share = draw < 0.5 ? 0.02 : draw < 0.8 ? 1 : 0.6;
        c->well_at = sim->now + SIM_S + pick(sim, 25 * SIM_S);
    }
    return c->share;
}

/* ---- Faults ------------------------------------------------------------------------------------*/

static void links_well(struct sim *sim, uint64_t number)
{
    (void)number;
    sim->net.lose_request = sim->net.lose_reply = sim->net.lose_bell = sim->net.double_bell = 0;
    for (unsigned i = 0; i < sim->count; i++)
        sim->procs[i].is_cut = false;
}

static void lose(struct sim *sim)
{
    sim->net.lose_request = 0.4;
    sim->net.lose_bell = 0.4;
}

static void lose_replies(struct sim *sim)
{
    sim->net.lose_reply = 0.4;
    sim->net.double_bell = 0.5;
}

static void part(struct sim *sim)
{
    for (unsigned i = 0; i < sim->count; i += 2)
        sim->procs[i].is_cut = true;
}

static void go_down(struct sim *sim)
{
    for (unsigned i = 0; i < sim->count; i++)
        sim->procs[i].is_cut = true;
}

static void restart_empty(struct sim *sim)
{
    go_down(sim);
    store_clear(&sim->store);
}

static void flush(struct sim *sim)
{
    store_clear(&sim->store);
}

static void restore(struct sim *sim, uint64_t number)
{
    (void)number;
    store_copy(&sim->store, &chaos_of(sim)->copy);
}

static void fail_over(struct sim *sim)
{
    store_copy(&chaos_of(sim)->copy, &sim->store);
    sim_at(sim, sim->now + 50 * SIM_MS + pick(sim, 2950 * SIM_MS), restore, 0);
}

static void step_clock(struct sim *sim)
{
    static const int64_t steps[] = {5000, 60000, 3600000};
    int64_t step = steps[pick(sim, 3)];

    sim_step_clock(sim, sim_draw(sim) < 0.5 ? step : -step);
}

static void stall(struct sim *sim)
{
    sim_stall(sim, anyone(sim), 5 * SIM_S);
}

static void crash(struct sim *sim)
{
    sim_restart(sim, anyone(sim));
}

static void join(struct sim *sim)
{
    if (sim->count < 24)
        sim_join_many(sim, 1, sim->procs[0].rate);
}

static void fault(struct sim *sim, uint64_t number)
{
    static void (*const faults[])(struct sim *) = {lose,  lose_replies,  part,      go_down,
                                                   flush, restart_empty, fail_over, step_clock,
                                                   stall, crash,         join,      step_clock};

    (void)number;
    faults[pick(sim, sizeof faults / sizeof *faults)](sim);
    sim_at(sim, sim->now + SIM_S + pick(sim, 7 * SIM_S), links_well, 0);
}

/* ---- What must hold ----------------------------------------------------------------------------*/

static void all_agree(struct sim *sim, uint64_t since)
{
    if (!sim_agree(sim))
        sim_wrong(sim, "N1: they do not agree %" PRIu64 " s after the last fault", since);
}

/* Nobody has written of late, and still not everybody has it. */
static void check_agreement(struct sim *sim, uint64_t number)
{
    uint64_t before = sim->transitions;

    (void)number;
    sim_run(sim, sim->now + 3 * SIM_S);
    if (sim->transitions == before)
        all_agree(sim, (sim->now / SIM_S) - STORM);
}

static void check_end(struct sim *sim)
{
    if (sim->wrong[0] != '\0')
        return;
    all_agree(sim, CALM);
    if (!sim_all(sim, BREAKER_PASSING))
        sim_wrong(sim, "N5: not everybody is PASSING %d s after all is well", CALM);
    if (sim->taught > (uint64_t)sim->store.losses * sim->count)
        sim_wrong(sim, "N6: %" PRIu64 " teaches for %u losses", sim->taught, sim->store.losses);
}

void chaos_run(struct sim *sim, uint64_t seed, uint64_t seconds)
{
    static const unsigned counts[] = {1, 2, 2, 3, 3, 8, 12, 20};
    struct chaos chaos = {.share = 0.02};
    unsigned count;
    double rate;

    sim_open(sim, seed);
    sim->data = &chaos;
    sim->failing = share;
    count = counts[pick(sim, sizeof counts / sizeof *counts)];
    rate = (1 + (double)pick(sim, 6)) * (count > 8 ? 0.5 : 1.5);
    if (count <= 3 && pick(sim, 4) == 0)
        rate *= 50; /* so that many results go together */
    sim_join_many(sim, count, rate);
    for (unsigned i = 0; i < FAULTS; i++)
        sim_at(sim, SIM_S + pick(sim, (STORM - 10) * SIM_S), fault, 0);
    if (seconds > 0) {
        sim_run(sim, seconds * SIM_S);
    } else {
        sim_run(sim, STORM * SIM_S);
        links_well(sim, 0);
        check_agreement(sim, 0);
        sim_run(sim, (STORM + CALM) * SIM_S);
        check_end(sim);
    }
    if (sim->count == 1 && sim->restarts == 0 && sim->clock_steps == 0 && sim->trips > 0)
        sim_wrong(sim, "N9: one process alone wrote BROKEN");
    store_close(&chaos.copy);
}
