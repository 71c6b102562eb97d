/* Two minutes of faults drawn by chance, perhaps an hour in which nobody calls, and a calm. The dependency
 * comes and goes during the faults, and is well afterwards: then everybody must be PASSING, on the same
 * record. Traffic is high, usual or low; recovery is by sample or by trials. */
#include "chaos.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { HEARD = 1500000 }; /* us: max_age and two syncs, generously */
enum { FAULTS = 14, STORM = 120, CALM = 90, LONG_CALM = 600, IDLE = 3600 }; /* s */

struct chaos {
    struct store copy;
    uint64_t well_at; /* the dependency changes its mind */
    double share;     /* of calls that fail */
    breaker_options_t options;
    double rate;
    uint64_t calm; /* s */
    bool is_idle;  /* for an hour, after the faults */
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
    struct chaos *c = chaos_of(sim);

    if (sim->count < SIM_PROCS)
        sim_join(sim, &c->options, c->rate);
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
    if (!sim_agree(sim, HEARD))
        sim_wrong(sim, "N1: they do not agree %" PRIu64 " s after the last fault", since);
}

/* Nobody has written of late, and still not everybody has it. */
static void check_agreement(struct sim *sim, uint64_t number)
{
    uint64_t before = sim->transitions;

    (void)number;
    sim_ask_anew(sim);
    sim_run(sim, sim->now + 3 * SIM_S);
    if (sim->transitions == before && !sim_is_cut_short(sim))
        all_agree(sim, (sim->now / SIM_S) - STORM);
}

static void check_end(struct sim *sim)
{
    struct chaos *c = chaos_of(sim);
    unsigned trials = c->options.max_trials * (1 + sim->store.losses + sim->clock_steps);

    if (sim->wrong[0] != '\0')
        return;
    all_agree(sim, c->calm);
    if (!sim_all(sim, BREAKER_PASSING))
        sim_wrong(sim, "N5: not everybody is PASSING %" PRIu64 " s after all is well", c->calm);
    if (sim->taught > (uint64_t)sim->store.losses * sim->count)
        sim_wrong(sim, "N6: %" PRIu64 " teaches for %u losses", sim->taught, sim->store.losses);
    if (c->options.recovery == BREAKER_TRIAL && sim->restarts == 0 && sim->most_trials > trials)
        sim_wrong(sim, "N12: %" PRIu64 " trials at once", sim->most_trials);
}

/* ---- A seed ------------------------------------------------------------------------------------*/

static unsigned draw_count(struct sim *sim)
{
    static const unsigned counts[] = {1, 2, 2, 3, 3, 8, 12, 20, 2, 2, 3, 3, 8, 12, 20, 200};
    unsigned count = counts[pick(sim, sizeof counts / sizeof *counts)];

    return count == 200 ? 21 + (unsigned)pick(sim, 180) : count;
}

/* Calls per second and process. */
static double draw_rate(struct sim *sim, unsigned count)
{
    double rate = (1 + (double)pick(sim, 6)) * (count > 8 ? 0.5 : 1.5);

    if (count > 20)
        return rate / 10;
    if (count <= 3 && pick(sim, 4) == 0)
        return rate * 50; /* so that many results go together */
    return pick(sim, 8) == 0 ? rate / 20 : rate;
}

static void draw_options(struct sim *sim, struct chaos *c, uint64_t seed)
{
    sim_options(&c->options);
    if (seed % 5 == 3)
        c->options.on_outage = BREAKER_OUTAGE_REFUSE;
    if (seed % 7 == 4)
        c->options.min_reporters = 1;
    if (pick(sim, 4) > 0)
        return;
    c->options.recovery = BREAKER_TRIAL;
    c->options.max_trials = 1 + (unsigned)pick(sim, 3);
    c->options.success_threshold = 1 + (unsigned)pick(sim, 3);
    c->options.probe_time = 5000;
}

static void begin(struct sim *sim, struct chaos *c, uint64_t seed)
{
    unsigned count = draw_count(sim);

    c->rate = draw_rate(sim, count);
    c->calm = count * c->rate < 5 || c->rate < 0.3 ? LONG_CALM : CALM;
    draw_options(sim, c, seed);
    c->is_idle = pick(sim, 4) == 0;
    for (; count > 0; count--)
        sim_join(sim, &c->options, c->rate);
    for (unsigned i = 0; i < FAULTS; i++)
        sim_at(sim, SIM_S + pick(sim, (STORM - 10) * SIM_S), fault, 0);
}

/* Whatever they are in, nobody calls for an hour. */
static void idle(struct sim *sim)
{
    for (unsigned i = 0; i < sim->count; i++)
        sim_rate(sim, &sim->procs[i], 0);
    sim_run(sim, sim->now + IDLE * SIM_S);
    for (unsigned i = 0; i < sim->count; i++)
        if (sim->procs[i].is_alive)
            sim_rate(sim, &sim->procs[i], chaos_of(sim)->rate);
}

void chaos_run(struct sim *sim, uint64_t seed, uint64_t steps)
{
    struct chaos chaos = {.share = 0.02};

    sim_open(sim, seed);
    sim->steps_limit = steps;
    sim->data = &chaos;
    sim->failing = share;
    begin(sim, &chaos, seed);
    sim_run(sim, STORM * SIM_S);
    if (chaos.is_idle)
        idle(sim);
    links_well(sim, 0);
    check_agreement(sim, 0);
    sim_run(sim, sim->now + chaos.calm * SIM_S);
    if (!sim_is_cut_short(sim))
        check_end(sim);
    if (sim->count == 1 && chaos.options.min_reporters > 1 && sim->restarts == 0 &&
        sim->clock_steps == 0 && sim->trips > 0)
        sim_wrong(sim, "N9: one process alone wrote BROKEN");
    store_close(&chaos.copy);
}
