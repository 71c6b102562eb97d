/* When calls are late: a hierarchical timing wheel over the calls' own memory. Adding and taking away
 * cost the same however many there are, and nothing is allocated. */
#ifndef DEADLINES_H
#define DEADLINES_H

#include <breaker.h>
#include <stdbool.h>

enum { WHEEL_LEVELS = 11, WHEEL_SLOTS = 64 }; /* 64^11 covers every uint64_t */

struct wheel {
    uint64_t now; /* everything before it was taken out */
    uint64_t occupied[WHEEL_LEVELS];
    breaker_call_t *slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *wheel, uint64_t now);

/* call->library.deadline says when; in the past is as good as now. */
void wheel_add(struct wheel *wheel, breaker_call_t *call);

/* Does nothing for a call that is not in the wheel. */
void wheel_remove(breaker_call_t *call);

/* Takes out one call whose deadline is not after now, earliest first to within a slot; NULL when there
 * is none. */
breaker_call_t *wheel_due(struct wheel *wheel, uint64_t now);

/* A time at or before the earliest deadline, UINT64_MAX when there is none: when to look again. */
uint64_t wheel_next(struct wheel *wheel);

#endif /* DEADLINES_H */
