/* A breaker_finish that comes twice, too early, too late, or where nothing was started; and whose call it
 * is meanwhile. */
#include "job.h"

static void test_finish_twice(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");

    job->call.release = job_release;
    assert_int_equal(API(breaker_finish(&job->call, 0)), UV_EINVAL);
    job_begin(job, breaker);
    assert_int_equal(API(breaker_finish(&job->call, 0)), UV_EINVAL); /* not started */
    turns(f, 1);
    job_finish(job, 0);
    assert_int_equal(API(breaker_finish(&job->call, UV_EPIPE)), BREAKER_ESTALE);
    turns(f, 2);
    assert_int_equal(API(breaker_finish(&job->call, UV_EPIPE)), BREAKER_ESTALE);
    turns(f, 1);
    expect(f, "start:job | done:job:0 release:job | | |");
    assert_int_equal(look(breaker).totals.ok, 1);
    assert_int_equal(look(breaker).totals.failed + look(breaker).totals.late, 0);
}

static void test_finish_of_what_never_started(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");

    job->start_result = UV_ENOTCONN;
    job_begin(job, breaker);
    turns(f, 1);
    expect(f, "start:job done:job:ENOTCONN |");
    assert_int_equal(API(breaker_finish(&job->call, 0)), UV_EINVAL);
    job_begin(job, breaker);
    job_cancel(job);
    turns(f, 1);
    assert_int_equal(API(breaker_finish(&job->call, 0)), UV_EINVAL);
    assert_int_equal(API(breaker_trip(breaker, NULL, NULL)), 0);
    job_begin(job, breaker);
    turns(f, 1);
    assert_int_equal(API(breaker_finish(&job->call, 0)), UV_EINVAL);
    expect(f, "done:job:ECANCELED | done:job:REJECTED |");
}

/* After done a finish changes nothing but the count of late results. */
static void test_finish_after_done(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");
    breaker_snapshot_t before, after;

    job->call.timeout = 10;
    job_begin(job, breaker);
    turns(f, 1);
    f->clock += 10;
    turns(f, 1);
    expect(f, "start:job | done:job:ETIMEDOUT |");
    before = look(breaker);
    assert_int_equal(before.totals.failed, 1);
    job_finish(job, 0);
    after = look(breaker);
    assert_int_equal(after.totals.late, 1);
    after.totals.late = 0;
    assert_memory_equal(&before, &after, sizeof before);
    turns(f, 2);
    expect(f, "| |");
    job_begin(job, breaker); /* and the request is free again */
    turns(f, 1);
    job_finish(job, 0);
    turns(f, 1);
    expect(f, "start:job | done:job:0 |");
}

/* ---- Whose call it is --------------------------------------------------------------------------*/

static void name_breaker(struct job *job)
{
    breaker_t *breaker = breaker_of(&job->call);

    record(job->f, "of:%s", breaker != NULL ? breaker_name(breaker) : "none");
}

static void test_the_breaker_of_a_call(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job"), raw = {.f = f};

    assert_null(breaker_of(NULL));
    assert_null(breaker_of(&raw.call));
    assert_null(breaker_of(&job->call));
    job->call.stop = job_stop;
    job->in_start = job->in_stop = job->in_done = name_breaker;
    job_begin(job, breaker);
    assert_ptr_equal(breaker_of(&job->call), breaker);
    turns(f, 1);
    job_finish(job, 0);
    turns(f, 1);
    expect(f, "start:job of:a | done:job:0 of:a |");
    job_begin(job, breaker);
    turns(f, 1);
    job_cancel(job);
    turns(f, 1);
    job_finish(job, UV_ECANCELED);
    expect(f, "start:job of:a | stop:job of:a done:job:ECANCELED of:a |");
    for (int is_finished = 0; is_finished < 2; is_finished++) {
        breaker = is_finished ? quick_breaker(f, "a") : breaker;
        job_begin(job, breaker);
        turns(f, 1);
        if (is_finished)
            job_finish(job, 0);
        API_VOID(breaker_destroy(breaker));
        assert_null(breaker_of(&job->call));
        turns(f, 1);
        if (!is_finished)
            job_finish(job, UV_ECANCELED);
    }
    expect(f, "start:job of:a | stop:job of:none done:job:ECANCELED of:none | "
              "start:job of:a | done:job:0 of:none |");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIRTUAL_TEST(test_finish_twice),
        VIRTUAL_TEST(test_finish_of_what_never_started),
        VIRTUAL_TEST(test_finish_after_done),
        VIRTUAL_TEST(test_the_breaker_of_a_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
