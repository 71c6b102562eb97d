/* lasier's circuit: a key that expires, and counters that do. */
#ifndef CIRCUIT_LASIER_H
#define CIRCUIT_LASIER_H

#include "circuit/turn.h"
#include "talk.h"
#include <breaker/dialects.h>

enum { LASIER_CIRCUIT, LASIER_FAILURES, LASIER_REQUESTS, LASIER_KEYS };

struct lasier {
    struct talk_key keys[LASIER_KEYS];
    int64_t failures, requests; /* last read or written */
    uint64_t until; /* the panel's clock: open no longer than this; a peer may know better */
    int last_error;
    uint8_t seen; /* whether the circuit's key was there */
    char names[];
};

enum turn_next lasier_step(void *circuit, const void *rules, struct turn *turn);

void lasier_inspect(const struct lasier *circuit, uint64_t now,
                    breaker_lasier_snapshot_t *snapshot);

#endif /* CIRCUIT_LASIER_H */
