/* How a register lies in memory: each member is an entry of its own in one table for all registers, under
 * the register's key and its name, with an end of its own. A page is some buckets of that table. */
#include "memory_register.h"
#include <string.h>
#include <uv.h>

enum {
    BUCKETS = 64,
    HEAD = sizeof(uint16_t)
}; /* of a page at the most; the key's length, before it */

struct composite {
    char bytes[HEAD + BREAKER_KEY_MAX + BREAKER_VALUE_MAX];
    uint16_t length, head; /* all, and without the name */
};

static struct composite composite_of(const breaker_verb_t *verb, uint16_t name)
{
    struct composite c = {.head = (uint16_t)(HEAD + verb->key_length)};

    c.length = (uint16_t)(c.head + name);
    memcpy(c.bytes, &verb->key_length, HEAD);
    memcpy(c.bytes + HEAD, verb->key, verb->key_length);
    if (name > 0)
        memcpy(c.bytes + c.head, verb->value, name);
    return c;
}

/* ---- Writing -----------------------------------------------------------------------------------*/

static struct memory_entry *make(struct memory_keys *members, uint32_t hash,
                                 const struct composite *c)
{
    struct memory_entry *entry;

    if (!memory_keys_has_place(members, 1) || memory_table_reserve(&members->table, 1) != 0 ||
        memory_heap_reserve(&members->heap, 1) != 0 ||
        (entry = memory_keys_make(hash, c->bytes, c->length, 0)) == NULL)
        return NULL;
    memory_keys_insert(members, entry);
    return entry;
}

static void keep(struct memory_keys *members, uint64_t now, const breaker_verb_t *verb)
{
    struct composite c = composite_of(verb, verb->length);
    uint32_t hash = memory_table_hash(&members->table, c.bytes, c.length);
    struct memory_entry *entry = memory_keys_find(members, now, hash, c.bytes, c.length);

    if (entry == NULL && (entry = make(members, hash, &c)) == NULL)
        return;
    if (verb->ttl > 0)
        memory_heap_set(&members->heap, &entry->end,
                        verb->ttl > UINT64_MAX - now ? UINT64_MAX : now + verb->ttl);
}

void memory_register_write(struct memory_keys *members, uint64_t now,
                           const breaker_transaction_t *transaction)
{
    for (unsigned i = 0; i < transaction->count; i++)
        if (transaction->verbs[i].kind == BREAKER_MEMBER)
            keep(members, now, &transaction->verbs[i]);
}

/* ---- Reading -----------------------------------------------------------------------------------*/

static bool is_of(const struct memory_node *node, const struct composite *c)
{
    return node->key_length >= c->head && memcmp(node->key, c->bytes, c->head) == 0;
}

/* The names of a bucket, behind what is in the page; false: they do not fit. */
static bool put_bucket(const struct memory_node *node, uint64_t now, const struct composite *c,
                       const breaker_verb_t *verb, uint16_t *length)
{
    uint16_t used = *length;

    for (; node != NULL; node = node->next) {
        uint16_t name = (uint16_t)(node->key_length - c->head);
        if (!is_of(node, c) || ((const struct memory_entry *)node)->end.at < now)
            continue;
        if (name >= verb->length - used)
            return false;
        memcpy(verb->value + used, node->key + c->head, name);
        verb->value[used + name] = '\0';
        used = (uint16_t)(used + name + 1);
    }
    *length = used;
    return true;
}

static int page(const struct memory_keys *members, uint64_t now, const breaker_verb_t *verb,
                struct memory_result *result)
{
    const struct memory_table *table = &members->table;
    struct composite c = composite_of(verb, 0);
    size_t first = (size_t)verb->number, at = first;

    result->length = 0;
    while (at < table->used && at - first < BUCKETS &&
           put_bucket(memory_table_bucket(table, at), now, &c, verb, &result->length))
        at++;
    if (at == first && at < table->used)
        return UV_EMSGSIZE;
    result->number = at < table->used ? (int64_t)at : 0;
    return 0;
}

int memory_register_read(const struct memory_keys *members, uint64_t now,
                         const breaker_transaction_t *transaction, struct memory_result *results)
{
    int status = 0;

    for (unsigned i = 0; i < transaction->count && status == 0; i++)
        if (transaction->verbs[i].kind == BREAKER_MEMBERS)
            status = page(members, now, &transaction->verbs[i], &results[i]);
    return status;
}
