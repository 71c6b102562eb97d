/* Asking and reporting: one turn of the circuit each, with the totals and the events that it makes. And
 * looking, which changes nothing. */
#include "panel.h"
#include "shared.h"
#include <string.h>

#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

static const struct rules *rules_of(const breaker_t *breaker)
{
    return &breaker->policy->rules;
}

/* ---- Turns -------------------------------------------------------------------------------------*/

static bool is_dialect(const breaker_t *b)
{
    return (b->flags & BREAKER_IS_DIALECT) != 0;
}

static bool is_shared(const breaker_t *b)
{
    return (b->flags & BREAKER_IS_SHARED) != 0;
}

__attribute__((noinline)) void breaker_moved(breaker_t *b, const struct turn *turn, bool elsewhere)
{
    struct note note = {.kind = BREAKER_ON_STATE_CHANGE,
                        .time = turn->now,
                        .from = turn->from,
                        .to = turn->to,
                        .counts = turn->evidence,
                        .elsewhere = elsewhere};
    struct dialect_view view;

    b->totals.trips += turn->to == BREAKER_BROKEN && !elsewhere;
    if (!event_is_wanted(b, BREAKER_ON_STATE_CHANGE))
        return;
    view = breaker_view(b, turn->now);
    note.status = view.last_error;
    note.retry_after = turn->to == BREAKER_BROKEN ? view.retry_after : 0;
    event_note(b, &note);
}

/* An event about one call. */
__attribute__((noinline)) void breaker_note_call(breaker_t *b, int kind, uint64_t now,
                                                 uint64_t start, int status)
{
    struct dialect_view view;

    if (!event_is_wanted(b, kind))
        return;
    view = breaker_view(b, now);
    event_note(b,
               &(struct note){.kind = (uint16_t)kind,
                              .time = now,
                              .duration = now > start ? now - start : 0,
                              .from = (uint8_t)view.state,
                              .to = (uint8_t)view.state,
                              .status = kind == BREAKER_ON_REJECTED ? view.last_error : status,
                              .retry_after = kind == BREAKER_ON_REJECTED ? view.retry_after : 0});
}

static inline bool listens(const breaker_t *b)
{
    return UNLIKELY((b->kinds | b->panel->events.kinds) != 0);
}

/* A dialect that is local. Dialects know no holds: the breaker keeps them. */
static __attribute__((noinline)) void take_dialect_turn(breaker_t *b, struct turn *turn)
{
    const struct dialect *dialect = b->policy->dialect;
    void *circuit = breaker_tail(b), *rules = b->policy->dialect_rules;

    turn->moved = turn->slow = turn->watched = false;
    turn->verdict = 0;
    if (turn->op == TURN_HOLD) {
        b->circuit.hold = turn->hold;
        return;
    }
    if (dialect->needs_draw != NULL && dialect->needs_draw(circuit, rules, turn))
        turn->draw = panel_draw(b->panel);
    dialect->step(circuit, rules, turn);
}

/* What a hold decides over the head of a dialect. */
static bool is_held(breaker_t *b, struct turn *turn)
{
    if (turn->op == TURN_SETTLE)
        return turn->permit.epoch == NATIVE_UNCOUNTED;
    if (turn->op != TURN_ADMIT || b->circuit.hold == BREAKER_HOLD_NONE ||
        b->circuit.hold == BREAKER_HOLD_WATCH)
        return false;
    turn->verdict = b->circuit.hold == BREAKER_HOLD_OPEN ? BREAKER_EREJECTED : 0;
    turn->permit = (breaker_permit_t){turn->verdict == 0 ? NATIVE_UNCOUNTED : 0, turn->now};
    return true;
}

static __attribute__((noinline)) void take_held_turn(breaker_t *b, struct turn *turn)
{
    turn->moved = turn->slow = turn->watched = false;
    turn->verdict = 0;
    if (is_held(b, turn))
        return;
    take_dialect_turn(b, turn);
    if (turn->op == TURN_ADMIT && turn->verdict != 0 && b->circuit.hold == BREAKER_HOLD_WATCH) {
        turn->verdict = 0;
        turn->watched = true;
        turn->permit = (breaker_permit_t){NATIVE_UNCOUNTED, turn->now};
    }
}

static inline void take_turn(breaker_t *b, struct turn *turn)
{
    turn->draw = 0;
    turn->talk = NULL;
    if (UNLIKELY(b->flags & (BREAKER_IS_DIALECT | BREAKER_IS_SHARED))) {
        if (is_shared(b))
            shared_take_turn(b, turn);
        else
            take_held_turn(b, turn);
        return;
    }
    if (UNLIKELY(native_needs_draw(&b->circuit, rules_of(b))))
        turn->draw = panel_draw(b->panel);
    native_step(&b->circuit, rules_of(b), turn);
}

void breaker_take_turn(breaker_t *b, struct turn *turn)
{
    take_turn(b, turn);
    if (turn->moved)
        breaker_moved(b, turn, false);
}

void breaker_count_admission(breaker_t *b, bool admitted, bool watched)
{
    b->in_flight += admitted;
    b->totals.rejected += !admitted || watched;
}

void breaker_count_outcome(breaker_t *b, breaker_outcome_t outcome)
{
    struct totals *totals = &b->totals;

    b->ok += outcome == BREAKER_SUCCESS;
    totals->failed += outcome == BREAKER_FAILURE;
    totals->ignored += outcome == BREAKER_IGNORED;
    totals->cancelled += outcome == BREAKER_CANCELLED;
}

/* Nobody listens, and the circuit is a native one; where it is shared, the fleet has nothing to say but what
 * its state says. Then the usual case may be handled as such. */
static inline bool is_plain(const breaker_t *b, uint64_t now)
{
    if (UNLIKELY((b->kinds | b->panel->events.kinds | (b->flags & BREAKER_IS_DIALECT)) != 0))
        return false;
    return !UNLIKELY(is_shared(b)) || fleet_is_plain(&shared_of(b)->fleet, now);
}

static inline bool is_refused_by_all(const breaker_t *b)
{
    return UNLIKELY(is_shared(b)) && shared_of(b)->fleet.current.state == BREAKER_BROKEN;
}

static __attribute__((noinline)) int admit(breaker_t *b, uint64_t now, breaker_permit_t *permit)
{
    struct turn turn;

    turn.op = TURN_ADMIT;
    turn.now = now;
    take_turn(b, &turn);
    *permit = turn.permit;
    breaker_count_admission(b, turn.verdict == 0, turn.watched);
    if (UNLIKELY(turn.moved))
        breaker_moved(b, &turn, false);
    if (listens(b)) {
        if (turn.verdict != 0 || turn.watched)
            breaker_note_call(b, BREAKER_ON_REJECTED, now, now, 0);
        if (turn.verdict == 0)
            breaker_note_call(b, BREAKER_BEFORE_CALL, now, now, 0);
    }
    return turn.verdict;
}

/* The usual case: admitted in PASSING or refused in BROKEN. False: nothing was done. */
static inline bool admit_plainly(breaker_t *b, uint64_t now, breaker_permit_t *permit, int *verdict)
{
    bool plain = is_plain(b, now), admits = plain && native_admits_plainly(&b->circuit);

    if (admits && !is_refused_by_all(b)) {
        *permit = (breaker_permit_t){b->circuit.epoch, now};
        b->in_flight++;
        *verdict = 0;
        return true;
    }
    if (!admits && !(plain && native_refuses_plainly(&b->circuit, now)))
        return false;
    *permit = (breaker_permit_t){0, 0};
    b->totals.rejected++;
    *verdict = BREAKER_EREJECTED;
    return true;
}

int breaker_admit(breaker_t *b, uint64_t now, breaker_permit_t *permit)
{
    int verdict;

    return admit_plainly(b, now, permit, &verdict) ? verdict : admit(b, now, permit);
}

void breaker_late(breaker_t *b, uint64_t now, uint64_t start, int status)
{
    b->totals.late++;
    if (listens(b))
        breaker_note_call(b, BREAKER_ON_LATE, now, start, status);
}

static __attribute__((noinline)) int settle(breaker_t *b, uint64_t now, breaker_permit_t permit,
                                            breaker_outcome_t outcome, int status)
{
    struct turn turn;

    turn.op = TURN_SETTLE;
    turn.now = now;
    turn.permit = permit;
    turn.outcome = (uint8_t)outcome;
    turn.status = status;
    take_turn(b, &turn);
    b->in_flight--;
    if (UNLIKELY(turn.verdict == BREAKER_ESTALE)) {
        b->totals.stale++;
        breaker_late(b, now, permit.start, status);
        return BREAKER_ESTALE;
    }
    breaker_count_outcome(b, outcome);
    b->totals.slow += turn.slow;
    if (listens(b) && outcome <= BREAKER_FAILURE)
        breaker_note_call(b, outcome == BREAKER_SUCCESS ? BREAKER_ON_SUCCESS : BREAKER_ON_FAILURE,
                          now, permit.start, status);
    if (UNLIKELY(turn.moved))
        breaker_moved(b, &turn, false);
    return turn.verdict;
}

/* The usual case: a success, or where the circuit is not shared a failure, that cannot move it. False:
 * nothing was done. */
static inline bool settle_plainly(breaker_t *b, uint64_t now, uint64_t epoch,
                                  breaker_outcome_t outcome, int status)
{
    if (!is_plain(b, now))
        return false;
    if (outcome == BREAKER_SUCCESS) {
        if (is_refused_by_all(b) ||
            !native_settles_plainly(&b->circuit, rules_of(b), epoch, now, false))
            return false;
        b->ok++;
        if (UNLIKELY(is_shared(b)))
            tally_count_plainly(&shared_of(b)->fleet.tally);
    } else {
        if (outcome != BREAKER_FAILURE || UNLIKELY(is_shared(b)) ||
            !native_settles_plainly(&b->circuit, rules_of(b), epoch, now, true))
            return false;
        b->totals.failed++;
        b->circuit.last_error = status;
    }
    b->in_flight--;
    return true;
}

int breaker_settle(breaker_t *b, uint64_t now, breaker_permit_t permit, breaker_outcome_t outcome,
                   int status)
{
    if (settle_plainly(b, now, permit.epoch, outcome, status))
        return 0;
    return settle(b, now, permit, outcome, status);
}

/* ---- At once -----------------------------------------------------------------------------------*/

int breaker_try_acquire(breaker_t *breaker, breaker_permit_t *permit)
{
    uint64_t now;
    int verdict;

    if (UNLIKELY(breaker == NULL || permit == NULL))
        return UV_EINVAL;
    now = panel_now(breaker->panel);
    if (admit_plainly(breaker, now, permit, &verdict))
        return verdict;
    return breaker->flags & BREAKER_CONVERSES ? UV_ENOTSUP : admit(breaker, now, permit);
}

/* All but the usual case. */
static __attribute__((noinline)) int report(breaker_t *b, uint64_t now, breaker_permit_t *permit,
                                            breaker_outcome_t outcome, int status)
{
    breaker_permit_t taken = *permit;

    if (outcome < BREAKER_SUCCESS || outcome > BREAKER_CANCELLED)
        return UV_EINVAL;
    if (b->flags & BREAKER_CONVERSES)
        return UV_ENOTSUP;
    if (taken.epoch == 0)
        return BREAKER_ESTALE;
    *permit = (breaker_permit_t){0, 0};
    return settle(b, now, taken, outcome, status);
}

int breaker_report(breaker_t *breaker, breaker_permit_t *permit, breaker_outcome_t outcome,
                   int status)
{
    uint64_t now;

    if (UNLIKELY(breaker == NULL || permit == NULL))
        return UV_EINVAL;
    now = panel_now(breaker->panel);
    if (UNLIKELY(!settle_plainly(breaker, now, permit->epoch, outcome, status)))
        return report(breaker, now, permit, outcome, status);
    *permit = (breaker_permit_t){0, 0};
    return 0;
}

/* ---- Looking -----------------------------------------------------------------------------------*/

struct dialect_view breaker_view(const breaker_t *b, uint64_t now)
{
    struct dialect_view view;

    if (is_shared(b))
        return shared_view(b, now);
    if (!is_dialect(b))
        return (struct dialect_view){.state = (breaker_state_t)b->circuit.state,
                                     .last_error = b->circuit.last_error,
                                     .retry_after =
                                         native_retry_after(&b->circuit, rules_of(b), now)};
    memset(&view, 0, sizeof view);
    b->policy->dialect->view(breaker_tail(b), b->policy->dialect_rules, now, panel_wall(b->panel),
                             &view);
    if (b->circuit.hold != BREAKER_HOLD_NONE)
        view.retry_after = b->circuit.hold == BREAKER_HOLD_OPEN ? UINT64_MAX : 0;
    return view;
}

uint64_t breaker_retry_after(const breaker_t *breaker)
{
    return breaker == NULL ? 0 : breaker_view(breaker, panel_now(breaker->panel)).retry_after;
}

static void inspect_dialect(const breaker_t *b, uint64_t now, breaker_snapshot_t *s)
{
    struct dialect_view view = breaker_view(b, now);

    s->state = view.state;
    s->hold = (breaker_hold_t)b->circuit.hold;
    s->last_error = view.last_error;
    s->retry_after = view.retry_after;
}

/* Every call that was admitted has ended in one of these, or is still under way. */
static uint64_t admitted(const breaker_t *b)
{
    const struct totals *t = &b->totals;

    return b->ok + t->failed + t->ignored + t->cancelled + t->stale + (uint64_t)b->in_flight;
}

static breaker_totals_t totals_of(const breaker_t *b)
{
    const struct totals *t = &b->totals;

    return (breaker_totals_t){.admitted = admitted(b),
                              .rejected = t->rejected,
                              .ok = b->ok,
                              .failed = t->failed,
                              .ignored = t->ignored,
                              .cancelled = t->cancelled,
                              .timed_out = t->timed_out,
                              .late = t->late,
                              .slow = t->slow,
                              .trips = t->trips};
}

int breaker_inspect_sized(const breaker_t *breaker, breaker_snapshot_t *snapshot, size_t size)
{
    breaker_snapshot_t s;
    uint64_t now;

    if (breaker == NULL || snapshot == NULL || size == 0)
        return UV_EINVAL;
    memset(&s, 0, sizeof s);
    now = panel_now(breaker->panel);
    if (is_dialect(breaker))
        inspect_dialect(breaker, now, &s);
    else if (is_shared(breaker))
        shared_inspect(breaker, now, &s);
    else
        native_inspect(&breaker->circuit, rules_of(breaker), now, &s);
    s.in_flight = breaker->in_flight > 0 ? (unsigned)breaker->in_flight : 0;
    s.totals = totals_of(breaker);
    if (size > sizeof s)
        memset((char *)snapshot + sizeof s, 0, size - sizeof s);
    memcpy(snapshot, &s, size < sizeof s ? size : sizeof s);
    return 0;
}
