/* What befalls real panels: a minute of faults, perhaps an hour in which nobody calls, and a calm, after
 * which everybody must be PASSING. Recovery is by sample or by trials, traffic usual or low. */
#include "panels_chaos.h"
#include <string.h>

enum { STORM = 60, CALM = 90, LONG_CALM = 600, IDLE = 3600, FAULTS = 14 }; /* s */

static struct store copy;
static double share; /* of calls that fail */

static uint64_t pick(struct panels *p, uint64_t count)
{
    return (uint64_t)(panels_draw(p) * (double)count);
}

static struct member *anyone(struct panels *p)
{
    return &p->members[pick(p, p->count)];
}

/* ---- The dependency ----------------------------------------------------------------------------*/

static double failing(struct panels *p, const struct member *m)
{
    (void)m;
    return p->now < STORM * PANELS_S ? share : 0;
}

static void weather(struct panels *p)
{
    double draw = panels_draw(p);

    share = draw < 0.5 ? 0.02 : draw < 0.8 ? 1 : 0.6;
    if (p->now < STORM * PANELS_S)
        panels_at(p, p->now + PANELS_S + pick(p, 15 * PANELS_S), weather);
}

/* ---- Faults ------------------------------------------------------------------------------------*/

static void links_well(struct panels *p)
{
    p->lose_request = p->lose_reply = p->lose_bell = p->double_bell = p->fails_at_once = 0;
    p->refuses = 0;
    p->latency = 0;
    for (unsigned i = 0; i < p->count; i++)
        panels_cut(p, &p->members[i], false);
}

static void lose(struct panels *p)
{
    p->lose_request = p->lose_bell = 0.4;
}

static void lose_replies(struct panels *p)
{
    p->lose_reply = 0.4;
    p->double_bell = 0.5;
}

static void part(struct panels *p)
{
    for (unsigned i = 0; i < p->count; i += 2)
        panels_cut(p, &p->members[i], true);
}

static void go_down(struct panels *p)
{
    for (unsigned i = 0; i < p->count; i++)
        panels_cut(p, &p->members[i], true);
}

static void flush(struct panels *p)
{
    store_clear(&p->store);
}

static void restart_empty(struct panels *p)
{
    go_down(p);
    store_clear(&p->store);
}

static void restore(struct panels *p)
{
    store_copy(&p->store, &copy);
}

static void fail_over(struct panels *p)
{
    store_copy(&copy, &p->store);
    panels_at(p, p->now + pick(p, 3 * PANELS_S), restore);
}

static void step_clock(struct panels *p)
{
    static const int64_t steps[] = {5000, -5000, 60000, -60000, 3600000, -3600000};

    p->store.step += steps[pick(p, 6)];
}

static void stall(struct panels *p)
{
    panels_stall(p, anyone(p), 3 * PANELS_S);
}

static void fail_at_once(struct panels *p)
{
    p->fails_at_once = 0.5;
}

static void fill(struct panels *p)
{
    static const unsigned kinds[] = {~(1U << BREAKER_GET), 1U << BREAKER_SET, 1U << BREAKER_ADD,
                                     1U << BREAKER_INCR};

    p->refuses = kinds[pick(p, 4)];
}

static void slow_down(struct panels *p)
{
    p->latency = pick(p, 300000);
}

static void order(struct panels *p)
{
    breaker_t *b = anyone(p)->breaker;
    uint64_t which = pick(p, 6);

    if (which == 0)
        breaker_trip(b, NULL, NULL);
    else if (which == 1)
        breaker_recover(b, NULL, NULL);
    else if (which == 2)
        breaker_reset(b, NULL, NULL);
    else
        breaker_hold(b, (breaker_hold_t)(which - 2), NULL, NULL);
}

/* To a policy with other numbers, and back. */
static void exchange(struct panels *p)
{
    breaker_t *b = anyone(p)->breaker;

    breaker_set_policy(b, breaker_policy(b) == p->policy ? p->other : p->policy);
}

/* With whatever it holds: a lease, a record that is not written yet. */
static void crash(struct panels *p)
{
    struct member *m = anyone(p);
    double rate = m->rate;

    if (!m->is_alive)
        return;
    panels_leave(p, m);
    panels_join(p, rate);
}

static void fault(struct panels *p)
{
    static void (*const faults[])(struct panels *) = {
        lose,  lose_replies, part,  go_down,      flush, restart_empty, fail_over, step_clock,
        stall, crash,        order, fail_at_once, fill,  slow_down,     order,     exchange};

    faults[pick(p, sizeof faults / sizeof *faults)](p);
    panels_at(p, p->now + PANELS_S + pick(p, 5 * PANELS_S), links_well);
}

/* ---- A seed ------------------------------------------------------------------------------------*/

void panels_options(breaker_options_t *o)
{
    breaker_options_init(o);
    o->min_calls = 10;
    o->broken_limit = 60000;
    o->recovery_min = 5;
}

static void draw_options(uint64_t seed, breaker_options_t *o)
{
    panels_options(o);
    if (seed % 8 == 6)
        o->last_calls = 20;
    if (seed % 5 == 1)
        o->on_outage = BREAKER_OUTAGE_REFUSE;
    if (seed % 7 == 2)
        o->share = BREAKER_SHARE_STATE;
    if (seed % 3 == 0)
        o->min_reporters = 1;
    if (seed % 11 == 5)
        o->recovery = BREAKER_IMMEDIATE;
    if (seed % 4 != 0)
        return;
    o->recovery = BREAKER_TRIAL;
    o->max_trials = 1 + (unsigned)(seed / 4 % 3);
    o->success_threshold = 1 + (unsigned)(seed / 12 % 3);
    o->probe_time = 5000;
}

static double draw_rate(struct panels *p, unsigned count)
{
    double rate = 2 + (double)pick(p, 8);

    if (count > 12)
        return rate / 10;
    return pick(p, 8) == 0 ? rate / 20 : rate;
}

static void rates(struct panels *p, double rate)
{
    for (unsigned i = 0; i < p->count; i++)
        panels_rate(p, &p->members[i], rate);
}

static void idle(struct panels *p, double rate)
{
    rates(p, 0);
    panels_run(p, p->now + IDLE * PANELS_S);
    rates(p, rate);
}

/* What chance has laid over the circuit. */
static void let_go(struct panels *p)
{
    for (unsigned i = 0; i < p->count; i++)
        if (p->members[i].is_alive) {
            breaker_hold(p->members[i].breaker, BREAKER_HOLD_NONE, NULL, NULL);
            return;
        }
}

static void check_end(struct panels *p)
{
    if (!panels_all(p, BREAKER_PASSING))
        panels_wrong(p, "N5: not everybody is PASSING after all is well");
    if (p->taught > (uint64_t)p->store.losses * p->count)
        panels_wrong(p, "N6: more was taught than was lost");
}

void panels_chaos(struct panels *p, uint64_t seed)
{
    static const unsigned counts[] = {2, 2, 3, 5, 8, 12, 2, 3, 5, 8, 12, PANELS_MAX};
    breaker_options_t options;
    unsigned count;
    double rate;

    draw_options(seed, &options);
    memset(&copy, 0, sizeof copy);
    panels_open(p, seed, &options);
    p->failing = failing;
    count = counts[pick(p, sizeof counts / sizeof *counts)];
    if (count == PANELS_MAX)
        count = 13 + (unsigned)pick(p, PANELS_MAX - 12);
    rate = draw_rate(p, count);
    for (unsigned i = 0; i < count; i++)
        panels_join(p, rate);
    weather(p);
    for (unsigned i = 0; i < FAULTS; i++)
        panels_at(p, PANELS_S + pick(p, (STORM - 8) * PANELS_S), fault);
    panels_run(p, STORM * PANELS_S);
    if (pick(p, 4) == 0)
        idle(p, rate);
    links_well(p);
    panels_run(p, p->now + 5 * PANELS_S);
    let_go(p);
    panels_run(p, p->now + (count * rate < 5 || rate < 0.3 ? LONG_CALM : CALM) * PANELS_S);
    check_end(p);
    p->digest ^= p->calls << 32 ^ p->refused;
    panels_close(p);
    store_close(&copy);
}
