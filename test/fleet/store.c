/* The storage's side of the simulation, and the checks that only it can make: no key without a time to
 * live, no record that is older than what it replaces. */
#include "store.h"
#include <stdlib.h>
#include <string.h>

uint64_t store_wall(const struct store *s)
{
    return (uint64_t)((int64_t)s->now + s->step);
}

static uint64_t hash_of(const char *key, size_t length)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)key[i]) * UINT64_C(1099511628211);
    return hash ^ hash >> 29;
}

static void give_back(struct store *s, struct store_key **link)
{
    struct store_key *k = *link;

    *link = k->next;
    k->next = s->free;
    s->free = k;
}

static struct store_key **link_of(struct store *s, const char *key, size_t length, uint64_t hash)
{
    struct store_key **link = &s->chains[hash % STORE_CHAINS];

    while (*link != NULL) {
        struct store_key *k = *link;
        if (k->end != 0 && store_wall(s) > k->end) {
            give_back(s, link);
            continue;
        }
        if (k->hash == hash && k->length == length && memcmp(k->key, key, length) == 0)
            return link;
        link = &k->next;
    }
    return NULL;
}

static struct store_key *find(struct store *s, const char *key, size_t length)
{
    struct store_key **link = link_of(s, key, length, hash_of(key, length));
    return link == NULL ? NULL : *link;
}

const struct store_key *store_find(struct store *s, const char *key, size_t length)
{
    return find(s, key, length);
}

static struct store_key *add(struct store *s, const char *key, size_t length)
{
    struct store_key *k = s->free;
    uint64_t hash = hash_of(key, length);

    if (k != NULL)
        s->free = k->next;
    else
        k = malloc(sizeof *k);
    if (k == NULL || length > STORE_KEY)
        abort();
    k->hash = hash;
    k->end = 0;
    k->length = (uint16_t)length;
    k->value_length = 0;
    memcpy(k->key, key, length);
    k->next = s->chains[hash % STORE_CHAINS];
    s->chains[hash % STORE_CHAINS] = k;
    return k;
}

static void put(struct store *s, struct store_key *k, const char *value, uint16_t length)
{
    (void)s;
    memcpy(k->value, value, length);
    k->value_length = length;
}

static void live(struct store *s, struct store_key *k, uint64_t ttl)
{
    if (ttl == 0)
        s->wrong(s->data, "N13: a key without a time to live");
    k->end = ttl > 0 ? store_wall(s) + ttl : 0;
}

static bool ends_with(const breaker_verb_t *v, const char *end)
{
    size_t length = strlen(end);

    return v->key_length > length && memcmp(v->key + v->key_length - length, end, length) == 0;
}

static void check_record(struct store *s, const breaker_verb_t *v, const struct store_key *k)
{
    struct record before = {.reporters = 1}, after = {.reporters = 1};

    if (!ends_with(v, ":1:r"))
        return;
    if (k != NULL)
        record_read(&before, k->value, k->value_length);
    if (!record_read(&after, v->value, v->length))
        s->wrong(s->data, "a record that cannot be read");
    s->records++;
    if (record_compare(&after, &before) <= 0)
        s->wrong(s->data, "N3: a record over a newer one");
    s->wrote(s->data, &before, &after);
}

static void set(struct store *s, breaker_verb_t *v)
{
    struct store_key *k = find(s, v->key, v->key_length);

    check_record(s, v, k);
    if (k == NULL)
        k = add(s, v->key, v->key_length);
    put(s, k, v->value, v->length);
    live(s, k, v->ttl);
}

static int incr(struct store *s, breaker_verb_t *v)
{
    struct store_key *k = find(s, v->key, v->key_length);
    int64_t by = v->number;
    char zero[BREAKER_VALUE_MAX] = "0";
    uint16_t length = 1;
    int status;

    status = k != NULL ? breaker_number_add(k->value, &k->value_length, &v->number)
                       : breaker_number_add(zero, &length, &v->number);
    if (status != 0)
        return status;
    if (k == NULL) {
        k = add(s, v->key, v->key_length);
        put(s, k, zero, length);
    }
    if (v->number == by)
        live(s, k, v->ttl);
    s->counted(s->data, v->key, v->key_length, v->number);
    return 0;
}

static int get(struct store *s, breaker_verb_t *v)
{
    const struct store_key *k = find(s, v->key, v->key_length);

    v->found = k != NULL;
    if (k != NULL && k->value_length > v->length)
        return -90; /* EMSGSIZE */
    v->length = k != NULL ? k->value_length : 0;
    if (k != NULL)
        memcpy(v->value, k->value, k->value_length);
    return 0;
}

static void delete (struct store *s, breaker_verb_t *v)
{
    struct store_key **link = link_of(s, v->key, v->key_length, hash_of(v->key, v->key_length));

    v->number = link != NULL;
    if (link != NULL)
        give_back(s, link);
}

static int verb(struct store *s, breaker_verb_t *v)
{
    switch (v->kind) {
    case BREAKER_GET:
        return get(s, v);
    case BREAKER_ADD:
        v->number = find(s, v->key, v->key_length) == NULL;
        if (v->number == 1)
            set(s, v);
        return 0;
    case BREAKER_SET:
        set(s, v);
        return 0;
    case BREAKER_INCR:
        return incr(s, v);
    case BREAKER_DELETE:
        delete (s, v);
        return 0;
    case BREAKER_TELL:
        s->rang(s->data, v);
        return 0;
    default:
        return -22;
    }
}

static bool holds(struct store *s, breaker_transaction_t *t)
{
    const struct store_key *k;
    bool is;

    if (t->guard == BREAKER_GUARD_NONE)
        return true;
    k = find(s, t->guard_key, t->guard_key_length);
    is = t->guard == BREAKER_GUARD_ABSENT
             ? k == NULL
             : k != NULL && k->value_length == t->guard_length &&
                   memcmp(k->value, t->guard_value, t->guard_length) == 0;
    if (is || t->standing == NULL)
        return is;
    t->standing_found = k != NULL;
    t->standing_length = k != NULL ? k->value_length : 0;
    if (k != NULL)
        memcpy(t->standing, k->value, k->value_length);
    return false;
}

int store_run(struct store *s, breaker_transaction_t *t)
{
    int status = breaker_transaction_check(t);

    s->carried_out++;
    s->inner += t->count + 1;
    if (status != 0) {
        s->wrong(s->data, "a transaction outside the limits");
        return status;
    }
    t->wall = store_wall(s);
    if (!holds(s, t))
        return BREAKER_EGUARD;
    for (unsigned i = 0; i < t->count && status == 0; i++)
        status = verb(s, &t->verbs[i]);
    return status;
}

void store_clear(struct store *s)
{
    s->losses++;
    for (unsigned i = 0; i < STORE_CHAINS; i++)
        while (s->chains[i] != NULL)
            give_back(s, &s->chains[i]);
}

static bool contains(const struct store_key *k, const char *part)
{
    size_t length = strlen(part);

    for (size_t i = 0; i + length <= k->length; i++)
        if (memcmp(k->key + i, part, length) == 0)
            return true;
    return false;
}

void store_drop(struct store *s, const char *part)
{
    s->losses++;
    for (unsigned i = 0; i < STORE_CHAINS; i++) {
        struct store_key **link = &s->chains[i];
        while (*link != NULL) {
            if (contains(*link, part))
                give_back(s, link);
            else
                link = &(*link)->next;
        }
    }
}

void store_copy(struct store *to, const struct store *from)
{
    store_clear(to);
    for (unsigned i = 0; i < STORE_CHAINS; i++) {
        for (const struct store_key *k = from->chains[i]; k != NULL; k = k->next) {
            struct store_key *copy = add(to, k->key, k->length);
            copy->end = k->end;
            put(to, copy, k->value, k->value_length);
        }
    }
}

unsigned store_count(const struct store *s)
{
    unsigned count = 0;

    for (unsigned i = 0; i < STORE_CHAINS; i++)
        for (const struct store_key *k = s->chains[i]; k != NULL; k = k->next)
            count++;
    return count;
}

void store_close(struct store *s)
{
    store_clear(s);
    while (s->free != NULL) {
        struct store_key *k = s->free;
        s->free = k->next;
        free(k);
    }
}
