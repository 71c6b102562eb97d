/* The least storage there can be: a few keys, carried out at once, at a time that is given. */
#ifndef SHELF_H
#define SHELF_H

#include <breaker/storage.h>
#include <stdbool.h>

struct shelf_item {
    char key[BREAKER_KEY_MAX];
    size_t key_length;
    bool is_used;
    char value[BREAKER_VALUE_MAX];
    size_t length;
    uint64_t end; /* the last ms at which it is there; 0: for ever */
    bool is_log;
    int64_t *scores;
    size_t score_count, score_room;
};

struct shelf {
    uint64_t now;
    struct shelf_item items[16];
};

void shelf_clear(struct shelf *shelf);
struct shelf_item *shelf_find(struct shelf *shelf, const char *key, size_t length);
void shelf_drop(struct shelf_item *item);
void shelf_set(struct shelf *shelf, const char *key, size_t key_length, const char *value,
               size_t length, uint64_t ttl);

/* Carries out the verbs, and says what the completion would be told. */
int shelf_run(struct shelf *shelf, breaker_transaction_t *transaction);

#endif /* SHELF_H */
