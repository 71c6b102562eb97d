/* The rules of times to live, and of the storage's clock. Ends are judged by the clock that each
 * transaction answers, so they hold in real time too, however slow the machine is. */
#include "conformance_suite.h"

enum { TTL = 40, LONG = 4 * TTL };

/* Looks until the key is over: present while now <= end, gone after. */
static bool ends_at(struct suite *suite, const char *key, size_t key_length, uint64_t end)
{
    uint64_t coarse = suite->subject->coarse;
    for (;;) {
        uint64_t wall = 0;
        int found = suite_found(suite, key, key_length, &wall);
        if (found < 0 || (wall + coarse <= end && !found) || (wall > end + coarse && found))
            return false;
        if (wall > end + coarse)
            return true;
        suite_pass(suite, suite->subject->pass != NULL ? 1 : 5);
    }
}

/* Whether what was done at wall came before the end for sure: on a slow machine, time passes. */
static bool is_before(struct suite *suite, uint64_t wall, uint64_t end)
{
    return wall + suite->subject->coarse <= end;
}

static bool has_no_end(struct suite *suite, const char *key, size_t key_length)
{
    suite_pass(suite, TTL + 5 + suite->subject->coarse);
    return suite_found(suite, key, key_length, NULL) == 1;
}

static void set_ends(struct suite *suite)
{
    uint64_t wall;
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("value"), TTL, &wall) == 0);
    MUST(suite, ends_at(suite, TEXT("key"), wall + TTL));
}

static void set_without_end(struct suite *suite)
{
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("value"), TTL, NULL) == 0);
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("value"), 0, NULL) == 0);
    MUST(suite, has_no_end(suite, TEXT("key")));
}

static void set_moves_the_end(struct suite *suite)
{
    uint64_t wall;
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("value"), LONG, NULL) == 0);
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("value"), TTL, &wall) == 0);
    MUST(suite, ends_at(suite, TEXT("key"), wall + TTL));
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("value"), TTL / 2, NULL) == 0);
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("value"), TTL, &wall) == 0);
    MUST(suite, ends_at(suite, TEXT("key"), wall + TTL));
}

static void add_ends(struct suite *suite)
{
    for (unsigned round = 0; round < 2; round++) {
        struct act *act = act_new(suite);
        const breaker_verb_t *add = act_add(act, TEXT("key"), TEXT("value"));
        act->verbs[0].ttl = TTL;
        act_add(act, TEXT("key"), TEXT("other"))->ttl = LONG;
        act_add(act, TEXT("key"), TEXT("other"));
        MUST(suite, act_run(act) == 0);
        MUST(suite, add->number == 1 && "what is over is absent");
        MUST(suite, ends_at(suite, TEXT("key"), act->transaction.wall + TTL));
    }
}

static int incr(struct suite *suite, int64_t number, uint64_t ttl, int64_t *result, uint64_t *wall)
{
    struct act *act = act_new(suite);
    breaker_verb_t *verb = act_incr(act, TEXT("key"), number);
    verb->ttl = ttl;
    int status = act_run(act);
    *result = verb->number;
    *wall = act->transaction.wall;
    return status;
}

static void incr_ends(struct suite *suite)
{
    int64_t result;
    uint64_t begun;
    uint64_t wall;
    for (unsigned round = 0; round < 2; round++) {
        MUST(suite, incr(suite, 3, TTL, &result, &begun) == 0 && result == 3);
        suite_pass(suite, 2);
        MUST(suite, incr(suite, 2, LONG, &result, &wall) == 0);
        if (!is_before(suite, wall, begun + TTL))
            return;
        MUST(suite, result == 5);
        MUST(suite, incr(suite, 1, 0, &result, &wall) == 0);
        if (!is_before(suite, wall, begun + TTL))
            return;
        MUST(suite, result == 6);
        MUST(suite, ends_at(suite, TEXT("key"), begun + TTL));
    }
}

static void incr_keeps_what_it_has(struct suite *suite)
{
    int64_t result;
    uint64_t begun;
    uint64_t wall;
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("1"), 0, NULL) == 0);
    MUST(suite, incr(suite, 1, TTL, &result, &wall) == 0 && result == 2);
    MUST(suite, has_no_end(suite, TEXT("key")));
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("0"), TTL, &begun) == 0);
    MUST(suite, incr(suite, 1, 0, &result, &wall) == 0 && result == 1);
    if (is_before(suite, wall, begun + TTL))
        MUST(suite, ends_at(suite, TEXT("key"), begun + TTL));
}

static void incr_of_zero_ends(struct suite *suite)
{
    int64_t result;
    uint64_t wall;
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("0"), 0, NULL) == 0);
    MUST(suite, incr(suite, -7, TTL, &result, &wall) == 0 && result == -7);
    MUST(suite, ends_at(suite, TEXT("key"), wall + TTL));
}

static void delete_takes_the_end(struct suite *suite)
{
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("1"), TTL, NULL) == 0);
    struct act *act = act_new(suite);
    act_delete(act, TEXT("key"));
    act_incr(act, TEXT("key"), 1);
    MUST(suite, act_run(act) == 0);
    MUST(suite, has_no_end(suite, TEXT("key")));
}

static void delete_of_what_is_over(struct suite *suite)
{
    uint64_t wall;
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("1"), TTL, &wall) == 0);
    MUST(suite, suite_set(suite, TEXT("other"), TEXT("1"), TTL, &wall) == 0);
    MUST(suite, ends_at(suite, TEXT("other"), wall + TTL));
    struct act *act = act_new(suite);
    const breaker_verb_t *taken = act_delete(act, TEXT("key"));
    MUST(suite, act_run(act) == 0);
    MUST(suite, taken->number == 0);
    act = act_new(suite);
    act_guard_absent(act, TEXT("key"));
    MUST(suite, act_run(act) == 0);
}

static int64_t log_one(struct suite *suite, uint64_t ttl, uint64_t *wall)
{
    struct act *act = act_new(suite);
    breaker_verb_t *log = act_log(act, TEXT("log"), 1, 0);
    log->ttl = ttl;
    if (act_run(act) != 0)
        return -1;
    *wall = act->transaction.wall;
    return log->number;
}

static void log_ends(struct suite *suite)
{
    uint64_t begun;
    uint64_t wall;
    MUST(suite, log_one(suite, LONG, &begun) == 1);
    int64_t count = log_one(suite, TTL, &wall);
    MUST(suite, count == 2 || !is_before(suite, wall, begun + LONG));
    begun = wall;
    int64_t later = log_one(suite, 0, &wall);
    if (!is_before(suite, wall, begun + TTL))
        return;
    MUST(suite, later == count + 1);
    while (wall <= begun + TTL + suite->subject->coarse) {
        suite_pass(suite, 5);
        MUST(suite, suite_found(suite, TEXT("clock"), &wall) == 0);
    }
    MUST(suite, log_one(suite, 0, &wall) == 1);
}

static void clock_goes_on(struct suite *suite)
{
    uint64_t before;
    uint64_t after;
    MUST(suite, suite_found(suite, TEXT("key"), &before) == 0);
    MUST(suite, before > 0);
    for (unsigned i = 0; i < 20; i++, before = after) {
        MUST(suite, suite_found(suite, TEXT("key"), &after) == 0);
        MUST(suite, after >= before);
    }
    suite_pass(suite, 50);
    MUST(suite, suite_found(suite, TEXT("key"), &after) == 0);
    MUST(suite, after + 1 + suite->subject->coarse >= before + 50 && "it counts milliseconds");
    MUST(suite, suite->subject->pass == NULL || after <= before + 50 + suite->subject->coarse);
    MUST(suite, after - before < 60000);
}

static void ttl_may_be_long(struct suite *suite)
{
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("1"), 366 * UINT64_C(86400000), NULL) == 0);
    MUST(suite, has_no_end(suite, TEXT("key")));
}

const struct rule conformance_times[] = {
    {"a key that SET gave a time to live is there while now <= its end, and gone after", set_ends,
     0},
    {"SET without a time to live takes away the one that was", set_without_end, 0},
    {"SET with a time to live replaces the one that was", set_moves_the_end, 0},
    {"ADD gives a time to live only to what it makes", add_ends, 0},
    {"INCR gives a time to live to what it makes, and later ones do not move it", incr_ends, 0},
    {"INCR leaves a key the time to live that it has, or has not", incr_keeps_what_it_has, 0},
    {"INCR gives a time to live where the result equals the increment", incr_of_zero_ends, 0},
    {"DELETE takes the time to live with the key", delete_takes_the_end, 0},
    {"DELETE and a guard see nothing of what is over", delete_of_what_is_over, 0},
    {"LOG gives its key a time to live, or leaves it what it has", log_ends, BREAKER_STORAGE_LOGS},
    {"the clock goes on, in milliseconds", clock_goes_on, 0},
    {"a time to live may be a year", ttl_may_be_long, 0},
    {NULL, NULL, 0},
};
