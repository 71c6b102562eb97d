/* What happened lately: outcomes by time buckets, or the last so many. */
#ifndef CIRCUIT_WINDOW_H
#define CIRCUIT_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct geometry {
    uint64_t width; /* of a bucket, ms */
    uint32_t last;  /* not 0: the last so many outcomes, and no buckets */
    uint16_t buckets;
    uint16_t stride; /* counters in a bucket: ok, failed and, where a rule asks, slow */
};

/* The cells, whose memory is the owner's, hold one bucket after the other, or one byte an outcome. In the
 * newest bucket's place is what the others make together: it is the rest of the sums, and a result
 * touches no cell. */
struct window {
    uint64_t end;              /* when the newest bucket is over */
    uint32_t ok, failed, slow; /* sums over all buckets, or outcomes */
    uint32_t head;             /* the first counter of the newest bucket, or the next byte */
};

/* A window counts up to so many results; more are dropped until some expire. */
#define WINDOW_FULL UINT32_C(0x80000000)

size_t window_bytes(const struct geometry *geometry);
bool window_same(const struct geometry *a, const struct geometry *b);

void window_clear(struct window *window, void *cells, const struct geometry *geometry,
                  uint64_t now);

/* Credits a result to now. Expires what is too old first, after any gap; a clock that went back
 * credits to the newest bucket. */
void window_add(struct window *window, void *cells, const struct geometry *geometry, uint64_t now,
                bool failed, bool slow);

/* The same for buckets, when it is certain that none is too old and that there is room: see native.h. */
static inline void window_count(struct window *window, bool failed)
{
    window->ok += !failed;
    window->failed += failed;
}

/* Expires what is too old as of now. */
void window_expire(struct window *window, void *cells, const struct geometry *geometry,
                   uint64_t now);

/* The sums as of now, changing nothing. */
struct window window_peek(const struct window *window, const void *cells,
                          const struct geometry *geometry, uint64_t now);

#endif /* CIRCUIT_WINDOW_H */
