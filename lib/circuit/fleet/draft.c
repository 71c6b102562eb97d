/* What the next record says: who makes it and why, and how long a BROKEN is to last after so many. */
#include "draft.h"
#include "judge.h"
#include "mutant.h"
#include "obey.h"

/* Has PASSING held long enough for the next trip to be a first one again? */
static bool is_streak_over(const struct fleet *f, const struct fleet_world *w)
{
    uint64_t enough = fleet_max(fleet_options(w)->recovery_time, f->current.duration);

    return f->current.state == BREAKER_PASSING &&
           (MUTANT(BACKOFF_ANEW) || elapsed(f->began, w->now) > enough);
}

uint8_t draft_trips(const struct fleet *f, const struct fleet_world *w)
{
    return is_streak_over(f, w) ? 0 : f->current.trips;
}

static struct record next(const struct fleet *f, const struct fleet_world *w, breaker_state_t to)
{
    struct record r = f->current;
    struct tally_sums s;

    r.epoch = MUTANT(EPOCH_PLUS_ONE) ? r.epoch + 1 : fleet_max(r.epoch + 1, w->wall);
    r.nonce = (uint32_t)fleet_chance(w);
    r.writer = w->self;
    r.state = (uint8_t)to;
    r.since = w->wall;
    r.recovery_time = (uint32_t)fleet_options(w)->recovery_time;
    r.policy = judge_policy(w->rules);
    r.error = w->local->last_error;
    if (to == BREAKER_PASSING || f->current.state != BREAKER_BROKEN)
        r.ok = r.failed = r.slow = 0;
    judge_sum(f, w, &s);
    if (s.most_reporters > 0)
        r.reporters = s.most_reporters;
    if (to == BREAKER_BROKEN) {
        r.trips = draft_trips(f, w);
        r.trips += r.trips < UINT8_MAX && f->current.state != BREAKER_BROKEN;
        r.duration = native_broken_time(w->rules, r.trips, fleet_draw(w));
    }
    return r;
}

struct record draft_transition(const struct fleet *f, const struct fleet_world *w,
                               breaker_state_t to, const struct tally_sums *why)
{
    struct record r = next(f, w, to);

    if (to != BREAKER_RECOVERING) { /* which keeps the numbers of the trip */
        r.ok = why->counts.ok;
        r.failed = why->counts.failed;
        r.slow = why->counts.slow;
    }
    record_trim(&r);
    return r;
}

/* When the state in force would have had to begin, by the storage's clock now; which may have stepped. */
static uint64_t beginning(const struct fleet *f, const struct fleet_world *w)
{
    uint64_t held = elapsed(f->began, w->now), began = held < w->wall ? w->wall - held : 0;
    uint64_t off = began > f->current.since ? began - f->current.since : f->current.since - began;

    return f->current.epoch > 0 && off < FLEET_MAX_AGE ? f->current.since : began;
}

/* The same state, with another hold. */
static struct record held(const struct fleet *f, const struct fleet_world *w)
{
    struct record r = next(f, w, (breaker_state_t)f->current.state);

    r.since = beginning(f, w);
    r.trips = f->current.trips;
    r.duration = f->current.duration;
    r.reporters = f->current.reporters;
    r.ok = f->current.ok, r.failed = f->current.failed, r.slow = f->current.slow;
    return r;
}

static struct record ordered(const struct fleet *f, const struct fleet_world *w, uint8_t op,
                             uint32_t duration)
{
    bool is_immediate = fleet_options(w)->recovery == BREAKER_IMMEDIATE;
    struct record r;

    switch (op) {
    case TURN_TRIP:
        r = next(f, w, BREAKER_BROKEN);
        r.duration = duration > 0 ? duration : r.duration;
        return r;
    case TURN_RECOVER:
        return next(f, w, is_immediate ? BREAKER_PASSING : BREAKER_RECOVERING);
    case TURN_RESET:
        r = next(f, w, BREAKER_PASSING);
        r.trips = 0;
        return r;
    default:
        return held(f, w);
    }
}

struct record draft_order(const struct fleet *f, const struct fleet_world *w, uint8_t op,
                          uint32_t duration)
{
    struct record r = ordered(f, w, op, duration);

    r.hold = obey_hold(f, r.hold);
    record_trim(&r);
    return r;
}
