/* A storage for the simulation: keys in memory, transactions at once, a clock that can be stepped, copies
 * that can be brought back. What is written under a record's key is checked as it is written. */
#ifndef STORE_H
#define STORE_H

#include "circuit/fleet/record.h"
#include <breaker/storage.h>

enum { STORE_CHAINS = 1024, STORE_KEY = 360 };

struct store_key {
    struct store_key *next;
    uint64_t hash;
    uint64_t end; /* by the store's clock; 0: without */
    uint16_t length, value_length;
    char value[BREAKER_VALUE_MAX];
    char key[STORE_KEY];
};

struct store {
    struct store_key *chains[STORE_CHAINS];
    struct store_key *free;
    uint64_t now;    /* true ms */
    int64_t step;    /* of the clock */
    unsigned losses; /* data was lost, or an old copy came back */

    uint64_t carried_out, inner, records,
        won; /* transactions; verbs and the clock; writes of a record */
    void *data;
    void (*wrote)(void *data, const struct record *before, const struct record *after);
    void (*counted)(void *data, const char *key, uint16_t length, int64_t sum);
    void (*rang)(void *data, const breaker_verb_t *bell);
    void (*wrong)(void *data, const char *what);
};

void store_close(struct store *store);
uint64_t store_wall(const struct store *store);

/* Carries a transaction out; returns the status of its completion. */
int store_run(struct store *store, breaker_transaction_t *transaction);

void store_clear(struct store *store);                       /* empty */
void store_drop(struct store *store, const char *part);      /* keys with this in their name */
void store_copy(struct store *to, const struct store *from); /* keys only */
const struct store_key *store_find(struct store *store, const char *key, size_t length);
unsigned store_count(const struct store *store);

#endif /* STORE_H */
