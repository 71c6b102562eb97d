/* The rules of registers: MEMBER and FIELD, which are for readers from outside, and MEMBERS. */
#include "conformance_suite.h"
#include <stdio.h>

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

enum { PAGE = 32768, NAMES = 1000, NAME = 16 };

/* All pages, behind each other: how often each of the names came, and how many others. */
static bool read_all(struct suite *suite, const char *key, unsigned *seen, unsigned *others)
{
    static char page[PAGE];
    int64_t next = 0;
    *others = 0;
    do {
        struct act *act = act_new(suite);
        breaker_verb_t *verb = act_members(act, key, strlen(key), page, sizeof page);
        verb->number = next;
        if (act_run(act) != 0 || verb->number < 0 || verb->length > sizeof page)
            return false;
        next = verb->number;
        for (char *at = page; at < page + verb->length; at += strlen(at) + 1) {
            unsigned number;
            if (page[verb->length - 1] != '\0')
                return false;
            if (sscanf(at, "name-%u", &number) == 1 && number < NAMES)
                seen[number]++;
            else
                ++*others;
        }
    } while (next != 0);
    return true;
}

static bool enter(struct suite *suite, const char *key, unsigned number, uint64_t ttl)
{
    char name[NAME];
    struct act *act = act_new(suite);
    breaker_verb_t *verb =
        act_member(act, key, strlen(key), name, (size_t)snprintf(name, NAME, "name-%u", number));
    verb->ttl = ttl;
    return act_run(act) == 0;
}

static void members_are_told(struct suite *suite)
{
    unsigned seen[NAMES] = {0}, others;
    for (unsigned i = 0; i < NAMES; i++)
        MUST(suite, enter(suite, "set", i, 0) && enter(suite, "other", i + NAMES, 0));
    MUST(suite, enter(suite, "set", 7, 0) && "twice is once");
    MUST(suite, read_all(suite, "set", seen, &others));
    MUST(suite, others == 0);
    for (unsigned i = 0; i < NAMES; i++)
        MUST(suite, seen[i] >= 1);
    MUST(suite, read_all(suite, "none", seen, &others) && others == 0);
}

/* While others come, so that whatever holds them grows. */
static void none_is_passed_over(struct suite *suite)
{
    static char page[PAGE];
    unsigned seen[NAMES] = {0}, later = NAMES;
    int64_t next = 0;
    for (unsigned i = 0; i < NAMES; i++)
        MUST(suite, enter(suite, "set", i, 0));
    do {
        struct act *act = act_new(suite);
        breaker_verb_t *verb = act_members(act, TEXT("set"), page, sizeof page);
        verb->number = next;
        MUST(suite, act_run(act) == 0);
        next = verb->number;
        for (const char *at = page; at < page + verb->length; at += strlen(at) + 1) {
            unsigned number;
            if (sscanf(at, "name-%u", &number) == 1 && number < NAMES)
                seen[number]++;
        }
        for (unsigned i = 0; i < 40 && later < 3 * NAMES; i++)
            MUST(suite, enter(suite, "set", later++, 0));
    } while (next != 0);
    for (unsigned i = 0; i < NAMES; i++)
        MUST(suite, seen[i] >= 1);
}

static void pages_have_a_size(struct suite *suite)
{
    char page[4];
    int64_t next = 0;
    int status;
    struct act *act;
    MUST(suite, enter(suite, "set", 1, 0));
    do {
        act = act_new(suite);
        breaker_verb_t *verb = act_members(act, TEXT("set"), page, sizeof page);
        verb->number = next;
        status = act_run(act);
        next = verb->number;
        MUST(suite, status != 0 || verb->length == 0);
    } while (status == 0 && next != 0);
    MUST(suite, status == UV_EMSGSIZE);
    act = act_new(suite);
    act_members(act, TEXT("set"), page, sizeof page)->number = -1;
    MUST(suite, act_run(act) == UV_EINVAL);
    act = act_new(suite);
    act_members(act, TEXT("set"), page, 0);
    MUST(suite, act_run(act) == UV_EINVAL);
}

static void members_end(struct suite *suite)
{
    unsigned seen[NAMES] = {0}, others;
    MUST(suite, enter(suite, "set", 1, 10) && enter(suite, "set", 2, 10));
    suite_pass(suite, 30 + suite->subject->coarse);
    MUST(suite, read_all(suite, "set", seen, &others));
    MUST(suite, seen[1] + seen[2] + others == 0);
    MUST(suite, enter(suite, "set", 1, 10) && enter(suite, "set", 1, 100000));
    suite_pass(suite, 30 + suite->subject->coarse);
    MUST(suite, read_all(suite, "set", seen, &others) && seen[1] == 1);
}

static void unknown_is_said(struct suite *suite)
{
    char page[64];
    struct act *act = act_new(suite);
    if (suite_can(suite, BREAKER_STORAGE_MEMBERS))
        return;
    act_members(act, TEXT("set"), page, sizeof page);
    MUST(suite, act_run(act) == UV_ENOTSUP);
}

const struct rule conformance_registers[] = {
    {"MEMBER and FIELD are accepted, and answer nothing", registers_are_accepted, 0},
    {"a FIELD without a name is UV_EINVAL, with nothing done", fields_have_names, 0},
    {"MEMBER takes as long values as SET", limits_of_members, 0},
    {"MEMBER and FIELD leave what is no register alone", values_stay, 0},
    {"what MEMBER and FIELD made is there, and no value", register_is_kept,
     BREAKER_STORAGE_REGISTER},
    {"MEMBER and FIELD give a time to live", register_ends, BREAKER_STORAGE_REGISTER},
    {"MEMBERS tells every member", members_are_told, BREAKER_STORAGE_MEMBERS},
    {"MEMBERS passes over none that is there all the while", none_is_passed_over,
     BREAKER_STORAGE_MEMBERS},
    {"a page of MEMBERS has a size", pages_have_a_size, BREAKER_STORAGE_MEMBERS},
    {"members end with their time to live", members_end, BREAKER_STORAGE_MEMBERS},
    {"MEMBERS without the ability is UV_ENOTSUP", unknown_is_said, 0},
    {NULL, NULL, 0},
};
