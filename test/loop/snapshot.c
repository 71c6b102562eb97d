/* What breaker_inspect tells: every total, every field, in each state; and that it changes nothing. */
#include "job.h"
#include <string.h>

static void test_a_new_breaker(void **state)
{
    struct fixture *f = *state;
    breaker_snapshot_t now = look(quick_breaker(f, "a")), wanted;

    memset(&wanted, 0, sizeof wanted);
    wanted.epoch = now.epoch;
    wanted.since = f->clock;
    assert_true(now.epoch > 0);
    assert_memory_equal(&now, &wanted, sizeof now);
}

/* Each total by its own road, all at once: none is another's. */
static void test_every_total(void **state)
{
    struct fixture *f = *state;
    breaker_options_t options;
    breaker_t *breaker;
    struct job *timed = job_new(f, "timed");
    breaker_permit_t permit;
    breaker_totals_t totals;
    breaker_snapshot_t after;

    breaker_options_init(&options);
    options.slow_ratio = 1;
    options.slow_time = 100;
    breaker = make_breaker(f, "a", &options);
    count_many(breaker, 2, BREAKER_SUCCESS);
    count_many(breaker, 3, BREAKER_FAILURE);
    count_many(breaker, 4, BREAKER_IGNORED);
    count_many(breaker, 5, BREAKER_CANCELLED);
    for (int i = 0; i < 6; i++) { /* slow ones, which are ok or failed, too */
        assert_int_equal(API(breaker_try_acquire(breaker, &permit)), 0);
        f->clock += 100;
        assert_int_equal(API(breaker_report(breaker, &permit,
                                            i < 4 ? BREAKER_SUCCESS : BREAKER_FAILURE, UV_EIO)),
                         0);
    }
    timed->call.timeout = 7;
    for (int i = 0; i < 7; i++) {
        job_begin(timed, breaker);
        settle_down(f);
        f->clock += 7;
        settle_down(f);
        job_finish(timed, UV_ECANCELED);
    }
    assert_int_equal(API(breaker_try_acquire(breaker, &permit)), 0);
    assert_int_equal(API(breaker_trip(breaker, NULL, NULL)), 0);
    assert_int_equal(API(breaker_report(breaker, &permit, BREAKER_SUCCESS, 0)), BREAKER_ESTALE);
    for (int i = 0; i < 9; i++)
        assert_false(is_admitted(breaker));
    totals = look(breaker).totals;
    assert_int_equal(totals.admitted, 2 + 3 + 4 + 5 + 6 + 7 + 1);
    assert_int_equal(totals.rejected, 9);
    assert_int_equal(totals.ok, 2 + 4);
    assert_int_equal(totals.failed, 3 + 2 + 7);
    assert_int_equal(totals.ignored, 4);
    assert_int_equal(totals.cancelled, 5);
    assert_int_equal(totals.timed_out, 7);
    assert_int_equal(totals.late, 1);
    assert_int_equal(totals.slow, 6);
    assert_int_equal(totals.trips, 1);
    assert_int_equal(API(breaker_reset(breaker, NULL, NULL)), 0);
    totals.admitted++; /* since its creation: a transition does not clear them */
    totals.ok++;
    count_one(breaker, BREAKER_SUCCESS, 0);
    after = look(breaker);
    assert_memory_equal(&after.totals, &totals, sizeof totals);
}

static void test_once_round(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    breaker_permit_t permit;
    breaker_snapshot_t s;

    count_many(breaker, 6, BREAKER_SUCCESS);
    count_one(breaker, BREAKER_FAILURE, UV_EPIPE);
    count_one(breaker, BREAKER_FAILURE, UV_EIO);
    s = look(breaker);
    assert_int_equal(s.counts.ok, 6);
    assert_int_equal(s.counts.failed, 2);
    assert_int_equal(s.counts.consecutive, 2);
    assert_true(s.ratio >= 0.25 && s.ratio <= 0.25);
    assert_int_equal(s.last_error, UV_EIO);
    assert_int_equal(s.retry_after, 0);

    f->clock += 5;
    count_one(breaker, BREAKER_FAILURE, UV_ECONNREFUSED);
    s = look(breaker);
    assert_int_equal(s.state, BREAKER_BROKEN);
    assert_int_equal(s.since, f->clock);
    assert_int_equal(s.counts.ok + s.counts.failed, 0); /* BROKEN: none */
    assert_int_equal(s.tripped.ok, 6);
    assert_int_equal(s.tripped.failed, 3);
    assert_int_equal(s.tripped.consecutive, 3);
    assert_true(s.ratio <= 0);
    assert_int_equal(s.trips, 1);
    assert_int_equal(s.last_error, UV_ECONNREFUSED);

    f->clock += 1000;
    s = look(breaker); /* over, but nobody has asked */
    assert_int_equal(s.state, BREAKER_BROKEN);
    assert_int_equal(s.retry_after, 0);

    assert_int_equal(API(breaker_try_acquire(breaker, &permit)), 0);
    s = look(breaker);
    assert_int_equal(s.state, BREAKER_RECOVERING);
    assert_int_equal(s.in_flight, 1);
    assert_int_equal(s.retry_after, 30000); /* when the missing probe is written off */
    assert_int_equal(s.tripped.failed, 3);

    assert_int_equal(API(breaker_report(breaker, &permit, BREAKER_SUCCESS, 0)), 0);
    s = look(breaker);
    assert_int_equal(s.state, BREAKER_PASSING);
    assert_int_equal(s.in_flight, 0);
    assert_int_equal(s.counts.ok + s.tripped.failed, 0); /* fresh */
    assert_int_equal(s.last_error, UV_ECONNREFUSED);
}

static void test_looking_changes_nothing(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    breaker_snapshot_t once, twice;

    for (int round = 0; round < 3; round++) {
        once = look(breaker);
        assert_true(breaker_retry_after(breaker) == once.retry_after);
        twice = look(breaker);
        assert_memory_equal(&once, &twice, sizeof once);
        assert_int_equal(f->draws, 0);
        if (round == 0)
            count_many(breaker, 3, BREAKER_FAILURE);
        f->draws = 0;
        f->clock += 1000;
        if (round == 1)
            assert_true(is_admitted(breaker));
        f->draws = 0;
    }
}

/* Counts expire by themselves, also in the eye of one who only looks. */
static void test_counts_expire(void **state)
{
    struct fixture *f = *state;
    breaker_options_t options;
    breaker_t *breaker;

    breaker_options_init(&options);
    breaker = make_breaker(f, "a", &options);
    count_many(breaker, 4, BREAKER_FAILURE);
    f->clock += 8000;
    assert_int_equal(look(breaker).counts.failed, 4);
    f->clock += 2000;
    assert_int_equal(look(breaker).counts.failed, 0);
    f->clock += 36000000;
    assert_int_equal(look(breaker).counts.failed, 0);
    f->clock -= 36000000; /* a clock that goes back stands still */
    count_one(breaker, BREAKER_SUCCESS, 0);
    assert_int_equal(look(breaker).counts.ok, 1);
}

/* A program that was compiled with another header. */
static void test_sizes(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct {
        breaker_snapshot_t snapshot;
        char more[16];
    } longer;
    breaker_snapshot_t whole, shorter;
    size_t part = offsetof(breaker_snapshot_t, ratio);

    count_many(breaker, 2, BREAKER_FAILURE);
    whole = look(breaker);
    memset(&shorter, 0x5a, sizeof shorter);
    assert_int_equal(API(breaker_inspect_sized(breaker, &shorter, part)), 0);
    assert_memory_equal(&shorter, &whole, part);
    for (size_t i = part; i < sizeof shorter; i++)
        assert_int_equal(((unsigned char *)&shorter)[i], 0x5a);
    memset(&longer, 0x5a, sizeof longer);
    assert_int_equal(API(breaker_inspect_sized(breaker, &longer.snapshot, sizeof longer)), 0);
    assert_memory_equal(&longer.snapshot, &whole, sizeof whole);
    for (size_t i = 0; i < sizeof longer.more; i++)
        assert_int_equal(longer.more[i], 0);
    assert_int_equal(API(breaker_inspect_sized(breaker, &whole, 0)), UV_EINVAL);
    assert_int_equal(API(breaker_inspect(NULL, &whole)), UV_EINVAL);
    assert_int_equal(API(breaker_inspect(breaker, (breaker_snapshot_t *)NULL)), UV_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIRTUAL_TEST(test_a_new_breaker), VIRTUAL_TEST(test_every_total),
        VIRTUAL_TEST(test_once_round),    VIRTUAL_TEST(test_looking_changes_nothing),
        VIRTUAL_TEST(test_counts_expire), VIRTUAL_TEST(test_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
