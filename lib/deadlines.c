/* How the wheel turns. What is due lies on the level of the highest digit (of base 64) in which its time
 * differs from the wheel's time, in the slot of that digit; when the time reaches a slot of a higher
 * level, what it holds moves down. Levels and slots are read off bit masks, so a wheel that stood still for
 * an hour does not tick through it. */
#include "deadlines.h"
#include <string.h>

enum { BITS = 6 };

void wheel_init(struct wheel *wheel, uint64_t now)
{
    memset(wheel, 0, sizeof *wheel);
    wheel->now = now;
}

static unsigned level_of(const struct wheel *wheel, uint64_t time)
{
    uint64_t differs = (time ^ wheel->now) | 1;

    return (63 - (unsigned)__builtin_clzll(differs)) / BITS;
}

static unsigned slot_of(uint64_t time, unsigned level)
{
    return (time >> (BITS * level)) & (WHEEL_SLOTS - 1);
}

void wheel_add(struct wheel *wheel, struct breaker_due_s *due)
{
    uint64_t time = due->time > wheel->now ? due->time : wheel->now;
    unsigned level = level_of(wheel, time), slot = slot_of(time, level);
    struct breaker_due_s **head = &wheel->slots[level][slot];

    due->next = *head;
    due->link = head;
    if (*head != NULL)
        (*head)->link = &due->next;
    *head = due;
    wheel->occupied[level] |= UINT64_C(1) << slot;
    wheel->levels |= UINT32_C(1) << level;
}

/* The wheel's time without the digits up to level. */
static uint64_t above(const struct wheel *wheel, unsigned level)
{
    unsigned shift = BITS * (level + 1);
    return shift < 64 ? wheel->now >> shift << shift : 0;
}

/* The first slot that holds anything, and when its time begins. Slots of a level all lie at or after the
 * wheel's own digit, and all before anything on a higher level. */
static bool first_slot(struct wheel *wheel, unsigned *level, unsigned *slot, uint64_t *begins)
{
    for (; wheel->levels != 0; wheel->levels &= wheel->levels - 1) {
        uint64_t *bits = &wheel->occupied[ *level = (unsigned)__builtin_ctz(wheel->levels)];
        for (; *bits != 0; *bits &= *bits - 1) {
            uint64_t time;
            *slot = (unsigned)__builtin_ctzll(*bits);
            if (wheel->slots[*level][*slot] == NULL)
                continue;
            time = above(wheel, *level) | (uint64_t)*slot << (BITS * *level);
            *begins = time > wheel->now ? time : wheel->now;
            return true;
        }
    }
    return false;
}

static void move_down(struct wheel *wheel, unsigned level, unsigned slot)
{
    struct breaker_due_s *due;

    while ((due = wheel->slots[level][slot]) != NULL) {
        wheel_remove(due);
        wheel_add(wheel, due);
    }
}

struct breaker_due_s *wheel_due(struct wheel *wheel, uint64_t now)
{
    unsigned level, slot;
    uint64_t begins;

    while (first_slot(wheel, &level, &slot, &begins) && begins <= now) {
        wheel->now = begins;
        if (level == 0) {
            struct breaker_due_s *due = wheel->slots[0][slot];
            wheel_remove(due);
            return due;
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
