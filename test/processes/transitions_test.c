/* Twenty processes on one Redis: what one of them finds out or orders, all of them do; one sick
 * client is not all of them; and Redis may come back empty. */
#include "workers.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Short times: half of the calls of a second failed; broken for three. */
static breaker_options_t quick(void)
{
    breaker_options_t options;

    breaker_options_init(&options);
    options.window = 1000;
    options.min_calls = 50;
    options.broken_time = 3000;
    options.broken_factor = 1;
    options.recovery_time = 500;
    options.recovery_min = 5;
    return options;
}

static void start(struct crew_rig *rig, unsigned rate)
{
    breaker_options_t options = quick();

    crew_start(rig, &options, rate);
}

/* The record in the storage, which all agree on. */
static void record_of(struct crew_rig *rig, char *text, size_t capacity)
{
    redisReply *reply = server_ask(&rig->server, "GET {crew}:1:r");

    snprintf(text, capacity, "%s", reply->type == REDIS_REPLY_STRING ? reply->str : "");
    freeReplyObject(reply);
}

static uint64_t epoch_of(const char *record)
{
    return strtoull(record + 2, NULL, 10);
}

static void an_outage_is_one_transition(void **state)
{
    struct crew_rig *rig = *state;
    struct crew *crew = rig->crew;
    char record[160];

    start(rig, 20);
    CREW_UNTIL(CREW_SUM(crew, admitted) > 400);
    assert_int_equal(server_calls(&rig->server, "publish"), 0);
    assert_int_equal(CREW_SUM(crew, refused), 0);
    crew->is_sick = true;
    CREW_UNTIL(crew_count(crew, BREAKER_BROKEN) == WORKERS);
    record_of(rig, record, sizeof record);
    assert_non_null(strstr(record, " BROKEN "));
    assert_int_equal(server_calls(&rig->server, "publish"), 1);
    for (unsigned i = 0; i < WORKERS; i++) {
        CREW_UNTIL(crew->workers[i].event_count > 0);
        assert_int_equal(crew->workers[i].event_count, 1);
    }
    assert_int_equal(CREW_SUM(crew, broken_admitted), 0);
    crew->is_sick = false;
    CREW_UNTIL(crew_count(crew, BREAKER_PASSING) == WORKERS);
    record_of(rig, record, sizeof record);
    assert_non_null(strstr(record, " PASSING "));
}

/* Successes and failures of fifty processes, at the edge of what the rule allows: whoever finds out first,
 * it is one transition, and each process tells it once. */
static void fifty_at_the_edge(void **state)
{
    struct crew_rig *rig = *state;
    struct crew *crew = rig->crew;
    breaker_options_t options = quick();

    options.broken_time = 20000;
    options.min_calls = 200;
    crew_start_with(rig, &options, 1, 10, WORKERS_MAX);
    CREW_UNTIL(CREW_SUM(crew, admitted) > 500);
    for (unsigned percent = 40; crew_count(crew, BREAKER_BROKEN) == 0 && percent < 100; percent++) {
        crew->failing = percent;
        usleep(100000);
    }
    CREW_UNTIL(crew_count(crew, BREAKER_BROKEN) == WORKERS_MAX);
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        CREW_UNTIL(crew->workers[i].event_count > 0);
    usleep(300000); /* for a second one, if there was any */
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        assert_int_equal(crew->workers[i].event_count, 1);
    assert_int_equal(server_calls(&rig->server, "publish"), 1);
    assert_int_equal(CREW_SUM(crew, broken_admitted), 0);
}

/* Processes of two minds: windows of a second and of four, which count in different buckets. Each half
 * finds an outage by what it counts, and all are broken by it, and whole again. */
static void windows_differ(void **state)
{
    struct crew_rig *rig = *state;
    struct crew *crew = rig->crew;
    breaker_options_t options[2] = {quick(), quick()};

    options[1].window = 4000;
    options[1].buckets = 5;
    crew_start_with(rig, options, 2, 20, WORKERS);
    CREW_UNTIL(CREW_SUM(crew, admitted) > 400);
    for (int round = 0; round < 2; round++) {
        crew->is_sick = true;
        CREW_UNTIL(crew_count(crew, BREAKER_BROKEN) == WORKERS);
        crew->is_sick = false;
        CREW_UNTIL(crew_count(crew, BREAKER_PASSING) == WORKERS);
    }
    assert_int_equal(CREW_SUM(crew, broken_admitted), 0);
}

/* Twenty orders at one moment, while somebody listens: each epoch was given once. */
static void a_race_gives_each_epoch_once(void **state)
{
    struct crew_rig *rig = *state;
    struct crew *crew = rig->crew;
    struct timeval patience = {.tv_sec = 1};
    redisContext *ear;
    redisReply *reply;
    uint64_t epochs[4 * WORKERS];
    unsigned count = 0;
    char record[160];
    void *got;

    start(rig, 0);
    ear = redisConnectUnix(rig->server.path);
    assert_non_null(reply = redisCommand(ear, "SUBSCRIBE {crew}:1:n"));
    freeReplyObject(reply);
    for (unsigned i = 0; i < WORKERS; i++)
        crew->workers[i].order = ORDER_RACE;
    for (unsigned i = 0; i < WORKERS; i++)
        CREW_UNTIL(crew->workers[i].order == ORDER_NONE);
    redisSetTimeout(ear, patience);
    while (redisGetReply(ear, &got) == REDIS_OK) {
        reply = got;
        assert_true(count < 4 * WORKERS);
        epochs[count] = epoch_of(reply->element[2]->str);
        for (unsigned i = 0; i < count; i++)
            assert_true(epochs[i] < epochs[count]);
        count++;
        freeReplyObject(reply);
    }
    redisFree(ear);
    assert_true(count >= 1);
    record_of(rig, record, sizeof record);
    assert_true(epoch_of(record) == epochs[count - 1]);
    CREW_UNTIL(crew_count(crew, BREAKER_BROKEN) == WORKERS);
}

static void the_orders_of_one_are_obeyed_by_all(void **state)
{
    struct crew_rig *rig = *state;
    struct crew *crew = rig->crew;

    start(rig, 10);
    CREW_UNTIL(CREW_SUM(crew, admitted) > 100);
    crew_order(crew, 0, ORDER_TRIP, BREAKER_HOLD_NONE);
    CREW_UNTIL(crew_count(crew, BREAKER_BROKEN) == WORKERS);
    crew_order(crew, 1, ORDER_RESET, BREAKER_HOLD_NONE);
    CREW_UNTIL(crew_count(crew, BREAKER_PASSING) == WORKERS);
    crew_order(crew, 2, ORDER_HOLD, BREAKER_HOLD_OPEN);
    CREW_UNTIL(crew_held(crew, BREAKER_HOLD_OPEN) == WORKERS);
    crew_order(crew, 3, ORDER_HOLD, BREAKER_HOLD_NONE);
    CREW_UNTIL(crew_held(crew, BREAKER_HOLD_NONE) == WORKERS);
}

static void recovering_by_order_is_for_all(void **state)
{
    struct crew_rig *rig = *state;
    struct crew *crew = rig->crew;

    start(rig, 0); /* no calls: it stays as it is ordered */
    crew_order(crew, 4, ORDER_RECOVER, BREAKER_HOLD_NONE);
    CREW_UNTIL(crew_count(crew, BREAKER_RECOVERING) == WORKERS);
}

static void events_say_who_made_it(void **state)
{
    struct crew_rig *rig = *state;
    struct crew *crew = rig->crew;

    start(rig, 0);
    crew_order(crew, 7, ORDER_TRIP, BREAKER_HOLD_NONE);
    for (unsigned i = 0; i < WORKERS; i++)
        CREW_UNTIL(crew->workers[i].event_count > 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(crew_told(&crew->workers[i], BREAKER_BROKEN, 0), i == 7 ? 1 : 0);
        assert_int_equal(crew_told(&crew->workers[i], BREAKER_BROKEN, 1), i == 7 ? 0 : 1);
    }
}

/* A client that fails by its own fault makes more calls than all the others; then all fail. */
static void one_sick_client_is_not_an_outage(void **state)
{
    struct crew_rig *rig = *state;
    struct crew *crew = rig->crew;
    unsigned before, refused;

    start(rig, 2);
    crew->workers[5].rate = 300;
    crew->workers[5].is_sick = true;
    CREW_UNTIL(crew->workers[5].refused > 100);
    before = CREW_SUM(crew, admitted);
    CREW_UNTIL(CREW_SUM(crew, admitted) > before + 100);
    refused = CREW_SUM(crew, refused) - crew->workers[5].refused;
    assert_int_equal(refused, 0);
    assert_int_equal(server_calls(&rig->server, "publish"), 0);
    assert_true(crew_count(crew, BREAKER_PASSING) >= WORKERS - 1);

    for (unsigned i = 0; i < WORKERS; i++)
        crew->workers[i].rate = 20;
    before = CREW_SUM(crew, admitted);
    CREW_UNTIL(CREW_SUM(crew, admitted) > before + 400);
    before = crew->calls;
    crew->is_sick = true;
    CREW_UNTIL(crew_count(crew, BREAKER_BROKEN) == WORKERS);
    /* A window has 400 calls, and broken is broken when half of them are failures. */
    assert_true(crew->calls - before < 800);
}

static void redis_may_come_back_empty(void **state)
{
    struct crew_rig *rig = *state;
    struct crew *crew = rig->crew;
    breaker_options_t options = quick();
    char before[160], after[160] = "";

    options.broken_time = 8000;
    crew_start(rig, &options, 20);
    CREW_UNTIL(CREW_SUM(crew, admitted) > 200);
    crew->is_sick = true;
    CREW_UNTIL(crew_count(crew, BREAKER_BROKEN) == WORKERS);
    record_of(rig, before, sizeof before);
    server_kill(&rig->server);
    for (unsigned i = 0; i < WORKERS; i++)
        CREW_UNTIL(crew->workers[i].lost > 0);
    assert_int_equal(crew_count(crew, BREAKER_BROKEN), WORKERS);
    server_restart(&rig->server);
    for (unsigned i = 0; i < WORKERS; i++)
        CREW_UNTIL(crew->workers[i].found > 0);
    CREW_UNTIL((record_of(rig, after, sizeof after), after[0] != '\0'));
    assert_string_equal(after, before);
    assert_int_equal(crew_count(crew, BREAKER_BROKEN), WORKERS);
    assert_int_equal(CREW_SUM(crew, broken_admitted), 0);
    crew->is_sick = false;
    crew_order(crew, 3, ORDER_RESET, BREAKER_HOLD_NONE);
    CREW_UNTIL(crew_count(crew, BREAKER_PASSING) == WORKERS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, crew_begin, crew_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_outage_is_one_transition),
        TEST(fifty_at_the_edge),
        TEST(windows_differ),
        TEST(a_race_gives_each_epoch_once),
        TEST(the_orders_of_one_are_obeyed_by_all),
        TEST(recovering_by_order_is_for_all),
        TEST(events_say_who_made_it),
        TEST(one_sick_client_is_not_an_outage),
        TEST(redis_may_come_back_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
