/* aiomisc's circuit: ten buckets of error ratios. */
#ifndef CIRCUIT_AIOMISC_H
#define CIRCUIT_AIOMISC_H

#include "circuit/turn.h"
#include <breaker/dialects.h>

enum { AIOMISC_BUCKETS = 10 };

struct aiomisc {
    uint8_t state;
    uint8_t head;  /* the newest bucket, where there is one */
    uint8_t count; /* of buckets */
    int last_error;
    uint64_t serial;   /* of the newest bucket, from 1: a permit's epoch is that of its bucket */
    double stuck;      /* s: the state does not change before */
    double recovering; /* s: since when */
    uint64_t calls[6];
    breaker_aiomisc_bucket_t buckets[AIOMISC_BUCKETS]; /* a ring */
};

enum turn_next aiomisc_step(void *circuit, const void *rules, struct turn *turn);

void aiomisc_inspect(const struct aiomisc *circuit, const breaker_aiomisc_t *rules, uint64_t now,
                     breaker_aiomisc_snapshot_t *snapshot);

#endif /* CIRCUIT_AIOMISC_H */
