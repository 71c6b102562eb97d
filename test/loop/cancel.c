/* Cancelling a call, at each stage of its life and from inside each of its callbacks. */
#include "job.h"

static int cancel(struct job *job)
{
    return API(breaker_cancel(&job->call));
}

static void test_at_each_stage(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job"), raw = {.f = f};

    assert_int_equal(API(breaker_cancel(NULL)), UV_EINVAL);
    assert_int_equal(cancel(&raw), UV_EINVAL); /* never made ready */
    assert_int_equal(cancel(job), UV_EINVAL);  /* never begun */
    job->call.stop = job_stop;
    job->call.release = job_release;
    job_begin(job, breaker);
    assert_int_equal(cancel(job), 0); /* waiting */
    assert_int_equal(cancel(job), UV_EALREADY);
    turns(f, 1);
    expect(f, "done:job:ECANCELED release:job |");
    assert_int_equal(job->call.outcome, 0);
    assert_int_equal(cancel(job), UV_EALREADY); /* over */
    assert_int_equal(look(breaker).totals.admitted, 0);

    job_begin(job, breaker);
    turns(f, 1);
    assert_int_equal(cancel(job), 0); /* running */
    assert_int_equal(cancel(job), UV_EALREADY);
    assert_int_equal(look(breaker).in_flight, 0); /* its place is given back at once */
    turns(f, 1);
    assert_int_equal(cancel(job), UV_EALREADY); /* unfinished */
    job_finish(job, UV_ECANCELED);
    assert_int_equal(cancel(job), UV_EALREADY); /* to be released */
    turns(f, 1);
    expect(f, "start:job | stop:job done:job:ECANCELED | release:job |");
    assert_int_equal(job->call.outcome, BREAKER_CANCELLED);
    assert_int_equal(look(breaker).totals.cancelled, 1);

    job_begin(job, breaker);
    turns(f, 1);
    job_finish(job, 0);
    assert_int_equal(cancel(job), UV_EALREADY); /* finished */
    turns(f, 1);
    assert_int_equal(cancel(job), UV_EALREADY); /* after done */
    expect(f, "start:job | done:job:0 release:job |");
}

static void cancel_it(struct job *job)
{
    job_cancel(job);
}

static void cancel_in_vain(struct job *job)
{
    assert_int_equal(cancel(job), UV_EALREADY);
}

static void test_inside_start(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");

    job->call.stop = job_stop;
    job->call.release = job_release;
    job->in_start = cancel_it;
    job_begin(job, breaker);
    turns(f, 1);
    expect(f, "start:job stop:job done:job:ECANCELED |");
    job_finish(job, UV_ECANCELED);
    turns(f, 1);
    expect(f, "release:job |");
    job->start_result = UV_ENOTCONN; /* and nothing was begun */
    job_begin(job, breaker);
    turns(f, 1);
    expect(f, "start:job done:job:ECANCELED release:job |");
    assert_int_equal(look(breaker).totals.cancelled, 2);
    assert_int_equal(look(breaker).totals.failed, 0);
}

static void test_inside_the_last_callbacks(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");

    job->call.stop = job_stop;
    job->call.release = job_release;
    job->in_start = cancel_it;
    job->in_stop = cancel_in_vain;
    job->in_done = cancel_in_vain;
    job->in_release = cancel_in_vain;
    job_begin(job, breaker);
    turns(f, 1);
    job_finish(job, UV_ECANCELED);
    turns(f, 1);
    expect(f, "start:job stop:job done:job:ECANCELED | release:job |");
}

static void cancel_other(struct job *job)
{
    job_cancel(job->data);
}

/* Of one that waits in the same drain: its start does not run; and it ends in this drain. */
static void test_from_the_start_before(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *one = job_new(f, "one"), *two = job_new(f, "two");

    one->in_start = cancel_other;
    one->data = two;
    job_begin(one, breaker);
    job_begin(two, breaker);
    turns(f, 1);
    job_finish(one, 0);
    turns(f, 1);
    expect(f, "start:one done:two:ECANCELED | done:one:0 |");
    assert_int_equal(look(breaker).totals.admitted, 1);
}

/* A cancelled probe gives its place to the next, and says nothing. */
static void test_of_a_probe(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *probe = job_new(f, "probe"), *next = job_new(f, "next");

    count_many(breaker, 3, BREAKER_FAILURE);
    f->clock += 1000;
    job_begin(probe, breaker);
    job_begin(next, breaker);
    turns(f, 1);
    expect(f, "start:probe done:next:REJECTED |");
    job_cancel(probe);
    job_begin(next, breaker);
    turns(f, 1);
    assert_int_equal(look(breaker).state, BREAKER_RECOVERING);
    job_finish(probe, 0); /* too late to mean anything */
    assert_int_equal(look(breaker).state, BREAKER_RECOVERING);
    job_finish(next, 0);
    assert_int_equal(look(breaker).state, BREAKER_PASSING);
    turns(f, 1);
    expect(f, "start:next done:probe:ECANCELED | done:next:0 |");
    assert_int_equal(look(breaker).totals.late, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIRTUAL_TEST(test_at_each_stage),
        VIRTUAL_TEST(test_inside_start),
        VIRTUAL_TEST(test_inside_the_last_callbacks),
        VIRTUAL_TEST(test_from_the_start_before),
        VIRTUAL_TEST(test_of_a_probe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
