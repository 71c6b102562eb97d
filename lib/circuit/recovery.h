/* How RECOVERING lets calls back in, and what it takes for evidence. */
#ifndef CIRCUIT_RECOVERY_H
#define CIRCUIT_RECOVERY_H

#include "native.h"

enum recovery_verdict { RECOVERY_OPEN, RECOVERY_GOOD, RECOVERY_BAD };

/* Fresh counts, nothing admitted yet. */
void recovery_begin(struct native *native, uint64_t now);

bool recovery_admits(struct native *native, const struct rules *rules, uint64_t now, double draw);

/* A probe's result: a success, a failure, or one that only gives its place back. */
void recovery_count(struct native *native, uint8_t outcome, bool slow);

/* When probe_time has passed since the last admission, the results still missing are one failure; the
 * epoch moves on, so that what comes for them later is late. */
void recovery_write_off(struct native *native, const struct rules *rules, uint64_t now);

enum recovery_verdict recovery_verdict(const struct native *native, const struct rules *rules,
                                       uint64_t now);

uint64_t recovery_retry_after(const struct native *native, const struct rules *rules, uint64_t now);

bool recovery_is_sound(const struct native *native, const struct rules *rules);

#endif /* CIRCUIT_RECOVERY_H */
