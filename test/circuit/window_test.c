/* Windows by tables: what is counted at which age, after which gap, and for how long. */
#include "rig.h"
#include <stdlib.h>
#include <string.h>

struct pane {
    struct geometry geometry;
    struct window window;
    void *cells;
};

static void open_pane(struct pane *p, struct geometry geometry, uint64_t now)
{
    p->geometry = geometry;
    p->cells = malloc(window_bytes(&geometry));
    assert_non_null(p->cells);
    memset(p->cells, 0xa5, window_bytes(&geometry));
    window_clear(&p->window, p->cells, &geometry, now);
}

static void close_pane(struct pane *p)
{
    free(p->cells);
}

static void add(struct pane *p, uint64_t now, bool failed, bool slow)
{
    window_add(&p->window, p->cells, &p->geometry, now, failed, slow);
}

static void peek(const struct pane *p, uint64_t now, uint32_t ok, uint32_t failed, uint32_t slow)
{
    struct window before = p->window, sums;

    sums = window_peek(&p->window, p->cells, &p->geometry, now);
    assert_int_equal(sums.ok, ok);
    assert_int_equal(sums.failed, failed);
    assert_int_equal(sums.slow, slow);
    assert_memory_equal(&before, &p->window, sizeof before);
}

static const struct geometry ten = {.width = 1000, .buckets = 10, .stride = 2};
static const struct geometry ten_slow = {.width = 1000, .buckets = 10, .stride = 3};

/* Added at 100 of a window cleared at 0; is it there at this time? */
static void an_outcome_stays_for_the_window(void **state)
{
    static const struct {
        struct geometry geometry;
        uint64_t added, seen;
        uint32_t there;
    } table[] = {
        {{.width = 1000, .buckets = 10, .stride = 2}, 0, 0, 1},
        {{.width = 1000, .buckets = 10, .stride = 2}, 0, 999, 1},
        {{.width = 1000, .buckets = 10, .stride = 2}, 0, 1000, 1},
        {{.width = 1000, .buckets = 10, .stride = 2}, 0, 9999, 1},
        {{.width = 1000, .buckets = 10, .stride = 2}, 0, 10000, 0},
        {{.width = 1000, .buckets = 10, .stride = 2}, 999, 9999, 1},
        {{.width = 1000, .buckets = 10, .stride = 2}, 999, 10000, 0},
        {{.width = 1000, .buckets = 10, .stride = 2}, 1000, 10999, 1},
        {{.width = 1000, .buckets = 10, .stride = 2}, 1000, 11000, 0},
        {{.width = 1000, .buckets = 10, .stride = 2}, 54321, 63999, 1},
        {{.width = 1000, .buckets = 10, .stride = 2}, 54321, 64000, 0},
        {{.width = 1000, .buckets = 10, .stride = 2}, 5, 3600000, 0},
        {{.width = 1000, .buckets = 10, .stride = 2}, 5, UINT64_C(1) << 62, 0},
        {{.width = 1, .buckets = 1, .stride = 2}, 7, 7, 1},
        {{.width = 1, .buckets = 1, .stride = 2}, 7, 8, 0},
        {{.width = 1, .buckets = 60, .stride = 3}, 7, 66, 1},
        {{.width = 1, .buckets = 60, .stride = 3}, 7, 67, 0},
        {{.width = 86400000, .buckets = 1, .stride = 2}, 0, 86399999, 1},
        {{.width = 86400000, .buckets = 1, .stride = 2}, 0, 86400000, 0},
        {{.stride = 2, .last = 1}, 0, UINT64_C(1) << 62, 1},
        {{.stride = 2, .last = 10000}, 0, UINT64_C(1) << 62, 1},
    };
    struct pane p;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        for (int failed = 0; failed < 2; failed++) {
            open_pane(&p, table[i].geometry, 0);
            add(&p, table[i].added, failed, false);
            peek(&p, table[i].seen, failed ? 0 : table[i].there, failed ? table[i].there : 0, 0);
            window_expire(&p.window, p.cells, &p.geometry, table[i].seen);
            assert_int_equal(p.window.ok + p.window.failed, table[i].there);
            peek(&p, table[i].seen, failed ? 0 : table[i].there, failed ? table[i].there : 0, 0);
            close_pane(&p);
        }
    }
}

/* Nine thousand of the ten stay when one bucket turns; a write after a gap expires as a read does. */
static void writing_expires_as_reading_does(void **state)
{
    static const uint64_t gaps[] = {0, 1, 999, 1000, 4500, 9000, 9001, 10000, 10001, 123456789};
    struct pane p;

    (void)state;
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
        uint64_t then = 9000 + gaps[i], left = then / 1000 < 10 ? 10 : 0;

        if (then / 1000 >= 10 && then / 1000 < 19)
            left = 19 - then / 1000;
        open_pane(&p, ten, 0);
        for (uint64_t now = 0; now < 10000; now += 1000)
            add(&p, now, false, false);
        peek(&p, then, (uint32_t)left, 0, 0);
        add(&p, then, true, false);
        assert_int_equal(p.window.ok, left);
        assert_int_equal(p.window.failed, 1);
        peek(&p, then, (uint32_t)left, 1, 0);
        close_pane(&p);
    }
}

static void peeking_ahead_changes_nothing_now(void **state)
{
    struct pane p;

    (void)state;
    open_pane(&p, ten, 500);
    add(&p, 500, true, false);
    peek(&p, 20000, 0, 0, 0);
    peek(&p, 500, 0, 1, 0);
    add(&p, 700, false, false);
    peek(&p, 700, 1, 1, 0);
    close_pane(&p);
}

static void a_clock_that_went_back_credits_the_newest_bucket(void **state)
{
    struct pane p;

    (void)state;
    open_pane(&p, ten, 100000);
    add(&p, 105000, false, false);
    add(&p, 102000, true, false); /* three seconds back: nothing is lost, nothing moves */
    add(&p, 0, true, false);
    peek(&p, 0, 1, 2, 0);
    peek(&p, 105999, 1, 2, 0);
    peek(&p, 114999, 1, 2, 0);
    peek(&p, 115000, 0, 0, 0);
    add(&p, 114999, false, false);
    peek(&p, 114999, 2, 2, 0);
    peek(&p, 115000, 1, 0, 0);
    close_pane(&p);
}

static void slow_ones_age_with_their_bucket(void **state)
{
    struct pane p;

    (void)state;
    open_pane(&p, ten_slow, 0);
    add(&p, 0, false, true);
    add(&p, 0, true, true);
    add(&p, 0, true, false);
    add(&p, 3000, false, true);
    peek(&p, 9999, 2, 2, 3);
    peek(&p, 10000, 1, 0, 1);
    add(&p, 10000, false, false);
    peek(&p, 10000, 2, 0, 1);
    peek(&p, 13000, 1, 0, 0);
    close_pane(&p);
}

static void slow_ones_are_not_counted_where_no_rule_asks(void **state)
{
    struct pane p;

    (void)state;
    open_pane(&p, ten, 0);
    add(&p, 0, false, true);
    peek(&p, 0, 1, 0, 0);
    close_pane(&p);
}

static void the_last_n_outcomes_push_out_the_oldest(void **state)
{
    struct pane p;

    (void)state;
    open_pane(&p, (struct geometry){.last = 3, .stride = 3}, 0);
    add(&p, 0, true, true);
    peek(&p, 0, 0, 1, 1);
    add(&p, 0, false, true);
    add(&p, 0, false, false);
    peek(&p, UINT64_MAX, 2, 1, 2);
    add(&p, 5, false, false);
    peek(&p, 5, 3, 0, 1);
    add(&p, 4, true, false);
    peek(&p, 4, 2, 1, 0);
    add(&p, 4, true, false);
    add(&p, 4, true, true);
    peek(&p, 4, 0, 3, 1);
    close_pane(&p);
}

static void a_full_window_drops_results_until_some_expire(void **state)
{
    struct pane p;
    uint32_t *cells;

    (void)state;
    open_pane(&p, ten_slow, 0);
    add(&p, 0, false, false);
    add(&p, 1000, true, true);
    cells = p.cells;
    cells[0] += WINDOW_FULL - 3; /* as if so many had come in the first bucket */
    p.window.ok += WINDOW_FULL - 3;
    peek(&p, 1000, WINDOW_FULL - 2, 1, 1);
    add(&p, 1000, true, true);
    peek(&p, 1000, WINDOW_FULL - 2, 2, 2);
    add(&p, 1000, true, true);
    add(&p, 9999, false, true);
    peek(&p, 9999, WINDOW_FULL - 2, 2, 2);
    add(&p, 10000, true, false);
    peek(&p, 10000, 0, 3, 2);
    close_pane(&p);
}

static void clearing_forgets_all(void **state)
{
    struct pane p;

    (void)state;
    open_pane(&p, ten_slow, 0);
    for (uint64_t now = 0; now < 25000; now += 100)
        add(&p, now, now % 300 == 0, now % 700 == 0);
    window_clear(&p.window, p.cells, &p.geometry, 25300);
    peek(&p, 25300, 0, 0, 0);
    add(&p, 26299, true, true); /* buckets begin when it was cleared */
    add(&p, 26300, false, false);
    peek(&p, 35299, 1, 1, 1);
    peek(&p, 35300, 1, 0, 0);
    close_pane(&p);
}

static void the_same_geometry_is_told_from_another(void **state)
{
    struct geometry other = ten;

    (void)state;
    assert_true(window_same(&ten, &other));
    assert_int_equal(window_bytes(&ten), 10 * 2 * sizeof(uint32_t));
    assert_int_equal(window_bytes(&ten_slow), 10 * 3 * sizeof(uint32_t));
    assert_false(window_same(&ten, &ten_slow));
    other.width++;
    assert_false(window_same(&ten, &other));
    other = ten;
    other.buckets++;
    assert_false(window_same(&ten, &other));
    other = ten;
    other.last = 20;
    assert_int_equal(window_bytes(&other), 20);
    assert_false(window_same(&ten, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAYS("an outcome stays for the window, from the bucket of its completion",
             an_outcome_stays_for_the_window),
        SAYS("buckets expire on write as on read, after any gap", writing_expires_as_reading_does),
        SAYS("peeking ahead changes nothing", peeking_ahead_changes_nothing_now),
        SAYS("a clock that went back credits the newest bucket",
             a_clock_that_went_back_credits_the_newest_bucket),
        SAYS("slow ones age with their bucket", slow_ones_age_with_their_bucket),
        SAYS("slow ones are not counted where no rule asks",
             slow_ones_are_not_counted_where_no_rule_asks),
        SAYS("the last N outcomes push out the oldest, whenever they were",
             the_last_n_outcomes_push_out_the_oldest),
        SAYS("a full window drops results until some expire",
             a_full_window_drops_results_until_some_expire),
        SAYS("clearing forgets all and begins the buckets anew", clearing_forgets_all),
        SAYS("the same geometry is told from another", the_same_geometry_is_told_from_another),
    };

    return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
