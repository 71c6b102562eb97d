/* Promises 4 and 6: what destroying means, what keeps the loop alive and what does not, and that nothing
 * waits for ever. */
#include "job.h"
#include "poison.h"
#include "watcher.h"

static void on_order(breaker_order_t *order, int status)
{
    not_inside();
    record(order->data, "order:%s", status_name(status));
}

/* ---- Destroying --------------------------------------------------------------------------------*/

/* Immediate for the caller, and the pending end in the next drain. */
static void test_breaker_destroyed(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a"), *other;
    struct job *waiting = job_new(f, "waiting"), *running = job_new(f, "running");
    breaker_order_t *order = order_new(f);

    running->call.stop = job_stop;
    running->call.release = waiting->call.release = job_release;
    job_begin(running, breaker);
    turns(f, 1);
    job_begin(waiting, breaker);
    assert_int_equal(API(breaker_reset(breaker, order, on_order)), 0);
    API_VOID(breaker_destroy(breaker));
    assert_null(breaker_find(f->panel, "a"));
    assert_int_equal(breaker_panel_count(f->panel), 0);
    other = quick_breaker(f, "a"); /* the name is free */
    expect(f, "start:running |");
    turns(f, 2);
    expect(f, "stop:running done:running:ECANCELED done:waiting:ECANCELED release:waiting "
              "order:ECANCELED | |");
    assert_int_equal(running->call.outcome, BREAKER_CANCELLED);
    assert_int_equal(waiting->call.outcome, 0);
    job_finish(running, 0); /* still due, and allowed */
    turns(f, 2);
    expect(f, "release:running | |");
    assert_int_equal(look(other).totals.late, 0);
}

/* What has ended for the circuit before keeps the status that it has. */
static void test_destroyed_after_the_end(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *finished = job_new(f, "finished"), *cancelled = job_new(f, "cancelled");

    job_begin(finished, breaker);
    job_begin(cancelled, breaker);
    turns(f, 1);
    job_finish(finished, UV_EPIPE);
    job_cancel(cancelled);
    job_finish(cancelled, 0);
    API_VOID(breaker_destroy(breaker));
    turns(f, 1);
    expect(f, "start:finished start:cancelled | done:finished:EPIPE done:cancelled:ECANCELED |");
    assert_int_equal(finished->call.outcome, BREAKER_FAILURE);
}

static void destroy_breaker(struct job *job)
{
    API_VOID(breaker_destroy(job->data));
}

/* The starts of a destroyed breaker that wait in the same drain do not run. */
static void test_destroyed_by_a_start(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *one = job_new(f, "one"), *two = job_new(f, "two");

    one->in_start = destroy_breaker;
    one->data = breaker;
    job_begin(one, breaker);
    job_begin(two, breaker);
    turns(f, 1);
    expect(f, "start:one done:one:ECANCELED done:two:ECANCELED |");
    job_finish(one, 0);
}

static void destroy_a(breaker_order_t *order, int status)
{
    struct fixture *f = order->data;

    on_order(order, status);
    API_VOID(breaker_destroy(breaker_find(f->panel, "a")));
}

/* An order that is not yet told when its breaker is destroyed was not carried out for anybody. */
static void test_destroyed_by_an_order(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    breaker_order_t *one = order_new(f), *two = order_new(f);

    assert_int_equal(API(breaker_trip(breaker, one, destroy_a)), 0);
    assert_int_equal(API(breaker_reset(breaker, two, on_order)), 0);
    turns(f, 2);
    expect(f, "order:0 order:ECANCELED | |");
}

/* The panel's callback comes last of all, after every start has had its finish. */
static void test_panel_destroyed(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *waiting = job_new(f, "waiting"), *running = job_new(f, "running");
    breaker_order_t *order = order_new(f);
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_ALL);

    running->call.release = job_release;
    job_begin(running, breaker);
    turns(f, 1);
    watch_panel(watcher);
    job_begin(waiting, breaker);
    assert_int_equal(API(breaker_trip(breaker, order, on_order)), 0);
    fixture_destroy_panel(f);
    turns(f, 5);
    expect(f, "start:running | done:running:ECANCELED done:waiting:ECANCELED order:ECANCELED | | "
              "| | |");
    assert_true(uv_loop_alive(&f->loop)); /* waits for the finish */
    job_finish(running, 0);
    turns(f, 1);
    expect(f, "release:running |");
    fixture_wait_destroyed(f);
    expect(f, "destroyed");
}

static void test_nothing_begins_on_a_dying_panel(void **state)
{
    struct fixture *f = *state;
    breaker_options_t options;
    breaker_policy_t *policy;
    breaker_t *breaker = quick_breaker(f, "a"), *made = breaker;
    breaker_panel_t *panel = f->panel;
    struct job *running = job_new(f, "running");
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_ALL);

    job_begin(running, breaker);
    turns(f, 1);
    quick_options(&options);
    policy = make_policy(&options);
    fixture_destroy_panel(f);
    assert_int_equal(API(breaker_create(&made, panel, "b", policy)), UV_ESHUTDOWN);
    assert_null(made);
    assert_int_equal(API(breaker_obtain(&made, panel, "b", policy)), UV_ESHUTDOWN);
    assert_int_equal(API(breaker_panel_listen(panel, &watcher->listener)), UV_ESHUTDOWN);
    assert_int_equal(breaker_panel_count(panel), 0);
    assert_null(breaker_find(panel, "a"));
    job_finish(running, 0);
    fixture_wait_destroyed(f);
    API_VOID(breaker_policy_destroy(policy));
    expect(f, "start:running | done:running:ECANCELED destroyed");
}

static void destroy_panel(struct job *job)
{
    fixture_destroy_panel(job->f);
}

static void destroy_panel_in_event(struct watcher *watcher, const breaker_event_t *event)
{
    (void)event;
    fixture_destroy_panel(watcher->f);
}

static void destroy_panel_in_order(breaker_order_t *order, int status)
{
    on_order(order, status);
    fixture_destroy_panel(order->data);
}

/* Inside each kind of callback, with one more waiting behind it. */
static void destroy_inside(struct fixture *f, const char *kind, const char *wanted)
{
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job"), *next = job_new(f, "next");
    struct watcher *one = watcher_new(f, "one", BREAKER_ON_SUCCESS),
                   *two = watcher_new(f, "two", BREAKER_ON_SUCCESS);
    breaker_order_t *order = order_new(f), *second = order_new(f);

    watch_breaker(one, breaker);
    watch_panel(two);
    job->call.stop = job_stop;
    job->call.release = job_release;
    job->in_start = kind[0] == 's' ? destroy_panel : NULL;
    job->in_stop = kind[0] == 'c' ? destroy_panel : NULL;
    job->in_done = kind[0] == 'd' ? destroy_panel : NULL;
    job->in_release = kind[0] == 'r' ? destroy_panel : NULL;
    one->in_notify = kind[0] == 'e' ? destroy_panel_in_event : NULL;
    two->in_notify = kind[0] == 'p' ? destroy_panel_in_event : NULL;
    job_begin(job, breaker);
    job_begin(next, breaker);
    turns(f, 1);
    if (kind[0] == 'o') {
        assert_int_equal(API(breaker_reset(breaker, order, destroy_panel_in_order)), 0);
        assert_int_equal(API(breaker_reset(breaker, second, on_order)), 0);
    }
    if (kind[0] == 'c')
        job_cancel(job);
    else
        job_finish(job, 0);
    if (kind[0] != 's') {
        turns(f, 1);
        if (kind[0] == 'c')
            job_finish(job, UV_ECANCELED);
        job_finish(next, 0);
    }
    fixture_wait_destroyed(f);
    expect(f, wanted);
}

static void test_destroyed_in_start(void **state)
{
    destroy_inside(*state, "start",
                   "start:job stop:job done:job:ECANCELED done:next:ECANCELED | release:job "
                   "destroyed");
}

static void test_destroyed_in_stop(void **state)
{
    destroy_inside(*state, "cancel",
                   "start:job start:next | stop:job done:job:ECANCELED / done:next:ECANCELED | "
                   "release:job destroyed");
}

static void test_destroyed_in_done(void **state)
{
    destroy_inside(
        *state, "done",
        "start:job start:next | done:job:0 release:job / done:next:ECANCELED | destroyed");
}

static void test_destroyed_in_release(void **state)
{
    destroy_inside(
        *state, "release",
        "start:job start:next | done:job:0 release:job / done:next:ECANCELED | destroyed");
}

static void test_destroyed_in_a_breakers_event(void **state)
{
    destroy_inside(*state, "event",
                   "start:job start:next | done:job:0 release:job one:ok / done:next:ECANCELED | "
                   "destroyed");
}

static void test_destroyed_in_a_panels_event(void **state)
{
    destroy_inside(
        *state, "panel",
        "start:job start:next | done:job:0 release:job one:ok two:ok / done:next:ECANCELED | "
        "destroyed");
}

static void test_destroyed_in_an_order(void **state)
{
    destroy_inside(*state, "order",
                   "start:job start:next | done:job:0 release:job order:0 order:ECANCELED "
                   "/ done:next:ECANCELED | "
                   "destroyed");
}

/* ---- Alive, or not -----------------------------------------------------------------------------*/

/* Breakers in each state, listeners, permits under way: nothing of it is work. */
static void test_an_idle_panel_lets_the_loop_end(void **state)
{
    struct fixture *f = *state;
    breaker_t *broken = quick_breaker(f, "broken"), *passing = quick_breaker(f, "passing");
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_STATE_CHANGE);
    breaker_permit_t permit;

    assert_false(uv_loop_alive(&f->loop));
    watch_panel(watcher);
    assert_int_equal(API(breaker_try_acquire(passing, &permit)), 0);
    assert_int_equal(API(breaker_trip(broken, NULL, NULL)), 0);
    run_out(f);
    expect(f, "w:P>B");
    assert_false(uv_loop_alive(&f->loop));
    assert_int_equal(API(breaker_report(passing, &permit, BREAKER_SUCCESS, 0)), 0);
    run_out(f);
}

static void test_a_pending_call_keeps_the_loop_alive(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");

    job->call.release = job_release;
    job->call.timeout = BREAKER_TIME_MAX;
    job_begin(job, breaker);
    assert_true(uv_loop_alive(&f->loop));
    turns(f, 1);
    assert_true(uv_loop_alive(&f->loop)); /* running */
    job_cancel(job);
    assert_true(uv_loop_alive(&f->loop)); /* ending */
    turns(f, 1);
    assert_true(uv_loop_alive(&f->loop)); /* unfinished */
    job_finish(job, 0);
    assert_true(uv_loop_alive(&f->loop)); /* to be released */
    turns(f, 1);
    assert_false(uv_loop_alive(&f->loop)); /* though its deadline was a day away */
    expect(f, "start:job | done:job:ECANCELED | release:job |");
}

static void test_a_pending_order_keeps_the_loop_alive(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    breaker_order_t *order = order_new(f);

    assert_int_equal(API(breaker_hold(breaker, BREAKER_HOLD_WATCH, order, on_order)), 0);
    assert_true(uv_loop_alive(&f->loop));
    run_out(f);
    expect(f, "order:0");
}

/* While it only waits the loop sleeps: nothing of the panel's makes it turn. */
static void test_waiting_is_not_turning(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");

    job_begin(job, breaker);
    assert_int_equal(uv_backend_timeout(&f->loop), 0);
    turns(f, 1);
    assert_int_equal(uv_backend_timeout(&f->loop), -1);
    job_finish(job, 0);
    assert_int_equal(uv_backend_timeout(&f->loop), 0);
    turns(f, 1);
    expect(f, "start:job | done:job:0 |");
}

/* An I/O that never ends: the circuit's end comes by the timeout, in a loop that has nothing else. */
static void test_nothing_waits_for_ever(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");

    job->call.timeout = 1;
    job->call.stop = job_stop;
    job->in_stop = finish_stopped;
    job_begin(job, breaker);
    run_out(f);
    expect(f, "start:job stop:job done:job:ETIMEDOUT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIRTUAL_TEST(test_breaker_destroyed),
        VIRTUAL_TEST(test_destroyed_after_the_end),
        VIRTUAL_TEST(test_destroyed_by_a_start),
        VIRTUAL_TEST(test_destroyed_by_an_order),
        VIRTUAL_TEST(test_panel_destroyed),
        VIRTUAL_TEST(test_nothing_begins_on_a_dying_panel),
        VIRTUAL_TEST(test_destroyed_in_start),
        VIRTUAL_TEST(test_destroyed_in_stop),
        VIRTUAL_TEST(test_destroyed_in_done),
        VIRTUAL_TEST(test_destroyed_in_release),
        VIRTUAL_TEST(test_destroyed_in_a_breakers_event),
        VIRTUAL_TEST(test_destroyed_in_a_panels_event),
        VIRTUAL_TEST(test_destroyed_in_an_order),
        REAL_TEST(test_an_idle_panel_lets_the_loop_end),
        REAL_TEST(test_a_pending_call_keeps_the_loop_alive),
        REAL_TEST(test_a_pending_order_keeps_the_loop_alive),
        REAL_TEST(test_waiting_is_not_turning),
        REAL_TEST(test_nothing_waits_for_ever),
    };

    poison_what_is_released();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
