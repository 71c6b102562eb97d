/* Keys on a shelf: what the verbs of a transaction do, in virtual time, and nothing else. */
#include "shelf.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void shelf_drop(struct shelf_item *item)
{
    free(item->scores);
    memset(item, 0, sizeof *item);
}

void shelf_clear(struct shelf *shelf)
{
    for (size_t i = 0; i < sizeof shelf->items / sizeof *shelf->items; i++)
        shelf_drop(&shelf->items[i]);
}

struct shelf_item *shelf_find(struct shelf *shelf, const char *key, size_t length)
{
    for (size_t i = 0; i < sizeof shelf->items / sizeof *shelf->items; i++) {
        struct shelf_item *item = &shelf->items[i];
        if (!item->is_used || item->key_length != length || memcmp(item->key, key, length) != 0)
            continue;
        if (item->end == 0 || shelf->now <= item->end)
            return item;
        shelf_drop(item);
        return NULL;
    }
    return NULL;
}

static struct shelf_item *make(struct shelf *shelf, const char *key, size_t length)
{
    struct shelf_item *item = shelf_find(shelf, key, length);

    for (size_t i = 0; item == NULL && i < sizeof shelf->items / sizeof *shelf->items; i++)
        if (!shelf->items[i].is_used)
            item = &shelf->items[i];
    if (item == NULL)
        abort(); /* no scenario has so many keys */
    if (!item->is_used) {
        item->is_used = true;
        item->key_length = length;
        memcpy(item->key, key, length);
    }
    return item;
}

void shelf_set(struct shelf *shelf, const char *key, size_t key_length, const char *value,
               size_t length, uint64_t ttl)
{
    struct shelf_item *item = make(shelf, key, key_length);

    memcpy(item->value, value, length);
    item->length = length;
    item->end = ttl > 0 ? shelf->now + ttl : 0;
}

static int get(struct shelf *shelf, breaker_verb_t *verb)
{
    struct shelf_item *item = shelf_find(shelf, verb->key, verb->key_length);

    verb->found = item != NULL;
    if (item != NULL && item->length > verb->length)
        return -EMSGSIZE;
    verb->length = item != NULL ? (uint16_t)item->length : 0;
    if (item != NULL)
        memcpy(verb->value, item->value, item->length);
    return 0;
}

static int increase(struct shelf *shelf, breaker_verb_t *verb)
{
    struct shelf_item *item = make(shelf, verb->key, verb->key_length);
    int64_t by = verb->number;
    char text[BREAKER_VALUE_MAX + 1];

    memcpy(text, item->value, item->length);
    text[item->length] = 0;
    verb->number = strtoll(text, NULL, 10) + by;
    item->length = (size_t)snprintf(item->value, sizeof item->value, "%" PRId64, verb->number);
    if (verb->number == by && verb->ttl > 0)
        item->end = shelf->now + verb->ttl;
    return 0;
}

static int append(struct shelf *shelf, breaker_verb_t *verb)
{
    struct shelf_item *item = make(shelf, verb->key, verb->key_length);
    size_t kept = 0;

    item->is_log = true;
    for (size_t i = 0; i < item->score_count; i++)
        if (item->scores[i] > verb->cut)
            item->scores[kept++] = item->scores[i];
    if (kept == item->score_room) {
        item->score_room = item->score_room * 2 + 16;
        item->scores = realloc(item->scores, item->score_room * sizeof *item->scores);
        if (item->scores == NULL)
            abort();
    }
    item->scores[kept++] = verb->score;
    item->score_count = kept;
    verb->number = (int64_t)kept;
    return 0;
}

static int run(struct shelf *shelf, breaker_verb_t *verb)
{
    struct shelf_item *item = shelf_find(shelf, verb->key, verb->key_length);

    switch (verb->kind) {
    case BREAKER_GET:
        return get(shelf, verb);
    case BREAKER_ADD:
        verb->number = item == NULL;
        if (item != NULL)
            return 0;
        /* fall through */
    case BREAKER_SET:
        shelf_set(shelf, verb->key, verb->key_length, verb->value, verb->length, verb->ttl);
        return 0;
    case BREAKER_INCR:
        return increase(shelf, verb);
    case BREAKER_DELETE:
        verb->number = item != NULL;
        if (item != NULL)
            shelf_drop(item);
        return 0;
    case BREAKER_LOG:
        return append(shelf, verb);
    case BREAKER_MEMBER:
    case BREAKER_FIELD:
        return 0;
    default:
        return -EINVAL;
    }
}

static bool guard_holds(struct shelf *shelf, breaker_transaction_t *t)
{
    struct shelf_item *item = shelf_find(shelf, t->guard_key, t->guard_key_length);
    bool holds = item == NULL;

    if (t->guard == BREAKER_GUARD_EQUALS)
        holds = item != NULL && item->length == t->guard_length &&
                memcmp(item->value, t->guard_value, item->length) == 0;
    if (holds || t->standing == NULL)
        return holds;
    t->standing_found = item != NULL;
    if (item != NULL && item->length <= t->standing_length)
        memcpy(t->standing, item->value, item->length);
    t->standing_length = item != NULL ? (uint16_t)item->length : 0;
    return false;
}

int shelf_run(struct shelf *shelf, breaker_transaction_t *t)
{
    int status = 0;

    t->wall = shelf->now;
    if (t->guard != BREAKER_GUARD_NONE && !guard_holds(shelf, t))
        return BREAKER_EGUARD;
    for (unsigned i = 0; i < t->count && status == 0; i++)
        status = run(shelf, &t->verbs[i]);
    return status;
}
