/* When what is late: a hierarchical timing wheel over memory that others own. Adding and taking away cost
 * the same however much there is, and nothing is allocated. */
#ifndef DEADLINES_H
#define DEADLINES_H

#include <breaker.h>
#include <stdbool.h>

enum { WHEEL_LEVELS = 11, WHEEL_SLOTS = 64 }; /* 64^11 covers every uint64_t */

struct wheel {
    uint64_t now;    /* everything before it was taken out */
    uint32_t levels; /* a bit for each with a bit in occupied */
    uint64_t occupied[WHEEL_LEVELS];
    struct breaker_due_s *slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *wheel, uint64_t now);

/* So long after a moment; a lent clock may be near the end of time, where there is no later. */
static inline uint64_t time_after(uint64_t moment, uint64_t time)
{
    return time < UINT64_MAX - moment ? moment + time : UINT64_MAX;
}

/* due->time says when; in the past is as good as now. due must not be in the wheel already. */
void wheel_add(struct wheel *wheel, struct breaker_due_s *due);

/* Does nothing for what is not in a wheel (zeroed, or taken out). The slot's bit stays set until somebody
 * looks. */
static inline void wheel_remove(struct breaker_due_s *due)
{
    if (due->link == NULL)
        return;
    *due->link = due->next;
    if (due->next != NULL)
        due->next->link = due->link;
    due->link = NULL;
    due->next = NULL;
}

/* Takes out one whose time is not after now, the earliest first; NULL when there is none. */
struct breaker_due_s *wheel_due(struct wheel *wheel, uint64_t now);

static inline bool wheel_is_empty(const struct wheel *wheel)
{
    return wheel->levels == 0;
}

/* A time at or before the earliest, UINT64_MAX when there is none: when to look again. */
uint64_t wheel_next(struct wheel *wheel);

#endif /* DEADLINES_H */
