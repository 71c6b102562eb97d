/* Whose call it is may be asked inside done, also when done itself destroys the breaker: then its memory is
 * there until done has returned, and no longer. */
#include "job.h"
#include <stdlib.h>

/* ---- The allocator: sees one block go ----------------------------------------------------------*/

static struct {
    void *block;
    bool is_gone;
} watched;

static void release(void *block)
{
    if (block == watched.block)
        watched.is_gone = true;
    free(block);
}

/* ---- What done does ----------------------------------------------------------------------------*/

static void destroy_and_ask(struct job *job)
{
    breaker_t *breaker = breaker_of(&job->call);

    assert_ptr_equal(breaker, watched.block);
    API_VOID(breaker_destroy(breaker));
    assert_false(watched.is_gone);
    assert_null(breaker_of(&job->call));
}

static void finish_destroy_and_ask(struct job *job)
{
    job_finish(job, 0);
    destroy_and_ask(job);
}

static void destroy_panel_and_ask(struct job *job)
{
    fixture_destroy_panel(job->f);
    assert_false(watched.is_gone);
    assert_null(breaker_of(&job->call));
}

static void ask(struct job *job)
{
    assert_null(breaker_of(&job->call));
}

/* ---- Calls -------------------------------------------------------------------------------------*/

static struct job *job_of(struct fixture *f, const char *name, void (*in_done)(struct job *job))
{
    struct job *job = job_new(f, name);

    job->in_done = in_done;
    return job;
}

static breaker_t *watched_breaker(struct fixture *f)
{
    breaker_t *breaker = quick_breaker(f, "a");

    watched.block = breaker;
    watched.is_gone = false;
    return breaker;
}

static void test_destroyed_in_done(void **state)
{
    struct fixture *f = *state;
    struct job *job = job_of(f, "job", destroy_and_ask);

    job->in_start = finish_well;
    job_begin(job, watched_breaker(f));
    turns(f, 1);
    assert_true(watched.is_gone);
    expect(f, "start:job done:job:0 |");
}

/* With another call that is still to be told. */
static void test_the_last_call_lets_go(void **state)
{
    struct fixture *f = *state;
    struct job *one = job_of(f, "one", destroy_and_ask), *two = job_of(f, "two", ask);
    breaker_t *breaker = watched_breaker(f);

    one->in_start = two->in_start = finish_well;
    job_begin(one, breaker);
    job_begin(two, breaker);
    turns(f, 1);
    assert_true(watched.is_gone);
    expect(f, "start:one start:two done:one:0 done:two:0 |");
}

static void test_refused(void **state)
{
    struct fixture *f = *state;
    struct job *job = job_of(f, "job", destroy_and_ask);
    breaker_t *breaker = watched_breaker(f);

    assert_int_equal(API(breaker_trip(breaker, NULL, NULL)), 0);
    job_begin(job, breaker);
    turns(f, 1);
    assert_true(watched.is_gone);
    expect(f, "done:job:REJECTED |");
}

static void test_with_release_and_before_the_finish(void **state)
{
    struct fixture *f = *state;
    struct job *released = job_of(f, "released", destroy_and_ask);
    struct job *unfinished = job_of(f, "unfinished", destroy_and_ask);

    released->call.release = job_release;
    released->in_start = finish_well;
    job_begin(released, watched_breaker(f));
    turns(f, 1);
    assert_true(watched.is_gone);
    unfinished->call.timeout = 10;
    job_begin(unfinished, watched_breaker(f));
    turns(f, 1);
    f->clock += 10;
    turns(f, 1);
    assert_false(watched.is_gone);
    job_finish(unfinished, 0);
    assert_true(watched.is_gone);
    expect(f, "start:released done:released:0 release:released | start:unfinished | "
              "done:unfinished:ETIMEDOUT |");
}

static void test_finished_in_done(void **state)
{
    struct fixture *f = *state;
    struct job *job = job_of(f, "job", finish_destroy_and_ask);

    job->call.timeout = 10;
    job_begin(job, watched_breaker(f));
    turns(f, 1);
    f->clock += 10;
    turns(f, 1);
    assert_true(watched.is_gone);
    expect(f, "start:job | done:job:ETIMEDOUT |");
}

static void test_with_the_panel(void **state)
{
    struct fixture *f = *state;
    struct job *job = job_of(f, "job", destroy_panel_and_ask);

    job->in_start = finish_well;
    job_begin(job, watched_breaker(f));
    turns(f, 1);
    assert_true(watched.is_gone);
    expect(f, "start:job done:job:0 |");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIRTUAL_TEST(test_destroyed_in_done), VIRTUAL_TEST(test_the_last_call_lets_go),
        VIRTUAL_TEST(test_refused),           VIRTUAL_TEST(test_with_release_and_before_the_finish),
        VIRTUAL_TEST(test_finished_in_done),  VIRTUAL_TEST(test_with_the_panel),
    };

    if (breaker_replace_allocator(malloc, realloc, release) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
