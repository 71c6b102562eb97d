/* What is to happen, in the order of time: a heap of items of any kind, which begin with when. */
#ifndef CALENDAR_H
#define CALENDAR_H

#include <stddef.h>
#include <stdint.h>

/* The first member of an item. At one time, what has the smaller order comes first. */
struct date {
    uint64_t time, order;
};

struct calendar {
    char *items;
    size_t size; /* of an item */
    size_t count, room;
};

void calendar_push(struct calendar *calendar, const void *item);
void calendar_pop(struct calendar *calendar, void *item);           /* there must be one */
const struct date *calendar_first(const struct calendar *calendar); /* NULL: none */
void calendar_free(struct calendar *calendar);

#endif /* CALENDAR_H */
