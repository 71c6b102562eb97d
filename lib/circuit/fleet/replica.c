/* Which record is in force, and when one may be written: the order of records, adoption, authority,
 * teaching. Dates of the storage's clock become times of the loop's clock here, once, as a record comes
 * into force, and within the policy's bounds; so no step of any clock holds a circuit broken.
 *
 * With a PROPOSE, current is tentative: it has no authority, and dies when anything newer than its base
 * is seen to stand. Otherwise current is what was committed last, as far as this process knows. */
#include "replica.h"
#include "draft.h"
#include "judge.h"
#include "local.h"
#include "mutant.h"
#include "obey.h"
#include <string.h>

static bool is_tentative(const struct fleet *f)
{
    return f->cas == FLEET_CAS_PROPOSE;
}

static const struct record *committed(const struct fleet *f)
{
    return is_tentative(f) ? &f->base : &f->current;
}

/* ---- Coming into force -------------------------------------------------------------------------*/

static uint64_t broken_bound(const struct fleet_world *w)
{
    const breaker_options_t *o = fleet_options(w);
    return (uint64_t)((double)o->broken_limit * (1 + o->broken_jitter));
}

/* How long a record has been in force already, by the storage's clock; bounded, because that may have
 * stepped since. */
static uint64_t age(const struct fleet_world *w, const struct record *r, uint64_t bound)
{
    return fleet_min(w->wall > r->since ? w->wall - r->since : 0, bound);
}

static void date(struct fleet *f, const struct fleet_world *w, const struct record *r)
{
    uint64_t duration = fleet_min(r->duration, broken_bound(w));
    uint64_t bound = r->state == BREAKER_BROKEN       ? duration
                     : r->state == BREAKER_RECOVERING ? r->recovery_time
                     : r->epoch > 0                   ? BREAKER_TIME_MAX
                                                      : 0;

    f->began = w->now - age(w, r, bound);
    f->ends = f->began + duration;
}

static void clear_tally(struct fleet *f, const struct fleet_world *w)
{
    struct tally_shape shape = judge_shape(w);
    uint64_t bucket = w->wall / shape.width,
             first = fleet_min(f->current.since / shape.width, bucket);

    if (f->current.state != BREAKER_PASSING) {
        tally_clear(&f->tally, 0, 0);
        return;
    }
    tally_clear(&f->tally, first > 0 ? first - 1 : 0, bucket);
    judge_spare(f, w);
}

/* Nothing but the hold is new in it. */
static bool is_same_term(const struct record *r, const struct record *before)
{
    return r->hold != before->hold && r->state == before->state && r->trips == before->trips &&
           r->duration == before->duration && (r->since == before->since || before->epoch == 0);
}

/* The only place that makes dates. */
static void enter(struct fleet *f, const struct fleet_world *w, const struct record *r,
                  struct fleet_news *news)
{
    if (is_same_term(r, &f->current))
        local_hold(w, obey_hold(f, r->hold));
    else
        local_refresh(w, obey_hold(f, r->hold));
    date(f, w, r);
    f->current = *r;
    f->entries++;
    f->probes = 0;
    f->has_failed = false;
    f->admitted_at = w->now;
    f->tenth = UINT8_MAX;
    f->lapses = 0;
    f->lease_at = UINT64_MAX;
    memset(f->leases, 0, sizeof f->leases);
    clear_tally(f, w);
    f->oldest_permit = w->local->epoch;
    if (f->is_away) {
        struct local_term term = local_term_of(f);
        local_take_over(w, &term);
    }
    news->entered = true;
    news->elsewhere = r->writer != w->self;
    if (r->state != BREAKER_RECOVERING)
        news->evidence = (breaker_counts_t){r->ok, r->failed, r->slow, 0};
    if (news->elsewhere && r->error != 0)
        w->local->last_error = r->error;
}

void replica_drop(struct fleet *f, const struct fleet_world *w, struct fleet_news *news)
{
    struct record base = f->base;

    if (!is_tentative(f))
        return;
    f->cas = FLEET_CAS_NONE;
    f->order.is_offered = false;
    enter(f, w, &base, news);
}

void replica_part(struct fleet *f, const struct fleet_world *w, struct fleet_news *news)
{
    struct local_term term = local_term_of(f);

    if (!MUTANT(TEACH_TENTATIVE))
        replica_drop(f, w, news);
    f->is_away = true;
    local_take_over(w, &term);
}

/* ---- Seeing ------------------------------------------------------------------------------------*/

/* May what was committed be taught to a storage that has lost it? After recent contact, or while its
 * term is not over; a hold has no term. A sleeper's old record has none. */
static bool has_authority(const struct fleet *f, const struct fleet_world *w)
{
    uint64_t time = f->current.recovery_time;

    if (MUTANT(TEACH_BY_EPOCH) || w->now - f->confirmed < FLEET_CONTACT)
        return true;
    if (is_tentative(f))
        return false;
    return f->current.hold != BREAKER_HOLD_NONE ||
           (f->current.state == BREAKER_BROKEN && w->now < f->ends) ||
           (f->current.state == BREAKER_RECOVERING && elapsed(f->began, w->now) < time);
}

/* The storage has it. */
static void commit(struct fleet *f, const struct fleet_world *w, struct fleet_news *news)
{
    if (is_tentative(f))
        f->cas = FLEET_CAS_NONE;
    f->confirmed = w->now;
    obey_committed(f, news);
}

static void adopt(struct fleet *f, const struct fleet_world *w, const struct record *r,
                  struct fleet_news *news)
{
    f->cas = FLEET_CAS_NONE;
    obey_lost(f, news);
    obey_other_hold(f, w, r, news);
    enter(f, w, r, news);
}

/* Adopts less than was committed, because there is no authority to teach it; what was not PASSING goes
 * on in L, and nobody is told. */
static void give_in(struct fleet *f, const struct fleet_world *w, const struct record *r,
                    struct fleet_news *news)
{
    struct local_term before = local_term_of(f);

    adopt(f, w, r, news);
    if (before.state != BREAKER_PASSING && r->state == BREAKER_PASSING &&
        !MUTANT(ABSENT_IS_PASSING))
        local_carry_on(w, &before);
    f->oldest_permit = w->local->epoch;
}

static void teach(struct fleet *f, const struct fleet_world *w, const struct record *standing)
{
    if (f->cas != FLEET_CAS_NONE || f->cas_is_out)
        return;
    f->base = *standing;
    f->cas = FLEET_CAS_TEACH;
    f->cas_at = w->now;
}

static void compare_policies(struct fleet *f, const struct fleet_world *w, const struct record *r,
                             struct fleet_news *news)
{
    if (r->epoch == 0 || r->writer == w->self || r->policy == judge_policy(w->rules) ||
        f->is_differing)
        return;
    f->is_differing = true;
    news->differs = true;
}

void replica_see(struct fleet *f, const struct fleet_world *w, const struct record *r,
                 enum replica_sight sight, struct fleet_news *news)
{
    const struct record *known = committed(f);
    int order = record_compare(r, known);
    bool is_mine = record_same(r, &f->current), is_known = record_same(r, known);

    compare_policies(f, w, r, news);
    if (order > 0 || (sight == REPLICA_STANDING && (is_mine || is_known || MUTANT(ANY_CONTACT))))
        f->confirmed = w->now;
    if (is_mine && (is_tentative(f) || sight == REPLICA_STANDING))
        commit(f, w, news);
    else if (order > 0)
        adopt(f, w, r, news);
    else if (order == 0 || sight == REPLICA_PASSED)
        return; /* a tentative one goes on while it is being written */
    else if (MUTANT(ADOPT_ANYTHING))
        adopt(f, w, r, news);
    else if (!has_authority(f, w))
        give_in(f, w, r, news);
    else if (sight == REPLICA_STANDING)
        teach(f, w, r);
}

/* ---- Writing -----------------------------------------------------------------------------------*/

static bool may_write(const struct fleet *f, const struct fleet_world *w)
{
    return !f->cas_is_out && w->wall > 0;
}

/* In force here at once, and to be written over what was. */
static void offer(struct fleet *f, const struct fleet_world *w, struct record *r,
                  struct fleet_news *news)
{
    if (!is_tentative(f))
        f->base = f->current;
    f->cas = FLEET_CAS_PROPOSE;
    f->cas_at = w->now;
    enter(f, w, r, news);
}

bool replica_propose(struct fleet *f, const struct fleet_world *w, breaker_state_t to,
                     const struct tally_sums *why, struct fleet_news *news)
{
    struct record r;

    if (f->cas == FLEET_CAS_TEACH || !may_write(f, w))
        return false;
    if (is_tentative(f))
        obey_outdone(f, news);
    r = draft_transition(f, w, to, why);
    offer(f, w, &r, news);
    return true;
}

bool replica_order(struct fleet *f, const struct fleet_world *w, uint8_t op,
                   const struct fleet_order *order, struct fleet_news *news)
{
    struct record r;

    if (f->cas == FLEET_CAS_TEACH || !may_write(f, w))
        return false;
    r = draft_order(f, w, op, order->duration);
    offer(f, w, &r, news);
    return true;
}

static void won(struct fleet *f, const struct fleet_world *w, const struct record *r,
                struct fleet_news *news)
{
    if (f->cas == FLEET_CAS_TEACH)
        f->cas = FLEET_CAS_NONE;
    if (record_same(r, &f->current))
        commit(f, w, news);
    else
        replica_see(f, w, r, REPLICA_PASSED, news);
}

static void lost(struct fleet *f, const struct fleet_world *w, const struct record *r,
                 const struct record *standing, enum replica_sight sight, struct fleet_news *news)
{
    bool is_mine = record_same(r, &f->current);

    if (is_mine && f->cas == FLEET_CAS_TEACH) {
        f->cas = FLEET_CAS_NONE;
    } else if (is_mine && is_tentative(f) && !record_same(standing, &f->current) &&
               record_compare(standing, &f->base) <= 0) {
        struct record base = f->base;
        adopt(f, w, &base, news); /* the storage has lost the very base: back to it, and teach it */
    }
    replica_see(f, w, standing, is_mine ? sight : REPLICA_PASSED, news);
}

void replica_written(struct fleet *f, const struct fleet_world *w, const struct record *r,
                     enum replica_fate fate, const struct record *standing,
                     enum replica_sight sight, struct fleet_news *news)
{
    f->cas_is_out = false;
    if (fate == REPLICA_WON) {
        won(f, w, r, news);
    } else if (fate == REPLICA_LOST) {
        lost(f, w, r, standing, sight, news);
    } else if (f->cas == FLEET_CAS_TEACH) {
        f->cas = FLEET_CAS_NONE; /* the next SYNC sees what stands */
    } else if (is_tentative(f)) {
        f->cas_at = w->now + (uint64_t)(w->patience * (0.5 + fleet_draw(w)));
        news->unheard |= f->order.is_offered;
    }
}
