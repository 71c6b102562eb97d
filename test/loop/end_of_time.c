/* A lent clock may be anywhere: also so near its end that a deadline would lie beyond it. */
#include "job.h"

enum { BEFORE_THE_END = 2000, LATER = 5000 };

static struct job *begin_near_the_end(struct fixture *f)
{
    breaker_panel_options_t options;
    struct job *job = job_new(f, "a");

    f->clock = UINT64_MAX - BEFORE_THE_END;
    breaker_panel_options_init(&options);
    fixture_panel(f, &options, true);
    return job;
}

static void go_on_to_the_end(struct fixture *f, struct job *job)
{
    job_begin(job, quick_breaker(f, "a"));
    turns(f, 3);
    f->clock = UINT64_MAX - 1;
    turns(f, 3);
    expect(f, "start:a | | | | | |");
    job_finish(job, 0);
    turns(f, 1);
    expect(f, "done:a:0 |");
}

static void test_a_timeout_beyond_the_end(void **state)
{
    struct fixture *f = *state;
    struct job *job = begin_near_the_end(f);

    job->call.timeout = LATER;
    go_on_to_the_end(f, job);
}

static void test_idle_beyond_the_end(void **state)
{
    struct fixture *f = *state;
    struct job *job = begin_near_the_end(f);

    job->call.idle = LATER;
    go_on_to_the_end(f, job);
}

static void test_a_timeout_before_the_end(void **state)
{
    struct fixture *f = *state;
    struct job *job = begin_near_the_end(f);

    job->call.timeout = BEFORE_THE_END / 2;
    job_begin(job, quick_breaker(f, "a"));
    turns(f, 1);
    f->clock += BEFORE_THE_END / 2;
    turns(f, 1);
    expect(f, "start:a | done:a:ETIMEDOUT |");
    job_finish(job, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BARE_TEST(test_a_timeout_beyond_the_end),
        BARE_TEST(test_idle_beyond_the_end),
        BARE_TEST(test_a_timeout_before_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
