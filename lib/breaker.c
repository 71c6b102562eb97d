/* Asking and reporting: one turn of the circuit each, with the totals and the events that it makes.
 * Orders, which are turns too, and looking, which changes nothing. */
#include "panel.h"
#include <string.h>

#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

static const struct rules *rules_of(const breaker_t *breaker)
{
    return &breaker->policy->rules;
}

/* ---- Turns -------------------------------------------------------------------------------------*/

static void note_change(breaker_t *b, const struct turn *turn)
{
    uint64_t retry = native_retry_after(&b->circuit, rules_of(b), turn->now);

    event_note(b, &(struct note){.kind = BREAKER_ON_STATE_CHANGE,
                                 .time = turn->now,
                                 .from = turn->from,
                                 .to = turn->to,
                                 .counts = turn->evidence,
                                 .status = b->circuit.last_error,
                                 .retry_after = turn->to == BREAKER_BROKEN ? retry : 0});
}

static __attribute__((noinline)) void moved(breaker_t *b, const struct turn *turn)
{
    b->totals.trips += turn->to == BREAKER_BROKEN;
    if (event_is_wanted(b, BREAKER_ON_STATE_CHANGE))
        note_change(b, turn);
}

/* An event about one call. */
static __attribute__((noinline)) void note_call(breaker_t *b, int kind, uint64_t now,
                                                uint64_t start, int status)
{
    struct note note = {.kind = (uint8_t)kind,
                        .time = now,
                        .duration = now > start ? now - start : 0,
                        .from = b->circuit.state,
                        .to = b->circuit.state,
                        .status = status};

    if (kind == BREAKER_ON_REJECTED)
        note.retry_after = native_retry_after(&b->circuit, rules_of(b), now);
    if (event_is_wanted(b, kind))
        event_note(b, &note);
}

static inline bool listens(const breaker_t *b)
{
    return UNLIKELY((b->kinds | b->panel->events.kinds) != 0);
}

static inline void take_turn(breaker_t *b, struct turn *turn)
{
    turn->draw = 0;
    turn->talk = NULL;
    if (UNLIKELY(native_needs_draw(&b->circuit, rules_of(b))))
        turn->draw = panel_draw(b->panel);
    native_step(&b->circuit, rules_of(b), turn);
}

int breaker_admit(breaker_t *b, uint64_t now, breaker_permit_t *permit)
{
    struct turn turn;

    turn.op = TURN_ADMIT;
    turn.now = now;
    take_turn(b, &turn);
    *permit = turn.permit;
    b->totals.admitted += turn.verdict == 0;
    b->in_flight += turn.verdict == 0;
    b->totals.rejected += turn.verdict != 0 || turn.watched;
    if (UNLIKELY(turn.moved))
        moved(b, &turn);
    if (listens(b)) {
        if (turn.verdict != 0 || turn.watched)
            note_call(b, BREAKER_ON_REJECTED, now, now, b->circuit.last_error);
        if (turn.verdict == 0)
            note_call(b, BREAKER_BEFORE_CALL, now, now, 0);
    }
    return turn.verdict;
}

static void total(breaker_totals_t *totals, breaker_outcome_t outcome)
{
    totals->ok += outcome == BREAKER_SUCCESS;
    totals->failed += outcome == BREAKER_FAILURE;
    totals->ignored += outcome == BREAKER_IGNORED;
    totals->cancelled += outcome == BREAKER_CANCELLED;
}

void breaker_late(breaker_t *b, uint64_t now, uint64_t start, int status)
{
    b->totals.late++;
    if (listens(b))
        note_call(b, BREAKER_ON_LATE, now, start, status);
}

int breaker_settle(breaker_t *b, uint64_t now, breaker_permit_t permit, breaker_outcome_t outcome,
                   int status)
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
        breaker_late(b, now, permit.start, status);
        return BREAKER_ESTALE;
    }
    total(&b->totals, outcome);
    b->totals.slow += turn.slow;
    if (listens(b) && outcome <= BREAKER_FAILURE)
        note_call(b, outcome == BREAKER_SUCCESS ? BREAKER_ON_SUCCESS : BREAKER_ON_FAILURE, now,
                  permit.start, status);
    if (UNLIKELY(turn.moved))
        moved(b, &turn);
    return turn.verdict;
}

/* ---- At once -----------------------------------------------------------------------------------*/

int breaker_try_acquire(breaker_t *breaker, breaker_permit_t *permit)
{
    if (UNLIKELY(breaker == NULL || permit == NULL))
        return UV_EINVAL;
    return breaker_admit(breaker, panel_now(breaker->panel), permit);
}

int breaker_report(breaker_t *breaker, breaker_permit_t *permit, breaker_outcome_t outcome,
                   int status)
{
    breaker_permit_t taken;

    if (UNLIKELY(breaker == NULL || permit == NULL || outcome < BREAKER_SUCCESS ||
                 outcome > BREAKER_CANCELLED))
        return UV_EINVAL;
    if (UNLIKELY(permit->epoch == 0))
        return BREAKER_ESTALE;
    taken = *permit;
    permit->epoch = 0;
    permit->start = 0;
    return breaker_settle(breaker, panel_now(breaker->panel), taken, outcome, status);
}

/* ---- Orders ------------------------------------------------------------------------------------*/

static void push_order(breaker_panel_t *panel, breaker_order_t *order)
{
    order->library.next = NULL;
    *panel->orders.last = order;
    panel->orders.last = &order->library.next;
    panel->pending++;
    panel_wake(panel);
}

/* The circuit is this process's: the order is carried out here, and told in the next drain. */
static int give(breaker_t *b, struct turn *turn, breaker_order_t *order, breaker_order_cb done)
{
    if (b == NULL || (order == NULL && done != NULL))
        return UV_EINVAL;
    if (done != NULL && order->library.in_use)
        return UV_EBUSY;
    if (b->panel->is_closing || (done != NULL && !panel_is_open(b->panel)))
        return UV_ESHUTDOWN;
    turn->now = panel_now(b->panel);
    turn->permit = (breaker_permit_t){0, 0};
    take_turn(b, turn);
    if (turn->moved)
        moved(b, turn);
    if (done != NULL) {
        order->library.done = done;
        order->library.breaker = b;
        order->library.status = 0;
        order->library.in_use = 1;
        push_order(b->panel, order);
    }
    return 0;
}

int breaker_trip(breaker_t *breaker, breaker_order_t *order, breaker_order_cb done)
{
    return give(breaker, &(struct turn){.op = TURN_TRIP}, order, done);
}

int breaker_recover(breaker_t *breaker, breaker_order_t *order, breaker_order_cb done)
{
    return give(breaker, &(struct turn){.op = TURN_RECOVER}, order, done);
}

int breaker_reset(breaker_t *breaker, breaker_order_t *order, breaker_order_cb done)
{
    return give(breaker, &(struct turn){.op = TURN_RESET}, order, done);
}

int breaker_hold(breaker_t *breaker, breaker_hold_t hold, breaker_order_t *order,
                 breaker_order_cb done)
{
    if ((unsigned)hold > BREAKER_HOLD_WATCH)
        return UV_EINVAL;
    return give(breaker, &(struct turn){.op = TURN_HOLD, .hold = (uint8_t)hold}, order, done);
}

void order_abandon(breaker_t *breaker)
{
    for (breaker_order_t *o = breaker->panel->orders.first; o != NULL; o = o->library.next) {
        if (o->library.breaker == breaker) {
            o->library.status = UV_ECANCELED;
            o->library.breaker = NULL;
        }
    }
}

void order_run(breaker_panel_t *panel)
{
    breaker_order_t *batch = panel->orders.first;

    panel->orders.first = NULL;
    panel->orders.last = &panel->orders.first;
    while (batch != NULL) {
        breaker_order_t *order = batch;
        batch = order->library.next;
        order->library.in_use = 0;
        panel->pending--;
        order->library.done(order, order->library.status);
    }
}

/* ---- Looking -----------------------------------------------------------------------------------*/

uint64_t breaker_retry_after(const breaker_t *breaker)
{
    if (breaker == NULL)
        return 0;
    return native_retry_after(&breaker->circuit, rules_of(breaker), panel_now(breaker->panel));
}

int breaker_inspect_sized(const breaker_t *breaker, breaker_snapshot_t *snapshot, size_t size)
{
    breaker_snapshot_t s;

    if (breaker == NULL || snapshot == NULL || size == 0)
        return UV_EINVAL;
    memset(&s, 0, sizeof s);
    native_inspect(&breaker->circuit, rules_of(breaker), panel_now(breaker->panel), &s);
    s.in_flight = breaker->in_flight;
    s.totals = breaker->totals;
    if (size > sizeof s)
        memset((char *)snapshot + sizeof s, 0, size - sizeof s);
    memcpy(snapshot, &s, size < sizeof s ? size : sizeof s);
    return 0;
}
