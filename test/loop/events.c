/* What an event says: each field, for each kind; and whom a panel takes for a listener. */
#include "job.h"
#include "watcher.h"

static void test_the_events_of_a_call(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_ALL);
    struct job *job = job_new(f, "job");

    watch_panel(watcher);
    job_begin(job, breaker);
    turns(f, 1);
    assert_int_equal(watcher->last.kind, BREAKER_BEFORE_CALL);
    assert_ptr_equal(watcher->last.breaker, breaker);
    assert_int_equal(watcher->last.time, 1000000);
    assert_int_equal(watcher->last.from, BREAKER_PASSING);
    assert_int_equal(watcher->last.to, BREAKER_PASSING);
    f->clock += 7;
    job_finish(job, 42);
    f->clock += 100; /* the time when it happened, not when it is told */
    turns(f, 1);
    assert_int_equal(watcher->last.kind, BREAKER_ON_SUCCESS);
    assert_int_equal(watcher->last.time, 1000007);
    assert_int_equal(watcher->last.duration, 7);
    assert_int_equal(watcher->last.status, 42);
    job_begin(job, breaker);
    turns(f, 1);
    f->clock += 9;
    job_finish(job, UV_EPIPE);
    turns(f, 1);
    assert_int_equal(watcher->last.kind, BREAKER_ON_FAILURE);
    assert_int_equal(watcher->last.duration, 9);
    assert_int_equal(watcher->last.status, UV_EPIPE);
}

static void test_late_events(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_LATE);
    struct job *job = job_new(f, "job");
    breaker_permit_t permit;

    watch_breaker(watcher, breaker);
    assert_int_equal(API(breaker_try_acquire(breaker, &permit)), 0);
    job->call.timeout = 10;
    job_begin(job, breaker);
    turns(f, 1);
    f->clock += 10;
    turns(f, 2);
    f->clock += 5;
    job_finish(job, UV_EIO);
    turns(f, 1);
    assert_int_equal(watcher->last.kind, BREAKER_ON_LATE);
    assert_int_equal(watcher->last.status, UV_EIO);
    assert_int_equal(watcher->last.duration, 15);
    assert_int_equal(API(breaker_trip(breaker, NULL, NULL)), 0);
    f->clock += 5;
    assert_int_equal(API(breaker_report(breaker, &permit, BREAKER_FAILURE, UV_EPIPE)),
                     BREAKER_ESTALE);
    turns(f, 1);
    assert_int_equal(told_of(watcher, BREAKER_ON_LATE), 2);
    assert_int_equal(watcher->last.status, UV_EPIPE);
    assert_int_equal(watcher->last.duration, 20);
    assert_int_equal(watcher->last.from, BREAKER_BROKEN);
}

static void test_rejected(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_REJECTED);

    watch_breaker(watcher, breaker);
    count_many(breaker, 3, BREAKER_FAILURE);
    f->clock += 400;
    assert_false(is_admitted(breaker));
    turns(f, 1);
    assert_int_equal(watcher->last.retry_after, 600);
    assert_int_equal(watcher->last.status, UV_ECONNRESET);
    assert_int_equal(watcher->last.from, BREAKER_BROKEN);
    assert_int_equal(watcher->last.to, BREAKER_BROKEN);
    assert_int_equal(watcher->last.time, f->clock);
}

/* With the numbers at the transition. */
static void test_transitions(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_STATE_CHANGE);

    watch_breaker(watcher, breaker);
    count_many(breaker, 5, BREAKER_SUCCESS);
    count_many(breaker, 3, BREAKER_FAILURE);
    turns(f, 1);
    assert_int_equal(watcher->last.from, BREAKER_PASSING);
    assert_int_equal(watcher->last.to, BREAKER_BROKEN);
    assert_int_equal(watcher->last.counts.ok, 5);
    assert_int_equal(watcher->last.counts.failed, 3);
    assert_int_equal(watcher->last.counts.consecutive, 3);
    assert_int_equal(watcher->last.status, UV_ECONNRESET);
    assert_int_equal(watcher->last.retry_after, 1000);
    f->clock += 1000;
    count_one(breaker, BREAKER_SUCCESS, 0);
    turns(f, 1);
    assert_int_equal(watcher->last.from, BREAKER_RECOVERING);
    assert_int_equal(watcher->last.to, BREAKER_PASSING);
    assert_int_equal(watcher->last.counts.ok, 1);
    assert_int_equal(watcher->last.retry_after, 0);
    expect(f, "w:P>B | w:B>R w:R>P |");
}

/* The hold to watch: what would have been refused is told as rejected, and as admitted. */
static void test_a_dry_run(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_ALL);

    assert_int_equal(API(breaker_hold(breaker, BREAKER_HOLD_WATCH, NULL, NULL)), 0);
    count_many(breaker, 3, BREAKER_FAILURE);
    watch_breaker(watcher, breaker);
    count_many(breaker, 1, BREAKER_SUCCESS);
    turns(f, 1);
    expect(f, "w:rejected w:before w:ok |");
    assert_int_equal(look(breaker).state, BREAKER_BROKEN);
    assert_int_equal(look(breaker).totals.rejected, 1);
    assert_int_equal(look(breaker).totals.admitted, 4);
}

/* ---- Who may listen ----------------------------------------------------------------------------*/

static void test_bad_listeners(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct watcher *watcher = watcher_new(f, "w", 0);
    breaker_listener_t *listener = &watcher->listener;

    assert_int_equal(API(breaker_listen(breaker, listener)), UV_EINVAL); /* no kinds */
    listener->kinds = 1 << 30;
    assert_int_equal(API(breaker_listen(breaker, listener)), UV_EINVAL);
    listener->kinds = BREAKER_ON_SUCCESS | -0x8000;
    assert_int_equal(API(breaker_panel_listen(f->panel, listener)), UV_EINVAL);
    listener->kinds = BREAKER_ON_MISSED; /* a panel's */
    assert_int_equal(API(breaker_listen(breaker, listener)), UV_EINVAL);
    assert_int_equal(API(breaker_unlisten(listener)), UV_EINVAL);
    assert_int_equal(API(breaker_panel_listen(f->panel, listener)), 0);
    assert_int_equal(API(breaker_panel_listen(f->panel, listener)), UV_EBUSY);
    listener->kinds = BREAKER_ON_SUCCESS;
    assert_int_equal(API(breaker_listen(breaker, listener)), UV_EBUSY);
    assert_int_equal(API(breaker_unlisten(listener)), 0);
    assert_int_equal(API(breaker_unlisten(listener)), UV_EINVAL);
    listener->notify = NULL;
    assert_int_equal(API(breaker_listen(breaker, listener)), UV_EINVAL);
    assert_int_equal(API(breaker_listen(breaker, NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_listen(NULL, listener)), UV_EINVAL);
    assert_int_equal(API(breaker_panel_listen(NULL, listener)), UV_EINVAL);
    assert_int_equal(API(breaker_panel_listen(f->panel, NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_unlisten(NULL)), UV_EINVAL);
    count_one(breaker, BREAKER_SUCCESS, 0);
    turns(f, 1);
    expect(f, "|");
}

/* Nobody listens: nothing is noted, and the loop is not woken for it. */
static void test_nobody_listens(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_FAILURE);

    watch_breaker(watcher, breaker);
    count_one(breaker, BREAKER_SUCCESS, 0); /* not asked for */
    assert_false(uv_loop_alive(&f->loop));
    unwatch(watcher);
    count_one(breaker, BREAKER_FAILURE, 0);
    assert_false(uv_loop_alive(&f->loop));
    turns(f, 1);
    expect(f, "|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIRTUAL_TEST(test_the_events_of_a_call),
        VIRTUAL_TEST(test_late_events),
        VIRTUAL_TEST(test_rejected),
        VIRTUAL_TEST(test_transitions),
        VIRTUAL_TEST(test_a_dry_run),
        VIRTUAL_TEST(test_bad_listeners),
        VIRTUAL_TEST(test_nobody_listens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
