/* The conversation of one turn with a storage: what a circuit asks for, and what it was answered.
 *
 * The driver calls talk_begin() for a new turn, then the step. To TURN_ASK and TURN_WRITE it fills a
 * transaction with talk_offer() and submits it; after an ASK it hands the answer back with talk_hear()
 * (or sets status to an error, where nothing could be submitted) and calls the step again. wall is to
 * be fresh before each step. Events are told in their order when the turn is done, and are good even
 * when a write failed: the circuit of this process has moved.
 *
 * Keys are the circuit's memory and must outlive the turn; values are the talk's. */
#ifndef CIRCUIT_TALK_H
#define CIRCUIT_TALK_H

#include "circuit/turn.h"
#include <string.h>

enum { TALK_VERBS = 6, TALK_VALUE = 32, TALK_EVENTS = 5, TALK_TRIES = 8 };

/* kind is a BREAKER_ON_... of breaker.h. */
struct talk_event {
    uint8_t kind;
    uint8_t from, to;
    bool noticed; /* a state change that others made, or time */
};

struct talk {
    /* The driver's. */
    uint64_t wall; /* this process' wall clock, ms */
    int status;    /* of the last transaction: 0, BREAKER_EGUARD, or the storage's trouble */

    /* The circuit's, for the driver. */
    uint8_t reason; /* breaker_reason_t of a refusal or of BREAKER_ETRIPPED */
    uint8_t event_count;
    uint8_t verb_count;
    uint8_t guard; /* breaker_guard_t */
    uint16_t guard_key_length;
    uint16_t guard_length; /* of guard_value */
    const char *guard_key;
    struct talk_event events[TALK_EVENTS];

    /* The circuit's own, from step to step. */
    uint8_t stage; /* 0 at the beginning */
    uint8_t tries;
    uint8_t plan;       /* made by the rules of its beginning: they may be exchanged meanwhile */
    bool expects_value; /* guard_value is what was last seen under the key to guard */
    uint32_t mark;

    char guard_value[TALK_VALUE];
    char standing[TALK_VALUE];
    char values[TALK_VERBS][TALK_VALUE];
    breaker_verb_t verbs[TALK_VERBS];
};

/* ---- For the driver ----------------------------------------------------------------------------*/

static inline void talk_begin(struct talk *talk, uint64_t wall)
{
    memset(talk, 0, offsetof(struct talk, guard_value));
    talk->wall = wall;
}

/* Fills in what is the library's of a transaction, but for complete and data. */
void talk_offer(struct talk *talk, breaker_transaction_t *transaction);

/* The completion of what was offered. */
void talk_hear(struct talk *talk, const breaker_transaction_t *transaction, int status);

/* ---- For circuits ------------------------------------------------------------------------------*/

/* A key in a circuit's memory. */
struct talk_key {
    const char *bytes;
    uint16_t length;
};

/* Before the verbs of a next transaction. */
static inline void talk_clear(struct talk *talk)
{
    talk->verb_count = 0;
    talk->guard = BREAKER_GUARD_NONE;
}

void talk_get(struct talk *talk, struct talk_key key);
void talk_set(struct talk *talk, struct talk_key key, const char *value, uint64_t ttl);
void talk_set_number(struct talk *talk, struct talk_key key, int64_t number, uint64_t ttl);
void talk_add(struct talk *talk, struct talk_key key, const char *value, uint64_t ttl);
void talk_incr(struct talk *talk, struct talk_key key, uint64_t ttl);
void talk_delete(struct talk *talk, struct talk_key key);
void talk_log(struct talk *talk, struct talk_key key, int64_t score, int64_t cut);
/* The member's bytes are the circuit's memory too; a field's name and text fill a value at most. */
void talk_member(struct talk *talk, struct talk_key key, struct talk_key member);
void talk_field(struct talk *talk, struct talk_key key, const char *name, const char *text);

/* Guards what comes by the last that was seen under key: by talk_expect, or by a guard that failed. */
void talk_guard(struct talk *talk, struct talk_key key);
void talk_expect(struct talk *talk, const breaker_verb_t *verb);

/* What a GET found as a number; false: nothing, or none. */
bool talk_number(const breaker_verb_t *verb, int64_t *number);
/* 20 bytes at most, and no zero after them. */
uint16_t talk_print(char *text, int64_t number);
bool talk_parse(const char *text, size_t length, int64_t *number);
bool talk_says(const breaker_verb_t *verb, const char *word);

/* What an INCR or LOG answered; 0 when the transaction failed. */
static inline int64_t talk_count(const struct talk *talk, unsigned verb)
{
    return talk->status == 0 ? talk->verbs[verb].number : 0;
}

void talk_event(struct talk *talk, int kind, breaker_state_t from, breaker_state_t to,
                bool noticed);

#endif /* CIRCUIT_TALK_H */
