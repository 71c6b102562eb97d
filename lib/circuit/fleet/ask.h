/* The transactions of a fleet: each with all of its memory, so that a driver can keep a few for many
 * circuits. */
#ifndef CIRCUIT_ASK_H
#define CIRCUIT_ASK_H

#include "fleet.h"
#include "keys.h"
#include "replica.h"

enum { ASK_BUCKETS = 4, ASK_KEYS = 8, ASK_NUMBER = 24 };

enum ask_kind {
    ASK_SYNC,  /* counts, and the record */
    ASK_READ,  /* more counts */
    ASK_CAS,   /* a record over the one that it replaces */
    ASK_LEASE, /* of a trial */
    ASK_ENTRY  /* into the list of circuits */
};

struct ask {
    breaker_transaction_t transaction; /* ready, but for complete and data */

    /* The driver's. */
    uint64_t went;   /* the loop's clock when it was made */
    bool is_refused; /* the storage is well, but will not do this; false when it was made */

    /* For ask_hear(). */
    uint32_t entries;
    uint8_t kind; /* enum ask_kind */
    uint8_t stage;
    uint8_t lease;
    uint8_t bucket_count, key_count;
    bool is_thorough; /* all counts are wanted */
    bool writes;
    uint32_t looks; /* the fleet's when it was made */
    uint64_t buckets[ASK_BUCKETS];
    struct record record; /* CAS: what is written */
    struct fleet_lease mine;
    breaker_verb_t verbs[BREAKER_VERBS_MAX];
    char guard[BREAKER_VALUE_MAX], standing[BREAKER_VALUE_MAX], value[RECORD_TEXT];
    char numbers[2 * ASK_BUCKETS][ASK_NUMBER];
    char keys[ASK_KEYS][KEYS_SIZE];
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

/* ---- Between ask.c and sync.c ------------------------------------------------------------------*/

void ask_begin(struct ask *ask, const struct fleet *fleet, const struct fleet_world *world,
               enum ask_kind kind);
char *ask_next_key(struct ask *ask);
breaker_verb_t *ask_verb(struct ask *ask, breaker_verb_kind_t kind, const char *key,
                         uint16_t length);
void ask_get(struct ask *ask, const char *key, uint16_t length, char *value, uint16_t room);

/* What was found under the record's key, as a record; epoch 0: nothing. */
enum replica_sight ask_read_record(struct record *record, bool found, const char *bytes,
                                   size_t length);

#endif /* CIRCUIT_ASK_H */
