/* How a call begins: it waits for the drain, which asks the circuit and runs its start, or its fallback.
 * Where the circuit converses with a storage, it is asked there and comes to the drain once more. */
#include "call.h"
#include <string.h>

void breaker_call_init_sized(breaker_call_t *call, size_t size)
{
    if (call == NULL || size < sizeof *call)
        return;
    memset(call, 0, size);
    call->library.size = size;
}

void call_push(struct call_queue *queue, breaker_call_t *call)
{
    call->library.next = NULL;
    *queue->last = call;
    queue->last = &call->library.next;
}

/* Among the breaker's pending calls. */
static void join(breaker_t *breaker, breaker_call_t *call)
{
    call->library.breaker = breaker;
    call->library.previous_pending = NULL;
    call->library.next_pending = breaker->pending;
    if (breaker->pending != NULL)
        breaker->pending->library.previous_pending = call;
    breaker->pending = call;
    breaker->panel->pending++;
}

int breaker_call(breaker_t *breaker, breaker_call_t *call, breaker_start_cb start,
                 breaker_done_cb done)
{
    if (breaker == NULL || start == NULL || done == NULL || !call_is_ready_made(call) ||
        call->timeout > BREAKER_TIME_MAX || call->idle > BREAKER_TIME_MAX)
        return UV_EINVAL;
    if (call->library.stage != READY)
        return UV_EBUSY;
    if (!panel_is_open(breaker->panel))
        return UV_ESHUTDOWN;
    call->outcome = (breaker_outcome_t)0;
    call->refused = 0;
    call->retry_after = 0;
    call->last_error = 0;
    call->reason = 0;
    call->library.start = start;
    call->library.done = done;
    call->library.stage = WAITING;
    call->library.flags = 0;
    join(breaker, call);
    call_push(&breaker->panel->starts, call);
    panel_wake(breaker->panel);
    return 0;
}

breaker_t *breaker_of(const breaker_call_t *call)
{
    breaker_t *breaker = call_is_ready_made(call) ? call->library.breaker : NULL;

    return breaker == NULL || (breaker->flags & BREAKER_IS_GONE) ? NULL : breaker;
}

/* ---- In the drain ------------------------------------------------------------------------------*/

/* Runs start or fallback. Inside it the call may be finished, cancelled, or lose its breaker. */
static void run(breaker_call_t *call, breaker_start_cb start)
{
    int status;

    call->library.stage = RUNNING;
    call->library.flags |= STARTED;
    status = start(call);
    if (status < 0 && !(call->library.flags & FINISHED))
        call->library.flags &= ~(unsigned)STARTED; /* nothing was begun */
    if (call->library.stage != RUNNING)
        return;
    if (call->library.flags & STARTED) {
        if (call_timeout(call) > 0 || call->idle > 0)
            call_watch(call, panel_fresh_now(call_panel(call)));
        return;
    }
    call_conclude(call, policy_classify(call->library.breaker->policy, status), status);
}

static void refuse(breaker_call_t *call, uint64_t now)
{
    struct dialect_view view = breaker_view(call->library.breaker, now);

    call->refused = 1;
    call->retry_after = view.retry_after;
    call->last_error = view.last_error;
    if (call->fallback != NULL)
        run(call, call->fallback);
    else
        call_end(call, BREAKER_EREJECTED);
}

static void decided(breaker_call_t *call, bool is_refused, uint64_t now)
{
    if (is_refused) {
        refuse(call, now);
        return;
    }
    call->library.flags |= ADMITTED;
    if (call->library.flags & STOPPED)
        call_conclude(call, BREAKER_CANCELLED, UV_ECANCELED);
    else
        run(call, call->library.start);
}

void call_admitted(breaker_call_t *call, int verdict, breaker_permit_t permit, int reason)
{
    call->library.conversation = NULL;
    call->library.permit = permit;
    call->library.stage = DECIDED;
    if (verdict != 0)
        call->library.flags |= REFUSED;
    call->reason = verdict == 0 ? 0 : reason;
    call_push(&call_panel(call)->starts, call);
    panel_wake(call_panel(call));
}

void call_converse(breaker_call_t *call)
{
    if (call->library.stage == ASKING)
        turn_admit(call);
    else
        turn_settle(call, call->outcome, call->library.status);
}

/* A hold decides at once; it is looked at when a call begins. */
static bool must_converse(const breaker_call_t *call)
{
    uint8_t hold = call->library.breaker->circuit.hold;
    return call_converses(call) && hold != BREAKER_HOLD_OPEN && hold != BREAKER_HOLD_CLOSED;
}

/* In the drain: asks the circuit and goes on. */
static void begin(breaker_call_t *call, uint64_t now)
{
    if (call->library.stage == ENDING) { /* cancelled while it waited */
        call_push(&call_panel(call)->endings, call);
    } else if (call->library.stage == DECIDED) {
        decided(call, (call->library.flags & REFUSED) != 0, now);
    } else if (must_converse(call)) {
        call->library.stage = ASKING;
        turn_admit(call);
    } else {
        decided(call, breaker_admit(call->library.breaker, now, &call->library.permit) != 0, now);
    }
}

void call_run_starts(breaker_panel_t *panel)
{
    breaker_call_t *batch = call_take_all(&panel->starts);
    uint64_t now = panel_now(panel);

    while (batch != NULL) {
        breaker_call_t *call = batch;
        batch = call->library.next;
        begin(call, now);
    }
}
