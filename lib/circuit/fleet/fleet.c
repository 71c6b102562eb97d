/* How the two circuits decide together: asking, results, orders. What F admits never waits for an
 * answer; what it decides, it decides on the evidence of many, and by quorum: only when enough
 * processes are failing by themselves, and more than half of those that report. */
#include "fleet.h"
#include "judge.h"
#include "lease.h"
#include "local.h"
#include "mutant.h"
#include "obey.h"
#include "replica.h"
#include <math.h>
#include <string.h>

void fleet_init(struct fleet *f, const struct fleet_world *w)
{
    memset(f, 0, sizeof *f);
    f->current.reporters = 1;
    f->began = f->ends = f->confirmed = w->now;
    f->heard = f->asked = w->now - FLEET_MAX_AGE;
    f->sync_at = w->now;
    f->cas_at = f->lease_at = UINT64_MAX;
    f->entry_at = w->now;
    f->oldest_permit = w->local->epoch;
    f->shape = judge_shape(w);
    tally_clear(&f->tally, 0, 0);
    judge_spare(f, w);
}

/* ---- Admission ---------------------------------------------------------------------------------*/

static bool is_broken_over(const struct fleet *f, const struct fleet_world *w)
{
    if (MUTANT(END_BY_CLOCK) || MUTANT(END_BY_CLAMPED_CLOCK)) {
        uint64_t held = w->wall > f->current.since ? w->wall - f->current.since : 0;
        uint64_t end = f->current.since + f->current.duration;
        return MUTANT(END_BY_CLOCK) ? w->wall >= end : held >= f->current.duration;
    }
    return (int64_t)(w->now - f->ends) >= 0;
}

/* Results that are missing for too long are one failure; what comes for them later is late. */
static void write_off(struct fleet *f, const struct fleet_world *w)
{
    struct tally_shape shape = judge_shape(w);

    if (f->probes == 0 || elapsed(f->admitted_at, w->now) < fleet_options(w)->probe_time)
        return;
    f->probes = 0;
    f->oldest_permit = ++w->local->epoch;
    f->has_failed = true;
    lease_write_off(f);
    tally_roll(&f->tally, &shape, 0);
    tally_count(&f->tally, &shape, true, false);
    tally_mark(&f->tally, judge_is_bad(f, w));
    if (fleet_keeps_counts(w))
        tally_keep(&f->tally, &shape);
    else
        fleet_sync_by(f, w->now);
}

/* Until enough successes were seen, few probes are out, however long nobody asked. */
static bool is_unproven(const struct fleet *f, const struct fleet_world *w)
{
    struct tally_sums s;

    judge_sum(f, w, &s);
    return s.counts.ok < fleet_options(w)->recovery_min;
}

/* The first call of each tenth has a chance of one in as many as there are processes, so that the fleet
 * gets one. */
static bool sampler_admits(struct fleet *f, const struct fleet_world *w, double draw)
{
    uint64_t time = fleet_options(w)->recovery_time, held = elapsed(f->began, w->now), tenth;

    if (MUTANT(RAMP_BY_CLOCK))
        held = w->wall > f->current.since ? w->wall - f->current.since : 0;
    if (f->probes >= fleet_options(w)->recovery_min && is_unproven(f, w) && !MUTANT(NO_CAP))
        return false;
    if (held >= time || draw + 1 < exp2((double)held / (double)time))
        return true;
    tenth = FLEET_TENTHS * held / time;
    if (tenth == f->tenth)
        return false;
    f->tenth = (uint8_t)tenth;
    return MUTANT(FLOOR_OF_EACH) || fleet_draw(w) * f->current.reporters < 1;
}

static bool recovering_admits(struct fleet *f, const struct fleet_world *w, double draw)
{
    if (judge_is_trial(w) ? !lease_take(f, w) : !sampler_admits(f, w, draw))
        return false;
    f->probes++;
    f->admitted_at = w->now;
    return true;
}

static bool admits(struct fleet *f, const struct fleet_world *w, double draw,
                   struct fleet_news *news)
{
    bool is_immediate = fleet_options(w)->recovery == BREAKER_IMMEDIATE;
    struct tally_sums none = {.reporters = 0};

    if (f->is_away)
        return fleet_options(w)->on_outage == BREAKER_OUTAGE_LOCAL;
    if (f->current.state == BREAKER_BROKEN && is_broken_over(f, w))
        replica_propose(f, w, is_immediate ? BREAKER_PASSING : BREAKER_RECOVERING, &none, news);
    if (f->current.state == BREAKER_RECOVERING) {
        write_off(f, w);
        judge_evidence(f, w, news);
    }
    if (f->current.state == BREAKER_RECOVERING)
        return recovering_admits(f, w, draw);
    return f->current.state == BREAKER_PASSING;
}

/* Whoever asks wants to know what is new; an admitted call's own result will bring that soon. */
static void refresh(struct fleet *f, const struct fleet_world *w, bool refused)
{
    if (elapsed(f->heard, w->now) <= FLEET_MAX_AGE || elapsed(f->asked, w->now) < FLEET_MAX_AGE ||
        MUTANT(NEVER_READ))
        return;
    fleet_sync_by(f, refused ? w->now : w->now + FLEET_MAX_AGE);
}

/* L has admitted, and F does not. */
static void refuse(const struct fleet_world *w, struct turn *turn)
{
    struct turn back = *turn;

    if (w->local->state == BREAKER_RECOVERING) {
        back.op = TURN_SETTLE;
        back.outcome = BREAKER_CANCELLED;
        native_step(w->local, w->rules, &back);
    }
    turn->watched = w->local->hold == BREAKER_HOLD_WATCH;
    turn->verdict = turn->watched ? 0 : BREAKER_EREJECTED;
    turn->permit =
        (breaker_permit_t){turn->watched ? NATIVE_UNCOUNTED : 0, turn->watched ? turn->now : 0};
}

static void admit(struct fleet *f, const struct fleet_world *w, struct turn *turn,
                  struct fleet_news *news)
{
    native_step(w->local, w->rules, turn);
    if (turn->verdict == 0 && turn->permit.epoch != NATIVE_UNCOUNTED) {
        if (admits(f, w, turn->draw, news))
            turn->permit.epoch = w->local->epoch; /* F may have begun a new one */
        else
            refuse(w, turn);
    }
    refresh(f, w, turn->verdict != 0);
}

/* ---- Results -----------------------------------------------------------------------------------*/

/* Successes may wait, so that more of them go together; a failure is news. */
static void sync_soon(struct fleet *f, const struct fleet_world *w, bool failed)
{
    uint64_t interval = fleet_options(w)->sync_interval;
    uint64_t next = elapsed(f->asked, w->now) >= interval ? w->now : f->asked + interval;

    fleet_sync_by(f, failed ? next : w->now + interval);
}

static bool is_too_slow(const struct fleet_world *w, const struct turn *turn)
{
    return w->rules->wants_slow && turn->slow;
}

static void count(struct fleet *f, const struct fleet_world *w, const struct turn *turn,
                  struct fleet_news *news)
{
    bool failed = turn->outcome == BREAKER_FAILURE, slow = is_too_slow(w, turn), passing;
    struct tally_shape shape = judge_shape(w);

    if (w->wall == 0 || f->current.state == BREAKER_BROKEN)
        return;
    passing = f->current.state == BREAKER_PASSING || MUTANT(WINDOWED_RECOVERY);
    tally_roll(&f->tally, &shape, passing ? w->wall / shape.width : 0);
    tally_count(&f->tally, &shape, failed, slow);
    f->has_failed = failed || slow;
    tally_mark(&f->tally, judge_is_bad(f, w));
    if (fleet_keeps_counts(w))
        tally_keep(&f->tally, &shape);
    else
        sync_soon(f, w, failed);
    if (failed || slow || !passing)
        judge_evidence(f, w, news);
}

static void settle(struct fleet *f, const struct fleet_world *w, struct turn *turn,
                   struct fleet_news *news)
{
    uint64_t epoch = turn->permit.epoch;
    bool failed;

    native_step(w->local, w->rules, turn);
    if (epoch == NATIVE_UNCOUNTED || (epoch < f->oldest_permit && !MUTANT(COUNT_LATE)))
        return;
    failed = turn->outcome == BREAKER_FAILURE || is_too_slow(w, turn);
    turn->verdict = 0; /* where only L has moved on */
    if (f->current.state == BREAKER_RECOVERING &&
        turn->permit.start >= f->back) { /* F's, not L's alone */
        f->probes -= f->probes > 0;
        lease_return(f, w, turn->outcome == BREAKER_SUCCESS && !failed);
    }
    if (turn->outcome > BREAKER_FAILURE)
        return;
    count(f, w, turn, news);
    if (failed && f->current.state == BREAKER_RECOVERING && judge_is_trial(w))
        local_break(f, w); /* the next trial is another process's */
}

/* ---- The usual case ----------------------------------------------------------------------------*/

/* As long as the answer is fresh; in PASSING, while my results go into a batch whose SYNC is due already,
 * and which one more success cannot turn. */
static uint64_t plain_until(const struct fleet *f, const struct fleet_world *w)
{
    uint64_t fresh = fleet_max(f->heard + FLEET_MAX_AGE + 1, f->asked + FLEET_MAX_AGE);
    uint64_t soon = fleet_max(w->now + fleet_options(w)->sync_interval, f->not_before);
    struct tally_shape shape = judge_shape(w);

    if (f->is_away || w->wall == 0)
        return 0;
    if (f->current.state == BREAKER_BROKEN)
        return fleet_min(fresh, f->ends);
    if (f->current.state != BREAKER_PASSING || fleet_keeps_counts(w) || f->sync_at > soon ||
        f->tally.cell.bad != 0 || !tally_is_open(&f->tally))
        return 0;
    return fleet_min(fresh, w->now + ((f->tally.mine + 1) * shape.width - w->wall));
}

/* ---- Turns -------------------------------------------------------------------------------------*/

static breaker_state_t worse(uint8_t a, uint8_t b)
{
    if (a == BREAKER_BROKEN || b == BREAKER_BROKEN)
        return BREAKER_BROKEN;
    return a > b ? (breaker_state_t)a : (breaker_state_t)b;
}

breaker_state_t fleet_state(const struct fleet *f, const struct native *local)
{
    return f->is_away ? (breaker_state_t)local->state : worse(f->current.state, local->state);
}

void fleet_step(struct fleet *f, const struct fleet_world *w, struct turn *turn,
                struct fleet_news *news)
{
    breaker_state_t from = fleet_state(f, w->local), to;
    bool is_order = false;

    turn->moved = turn->slow = turn->watched = false;
    if (turn->op == TURN_ADMIT)
        admit(f, w, turn, news);
    else if (turn->op == TURN_SETTLE)
        settle(f, w, turn, news);
    else {
        obey_order(f, w, turn, news);
        is_order = turn->op != TURN_HOLD;
    }
    f->is_used = true;
    f->plain_until = plain_until(f, w);
    to = fleet_state(f, w->local);
    if (news->entered)
        turn->evidence = news->evidence;
    turn->moved = from != to || is_order;
    turn->from = (uint8_t)from;
    turn->to = (uint8_t)to;
}

void fleet_disown(struct fleet *f, const struct fleet_world *w, struct fleet_news *news)
{
    obey_forget(f);
    replica_drop(f, w, news);
    f->cas = FLEET_CAS_NONE;
    f->probes = 0;
    f->plain_until = 0;
    memset(f->leases, 0, sizeof f->leases);
    memset(&f->tally.cell, 0, sizeof f->tally.cell);
    memset(f->tally.unsent, 0, sizeof f->tally.unsent);
    memset(f->tally.sent, 0, sizeof f->tally.sent);
    f->tally.reported = 0;
    fleet_sync_by(f, w->now);
}

uint64_t fleet_due(const struct fleet *f)
{
    uint64_t due = UINT64_MAX;

    if (!f->sync_is_out && f->sync_at < due)
        due = f->sync_at;
    if (f->wants_read || f->wants_entry)
        due = 0;
    if (f->cas != FLEET_CAS_NONE && !f->cas_is_out && f->cas_at < due)
        due = f->cas_at;
    if (!f->lease_is_out && f->lease_at < due)
        due = f->lease_at;
    return due;
}

void fleet_retune(struct fleet *f, const struct fleet_world *w)
{
    struct tally_shape shape = judge_shape(w), before = f->shape;

    f->plain_until = 0;
    f->is_differing = false;
    f->shape = shape;
    if (f->current.state != BREAKER_PASSING)
        return;
    if (shape.width != before.width) /* other keys, where nothing of mine is */
        tally_clear(&f->tally, 0, w->wall / shape.width);
    else if (shape.count != before.count)
        tally_reshape(&f->tally);
}

bool fleet_is_sound(const struct fleet *f, const struct fleet_world *w)
{
    return f->current.state <= BREAKER_RECOVERING && f->current.hold <= BREAKER_HOLD_WATCH &&
           f->current.reporters > 0 && f->oldest_permit <= w->local->epoch &&
           (f->cas != FLEET_CAS_PROPOSE || record_compare(&f->current, &f->base) > 0);
}
