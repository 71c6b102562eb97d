/* The native circuit, said a second time. Nothing here is fast, and nothing is shared with the circuit. */
#include "model.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

static uint64_t since(uint64_t then, uint64_t now)
{
    return now < then ? 0 : now - then;
}

static bool has(double ratio)
{
    return ratio > 0;
}

/* ---- The window --------------------------------------------------------------------------------*/

static void clear_window(struct model *m, uint64_t now)
{
    const breaker_options_t *o = &m->options;

    m->window.width = o->window / o->buckets + (o->window % o->buckets != 0);
    m->window.buckets = o->buckets;
    m->window.last = o->last_calls;
    outcomes_clear(&m->window, now);
    m->row = 0;
}

static breaker_counts_t count_window(const struct model *m, uint64_t now)
{
    breaker_counts_t counts = outcomes_count(&m->window, now);

    counts.consecutive = m->row;
    return counts;
}

/* ---- What the counts say -----------------------------------------------------------------------*/

static double share(uint32_t part, const breaker_counts_t *c)
{
    uint32_t all = c->ok + c->failed;
    return all == 0 ? 0 : (double)part / all;
}

static bool trips(const struct model *m, const breaker_counts_t *c, bool failed, bool slow)
{
    const breaker_options_t *o = &m->options;
    bool is_enough = c->ok + c->failed >= o->min_calls;
    bool completes = c->ok + c->failed == o->min_calls;

    if (has(o->error_ratio) && is_enough && (failed || completes) && c->failed >= o->min_failures &&
        share(c->failed, c) >= o->error_ratio)
        return true;
    if (has(o->slow_ratio) && is_enough && (slow || completes) &&
        share(c->slow, c) >= o->slow_ratio)
        return true;
    if (failed && o->max_failures != 0 && c->failed >= o->max_failures)
        return true;
    if (failed && o->consecutive_failures != 0 && c->consecutive >= o->consecutive_failures)
        return true;
    return o->rule != NULL && o->rule(o->rule_data, c) != 0;
}

static double recovery_ratio(const breaker_options_t *o)
{
    if (has(o->recovery_ratio))
        return o->recovery_ratio;
    return has(o->error_ratio) ? o->error_ratio : 0.5;
}

/* -1: bad, 1: good, 0: not known yet. */
static int judgement(const struct model *m, uint64_t now)
{
    const breaker_options_t *o = &m->options;
    const breaker_counts_t *c = &m->probed;
    bool is_slow = has(o->slow_ratio) && c->slow > 0;

    if (o->recovery == BREAKER_SAMPLER) {
        if (c->ok + c->failed < o->recovery_min)
            return 0;
        if (share(c->failed, c) >= recovery_ratio(o) ||
            (is_slow && share(c->slow, c) >= o->slow_ratio))
            return -1;
        return since(m->since, now) >= o->recovery_time;
    }
    if (c->failed > 0 || is_slow)
        return -1;
    return c->ok >= o->success_threshold;
}

/* ---- Transitions -------------------------------------------------------------------------------*/

static breaker_counts_t counts(const struct model *m, uint64_t now)
{
    if (m->state == BREAKER_PASSING)
        return count_window(m, now);
    if (m->state == BREAKER_RECOVERING)
        return m->probed;
    return (breaker_counts_t){0, 0, 0, 0};
}

static void fresh(struct model *m, uint64_t now)
{
    m->epoch++;
    clear_window(m, now);
    m->probed = (breaker_counts_t){0, 0, 0, 0};
    m->admitted = now;
    m->out = 0;
    m->tenth = -1;
}

static bool is_streak_over(const struct model *m, uint64_t now)
{
    uint64_t held = since(m->since, now);
    return m->state == BREAKER_PASSING && held > m->options.recovery_time && held > m->broken;
}

static uint64_t broken_time(const struct model *m, double draw)
{
    const breaker_options_t *o = &m->options;
    double limit = (double)o->broken_limit, time;

    if (o->broken_limit == 0)
        limit = fmin(12.0 * (double)o->broken_time, BREAKER_TIME_MAX);
    time = fmin((double)o->broken_time * pow(o->broken_factor, m->trips - 1), limit);
    return (uint64_t)(time + time * (o->broken_jitter * draw));
}

static void go(struct model *m, struct model_answer *a, uint64_t now, double draw,
               breaker_state_t to)
{
    a->moved = true;
    a->from = m->state;
    a->to = to;
    a->evidence = counts(m, now);
    if (is_streak_over(m, now))
        m->trips = 0;
    if (to == BREAKER_PASSING || m->state == BREAKER_PASSING)
        m->tripped = (breaker_counts_t){0, 0, 0, 0};
    if (to == BREAKER_BROKEN) {
        m->trips += m->trips < 255 && m->state != BREAKER_BROKEN;
        m->broken = broken_time(m, draw);
        m->tripped = m->state != BREAKER_BROKEN ? a->evidence : m->tripped;
    }
    m->state = to;
    m->since = now;
    fresh(m, now);
}

static breaker_state_t after_broken(const struct model *m)
{
    return m->options.recovery == BREAKER_IMMEDIATE ? BREAKER_PASSING : BREAKER_RECOVERING;
}

static void judge(struct model *m, struct model_answer *a, uint64_t now, double draw)
{
    int good = judgement(m, now);

    if (good != 0)
        go(m, a, now, draw, good > 0 ? BREAKER_PASSING : BREAKER_BROKEN);
}

/* ---- Steps -------------------------------------------------------------------------------------*/

static int tenth_at(const struct model *m, uint64_t held)
{
    for (int tenth = 0; tenth < 10; tenth++)
        if (held * 10 < (uint64_t)(tenth + 1) * m->options.recovery_time)
            return tenth;
    return 10;
}

static bool is_crowded(const struct model *m)
{
    const breaker_options_t *o = &m->options;

    if (o->recovery == BREAKER_SAMPLER)
        return m->probed.ok < o->recovery_min && m->out >= o->recovery_min;
    return m->out >= o->max_trials;
}

static bool lets_a_probe(struct model *m, uint64_t now, double draw)
{
    uint64_t held = since(m->since, now);
    int tenth = tenth_at(m, held);

    if (is_crowded(m))
        return false;
    if (m->options.recovery == BREAKER_SAMPLER) {
        double chance = pow(2, (double)held / (double)m->options.recovery_time) - 1;
        if (tenth < 10 && tenth == m->tenth && draw >= chance)
            return false;
        m->tenth = tenth;
    }
    m->out++;
    m->admitted = now;
    return true;
}

static bool lets(struct model *m, struct model_answer *a, uint64_t now, double draw)
{
    if (m->state == BREAKER_BROKEN) {
        if (since(m->since, now) < m->broken)
            return false;
        go(m, a, now, draw, after_broken(m));
    } else if (m->state == BREAKER_RECOVERING) {
        if (m->out > 0 && since(m->admitted, now) >= m->options.probe_time) {
            m->out = 0;
            m->probed.failed++;
            m->epoch++;
        }
        judge(m, a, now, draw);
    }
    if (m->state == BREAKER_RECOVERING)
        return lets_a_probe(m, now, draw);
    return m->state == BREAKER_PASSING;
}

struct model_answer model_admit(struct model *m, uint64_t now, double draw)
{
    struct model_answer a = {.verdict = BREAKER_EREJECTED};
    bool is_let, is_beside = m->hold == BREAKER_HOLD_CLOSED;

    if (m->hold == BREAKER_HOLD_OPEN)
        return a;
    is_let = is_beside || lets(m, &a, now, draw);
    if (!is_let && m->hold == BREAKER_HOLD_WATCH)
        is_let = is_beside = a.watched = true;
    if (is_let) {
        a.verdict = 0;
        a.permit = (struct model_permit){m->epoch, now, is_beside};
    }
    return a;
}

static void settle_here(struct model *m, struct model_answer *a, uint64_t now, double draw,
                        breaker_outcome_t outcome)
{
    bool failed = outcome == BREAKER_FAILURE, is_result = failed || outcome == BREAKER_SUCCESS;
    bool slow = a->slow && has(m->options.slow_ratio);

    if (m->state == BREAKER_RECOVERING) {
        if (m->out > 0)
            m->out--;
        m->probed.ok += outcome == BREAKER_SUCCESS;
        m->probed.failed += failed;
        m->probed.slow += is_result && slow;
        judge(m, a, now, draw);
    } else if (m->state == BREAKER_PASSING && is_result) {
        breaker_counts_t seen;
        outcomes_add(&m->window, now, failed, slow);
        m->row = failed ? m->row + 1 : 0;
        seen = count_window(m, now);
        if (trips(m, &seen, failed, slow) && since(m->since, now) >= m->options.passing_time)
            go(m, a, now, draw, BREAKER_BROKEN);
    }
}

struct model_answer model_settle(struct model *m, uint64_t now, double draw,
                                 struct model_permit permit, breaker_outcome_t outcome, int status)
{
    struct model_answer a = {.verdict = 0};
    uint64_t slow_time = m->options.slow_time;

    a.slow = (outcome == BREAKER_SUCCESS || outcome == BREAKER_FAILURE) && slow_time > 0 &&
             since(permit.start, now) >= slow_time;
    if (!permit.is_beside && permit.epoch != m->epoch) {
        a.verdict = BREAKER_ESTALE;
        return a;
    }
    if (outcome == BREAKER_FAILURE)
        m->last_error = status;
    if (!permit.is_beside)
        settle_here(m, &a, now, draw, outcome);
    return a;
}

struct model_answer model_order(struct model *m, uint64_t now, double draw, enum turn_op order)
{
    struct model_answer a = {.verdict = 0};

    go(m, &a, now, draw,
       order == TURN_TRIP    ? BREAKER_BROKEN
       : order == TURN_RESET ? BREAKER_PASSING
                             : after_broken(m));
    if (order == TURN_RESET)
        m->trips = 0;
    return a;
}

void model_hold(struct model *m, uint64_t now, breaker_hold_t hold)
{
    if (m->hold != hold)
        fresh(m, now);
    m->hold = hold;
}

void model_retune(struct model *m, uint64_t now, const breaker_options_t *o)
{
    bool had_slow = has(m->options.slow_ratio);
    struct outcomes *w = &m->window;
    uint64_t width = w->width;
    unsigned buckets = w->buckets, last = w->last;
    struct model old;

    model_copy(&old, m);
    m->options = *o;
    clear_window(m, now);
    if (w->width == width && w->buckets == buckets && w->last == last &&
        had_slow == has(o->slow_ratio)) /* it is the same */
        model_copy(m, &old);
    m->options = *o;
}

/* ---- Looking -----------------------------------------------------------------------------------*/

static uint64_t retry_after(const struct model *m, uint64_t now)
{
    uint64_t held = since(m->since, now), wait = 0;

    if (m->hold != BREAKER_HOLD_NONE)
        return m->hold == BREAKER_HOLD_OPEN ? UINT64_MAX : 0;
    if (m->state == BREAKER_BROKEN)
        return since(held, m->broken);
    if (m->state == BREAKER_PASSING)
        return 0;
    if (is_crowded(m))
        return since(since(m->admitted, now), m->options.probe_time);
    if (m->options.recovery == BREAKER_SAMPLER && m->tenth < 10)
        while (tenth_at(m, held + wait) == m->tenth)
            wait++;
    return wait;
}

breaker_snapshot_t model_look(const struct model *m, uint64_t now)
{
    breaker_snapshot_t s;

    memset(&s, 0, sizeof s);
    s.state = m->state;
    s.hold = m->hold;
    s.epoch = m->epoch;
    s.since = m->since;
    s.counts = counts(m, now);
    s.ratio = share(s.counts.failed, &s.counts);
    s.retry_after = retry_after(m, now);
    s.last_error = m->last_error;
    s.trips = is_streak_over(m, now) ? 0 : m->trips;
    s.tripped = m->tripped;
    return s;
}

void model_copy(struct model *to, const struct model *from)
{
    memcpy(to, from,
           offsetof(struct model, window.list) + from->window.count * sizeof *from->window.list);
}

void model_begin(struct model *m, const breaker_options_t *options, uint64_t now)
{
    memset(m, 0, offsetof(struct model, window.list));
    m->options = *options;
    m->since = now;
    fresh(m, now);
}
