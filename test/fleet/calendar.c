/* A binary heap. */
#include "calendar.h"
#include <stdlib.h>
#include <string.h>

static char *at(const struct calendar *c, size_t place)
{
    return c->items + place * c->size;
}

static int is_before(const void *a, const void *b)
{
    const struct date *one = a, *other = b;

    return one->time != other->time ? one->time < other->time : one->order < other->order;
}

void calendar_push(struct calendar *c, const void *item)
{
    size_t place = c->count++;

    if (place == c->room) {
        c->room = c->room * 2 + 64;
        if ((c->items = realloc(c->items, c->room * c->size)) == NULL)
            abort();
    }
    for (; place > 0 && is_before(item, at(c, (place - 1) / 2)); place = (place - 1) / 2)
        memcpy(at(c, place), at(c, (place - 1) / 2), c->size);
    memcpy(at(c, place), item, c->size);
}

void calendar_pop(struct calendar *c, void *item)
{
    const char *last = at(c, --c->count);
    size_t place = 0, child;

    memcpy(item, at(c, 0), c->size);
    while ((child = 2 * place + 1) < c->count) {
        child += child + 1 < c->count && is_before(at(c, child + 1), at(c, child));
        if (!is_before(at(c, child), last))
            break;
        memcpy(at(c, place), at(c, child), c->size);
        place = child;
    }
    memmove(at(c, place), last, c->size);
}

const struct date *calendar_first(const struct calendar *c)
{
    return c->count > 0 ? (const void *)c->items : NULL;
}

void calendar_free(struct calendar *c)
{
    free(c->items);
    c->items = NULL;
    c->count = c->room = 0;
}
