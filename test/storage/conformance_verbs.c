/* The rules of get, set, add, incr and delete. */
#include "conformance_suite.h"

static void absent_key(struct suite *suite)
{
    struct act *act = act_new(suite);
    breaker_verb_t *get = act_get(act, TEXT("absent"));
    get->found = 7;
    MUST(suite, act_run(act) == 0);
    MUST(suite, get->found == 0);
    MUST(suite, get->length == 0);
}

static void bytes_come_back(struct suite *suite)
{
    char key[BREAKER_KEY_MAX];
    char value[BREAKER_VALUE_MAX];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (char)(i * 7);
    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (char)(255 - i);
    MUST(suite, suite_set(suite, key, sizeof key, value, sizeof value, 0, NULL) == 0);
    MUST(suite, suite_holds(suite, key, sizeof key, value, sizeof value));
    MUST(suite, suite_set(suite, TEXT("\0"), TEXT("\0\r\n\0"), 0, NULL) == 0);
    MUST(suite, suite_holds(suite, TEXT("\0"), TEXT("\0\r\n\0")));
    MUST(suite, suite_set(suite, TEXT("../{%s}:*?[a]"), TEXT("%n $1 \"'\\"), 0, NULL) == 0);
    MUST(suite, suite_holds(suite, TEXT("../{%s}:*?[a]"), TEXT("%n $1 \"'\\")));
}

static void empty_value(struct suite *suite)
{
    struct act *act = act_new(suite);
    act_set(act, TEXT("key"), NULL, 0);
    MUST(suite, act_run(act) == 0);
    act = act_new(suite);
    breaker_verb_t *get = act_get(act, TEXT("key"));
    get->value = NULL;
    get->length = 0;
    MUST(suite, act_run(act) == 0);
    MUST(suite, get->found == 1);
    MUST(suite, get->length == 0);
}

static void keys_are_apart(struct suite *suite)
{
    static const struct {
        const char *key;
        size_t length;
    } keys[] = {{TEXT("a")}, {TEXT("a\0")}, {TEXT("a\0b")}, {TEXT("A")}, {TEXT("a ")}};
    char lengthy[BREAKER_KEY_MAX];
    memset(lengthy, 'a', sizeof lengthy);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        MUST(suite, suite_set(suite, keys[i].key, keys[i].length, keys[i].key, keys[i].length, 0,
                              NULL) == 0);
    for (size_t length = 90; length <= sizeof lengthy; length += 1 + length / 9)
        MUST(suite, suite_set(suite, lengthy, length, lengthy, length / 8, 0, NULL) == 0);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        MUST(suite, suite_holds(suite, keys[i].key, keys[i].length, keys[i].key, keys[i].length));
    for (size_t length = 90; length <= sizeof lengthy; length += 1 + length / 9)
        MUST(suite, suite_holds(suite, lengthy, length, lengthy, length / 8));
    MUST(suite, suite_found(suite, TEXT("aa"), NULL) == 0);
}

static void set_replaces(struct suite *suite)
{
    char value[BREAKER_VALUE_MAX];
    memset(value, 'v', sizeof value);
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("first"), 0, NULL) == 0);
    MUST(suite, suite_set(suite, TEXT("key"), value, sizeof value, 0, NULL) == 0);
    MUST(suite, suite_holds(suite, TEXT("key"), value, sizeof value));
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("x"), 0, NULL) == 0);
    MUST(suite, suite_holds(suite, TEXT("key"), TEXT("x")));
}

static void get_needs_room(struct suite *suite)
{
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("value"), 0, NULL) == 0);
    struct act *act = act_new(suite);
    breaker_verb_t *get = act_get(act, TEXT("key"));
    get->length = 5;
    MUST(suite, act_run(act) == 0);
    MUST(suite, get->length == 5 && memcmp(act->value, "value", 6) == 0);
    act = act_new(suite);
    get = act_get(act, TEXT("key"));
    get->length = 4;
    MUST(suite, act_run(act) == UV_EMSGSIZE);
    MUST(suite, act->value[4] == '\0' && "nothing is written behind the capacity");
    MUST(suite, get->length == 4 && "after an error length is as it was submitted");
}

static void add_only_if_absent(struct suite *suite)
{
    struct act *act = act_new(suite);
    breaker_verb_t *first = act_add(act, TEXT("key"), TEXT("first"));
    breaker_verb_t *second = act_add(act, TEXT("key"), TEXT("second"));
    MUST(suite, act_run(act) == 0);
    MUST(suite, first->number == 1);
    MUST(suite, second->number == 0);
    MUST(suite, suite_holds(suite, TEXT("key"), TEXT("first")));
}

static int64_t incr(struct suite *suite, int64_t number, int *status)
{
    struct act *act = act_new(suite);
    breaker_verb_t *verb = act_incr(act, TEXT("key"), number);
    *status = act_run(act);
    return verb->number;
}

static void incr_counts(struct suite *suite)
{
    int status;
    MUST(suite, incr(suite, 1, &status) == 1 && status == 0);
    MUST(suite, incr(suite, 41, &status) == 42 && status == 0);
    MUST(suite, suite_holds(suite, TEXT("key"), TEXT("42")));
    MUST(suite, incr(suite, 0, &status) == 42 && status == 0);
    MUST(suite, incr(suite, -50, &status) == -8 && status == 0);
    MUST(suite, suite_holds(suite, TEXT("key"), TEXT("-8")));
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("-12"), 0, NULL) == 0);
    MUST(suite, incr(suite, 2, &status) == -10 && status == 0);
}

static void incr_is_exact(struct suite *suite)
{
    int status;
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("9007199254740992"), 0, NULL) == 0);
    MUST(suite, incr(suite, 1, &status) == INT64_C(9007199254740993) && status == 0);
    MUST(suite, incr(suite, INT64_MAX - INT64_C(9007199254740993), &status) == INT64_MAX);
    MUST(suite, status == 0);
    MUST(suite, suite_holds(suite, TEXT("key"), TEXT("9223372036854775807")));
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("-9223372036854775807"), 0, NULL) == 0);
    MUST(suite, incr(suite, -1, &status) == INT64_MIN && status == 0);
    MUST(suite, suite_holds(suite, TEXT("key"), TEXT("-9223372036854775808")));
}

static void incr_stays_within(struct suite *suite)
{
    int status;
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("9223372036854775807"), 0, NULL) == 0);
    MUST(suite, incr(suite, 1, &status) == 1 && status == UV_EINVAL);
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("-9223372036854775808"), 0, NULL) == 0);
    MUST(suite, incr(suite, -1, &status) == -1 && status == UV_EINVAL);
}

static void incr_wants_a_number(struct suite *suite)
{
    static const struct {
        const char *value;
        size_t length;
    } values[] = {{TEXT("")},    {TEXT("abc")}, {TEXT("1.5")},
                  {TEXT(" 1")},  {TEXT("1 ")},  {TEXT("+1")},
                  {TEXT("01")},  {TEXT("-0")},  {TEXT("-")},
                  {TEXT("0x1")}, {TEXT("1\0")}, {TEXT("9223372036854775808")},
                  {TEXT("1e3")}, {TEXT("1\n")}, {TEXT("-9223372036854775809")},
                  {TEXT("\0")},  {TEXT("--1")}, {TEXT("00000000000000000000000000001")}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        int status;
        MUST(suite, suite_set(suite, TEXT("key"), values[i].value, values[i].length, 0, NULL) == 0);
        int64_t number = incr(suite, 5, &status);
        MUST(suite, status == UV_EINVAL);
        MUST(suite, number == 5 && "after an error number is as it was submitted");
    }
}

static void delete_takes(struct suite *suite)
{
    struct act *act = act_new(suite);
    breaker_verb_t *before = act_delete(act, TEXT("key"));
    act_set(act, TEXT("key"), TEXT("value"));
    breaker_verb_t *after = act_delete(act, TEXT("key"));
    breaker_verb_t *again = act_delete(act, TEXT("key"));
    MUST(suite, act_run(act) == 0);
    MUST(suite, before->number == 0 && after->number == 1 && again->number == 0);
    MUST(suite, suite_found(suite, TEXT("key"), NULL) == 0);
    MUST(suite, suite_set(suite, TEXT("other"), TEXT("value"), 0, NULL) == 0);
    act = act_new(suite);
    after = act_delete(act, TEXT("other"));
    MUST(suite, act_run(act) == 0);
    MUST(suite, after->number == 1);
    MUST(suite, suite_found(suite, TEXT("other"), NULL) == 0);
}

const struct rule conformance_verbs[] = {
    {"GET of an absent key finds nothing", absent_key, 0},
    {"GET gives the bytes that SET put there, zeros and all, up to the limits", bytes_come_back, 0},
    {"a value may be empty", empty_value, 0},
    {"keys that differ in a byte or in length are different", keys_are_apart, 0},
    {"SET replaces", set_replaces, 0},
    {"GET into too little room is UV_EMSGSIZE", get_needs_room, 0},
    {"ADD sets only if the key is absent", add_only_if_absent, 0},
    {"INCR counts from nothing, and from what SET wrote; GET reads it", incr_counts, 0},
    {"INCR is exact in all 64 bits", incr_is_exact, 0},
    {"INCR over the range of int64_t is UV_EINVAL", incr_stays_within, 0},
    {"INCR of what is no number is UV_EINVAL", incr_wants_a_number, 0},
    {"DELETE takes a key away, and says whether it was there", delete_takes, 0},
    {NULL, NULL, 0},
};
