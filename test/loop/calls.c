/* Calls with callbacks, beyond the promises: refusals and fallbacks, what a status means, cancelling at
 * every stage, and requests used again. */
#include "job.h"
#include "watcher.h"

static void trip(breaker_t *breaker)
{
    assert_int_equal(API(breaker_trip(breaker, NULL, NULL)), 0);
}

/* ---- Refused -----------------------------------------------------------------------------------*/

static void test_what_a_refusal_says(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");

    job->call.release = job_release;
    count_many(breaker, 3, BREAKER_FAILURE);
    f->clock += 300;
    job_begin(job, breaker);
    turns(f, 1);
    expect(f, "done:job:REJECTED release:job |");
    assert_int_equal(job->call.refused, 1);
    assert_int_equal(job->call.outcome, 0);
    assert_int_equal(job->call.retry_after, 700);
    assert_int_equal(job->call.last_error, UV_ECONNRESET);
    assert_int_equal(look(breaker).totals.rejected, 1);
    assert_int_equal(API(breaker_hold(breaker, BREAKER_HOLD_OPEN, NULL, NULL)), 0);
    job_begin(job, breaker);
    turns(f, 1);
    assert_true(job->call.retry_after == UINT64_MAX);
    assert_int_equal(API(breaker_hold(breaker, BREAKER_HOLD_NONE, NULL, NULL)), 0);
    f->clock += 1000; /* the next one is admitted, and says none of it */
    job_begin(job, breaker);
    turns(f, 1);
    job_finish(job, 0);
    turns(f, 1);
    expect(f, "done:job:REJECTED release:job | start:job | done:job:0 release:job |");
    assert_int_equal(job->call.refused, 0);
    assert_int_equal(job->call.outcome, BREAKER_SUCCESS);
    assert_int_equal(job->call.retry_after, 0);
    assert_int_equal(job->call.last_error, 0);
}

/* The circuit is asked in the drain, not when the call is made. */
static void test_asked_in_the_drain(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *one = job_new(f, "one"), *two = job_new(f, "two");

    job_begin(one, breaker);
    trip(breaker);
    turns(f, 1);
    job_begin(two, breaker);
    assert_int_equal(API(breaker_reset(breaker, NULL, NULL)), 0);
    turns(f, 1);
    job_finish(two, 0);
    turns(f, 1);
    expect(f, "done:one:REJECTED | start:two | done:two:0 |");
}

static void test_a_fallback(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");
    breaker_snapshot_t before, after;

    trip(breaker);
    job->call.fallback = job_fallback;
    job->call.release = job_release;
    before = look(breaker);
    job_begin(job, breaker);
    turns(f, 1);
    job_finish(job, UV_EPIPE);
    turns(f, 1);
    expect(f, "fallback:job | done:job:EPIPE release:job |");
    assert_int_equal(job->call.refused, 1);
    assert_int_equal(job->call.outcome, 0);
    assert_int_equal(job->call.retry_after, 1000);
    after = look(breaker); /* what it brings is not counted */
    assert_int_equal(after.totals.rejected, 1);
    after.totals.rejected = 0;
    assert_memory_equal(&before, &after, sizeof before);
}

static void test_a_fallback_at_once_failing_or_late(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");

    trip(breaker);
    job->call.fallback = job_fallback;
    job->call.stop = job_stop;
    job->in_start = finish_well;
    job_begin(job, breaker);
    turns(f, 1);
    expect(f, "fallback:job done:job:0 |");
    job->in_start = NULL;
    job->start_result = UV_ENOENT;
    job_begin(job, breaker);
    turns(f, 1);
    expect(f, "fallback:job done:job:ENOENT |");
    job->start_result = 0;
    job->call.timeout = 20;
    job_begin(job, breaker);
    turns(f, 1);
    f->clock += 20;
    turns(f, 1);
    expect(f, "fallback:job | stop:job done:job:ETIMEDOUT |");
    job_finish(job, 0);
    job_begin(job, breaker);
    turns(f, 1);
    job_cancel(job);
    turns(f, 1);
    job_finish(job, 0);
    expect(f, "fallback:job | stop:job done:job:ECANCELED |");
    assert_int_equal(look(breaker).totals.late + look(breaker).totals.timed_out, 0);
    assert_int_equal(look(breaker).totals.cancelled, 0);
    assert_int_equal(look(breaker).totals.rejected, 4);
}

/* ---- What a status means -----------------------------------------------------------------------*/

static void call_with(struct job *job, breaker_t *breaker, int status)
{
    job_begin(job, breaker);
    settle_down(job->f);
    job_finish(job, status);
    settle_down(job->f);
    assert_int_equal(job->status, status);
}

static void test_the_builtin_classifier(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");

    call_with(job, breaker, 0);
    assert_int_equal(job->call.outcome, BREAKER_SUCCESS);
    call_with(job, breaker, 4711);
    assert_int_equal(job->call.outcome, BREAKER_SUCCESS);
    call_with(job, breaker, UV_EPIPE);
    assert_int_equal(job->call.outcome, BREAKER_FAILURE);
    call_with(job, breaker, UV_ECANCELED);
    assert_int_equal(job->call.outcome, BREAKER_CANCELLED);
    job->start_result = UV_ECANCELED; /* what start returns is a status, too */
    job_begin(job, breaker);
    settle_down(f);
    assert_int_equal(job->call.outcome, BREAKER_CANCELLED);
    job->start_result = UV_EMFILE;
    job_begin(job, breaker);
    settle_down(f);
    assert_int_equal(job->call.outcome, BREAKER_FAILURE);
    assert_int_equal(look(breaker).last_error, UV_EMFILE);
}

static breaker_outcome_t by_the_number(void *data, int status)
{
    unsigned *asked = data;

    *asked += 1;
    return (breaker_outcome_t)status; /* 1 .. 4, or anything else */
}

static void test_a_classifier_of_ones_own(void **state)
{
    struct fixture *f = *state;
    breaker_options_t options;
    breaker_t *breaker;
    struct job *job = job_new(f, "job");
    unsigned asked = 0;

    quick_options(&options);
    options.classify = by_the_number;
    options.classify_data = &asked;
    breaker = make_breaker(f, "a", &options);
    for (int outcome = BREAKER_SUCCESS; outcome <= BREAKER_CANCELLED; outcome++) {
        call_with(job, breaker, outcome);
        assert_int_equal(job->call.outcome, outcome);
    }
    call_with(job, breaker, 0);
    assert_int_equal(job->call.outcome, BREAKER_FAILURE);
    call_with(job, breaker, 5);
    assert_int_equal(job->call.outcome, BREAKER_FAILURE);
    assert_int_equal(asked, 6);
    API(breaker_reset(breaker, NULL, NULL));
    job->call.timeout = 5; /* not asked about timeouts and cancels */
    job_begin(job, breaker);
    settle_down(f);
    f->clock += 5;
    settle_down(f);
    assert_int_equal(job->call.outcome, BREAKER_FAILURE);
    job_finish(job, 1); /* nor about what comes late */
    job_begin(job, breaker);
    settle_down(f);
    job_cancel(job);
    settle_down(f);
    job_finish(job, 1);
    assert_int_equal(asked, 6);
}

static void test_excluded_statuses_grow_at_run_time(void **state)
{
    struct fixture *f = *state;
    breaker_options_t options;
    breaker_policy_t *policy;
    breaker_t *breaker;
    struct job *job = job_new(f, "job");
    unsigned asked = 0;

    quick_options(&options);
    options.classify = by_the_number;
    options.classify_data = &asked;
    options.consecutive_failures = 1000;
    breaker = make_breaker(f, "a", &options);
    policy = breaker_policy(breaker);
    for (int i = 0; i < 200; i++) { /* in no helpful order */
        int status = i * 67 % 200 - 100;
        if (status % 3 == 0)
            assert_int_equal(API(breaker_policy_exclude(policy, status)), 0);
    }
    assert_int_equal(API(breaker_policy_exclude(policy, UV_ENOENT)), 0);
    assert_int_equal(API(breaker_policy_exclude(policy, UV_ENOENT)), 0); /* twice is once */
    call_with(job, breaker, UV_ENOENT);
    assert_int_equal(job->call.outcome, BREAKER_IGNORED);
    assert_int_equal(asked, 0);
    job->start_result = UV_ENOENT;
    job_begin(job, breaker);
    settle_down(f);
    assert_int_equal(job->call.outcome, BREAKER_IGNORED);
    job->start_result = 0;
    assert_int_equal(API(breaker_policy_include(policy, UV_ENOENT)), 0);
    assert_int_equal(API(breaker_policy_include(policy, UV_ENOENT)), UV_ENOENT);
    call_with(job, breaker, UV_ENOENT);
    assert_int_equal(job->call.outcome, BREAKER_FAILURE);
    assert_int_equal(API(breaker_reset(breaker, NULL, NULL)), 0);
    for (int status = -100; status < 100; status++) {
        bool is_excluded = status % 3 == 0;
        call_with(job, breaker, status);
        assert_int_equal(job->call.outcome == BREAKER_IGNORED,
                         is_excluded || status == BREAKER_IGNORED);
    }
}

static void test_excluded_may_be_a_success(void **state)
{
    struct fixture *f = *state;
    breaker_options_t options;
    breaker_t *breaker;
    struct job *job = job_new(f, "job");

    quick_options(&options);
    options.excluded_outcome = BREAKER_SUCCESS;
    breaker = make_breaker(f, "a", &options);
    assert_int_equal(API(breaker_policy_exclude(breaker_policy(breaker), UV_EAI_NONAME)), 0);
    call_with(job, breaker, UV_EAI_NONAME);
    assert_int_equal(job->call.outcome, BREAKER_SUCCESS);
    assert_int_equal(look(breaker).totals.ok, 1);
}

static void test_finish_as(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");

    for (int outcome = BREAKER_SUCCESS; outcome <= BREAKER_CANCELLED; outcome++) {
        job_begin(job, breaker);
        settle_down(f);
        assert_int_equal(API(breaker_finish_as(&job->call, 200, (breaker_outcome_t)0)), UV_EINVAL);
        assert_int_equal(API(breaker_finish_as(&job->call, 200, (breaker_outcome_t)5)), UV_EINVAL);
        assert_int_equal(API(breaker_finish_as(&job->call, 200, (breaker_outcome_t)outcome)), 0);
        settle_down(f);
        assert_int_equal(job->status, 200);
        assert_int_equal(job->call.outcome, outcome);
    }
    assert_int_equal(look(breaker).totals.ok, 1);
    assert_int_equal(look(breaker).totals.failed, 1);
    assert_int_equal(look(breaker).totals.ignored, 1);
    assert_int_equal(look(breaker).totals.cancelled, 1);
    assert_int_equal(look(breaker).last_error, 200);
}

/* ---- Guarded functions -------------------------------------------------------------------------*/

static breaker_t *the_breaker;

static BREAKER_CUTOUT(guarded, the_breaker, job_start)

    static void test_cutout(void **state)
{
    struct fixture *f = *state;
    struct job *job = job_new(f, "job");

    the_breaker = NULL;
    assert_int_equal(API(guarded(&job->call, job_done)), UV_EINVAL);
    the_breaker = quick_breaker(f, "a");
    job->in_start = finish_well;
    assert_int_equal(API(guarded(&job->call, job_done)), 0);
    turns(f, 1);
    trip(the_breaker);
    assert_int_equal(API(guarded(&job->call, job_done)), 0);
    turns(f, 1);
    expect(f, "start:job done:job:0 | done:job:REJECTED |");
}

/* ---- Used again, in and after the last callback ------------------------------------------------*/

static void again(struct job *job)
{
    unsigned *left = job->data;

    if (*left > 0) {
        *left -= 1;
        job_begin(job, breaker_find(job->f->panel, "a"));
    }
}

static void test_used_again(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");
    unsigned left = 2;

    job->data = &left;
    job->in_start = finish_well;
    job->in_done = again; /* without release: in done */
    job_begin(job, breaker);
    turns(f, 3);
    expect(f, "start:job done:job:0 / start:job done:job:0 | start:job done:job:0 | |");
    left = 2;
    job->in_done = NULL;
    job->in_release = again; /* with it: there */
    job->call.release = job_release;
    job_begin(job, breaker);
    turns(f, 3);
    expect(f, "start:job done:job:0 release:job / start:job done:job:0 release:job | "
              "start:job done:job:0 release:job | |");
    job->in_release = NULL;
    API_VOID(breaker_call_init(&job->call)); /* or made ready anew */
    job_begin(job, breaker);
    turns(f, 1);
    expect(f, "start:job done:job:0 |");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIRTUAL_TEST(test_what_a_refusal_says),
        VIRTUAL_TEST(test_asked_in_the_drain),
        VIRTUAL_TEST(test_a_fallback),
        VIRTUAL_TEST(test_a_fallback_at_once_failing_or_late),
        VIRTUAL_TEST(test_the_builtin_classifier),
        VIRTUAL_TEST(test_a_classifier_of_ones_own),
        VIRTUAL_TEST(test_excluded_statuses_grow_at_run_time),
        VIRTUAL_TEST(test_excluded_may_be_a_success),
        VIRTUAL_TEST(test_finish_as),
        VIRTUAL_TEST(test_cutout),
        VIRTUAL_TEST(test_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
