/* The circuit of pybreaker and its family: a state in the storage, consecutive failures, trials. */
#ifndef CIRCUIT_PYBREAKER_H
#define CIRCUIT_PYBREAKER_H

#include "circuit/turn.h"
#include "talk.h"
#include <breaker/dialects.h>

enum { PYBREAKER_STATE, PYBREAKER_FAILS, PYBREAKER_SUCCESSES, PYBREAKER_OPENED, PYBREAKER_KEYS };

struct family;

struct pybreaker {
    struct talk_key keys[PYBREAKER_KEYS];
    const struct family *family;
    int64_t fails, successes; /* last read or written, like stored */
    int64_t opened;           /* wall clock, ms; -1: never */
    uint32_t moves;           /* of seen: an answer from before the last one is old */
    int last_error;
    uint8_t seen; /* the state that this breaker acts on */
    uint8_t stored;
    bool is_wire;
    bool has_joined;    /* knows the state that it found */
    bool wants_default; /* made with a reset_timeout of 0, where that means the default */
    char names[];
};

enum turn_next pybreaker_step(void *circuit, const void *rules, struct turn *turn);

/* The rest of it; 0 unless the circuit is open. */
uint64_t pybreaker_pause(const struct pybreaker *circuit, const breaker_pybreaker_t *rules,
                         uint64_t wall);

void pybreaker_inspect(const struct pybreaker *circuit, const breaker_pybreaker_t *rules,
                       uint64_t wall, breaker_pybreaker_snapshot_t *snapshot);

#endif /* CIRCUIT_PYBREAKER_H */
