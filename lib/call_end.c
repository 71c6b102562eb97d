/* How a call ends: finished, late, cancelled or abandoned, and its last callbacks. */
#include "call.h"

/* A loop that is this late, in ms, stood still; less is the usual grain of timers. */
enum { STANDSTILL = 20 };

/* The library is done with the call. */
static void part(breaker_call_t *call)
{
    breaker_t *breaker = call->library.breaker;
    breaker_call_t *next = call->library.next_pending, *previous = call->library.previous_pending;

    if (previous != NULL)
        previous->library.next_pending = next;
    else
        breaker->pending = next;
    if (next != NULL)
        next->library.previous_pending = previous;
    call->library.stage = READY;
    if (breaker->flags & BREAKER_IS_GONE)
        call->library.breaker = NULL;
    breaker->panel->pending--;
    registry_drop_if_over(breaker);
}

/* ---- For the circuit ----------------------------------------------------------------------------*/

void call_end(breaker_call_t *call, int status)
{
    call->library.stage = ENDING;
    call->library.status = status;
    call_push(&call_panel(call)->endings, call);
}

void call_conclude(breaker_call_t *call, breaker_outcome_t outcome, int status)
{
    wheel_remove(&call->library.due);
    if (call->library.flags & ADMITTED) {
        call->library.flags &= ~(unsigned)ADMITTED;
        call->outcome = outcome;
        if (call_converses(call) && call->library.permit.epoch != NATIVE_UNCOUNTED) {
            call->library.stage = SETTLING;
            call->library.status = status;
            turn_settle(call, outcome, status);
            return;
        }
        breaker_settle(call->library.breaker, panel_now(call_panel(call)), call->library.permit,
                       outcome, status);
    }
    call_end(call, status);
}

void call_settled(breaker_call_t *call, int verdict, int reason)
{
    call->library.conversation = NULL;
    if (verdict == BREAKER_ETRIPPED) {
        call->library.status = verdict;
        call->reason = reason;
    }
    call_end(call, call->library.status);
    panel_wake(call_panel(call));
}

/* ---- By the caller ------------------------------------------------------------------------------*/

/* After the circuit's end. An I/O that was stopped says UV_ECANCELED: then no result came late. */
static void finish_late(breaker_call_t *call, int status)
{
    breaker_panel_t *panel = call_panel(call);

    if (status != UV_ECANCELED && !call->refused)
        breaker_late(call->library.breaker, panel_now(panel), call->library.permit.start, status);
    if (call->library.stage != UNFINISHED)
        return; /* done is still to be told, and will see that the I/O is over */
    if (call->release != NULL)
        call_push(&panel->endings, call);
    else
        part(call);
}

static int finish(breaker_call_t *call, int status, breaker_outcome_t outcome)
{
    if (call->library.flags & FINISHED)
        return BREAKER_ESTALE;
    if (!(call->library.flags & STARTED))
        return UV_EINVAL;
    call->library.flags |= FINISHED;
    panel_wake(call_panel(call));
    if (call->library.stage == RUNNING)
        call_conclude(call, outcome, status);
    else
        finish_late(call, status);
    return 0;
}

int breaker_finish(breaker_call_t *call, int status)
{
    breaker_outcome_t outcome = BREAKER_SUCCESS;

    if (!call_is_ready_made(call))
        return UV_EINVAL;
    if (call->library.stage == RUNNING && (call->library.flags & ADMITTED))
        outcome = policy_classify(call->library.breaker->policy, status);
    return finish(call, status, outcome);
}

int breaker_finish_as(breaker_call_t *call, int status, breaker_outcome_t outcome)
{
    if (!call_is_ready_made(call) || outcome < BREAKER_SUCCESS || outcome > BREAKER_CANCELLED)
        return UV_EINVAL;
    return finish(call, status, outcome);
}

/* It lies in the queue of starts, whose drain sends it on to its end. */
static void cancel_waiting(breaker_call_t *call)
{
    call->library.stage = ENDING;
    call->library.status = UV_ECANCELED;
}

int breaker_cancel(breaker_call_t *call)
{
    if (!call_is_ready_made(call))
        return UV_EINVAL;
    switch ((enum stage)call->library.stage) {
    case READY:
        return call->library.done == NULL ? UV_EINVAL : UV_EALREADY;
    case WAITING:
        cancel_waiting(call);
        return 0;
    case ASKING:
        turn_forget(call);
        call_end(call, UV_ECANCELED);
        panel_wake(call_panel(call));
        return 0;
    case DECIDED: /* a permit must be given back */
        if (call->library.flags & STOPPED)
            return UV_EALREADY;
        if (call->library.flags & REFUSED)
            cancel_waiting(call);
        call->library.flags |= STOPPED;
        return 0;
    case RUNNING:
        panel_wake(call_panel(call));
        call_conclude(call, BREAKER_CANCELLED, UV_ECANCELED);
        return 0;
    case SETTLING:
    case ENDING:
    case UNFINISHED:
        break;
    }
    return UV_EALREADY;
}

/* The breaker is destroyed: nothing more is asked or counted. */
static void abandon(breaker_call_t *call)
{
    if (call->library.flags & ADMITTED)
        call->outcome = BREAKER_CANCELLED;
    call->library.flags &= ~(unsigned)ADMITTED;
    switch ((enum stage)call->library.stage) {
    case DECIDED:
        cancel_waiting(call);
        break;
    case SETTLING: /* its status is known */
        turn_forget(call);
        call_end(call, call->library.status);
        panel_wake(call_panel(call));
        break;
    default:
        breaker_cancel(call);
    }
}

void call_abandon(breaker_t *breaker)
{
    for (breaker_call_t *call = breaker->pending; call != NULL; call = call->library.next_pending)
        abandon(call);
}

/* ---- By the clock -------------------------------------------------------------------------------*/

static void on_late(struct breaker_due_s *due);

/* When it is late, as far as is known now. */
static uint64_t limit(const breaker_call_t *call)
{
    uint64_t falls_idle = call->idle > 0 ? time_after(call->library.heard, call->idle) : UINT64_MAX;

    return call->library.ends < falls_idle ? call->library.ends : falls_idle;
}

static void set_deadline(breaker_call_t *call, uint64_t time)
{
    call->library.due.time = time;
    call->library.due.late = on_late;
    wheel_add(&call_panel(call)->wheel, &call->library.due);
}

void call_watch(breaker_call_t *call, uint64_t now)
{
    uint64_t timeout = call_timeout(call);

    call->library.ends = timeout > 0 ? time_after(now, timeout) : UINT64_MAX;
    call->library.heard = now;
    set_deadline(call, limit(call));
}

int breaker_touch(breaker_call_t *call)
{
    if (!call_is_ready_made(call) || !(call->library.flags & STARTED))
        return UV_EINVAL;
    if (call->library.stage != RUNNING)
        return BREAKER_ESTALE;
    call->library.heard = panel_now(call_panel(call));
    return 0;
}

/* The loop itself stood still: the call gets that time back, once. */
static bool extend(breaker_call_t *call, uint64_t now)
{
    uint64_t late = now - call->library.due.time, most = call_timeout(call);

    if (late < STANDSTILL || (call->library.flags & EXTENDED) ||
        !panel_judges_real_time(call_panel(call)))
        return false;
    if (most == 0 || (call->idle > 0 && call->idle < most))
        most = call->idle;
    call->library.flags |= EXTENDED;
    set_deadline(call, time_after(now, late < most ? late : most));
    return true;
}

static void on_late(struct breaker_due_s *due)
{
    breaker_call_t *call = call_of(due);
    breaker_panel_t *panel = call_panel(call);
    uint64_t now = panel_now(panel);

    if (limit(call) > now) { /* it was heard of */
        set_deadline(call, limit(call));
        return;
    }
    if (extend(call, now))
        return;
    if (call->library.flags & ADMITTED)
        call->library.breaker->totals.timed_out++;
    call_conclude(call, BREAKER_FAILURE, UV_ETIMEDOUT);
    panel_wake(panel);
}

/* ---- The last callbacks ------------------------------------------------------------------------*/

static void leave(breaker_call_t *call)
{
    breaker_call_cb release = call->release;

    part(call);
    release(call);
}

static bool io_is_over(const breaker_call_t *call)
{
    return (call->library.flags & FINISHED) || !(call->library.flags & STARTED);
}

/* After done the call is touched only where it cannot be the caller's yet. */
static void tell(breaker_call_t *call)
{
    breaker_done_cb done = call->library.done;
    int status = call->library.status;

    if (!io_is_over(call) && call->stop != NULL)
        call->stop(call);
    if (!io_is_over(call)) {
        call->library.stage = UNFINISHED;
        done(call, status);
    } else if (call->release != NULL) {
        done(call, status);
        leave(call);
    } else {
        breaker_t *breaker = call->library.breaker;
        part(call);
        call->library.breaker = breaker; /* for done, and no longer */
        done(call, status);
    }
}

/* Inside these callbacks the call may be asked for its breaker, which they may destroy. */
static void end(breaker_call_t *call)
{
    breaker_t *breaker = call->library.breaker;

    breaker->flags |= BREAKER_IS_ASKED;
    if (call->library.stage == UNFINISHED)
        leave(call);
    else
        tell(call);
    breaker->flags &= (uint8_t)~BREAKER_IS_ASKED;
    registry_drop_if_over(breaker);
}

void call_run_endings(breaker_panel_t *panel)
{
    breaker_call_t *batch = call_take_all(&panel->endings);

    while (batch != NULL) {
        breaker_call_t *call = batch;
        batch = call->library.next;
        end(call);
    }
}
