/* Promises 1 and 2: what returns an error runs no callback, what returned 0 runs it once; none runs
 * inside a call; and the order within a drain. The record has a bar where a turn of
 * the loop ended, and a stroke where it polled between two drains. */
#include "job.h"
#include "watcher.h"

/* ---- An error runs no callback -----------------------------------------------------------------*/

static void on_order(breaker_order_t *order, int status)
{
    not_inside();
    record(order->data, "order:%s", status_name(status));
}

static void test_a_refused_begin_runs_nothing(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job, raw = {.f = f, .name = "raw"};

    job = job_new(f, "job");
    job->call.timeout = BREAKER_TIME_MAX + 1;
    assert_int_equal(job_call(job, breaker), UV_EINVAL);
    job->call.timeout = 0;
    assert_int_equal(job_call(&raw, breaker), UV_EINVAL);
    assert_int_equal(API(breaker_call(NULL, &job->call, job_start, job_done)), UV_EINVAL);
    assert_int_equal(API(breaker_call(breaker, NULL, job_start, job_done)), UV_EINVAL);
    assert_int_equal(API(breaker_call(breaker, &job->call, NULL, job_done)), UV_EINVAL);
    assert_int_equal(API(breaker_call(breaker, &job->call, job_start, NULL)), UV_EINVAL);
    turns(f, 3);
    expect(f, "| | |");
}

static void test_a_busy_request_runs_once(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");

    job_begin(job, breaker);
    assert_int_equal(job_call(job, breaker), UV_EBUSY); /* waiting */
    turns(f, 1);
    assert_int_equal(job_call(job, breaker), UV_EBUSY); /* running */
    job_finish(job, 0);
    assert_int_equal(job_call(job, breaker), UV_EBUSY); /* ending */
    turns(f, 3);
    expect(f, "start:job | done:job:0 | | |");
}

static void test_a_busy_request_whose_io_is_not_over(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");

    job->call.release = job_release;
    job_begin(job, breaker);
    turns(f, 1);
    job_cancel(job);
    turns(f, 1);
    assert_int_equal(job_call(job, breaker), UV_EBUSY); /* unfinished */
    job_finish(job, UV_ECANCELED);
    assert_int_equal(job_call(job, breaker), UV_EBUSY); /* not yet released */
    turns(f, 2);
    expect(f, "start:job | done:job:ECANCELED | release:job | |");
}

static void test_refused_orders_run_nothing(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    breaker_order_t *order = order_new(f);

    assert_int_equal(API(breaker_trip(NULL, order, on_order)), UV_EINVAL);
    assert_int_equal(API(breaker_trip(breaker, NULL, on_order)), UV_EINVAL);
    assert_int_equal(API(breaker_hold(breaker, (breaker_hold_t)9, order, on_order)), UV_EINVAL);
    turns(f, 2);
    expect(f, "| |");
    assert_int_equal(API(breaker_trip(breaker, order, on_order)), 0);
    assert_int_equal(API(breaker_reset(breaker, order, on_order)), UV_EBUSY);
    turns(f, 2);
    expect(f, "order:0 | |");
    assert_int_equal(look(breaker).state, BREAKER_BROKEN); /* what was refused had no effect */
}

static void test_a_panel_destroyed_twice_says_so_once(void **state)
{
    struct fixture *f = *state;
    breaker_panel_t *panel = f->panel;

    fixture_destroy_panel(f);
    assert_int_equal(API(breaker_panel_destroy(panel, NULL)), UV_EALREADY);
    turns(f, 6);
    assert_int_equal(f->destroyed, 1);
}

static void begin_again_in_vain(struct job *job)
{
    assert_int_equal(job_call(job->data, breaker_find(job->f->panel, "a")), UV_EBUSY);
}

/* Also what is begun in vain inside a callback. */
static void test_a_begin_refused_inside_callbacks(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *one, *two;

    one = job_new(f, "one");
    two = job_new(f, "two");
    one->data = two;
    one->in_start = begin_again_in_vain;
    one->in_done = begin_again_in_vain;
    job_begin(one, breaker);
    job_begin(two, breaker);
    turns(f, 1);
    job_finish(one, 0);
    turns(f, 1);
    job_finish(two, 0);
    turns(f, 2);
    expect(f, "start:one start:two | done:one:0 | done:two:0 | |");
}

/* ---- Not inside a call -------------------------------------------------------------------------*/

/* Every callback asks not_inside(): here each function is called once with callbacks due from it. */
static void test_no_callback_inside_a_call(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    breaker_order_t *order = order_new(f);
    struct watcher *watcher;
    struct job *job;

    watcher = watcher_new(f, "w", BREAKER_ON_ALL);
    watch_breaker(watcher, breaker);
    job = job_new(f, "job");
    job->call.stop = job_stop;
    job->call.release = job_release;
    job_begin(job, breaker);
    expect(f, "");
    turns(f, 1);
    expect(f, "start:job w:before |");
    job_cancel(job);
    job_finish(job, UV_ECANCELED);
    assert_int_equal(API(breaker_trip(breaker, order, on_order)), 0);
    assert_false(is_admitted(breaker));
    expect(f, "");
    turns(f, 1);
    expect(f, "done:job:ECANCELED release:job order:0 w:P>B w:rejected |");
    job_begin(job, breaker);
    API_VOID(breaker_destroy(breaker));
    fixture_destroy_panel(f);
    expect(f, "");
    turns(f, 5);
    expect(f, "done:job:ECANCELED release:job | destroyed | | | |");
}

/* ---- The order within a drain ------------------------------------------------------------------*/

/* Starts, then completions, also of calls that have just started, then events. */
static void test_starts_completions_events(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    breaker_order_t *order = order_new(f);
    struct watcher *watcher;
    struct job *under_way, *quick, *slow;

    watcher = watcher_new(f, "w", BREAKER_ON_ALL);
    watch_panel(watcher);
    under_way = job_new(f, "under_way");
    quick = job_new(f, "quick");
    slow = job_new(f, "slow");
    quick->in_start = finish_well;
    job_begin(under_way, breaker);
    turns(f, 1);
    expect(f, "start:under_way w:before |");

    job_finish(under_way, 0);
    assert_int_equal(API(breaker_reset(breaker, order, on_order)), 0);
    job_begin(quick, breaker);
    job_begin(slow, breaker);
    turns(f, 1);
    expect(f, "start:quick start:slow done:under_way:0 done:quick:0 order:0 "
              "w:ok w:P>P w:before w:ok w:before |");
    job_finish(slow, 0);
    turns(f, 1);
    expect(f, "done:slow:0 w:ok |");
}

static void begin_other(struct job *job)
{
    job_begin(job->data, breaker_find(job->f->panel, "a"));
}

static void finish_other(struct job *job)
{
    job_finish(job->data, 0);
}

/* What a start begins waits for the next drain. */
static void test_begun_in_start(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *one, *two;

    one = job_new(f, "one");
    two = job_new(f, "two");
    one->in_start = begin_other;
    one->data = two;
    two->in_start = finish_well;
    job_begin(one, breaker);
    turns(f, 1);
    expect(f, "start:one / start:two done:two:0 |");
    job_finish(one, 0);
    turns(f, 1);
    expect(f, "done:one:0 |");
}

/* What done begins, and what it finishes, waits for the next drain; so does release. */
static void test_begun_in_done(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *one, *two, *three;

    one = job_new(f, "one");
    two = job_new(f, "two");
    three = job_new(f, "three");
    three->call.release = job_release;
    one->in_done = begin_other;
    one->data = two;
    two->in_done = finish_other;
    two->data = three;
    two->in_start = finish_well;
    job_begin(one, breaker);
    job_begin(three, breaker);
    turns(f, 1);
    expect(f, "start:one start:three |");
    job_finish(one, 0);
    turns(f, 2);
    expect(f, "done:one:0 / start:two done:two:0 | done:three:0 release:three |");
    three->in_done = finish_well; /* ended by a cancel, its I/O over inside done */
    job_begin(three, breaker);
    turns(f, 1);
    job_cancel(three);
    turns(f, 1);
    expect(f, "start:three | done:three:ECANCELED / release:three |");
}

static void begin_in_event(struct watcher *watcher, const breaker_event_t *event)
{
    if (event->kind == BREAKER_ON_SUCCESS) {
        struct job *job = watcher->data;
        watcher->in_notify = NULL;
        job_begin(job, event->breaker);
        count_one(event->breaker, BREAKER_SUCCESS, 0);
    }
}

/* What an event begins, and the events that come of it, wait for the next drain. */
static void test_begun_in_an_event(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct watcher *watcher;
    struct job *job;

    watcher = watcher_new(f, "w", BREAKER_ON_SUCCESS);
    watch_breaker(watcher, breaker);
    job = job_new(f, "job");
    job->in_start = finish_well;
    watcher->data = job;
    watcher->in_notify = begin_in_event;
    count_one(breaker, BREAKER_SUCCESS, 0);
    turns(f, 1);
    expect(f, "w:ok / start:job done:job:0 w:ok w:ok |");
}

static void order_again(breaker_order_t *order, int status)
{
    on_order(order, status);
    assert_int_equal(API(breaker_reset(breaker_find(((struct fixture *)order->data)->panel, "a"),
                                       order, on_order)),
                     0);
}

static void test_begun_in_an_order(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    breaker_order_t *order = order_new(f);

    assert_int_equal(API(breaker_trip(breaker, order, order_again)), 0);
    turns(f, 2);
    expect(f, "order:0 / order:0 | |");
}

/* Starts in the order of the calls, completions in the order in which they ended. */
static void test_first_come_first_served(void **state)
{
    struct fixture *f = *state;
    breaker_t *one = quick_breaker(f, "a"), *two = quick_breaker(f, "b");
    struct job *a, *b, *c;

    a = job_new(f, "a");
    b = job_new(f, "b");
    c = job_new(f, "c");
    job_begin(b, one);
    job_begin(a, two);
    job_begin(c, one);
    turns(f, 1);
    job_finish(c, 0);
    job_cancel(b);
    job_finish(a, UV_EPIPE);
    turns(f, 1);
    expect(f, "start:b start:a start:c | done:c:0 done:b:ECANCELED done:a:EPIPE |");
    job_finish(b, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIRTUAL_TEST(test_a_refused_begin_runs_nothing),
        VIRTUAL_TEST(test_a_busy_request_runs_once),
        VIRTUAL_TEST(test_a_busy_request_whose_io_is_not_over),
        VIRTUAL_TEST(test_refused_orders_run_nothing),
        VIRTUAL_TEST(test_a_panel_destroyed_twice_says_so_once),
        VIRTUAL_TEST(test_a_begin_refused_inside_callbacks),
        VIRTUAL_TEST(test_no_callback_inside_a_call),
        VIRTUAL_TEST(test_starts_completions_events),
        VIRTUAL_TEST(test_begun_in_start),
        VIRTUAL_TEST(test_begun_in_done),
        VIRTUAL_TEST(test_begun_in_an_event),
        VIRTUAL_TEST(test_begun_in_an_order),
        VIRTUAL_TEST(test_first_come_first_served),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
