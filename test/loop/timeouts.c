/* When a call is late: counted from its start, judged after what has arrived was read, and not when the
 * loop itself stood still. Where the real clock is used, nothing here depends on how fast the test runs. */
#include "job.h"
#include "watcher.h"
#include <sys/socket.h>
#include <unistd.h>

static breaker_t *breaker_with(struct fixture *f, uint64_t timeout)
{
    breaker_options_t options;

    quick_options(&options);
    options.timeout = timeout;
    return make_breaker(f, "a", &options);
}

static struct job *begin_with(struct fixture *f, const char *name, breaker_t *breaker,
                              uint64_t timeout)
{
    struct job *job = job_new(f, name);

    job->call.timeout = timeout;
    job->call.stop = job_stop;
    job->in_stop = finish_stopped;
    job_begin(job, breaker);
    turns(f, 1);
    return job;
}

/* ---- Virtual time ------------------------------------------------------------------------------*/

static void test_late_to_the_ms(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = breaker_with(f, 100);

    begin_with(f, "own", breaker, 30);
    begin_with(f, "policys", breaker, 0);
    f->clock += 29;
    turns(f, 2);
    expect(f, "start:own | start:policys | | |");
    f->clock += 1;
    turns(f, 1);
    expect(f, "stop:own done:own:ETIMEDOUT |");
    f->clock += 69;
    turns(f, 2);
    f->clock += 1;
    turns(f, 1);
    expect(f, "| | stop:policys done:policys:ETIMEDOUT |");
}

static void pass_and_touch(struct fixture *f, struct job *job, uint64_t time, unsigned times)
{
    for (; times > 0; times--) {
        f->clock += time;
        turns(f, 1);
        assert_int_equal(API(breaker_touch(&job->call)), 0);
    }
}

/* Signs of life put off the one limit, and not the other. */
static void test_idle_to_the_ms(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = breaker_with(f, 0);
    struct job *job = job_new(f, "a");

    job->call.stop = job_stop;
    job->in_stop = finish_stopped;
    job->call.idle = 30;
    assert_int_equal(API(breaker_touch(&job->call)), UV_EINVAL);
    job_begin(job, breaker);
    assert_int_equal(API(breaker_touch(&job->call)), UV_EINVAL); /* not yet */
    turns(f, 1);
    forget(f);
    pass_and_touch(f, job, 29, 10);
    f->clock += 29;
    turns(f, 1);
    assert_int_equal(job->call.outcome, 0);
    forget(f);
    f->clock += 1;
    turns(f, 1);
    expect(f, "stop:a done:a:ETIMEDOUT |");
    assert_int_equal(job->call.outcome, BREAKER_FAILURE);
    assert_int_equal(API(breaker_touch(&job->call)), BREAKER_ESTALE);
    assert_int_equal(look(breaker).totals.timed_out, 1);
}

static void test_in_all_whatever_is_heard(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = breaker_with(f, 0);
    struct job *job = job_new(f, "a");

    job->call.stop = job_stop;
    job->in_stop = finish_stopped;
    job->call.idle = 30;
    job->call.timeout = 100;
    job_begin(job, breaker);
    turns(f, 1);
    pass_and_touch(f, job, 20, 4);
    forget(f);
    f->clock += 19;
    turns(f, 1);
    assert_int_equal(job->call.outcome, 0);
    forget(f);
    f->clock += 1;
    turns(f, 1);
    expect(f, "stop:a done:a:ETIMEDOUT |");
}

static void test_a_failure_for_the_circuit(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = breaker_with(f, 50);
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_FAILURE | BREAKER_ON_STATE_CHANGE);
    struct job *last;

    watch_breaker(watcher, breaker);
    begin_with(f, "a", breaker, 0);
    begin_with(f, "b", breaker, 0);
    last = begin_with(f, "c", breaker, 0);
    forget(f);
    f->clock += 70;
    turns(f, 1);
    assert_int_equal(look(breaker).state, BREAKER_BROKEN); /* already, before it is told */
    assert_int_equal(look(breaker).last_error, UV_ETIMEDOUT);
    assert_int_equal(look(breaker).totals.timed_out, 3);
    assert_int_equal(look(breaker).totals.failed, 3);
    turns(f, 1);
    assert_int_equal(last->call.outcome, BREAKER_FAILURE);
    assert_int_equal(look(breaker).totals.late, 0); /* UV_ECANCELED is no late result */
    assert_int_equal(watcher->last.to, BREAKER_BROKEN);
    assert_int_equal(watcher->last.status, UV_ETIMEDOUT);
    assert_int_equal(told_of(watcher, BREAKER_ON_FAILURE), 3);
}

static void test_no_timeout_is_none(void **state)
{
    struct fixture *f = *state;
    struct job *job = begin_with(f, "job", breaker_with(f, 0), 0);

    f->clock += 10 * (uint64_t)BREAKER_TIME_MAX;
    turns(f, 3);
    expect(f, "start:job | | | |");
    job_finish(job, 0);
    turns(f, 1);
    expect(f, "done:job:0 |");
}

/* What it waited for its turn, or for the loop, is no part of it. */
static void test_from_its_start(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = breaker_with(f, 50);
    struct job *job = job_new(f, "job");

    job_begin(job, breaker);
    f->clock += 1000;
    turns(f, 1);
    f->clock += 49;
    turns(f, 2);
    expect(f, "start:job | | |");
    f->clock += 1;
    turns(f, 1);
    expect(f, "done:job:ETIMEDOUT |");
    job_finish(job, 0);
    assert_int_equal(look(breaker).totals.late, 1);
}

/* Each has its own, whatever the order of their starts. */
static void test_in_the_order_of_their_deadlines(void **state)
{
    static const unsigned timeouts[] = {64, 3, 4096, 5, 65, 63, 70000, 4095};
    static const char *const names[] = {"64", "3", "4096", "5", "65", "63", "70000", "4095"};
    struct fixture *f = *state;
    breaker_t *breaker;
    breaker_options_t options;

    breaker_options_init(&options);
    breaker = make_breaker(f, "a", &options);
    for (unsigned i = 0; i < 8; i++)
        begin_with(f, names[i], breaker, timeouts[i]);
    forget(f);
    f->clock += 100000;
    turns(f, 1);
    expect(f, "stop:3 done:3:ETIMEDOUT stop:5 done:5:ETIMEDOUT stop:63 done:63:ETIMEDOUT "
              "stop:64 done:64:ETIMEDOUT stop:65 done:65:ETIMEDOUT stop:4095 done:4095:ETIMEDOUT "
              "stop:4096 done:4096:ETIMEDOUT stop:70000 done:70000:ETIMEDOUT |");
}

static void begin_again(struct job *job)
{
    unsigned *left = job->data;

    if (--*left > 0)
        job_begin(job, breaker_find(job->f->panel, "a"));
}

/* A deadline of an earlier use does not reach the next one. */
static void test_of_this_use_only(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = breaker_with(f, 50);
    struct job *job = job_new(f, "job");
    unsigned left = 2;

    job->in_done = begin_again;
    job->data = &left;
    job_begin(job, breaker);
    turns(f, 1);
    f->clock += 40;
    job_finish(job, 0);
    turns(f, 1);
    f->clock += 40;
    turns(f, 2);
    expect(f, "start:job | done:job:0 / start:job | | |");
    f->clock += 10;
    turns(f, 1);
    expect(f, "done:job:ETIMEDOUT |");
    job_finish(job, UV_ECANCELED);
}

/* ---- Replies that wait while the loop stands still ---------------------------------------------*/

struct peer {
    struct job *job;
    uv_poll_t poll;
    int ends[2];
};

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct peer *peer = poll->data;
    char byte;

    (void)events;
    assert_int_equal(status, 0);
    assert_int_equal(read(peer->ends[0], &byte, 1), 1);
    uv_close((uv_handle_t *)poll, NULL);
    job_finish(peer->job, 0);
}

static struct peer *begin_with_peer(struct fixture *f, breaker_t *breaker, uint64_t timeout)
{
    struct peer *peer = keep(f, sizeof *peer);

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, peer->ends), 0);
    peer->poll.data = peer;
    assert_int_equal(uv_poll_init(&f->loop, &peer->poll, peer->ends[0]), 0);
    assert_int_equal(uv_poll_start(&peer->poll, UV_READABLE, on_readable), 0);
    peer->job = begin_with(f, "job", breaker, timeout);
    return peer;
}

static void reply(struct peer *peer)
{
    assert_int_equal(write(peer->ends[1], "x", 1), 1);
}

static void hang_up(struct peer *peer)
{
    close(peer->ends[0]);
    close(peer->ends[1]);
}

/* The clock has jumped far beyond the deadline, and the reply lies there: it is read first. */
static void test_what_has_arrived_is_read_first(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = breaker_with(f, 0);
    struct peer *peer = begin_with_peer(f, breaker, 50);

    reply(peer);
    f->clock += 5000;
    turns(f, 1);
    expect(f, "start:job | done:job:0 |");
    assert_int_equal(look(breaker).totals.timed_out, 0);
    hang_up(peer);
}

/* The same with the real clock, and an alarm that was due long ago. */
static void test_no_false_timeout_after_a_standstill(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = breaker_with(f, 0);
    struct peer *peer = begin_with_peer(f, breaker, 5);

    reply(peer);
    uv_sleep(60);
    run_out(f);
    expect(f, "start:job | done:job:0");
    hang_up(peer);
}

/* What stood still was the loop, not the peer: the reply may still come in the turn after. */
static void test_a_standstill_is_given_back(void **state)
{
    struct fixture *f = *state;
    struct job *job = begin_with(f, "job", breaker_with(f, 0), 10);

    uv_sleep(60);
    turns(f, 1);
    assert_int_equal(job->dones, 0);
    job_finish(job, 0);
    turns(f, 1);
    expect(f, "start:job | | done:job:0 |");
}

/* But once only: a call of a loop that always stands still ends too. */
static void test_given_back_once(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = breaker_with(f, 0);
    struct job *job = begin_with(f, "job", breaker, 10);

    uv_sleep(60);
    turns(f, 1);
    assert_int_equal(job->dones, 0);
    uv_sleep(60);
    turns(f, 1);
    assert_int_equal(job->status, UV_ETIMEDOUT);
    expect(f, "start:job | | stop:job done:job:ETIMEDOUT |");
    job_begin(job, breaker); /* and once for each use */
    turns(f, 1);
    uv_sleep(60);
    turns(f, 1);
    assert_int_equal(job->dones, 1);
    job_finish(job, 0);
    turns(f, 1);
    expect(f, "start:job | | done:job:0 |");
}

/* A virtual clock that jumps is a test's wish, no standstill. */
static void test_a_jump_in_virtual_time_is_late(void **state)
{
    struct fixture *f = *state;

    begin_with(f, "job", breaker_with(f, 0), 10);
    f->clock += 1000;
    turns(f, 1);
    expect(f, "start:job | stop:job done:job:ETIMEDOUT |");
}

/* ---- Never early -------------------------------------------------------------------------------*/

static void note_the_time(struct job *job)
{
    *(uint64_t *)job->data = uv_hrtime() / 1000000;
}

static void stand_still(uv_timer_t *timer)
{
    uv_sleep(60);
    uv_close((uv_handle_t *)timer, NULL);
}

/* The loop's own time is old when the call starts, for somebody's callback took long just before; its
 * deadline is not. */
static void test_begun_on_an_old_loop_time(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = breaker_with(f, 0);
    struct job *job = job_new(f, "job");
    uv_timer_t *timer = keep(f, sizeof *timer);
    uint64_t started;

    job->in_start = note_the_time;
    job->data = &started;
    job->call.timeout = 60000;
    assert_int_equal(uv_timer_init(&f->loop, timer), 0);
    assert_int_equal(uv_timer_start(timer, stand_still, 0, 0), 0);
    job_begin(job, breaker);
    turns(f, 1);
    assert_true(job->call.library.due.time + 5 >= started + 60000); /* 5: the grain of clocks */
    job_finish(job, 0);
    turns(f, 1);
    expect(f, "start:job | done:job:0 |");
}

/* A timer that is set while others are due earlier, and all of them in time. */
static void test_real_timeouts_of_a_sleeping_loop(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = breaker_with(f, 3);

    begin_with(f, "third", breaker, 9);
    begin_with(f, "first", breaker, 0);
    begin_with(f, "second", breaker, 6);
    forget(f);
    run_out(f); /* nothing but the deadlines wakes it */
    assert_int_equal(look(breaker).totals.timed_out, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIRTUAL_TEST(test_late_to_the_ms),
        VIRTUAL_TEST(test_idle_to_the_ms),
        VIRTUAL_TEST(test_in_all_whatever_is_heard),
        VIRTUAL_TEST(test_a_failure_for_the_circuit),
        VIRTUAL_TEST(test_no_timeout_is_none),
        VIRTUAL_TEST(test_from_its_start),
        VIRTUAL_TEST(test_in_the_order_of_their_deadlines),
        VIRTUAL_TEST(test_of_this_use_only),
        VIRTUAL_TEST(test_what_has_arrived_is_read_first),
        REAL_TEST(test_no_false_timeout_after_a_standstill),
        REAL_TEST(test_a_standstill_is_given_back),
        REAL_TEST(test_given_back_once),
        VIRTUAL_TEST(test_a_jump_in_virtual_time_is_late),
        REAL_TEST(test_begun_on_an_old_loop_time),
        REAL_TEST(test_real_timeouts_of_a_sleeping_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
