/* What is seen of both circuits from outside: when to come again, and what a snapshot shows. */
#include "draft.h"
#include "fleet.h"
#include "judge.h"
#include "lease.h"

static uint64_t recovering_retry_after(const struct fleet *f, const struct fleet_world *w)
{
    uint64_t time = fleet_options(w)->recovery_time, held = elapsed(f->began, w->now);
    uint64_t tenth = FLEET_TENTHS * held / time;

    if (judge_is_trial(w))
        return lease_retry_after(f, w);
    if (held >= time || tenth != f->tenth)
        return 0;
    return ((tenth + 1) * time + FLEET_TENTHS - 1) / FLEET_TENTHS - held;
}

/* While the storage is away, or will not write. */
static uint64_t away_retry_after(const struct fleet *f, const struct fleet_world *w)
{
    uint64_t until = fleet_max(f->not_before, f->refused_until);

    return fleet_max(elapsed(w->now, until), 1);
}

uint64_t fleet_retry_after(const struct fleet *f, const struct fleet_world *w)
{
    uint64_t local = native_retry_after(w->local, w->rules, w->now), ours = 0;

    if (w->local->hold != BREAKER_HOLD_NONE)
        return local;
    if (f->is_away && fleet_options(w)->on_outage == BREAKER_OUTAGE_REFUSE)
        return fleet_max(local, away_retry_after(f, w));
    if (f->is_away)
        return local;
    if (f->current.state == BREAKER_BROKEN)
        ours = elapsed(w->now, f->ends);
    else if (f->current.state == BREAKER_RECOVERING)
        ours = recovering_retry_after(f, w);
    return ours > local ? ours : local;
}

/* As of now: what is too old is left out. */
static void sum_now(const struct fleet *f, const struct fleet_world *w, struct tally_sums *sums)
{
    struct tally_shape shape = judge_shape(w);
    struct tally now = f->tally;

    if (f->current.state == BREAKER_PASSING && w->wall > 0)
        tally_roll(&now, &shape, w->wall / shape.width);
    tally_sum(&now, &shape, sums);
}

void fleet_inspect(const struct fleet *f, const struct fleet_world *w, breaker_snapshot_t *s)
{
    struct tally_sums sums;
    double all;

    native_inspect(w->local, w->rules, w->now, s);
    s->retry_after = fleet_retry_after(f, w);
    s->state = fleet_state(f, w->local);
    if (f->is_away)
        return;
    sum_now(f, w, &sums);
    sums.counts.consecutive = s->counts.consecutive;
    s->counts = sums.counts;
    all = (double)s->counts.ok + s->counts.failed;
    s->ratio = all > 0 ? s->counts.failed / all : 0;
    if (f->current.state == s->state)
        s->since = f->began <= w->now ? f->began : 0;
    else if (f->current.state == BREAKER_PASSING) /* L is broken alone */
        return;
    s->trips = draft_trips(f, w);
    if (f->current.state != BREAKER_PASSING)
        s->tripped = (breaker_counts_t){f->current.ok, f->current.failed, f->current.slow, 0};
}
