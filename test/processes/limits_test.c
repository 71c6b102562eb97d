/* Twenty processes on one Redis, in RECOVERING: what the dependency sees is what one process would
 * have let through, and a process that dies with the right to a trial takes it to the grave for
 * its time only. */
#include "workers.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static breaker_options_t quick(void)
{
    breaker_options_t options;

    breaker_options_init(&options);
    options.window = 2000;
    options.min_calls = 50;
    options.broken_time = 300;
    options.broken_factor = 1;
    return options;
}

/* A floor in each process, and not in the fleet, would let through 20 calls in each tenth more. */
static void the_sample_is_the_fleets(void **state)
{
    struct crew_rig *rig = *state;
    struct crew *crew = rig->crew;
    breaker_options_t options = quick();
    double expected, admitted;

    options.recovery_time = 3000;
    crew_start(rig, &options, 25);
    CREW_UNTIL(CREW_SUM(crew, admitted) > 500);
    crew->is_sick = true;
    CREW_UNTIL(crew_count(crew, BREAKER_BROKEN) == WORKERS);
    crew->is_sick = false;
    CREW_UNTIL(crew_count(crew, BREAKER_PASSING) == WORKERS);
    expected = CREW_SUM(crew, sample_expected) / 1e6;
    admitted = CREW_SUM(crew, sample_admitted);
    print_message("early in RECOVERING: %.0f calls, the ramp wanted %.1f\n", admitted, expected);
    assert_true(expected > 5);
    assert_true(admitted <= expected + 2 + 5 * sqrt(expected + 2));
    assert_true(admitted >= expected - 5 * sqrt(expected));
}

static breaker_options_t trials(unsigned most)
{
    breaker_options_t options = quick();

    options.recovery = BREAKER_TRIAL;
    options.max_trials = most;
    options.success_threshold = 6;
    options.probe_time = 1500;
    return options;
}

static void break_all(struct crew_rig *rig, const breaker_options_t *options)
{
    struct crew *crew = rig->crew;

    crew_start(rig, options, 25);
    CREW_UNTIL(CREW_SUM(crew, admitted) > 500);
    crew->is_sick = true;
    CREW_UNTIL(crew_count(crew, BREAKER_BROKEN) == WORKERS);
}

static void trials_are_the_fleets(void **state)
{
    struct crew_rig *rig = *state;
    struct crew *crew = rig->crew;
    breaker_options_t options = trials(2);

    break_all(rig, &options);
    for (unsigned i = 0; i < WORKERS; i++)
        crew->workers[i].takes = 50;
    crew->is_sick = false;
    CREW_UNTIL(crew_count(crew, BREAKER_PASSING) == WORKERS);
    print_message("at most %u trials at once\n", (unsigned)crew->most_trials);
    assert_in_range(crew->most_trials, 1, 2);
}

static int who_tries(const struct crew *crew)
{
    for (int i = 0; i < WORKERS; i++)
        if (crew->workers[i].in_flight > 0)
            return i;
    return -1;
}

/* Of the epoch that stands. */
static long long leases(struct crew_rig *rig)
{
    redisReply *reply = server_ask(&rig->server, "GET {crew}:1:r");
    unsigned long long epoch = 0;
    unsigned nonce = 0;
    long long count;

    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    assert_int_equal(sscanf(reply->str, "1 %llu %x", &epoch, &nonce), 2);
    freeReplyObject(reply);
    reply = server_ask(&rig->server, "KEYS {crew}:1:t:%llu.%08x:*", epoch, nonce);
    count = (long long)reply->elements;
    freeReplyObject(reply);
    return count;
}

static void a_trial_that_dies_frees_its_place(void **state)
{
    struct crew_rig *rig = *state;
    struct crew *crew = rig->crew;
    breaker_options_t options = trials(1);
    int victim;
    unsigned admitted;

    break_all(rig, &options);
    for (unsigned i = 0; i < WORKERS; i++)
        crew->workers[i].takes = 60000; /* never */
    crew->is_sick = false;
    CREW_UNTIL((victim = who_tries(crew)) >= 0);
    crew_kill(rig, (unsigned)victim);
    crew->workers[victim].in_flight = 0;
    assert_int_equal(leases(rig), 1);
    for (unsigned i = 0; i < WORKERS; i++)
        crew->workers[i].takes = 0;
    admitted = CREW_SUM(crew, admitted);
    CREW_UNTIL(CREW_SUM(crew, admitted) > admitted);
    CREW_UNTIL(crew_count(crew, BREAKER_PASSING) == WORKERS - 1);
}

/* Redis dies in the middle of a trial of the fleet: each process decides alone, and no one of them has more
 * trials under way than it may. */
static void trials_without_redis_are_each_process_own(void **state)
{
    struct crew_rig *rig = *state;
    struct crew *crew = rig->crew;
    breaker_options_t options = trials(2);

    break_all(rig, &options);
    for (unsigned i = 0; i < WORKERS; i++)
        crew->workers[i].takes = 300;
    crew->is_sick = false;
    CREW_UNTIL(crew->trials > 0);
    server_kill(&rig->server);
    for (unsigned i = 0; i < WORKERS; i++)
        CREW_UNTIL(crew->workers[i].lost > 0);
    CREW_UNTIL(crew_count(crew, BREAKER_PASSING) == WORKERS);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_in_range(crew->workers[i].most_trials, 0, 2);
    assert_true(CREW_SUM(crew, most_trials) > 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, crew_begin, crew_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_sample_is_the_fleets),
        TEST(trials_are_the_fleets),
        TEST(a_trial_that_dies_frees_its_place),
        TEST(trials_without_redis_are_each_process_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
