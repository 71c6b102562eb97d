/* Guarded real I/O: a stream of it over TCP, in quiet, and under a storm of signals that interrupts every
 * system call. */
#include "echo.h"
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

enum { TICK = 500 /* us */, TICKS_ENOUGH = 20, TICKS_MAX = FIXTURE_PATIENCE * (1000000 / TICK) };

static volatile sig_atomic_t ticks;

static void on_tick(int signal)
{
    (void)signal;
    if (++ticks > TICKS_MAX)
        abort(); /* the fixture's alarm is ours meanwhile */
}

static void begin_storm(void)
{
    struct sigaction action = {.sa_handler = on_tick}; /* no SA_RESTART */
    struct itimerval often = {{0, TICK}, {0, TICK}};

    ticks = 0;
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
}

static void end_storm(void)
{
    struct itimerval never = {{0, 0}, {0, 0}};

    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    signal(SIGALRM, SIG_IGN); /* the last one may be still on its way */
    signal(SIGALRM, SIG_DFL);
    alarm(FIXTURE_PATIENCE);
}

struct stream {
    unsigned left;
    bool is_stormy; /* goes on until enough signals came */
};

static struct stream stream;

static void next(struct job *job)
{
    assert_int_equal(job->status, 0);
    stream.left -= stream.left > 0;
    if (stream.left > 0 || (stream.is_stormy && ticks < TICKS_ENOUGH))
        job_begin(job, breaker_find(job->f->panel, "echo"));
    else
        echo_close(job->data);
}

static void talk(struct fixture *f, uint64_t timeout)
{
    breaker_t *breaker = quick_breaker(f, "echo");
    struct job *job = job_new(f, "job");

    job->is_quiet = true;
    job->data = echo_open(f);
    job->call.timeout = timeout;
    job->in_start = echo_ask;
    job->in_done = next;
    job_begin(job, breaker);
    run_out(f);
    assert_int_equal(look(breaker).totals.ok, job->dones);
    assert_int_equal(look(breaker).totals.admitted, job->dones);
}

static void test_in_quiet(void **state)
{
    stream = (struct stream){.left = fixture_rounds(1000)};
    talk(*state, BREAKER_TIME_MAX);
}

static void test_under_a_storm_of_signals(void **state)
{
    stream = (struct stream){.left = fixture_rounds(1000), .is_stormy = true};
    begin_storm();
    talk(*state, BREAKER_TIME_MAX);
    end_storm();
    assert_true(ticks >= TICKS_ENOUGH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(test_in_quiet),
        REAL_TEST(test_under_a_storm_of_signals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
