/* From which phase of a turn a call may come, and in which drain it runs then: that before the poll, or
 * that after it. */
#include "job.h"

struct phases {
    struct fixture *f;
    struct job *job; /* whose turn it is */
    uv_timer_t timer;
    uv_prepare_t prepare;
    uv_async_t async;
    uv_check_t check;
};

static void begin(void *data)
{
    struct phases *phases = data;

    record(phases->f, "%s", phases->job->name);
    job_begin(phases->job, breaker_find(phases->f->panel, "a"));
}

static void in_timer(uv_timer_t *timer)
{
    begin(timer->data);
}

static void in_prepare(uv_prepare_t *prepare)
{
    begin(prepare->data);
    uv_prepare_stop(prepare);
}

static void on_closed(uv_handle_t *handle)
{
    record(((struct phases *)handle->data)->f, "closed");
}

/* Of the poll phase. */
static void in_async(uv_async_t *async)
{
    begin(async->data);
    uv_close((uv_handle_t *)async, on_closed);
}

static void in_check(uv_check_t *check)
{
    begin(check->data);
    uv_check_stop(check);
}

static void in_close(uv_handle_t *handle)
{
    begin(handle->data);
}

static struct phases *phases_of(struct fixture *f)
{
    struct phases *phases = keep(f, sizeof *phases);

    quick_breaker(f, "a");
    phases->f = f;
    uv_timer_init(&f->loop, &phases->timer);
    uv_prepare_init(&f->loop, &phases->prepare);
    uv_async_init(&f->loop, &phases->async, in_async);
    uv_check_init(&f->loop, &phases->check);
    phases->timer.data = phases->prepare.data = phases->async.data = phases->check.data = phases;
    return phases;
}

static void next(struct phases *phases, const char *phase)
{
    phases->job = job_new(phases->f, phase);
    phases->job->in_start = finish_well;
}

static void test_where_it_runs(void **state)
{
    struct fixture *f = *state;
    struct phases *phases = phases_of(f);

    next(phases, "timer");
    uv_timer_start(&phases->timer, in_timer, 0, 0);
    settle_down(f); /* where the timers come in a turn is libuv's to change */
    expect(f, "timer start:timer done:timer:0");
    next(phases, "prepare");
    uv_prepare_start(&phases->prepare, in_prepare);
    turns(f, 1);
    expect(f, "prepare start:prepare done:prepare:0 |");
    next(phases, "check");
    uv_check_start(&phases->check, in_check);
    settle_down(f); /* the panel's check has been, or is yet to come */
    expect(f, "check start:check done:check:0");
    next(phases, "poll");
    uv_async_send(&phases->async);
    turns(f, 1);
    expect(f, "poll start:poll done:poll:0 closed |");
    next(phases, "close");
    uv_close((uv_handle_t *)&phases->timer, in_close);
    turns(f, 2);
    expect(f, "close | start:close done:close:0 |");
    uv_close((uv_handle_t *)&phases->prepare, NULL);
    uv_close((uv_handle_t *)&phases->check, NULL);
}

/* Once it has run, the loop may sleep: a turn that waits for I/O ends only with it. */
static void test_it_does_not_keep_the_loop_from_sleeping(void **state)
{
    struct fixture *f = *state;
    struct phases *phases = phases_of(f);

    next(phases, "call");
    begin(phases);
    phases->job->in_start = NULL;
    turns(f, 2);
    assert_int_not_equal(uv_backend_timeout(&f->loop), 0);
    job_finish(phases->job, 0);
    assert_int_equal(uv_backend_timeout(&f->loop), 0);
    turns(f, 1);
    assert_int_not_equal(uv_backend_timeout(&f->loop), 0);
    expect(f, "call start:call | | done:call:0 |");
    uv_close((uv_handle_t *)&phases->timer, NULL);
    uv_close((uv_handle_t *)&phases->prepare, NULL);
    uv_close((uv_handle_t *)&phases->async, NULL);
    uv_close((uv_handle_t *)&phases->check, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(test_where_it_runs),
        REAL_TEST(test_it_does_not_keep_the_loop_from_sleeping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
