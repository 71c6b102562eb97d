/* How the wheel turns. A call lies on the level of the highest digit (of base 64) in which its deadline
 * differs from the wheel's time, in the slot of that digit; when the time reaches a slot of a higher
 * level, its calls move down. Levels and slots are read off bit masks, so a wheel that stood still for
 * an hour does not tick through it. */
#include "deadlines.h"
#include <string.h>

enum { BITS = 6 };

void wheel_init(struct wheel *wheel, uint64_t now)
{
    memset(wheel, 0, sizeof *wheel);
    wheel->now = now;
}

static unsigned level_of(const struct wheel *wheel, uint64_t deadline)
{
    uint64_t differs = (deadline ^ wheel->now) | 1;

    return (63 - (unsigned)__builtin_clzll(differs)) / BITS;
}

static unsigned slot_of(uint64_t time, unsigned level)
{
    return (time >> (BITS * level)) & (WHEEL_SLOTS - 1);
}

void wheel_add(struct wheel *wheel, breaker_call_t *call)
{
    uint64_t deadline = call->library.deadline > wheel->now ? call->library.deadline : wheel->now;
    unsigned level = level_of(wheel, deadline), slot = slot_of(deadline, level);
    breaker_call_t **head = &wheel->slots[level][slot];

    call->library.due_next = *head;
    call->library.due_link = head;
    if (*head != NULL)
        (*head)->library.due_link = &call->library.due_next;
    *head = call;
    wheel->occupied[level] |= UINT64_C(1) << slot;
}

/* The slot's bit stays set until somebody looks. */
void wheel_remove(breaker_call_t *call)
{
    if (call->library.due_link == NULL)
        return;
    *call->library.due_link = call->library.due_next;
    if (call->library.due_next != NULL)
        call->library.due_next->library.due_link = call->library.due_link;
    call->library.due_link = NULL;
    call->library.due_next = NULL;
}

/* The wheel's time without the digits up to level. */
static uint64_t above(const struct wheel *wheel, unsigned level)
{
    unsigned shift = BITS * (level + 1);
    return shift < 64 ? wheel->now >> shift << shift : 0;
}

/* The first slot that holds a call, and when its time begins. Slots of a level all lie at or after the
 * wheel's own digit, and all before anything on a higher level. */
static bool first_slot(struct wheel *wheel, unsigned *level, unsigned *slot, uint64_t *begins)
{
    for (*level = 0; *level < WHEEL_LEVELS; ++*level) {
        uint64_t *bits = &wheel->occupied[*level];
        while (*bits != 0) {
            *slot = (unsigned)__builtin_ctzll(*bits);
            if (wheel->slots[*level][*slot] != NULL) {
                uint64_t time = above(wheel, *level) | (uint64_t)*slot << (BITS * *level);
                *begins = time > wheel->now ? time : wheel->now;
                return true;
            }
            *bits &= *bits - 1;
        }
    }
    return false;
}

static void move_down(struct wheel *wheel, unsigned level, unsigned slot)
{
    breaker_call_t *call;

    while ((call = wheel->slots[level][slot]) != NULL) {
        wheel_remove(call);
        wheel_add(wheel, call);
    }
}

breaker_call_t *wheel_due(struct wheel *wheel, uint64_t now)
{
    unsigned level, slot;
    uint64_t begins;

    while (first_slot(wheel, &level, &slot, &begins) && begins <= now) {
        wheel->now = begins;
        if (level == 0) {
            breaker_call_t *call = wheel->slots[0][slot];
            wheel_remove(call);
            return call;
        }
        move_down(wheel, level, slot);
    }
    if (now > wheel->now && !first_slot(wheel, &level, &slot, &begins))
        wheel->now = now;
    return NULL;
}

uint64_t wheel_next(struct wheel *wheel)
{
    unsigned level, slot;
    uint64_t begins;

    return first_slot(wheel, &level, &slot, &begins) ? begins : UINT64_MAX;
}
