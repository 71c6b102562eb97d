/* What the evidence of many says: whether a process is failing by itself, whether enough of them are, and
 * what follows for the record. */
#include "judge.h"
#include "mutant.h"
#include "replica.h"
#include <string.h>

/* ---- Policies ----------------------------------------------------------------------------------*/

static uint32_t mix(uint32_t hash, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        hash = (hash ^ (uint8_t)(number >> 8 * i)) * UINT32_C(16777619);
    return hash;
}

static uint64_t bits(double number)
{
    uint64_t same;

    memcpy(&same, &number, sizeof same);
    return same;
}

uint16_t judge_policy(const struct rules *rules)
{
    const breaker_options_t *o = &rules->options;
    const uint64_t all[] = {o->window,
                            o->last_calls,
                            o->buckets,
                            bits(o->error_ratio),
                            o->min_calls,
                            o->min_failures,
                            o->max_failures,
                            o->consecutive_failures,
                            bits(o->slow_ratio),
                            o->slow_time,
                            o->broken_time,
                            bits(o->broken_factor),
                            o->broken_limit,
                            o->recovery,
                            o->recovery_time,
                            o->recovery_min,
                            bits(o->recovery_ratio),
                            o->max_trials,
                            o->success_threshold,
                            o->min_reporters,
                            o->passing_time,
                            o->probe_time,
                            o->share,
                            bits(o->broken_jitter)};
    uint32_t hash = UINT32_C(2166136261);

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        hash = mix(hash, all[i]);
    return (uint16_t)(hash ^ hash >> 16);
}

/* ---- Evidence ----------------------------------------------------------------------------------*/

struct tally_shape judge_shape(const struct fleet_world *w)
{
    return tally_shape(fleet_options(w), w->patience + fleet_options(w)->sync_interval);
}

/* Nobody else's failures are in a row with mine. */
static uint32_t consecutive(const struct native *l)
{
    breaker_counts_t trip;

    if (l->state != BREAKER_BROKEN)
        return l->consecutive;
    memcpy(&trip, l->cells, sizeof trip);
    return trip.consecutive;
}

void judge_spare(struct fleet *f, const struct fleet_world *w)
{
    if (w->left > 0)
        f->tally.reported = w->left / judge_shape(w).width + 1;
}

void judge_sum(const struct fleet *f, const struct fleet_world *w, struct tally_sums *sums)
{
    struct tally_shape shape = judge_shape(w);

    tally_sum(&f->tally, &shape, sums);
    sums->counts.consecutive = consecutive(w->local);
}

/* More than a half of those that report, and enough of them at once. */
static bool is_quorate(const struct fleet_world *w, const struct tally_sums *s)
{
    if (fleet_keeps_counts(w) || MUTANT(NO_QUORUM))
        return true;
    return s->most_bad >= (MUTANT(SOLE_REPORTER) ? 1 : fleet_options(w)->min_reporters) &&
           s->bad * 2 > s->reporters;
}

bool judge_is_trial(const struct fleet_world *w)
{
    return fleet_options(w)->recovery != BREAKER_SAMPLER;
}

static bool is_slow(const struct fleet_world *w, const breaker_counts_t *counts)
{
    return w->rules->wants_slow &&
           rules_reached(fleet_options(w)->slow_ratio, counts->slow, counts);
}

/* Is this process failing by itself? */
bool judge_is_bad(const struct fleet *f, const struct fleet_world *w)
{
    const struct tally_cell *cell = &f->tally.cell;
    const breaker_options_t *o = fleet_options(w);
    breaker_counts_t counts = {cell->ok, cell->failed, cell->slow, 0};
    bool passing = f->current.state == BREAKER_PASSING;
    double ratio = passing && o->error_ratio > 0 ? o->error_ratio : o->recovery_ratio;

    if (!passing && judge_is_trial(w))
        return f->has_failed;
    if (passing && o->last_calls > 0)
        return w->local->state == BREAKER_BROKEN;
    return rules_reached(ratio, cell->failed, &counts) || is_slow(w, &counts) ||
           w->local->state == BREAKER_BROKEN;
}

bool judge_is_suspicious(const struct fleet *f, const struct fleet_world *w)
{
    struct tally_sums sums;

    if (f->tally.cell.bad > 0)
        return true;
    judge_sum(f, w, &sums);
    return is_quorate(w, &sums);
}

/* The last calls of many processes are in no order: there each judges its own. */
static bool trips(const struct fleet_world *w, const struct tally_sums *s)
{
    return fleet_options(w)->last_calls > 0 ? s->bad > 0
                                            : rules_trip(w->rules, &s->counts, true, true);
}

static void judge_passing(struct fleet *f, const struct fleet_world *w, struct fleet_news *news)
{
    struct tally_shape shape = judge_shape(w);
    struct tally_sums s;

    judge_sum(f, w, &s);
    if (!is_quorate(w, &s) || !trips(w, &s) ||
        elapsed(f->began, w->now) < fleet_options(w)->passing_time)
        return;
    if (fleet_keeps_counts(w) || tally_is_complete(&f->tally, &shape, w->wall))
        replica_propose(f, w, BREAKER_BROKEN, &s, news);
}

static void judge_sampler(struct fleet *f, const struct fleet_world *w, struct fleet_news *news)
{
    const breaker_options_t *o = fleet_options(w);
    struct tally_sums s;
    bool bad, over = elapsed(f->began, w->now) >= o->recovery_time;

    judge_sum(f, w, &s);
    if (s.counts.ok + s.counts.failed < o->recovery_min)
        return;
    bad = rules_reached(o->recovery_ratio, s.counts.failed, &s.counts) || is_slow(w, &s.counts);
    if (bad && is_quorate(w, &s))
        replica_propose(f, w, BREAKER_BROKEN, &s, news);
    else if (!bad && over && s.counts.ok >= o->recovery_min)
        replica_propose(f, w, BREAKER_PASSING, &s, news);
}

/* One failure breaks, where one process may; otherwise a quorum of failing ones. */
static void judge_trial(struct fleet *f, const struct fleet_world *w, struct fleet_news *news)
{
    struct tally_sums s;
    bool alone = fleet_options(w)->min_reporters <= 1 || fleet_keeps_counts(w);

    judge_sum(f, w, &s);
    if (s.bad > 0 && (alone || is_quorate(w, &s)))
        replica_propose(f, w, BREAKER_BROKEN, &s, news);
    else if (s.counts.ok >= s.counts.slow + (uint64_t)fleet_options(w)->success_threshold)
        replica_propose(f, w, BREAKER_PASSING, &s, news);
}

void judge_evidence(struct fleet *f, const struct fleet_world *w, struct fleet_news *news)
{
    if (f->is_away || w->wall == 0)
        return; /* L decides */
    if (f->current.state == BREAKER_PASSING)
        judge_passing(f, w, news);
    else if (f->current.state == BREAKER_RECOVERING && judge_is_trial(w))
        judge_trial(f, w, news);
    else if (f->current.state == BREAKER_RECOVERING)
        judge_sampler(f, w, news);
}
