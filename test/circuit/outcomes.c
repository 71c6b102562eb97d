/* The window as a list. Nothing here is fast, and nothing is shared with the window of the circuit. */
#include "outcomes.h"

void outcomes_clear(struct outcomes *o, uint64_t now)
{
    o->begun = o->newest = now;
    o->count = 0;
}

static uint64_t bucket_at(const struct outcomes *o, uint64_t now)
{
    return (now - o->begun) / o->width;
}

static bool is_held(const struct outcomes *o, size_t i, uint64_t now)
{
    if (o->last > 0)
        return o->count - i <= o->last;
    return bucket_at(o, now > o->newest ? now : o->newest) - o->list[i].bucket < o->buckets;
}

/* Makes room: what is not held as of the newest time will never be again. */
static void prune(struct outcomes *o)
{
    size_t kept = 0, first = 0;

    while (first < o->count && !is_held(o, first, o->newest))
        first++;
    while (first < o->count)
        o->list[kept++] = o->list[first++];
    o->count = kept;
}

void outcomes_add(struct outcomes *o, uint64_t now, bool failed, bool slow)
{
    if (now > o->newest)
        o->newest = now;
    if (o->count > 200)
        prune(o);
    o->list[o->count++] = (struct outcome){o->last > 0 ? 0 : bucket_at(o, o->newest), failed, slow};
}

breaker_counts_t outcomes_count(const struct outcomes *o, uint64_t now)
{
    breaker_counts_t counts = {0, 0, 0, 0};

    for (size_t i = 0; i < o->count; i++) {
        if (!is_held(o, i, now))
            continue;
        counts.ok += !o->list[i].failed;
        counts.failed += o->list[i].failed;
        counts.slow += o->list[i].slow;
    }
    return counts;
}
