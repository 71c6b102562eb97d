/* Hosts that are not kind: one that walks the loop and closes every handle, at any moment; others that run
 * it turn by turn, stop it, or look at nothing for a long time. Every callback comes once all the same, and
 * the loop can be closed. */
#include "job.h"
#include "poison.h"
#include "watcher.h"

static void close_one(uv_handle_t *handle, void *data)
{
    (void)data;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void walk(struct fixture *f)
{
    uv_walk(&f->loop, close_one, NULL);
}

/* ---- A walk at every moment --------------------------------------------------------------------*/

enum moment {
    IDLE,
    WAITING,
    IN_START,
    RUNNING,
    FINISHED, /* done is to be told */
    CANCELLED,
    UNFINISHED, /* done was told */
    RELEASING,  /* release is to be told */
    IN_DONE,
    ORDERED,
    TOLD,  /* an event is to be told */
    DYING, /* breaker_panel_destroy was called */
    MOMENTS
};

/* How it goes on after the walk. */
enum after {
    DESTROYED_AT_ONCE,    /* before the closes have run */
    DESTROYED_MUCH_LATER, /* and after */
    WALKED_TWICE,
    FINISHED_MEANWHILE, /* the I/O is over before the panel is destroyed */
    AFTERS
};

static void on_order(breaker_order_t *order, int status)
{
    not_inside();
    record(order->data, "order:%s", status_name(status));
}

static void walk_inside(struct job *job)
{
    walk(job->f);
}

static void reach(struct fixture *f, enum moment moment, breaker_t *breaker, struct job *job)
{
    if (moment == IDLE)
        return;
    if (moment == ORDERED) {
        assert_int_equal(API(breaker_trip(breaker, order_new(f), on_order)), 0);
        return;
    }
    if (moment == TOLD) {
        watch_panel(watcher_new(f, "w", BREAKER_ON_STATE_CHANGE));
        assert_int_equal(API(breaker_trip(breaker, NULL, NULL)), 0);
        return;
    }
    job->in_start = moment == IN_START ? walk_inside : NULL;
    job->in_done = moment == IN_DONE ? walk_inside : NULL;
    job_begin(job, breaker);
    if (moment == WAITING)
        return;
    settle_down(f);
    if (moment == FINISHED || moment == IN_DONE)
        job_finish(job, 0);
    if (moment == CANCELLED || moment == UNFINISHED || moment == RELEASING)
        job_cancel(job);
    if (moment == UNFINISHED || moment == RELEASING || moment == IN_DONE)
        settle_down(f);
    if (moment == RELEASING)
        job_finish(job, 0);
}

static bool owes_a_finish(const struct job *job)
{
    return job->starts > 0 && API(breaker_finish((breaker_call_t *)(uintptr_t)&job->call, 0)) == 0;
}

static void cross(struct fixture *f, enum moment moment, enum after after)
{
    breaker_panel_options_t options;
    struct job *job = job_new(f, "job");
    breaker_t *breaker;

    breaker_panel_options_init(&options);
    fixture_panel(f, &options, true);
    f->destroyed = 0;
    breaker = quick_breaker(f, "a");
    job->call.release = job_release;
    job->call.timeout = 1000;
    reach(f, moment, breaker, job);
    if (moment == DYING)
        fixture_destroy_panel(f);
    walk(f);
    if (moment != DYING) {
        struct job *refused = job_new(f, "refused");
        assert_int_equal(job_call(refused, breaker), UV_ESHUTDOWN);
        assert_int_equal(API(breaker_trip(breaker, order_new(f), on_order)), UV_ESHUTDOWN);
        assert_int_equal(API(breaker_reset(breaker, NULL, NULL)), 0);
        assert_true(is_admitted(breaker)); /* what needs no callback goes on */
    }
    if (after != DESTROYED_AT_ONCE)
        settle_down(f);
    if (after == WALKED_TWICE)
        walk(f);
    if (after == FINISHED_MEANWHILE)
        owes_a_finish(job);
    if (f->panel != NULL)
        fixture_destroy_panel(f);
    walk(f);
    settle_down(f);
    owes_a_finish(job);
    fixture_wait_destroyed(f);
    settle_down(f);
    assert_false(uv_loop_alive(&f->loop));
    assert_int_equal(job->dones, moment != IDLE && moment != ORDERED && moment != TOLD);
    assert_int_equal(job->releases, job->dones);
    assert_int_equal(f->destroyed, 1);
}

static void test_a_walk_at_every_moment(void **state)
{
    struct fixture *f = *state;

    for (int moment = 0; moment < MOMENTS; moment++) {
        for (int after = 0; after < AFTERS; after++) {
            forget(f);
            cross(f, (enum moment)moment, (enum after)after);
        }
    }
}

/* What was pending ends when the panel is destroyed, orders too. */
static void test_what_was_pending_is_told_at_the_end(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *waiting = job_new(f, "waiting"), *running = job_new(f, "running"),
               *finished = job_new(f, "finished");

    running->call.stop = job_stop;
    running->in_stop = finish_stopped;
    job_begin(running, breaker);
    job_begin(finished, breaker);
    turns(f, 1);
    job_begin(waiting, breaker);
    job_finish(finished, 0);
    assert_int_equal(API(breaker_trip(breaker, order_new(f), on_order)), 0);
    walk(f);
    turns(f, 3);
    expect(f, "start:running start:finished | | | |");
    fixture_destroy_panel(f);
    fixture_wait_destroyed(f);
    expect(f, "done:finished:0 stop:running done:running:ECANCELED done:waiting:ECANCELED "
              "order:ECANCELED destroyed");
}

/* ---- Other ways to run a loop ------------------------------------------------------------------*/

static void begin_next(struct job *job)
{
    unsigned *left = job->data;

    if (--*left > 0)
        job_begin(job, breaker_find(job->f->panel, "a"));
}

/* However the host runs it, and however it stops it, the same happens. */
static void run_by(struct fixture *f, uv_run_mode mode, bool is_stopped)
{
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");
    unsigned left = 5;

    job->in_start = finish_well;
    job->in_done = begin_next;
    job->data = &left;
    job_begin(job, breaker);
    for (unsigned i = 0; i < 100 && uv_loop_alive(&f->loop); i++) {
        if (is_stopped && i % 2 == 0)
            uv_stop(&f->loop);
        uv_run(&f->loop, mode);
    }
    assert_int_equal(job->dones, 5);
    expect(f, "start:job done:job:0 start:job done:job:0 start:job done:job:0 start:job done:job:0 "
              "start:job done:job:0");
    API_VOID(breaker_destroy(breaker));
}

static void test_run_turn_by_turn(void **state)
{
    run_by(*state, UV_RUN_NOWAIT, false);
    run_by(*state, UV_RUN_ONCE, false);
    run_by(*state, UV_RUN_DEFAULT, false);
    run_by(*state, UV_RUN_NOWAIT, true);
}

static void stop_loop(struct job *job)
{
    uv_stop(&job->f->loop);
    finish_well(job);
}

static void begin_other(struct job *job)
{
    job_begin(job->data, breaker_find(job->f->panel, "a"));
}

/* Stopped inside a callback: the turn goes on to its end, and the rest waits for the next run. */
static void test_stopped_inside_a_callback(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *one = job_new(f, "one"), *two = job_new(f, "two"), *three = job_new(f, "three");

    one->in_start = stop_loop;
    two->in_start = three->in_start = finish_well;
    one->call.release = job_release;
    one->in_done = two->in_done = begin_other;
    one->data = two;
    two->data = three;
    job_begin(one, breaker);
    assert_int_not_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    expect(f, "start:one done:one:0 release:one start:two done:two:0");
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    expect(f, "start:three done:three:0");
}

/* A timeout is kept, too, by a host that never lets the loop wait. */
static void test_a_timeout_without_waiting(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");

    job->call.timeout = 3;
    job->call.stop = job_stop;
    job->in_stop = finish_stopped;
    job_begin(job, breaker);
    while (uv_run(&f->loop, UV_RUN_NOWAIT) != 0)
        ;
    expect(f, "start:job stop:job done:job:ETIMEDOUT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BARE_TEST(test_a_walk_at_every_moment),
        VIRTUAL_TEST(test_what_was_pending_is_told_at_the_end),
        VIRTUAL_TEST(test_run_turn_by_turn),
        REAL_TEST(test_stopped_inside_a_callback),
        REAL_TEST(test_a_timeout_without_waiting),
    };

    poison_what_is_released();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
