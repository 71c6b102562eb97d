/* What call.c (how a call begins) and call_end.c (how it ends) share.
 *
 * A call ends twice: for the circuit, when its outcome is known (finished, late, cancelled, refused), and
 * for its I/O, when breaker_finish came. The stage says where it is with the circuit; the flags say what
 * is known of the I/O. */
#ifndef CALL_H
#define CALL_H

#include "panel.h"

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
    STOPPED = 1 << 4,  /* cancelled between the verdict and the start */
    REFUSED = 1 << 5   /* DECIDED: the verdict */
};

static inline bool call_is_ready_made(const breaker_call_t *call)
{
    return call != NULL && call->library.size == sizeof *call;
}

static inline breaker_panel_t *call_panel(const breaker_call_t *call)
{
    return call->library.breaker->panel;
}

static inline bool call_converses(const breaker_call_t *call)
{
    return (call->library.breaker->flags & BREAKER_CONVERSES) != 0;
}

static inline uint64_t call_timeout(const breaker_call_t *call)
{
    return call->timeout > 0 ? call->timeout : call->library.breaker->policy->rules.options.timeout;
}

static inline breaker_call_t *call_take_all(struct call_queue *queue)
{
    breaker_call_t *first = queue->first;

    queue->first = NULL;
    queue->last = &queue->first;
    return first;
}

/* The call is over for the circuit: done is told by the drain. */
void call_end(breaker_call_t *call, int status);

/* Tells the circuit, if it has admitted the call, and ends it. */
void call_conclude(breaker_call_t *call, breaker_outcome_t outcome, int status);

/* It has begun now, and has a timeout or must not be idle. */
void call_watch(breaker_call_t *call, uint64_t now);

#endif /* CALL_H */
