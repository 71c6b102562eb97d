/* One guarded call of a test: records its callbacks, and does in each what the test put there. */
#ifndef LOOP_JOB_H
#define LOOP_JOB_H

#include "fixture.h"

struct job {
    breaker_call_t call; /* first: the call is the job */
    struct fixture *f;
    const char *name;
    int start_result; /* what start, and the fallback, return */
    bool is_quiet;    /* nothing is recorded */
    /* Done inside the callbacks, after recording. NULL: nothing. */
    void (*in_start)(struct job *job);
    void (*in_stop)(struct job *job);
    void (*in_done)(struct job *job);
    void (*in_release)(struct job *job);
    void *data;
    /* What was told. */
    unsigned starts, stops, dones, releases, fallbacks;
    int status;
};

struct job *job_new(struct fixture *f, const char *name); /* the fixture's memory, to its end */
void job_init(struct fixture *f, struct job *job, const char *name);
breaker_order_t *order_new(struct fixture *f); /* the same; data is the fixture */

/* The job's callbacks: start:NAME stop:NAME done:NAME:STATUS release:NAME fallback:NAME, with STATUS as
 * libuv names it (or 0, REJECTED). */
int job_start(breaker_call_t *call);
void job_stop(breaker_call_t *call);
void job_done(breaker_call_t *call, int status);
void job_release(breaker_call_t *call);
int job_fallback(breaker_call_t *call);

int job_call(struct job *job, breaker_t *breaker);
/* Asserts that it is accepted. */
void job_begin(struct job *job, breaker_t *breaker);
void job_finish(struct job *job, int status);
void job_cancel(struct job *job);

/* For in_...: */
void finish_well(struct job *job);
void finish_badly(struct job *job);   /* UV_ECONNRESET */
void finish_stopped(struct job *job); /* UV_ECANCELED */

const char *status_name(int status);

#endif /* LOOP_JOB_H */
