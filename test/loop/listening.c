/* From when on a listener is told, and for how long; and what it is told of a transition that did not fit:
 * all of it. */
#include "panel.h"
#include "watcher.h"
#include <breaker/dialects.h>
#include <breaker/storage.h>

static void make_panel(struct fixture *f, breaker_storage_t *storage, breaker_panel_options_t *used)
{
    breaker_panel_options_init(used);
    used->max_events = 1;
    used->storage = storage;
    fixture_panel(f, used, true);
}

static void trip(breaker_t *breaker)
{
    assert_int_equal(API(breaker_trip(breaker, NULL, NULL)), 0);
}

static void recover(breaker_t *breaker)
{
    assert_int_equal(API(breaker_recover(breaker, NULL, NULL)), 0);
}

/* As many as two days of busy traffic bring; the numbers of those in between are skipped. */
static void test_after_very_many_events(void **state)
{
    struct fixture *f = *state;
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_STATE_CHANGE);
    breaker_t *breaker = quick_breaker(f, "a");

    watch_panel(watcher);
    trip(breaker);
    turns(f, 1);
    for (int i = 0; i < 4; i++) {
        f->panel->events.number += UINT64_C(1) << 30;
        recover(breaker);
        trip(breaker);
        turns(f, 1);
    }
    expect(f, "w:P>B | w:B>R w:R>B | w:B>R w:R>B | w:B>R w:R>B | w:B>R w:R>B |");
}

/* ---- Late, while events are being missed -------------------------------------------------------*/

static void test_not_what_was_missed_before(void **state)
{
    struct fixture *f = *state;
    struct watcher *early = watcher_new(f, "early", BREAKER_ON_STATE_CHANGE),
                   *late = watcher_new(f, "late", BREAKER_ON_STATE_CHANGE),
                   *own = watcher_new(f, "own", BREAKER_ON_STATE_CHANGE);
    breaker_panel_options_t options;
    breaker_t *a, *b, *c;

    make_panel(f, NULL, &options);
    a = quick_breaker(f, "a");
    b = quick_breaker(f, "b");
    c = quick_breaker(f, "c");
    watch_panel(early);
    trip(a);
    trip(b);
    trip(c);
    watch_panel(late);
    watch_breaker(own, b);
    recover(c);
    turns(f, 1);
    expect(f, "early:P>B early:P>B early:P>R late:P>R |");
    recover(b);
    turns(f, 1);
    expect(f, "own:B>R early:B>R late:B>R |");
}

/* One that begins inside an event, while the missed wait to be told. */
static void listen_too(struct watcher *watcher, const breaker_event_t *event)
{
    (void)event;
    watcher->in_notify = NULL;
    watch_panel(watcher->data);
}

static void test_not_from_the_middle(void **state)
{
    struct fixture *f = *state;
    struct watcher *early = watcher_new(f, "early", BREAKER_ON_STATE_CHANGE),
                   *late = watcher_new(f, "late", BREAKER_ON_STATE_CHANGE | BREAKER_ON_MISSED);
    breaker_panel_options_t options;

    make_panel(f, NULL, &options);
    watch_panel(early);
    early->in_notify = listen_too;
    early->data = late;
    trip(quick_breaker(f, "a"));
    trip(quick_breaker(f, "b"));
    turns(f, 2);
    expect(f, "early:P>B early:P>B | |");
}

/* ---- The newest of each, whole and in order ----------------------------------------------------*/

static void test_in_the_order_of_the_newest(void **state)
{
    struct fixture *f = *state;
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_STATE_CHANGE);
    breaker_panel_options_t options;
    breaker_t *a, *b;

    make_panel(f, NULL, &options);
    a = quick_breaker(f, "a");
    b = quick_breaker(f, "b");
    watch_panel(watcher);
    trip(a);
    recover(a);
    trip(b);
    f->clock += 5;
    assert_int_equal(API(breaker_reset(a, NULL, NULL)), 0);
    turns(f, 1);
    expect(f, "w:P>B w:P>B w:B>P |");
    assert_ptr_equal(watcher->last.breaker, a);
    assert_int_equal(watcher->last.time, f->clock);
}

/* The evidence of the way back is gone when it is told. */
static void test_with_its_evidence(void **state)
{
    struct fixture *f = *state;
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_STATE_CHANGE);
    breaker_panel_options_t options;
    breaker_t *breaker;
    uint64_t at;

    make_panel(f, NULL, &options);
    breaker = quick_breaker(f, "a");
    watch_panel(watcher);
    trip(breaker);
    recover(breaker);
    count_one(breaker, BREAKER_SUCCESS, 0);
    at = f->clock;
    f->clock += 70;
    turns(f, 1);
    expect(f, "w:P>B w:B>P |");
    assert_int_equal(watcher->last.counts.ok, 1);
    assert_int_equal(watcher->last.time, at);
}

static void test_of_a_dialect(void **state)
{
    struct fixture *f = *state;
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_STATE_CHANGE);
    breaker_panel_options_t options;
    breaker_aiomisc_t aiomisc;
    breaker_options_t usual;
    breaker_t *breaker;

    make_panel(f, NULL, &options);
    watch_panel(watcher);
    breaker_aiomisc_init(&aiomisc);
    breaker_options_init(&usual);
    usual.dialect = &aiomisc.dialect;
    breaker = make_breaker(f, "dialect", &usual);
    trip(quick_breaker(f, "a"));
    f->clock += 3;
    trip(breaker);
    f->clock += 4;
    turns(f, 1);
    expect(f, "w:P>B w:P>B |");
    assert_ptr_equal(watcher->last.breaker, breaker);
    assert_int_equal(watcher->last.time, f->clock - 4);
}

static void on_keeper(uv_timer_t *keeper)
{
    (void)keeper;
}

/* Takes the only place as soon as it is free. */
static void trip_again(struct watcher *watcher, const breaker_event_t *event)
{
    if (event->breaker == watcher->data)
        trip(event->breaker);
}

/* Two panels share a circuit: one trips it, and the other has no room when it learns of that. */
static void test_of_others(void **state)
{
    struct fixture *f = *state;
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_STATE_CHANGE | BREAKER_ON_MISSED);
    breaker_panel_options_t options;
    breaker_options_t usual;
    breaker_storage_t *storage;
    breaker_panel_t *other;
    breaker_t *near, *far;
    uv_timer_t *keeper = keep(f, sizeof *keeper);

    uv_timer_init(&f->loop, keeper);
    uv_timer_start(keeper, on_keeper, 1000000, 0);
    assert_int_equal(breaker_memory_create(&storage, NULL), 0);
    make_panel(f, storage, &options);
    breaker_options_init(&usual);
    near = make_breaker(f, "shared", &usual);
    f->draw = 0.5; /* signs as another */
    options.max_events = 256;
    assert_int_equal(API(breaker_panel_create(&other, &f->loop, &options)), 0);
    assert_int_equal(API(breaker_create(&far, other, "shared", breaker_policy(near))), 0);
    usual.share = BREAKER_SHARE_NONE;
    watcher->data = make_breaker(f, "filling", &usual);
    watch_panel(watcher);
    for (int i = 0; i < 20; i++) {
        f->clock++;
        settle_down(f);
    }
    trip(far);
    watcher->in_notify = trip_again;
    trip(watcher->data);
    for (int i = 0; i < 20 && watcher->last.breaker != near; i++) {
        f->clock++;
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    assert_ptr_equal(watcher->last.breaker, near);
    assert_true(watcher->last.elsewhere);
    assert_true(watcher->missed[__builtin_ctz(BREAKER_ON_STATE_CHANGE)] > 0);
    assert_int_equal(API(breaker_panel_destroy(other, NULL)), 0);
    fixture_destroy_panel(f);
    fixture_wait_destroyed(f);
    uv_close((uv_handle_t *)keeper, NULL);
    settle_down(f);
    assert_int_equal(breaker_memory_destroy(storage), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIRTUAL_TEST(test_after_very_many_events),
        BARE_TEST(test_not_what_was_missed_before),
        BARE_TEST(test_not_from_the_middle),
        BARE_TEST(test_in_the_order_of_the_newest),
        BARE_TEST(test_with_its_evidence),
        BARE_TEST(test_of_a_dialect),
        BARE_TEST(test_of_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
