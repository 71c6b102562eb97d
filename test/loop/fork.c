/* A host that forks: the child goes on with the same panel, and draws by chances of its own. What the child
 * finds it tells through a pipe; its exit is nobody's test. */
#include "job.h"
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct finding {
    uint64_t retry_after; /* one of a day's many, by chance */
    unsigned dones, timed_out, destroyed;
    int closed;
};

static breaker_t *breaker_by_chance(struct fixture *f)
{
    breaker_options_t options;

    quick_options(&options);
    options.broken_time = BREAKER_TIME_MAX / 2;
    options.broken_jitter = 1;
    return make_breaker(f, "chance", &options);
}

static uint64_t draw(breaker_t *breaker)
{
    (void)breaker_trip(breaker, NULL, NULL);
    return breaker_retry_after(breaker);
}

static void on_byte(uv_poll_t *poll, int status, int events)
{
    struct job *job = poll->data;

    (void)events;
    uv_close((uv_handle_t *)poll, NULL);
    (void)breaker_finish(&job->call, status);
}

/* Guarded I/O of the child's own: waits until a pipe can be written. */
static void poll_pipe(struct job *job)
{
    uv_poll_t *poll = keep(job->f, sizeof *poll);
    int *pipe_end = job->data;

    poll->data = job;
    (void)uv_poll_init(&job->f->loop, poll, *pipe_end);
    (void)uv_poll_start(poll, UV_WRITABLE, on_byte);
}

/* pending: a call that ran when the process was forked. */
static struct finding live(struct fixture *f, breaker_t *chance, struct job *pending, int *pipe_end)
{
    struct finding finding = {.retry_after = draw(chance)};
    breaker_t *breaker = breaker_find(f->panel, "a");
    struct job *io = job_new(f, "io"), *late = job_new(f, "late");

    io->is_quiet = late->is_quiet = true;
    io->in_start = poll_pipe;
    io->data = pipe_end;
    late->call.timeout = 2;
    late->call.stop = job_stop;
    late->in_stop = finish_stopped;
    job_begin(io, breaker);
    job_begin(late, breaker);
    (void)breaker_finish(&pending->call, 0);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    finding.dones = io->dones + late->dones + pending->dones;
    finding.timed_out = late->status == UV_ETIMEDOUT;
    return finding;
}

static void be_the_child(struct fixture *f, breaker_t *chance, struct job *pending, int *pipe_end)
{
    struct finding finding;

    alarm(FIXTURE_PATIENCE);
    if (uv_loop_fork(&f->loop) != 0 || breaker_panel_fork(f->panel) != 0)
        _exit(1);
    finding = live(f, chance, pending, pipe_end);
    fixture_destroy_panel(f);
    uv_close((uv_handle_t *)&f->prepare, NULL);
    for (int i = 0; i < 20; i++)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    finding.destroyed = f->destroyed;
    finding.closed = uv_loop_close(&f->loop);
    if (write(*pipe_end, &finding, sizeof finding) != sizeof finding)
        _exit(1);
    _exit(0);
}

static void check(const struct finding *finding)
{
    assert_int_equal(finding->dones, 3);
    assert_int_equal(finding->timed_out, 1);
}

static void test_fork(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a"), *chance = breaker_by_chance(f);
    struct job *pending = job_new(f, "pending");
    struct finding childs, own;
    int ends[2];
    pid_t child;

    pending->is_quiet = true;
    pending->call.timeout = 60000;
    job_begin(pending, breaker);
    settle_down(f);
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        be_the_child(f, chance, pending, &ends[1]);
    own = live(f, chance, pending, &ends[1]);
    check(&own);
    close(ends[1]); /* the child alone can write */
    assert_int_equal(read(ends[0], &childs, sizeof childs), sizeof childs);
    assert_int_equal(waitpid(child, NULL, 0), child);
    check(&childs);
    assert_int_equal(childs.destroyed, 1);
    assert_int_equal(childs.closed, 0);
    assert_true(childs.retry_after != own.retry_after);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(test_fork),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
