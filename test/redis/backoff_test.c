/* Pauses before connecting again: drawn evenly from 0 to a limit, which doubles with each failure,
 * has an end, and begins anew after a connection that lasted; so that of a thousand processes that
 * lost one server, no moment sees more than its share. */
#include "redis_backoff.h"
#include "rig.h"

enum { DRAWS = 1000, MIN = 100, MAX = 1600, RETRY = 30000 };

static breaker_redis_options_t options;

static int set_up(void **state)
{
    (void)state;
    breaker_redis_options_init(&options);
    options.backoff_min = MIN;
    options.backoff_max = MAX;
    options.fault_retry = RETRY;
    return 0;
}

static uint64_t pause_of(struct redis_backoff *backoff)
{
    return redis_backoff_pause(backoff, &options, REDIS_LATER, false);
}

/* The limit of the n-th pause in a row, drawn a thousand times: nothing over it, about as much in each
 * of its tenths (ten standard deviations and more), all of it used. */
static void assert_even(unsigned failures, uint64_t limit)
{
    unsigned tenths[10] = {0};
    for (int i = 0; i < DRAWS; i++) {
        struct redis_backoff backoff = {.failures = failures};
        uint64_t pause = pause_of(&backoff);
        assert_in_range(pause, 0, limit);
        assert_int_equal(backoff.failures, failures + 1);
        tenths[pause * 10 / (limit + 1)]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(tenths[i], 20, 200);
}

static void even_and_doubled(void **state)
{
    (void)state;
    assert_even(0, MIN);
    assert_even(1, 2 * MIN);
    assert_even(2, 4 * MIN);
    assert_even(3, 8 * MIN);
    for (unsigned failures = 4; failures < 19; failures++)
        assert_even(failures, MAX);
}

static void endless_failures(void **state)
{
    struct redis_backoff backoff = {0};
    (void)state;
    options.backoff_min = BREAKER_TIME_MAX;
    options.backoff_max = BREAKER_TIME_MAX;
    for (int i = 0; i < 100000; i++)
        assert_in_range(pause_of(&backoff), 0, BREAKER_TIME_MAX);
    set_up(NULL);
}

static void lasted(struct redis_backoff *backoff, uint64_t ms)
{
    backoff->good_since = uv_hrtime() - ms * 1000000;
}

static void begins_anew(void **state)
{
    struct redis_backoff backoff = {.failures = 10};
    (void)state;
    lasted(&backoff, MAX + 50);
    assert_in_range(pause_of(&backoff), 0, MIN);
    assert_int_equal(backoff.failures, 1);
    assert_int_equal(backoff.good_since, 0);
    backoff.failures = 10; /* one that did not last changes nothing */
    lasted(&backoff, MIN);
    pause_of(&backoff);
    assert_int_equal(backoff.failures, 11);
    redis_backoff_praise(&backoff);
    uint64_t since = backoff.good_since;
    assert_true(since > 0);
    redis_backoff_praise(&backoff); /* the first time counts */
    assert_true(backoff.good_since == since);
}

/* It counts for nothing, but for a connection that was of use too short. */
static void idle(void **state)
{
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        struct redis_backoff backoff = {.failures = 7};
        lasted(&backoff, MIN + 1);
        assert_in_range(redis_backoff_pause(&backoff, &options, REDIS_LATER, true), 0, MIN);
        assert_int_equal(backoff.failures, 7);
    }
    struct redis_backoff backoff = {.failures = 7};
    redis_backoff_praise(&backoff);
    redis_backoff_pause(&backoff, &options, REDIS_LATER, true);
    assert_int_equal(backoff.failures, 8);
    redis_backoff_pause(&backoff, &options, REDIS_LATER, true);
    assert_int_equal(backoff.failures, 9);
}

static void faults_of_the_set_up(void **state)
{
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        struct redis_backoff backoff = {.failures = 3};
        uint64_t pause = redis_backoff_pause(&backoff, &options, REDIS_SETTING, false);
        assert_in_range(pause, RETRY, RETRY + RETRY / 8);
        assert_int_equal(backoff.failures, 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(even_and_doubled),     cmocka_unit_test(endless_failures),
        cmocka_unit_test(begins_anew),          cmocka_unit_test(idle),
        cmocka_unit_test(faults_of_the_set_up),
    };
    return cmocka_run_group_tests_name("redis: pauses", tests, set_up, NULL);
}
