/* A hash table of nodes that are embedded in what they find. Nodes of one key may be several. */
#ifndef MEMORY_TABLE_H
#define MEMORY_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct memory_node {
    struct memory_node *next;
    const char *key;
    uint32_t hash;
    uint16_t key_length;
};

struct memory_table {
    struct memory_node **buckets;
    size_t room;  /* of the array */
    size_t used;  /* buckets in use */
    size_t level; /* the least power of two that is not below used */
    size_t count; /* nodes */
    uint64_t seed;
};

int memory_table_init(struct memory_table *table, uint64_t seed);
void memory_table_free(struct memory_table *table); /* the nodes are the caller's */

uint32_t memory_table_hash(const struct memory_table *table, const char *key, size_t length);

/* The first node of that key, and the next one of the same key. */
struct memory_node *memory_table_find(const struct memory_table *table, uint32_t hash,
                                      const char *key, size_t length);
struct memory_node *memory_table_again(const struct memory_node *node);

/* Makes room for so many nodes more; after it, so many inserts cannot fail. 0 or UV_ENOMEM. */
int memory_table_reserve(struct memory_table *table, size_t more);
void memory_table_insert(struct memory_table *table, struct memory_node *node);
void memory_table_remove(struct memory_table *table, struct memory_node *node);

/* The first node of a bucket, 0 .. used - 1. A node that is there while all buckets are looked at in order
 * is seen: a split moves it up. */
struct memory_node *memory_table_bucket(const struct memory_table *table, size_t bucket);

/* Takes any node out; NULL: the table is empty. Begin with *at = 0; for emptying a table, in
 * linear time. */
struct memory_node *memory_table_take(struct memory_table *table, size_t *at);

#endif /* MEMORY_TABLE_H */
