/* The rules of sliding logs, and of what the other verbs make of them. */
#include "conformance_suite.h"

static int64_t log_one(struct suite *suite, int64_t score, int64_t cut)
{
    struct act *act = act_new(suite);
    breaker_verb_t *log = act_log(act, TEXT("log"), score, cut);
    return act_run(act) == 0 ? log->number : -1;
}

static void log_counts(struct suite *suite)
{
    const int64_t now = INT64_C(1700000000000);
    MUST(suite, log_one(suite, now, now - 1000) == 1);
    MUST(suite, log_one(suite, now, now - 1000) == 2 && "equal scores are kept apart");
    MUST(suite, log_one(suite, now + 1, now - 999) == 3);
    MUST(suite, log_one(suite, now + 500, now - 500) == 4);
    MUST(suite, log_one(suite, now + 999, now - 1) == 5 && "above the cut stays");
    MUST(suite, log_one(suite, now + 1000, now) == 4 && "at the cut goes");
    MUST(suite, log_one(suite, now + 2000, now + 1000) == 1);
}

static void log_in_any_order(struct suite *suite)
{
    MUST(suite, log_one(suite, 50, -1000) == 1);
    MUST(suite, log_one(suite, 10, -1000) == 2);
    MUST(suite, log_one(suite, -30, -1000) == 3);
    MUST(suite, log_one(suite, 30, -1000) == 4);
    MUST(suite, log_one(suite, 60, 10) == 3 && "-30 and 10 are forgotten");
    MUST(suite, log_one(suite, 60, 49) == 3 && "30 is forgotten");
    MUST(suite, log_one(suite, 5, 55) == 3 && "one under its own cut counts");
    MUST(suite, log_one(suite, 70, 55) == 3 && "and goes with the next");
}

static void log_in_one_transaction(struct suite *suite)
{
    struct act *act = act_new(suite);
    const breaker_verb_t *first = act_log(act, TEXT("log"), 20, 0);
    const breaker_verb_t *second = act_log(act, TEXT("log"), 10, 0);
    const breaker_verb_t *third = act_log(act, TEXT("log"), 30, 10);
    const breaker_verb_t *other = act_log(act, TEXT("other"), 10, 0);
    const breaker_verb_t *taken = act_delete(act, TEXT("log"));
    const breaker_verb_t *fresh = act_log(act, TEXT("log"), 40, 0);
    MUST(suite, act_run(act) == 0);
    MUST(suite, first->number == 1 && second->number == 2 && third->number == 2);
    MUST(suite, other->number == 1 && taken->number == 1 && fresh->number == 1);
    MUST(suite, log_one(suite, 50, 0) == 2);
}

static void log_of_many(struct suite *suite)
{
    for (int64_t score = 0; score < 600; score += BREAKER_VERBS_MAX) {
        struct act *act = act_new(suite);
        breaker_verb_t *last = NULL;
        for (unsigned i = 0; i < BREAKER_VERBS_MAX; i++)
            last = act_log(act, TEXT("log"), score + i, -1);
        MUST(suite, act_run(act) == 0);
        MUST(suite, last->number == score + BREAKER_VERBS_MAX);
    }
    MUST(suite, log_one(suite, 1000, 299) == 301);
    for (int64_t score = 1001; score < 1101; score++)
        MUST(suite, log_one(suite, score, score - 701) == 301);
}

static int alone(struct suite *suite, struct act *act)
{
    int status = act_run(act);
    return suite->has_failed ? 0 : status;
}

static void log_is_no_value(struct suite *suite)
{
    MUST(suite, log_one(suite, 1, 0) == 1);
    struct act *act = act_new(suite);
    act_get(act, TEXT("log"));
    MUST(suite, alone(suite, act) == UV_EINVAL);
    act = act_new(suite);
    act_incr(act, TEXT("log"), 1);
    MUST(suite, alone(suite, act) == UV_EINVAL);
    act = act_new(suite);
    act_guard_equals(act, TEXT("log"), TEXT("1"));
    MUST(suite, alone(suite, act) == UV_EINVAL);
    act = act_new(suite);
    act_guard_absent(act, TEXT("log"));
    MUST(suite, alone(suite, act) == UV_EINVAL);
    act = act_new(suite);
    const breaker_verb_t *add = act_add(act, TEXT("log"), TEXT("value"));
    MUST(suite, act_run(act) == 0 && add->number == 0);
    MUST(suite, log_one(suite, 2, 0) == 2 && "none of these harmed it");
    MUST(suite, suite_set(suite, TEXT("value"), TEXT("1"), 0, NULL) == 0);
    act = act_new(suite);
    act_log(act, TEXT("value"), 1, 0);
    MUST(suite, alone(suite, act) == UV_EINVAL);
    MUST(suite, suite_holds(suite, TEXT("value"), TEXT("1")));
}

static void log_gives_way(struct suite *suite)
{
    char value[BREAKER_VALUE_MAX];
    memset(value, 'v', sizeof value);
    MUST(suite, log_one(suite, 1, 0) == 1);
    MUST(suite, suite_set(suite, TEXT("log"), value, sizeof value, 0, NULL) == 0);
    MUST(suite, suite_holds(suite, TEXT("log"), value, sizeof value));
    struct act *act = act_new(suite);
    const breaker_verb_t *taken = act_delete(act, TEXT("log"));
    const breaker_verb_t *log = act_log(act, TEXT("log"), 5, 0);
    MUST(suite, act_run(act) == 0);
    MUST(suite, taken->number == 1 && log->number == 1);
    act = act_new(suite);
    taken = act_delete(act, TEXT("log"));
    MUST(suite, act_run(act) == 0 && taken->number == 1);
    MUST(suite, suite_found(suite, TEXT("log"), NULL) == 0);
}

static void log_is_claimed(struct suite *suite)
{
    struct act *act = act_new(suite);
    act_log(act, TEXT("log"), 1, 0);
    int status = act_run(act);
    MUST(suite, status == (suite_can(suite, BREAKER_STORAGE_LOGS) ? 0 : UV_ENOTSUP));
}

const struct rule conformance_logs[] = {
    {"LOG is there, or UV_ENOTSUP", log_is_claimed, 0},
    {"LOG forgets what is not above the cut, adds one, counts", log_counts, BREAKER_STORAGE_LOGS},
    {"LOG takes scores in any order", log_in_any_order, BREAKER_STORAGE_LOGS},
    {"LOGs of one transaction see each other", log_in_one_transaction, BREAKER_STORAGE_LOGS},
    {"a log may be long", log_of_many, BREAKER_STORAGE_LOGS},
    {"a log is no value, and a value no log: UV_EINVAL", log_is_no_value, BREAKER_STORAGE_LOGS},
    {"SET replaces a log, DELETE takes it", log_gives_way, BREAKER_STORAGE_LOGS},
    {NULL, NULL, 0},
};
