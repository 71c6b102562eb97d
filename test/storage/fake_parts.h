/* What the files of the fake storage share. */
#ifndef FAKE_PARTS_H
#define FAKE_PARTS_H

#include "fake.h"
#include <uv.h>

struct fake_client {
    breaker_client_t inner; /* of the memory storage beneath */
    struct fake *fake;
    breaker_client_t *outer;
    uv_idle_t pump; /* completes what is due */
    unsigned closing;
    bool has_news; /* of its health */
    int health;
    struct fake_client *next;
};

enum fake_stage { FAKE_TO_CARRY_OUT, FAKE_TO_COMPLETE, FAKE_LOST };

/* A transaction under way: a copy of all that was submitted, for the submitter may cancel. */
struct fake_op {
    struct fake_client *client;
    breaker_transaction_t *outer; /* NULL: cancelled */
    enum fake_stage stage;
    enum fake_fault fault;
    bool is_flush;
    uint64_t due;
    uint64_t order;
    int status;
    breaker_transaction_t copy;
    breaker_verb_t verbs[BREAKER_VERBS_MAX];
    char keys[BREAKER_VERBS_MAX + 1][BREAKER_KEY_MAX];
    char values[BREAKER_VERBS_MAX + 1][BREAKER_VALUE_MAX];
    char standing[BREAKER_VALUE_MAX];
    char *page; /* for MEMBERS */
    struct fake_op *next;
};

struct fake {
    breaker_storage_t storage; /* first */
    breaker_storage_t *memory; /* what it keeps its keys in */
    struct fake_switches switches;
    struct fake_totals totals;
    uint64_t now;
    int64_t wall_step;
    uint64_t random;
    uint64_t order;
    enum fake_fault next;
    unsigned next_count;
    bool is_gone;
    struct fake_client *clients;
    struct fake_op *ops; /* in the order of submission */
};

/* fake_faults.c */
uint64_t fake_draw(struct fake *fake, uint64_t below); /* 0 .. below - 1 */
enum fake_fault fake_choose(struct fake *fake);
void fake_carry_out(struct fake *fake, struct fake_op *op);

/* fake_op.c */
struct fake_op *fake_op_make(struct fake *fake, struct fake_client *client,
                             breaker_transaction_t *outer, bool is_flush);
void fake_op_unlink(struct fake *fake, const struct fake_op *op);
void fake_op_complete(struct fake *fake, struct fake_op *op); /* frees it first */
bool fake_op_is_due(const struct fake *fake, const struct fake_op *op, enum fake_stage stage);

/* fake_clients.c */
int fake_client_open(breaker_storage_t *storage, breaker_client_t *outer);
void fake_client_close(breaker_storage_t *storage, breaker_client_t *outer);
int fake_client_listen(breaker_storage_t *storage, breaker_client_t *outer, const char *key,
                       size_t key_length);
void fake_client_unlisten(breaker_storage_t *storage, breaker_client_t *outer, const char *key,
                          size_t key_length);
/* Sees to it that what is due completes in the next turn of the loop. */
void fake_client_pump(const struct fake *fake, struct fake_client *client);

#endif /* FAKE_PARTS_H */
