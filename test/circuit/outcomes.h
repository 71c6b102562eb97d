/* A window, said plainly: the list of all outcomes since it was cleared, counted anew at each look. */
#ifndef OUTCOMES_H
#define OUTCOMES_H

#include <breaker.h>
#include <stdbool.h>

enum { OUTCOMES_MAX = 4096 };

struct outcome {
    uint64_t bucket; /* its number since the list was cleared */
    bool failed, slow;
};

struct outcomes {
    uint64_t width; /* of a bucket */
    unsigned buckets;
    unsigned last;          /* instead, if not 0: so many outcomes */
    uint64_t begun, newest; /* the newest time that was written */
    size_t count;
    struct outcome list[OUTCOMES_MAX];
};

void outcomes_clear(struct outcomes *outcomes, uint64_t now);
void outcomes_add(struct outcomes *outcomes, uint64_t now, bool failed, bool slow);
breaker_counts_t outcomes_count(const struct outcomes *outcomes, uint64_t now);

#endif /* OUTCOMES_H */
