/* How keys are found in the memory storage: linear hashing, which grows by one bucket with each insert,
 * so that no transaction ever pays for the rehashing of all. Here only it is known which bucket a hash
 * belongs to. */
#include "memory_table.h"
#include "memory.h"
#include <string.h>
#include <uv.h>

enum { FIRST = 16 };

int memory_table_init(struct memory_table *table, uint64_t seed)
{
    table->buckets = memory_allocate(FIRST * sizeof *table->buckets);
    if (table->buckets == NULL)
        return UV_ENOMEM;
    memset(table->buckets, 0, FIRST * sizeof *table->buckets);
    table->room = FIRST;
    table->used = FIRST;
    table->level = FIRST;
    table->count = 0;
    table->seed = seed;
    return 0;
}

void memory_table_free(struct memory_table *table)
{
    memory_release(table->buckets);
    table->buckets = NULL;
}

uint32_t memory_table_hash(const struct memory_table *table, const char *key, size_t length)
{
    uint64_t hash = table->seed ^ length;
    while (length > 0) {
        uint64_t word = 0;
        size_t taken = length < sizeof word ? length : sizeof word;
        memcpy(&word, key, taken);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
        key += taken;
        length -= taken;
    }
    hash *= 0xbf58476d1ce4e5b9u;
    return (uint32_t)(hash >> 32);
}

/* The first used - level / 2 buckets have been split, and their other halves lie above level / 2. */
static size_t bucket_of(const struct memory_table *table, uint32_t hash)
{
    size_t bucket = hash & (table->level - 1);
    return bucket < table->used ? bucket : bucket - table->level / 2;
}

static int is_key(const struct memory_node *node, uint32_t hash, const char *key, size_t length)
{
    return node->hash == hash && node->key_length == length && memcmp(node->key, key, length) == 0;
}

struct memory_node *memory_table_find(const struct memory_table *table, uint32_t hash,
                                      const char *key, size_t length)
{
    struct memory_node *node = table->buckets[bucket_of(table, hash)];
    while (node != NULL && !is_key(node, hash, key, length))
        node = node->next;
    return node;
}

struct memory_node *memory_table_again(const struct memory_node *node)
{
    struct memory_node *next = node->next;
    while (next != NULL && !is_key(next, node->hash, node->key, node->key_length))
        next = next->next;
    return next;
}

int memory_table_reserve(struct memory_table *table, size_t more)
{
    size_t room = table->room;
    while (room < table->used + more)
        room *= 2;
    if (room == table->room)
        return 0;
    struct memory_node **buckets = memory_reallocate(table->buckets, room * sizeof *table->buckets);
    if (buckets == NULL)
        return UV_ENOMEM;
    table->buckets = buckets;
    table->room = room;
    return 0;
}

/* One bucket more: the nodes of its other half are parted between the two. */
static void split(struct memory_table *table)
{
    if (table->used == table->level)
        table->level *= 2;
    size_t fresh = table->used++;
    struct memory_node **link = &table->buckets[fresh - table->level / 2];
    struct memory_node **away = &table->buckets[fresh];
    while (*link != NULL) {
        struct memory_node *node = *link;
        if ((node->hash & (table->level - 1)) == fresh) {
            *link = node->next;
            *away = node;
            away = &node->next;
        } else {
            link = &node->next;
        }
    }
    *away = NULL;
}

void memory_table_insert(struct memory_table *table, struct memory_node *node)
{
    if (table->count >= table->used && table->used < table->room)
        split(table);
    struct memory_node **bucket = &table->buckets[bucket_of(table, node->hash)];
    node->next = *bucket;
    *bucket = node;
    table->count++;
}

void memory_table_remove(struct memory_table *table, struct memory_node *node)
{
    struct memory_node **link = &table->buckets[bucket_of(table, node->hash)];
    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    table->count--;
}

struct memory_node *memory_table_bucket(const struct memory_table *table, size_t bucket)
{
    return table->buckets[bucket];
}

struct memory_node *memory_table_take(struct memory_table *table, size_t *at)
{
    while (*at < table->used && table->buckets[*at] == NULL)
        ++*at;
    if (*at == table->used)
        return NULL;
    struct memory_node *node = table->buckets[*at];
    table->buckets[*at] = node->next;
    table->count--;
    return node;
}
