/* Windows by chance: long random sequences beside a list of all outcomes, recounted at each look. */
#include "chance.h"
#include "outcomes.h"
#include "rig.h"
#include <stdlib.h>

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

static void compare(const struct outcomes *list, const struct geometry *g, const struct window *w,
                    const void *cells, uint64_t now)
{
    breaker_counts_t expected = outcomes_count(list, now);
    struct window seen = window_peek(w, cells, g, now);

    assert_int_equal(seen.ok, expected.ok);
    assert_int_equal(seen.failed, expected.failed);
    assert_int_equal(seen.slow, expected.slow);
}

static void play(const struct geometry *g, uint64_t seed, unsigned steps)
{
    static struct outcomes list;
    struct chance chance = {seed};
    struct window window;
    void *cells = malloc(window_bytes(g));
    uint64_t now = UINT64_C(1) << 30;

    assert_non_null(cells);
    window_clear(&window, cells, g, now);
    list.width = g->width;
    list.buckets = g->buckets;
    list.last = g->last;
    outcomes_clear(&list, now);
    for (unsigned i = 0; i < steps; i++) {
        now = next_time(&chance, g, now);
        if (now < list.begun)
            now = list.begun;
        if (chance_below(&chance, 500) == 0) {
            window_clear(&window, cells, g, now);
            outcomes_clear(&list, now);
        } else if (chance_below(&chance, 50) == 0) {
            window_expire(&window, cells, g, now);
            list.newest = now > list.newest ? now : list.newest;
        } else if (chance_below(&chance, 4) > 0) {
            bool failed = chance_below(&chance, 3) == 0, slow = chance_below(&chance, 5) == 0;
            window_add(&window, cells, g, now, failed, slow);
            outcomes_add(&list, now, failed, slow && (g->last > 0 || g->stride > 2));
        }
        compare(&list, g, &window, cells, now);
        compare(&list, g, &window, cells, now + chance_below(&chance, 12) * g->width);
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
