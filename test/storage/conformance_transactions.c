/* The rules of transactions: one step, in order, guarded, within the limits. */
#include "conformance_suite.h"

static void no_verbs(struct suite *suite)
{
    struct act *act = act_new(suite);
    act->transaction.verbs = NULL;
    MUST(suite, act_run(act) == 0);
    MUST(suite, act->transaction.wall > 0);
}

static void in_order(struct suite *suite)
{
    char third[BREAKER_VALUE_MAX];
    struct act *act = act_new(suite);
    const breaker_verb_t *first = act_get(act, TEXT("key"));
    act_set(act, TEXT("key"), TEXT("41"));
    const breaker_verb_t *incr = act_incr(act, TEXT("key"), 1);
    breaker_verb_t *seen = act_get(act, TEXT("key"));
    const breaker_verb_t *add = act_add(act, TEXT("key"), TEXT("0"));
    const breaker_verb_t *taken = act_delete(act, TEXT("key"));
    const breaker_verb_t *again = act_add(act, TEXT("key"), TEXT("end"));
    breaker_verb_t *last = act_get(act, TEXT("key"));
    seen->value = third;
    MUST(suite, act_run(act) == 0);
    MUST(suite, first->found == 0 && incr->number == 42 && add->number == 0);
    MUST(suite, seen->found == 1 && seen->length == 2 && memcmp(third, "42", 2) == 0);
    MUST(suite, taken->number == 1 && again->number == 1);
    MUST(suite, last->found == 1 && last->length == 3 && memcmp(act->value, "end", 3) == 0);
}

static void guard_equals(struct suite *suite)
{
    MUST(suite, suite_set(suite, TEXT("guard"), TEXT("a\0b"), 0, NULL) == 0);
    struct act *act = act_new(suite);
    act_guard_equals(act, TEXT("guard"), TEXT("a\0b"));
    act_set(act, TEXT("guard"), TEXT("next"));
    act_set(act, TEXT("key"), TEXT("done"));
    MUST(suite, act_run(act) == 0);
    MUST(suite, act->transaction.wall > 0);
    MUST(suite, suite_holds(suite, TEXT("guard"), TEXT("next")));
    MUST(suite, suite_holds(suite, TEXT("key"), TEXT("done")));
}

static void guard_differs(struct suite *suite)
{
    static const struct {
        const char *value;
        size_t length;
    } values[] = {{TEXT("a\0c")}, {TEXT("a")}, {TEXT("a\0b\0")}, {TEXT("")}, {TEXT("A\0b")}};
    MUST(suite, suite_set(suite, TEXT("guard"), TEXT("a\0b"), 0, NULL) == 0);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct act *act = act_new(suite);
        act_guard_equals(act, TEXT("guard"), values[i].value, values[i].length);
        act_set(act, TEXT("key"), TEXT("done"));
        const breaker_verb_t *incr = act_incr(act, TEXT("count"), 5);
        act_delete(act, TEXT("guard"));
        MUST(suite, act_run(act) == BREAKER_EGUARD);
        MUST(suite, act->transaction.standing_found == 1);
        MUST(suite, act->transaction.standing_length == 3);
        MUST(suite, memcmp(act->standing, "a\0b", 3) == 0);
        MUST(suite, act->transaction.wall > 0 && "EGUARD tells the clock too");
        MUST(suite, incr->number == 5 && "after an error number is as it was submitted");
    }
    MUST(suite, suite_found(suite, TEXT("key"), NULL) == 0);
    MUST(suite, suite_found(suite, TEXT("count"), NULL) == 0);
    MUST(suite, suite_holds(suite, TEXT("guard"), TEXT("a\0b")));
}

static void guard_equals_absent(struct suite *suite)
{
    struct act *act = act_new(suite);
    act_guard_equals(act, TEXT("guard"), NULL, 0);
    act->transaction.standing_found = 7;
    act_set(act, TEXT("key"), TEXT("done"));
    MUST(suite, act_run(act) == BREAKER_EGUARD && "absent is not empty");
    MUST(suite, act->transaction.standing_found == 0);
    MUST(suite, act->transaction.standing_length == 0);
    MUST(suite, suite_found(suite, TEXT("key"), NULL) == 0);
    MUST(suite, suite_set(suite, TEXT("guard"), NULL, 0, 0, NULL) == 0);
    act = act_new(suite);
    act_guard_equals(act, TEXT("guard"), NULL, 0);
    MUST(suite, act_run(act) == 0);
}

static void guard_absent(struct suite *suite)
{
    struct act *act = act_new(suite);
    act_guard_absent(act, TEXT("key"));
    act_set(act, TEXT("key"), TEXT("first"));
    MUST(suite, act_run(act) == 0);
    act = act_new(suite);
    act_guard_absent(act, TEXT("key"));
    act_set(act, TEXT("key"), TEXT("second"));
    MUST(suite, act_run(act) == BREAKER_EGUARD);
    MUST(suite, act->transaction.standing_found == 1);
    MUST(suite, act->transaction.standing_length == 5);
    MUST(suite, memcmp(act->standing, "first", 5) == 0);
    MUST(suite, suite_holds(suite, TEXT("key"), TEXT("first")));
}

static void guard_of_the_first_look(struct suite *suite)
{
    struct act *act = act_new(suite);
    act_guard_absent(act, TEXT("key"));
    act_set(act, TEXT("key"), TEXT("1"));
    const breaker_verb_t *incr = act_incr(act, TEXT("key"), 1);
    MUST(suite, act_run(act) == 0);
    MUST(suite, incr->number == 2);
}

static void standing_as_wanted(struct suite *suite)
{
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("standing"), 0, NULL) == 0);
    struct act *act = act_new(suite);
    act_guard_absent(act, TEXT("key"));
    act->transaction.standing = NULL;
    act->transaction.standing_length = 77;
    act->transaction.standing_found = 7;
    MUST(suite, act_run(act) == BREAKER_EGUARD);
    MUST(suite, act->transaction.standing_length == 77 && "NULL: not wanted");
    MUST(suite, act->transaction.standing_found == 7);
    act = act_new(suite);
    act_guard_absent(act, TEXT("key"));
    act->transaction.standing_length = 3;
    MUST(suite, act_run(act) == BREAKER_EGUARD);
    MUST(suite, act->transaction.standing_length == 8 && "the length found");
    MUST(suite, memcmp(act->standing, "sta\0", 4) == 0 && "no more than the capacity");
}

static void all_verbs_at_once(struct suite *suite)
{
    static const char keys[] = "abcdefgh";
    char value[BREAKER_VALUE_MAX];
    memset(value, 'v', sizeof value);
    struct act *act = act_new(suite);
    for (unsigned i = 0; i < BREAKER_VERBS_MAX; i++)
        act_set(act, keys + i, 1, value, sizeof value);
    MUST(suite, act_run(act) == 0);
    for (unsigned i = 0; i < BREAKER_VERBS_MAX; i++)
        MUST(suite, suite_holds(suite, keys + i, 1, value, sizeof value));
}

/* ---- Limits ------------------------------------------------------------------------------------*/

static bool is_refused(struct suite *suite, struct act *act)
{
    return act_run(act) == UV_EINVAL && suite_found(suite, TEXT("before"), NULL) == 0;
}

static struct act *with_one_before(struct suite *suite)
{
    struct act *act = act_new(suite);
    act_set(act, TEXT("before"), TEXT("done"));
    return act;
}

static void limits_of_keys(struct suite *suite)
{
    static char lengthy[BREAKER_KEY_MAX + 1];
    const size_t lengths[] = {0, BREAKER_KEY_MAX + 1};
    memset(lengthy, 'k', sizeof lengthy);
    for (unsigned i = 0; i < 2; i++) {
        struct act *act = with_one_before(suite);
        act_get(act, lengthy, lengths[i]);
        MUST(suite, is_refused(suite, act));
        act = with_one_before(suite);
        act_set(act, lengthy, lengths[i], TEXT("value"));
        MUST(suite, is_refused(suite, act));
        act = with_one_before(suite);
        act_incr(act, lengthy, lengths[i], 1);
        MUST(suite, is_refused(suite, act));
        act = with_one_before(suite);
        act_tell(act, lengthy, lengths[i], TEXT("value"));
        MUST(suite, is_refused(suite, act));
        act = with_one_before(suite);
        act_guard_absent(act, lengthy, lengths[i]);
        MUST(suite, is_refused(suite, act));
    }
}

static void limits_of_values(struct suite *suite)
{
    static char lengthy[BREAKER_VALUE_MAX + 1];
    struct act *act = with_one_before(suite);
    act_set(act, TEXT("key"), lengthy, sizeof lengthy);
    MUST(suite, is_refused(suite, act));
    act = with_one_before(suite);
    act_add(act, TEXT("key"), lengthy, sizeof lengthy);
    MUST(suite, is_refused(suite, act));
    act = with_one_before(suite);
    act_tell(act, TEXT("key"), lengthy, sizeof lengthy);
    MUST(suite, is_refused(suite, act));
    act = with_one_before(suite);
    act_guard_equals(act, TEXT("key"), lengthy, sizeof lengthy);
    MUST(suite, is_refused(suite, act));
    MUST(suite, suite_found(suite, TEXT("key"), NULL) == 0);
}

static void limits_of_verbs(struct suite *suite)
{
    struct act *act = act_new(suite);
    for (unsigned i = 0; i <= BREAKER_VERBS_MAX; i++)
        act_set(act, TEXT("before"), TEXT("done"));
    MUST(suite, is_refused(suite, act));
    act = with_one_before(suite);
    act_delete(act, TEXT("key"))->kind = (breaker_verb_kind_t)0;
    MUST(suite, is_refused(suite, act));
    act = with_one_before(suite);
    act_delete(act, TEXT("key"))->kind = (breaker_verb_kind_t)(BREAKER_MEMBERS + 1);
    MUST(suite, is_refused(suite, act));
    act = with_one_before(suite);
    act_guard_absent(act, TEXT("key"));
    act->transaction.guard = (breaker_guard_t)(BREAKER_GUARD_ABSENT + 1);
    MUST(suite, is_refused(suite, act));
}

const struct rule conformance_transactions[] = {
    {"a transaction without verbs answers the clock", no_verbs, 0},
    {"the verbs are done in order, and see what those before them did", in_order, 0},
    {"a guard that equals lets all be done", guard_equals, 0},
    {"a guard that differs in a byte or in length lets nothing be done", guard_differs, 0},
    {"an absent key equals nothing, not even an empty value", guard_equals_absent, 0},
    {"a guard of absence holds once", guard_absent, 0},
    {"a guard is looked at before the verbs, and once", guard_of_the_first_look, 0},
    {"what stands instead is told if wanted, as far as there is room", standing_as_wanted, 0},
    {"as many verbs as may be, with values as long as may be", all_verbs_at_once, 0},
    {"keys of no length or over the limit are UV_EINVAL, with nothing done", limits_of_keys, 0},
    {"values over the limit are UV_EINVAL, with nothing done", limits_of_values, 0},
    {"too many verbs, or unknown ones, are UV_EINVAL, with nothing done", limits_of_verbs, 0},
    {NULL, NULL, 0},
};
