/* Guarded work: in a pool with room and in a full one, and in a thread that does not end. */
#include "peer.h"
#include <breaker/uv.h>
#include <fixture.h>

struct job {
    breaker_uv_work_t work;
    struct fixture *f;
    uv_sem_t begun, go;
    int status; /* what the work says of itself */
    bool waits, is_over;
};

static void in_thread(uv_work_t *req)
{
    struct job *job = req->data;

    if (job->waits) {
        uv_sem_post(&job->begun);
        uv_sem_wait(&job->go);
    }
    ((breaker_uv_work_t *)req)->status = job->status;
}

static void after(uv_work_t *req, int status)
{
    struct job *job = req->data;

    not_inside();
    job->is_over = true;
    record(job->f, "%s", status == 0 ? "worked" : breaker_strerror(status));
}

static void work_released(breaker_call_t *call)
{
    record(((struct job *)call->data)->f, "released");
}

static struct job *prepare(struct fixture *f, int status)
{
    struct job *job = keep(f, sizeof *job);

    breaker_uv_init(&job->work);
    job->work.req.data = job->work.call.data = job;
    job->f = f;
    job->status = status;
    return job;
}

static struct job *queue(struct fixture *f, breaker_t *breaker, int status)
{
    struct job *job = prepare(f, status);

    assert_int_equal(API(breaker_uv_queue_work(breaker, &f->loop, &job->work, in_thread, after)),
                     0);
    return job;
}

static void work_says_how_it_went(void **state)
{
    struct fixture *f = *state;
    breaker_t *engine = quick_breaker(f, "engine");

    queue(f, engine, 0)->work.call.release = work_released;
    run_out(f);
    expect(f, "worked released");
    for (unsigned i = 0; i < 4; i++) {
        queue(f, engine, UV_EPROTO);
        run_out(f);
    }
    expect(f, "protocol error protocol error protocol error refused by the circuit breaker");
    assert_int_equal(look(engine).totals.failed, 3);
}

static void a_timeout_waits_for_the_thread(void **state)
{
    struct fixture *f = *state;
    breaker_t *engine = quick_breaker(f, "engine");
    struct job *job = prepare(f, 0);

    job->waits = true;
    uv_sem_init(&job->begun, 0);
    uv_sem_init(&job->go, 0);
    job->work.call.timeout = 20;
    job->work.call.release = work_released;
    assert_int_equal(API(breaker_uv_queue_work(engine, &f->loop, &job->work, in_thread, after)), 0);
    settle_down(f);
    uv_sem_wait(&job->begun);
    while (look(engine).totals.timed_out == 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    settle_down(f);
    expect(f, ""); /* the circuit knows, and after waits */
    uv_sem_post(&job->go);
    run_out(f);
    expect(f, "connection timed out released");
    assert_int_equal(look(engine).totals.late, 1);
    uv_sem_destroy(&job->begun);
    uv_sem_destroy(&job->go);
}

static void work_in_a_full_pool(void **state)
{
    struct fixture *f = *state;
    breaker_t *engine = quick_breaker(f, "engine");
    struct plug plug;
    struct job *slow, *given_up, *early;

    plug_in(&plug, &f->loop);
    slow = queue(f, engine, 0);
    slow->work.call.timeout = 20;
    slow->work.call.release = work_released;
    given_up = queue(f, engine, 0);
    settle_down(f);
    early = queue(f, engine, 0);
    assert_int_equal(API(breaker_uv_cancel(&early->work)), 0);
    assert_int_equal(API(breaker_uv_cancel(&given_up->work)), 0);
    while (!slow->is_over)
        uv_run(&f->loop, UV_RUN_ONCE);
    settle_down(f);
    expect(f, "operation canceled operation canceled connection timed out released");
    plug_draw(&plug);
    run_out(f);
    expect(f, "");
    assert_int_equal(look(engine).totals.late, 0);
}

static void the_engine_goes_away(void **state)
{
    struct fixture *f = *state;
    breaker_t *engine = quick_breaker(f, "engine");
    struct plug plug;

    plug_in(&plug, &f->loop);
    for (unsigned i = 0; i < 4; i++)
        queue(f, engine, 0);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    API_VOID(breaker_destroy(engine));
    settle_down(f);
    plug_draw(&plug);
    run_out(f);
    expect(f, "operation canceled operation canceled operation canceled operation canceled");
}

static void misuse(void **state)
{
    struct fixture *f = *state;
    breaker_t *engine = quick_breaker(f, "engine");
    breaker_uv_work_t *work = &prepare(f, 0)->work;

    assert_int_equal(API(breaker_uv_queue_work(NULL, &f->loop, work, in_thread, after)), UV_EINVAL);
    assert_int_equal(API(breaker_uv_queue_work(engine, NULL, work, in_thread, after)), UV_EINVAL);
    assert_int_equal(API(breaker_uv_queue_work(engine, &f->loop, NULL, in_thread, after)),
                     UV_EINVAL);
    assert_int_equal(API(breaker_uv_queue_work(engine, &f->loop, work, NULL, after)), UV_EINVAL);
    assert_int_equal(API(breaker_uv_queue_work(engine, &f->loop, work, in_thread, NULL)),
                     UV_EINVAL);
    run_out(f);
    expect(f, "");
    assert_int_equal(look(engine).totals.admitted, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(work_says_how_it_went),
        REAL_TEST(a_timeout_waits_for_the_thread),
        REAL_TEST(work_in_a_full_pool),
        REAL_TEST(the_engine_goes_away),
        REAL_TEST(misuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
