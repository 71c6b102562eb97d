/* Promise 7: a panel belongs to the thread of its loop, and threads with panels of their own share nothing
 * but policies (and storages). Built with -Db_sanitize=thread this file says it best; without, it counts
 * on a policy's memory being given back exactly once, after its last breaker. */
#include "job.h"
#include <stdatomic.h>
#include <stdlib.h>

enum { THREADS = 2 };

/* ---- Two threads, one policy -------------------------------------------------------------------*/

static atomic_int live; /* blocks of the library */

static void *count_allocate(size_t size)
{
    atomic_fetch_add(&live, 1);
    return malloc(size);
}

static void *count_reallocate(void *memory, size_t size)
{
    if (memory == NULL)
        atomic_fetch_add(&live, 1);
    return realloc(memory, size);
}

static void count_release(void *memory)
{
    atomic_fetch_sub(&live, 1);
    free(memory);
}

struct house {
    uv_thread_t thread;
    breaker_policy_t *policy;
    unsigned rounds;
    atomic_int *ready;
    unsigned created, finished, destroyed;
};

struct request {
    breaker_call_t call;
    struct house *house;
};

static int on_start(breaker_call_t *call)
{
    return breaker_finish(call, 0);
}

static void on_done(breaker_call_t *call, int status)
{
    struct house *house = ((struct request *)(void *)call)->house;

    house->finished += status == 0;
}

static void on_destroyed(void *data)
{
    ((struct house *)data)->destroyed++;
}

static void create_and_destroy(struct house *house, breaker_panel_t *panel)
{
    breaker_t *breaker;

    for (unsigned i = 0; i < house->rounds; i++) {
        house->created += breaker_create(&breaker, panel, "passer-by", house->policy) == 0;
        breaker_destroy(breaker);
    }
}

static void guard_calls(struct house *house, uv_loop_t *loop, breaker_panel_t *panel)
{
    struct request requests[16];
    breaker_t *breaker;

    house->created += breaker_create(&breaker, panel, "a", house->policy) == 0;
    for (unsigned i = 0; i < 16; i++) {
        breaker_call_init(&requests[i].call);
        requests[i].house = house;
    }
    for (unsigned round = 0; round < house->rounds / 100 + 1; round++) {
        for (unsigned i = 0; i < 16; i++)
            breaker_call(breaker, &requests[i].call, on_start, on_done);
        uv_run(loop, UV_RUN_DEFAULT);
    }
}

/* Asserts nothing: cmocka's assertions belong to the main thread. */
static void live_in(void *argument)
{
    struct house *house = argument;
    breaker_panel_options_t options;
    breaker_panel_t *panel;
    uv_loop_t loop;

    breaker_panel_options_init(&options);
    options.data = house;
    if (uv_loop_init(&loop) != 0 || breaker_panel_create(&panel, &loop, &options) != 0)
        abort();
    atomic_fetch_sub(house->ready, 1);
    while (atomic_load(house->ready) > 0)
        ; /* together */
    create_and_destroy(house, panel);
    guard_calls(house, &loop, panel);
    breaker_panel_destroy(panel, on_destroyed);
    uv_run(&loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&loop) != 0)
        abort();
}

static void test_threads_share_a_policy(void **state)
{
    struct house houses[THREADS] = {{0}};
    atomic_int ready;
    breaker_policy_t *policy;
    unsigned rounds = fixture_rounds(200000);

    (void)state;
    atomic_init(&ready, THREADS);
    policy = make_policy(NULL);
    assert_int_equal(breaker_policy_exclude(policy, UV_EOF), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        houses[i] = (struct house){.policy = policy, .rounds = rounds, .ready = &ready};
        assert_int_equal(uv_thread_create(&houses[i].thread, live_in, &houses[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(uv_thread_join(&houses[i].thread), 0);
        assert_int_equal(houses[i].created, rounds + 1);
        assert_int_equal(houses[i].finished, 16 * (rounds / 100 + 1));
        assert_int_equal(houses[i].destroyed, 1);
    }
    assert_int_equal(atomic_load(&live), 2); /* the policy and its list: nobody else has it */
    breaker_policy_destroy(policy);
    assert_int_equal(atomic_load(&live), 0);
}

/* ---- Work of other threads ---------------------------------------------------------------------*/

struct errand {
    struct job job;
    uv_work_t work;
    int result; /* written by the other thread, read after it */
    unsigned input;
};

static void on_work(uv_work_t *work)
{
    struct errand *errand = work->data;

    errand->result = errand->input % 7 == 3 ? UV_EIO : 0;
}

static void on_worked(uv_work_t *work, int status)
{
    struct errand *errand = work->data;

    job_finish(&errand->job, status != 0 ? status : errand->result);
}

static void begin_work(struct job *job)
{
    struct errand *errand = (struct errand *)(void *)job;

    errand->work.data = errand;
    assert_int_equal(uv_queue_work(&job->f->loop, &errand->work, on_work, on_worked), 0);
}

/* uv_queue_work guarded like any other I/O: begun and finished in the loop's thread. */
static void test_guarded_work(void **state)
{
    struct fixture *f = *state;
    breaker_options_t options;
    breaker_t *breaker;
    unsigned count = fixture_rounds(700), failures = 0;
    struct errand *errands = keep(f, count * sizeof *errands);

    breaker_options_init(&options);
    options.error_ratio = 1;
    breaker = make_breaker(f, "work", &options);
    for (unsigned i = 0; i < count; i++) {
        job_init(f, &errands[i].job, "errand");
        errands[i].job.is_quiet = true;
        errands[i].job.in_start = begin_work;
        errands[i].input = i;
        job_begin(&errands[i].job, breaker);
        failures += i % 7 == 3;
    }
    run_out(f);
    assert_int_equal(look(breaker).totals.failed, failures);
    assert_int_equal(look(breaker).totals.ok, count - failures);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(errands[i].job.dones, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_share_a_policy),
        REAL_TEST(test_guarded_work),
    };

    breaker_replace_allocator(count_allocate, count_reallocate, count_release);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
