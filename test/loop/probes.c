/* Guarded calls while a circuit recovers: a herd at the door, probes that are lost, late, or say nothing, and a
 * clock that jumps by a day. */
#include "job.h"

enum { HERD = 50 };

static breaker_t *broken_breaker(struct fixture *f, unsigned max_trials)
{
    breaker_options_t options;
    breaker_t *breaker;

    quick_options(&options);
    options.max_trials = max_trials;
    options.success_threshold = max_trials;
    options.probe_time = 5000;
    breaker = make_breaker(f, "a", &options);
    count_many(breaker, 3, BREAKER_FAILURE);
    return breaker;
}

static unsigned send_herd(struct fixture *f, breaker_t *breaker, struct job **herd)
{
    unsigned started = 0;

    for (int i = 0; i < HERD; i++) {
        herd[i] = job_new(f, "job");
        herd[i]->is_quiet = true;
        job_begin(herd[i], breaker);
    }
    settle_down(f);
    for (int i = 0; i < HERD; i++) {
        assert_int_equal(herd[i]->starts + herd[i]->dones, 1);
        assert_int_equal(herd[i]->call.refused, herd[i]->dones);
        started += herd[i]->starts;
    }
    return started;
}

static void test_a_herd_at_half_open(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = broken_breaker(f, 3);
    struct job *herd[HERD];

    assert_int_equal(send_herd(f, breaker, herd), 0);
    f->clock += 1000;
    assert_int_equal(send_herd(f, breaker, herd), 3);
    for (int i = 0; i < HERD; i++)
        if (herd[i]->starts > 0)
            job_finish(herd[i], 0);
    settle_down(f);
    assert_int_equal(look(breaker).state, BREAKER_PASSING);
    assert_int_equal(send_herd(f, breaker, herd), HERD);
    for (int i = 0; i < HERD; i++)
        job_finish(herd[i], 0);
    settle_down(f);
}

/* The clock jumps while it is broken: it begins to recover, once, and with an empty window after. */
static void test_a_jump_by_a_day(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = broken_breaker(f, 1);
    struct job *herd[HERD];

    f->clock += BREAKER_TIME_MAX;
    assert_int_equal(send_herd(f, breaker, herd), 1);
    job_finish(herd[0], 0);
    settle_down(f);
    assert_int_equal(look(breaker).state, BREAKER_PASSING);
    count_many(breaker, 2, BREAKER_SUCCESS);
    f->clock += BREAKER_TIME_MAX;
    assert_int_equal(look(breaker).counts.ok, 0);
}

/* A probe whose I/O never ends does not leave the circuit half-open for ever. */
static void test_a_lost_probe(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = broken_breaker(f, 1);
    struct job *lost = job_new(f, "lost"), *next = job_new(f, "next");

    f->clock += 1000;
    job_begin(lost, breaker);
    turns(f, 1);
    f->clock += 4999;
    job_begin(next, breaker);
    turns(f, 1);
    assert_int_equal(next->call.retry_after, 1);
    f->clock += 1;
    job_begin(next, breaker); /* written off: a failure, and BROKEN again */
    turns(f, 1);
    assert_int_equal(look(breaker).state, BREAKER_BROKEN);
    f->clock += 1000;
    job_begin(next, breaker);
    turns(f, 1);
    job_finish(lost, 0); /* what comes for it now is late, and closes nothing */
    assert_int_equal(look(breaker).state, BREAKER_RECOVERING);
    job_finish(next, 0);
    assert_int_equal(look(breaker).state, BREAKER_PASSING);
    assert_int_equal(look(breaker).totals.late, 1);
    turns(f, 1);
    expect(f, "start:lost | done:next:REJECTED | done:next:REJECTED | start:next | "
              "done:lost:0 done:next:0 |");
}

/* With a timeout it does not even take the probe's time. */
static void test_a_probe_that_times_out(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = broken_breaker(f, 1);
    struct job *probe = job_new(f, "probe");

    f->clock += 1000;
    probe->call.timeout = 10;
    job_begin(probe, breaker);
    turns(f, 1);
    f->clock += 10;
    turns(f, 1);
    assert_int_equal(look(breaker).state, BREAKER_BROKEN);
    assert_int_equal(look(breaker).retry_after, 1000);
    job_finish(probe, 0);
    assert_int_equal(look(breaker).state, BREAKER_BROKEN);
    expect(f, "start:probe | done:probe:ETIMEDOUT |");
}

/* What says nothing gives its place to the next, at once and as often as it likes. */
static void test_probes_that_say_nothing(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = broken_breaker(f, 1);
    struct job *probe = job_new(f, "probe");

    probe->is_quiet = true;
    f->clock += 1000;
    for (unsigned i = 0; i < 20; i++) {
        job_begin(probe, breaker);
        settle_down(f);
        assert_int_equal(probe->starts, i + 1);
        assert_int_equal(
            API(breaker_finish_as(&probe->call, 0, i % 2 ? BREAKER_IGNORED : BREAKER_CANCELLED)),
            0);
        settle_down(f);
        assert_int_equal(look(breaker).state, BREAKER_RECOVERING);
    }
}

/* A start that fails is a probe that failed. */
static void test_a_probe_that_does_not_start(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = broken_breaker(f, 1);
    struct job *probe = job_new(f, "probe");

    f->clock += 1000;
    probe->start_result = UV_EMFILE;
    job_begin(probe, breaker);
    turns(f, 1);
    expect(f, "start:probe done:probe:EMFILE |");
    assert_int_equal(look(breaker).state, BREAKER_BROKEN);
    assert_int_equal(look(breaker).last_error, UV_EMFILE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIRTUAL_TEST(test_a_herd_at_half_open),
        VIRTUAL_TEST(test_a_jump_by_a_day),
        VIRTUAL_TEST(test_a_lost_probe),
        VIRTUAL_TEST(test_a_probe_that_times_out),
        VIRTUAL_TEST(test_probes_that_say_nothing),
        VIRTUAL_TEST(test_a_probe_that_does_not_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
