/* Which record is in force, and when one may be written: the order of records, adoption, authority,
 * teaching. Dates of the storage's clock become times of the loop's clock here, once, as a record comes
 * into force, and within the policy's bounds; so no step of any clock holds a circuit broken.
 *
 * With a PROPOSE, current is tentative: it has no authority, and dies when anything newer than its base
 * is seen to stand. Otherwise current is what was committed last, as far as this process knows. */
#include "replica.h"
#include "judge.h"
#include "local.h"
#include "mutant.h"
#include <string.h>

static const breaker_options_t *options_of(const struct fleet_world *w)
{
    return &w->rules->options;
}

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
    const breaker_options_t *o = options_of(w);
    return (uint64_t)((double)o->broken_limit * (1 + o->broken_jitter));
}

static uint64_t min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* How long a record has been in force already, by the storage's clock; bounded, because that may have
 * stepped since. */
static uint64_t age(const struct fleet_world *w, const struct record *r, uint64_t bound)
{
    return min(w->wall > r->since ? w->wall - r->since : 0, bound);
}

static uint64_t date(const struct fleet_world *w, const struct record *r)
{
    uint64_t duration = min(r->duration, broken_bound(w));

    switch (r->state) {
    case BREAKER_BROKEN:
        return w->now + duration - age(w, r, duration);
    case BREAKER_RECOVERING:
        return w->now - age(w, r, r->recovery_time);
    default:
        return w->now - (r->epoch > 0 ? age(w, r, BREAKER_TIME_MAX) : 0);
    }
}

static void clear_tally(struct fleet *f, const struct fleet_world *w)
{
    struct tally_shape shape = judge_shape(w);
    uint64_t bucket = w->wall / shape.width, first = min(f->current.since / shape.width, bucket);

    if (f->current.state == BREAKER_PASSING)
        tally_clear(&f->tally, first > 0 ? first - 1 : 0, bucket);
    else
        tally_clear(&f->tally, 0, 0);
}

/* The only place that makes dates. */
static void enter(struct fleet *f, const struct fleet_world *w, const struct record *r,
                  struct fleet_news *news)
{
    f->since = date(w, r);
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
    local_refresh(w, r->hold);
    f->epoch = w->local->epoch;
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

    if (!MUTANT(2))
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

    if (MUTANT(23) || w->now - f->confirmed < FLEET_CONTACT)
        return true;
    if (is_tentative(f))
        return false;
    return f->current.hold != BREAKER_HOLD_NONE ||
           (f->current.state == BREAKER_BROKEN && w->now < f->since) ||
           (f->current.state == BREAKER_RECOVERING && fleet_elapsed(f->since, w->now) < time);
}

/* The storage has it. */
static void commit(struct fleet *f, const struct fleet_world *w, struct fleet_news *news)
{
    if (is_tentative(f))
        f->cas = FLEET_CAS_NONE;
    f->confirmed = w->now;
    if (f->order.is_offered) {
        f->order = (struct fleet_order){.op = TURN_ADMIT};
        news->obeyed = true;
    }
}

enum { ORDER_TRIES = 8 };

/* The write of an order is off: it is offered again, over what stands now. */
static void take_back_order(struct fleet *f, struct fleet_news *news)
{
    if (!f->order.is_offered)
        return;
    f->order.is_offered = false;
    if (++f->order.tries >= ORDER_TRIES) {
        f->order = (struct fleet_order){.op = TURN_ADMIT};
        news->unheard = true;
    }
}

static void adopt(struct fleet *f, const struct fleet_world *w, const struct record *r,
                  struct fleet_news *news)
{
    f->cas = FLEET_CAS_NONE;
    take_back_order(f, news);
    enter(f, w, r, news);
}

/* Adopts less than was committed, because there is no authority to teach it; what was not PASSING goes
 * on in L, and nobody is told. */
static void give_in(struct fleet *f, const struct fleet_world *w, const struct record *r,
                    struct fleet_news *news)
{
    struct local_term before = local_term_of(f);

    adopt(f, w, r, news);
    if (before.state != BREAKER_PASSING && r->state == BREAKER_PASSING && !MUTANT(22))
        local_carry_on(w, &before);
    f->epoch = w->local->epoch;
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
    if (r->epoch == 0 || r->policy == judge_policy(w->rules) || f->is_differing)
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
    if (order > 0 || (sight == REPLICA_STANDING && (is_mine || is_known || MUTANT(24))))
        f->confirmed = w->now;
    if (is_mine && (is_tentative(f) || sight == REPLICA_STANDING))
        commit(f, w, news);
    else if (order > 0)
        adopt(f, w, r, news);
    else if (order == 0 || sight == REPLICA_PASSED)
        return; /* a tentative one goes on while it is being written */
    else if (MUTANT(1))
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

static uint64_t max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Has PASSING held long enough for the next trip to be a first one again? */
static bool is_streak_over(const struct fleet *f, const struct fleet_world *w)
{
    uint64_t enough = max(options_of(w)->recovery_time, f->current.duration);

    return f->current.state == BREAKER_PASSING &&
           (MUTANT(21) || fleet_elapsed(f->since, w->now) > enough);
}

static struct record next_record(const struct fleet *f, const struct fleet_world *w,
                                 breaker_state_t to)
{
    struct record r = f->current;
    struct tally_sums s;

    r.epoch = MUTANT(3) ? r.epoch + 1 : max(r.epoch + 1, w->wall);
    r.nonce = (uint32_t)fleet_chance(w);
    r.writer = w->self;
    r.state = (uint8_t)to;
    r.since = w->wall;
    r.recovery_time = (uint32_t)options_of(w)->recovery_time;
    r.policy = judge_policy(w->rules);
    r.error = w->local->last_error;
    if (to != BREAKER_RECOVERING || f->current.state != BREAKER_BROKEN)
        r.ok = r.failed = r.slow = 0;
    judge_sum(f, w, &s);
    if (s.most_reporters > 0)
        r.reporters = s.most_reporters;
    if (to == BREAKER_BROKEN) {
        r.trips = is_streak_over(f, w) ? 0 : r.trips;
        r.trips += r.trips < UINT8_MAX;
        r.duration = native_broken_time(w->rules, r.trips, fleet_draw(w));
    }
    return r;
}

static void give_why(struct record *r, const struct tally_sums *why)
{
    if (r->state == BREAKER_RECOVERING)
        return; /* it keeps the numbers of the trip */
    r->ok = why->counts.ok;
    r->failed = why->counts.failed;
    r->slow = why->counts.slow;
}

/* In force here at once, and to be written over what was. */
static void offer(struct fleet *f, const struct fleet_world *w, struct record *r,
                  struct fleet_news *news)
{
    record_trim(r);
    if (!is_tentative(f))
        f->base = f->current;
    f->cas = FLEET_CAS_PROPOSE;
    f->cas_at = w->now;
    enter(f, w, r, news);
}

/* A transition that could not be written may have had its time: the next one takes its place. */
static void give_up_order(struct fleet *f, struct fleet_news *news)
{
    if (!f->order.is_offered || f->order.op == TURN_HOLD) /* a hold goes on in the next one */
        return;
    f->order = (struct fleet_order){.op = TURN_ADMIT};
    news->unheard = true;
}

bool replica_propose(struct fleet *f, const struct fleet_world *w, breaker_state_t to,
                     const struct tally_sums *why, struct fleet_news *news)
{
    struct record r;

    if (f->cas == FLEET_CAS_TEACH || !may_write(f, w))
        return false;
    if (is_tentative(f))
        give_up_order(f, news);
    r = next_record(f, w, to);
    give_why(&r, why);
    offer(f, w, &r, news);
    return true;
}

/* When the state in force would have had to begin, by the storage's clock now. */
static uint64_t beginning(const struct fleet *f, const struct fleet_world *w)
{
    uint64_t held = fleet_elapsed(f->since, w->now);

    if (f->current.state == BREAKER_BROKEN) {
        uint64_t left = fleet_elapsed(w->now, f->since);
        held = f->current.duration > left ? f->current.duration - left : 0;
    }
    return held < w->wall ? w->wall - held : 0;
}

bool replica_order(struct fleet *f, const struct fleet_world *w, const struct fleet_order *order,
                   struct fleet_news *news)
{
    bool is_immediate = options_of(w)->recovery == BREAKER_IMMEDIATE;
    struct record r;

    if (f->cas == FLEET_CAS_TEACH || !may_write(f, w))
        return false;
    if (order->op == TURN_TRIP) {
        r = next_record(f, w, BREAKER_BROKEN);
        r.duration = order->duration > 0 ? order->duration : r.duration;
    } else if (order->op == TURN_RECOVER) {
        r = next_record(f, w, is_immediate ? BREAKER_PASSING : BREAKER_RECOVERING);
    } else if (order->op == TURN_RESET) {
        r = next_record(f, w, BREAKER_PASSING);
        r.trips = 0;
    } else {
        uint64_t since = beginning(f, w);
        struct record before = f->current;
        r = next_record(f, w, (breaker_state_t)f->current.state);
        r.since = since;
        r.trips = before.trips;
        r.duration = before.duration;
        r.reporters = before.reporters;
        r.ok = before.ok, r.failed = before.failed, r.slow = before.slow;
        r.hold = order->hold;
    }
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
