/* The driver of conversations: it takes a dialect's turn from step to step, with a transaction on the
 * storage between two steps, until the turn is done. Conversations come from a pool that is made once;
 * what finds it empty waits in order. A storage may answer inside its submit, later, or never: see
 * errand_run. What a conversation brings goes to its call or order, whose callbacks the drain runs. */
#include "memory.h"
#include "panel.h"

struct conversation {
    struct errand errand;
    struct turn turn;
    struct talk talk;
    breaker_t *breaker;
    breaker_call_t *call;   /* that it is about; or */
    breaker_order_t *order; /* that it carries out; or neither */
    struct conversation *next, *previous;
    uint64_t start; /* of the call that is settled */
    bool is_out;    /* an errand is under way */
    bool is_submitting;
    bool is_last; /* it only writes: what it brings is known */
};

/* ---- The pool ----------------------------------------------------------------------------------*/

int turn_prepare(breaker_panel_t *panel, const struct dialect *dialect)
{
    struct turns *turns = &panel->turns;
    int status;

    if (panel->door.storage == NULL && (status = door_open_pantry(panel)) != 0)
        return status;
    if (dialect->wants_log &&
        !(door_of_dialects(panel)->storage->ops->flags & BREAKER_STORAGE_LOGS))
        return UV_ENOTSUP;
    if (turns->all != NULL)
        return 0;
    turns->all = memory_zeroed(turns->count * sizeof *turns->all);
    if (turns->all == NULL)
        return UV_ENOMEM;
    for (unsigned i = 0; i < turns->count; i++) {
        turns->all[i].next = turns->free;
        turns->free = &turns->all[i];
    }
    return 0;
}

void turn_free(breaker_panel_t *panel)
{
    memory_release(panel->turns.all);
}

bool turn_is_wire(const breaker_panel_t *panel)
{
    const breaker_storage_t *storage = panel->door.storage;
    return storage != NULL && (storage->ops->flags & BREAKER_STORAGE_WIRE) != 0;
}

static struct conversation *take(breaker_t *breaker, enum turn_op op)
{
    breaker_panel_t *panel = breaker->panel;
    struct turns *turns = &panel->turns;
    struct conversation *c = turns->free;

    if (c == NULL)
        return NULL;
    turns->free = c->next;
    c->next = turns->active;
    c->previous = NULL;
    if (turns->active != NULL)
        turns->active->previous = c;
    turns->active = c;
    c->breaker = breaker;
    c->call = NULL;
    c->order = NULL;
    c->is_out = c->is_submitting = c->is_last = false;
    memset(&c->errand, 0, sizeof c->errand);
    memset(&c->turn, 0, sizeof c->turn);
    c->turn.op = (uint8_t)op;
    c->turn.talk = &c->talk;
    talk_begin(&c->talk, panel_wall(panel));
    panel->pending++;
    return c;
}

static void give_back(struct conversation *c)
{
    breaker_panel_t *panel = c->breaker->panel;
    struct turns *turns = &panel->turns;

    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        turns->active = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    c->next = turns->free;
    turns->free = c;
    panel->pending--;
    panel_wake(panel); /* somebody may wait for it */
}

/* ---- Those who wait ----------------------------------------------------------------------------*/

static void queue_up(struct waiting *queue, breaker_call_t *call)
{
    struct breaker_due_s *due = &call->library.due;

    due->next = NULL;
    due->link = queue->last;
    *queue->last = due;
    queue->last = &due->next;
}

static void leave_queue(struct waiting *queue, breaker_call_t *call)
{
    struct breaker_due_s *due = &call->library.due;

    if (due->next == NULL)
        queue->last = due->link;
    wheel_remove(due);
}

/* A newcomer does not go before those who wait; an order goes before calls. */
static struct conversation *take_in_turn(breaker_t *breaker, enum turn_op op, bool is_order)
{
    const struct turns *turns = &breaker->panel->turns;
    bool others_wait = turns->orders.first != NULL || (!is_order && turns->calls.first != NULL);

    return others_wait && !turns->is_serving ? NULL : take(breaker, op);
}

static void serve_order(struct order_queue *queue)
{
    breaker_order_t *order = queue->first;

    queue->first = order->library.next;
    if (queue->first == NULL)
        queue->last = &queue->first;
    order_converse(order);
}

static void serve_call(struct waiting *queue)
{
    breaker_call_t *call = call_of(queue->first);

    leave_queue(queue, call);
    call_converse(call);
}

/* By the drain, in a loop: a conversation may be over as soon as it is begun. */
void turn_serve(breaker_panel_t *panel)
{
    struct turns *turns = &panel->turns;

    turns->is_serving = true;
    while (turn_is_ready(panel)) {
        if (turns->orders.first != NULL)
            serve_order(&turns->orders);
        else
            serve_call(&turns->calls);
    }
    turns->is_serving = false;
}

/* ---- What came of it ---------------------------------------------------------------------------*/

static void note_events(struct conversation *c)
{
    breaker_t *b = c->breaker;

    for (unsigned i = 0; i < c->talk.event_count; i++) {
        const struct talk_event *event = &c->talk.events[i];
        struct note note = {.kind = event->kind,
                            .time = c->turn.now,
                            .from = event->from,
                            .to = event->to,
                            .elsewhere = event->noticed,
                            .status = c->turn.status};
        bool is_change = event->kind == BREAKER_ON_STATE_CHANGE;

        b->totals.trips += is_change && event->to == BREAKER_BROKEN && !event->noticed;
        if (!event_is_wanted(b, event->kind))
            continue;
        if (is_change) {
            struct dialect_view view = breaker_view(b, c->turn.now);
            note.status = view.last_error;
            note.retry_after = event->to == BREAKER_BROKEN ? view.retry_after : 0;
        } else if (c->turn.op == TURN_SETTLE && c->turn.now > c->start) {
            note.duration = c->turn.now - c->start;
        }
        event_note(b, &note);
    }
}

static void over_admit(struct conversation *c)
{
    breaker_t *b = c->breaker;
    bool refused = c->turn.verdict != 0, watched = refused && b->circuit.hold == BREAKER_HOLD_WATCH;

    if (watched) {
        c->turn.verdict = 0;
        c->turn.permit = (breaker_permit_t){NATIVE_UNCOUNTED, c->turn.now};
    }
    breaker_count_admission(b, c->turn.verdict == 0, watched);
    if (refused)
        breaker_note_call(b, BREAKER_ON_REJECTED, c->turn.now, c->turn.now, 0);
    call_admitted(c->call, c->turn.verdict, c->turn.permit, c->talk.reason);
}

static void over_settle(struct conversation *c)
{
    c->breaker->in_flight--;
    breaker_count_outcome(c->breaker, (breaker_outcome_t)c->turn.outcome);
    if (c->call != NULL)
        call_settled(c->call, c->turn.verdict, c->talk.reason);
}

/* What an order is told: an error of the storage's, which is none of the dialect's. */
static int trouble_of(const struct conversation *c)
{
    return c->talk.status == BREAKER_EGUARD ? 0 : c->talk.status;
}

static void over(struct conversation *c)
{
    note_events(c);
    if (c->turn.op == TURN_ADMIT)
        over_admit(c);
    else if (c->turn.op == TURN_SETTLE)
        over_settle(c);
    else if (c->order != NULL)
        order_push(c->breaker->panel, c->order, trouble_of(c));
    give_back(c);
}

/* ---- From step to step -------------------------------------------------------------------------*/

static void on_answer(struct errand *errand, int status);

/* True: the answer is there already. */
static bool submit(struct conversation *c)
{
    breaker_panel_t *panel = c->breaker->panel;

    talk_offer(&c->talk, &c->errand.transaction);
    c->errand.done = on_answer;
    c->is_out = c->is_submitting = true;
    errand_run(&c->errand, panel, door_of_dialects(panel));
    c->is_submitting = false;
    return !c->is_out;
}

static void go_on(struct conversation *c)
{
    const breaker_policy_t *policy = c->breaker->policy;
    breaker_panel_t *panel = c->breaker->panel;
    void *circuit = breaker_tail(c->breaker);

    do {
        enum turn_next next = TURN_DONE;
        if (!c->is_last) {
            c->talk.wall = panel_wall(panel);
            c->turn.now = panel_now(panel);
            next = policy->dialect->step(circuit, policy->dialect_rules, &c->turn);
        }
        if (next == TURN_DONE) {
            over(c);
            return;
        }
        c->is_last = next == TURN_WRITE;
    } while (submit(c));
}

static void on_answer(struct errand *errand, int status)
{
    struct conversation *c = (struct conversation *)(void *)errand;

    talk_hear(&c->talk, &errand->transaction, status);
    c->is_out = false;
    if (!c->is_submitting)
        go_on(c);
}

/* ---- Beginning ---------------------------------------------------------------------------------*/

void turn_create(breaker_t *breaker)
{
    struct conversation *c = take(breaker, TURN_CREATE);

    if (c != NULL) /* else the dialect makes its keys when it is first used */
        go_on(c);
}

/* NULL: the call waits for one. */
static struct conversation *take_for(breaker_call_t *call, enum turn_op op)
{
    struct conversation *c = take_in_turn(call->library.breaker, op, false);

    call->library.conversation = c;
    if (c == NULL)
        queue_up(&call->library.breaker->panel->turns.calls, call);
    else
        c->call = call;
    return c;
}

void turn_admit(breaker_call_t *call)
{
    struct conversation *c = take_for(call, TURN_ADMIT);

    if (c != NULL)
        go_on(c);
}

void turn_settle(breaker_call_t *call, breaker_outcome_t outcome, int status)
{
    struct conversation *c = take_for(call, TURN_SETTLE);

    if (c == NULL)
        return;
    c->start = call->library.permit.start;
    c->turn.permit = call->library.permit;
    c->turn.outcome = (uint8_t)outcome;
    c->turn.status = status;
    go_on(c);
}

int turn_order(breaker_t *breaker, enum turn_op op, breaker_order_t *order)
{
    struct conversation *c = take_in_turn(breaker, op, true);

    if (c == NULL)
        return UV_ENOBUFS;
    c->order = order;
    go_on(c);
    return 0;
}

/* ---- The middle of it --------------------------------------------------------------------------*/

static void stop(struct conversation *c)
{
    if (c->is_out)
        errand_cancel(&c->errand);
    c->is_out = false;
    give_back(c);
}

void turn_forget(breaker_call_t *call)
{
    struct conversation *c = call->library.conversation;

    call->library.conversation = NULL;
    if (c == NULL)
        leave_queue(&call->library.breaker->panel->turns.calls, call);
    else
        stop(c);
}

bool turn_is_under_way(const breaker_t *breaker)
{
    const struct turns *turns = &breaker->panel->turns;

    for (const struct conversation *c = turns->active; c != NULL; c = c->next)
        if (c->breaker == breaker)
            return true;
    for (const breaker_order_t *o = turns->orders.first; o != NULL; o = o->library.next)
        if (o->library.breaker == breaker)
            return true;
    return false;
}

void turn_abandon(breaker_panel_t *panel, const breaker_t *breaker)
{
    for (struct conversation *c = panel->turns.active, *next; c != NULL; c = next) {
        breaker_order_t *order = c->order;
        next = c->next;
        if (c->call != NULL || (breaker != NULL && c->breaker != breaker))
            continue;
        stop(c);
        if (order != NULL)
            order_push(panel, order, UV_ECANCELED);
    }
}
