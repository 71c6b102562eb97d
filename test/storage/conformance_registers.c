/* The rules of what is only written, for readers from outside: MEMBER and FIELD. */
#include "conformance_suite.h"

#define WHOLE "all\0\0\r\n" /* a field's text may be any bytes */

static void registers_are_accepted(struct suite *suite)
{
    struct act *act = act_new(suite);
    breaker_verb_t *member = act_member(act, TEXT("set"), TEXT("one"));
    breaker_verb_t *field = act_field(act, TEXT("record"), TEXT("name\0text"));
    act_member(act, TEXT("set"), NULL, 0);
    act_field(act, TEXT("record"), TEXT(WHOLE));
    act_field(act, TEXT("record"), TEXT("empty\0"));
    member->number = field->number = 77;
    MUST(suite, act_run(act) == 0);
    MUST(suite, member->number == 77 && field->number == 77 && "they answer nothing");
}

static bool is_refused(struct suite *suite, const char *value, size_t length)
{
    struct act *act = act_new(suite);
    act_set(act, TEXT("before"), TEXT("done"));
    act_field(act, TEXT("record"), value, length);
    return act_run(act) == UV_EINVAL && suite_found(suite, TEXT("before"), NULL) == 0;
}

static void fields_have_names(struct suite *suite)
{
    MUST(suite, is_refused(suite, TEXT("name")));
    MUST(suite, is_refused(suite, TEXT("\0text")));
    MUST(suite, is_refused(suite, TEXT("\0")));
    MUST(suite, is_refused(suite, NULL, 0));
}

static void limits_of_members(struct suite *suite)
{
    char value[BREAKER_VALUE_MAX + 1];
    memset(value, 'v', sizeof value);
    struct act *act = act_new(suite);
    act_member(act, TEXT("set"), value, BREAKER_VALUE_MAX);
    MUST(suite, act_run(act) == 0);
    act = act_new(suite);
    act_member(act, TEXT("set"), value, sizeof value);
    MUST(suite, act_run(act) == UV_EINVAL);
}

/* Not even where the storage keeps registers. */
static void values_stay(struct suite *suite)
{
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("value"), 0, NULL) == 0);
    struct act *act = act_new(suite);
    act_member(act, TEXT("key"), TEXT("one"))->ttl = 1;
    act_field(act, TEXT("key"), TEXT("name\0text"))->ttl = 1;
    const breaker_verb_t *incr = act_incr(act, TEXT("other"), 1);
    MUST(suite, act_run(act) == 0 && incr->number == 1);
    suite_pass(suite, 30 + suite->subject->coarse);
    MUST(suite, suite_holds(suite, TEXT("key"), TEXT("value")));
}

static void register_is_kept(struct suite *suite)
{
    for (unsigned i = 0; i < 2; i++) {
        struct act *act = act_new(suite);
        if (i == 0)
            act_member(act, TEXT("key"), TEXT("one"));
        else
            act_field(act, TEXT("key"), TEXT("name\0text"));
        const breaker_verb_t *add = act_add(act, TEXT("key"), TEXT("value"));
        MUST(suite, act_run(act) == 0);
        MUST(suite, add->number == 0 && "ADD finds it");
        act = act_new(suite);
        act_get(act, TEXT("key"));
        MUST(suite, act_run(act) == UV_EINVAL && "it is no value");
        act = act_new(suite);
        const breaker_verb_t *taken = act_delete(act, TEXT("key"));
        MUST(suite, act_run(act) == 0 && taken->number == 1);
    }
}

static void register_ends(struct suite *suite)
{
    struct act *act = act_new(suite);
    act_member(act, TEXT("set"), TEXT("one"))->ttl = 10;
    act_field(act, TEXT("record"), TEXT("name\0text"))->ttl = 10;
    MUST(suite, act_run(act) == 0);
    suite_pass(suite, 30 + suite->subject->coarse);
    MUST(suite, suite_found(suite, TEXT("set"), NULL) == 0);
    MUST(suite, suite_found(suite, TEXT("record"), NULL) == 0);
}

const struct rule conformance_registers[] = {
    {"MEMBER and FIELD are accepted, and answer nothing", registers_are_accepted, 0},
    {"a FIELD without a name is UV_EINVAL, with nothing done", fields_have_names, 0},
    {"MEMBER takes as long values as SET", limits_of_members, 0},
    {"MEMBER and FIELD leave what is no register alone", values_stay, 0},
    {"what MEMBER and FIELD made is there, and no value", register_is_kept,
     BREAKER_STORAGE_REGISTER},
    {"MEMBER and FIELD give a time to live", register_ends, BREAKER_STORAGE_REGISTER},
    {NULL, NULL, 0},
};
