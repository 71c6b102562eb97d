/* The sampler and the trial. The sampler's ramp, 2^(t/T) - 1, is aiomisc's; that time alone is no
 * evidence, that few probes are out while nothing is proven, and that low traffic gets one sure call in
 * each tenth of T, is ours. The trial is pybreaker's half-open, with a limit. */
#include "recovery.h"
#include <math.h>
#include <string.h>

enum { TENTHS = 10, NO_TENTH = 255 };

void recovery_begin(struct native *c, uint64_t now)
{
    memset(&c->recovery, 0, sizeof c->recovery);
    c->recovery.admitted_at = now;
    c->tenth = NO_TENTH;
}

/* ---- Admission ---------------------------------------------------------------------------------*/

/* How many probes may be out at once. */
static uint32_t places(const struct native *c, const struct rules *rules)
{
    const breaker_options_t *o = &rules->options;

    if (o->recovery != BREAKER_SAMPLER)
        return o->max_trials;
    return c->recovery.ok < o->recovery_min ? o->recovery_min : UINT32_MAX;
}

/* Which tenth of recovery_time this is; after the last one everything is admitted anyway. */
static unsigned tenth_of(const struct native *c, const struct rules *rules, uint64_t now)
{
    uint64_t tenth = TENTHS * elapsed(c->since, now) / rules->options.recovery_time;
    return tenth < TENTHS ? (unsigned)tenth : TENTHS;
}

static bool sampler_admits(struct native *c, const struct rules *rules, uint64_t now, double draw)
{
    unsigned tenth = tenth_of(c, rules, now);
    double t = (double)elapsed(c->since, now) / (double)rules->options.recovery_time;
    bool first = tenth != c->tenth;

    if (tenth < TENTHS && !first && !(draw + 1 < exp2(t)))
        return false;
    c->tenth = (uint8_t)tenth;
    return true;
}

bool recovery_admits(struct native *c, const struct rules *rules, uint64_t now, double draw)
{
    if (c->recovery.probes >= places(c, rules))
        return false;
    if (rules->options.recovery == BREAKER_SAMPLER && !sampler_admits(c, rules, now, draw))
        return false;
    c->recovery.probes++;
    c->recovery.admitted_at = now;
    return true;
}

/* ---- Evidence ----------------------------------------------------------------------------------*/

void recovery_count(struct native *c, uint8_t outcome, bool slow)
{
    struct recovery *r = &c->recovery;

    r->probes -= r->probes > 0;
    if (outcome > BREAKER_FAILURE || r->ok + r->failed >= WINDOW_FULL)
        return;
    r->ok += outcome == BREAKER_SUCCESS;
    r->failed += outcome == BREAKER_FAILURE;
    r->slow += slow;
}

static bool is_overdue(const struct native *c, const struct rules *rules, uint64_t now)
{
    return c->recovery.probes > 0 &&
           elapsed(c->recovery.admitted_at, now) >= rules->options.probe_time;
}

void recovery_write_off(struct native *c, const struct rules *rules, uint64_t now)
{
    if (!is_overdue(c, rules, now))
        return;
    c->recovery.probes = 0;
    c->recovery.failed += c->recovery.ok + c->recovery.failed < WINDOW_FULL;
    c->epoch++;
}

static bool is_too_slow(const struct rules *rules, const breaker_counts_t *counts)
{
    return rules->wants_slow && rules_reached(rules->options.slow_ratio, counts->slow, counts);
}

static enum recovery_verdict sampler_verdict(const struct native *c, const struct rules *rules,
                                             uint64_t now)
{
    const breaker_options_t *o = &rules->options;
    breaker_counts_t counts = {c->recovery.ok, c->recovery.failed, c->recovery.slow, 0};

    if (counts.ok + counts.failed < o->recovery_min)
        return RECOVERY_OPEN;
    if (rules_reached(o->recovery_ratio, counts.failed, &counts) || is_too_slow(rules, &counts))
        return RECOVERY_BAD;
    return elapsed(c->since, now) >= o->recovery_time ? RECOVERY_GOOD : RECOVERY_OPEN;
}

static enum recovery_verdict trial_verdict(const struct native *c, const struct rules *rules)
{
    const struct recovery *r = &c->recovery;

    if (r->failed > 0 || (rules->wants_slow && r->slow > 0))
        return RECOVERY_BAD;
    return r->ok >= rules->options.success_threshold ? RECOVERY_GOOD : RECOVERY_OPEN;
}

enum recovery_verdict recovery_verdict(const struct native *c, const struct rules *rules,
                                       uint64_t now)
{
    return rules->options.recovery == BREAKER_SAMPLER ? sampler_verdict(c, rules, now)
                                                      : trial_verdict(c, rules);
}

/* ---- Inspection --------------------------------------------------------------------------------*/

uint64_t recovery_retry_after(const struct native *c, const struct rules *rules, uint64_t now)
{
    const struct recovery *r = &c->recovery;
    uint64_t time = rules->options.recovery_time, held = elapsed(c->since, now), next;
    unsigned tenth = tenth_of(c, rules, now);

    if (r->probes >= places(c, rules)) { /* sure only when they are written off */
        held = elapsed(r->admitted_at, now);
        time = rules->options.probe_time;
        return held < time ? time - held : 0;
    }
    if (rules->options.recovery != BREAKER_SAMPLER || tenth != c->tenth || tenth == TENTHS)
        return 0;
    next = ((tenth + 1) * time + TENTHS - 1) / TENTHS;
    return next > held ? next - held : 0;
}

bool recovery_is_sound(const struct native *c, const struct rules *rules)
{
    const struct recovery *r = &c->recovery;

    return rules->options.recovery <= BREAKER_IMMEDIATE && r->slow <= r->ok + r->failed &&
           r->ok + r->failed <= WINDOW_FULL && c->consecutive == 0;
}
