/* The life of a key in the memory storage: where an entry begins and ends, and that one whose time is
 * over is never seen again, whether it was swept yet or not. */
#include "memory_keys.h"
#include "memory.h"
#include <string.h>

/* More than a transaction can make, so that sweeping keeps pace. */
enum { SWEEP = 2 * BREAKER_VERBS_MAX };

int memory_keys_init(struct memory_keys *keys, const breaker_memory_options_t *options,
                     uint64_t seed)
{
    memset(keys, 0, sizeof *keys);
    keys->max_keys = options->max_keys == 0 ? SIZE_MAX : options->max_keys;
    keys->max_log = options->max_log;
    return memory_table_init(&keys->table, seed);
}

static void entry_free(struct memory_entry *entry)
{
    memory_log_destroy(entry->log);
    memory_release(entry);
}

void memory_keys_clear(struct memory_keys *keys)
{
    size_t at = 0;
    struct memory_node *node;
    while ((node = memory_table_take(&keys->table, &at)) != NULL)
        entry_free((struct memory_entry *)node);
    keys->heap.count = 0;
}

void memory_keys_free(struct memory_keys *keys)
{
    memory_keys_clear(keys);
    memory_table_free(&keys->table);
    memory_heap_free(&keys->heap);
}

/* node and end are embedded in entries; node is the first member. */
static struct memory_entry *entry_of_end(struct memory_end *end)
{
    return (struct memory_entry *)((char *)end - offsetof(struct memory_entry, end));
}

static bool sweep_one(struct memory_keys *keys, uint64_t now)
{
    struct memory_end *end = memory_heap_over(&keys->heap, now);
    if (end != NULL)
        memory_keys_remove(keys, entry_of_end(end));
    return end != NULL;
}

void memory_keys_sweep(struct memory_keys *keys, uint64_t now)
{
    for (unsigned i = 0; i < SWEEP && sweep_one(keys, now); i++)
        ;
}

struct memory_entry *memory_keys_find(struct memory_keys *keys, uint64_t now, uint32_t hash,
                                      const char *key, uint16_t length)
{
    struct memory_entry *entry =
        (struct memory_entry *)memory_table_find(&keys->table, hash, key, length);
    if (entry != NULL && entry->end.at < now) {
        memory_keys_remove(keys, entry);
        entry = NULL;
    }
    return entry;
}

char *memory_keys_value(struct memory_entry *entry)
{
    return entry->bytes + entry->node.key_length;
}

struct memory_entry *memory_keys_make(uint32_t hash, const char *key, uint16_t key_length,
                                      uint16_t room)
{
    struct memory_entry *entry = memory_allocate(sizeof *entry + key_length + room);
    if (entry == NULL)
        return NULL;
    *entry = (struct memory_entry){
        .node = {.key = entry->bytes, .key_length = key_length, .hash = hash},
        .end = {.at = UINT64_MAX, .place = MEMORY_HEAP_OUT},
        .room = room,
    };
    memcpy(entry->bytes, key, key_length);
    return entry;
}

void memory_keys_insert(struct memory_keys *keys, struct memory_entry *entry)
{
    memory_table_insert(&keys->table, &entry->node);
}

void memory_keys_remove(struct memory_keys *keys, struct memory_entry *entry)
{
    memory_heap_set(&keys->heap, &entry->end, UINT64_MAX);
    memory_table_remove(&keys->table, &entry->node);
    entry_free(entry);
}

/* A sweep before it took more than a transaction can make: none that is over is in the way. */
bool memory_keys_has_place(const struct memory_keys *keys, size_t more)
{
    return keys->table.count + more <= keys->max_keys;
}
