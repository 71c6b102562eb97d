/* A native circuit in virtual time, and short words for what happens to it. */
#ifndef RIG_H
#define RIG_H

#include "circuit/native.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct rig {
    struct rules rules;
    struct native circuit;
    void *cells; /* exactly as many bytes as the circuit asks for */
    uint64_t now;
    double draw;      /* of every turn; at first NEVER */
    struct turn turn; /* the last one */
    bool moves_cells; /* the next exchange of rules moves the cells, whatever the geometry */
};

/* A draw that the sampler never admits, and one that it always does. */
#define NEVER 0x1.fffffffffffffp-1
#define ALWAYS 0.0

/* A test whose name is the sentence that it holds. */
#define SAYS(sentence, function)             \
    {                                        \
        sentence, function, NULL, NULL, NULL \
    }

breaker_options_t rig_options(void);

/* Only consecutive failures trip (so many; 0: none do), and nothing grows. */
breaker_options_t rig_plain(unsigned consecutive_failures);

void rig_begin(struct rig *rig, const breaker_options_t *options);
void rig_end(struct rig *rig);

void rig_wait(struct rig *rig, uint64_t ms);

/* Asks for one call: 0 or BREAKER_EREJECTED, and rig->turn says the rest. */
int rig_ask(struct rig *rig);

/* The permit of a call that must be admitted; must be refused. */
breaker_permit_t rig_admit(struct rig *rig);
void rig_refuse(struct rig *rig);

/* 0 or BREAKER_ESTALE. The status of a failure is -1. */
int rig_settle(struct rig *rig, breaker_permit_t permit, breaker_outcome_t outcome);

/* So many calls, each admitted and settled at once, in its own epoch. */
void rig_calls(struct rig *rig, unsigned count, breaker_outcome_t outcome);

/* How many of so many calls are admitted; they stay out. */
unsigned rig_ask_many(struct rig *rig, unsigned count);

void rig_order(struct rig *rig, enum turn_op order);
void rig_hold(struct rig *rig, breaker_hold_t hold);
void rig_retune(struct rig *rig, const breaker_options_t *options);

/* Trips it, whatever the rules; then waits until BROKEN is over, and begins RECOVERING, without a call
 * that stays out. */
void rig_trip(struct rig *rig);
void rig_recover(struct rig *rig);

breaker_snapshot_t rig_look(const struct rig *rig);
breaker_state_t rig_state(const struct rig *rig);

void rig_counts(const struct rig *rig, uint32_t ok, uint32_t failed);

#endif /* RIG_H */
