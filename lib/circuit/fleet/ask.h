/* The transactions of a fleet: each with all of its memory, so that a driver can keep a few for many
 * circuits. */
#ifndef CIRCUIT_ASK_H
#define CIRCUIT_ASK_H

#include "fleet.h"

enum { ASK_BUCKETS = 4, ASK_KEYS = 8, ASK_KEY = BREAKER_NAME_MAX + 96, ASK_NUMBER = 24 };

enum ask_kind { ASK_SYNC, ASK_READ, ASK_CAS, ASK_LEASE };

struct ask {
    breaker_transaction_t transaction; /* ready, but for complete and data */

    /* The driver's. */
    uint64_t went; /* the loop's clock when it was made */

    /* For ask_hear(). */
    uint32_t entries;
    uint8_t kind; /* enum ask_kind */
    uint8_t stage;
    uint8_t lease;
    uint8_t bucket_count, key_count;
    bool is_thorough;
    uint64_t buckets[ASK_BUCKETS];
    struct record record; /* CAS: what is written */
    struct fleet_lease mine;
    breaker_verb_t verbs[BREAKER_VERBS_MAX];
    char guard[BREAKER_VALUE_MAX], standing[BREAKER_VALUE_MAX], value[BREAKER_VALUE_MAX];
    char numbers[2 * ASK_BUCKETS][ASK_NUMBER];
    char keys[ASK_KEYS][ASK_KEY];
};

/* Makes the transaction that is due, if one is. Ask until it says false. */
bool ask_make(struct ask *ask, struct fleet *fleet, const struct fleet_world *world);

/* What came of it: the status of its completion, or any error when it took too long and was cancelled.
 * world->wall goes by this answer already. True: the transaction was changed, and is to be submitted
 * again. */
bool ask_hear(struct ask *ask, struct fleet *fleet, const struct fleet_world *world, int status,
              struct fleet_news *news);

/* The bell of this circuit rang; value NULL: it may have rung before, unheard. */
void ask_bell(struct fleet *fleet, const struct fleet_world *world, const char *value,
              size_t length, struct fleet_news *news);

/* Where the bell is; returns the length. key: of ASK_KEY bytes. And whose it is; false: no circuit's.
 * name: of BREAKER_NAME_MAX + 1 bytes. */
uint16_t ask_bell_key(const struct fleet_world *world, char *key);
bool ask_bell_name(const char *key, size_t length, char *name);

#endif /* CIRCUIT_ASK_H */
