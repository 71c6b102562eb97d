/* A call with callbacks, from the queue to its last callback. It ends twice: for the circuit, when its
 * outcome is known (finished, late, cancelled, refused), and for its I/O, when breaker_finish came. The
 * stage says where it is with the circuit; the flags say what is known of the I/O. */
#include "panel.h"
#include <string.h>

enum stage {
    READY,     /* made ready, or over: the caller's */
    WAITING,   /* in the queue of starts */
    ASKING,    /* a dialect converses about its admission */
    DECIDED,   /* it has the verdict; in the queue of starts again */
    RUNNING,   /* its start, or the fallback, is under way */
    SETTLING,  /* a dialect converses about its outcome */
    ENDING,    /* its status is known; done is to be told */
    UNFINISHED /* done was told; its I/O is not over */
};

enum {
    STARTED = 1 << 0,  /* breaker_finish is due */
    FINISHED = 1 << 1, /* and came */
    ADMITTED = 1 << 2, /* holds a permit */
    EXTENDED = 1 << 3, /* was given the time that the loop stood still */
    STOPPED = 1 << 4   /* cancelled between the verdict and the start */
};

/* A loop that is this late, in ms, stood still; less is the usual grain of timers. */
enum { STANDSTILL = 20 };

void breaker_call_init_sized(breaker_call_t *call, size_t size)
{
    if (call == NULL || size < sizeof *call)
        return;
    memset(call, 0, size);
    call->library.size = size;
}

static bool is_ready_made(const breaker_call_t *call)
{
    return call != NULL && call->library.size == sizeof *call;
}

void call_push(struct call_queue *queue, breaker_call_t *call)
{
    call->library.next = NULL;
    *queue->last = call;
    queue->last = &call->library.next;
}

breaker_call_t *call_pop(struct call_queue *queue)
{
    breaker_call_t *call = queue->first;

    if (call != NULL && (queue->first = call->library.next) == NULL)
        queue->last = &queue->first;
    return call;
}

static breaker_call_t *take_all(struct call_queue *queue)
{
    breaker_call_t *first = queue->first;

    queue->first = NULL;
    queue->last = &queue->first;
    return first;
}

static breaker_panel_t *panel_of(const breaker_call_t *call)
{
    return call->library.breaker->panel;
}

/* ---- Among the breaker's pending calls ---------------------------------------------------------*/

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
    call->library.breaker = NULL;
    breaker->panel->pending--;
    registry_drop_if_over(breaker);
}

/* ---- Beginning ---------------------------------------------------------------------------------*/

int breaker_call(breaker_t *breaker, breaker_call_t *call, breaker_start_cb start,
                 breaker_done_cb done)
{
    if (breaker == NULL || start == NULL || done == NULL || !is_ready_made(call) ||
        call->timeout > BREAKER_TIME_MAX)
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

/* The call is over for the circuit. */
static void end(breaker_call_t *call, int status)
{
    call->library.stage = ENDING;
    call->library.status = status;
    call_push(&panel_of(call)->endings, call);
}

static bool converses(const breaker_call_t *call)
{
    return (call->library.breaker->flags & BREAKER_CONVERSES) != 0;
}

/* Tells the circuit, if it has admitted the call, and ends it. */
static void conclude(breaker_call_t *call, breaker_outcome_t outcome, int status)
{
    wheel_remove(&call->library.due);
    if (call->library.flags & ADMITTED) {
        call->library.flags &= ~(unsigned)ADMITTED;
        call->outcome = outcome;
        if (converses(call) && call->library.permit.epoch != NATIVE_UNCOUNTED) {
            call->library.stage = SETTLING;
            call->library.status = status;
            turn_settle(call, outcome, status);
            return;
        }
        breaker_settle(call->library.breaker, panel_now(panel_of(call)), call->library.permit,
                       outcome, status);
    }
    end(call, status);
}

void call_settled(breaker_call_t *call, int verdict, int reason)
{
    call->library.conversation = NULL;
    if (verdict == BREAKER_ETRIPPED) {
        call->library.status = verdict;
        call->reason = reason;
    }
    end(call, call->library.status);
    panel_wake(panel_of(call));
}

static uint64_t timeout_of(const breaker_call_t *call)
{
    return call->timeout > 0 ? call->timeout : call->library.breaker->policy->rules.options.timeout;
}

static void on_late(struct breaker_due_s *due);

static void set_deadline(breaker_call_t *call, uint64_t from, uint64_t time)
{
    call->library.due.time = from + time;
    call->library.due.late = on_late;
    wheel_add(&panel_of(call)->wheel, &call->library.due);
}

/* Runs start or fallback. Inside it the call may be finished, cancelled, or lose its breaker. */
static void run(breaker_call_t *call, breaker_start_cb start)
{
    uint64_t timeout = timeout_of(call);
    int status;

    call->library.stage = RUNNING;
    call->library.flags |= STARTED;
    status = start(call);
    if (status < 0 && !(call->library.flags & FINISHED))
        call->library.flags &= ~(unsigned)STARTED; /* nothing was begun */
    if (call->library.stage != RUNNING)
        return;
    if (call->library.flags & STARTED) {
        if (timeout > 0)
            set_deadline(call, panel_fresh_now(panel_of(call)), timeout);
        return;
    }
    conclude(call, policy_classify(call->library.breaker->policy, status), status);
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
        end(call, BREAKER_EREJECTED);
}

static void decided(breaker_call_t *call, int verdict, uint64_t now)
{
    if (verdict != 0) {
        refuse(call, now);
        return;
    }
    call->library.flags |= ADMITTED;
    if (call->library.flags & STOPPED)
        conclude(call, BREAKER_CANCELLED, UV_ECANCELED);
    else
        run(call, call->library.start);
}

void call_admitted(breaker_call_t *call, int verdict, breaker_permit_t permit, int reason)
{
    call->library.conversation = NULL;
    call->library.permit = permit;
    call->library.stage = DECIDED;
    call->library.status = verdict;
    call->reason = verdict == 0 ? 0 : reason;
    call_push(&panel_of(call)->starts, call);
    panel_wake(panel_of(call));
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
    return converses(call) && hold != BREAKER_HOLD_OPEN && hold != BREAKER_HOLD_CLOSED;
}

/* In the drain: asks the circuit and goes on. */
static void begin(breaker_call_t *call, uint64_t now)
{
    if (call->library.stage == ENDING) { /* cancelled while it waited */
        call_push(&panel_of(call)->endings, call);
    } else if (call->library.stage == DECIDED) {
        decided(call, call->library.status, now);
    } else if (must_converse(call)) {
        call->library.stage = ASKING;
        turn_admit(call);
    } else {
        decided(call, breaker_admit(call->library.breaker, now, &call->library.permit), now);
    }
}

void call_run_starts(breaker_panel_t *panel)
{
    breaker_call_t *batch = take_all(&panel->starts);
    uint64_t now = panel_now(panel);

    while (batch != NULL) {
        breaker_call_t *call = batch;
        batch = call->library.next;
        begin(call, now);
    }
}

/* ---- Ending ------------------------------------------------------------------------------------*/

/* After the circuit's end. An I/O that was stopped says UV_ECANCELED: then no result came late. */
static void finish_late(breaker_call_t *call, int status)
{
    breaker_panel_t *panel = panel_of(call);

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
    panel_wake(panel_of(call));
    if (call->library.stage == RUNNING)
        conclude(call, outcome, status);
    else
        finish_late(call, status);
    return 0;
}

int breaker_finish(breaker_call_t *call, int status)
{
    breaker_outcome_t outcome = BREAKER_SUCCESS;

    if (!is_ready_made(call))
        return UV_EINVAL;
    if (call->library.stage == RUNNING && (call->library.flags & ADMITTED))
        outcome = policy_classify(call->library.breaker->policy, status);
    return finish(call, status, outcome);
}

int breaker_finish_as(breaker_call_t *call, int status, breaker_outcome_t outcome)
{
    if (!is_ready_made(call) || outcome < BREAKER_SUCCESS || outcome > BREAKER_CANCELLED)
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
    if (!is_ready_made(call))
        return UV_EINVAL;
    switch ((enum stage)call->library.stage) {
    case READY:
        return call->library.done == NULL ? UV_EINVAL : UV_EALREADY;
    case WAITING:
        cancel_waiting(call);
        return 0;
    case ASKING:
        turn_forget(call);
        end(call, UV_ECANCELED);
        panel_wake(panel_of(call));
        return 0;
    case DECIDED: /* a permit must be given back */
        if (call->library.flags & STOPPED)
            return UV_EALREADY;
        if (call->library.status != 0)
            cancel_waiting(call);
        call->library.flags |= STOPPED;
        return 0;
    case RUNNING:
        panel_wake(panel_of(call));
        conclude(call, BREAKER_CANCELLED, UV_ECANCELED);
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
        end(call, call->library.status);
        panel_wake(panel_of(call));
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

/* The loop itself stood still: the call gets that time back, once. */
static bool extend(breaker_call_t *call, uint64_t now)
{
    uint64_t late = now - call->library.due.time, timeout = timeout_of(call);

    if (late < STANDSTILL || (call->library.flags & EXTENDED) ||
        !panel_judges_real_time(panel_of(call)))
        return false;
    call->library.flags |= EXTENDED;
    set_deadline(call, now, late < timeout ? late : timeout);
    return true;
}

static void on_late(struct breaker_due_s *due)
{
    breaker_call_t *call =
        (breaker_call_t *)(void *)((char *)due - offsetof(breaker_call_t, library.due));
    breaker_panel_t *panel = panel_of(call);

    if (extend(call, panel_now(panel)))
        return;
    if (call->library.flags & ADMITTED)
        call->library.breaker->totals.timed_out++;
    conclude(call, BREAKER_FAILURE, UV_ETIMEDOUT);
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
        part(call);
        done(call, status);
    }
}

void call_run_endings(breaker_panel_t *panel)
{
    breaker_call_t *batch = take_all(&panel->endings);

    while (batch != NULL) {
        breaker_call_t *call = batch;
        batch = call->library.next;
        if (call->library.stage == UNFINISHED)
            leave(call);
        else
            tell(call);
    }
}
