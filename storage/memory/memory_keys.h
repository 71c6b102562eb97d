/* The keys of the memory storage, with their values, logs and ends. */
#ifndef MEMORY_KEYS_H
#define MEMORY_KEYS_H

#include "memory_heap.h"
#include "memory_log.h"
#include "memory_table.h"
#include <breaker/storage.h>
#include <stdbool.h>

/* One key: in the table, in the heap if it has an end. */
struct memory_entry {
    struct memory_node node;
    struct memory_end end;
    struct memory_log *log; /* NULL: it holds a value */
    uint16_t length;        /* of the value */
    uint16_t room;          /* for it */
    char bytes[];           /* the key, then room for the value */
};

struct memory_keys {
    struct memory_table table;
    struct memory_heap heap;
    size_t max_keys;
    size_t max_log;
};

/* What a verb found, kept apart from the transaction until all is well. */
struct memory_result {
    int64_t number;
    uint16_t length;
    bool found;
};

int memory_keys_init(struct memory_keys *keys, const breaker_memory_options_t *options,
                     uint64_t seed);
void memory_keys_free(struct memory_keys *keys);

/* Forgets some of the keys that are over, and all keys. */
void memory_keys_sweep(struct memory_keys *keys, uint64_t now);
void memory_keys_clear(struct memory_keys *keys);

/* The entry that holds key now, or NULL. */
struct memory_entry *memory_keys_find(struct memory_keys *keys, uint64_t now, uint32_t hash,
                                      const char *key, uint16_t length);
char *memory_keys_value(struct memory_entry *entry);

/* Makes an entry that is in no table yet; NULL: no memory. Puts one in; takes one out and frees it. */
struct memory_entry *memory_keys_make(uint32_t hash, const char *key, uint16_t key_length,
                                      uint16_t room);
void memory_keys_insert(struct memory_keys *keys, struct memory_entry *entry);
void memory_keys_remove(struct memory_keys *keys, struct memory_entry *entry);

/* Whether so many keys more are allowed; to be asked after a sweep. */
bool memory_keys_has_place(const struct memory_keys *keys, size_t more);

/* Runs the verbs of a transaction whose guard holds: all of them, or with an error none. Results go to
 * results, and GET's bytes to where the verb wants them. */
int memory_keys_run(struct memory_keys *keys, uint64_t now,
                    const breaker_transaction_t *transaction, struct memory_result *results);

#endif /* MEMORY_KEYS_H */
