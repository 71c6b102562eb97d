/* The circuit of the requests circuit breaker: the second of the last trip, and two logs. */
#ifndef CIRCUIT_REQUESTS_H
#define CIRCUIT_REQUESTS_H

#include "circuit/turn.h"
#include "talk.h"
#include <breaker/dialects.h>

enum { REQUESTS_TRIP, REQUESTS_COUNT, REQUESTS_ERROR, REQUESTS_CONFIG, REQUESTS_KEYS };

struct requests {
    struct talk_key keys[REQUESTS_KEYS];
    int64_t local;  /* s: the copy of the last trip that this breaker decides on; 0: never */
    int64_t stored; /* last read or written */
    int64_t count, errors;
    int last_error;
    uint8_t seen;
    bool is_wire;
    char names[];
};

enum turn_next requests_step(void *circuit, const void *rules, struct turn *turn);

/* What the original writes down about a breaker that is made: requests_register.c. */
void requests_register(const struct requests *circuit, const breaker_requests_t *rules,
                       struct talk *talk);

void requests_inspect(const struct requests *circuit, const breaker_requests_t *rules,
                      uint64_t wall, breaker_requests_snapshot_t *snapshot);

#endif /* CIRCUIT_REQUESTS_H */
