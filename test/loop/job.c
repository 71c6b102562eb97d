/* The job's callbacks. */
#include "job.h"
#include <string.h>

const char *status_name(int status)
{
    static char name[32];

    if (status == BREAKER_EREJECTED)
        return "REJECTED";
    return status == 0 ? "0" : uv_err_name_r(status, name, sizeof name);
}

void job_init(struct fixture *f, struct job *job, const char *name)
{
    memset(job, 0, sizeof *job);
    job->f = f;
    job->name = name;
    API_VOID(breaker_call_init(&job->call));
}

struct job *job_new(struct fixture *f, const char *name)
{
    struct job *job = keep(f, sizeof *job);

    job_init(f, job, name);
    return job;
}

breaker_order_t *order_new(struct fixture *f)
{
    breaker_order_t *order = keep(f, sizeof *order);

    order->data = f;
    return order;
}

static struct job *told(breaker_call_t *call, const char *what)
{
    struct job *job = (struct job *)(void *)call;

    not_inside();
    if (!job->is_quiet)
        record(job->f, "%s:%s", what, job->name);
    return job;
}

static void act(struct job *job, void (*action)(struct job *job))
{
    if (action != NULL)
        action(job);
}

int job_start(breaker_call_t *call)
{
    struct job *job = told(call, "start");
    int result = job->start_result;

    job->starts++;
    act(job, job->in_start);
    return result;
}

int job_fallback(breaker_call_t *call)
{
    struct job *job = told(call, "fallback");
    int result = job->start_result;

    job->fallbacks++;
    act(job, job->in_start);
    return result;
}

void job_stop(breaker_call_t *call)
{
    struct job *job = told(call, "stop");

    job->stops++;
    act(job, job->in_stop);
}

void job_done(breaker_call_t *call, int status)
{
    struct job *job = (struct job *)(void *)call;

    not_inside();
    if (!job->is_quiet)
        record(job->f, "done:%s:%s", job->name, status_name(status));
    job->dones++;
    job->status = status;
    act(job, job->in_done);
}

void job_release(breaker_call_t *call)
{
    struct job *job = told(call, "release");

    job->releases++;
    act(job, job->in_release);
}

int job_call(struct job *job, breaker_t *breaker)
{
    return API(breaker_call(breaker, &job->call, job_start, job_done));
}

void job_begin(struct job *job, breaker_t *breaker)
{
    assert_int_equal(job_call(job, breaker), 0);
}

void job_finish(struct job *job, int status)
{
    assert_int_equal(API(breaker_finish(&job->call, status)), 0);
}

void job_cancel(struct job *job)
{
    assert_int_equal(API(breaker_cancel(&job->call)), 0);
}

void finish_well(struct job *job)
{
    job_finish(job, 0);
}

void finish_badly(struct job *job)
{
    job_finish(job, UV_ECONNRESET);
}

void finish_stopped(struct job *job)
{
    job_finish(job, UV_ECANCELED);
}
