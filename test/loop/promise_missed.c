/* Promise 5, where events come faster than memory can hold: what does not fit is told once, with counts by
 * kind, nothing uncounted; and the newest transition of every breaker is always told. */
#include "poison.h"
#include "watcher.h"

enum { EVERYTHING = BREAKER_ON_ALL | BREAKER_ON_MISSED };

static unsigned bit_of(int kind)
{
    return (unsigned)__builtin_ctz((unsigned)kind);
}

static void make_panel(struct fixture *f, unsigned max_events)
{
    breaker_panel_options_t options;

    breaker_panel_options_init(&options);
    options.max_events = max_events;
    fixture_panel(f, &options, true);
}

static void test_told_once_with_counts(void **state)
{
    struct fixture *f = *state;
    struct watcher *watcher = watcher_new(f, "w", EVERYTHING), *own;
    breaker_t *breaker;

    make_panel(f, 4);
    breaker = quick_breaker(f, "a");
    own = watcher_new(f, "own", BREAKER_ON_ALL);
    watch_panel(watcher);
    watch_breaker(own, breaker);
    count_many(breaker, 3, BREAKER_SUCCESS);
    count_many(breaker, 2, BREAKER_FAILURE);
    turns(f, 2);
    expect(f, "own:before w:before own:ok w:ok own:before w:before own:ok w:ok w:missed | |");
    assert_int_equal(watcher->missed[bit_of(BREAKER_BEFORE_CALL)], 3);
    assert_int_equal(watcher->missed[bit_of(BREAKER_ON_SUCCESS)], 1);
    assert_int_equal(watcher->missed[bit_of(BREAKER_ON_FAILURE)], 2);
    assert_int_equal(watcher->missed[bit_of(BREAKER_ON_STATE_CHANGE)], 0);
    assert_null(watcher->last.breaker);
    count_one(breaker, BREAKER_SUCCESS, 0); /* there is room again */
    turns(f, 1);
    expect(f, "own:before w:before own:ok w:ok |");
}

/* Exactly as many as there is room for is not too many. */
static void test_a_full_ring_misses_nothing(void **state)
{
    struct fixture *f = *state;
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_SUCCESS | BREAKER_ON_MISSED);
    breaker_t *breaker;

    make_panel(f, 4);
    breaker = quick_breaker(f, "a");
    watch_panel(watcher);
    for (int i = 0; i < 5; i++) { /* the ring turns round */
        count_many(breaker, 3, BREAKER_SUCCESS);
        turns(f, 1);
        expect(f, "w:ok w:ok w:ok |");
    }
    count_many(breaker, 4, BREAKER_SUCCESS);
    turns(f, 1);
    expect(f, "w:ok w:ok w:ok w:ok |");
    count_many(breaker, 5, BREAKER_SUCCESS);
    turns(f, 1);
    expect(f, "w:ok w:ok w:ok w:ok w:missed |");
}

static void trip(breaker_t *breaker)
{
    assert_int_equal(API(breaker_trip(breaker, NULL, NULL)), 0);
}

static void test_the_newest_transition_is_told(void **state)
{
    struct fixture *f = *state;
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_STATE_CHANGE | BREAKER_ON_MISSED),
                   *own = watcher_new(f, "own", BREAKER_ON_STATE_CHANGE);
    breaker_t *a, *b, *c;

    make_panel(f, 1);
    a = quick_breaker(f, "a");
    b = quick_breaker(f, "b");
    c = quick_breaker(f, "c");
    watch_panel(watcher);
    watch_breaker(own, b);
    trip(a);
    count_one(b, BREAKER_FAILURE, UV_EPIPE);
    count_many(b, 2, BREAKER_FAILURE);
    trip(c);
    assert_int_equal(API(breaker_recover(c, NULL, NULL)), 0);
    f->clock += 10;
    assert_int_equal(API(breaker_recover(a, NULL, NULL)), 0);
    turns(f, 2);
    /* From what was last told, to what is. */
    expect(f, "w:P>B w:missed own:P>B w:P>B w:P>R w:B>R | |");
    assert_int_equal(watcher->missed[bit_of(BREAKER_ON_STATE_CHANGE)], 4);
    assert_ptr_equal(own->last.breaker, b);
    assert_int_equal(own->last.time, f->clock - 10);
    assert_int_equal(own->last.status, UV_ECONNRESET);
    assert_int_equal(own->last.retry_after, 1000); /* as of then */
    assert_int_equal(own->last.counts.failed, 3);
    assert_int_equal(own->last.counts.consecutive, 3);
}

static void reset_other(struct watcher *watcher, const breaker_event_t *event)
{
    if (event->kind == BREAKER_ON_STATE_CHANGE && watcher->data != NULL)
        assert_int_equal(API(breaker_reset(watcher->data, NULL, NULL)), 0);
    watcher->data = NULL;
}

/* What happens while it waits to be told joins it: a transition is told once, and none after a newer one. */
static void test_a_transition_joins_the_missed(void **state)
{
    struct fixture *f = *state;
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_STATE_CHANGE | BREAKER_ON_MISSED);
    breaker_t *a, *b;

    make_panel(f, 1);
    a = quick_breaker(f, "a");
    b = quick_breaker(f, "b");
    watch_panel(watcher);
    watcher->in_notify = reset_other;
    watcher->data = b;
    trip(a);
    trip(b);
    turns(f, 2);
    expect(f, "w:P>B w:missed w:P>P / w:missed | |");
    assert_int_equal(watcher->missed[bit_of(BREAKER_ON_STATE_CHANGE)], 2);
}

static void test_a_destroyed_breaker_missed_nothing(void **state)
{
    struct fixture *f = *state;
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_STATE_CHANGE | BREAKER_ON_MISSED);
    breaker_t *breakers[4];

    make_panel(f, 1);
    watch_panel(watcher);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 4; i++) {
            char name[2] = {(char)('a' + i), '\0'};
            breakers[i] = quick_breaker(f, name);
            trip(breakers[i]);
        }
        API_VOID(breaker_destroy(breakers[round]));
        turns(f, 1);
        expect(f, round == 0 ? "w:missed w:P>B w:P>B w:P>B |" : "w:P>B w:missed w:P>B w:P>B |");
        for (int i = 0; i < 4; i++)
            if (i != round)
                API_VOID(breaker_destroy(breakers[i]));
    }
}

static void destroy_other(struct watcher *watcher, const breaker_event_t *event)
{
    if (event->kind == BREAKER_ON_MISSED)
        API_VOID(breaker_destroy(watcher->data));
}

static void test_destroyed_while_the_missed_is_told(void **state)
{
    struct fixture *f = *state;
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_STATE_CHANGE | BREAKER_ON_MISSED);
    breaker_t *a, *b, *c;

    make_panel(f, 1);
    a = quick_breaker(f, "a");
    b = quick_breaker(f, "b");
    c = quick_breaker(f, "c");
    watch_panel(watcher);
    watcher->in_notify = destroy_other;
    watcher->data = b;
    trip(a);
    trip(b);
    trip(c);
    turns(f, 2);
    expect(f, "w:P>B w:missed w:P>B | |");
    assert_ptr_equal(watcher->last.breaker, c);
}

static void end_panel(struct watcher *watcher, const breaker_event_t *event)
{
    if (event->kind == BREAKER_ON_MISSED)
        fixture_destroy_panel(watcher->f);
}

static void test_panel_destroyed_while_the_missed_is_told(void **state)
{
    struct fixture *f = *state;
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_STATE_CHANGE | BREAKER_ON_MISSED);

    make_panel(f, 1);
    watch_panel(watcher);
    watcher->in_notify = end_panel;
    trip(quick_breaker(f, "a"));
    trip(quick_breaker(f, "b"));
    fixture_wait_destroyed(f);
    expect(f, "w:P>B w:missed destroyed");
}

/* ---- Listeners that make events ----------------------------------------------------------------*/

static void count_two_more(struct watcher *watcher, const breaker_event_t *event)
{
    unsigned *left = watcher->data;

    if (event->kind == BREAKER_ON_SUCCESS && *left > 0) {
        *left -= 1;
        count_many(event->breaker, 2, BREAKER_SUCCESS);
    }
}

/* Told or counted as missed: every event is one of the two, whenever it came about. */
static void test_nothing_is_uncounted(void **state)
{
    struct fixture *f = *state;
    unsigned left = 40;
    uint64_t ok, told;
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_SUCCESS | BREAKER_ON_MISSED);
    breaker_t *breaker;

    make_panel(f, 3);
    breaker = quick_breaker(f, "a");
    watcher->is_quiet = true;
    watcher->in_notify = count_two_more;
    watcher->data = &left;
    watch_breaker(watcher_new(f, "own", BREAKER_BEFORE_CALL), breaker);
    watch_panel(watcher);
    while (left > 0) {
        count_many(breaker, 5, BREAKER_SUCCESS);
        settle_down(f);
        forget(f);
    }
    settle_down(f);
    ok = look(breaker).totals.ok;
    told = told_of(watcher, BREAKER_ON_SUCCESS);
    assert_int_equal(told + watcher->missed[bit_of(BREAKER_ON_SUCCESS)], ok);
    assert_false(uv_loop_alive(&f->loop));
}

static void move_on(struct watcher *watcher, const breaker_event_t *event)
{
    unsigned *left = watcher->data;

    if (event->kind == BREAKER_ON_STATE_CHANGE && *left > 0) {
        *left -= 1;
        trip(event->breaker);
        assert_int_equal(API(breaker_reset(event->breaker, NULL, NULL)), 0);
    }
}

/* A listener that answers each transition with two more: what it begins waits for the next drain, so that
 * a drain ends, and the last transition is told after all. */
static void test_a_drain_ends(void **state)
{
    struct fixture *f = *state;
    unsigned left = 100000;
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_STATE_CHANGE | BREAKER_ON_MISSED);
    breaker_t *breaker;

    make_panel(f, 1);
    breaker = quick_breaker(f, "a");
    watcher->is_quiet = true;
    watcher->in_notify = move_on;
    watcher->data = &left;
    watch_panel(watcher);
    trip(breaker);
    trip(breaker);
    for (int i = 0; i < 10; i++) {
        unsigned before = left;
        uv_run(&f->loop, UV_RUN_NOWAIT);
        assert_in_range(before - left, 2, 4); /* in two drains */
    }
    left = 1;
    settle_down(f);
    assert_int_equal(left, 0);
    assert_int_equal(watcher->last.to, BREAKER_PASSING);
    trip(breaker);
    settle_down(f);
    assert_int_equal(watcher->last.to, BREAKER_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BARE_TEST(test_told_once_with_counts),
        BARE_TEST(test_a_full_ring_misses_nothing),
        BARE_TEST(test_the_newest_transition_is_told),
        BARE_TEST(test_a_transition_joins_the_missed),
        BARE_TEST(test_a_destroyed_breaker_missed_nothing),
        BARE_TEST(test_destroyed_while_the_missed_is_told),
        BARE_TEST(test_panel_destroyed_while_the_missed_is_told),
        BARE_TEST(test_nothing_is_uncounted),
        BARE_TEST(test_a_drain_ends),
    };

    poison_what_is_released();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
