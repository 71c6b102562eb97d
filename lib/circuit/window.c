/* How outcomes age. Buckets expire by their age, on read and on write, after any gap; sums are kept
 * beside them, so that a decision never walks the window. */
#include "window.h"
#include <string.h>

enum { OK, FAILED, SLOW };                                      /* counters of a bucket */
enum { HELD = 1 << 0, WAS_FAILED = 1 << 1, WAS_SLOW = 1 << 2 }; /* an outcome's byte */

size_t window_bytes(const struct geometry *g)
{
    return g->last > 0 ? g->last : (size_t)g->buckets * g->stride * sizeof(uint32_t);
}

bool window_same(const struct geometry *a, const struct geometry *b)
{
    return a->width == b->width && a->buckets == b->buckets && a->stride == b->stride &&
           a->last == b->last;
}

void window_clear(struct window *w, void *cells, const struct geometry *g, uint64_t now)
{
    memset(cells, 0, window_bytes(g));
    memset(w, 0, sizeof *w);
    w->end = now + g->width;
}

/* How many buckets have begun since the newest one was over. */
static uint64_t turned(const struct window *w, const struct geometry *g, uint64_t now)
{
    return g->last > 0 || now < w->end ? 0 : (now - w->end) / g->width + 1;
}

static void forget(struct window *w, const uint32_t *bucket, const struct geometry *g)
{
    w->ok -= bucket[OK];
    w->failed -= bucket[FAILED];
    if (g->stride > SLOW)
        w->slow -= bucket[SLOW];
}

/* The sums without what this one holds. */
static void take_rest(uint32_t *bucket, const struct window *w, const struct geometry *g)
{
    bucket[OK] = w->ok - bucket[OK];
    bucket[FAILED] = w->failed - bucket[FAILED];
    if (g->stride > SLOW)
        bucket[SLOW] = w->slow - bucket[SLOW];
}

static uint32_t after(const struct geometry *g, uint32_t head)
{
    return head + g->stride == (uint32_t)g->buckets * g->stride ? 0 : head + g->stride;
}

/* Apart from window_expire, so that the usual case stays short. */
static __attribute__((noinline)) void turn(struct window *w, uint32_t *cells,
                                           const struct geometry *g, uint64_t now)
{
    uint64_t steps = turned(w, g, now);
    uint64_t left = steps < g->buckets ? steps : g->buckets;

    take_rest(cells + w->head, w, g);
    for (; left > 0; left--) {
        w->head = after(g, w->head);
        forget(w, cells + w->head, g);
        memset(cells + w->head, 0, g->stride * sizeof *cells);
    }
    take_rest(cells + w->head, w, g); /* all of it: the newest is empty */
    w->end += steps * g->width;
}

void window_expire(struct window *w, void *cells, const struct geometry *g, uint64_t now)
{
    if (now >= w->end && g->last == 0)
        turn(w, cells, g, now);
}

static void add_last(struct window *w, uint8_t *ring, const struct geometry *g, bool failed,
                     bool slow)
{
    uint8_t old = ring[w->head];

    if (old & HELD) {
        w->failed -= (old & WAS_FAILED) != 0;
        w->ok -= (old & WAS_FAILED) == 0;
        w->slow -= (old & WAS_SLOW) != 0;
    }
    ring[w->head] = (uint8_t)(HELD | (failed ? WAS_FAILED : 0) | (slow ? WAS_SLOW : 0));
    w->failed += failed;
    w->ok += !failed;
    w->slow += slow;
    w->head = w->head + 1 == g->last ? 0 : w->head + 1;
}

void window_add(struct window *w, void *cells, const struct geometry *g, uint64_t now, bool failed,
                bool slow)
{
    if (g->last > 0) {
        add_last(w, cells, g, failed, slow);
        return;
    }
    if (now >= w->end)
        turn(w, cells, g, now);
    if (w->ok + w->failed >= WINDOW_FULL)
        return;
    window_count(w, failed);
    w->slow += slow && g->stride > SLOW;
}

struct window window_peek(const struct window *w, const void *cells, const struct geometry *g,
                          uint64_t now)
{
    struct window sums = *w;
    uint64_t steps = turned(w, g, now);

    if (steps >= g->buckets && steps > 0)
        sums.ok = sums.failed = sums.slow = 0;
    for (uint64_t i = 0; i < steps && steps < g->buckets; i++) {
        sums.head = after(g, sums.head);
        forget(&sums, (const uint32_t *)cells + sums.head, g);
    }
    return sums;
}
