/* Random transactions on the storage in memory, held against a model that is too simple to be wrong:
 * a few keys in an array, copied before each transaction and put back after an error. */
#include "transact.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include <cmocka.h>

enum { KEYS = 9, MAX_KEYS = 6, MAX_LOG = 7, STEPS = 200000 };

struct key {
    enum { NOTHING, A_VALUE, A_LOG } kind;
    uint64_t end; /* UINT64_MAX: none */
    char value[BREAKER_VALUE_MAX];
    size_t length;
    int64_t scores[MAX_LOG + 1];
    unsigned count;
};

static struct key model[KEYS];
static uint64_t now;
static uint64_t seed;

static uint64_t wall(void *data)
{
    (void)data;
    return now;
}

static unsigned draw(unsigned below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

/* ---- The model ---------------------------------------------------------------------------------*/

static void expire(void)
{
    for (unsigned i = 0; i < KEYS; i++)
        if (now > model[i].end)
            model[i] = (struct key){.kind = NOTHING, .end = UINT64_MAX};
}

static uint64_t end_of(uint64_t ttl)
{
    return ttl == 0 ? UINT64_MAX : now + ttl;
}

static void model_set(struct key *key, const breaker_verb_t *verb)
{
    *key = (struct key){.kind = A_VALUE, .end = end_of(verb->ttl), .length = verb->length};
    memcpy(key->value, verb->value, verb->length);
}

static int model_incr(struct key *key, breaker_verb_t *verb)
{
    char text[BREAKER_VALUE_MAX + 1] = "0";
    char again[32];
    if (key->kind == A_LOG)
        return UV_EINVAL;
    if (key->kind == A_VALUE) {
        memcpy(text, key->value, key->length);
        text[key->length] = '\0';
    }
    long long before = strtoll(text, NULL, 10);
    sprintf(again, "%lld", before);
    if (strcmp(text, again) != 0 || (key->kind == A_VALUE && strlen(again) != key->length))
        return UV_EINVAL;
    key->kind = A_VALUE;
    key->length = (size_t)sprintf(key->value, "%lld", before + verb->number);
    if (before == 0 && verb->ttl != 0)
        key->end = end_of(verb->ttl);
    verb->number += before;
    return 0;
}

static int compare(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one;
    int64_t b = *(const int64_t *)other;
    return (a > b) - (a < b);
}

static int model_log(struct key *key, breaker_verb_t *verb)
{
    unsigned kept = 0;
    if (key->kind == A_VALUE)
        return UV_EINVAL;
    key->kind = A_LOG;
    for (unsigned i = 0; i < key->count; i++)
        if (key->scores[i] > verb->cut)
            key->scores[kept++] = key->scores[i];
    key->scores[kept++] = verb->score;
    qsort(key->scores, kept, sizeof *key->scores, compare);
    if (kept > MAX_LOG)
        memmove(key->scores, key->scores + 1, --kept * sizeof *key->scores);
    key->count = kept;
    if (verb->ttl != 0)
        key->end = end_of(verb->ttl);
    verb->number = kept;
    return 0;
}

static struct key *key_of(const char *name)
{
    return &model[name[0] - 'a'];
}

static int model_verb(breaker_verb_t *verb)
{
    struct key *key = key_of(verb->key);
    switch (verb->kind) {
    case BREAKER_GET:
        if (key->kind == A_LOG)
            return UV_EINVAL;
        if (key->kind == A_VALUE && key->length > verb->length)
            return UV_EMSGSIZE;
        verb->found = key->kind == A_VALUE;
        verb->length = (uint16_t)(verb->found ? key->length : 0);
        memcpy(verb->value, key->value, verb->length);
        return 0;
    case BREAKER_SET:
        model_set(key, verb);
        return 0;
    case BREAKER_ADD:
        verb->number = key->kind == NOTHING;
        if (verb->number)
            model_set(key, verb);
        return 0;
    case BREAKER_INCR:
        return model_incr(key, verb);
    case BREAKER_DELETE:
        verb->number = key->kind != NOTHING;
        *key = (struct key){.kind = NOTHING, .end = UINT64_MAX};
        return 0;
    default:
        return model_log(key, verb);
    }
}

static unsigned count_keys(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < KEYS; i++)
        count += model[i].kind != NOTHING;
    return count;
}

static int model_guard(breaker_transaction_t *transaction)
{
    if (transaction->guard == BREAKER_GUARD_NONE)
        return 0;
    const struct key *key = key_of(transaction->guard_key);
    if (key->kind == A_LOG)
        return UV_EINVAL;
    bool holds = transaction->guard == BREAKER_GUARD_ABSENT
                     ? key->kind == NOTHING
                     : key->kind == A_VALUE && key->length == transaction->guard_length &&
                           memcmp(key->value, transaction->guard_value, key->length) == 0;
    if (holds)
        return 0;
    transaction->standing_found = key->kind == A_VALUE;
    transaction->standing_length = (uint16_t)(key->kind == A_VALUE ? key->length : 0);
    memcpy(transaction->standing, key->value, transaction->standing_length);
    return BREAKER_EGUARD;
}

static int model_run(breaker_transaction_t *transaction)
{
    struct key before[KEYS];
    breaker_verb_t verbs[BREAKER_VERBS_MAX];
    expire();
    memcpy(before, model, sizeof model);
    memcpy(verbs, transaction->verbs, sizeof verbs);
    unsigned had = count_keys();
    int status = model_guard(transaction);
    for (unsigned i = 0; i < transaction->count && status == 0; i++)
        status = model_verb(&transaction->verbs[i]);
    if (status == 0 && count_keys() > had && count_keys() > MAX_KEYS)
        status = UV_ENOSPC;
    if (status != 0) {
        memcpy(model, before, sizeof model);
        memcpy(transaction->verbs, verbs, sizeof verbs);
    }
    return status;
}

/* ---- Random transactions -----------------------------------------------------------------------*/

struct trial {
    breaker_transaction_t transaction;
    breaker_verb_t verbs[BREAKER_VERBS_MAX];
    char values[BREAKER_VERBS_MAX][BREAKER_VALUE_MAX];
    char standing[BREAKER_VALUE_MAX];
    int status;
};

static const char names[KEYS][2] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};

static size_t fill(char *value)
{
    static const char *const numbers[] = {"0", "1", "-1", "17", "01", ""};
    if (draw(2) == 0) {
        const char *number = numbers[draw(6)];
        memcpy(value, number, strlen(number));
        return strlen(number);
    }
    size_t length = draw(4) == 0 ? BREAKER_VALUE_MAX : draw(40);
    memset(value, 'a' + (int)draw(3), length);
    return length;
}

static void fill_verb(struct trial *trial, unsigned i)
{
    breaker_verb_t *verb = &trial->verbs[i];
    memset(verb, 0, sizeof *verb);
    verb->kind = (breaker_verb_kind_t)(BREAKER_GET + draw(BREAKER_LOG));
    verb->key = names[draw(KEYS)];
    verb->key_length = 1;
    verb->value = trial->values[i];
    verb->ttl = draw(2) == 0 ? 0 : 1 + draw(60);
    verb->score = (int64_t)now + draw(20) - 10;
    verb->cut = (int64_t)now - 5 - draw(60);
    if (verb->kind == BREAKER_INCR)
        verb->number = (int)draw(5) - 2;
    if (verb->kind == BREAKER_GET)
        verb->length = draw(20) == 0 ? 3 : BREAKER_VALUE_MAX;
    else
        verb->length = (uint16_t)fill(verb->value);
}

static void fill_trial(struct trial *trial, char *guard)
{
    breaker_transaction_t *transaction = &trial->transaction;
    memset(trial, 0, sizeof *trial);
    transaction->verbs = trial->verbs;
    transaction->count = draw(4) == 0 ? 1 + draw(BREAKER_VERBS_MAX) : 1 + draw(2);
    transaction->guard = (breaker_guard_t)(draw(3) == 0 ? draw(3) : 0);
    transaction->guard_key = names[draw(KEYS)];
    transaction->guard_key_length = 1;
    transaction->guard_value = guard;
    transaction->guard_length = (uint16_t)fill(guard);
    transaction->standing = trial->standing;
    transaction->standing_length = sizeof trial->standing;
    transaction->complete = transact_complete;
    for (unsigned i = 0; i < transaction->count; i++)
        fill_verb(trial, i);
}

/* The same transaction with memory of its own. */
static void copy_trial(struct trial *copy, const struct trial *trial)
{
    *copy = *trial;
    copy->transaction.verbs = copy->verbs;
    copy->transaction.standing = copy->standing;
    copy->transaction.data = &copy->status;
    for (unsigned i = 0; i < trial->transaction.count; i++)
        copy->verbs[i].value = copy->values[i];
}

static void hold_against(const struct trial *real, const struct trial *ideal)
{
    assert_int_equal(real->status, ideal->status);
    assert_int_equal(real->transaction.wall, now);
    for (unsigned i = 0; i < ideal->transaction.count; i++) {
        const breaker_verb_t *one = &real->verbs[i];
        const breaker_verb_t *other = &ideal->verbs[i];
        assert_int_equal(one->number, other->number);
        assert_int_equal(one->length, other->length);
        assert_int_equal(one->found, other->found);
        if (ideal->status == 0)
            assert_memory_equal(one->value, other->value, other->length);
    }
    if (ideal->status == BREAKER_EGUARD) {
        assert_int_equal(real->transaction.standing_found, ideal->transaction.standing_found);
        assert_int_equal(real->transaction.standing_length, ideal->transaction.standing_length);
        assert_memory_equal(real->standing, ideal->standing, ideal->transaction.standing_length);
    }
}

static void agrees_with_the_model(void **state)
{
    static struct trial trial, real, ideal;
    char guard[BREAKER_VALUE_MAX];
    unsigned statuses[2] = {0, 0};
    breaker_storage_t *storage;
    breaker_memory_options_t options;
    (void)state;
    breaker_memory_options_init(&options);
    options.max_keys = MAX_KEYS;
    options.max_log = MAX_LOG;
    options.wall = wall;
    now = 1000000;
    seed = 1;
    for (unsigned i = 0; i < KEYS; i++)
        model[i] = (struct key){.kind = NOTHING, .end = UINT64_MAX};
    assert_int_equal(breaker_memory_create(&storage, &options), 0);
    for (unsigned step = 0; step < STEPS; step++) {
        now += draw(3) == 0 ? draw(20) : 0;
        fill_trial(&trial, guard);
        copy_trial(&real, &trial);
        copy_trial(&ideal, &trial);
        storage->ops->submit(storage, NULL, &real.transaction);
        ideal.status = model_run(&ideal.transaction);
        hold_against(&real, &ideal);
        statuses[ideal.status == 0]++;
    }
    assert_true(statuses[0] > STEPS / 10 && statuses[1] > STEPS / 10);
    assert_int_equal(breaker_memory_destroy(storage), 0);
}

/* Many keys of all lengths come and go: none is lost, none stays. */
static void many_come_and_go(void **state)
{
    enum { MANY = 50000 };
    breaker_storage_t *storage;
    breaker_memory_options_t options;
    char key[40];
    (void)state;
    breaker_memory_options_init(&options);
    options.wall = wall;
    options.max_keys = MANY;
    now = 1000000;
    assert_int_equal(breaker_memory_create(&storage, &options), 0);
    for (unsigned round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            breaker_verb_t add = {.kind = BREAKER_ADD, .key = key, VALUE("1"), .ttl = 1000};
            add.key_length = (uint16_t)sprintf(key, "%*d", 6 + i % 30, i);
            assert_int_equal(transact_number(storage, add), 1);
            assert_int_equal(transact_number(storage, add), 0);
        }
        for (int i = 0; i < MANY; i += 3) {
            breaker_verb_t gone = {.kind = BREAKER_DELETE, .key = key};
            gone.key_length = (uint16_t)sprintf(key, "%*d", 6 + i % 30, i);
            assert_int_equal(transact_number(storage, gone), 1);
        }
        for (int i = 0; i < MANY; i++) {
            sprintf(key, "%*d", 6 + i % 30, i);
            assert_true(transact_holds(storage, key, i % 3 == 0 ? NULL : "1"));
        }
        now += 1001;
    }
    assert_true(transact_holds(storage, key, NULL));
    assert_int_equal(breaker_memory_destroy(storage), 0);
}

/* Keys with ends in any order, under a bound: the storage knows at each moment how many are left. */
static void bound_is_exact(void **state)
{
    enum { MANY = 600, BOUND = 300 };
    static uint64_t ends[MANY];
    breaker_storage_t *storage;
    breaker_memory_options_t options;
    char key[16];
    (void)state;
    breaker_memory_options_init(&options);
    options.wall = wall;
    options.max_keys = BOUND;
    now = 1000000;
    memset(ends, 0, sizeof ends);
    assert_int_equal(breaker_memory_create(&storage, &options), 0);
    for (unsigned step = 0; step < 60000; step++) {
        unsigned one = draw(MANY);
        unsigned alive = 0;
        now += draw(200) == 0 ? draw(1000) : 0;
        for (unsigned i = 0; i < MANY; i++)
            alive += ends[i] >= now;
        breaker_verb_t verb = {.kind = draw(8) == 0 ? BREAKER_DELETE : BREAKER_SET,
                               .key = key,
                               .key_length = (uint16_t)sprintf(key, "%u", one),
                               VALUE("1"),
                               .ttl = 1 + draw(2000)};
        int status = transact(storage, NULL, &verb, 1);
        bool is_full = verb.kind == BREAKER_SET && ends[one] < now && alive == BOUND;
        assert_int_equal(status, is_full ? UV_ENOSPC : 0);
        if (verb.kind == BREAKER_DELETE)
            ends[one] = 0;
        else if (!is_full)
            ends[one] = now + verb.ttl;
    }
    assert_int_equal(breaker_memory_destroy(storage), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_model),
        cmocka_unit_test(many_come_and_go),
        cmocka_unit_test(bound_is_exact),
    };
    return cmocka_run_group_tests_name("memory, model", tests, NULL, NULL);
}
