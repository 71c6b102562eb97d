/* Windows by chance: long random sequences beside a list of all outcomes, recounted at each look. */
#include "chance.h"
#include "rig.h"
#include <stdlib.h>

struct outcome {
    uint64_t bucket; /* its number since the window was cleared */
    bool failed, slow;
};

/* What a window is, said plainly. */
struct list {
    const struct geometry *geometry;
    uint64_t cleared, newest; /* the newest time written */
    struct outcome outcomes[4000];
    size_t count;
};

static void list_clear(struct list *l, const struct geometry *g, uint64_t now)
{
    l->geometry = g;
    l->cleared = l->newest = now;
    l->count = 0;
}

static uint64_t bucket_of(const struct list *l, uint64_t now)
{
    return l->geometry->last > 0 ? 0 : (now - l->cleared) / l->geometry->width;
}

static void list_add(struct list *l, uint64_t now, bool failed, bool slow)
{
    l->newest = now > l->newest ? now : l->newest;
    l->outcomes[l->count++] = (struct outcome){bucket_of(l, l->newest), failed, slow};
}

static struct window list_sums(const struct list *l, uint64_t now)
{
    const struct geometry *g = l->geometry;
    uint64_t current = bucket_of(l, now > l->newest ? now : l->newest);
    struct window sums = {0};

    for (size_t i = 0; i < l->count; i++) {
        const struct outcome *o = &l->outcomes[i];
        bool is_held = g->last > 0 ? i + g->last >= l->count : o->bucket + g->buckets > current;
        sums.ok += is_held && !o->failed;
        sums.failed += is_held && o->failed;
        sums.slow += is_held && o->slow && (g->last > 0 || g->stride > 2);
    }
    return sums;
}

static uint64_t next_time(struct chance *chance, const struct geometry *g, uint64_t now)
{
    uint64_t width = g->width > 0 ? g->width : 1;

    switch (chance_below(chance, 16)) {
    case 0:
        return now + chance_below(chance, 3 * width);
    case 1:
        return now + width;
    case 2:
        return now + width * chance_below(chance, 2 * g->buckets + 2);
    case 3: /* back, but not before it was cleared */
        return now - chance_below(chance, 3 * width);
    case 4:
        return chance_below(chance, 20) > 0 ? now : now + 3600000;
    case 5:
        return chance_below(chance, 200) > 0 ? now : now + (UINT64_C(1) << 40);
    default:
        return now + chance_below(chance, width / 4 + 1);
    }
}

static void compare(const struct list *l, const struct window *w, const void *cells, uint64_t now)
{
    struct window expected = list_sums(l, now);
    struct window seen = window_peek(w, cells, l->geometry, now);

    assert_int_equal(seen.ok, expected.ok);
    assert_int_equal(seen.failed, expected.failed);
    assert_int_equal(seen.slow, expected.slow);
}

static void play(const struct geometry *g, uint64_t seed, unsigned steps)
{
    static struct list list;
    struct chance chance = {seed};
    struct window window;
    void *cells = malloc(window_bytes(g));
    uint64_t now = UINT64_C(1) << 30;

    assert_non_null(cells);
    window_clear(&window, cells, g, now);
    list_clear(&list, g, now);
    for (unsigned i = 0; i < steps; i++) {
        now = next_time(&chance, g, now);
        if (now < list.cleared)
            now = list.cleared;
        if (chance_below(&chance, 500) == 0 || list.count == 4000) {
            window_clear(&window, cells, g, now);
            list_clear(&list, g, now);
        } else if (chance_below(&chance, 50) == 0) {
            window_expire(&window, cells, g, now);
            list.newest = now > list.newest ? now : list.newest;
        } else if (chance_below(&chance, 4) > 0) {
            bool failed = chance_below(&chance, 3) == 0, slow = chance_below(&chance, 5) == 0;
            window_add(&window, cells, g, now, failed, slow);
            list_add(&list, now, failed, slow);
        }
        compare(&list, &window, cells, now);
        compare(&list, &window, cells, now + chance_below(&chance, 12) * g->width);
    }
    free(cells);
}

static void a_window_is_a_list_of_outcomes(void **state)
{
    static const struct geometry geometries[] = {
        {.width = 1000, .buckets = 10, .stride = 2},
        {.width = 1000, .buckets = 10, .stride = 3},
        {.width = 1, .buckets = 1, .stride = 2},
        {.width = 1, .buckets = 60, .stride = 3},
        {.width = 7, .buckets = 3, .stride = 3},
        {.width = 100, .buckets = 1, .stride = 3},
        {.width = 86400000, .buckets = 2, .stride = 2},
        {.width = 2, .buckets = 2, .stride = 2},
        {.last = 1, .stride = 3},
        {.last = 2, .stride = 3},
        {.last = 100, .stride = 3},
        {.last = 1000, .stride = 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof geometries / sizeof *geometries; i++)
        play(&geometries[i], 0x9e3779b9 + i, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAYS("a window is a list of outcomes, recounted", a_window_is_a_list_of_outcomes),
    };

    return cmocka_run_group_tests_name("window by chance", tests, NULL, NULL);
}
