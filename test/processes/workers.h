/* Processes for tests: twenty, or up to fifty, forked, each with a loop, a storage in Redis and a breaker of
 * its own. They are led, and seen, through memory that they share with the test; so is the
 * dependency that they call, which is no more than counters. */
#ifndef WORKERS_H
#define WORKERS_H

#include "server.h"
#include <breaker.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WORKERS 20 /* usually */
#define WORKERS_MAX 50
#define WORKERS_PATIENCE 15000 /* ms */
#define WORKER_EVENTS 64

enum order { ORDER_NONE, ORDER_TRIP, ORDER_RECOVER, ORDER_RESET, ORDER_HOLD, ORDER_RACE };

struct told {
    breaker_state_t from, to;
    int elsewhere;
};

struct worker {
    pid_t pid; /* 0: it does not run */

    /* The test's to set. */
    atomic_uint rate;    /* calls a second */
    atomic_uint takes;   /* ms that a call takes; 0: it is over at once */
    atomic_bool is_sick; /* its own calls fail, whatever the dependency does */
    atomic_int order;    /* enum order; ORDER_NONE again when it was obeyed */
    atomic_int hold;     /* for ORDER_HOLD */
    atomic_int order_status;

    /* The worker's. */
    atomic_bool is_up;
    atomic_int state, held; /* as it sees the circuit, and the hold over it */
    atomic_uint asked, admitted, refused, in_flight;
    atomic_uint sample_admitted;     /* early in RECOVERING, */
    atomic_uint sample_expected;     /* and how many the ramp wanted, in millionths */
    atomic_uint broken_admitted;     /* where it said BROKEN before the call and after it */
    atomic_uint trials, most_trials; /* in RECOVERING: in flight now, and at most ever */
    atomic_uint lost, found;         /* the storage */
    struct told events[WORKER_EVENTS];
    atomic_uint event_count;
};

struct crew {
    struct worker workers[WORKERS_MAX];
    unsigned count;                  /* of those that were started */
    atomic_bool is_sick;             /* the dependency */
    atomic_uint failing;             /* or so many of a hundred calls fail */
    atomic_uint calls;               /* that reached it */
    atomic_uint trials, most_trials; /* in RECOVERING: in flight now, and at most ever */
    atomic_uint gate;                /* for ORDER_RACE: the workers that wait for each other */
};

struct crew_rig {
    struct server server;
    struct crew *crew;
};

/* Set-up and tear-down for cmocka: *state is a struct crew_rig. */
int crew_begin(void **state);
int crew_end(void **state);

/* Starts WORKERS of them, each at this rate; or so many, which take the policies in turn. */
void crew_start(struct crew_rig *rig, const breaker_options_t *options, unsigned rate);
void crew_start_with(struct crew_rig *rig, const breaker_options_t *options, unsigned policies,
                     unsigned rate, unsigned count);
void crew_kill(struct crew_rig *rig, unsigned index);

/* What the workers see, on stderr; returns true. */
bool crew_tell(void);

/* Waits for what must come; fails the test if it does not. */
#define CREW_UNTIL(condition)                                \
    do {                                                     \
        unsigned waited_ = 0;                                \
        while (!(condition)) {                               \
            if (waited_++ > WORKERS_PATIENCE && crew_tell()) \
                fail_msg("waited in vain for " #condition);  \
            usleep(1000);                                    \
        }                                                    \
    } while (0)

/* Of the workers that run. */
unsigned crew_count(const struct crew *crew, breaker_state_t state);
unsigned crew_held(const struct crew *crew, breaker_hold_t hold);
unsigned crew_running(const struct crew *crew);
unsigned crew_sum(const struct crew *crew, size_t counter); /* its offset in a worker */
#define CREW_SUM(crew, counter) crew_sum((crew), offsetof(struct worker, counter))

void crew_order(struct crew *crew, unsigned index, enum order order, breaker_hold_t hold);
void crew_forget_events(struct crew *crew);
/* The transitions to a state that a worker was told. */
unsigned crew_told(const struct worker *worker, breaker_state_t to, int elsewhere);

/* ---- workers.c's for worker.c */
void worker_live(struct crew *crew, struct worker *worker, const char *path,
                 const breaker_options_t *options);

#endif /* WORKERS_H */
