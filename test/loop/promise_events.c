/* Promise 5: events come in order, after the state is final, to those who listened then and still do,
 * and never from a destroyed breaker. What overflows is in promise_missed.c. */
#include "job.h"
#include "poison.h"
#include "watcher.h"

/* ---- Order -------------------------------------------------------------------------------------*/

static void test_in_the_order_of_what_happened(void **state)
{
    struct fixture *f = *state;
    breaker_t *a = quick_breaker(f, "a"), *b = quick_breaker(f, "b");
    struct watcher *all = watcher_new(f, "w", BREAKER_ON_ALL);

    watch_panel(all);
    count_one(a, BREAKER_SUCCESS, 0);
    count_one(b, BREAKER_FAILURE, UV_EPIPE);
    count_many(a, 2, BREAKER_FAILURE);
    assert_int_equal(API(breaker_trip(b, NULL, NULL)), 0);
    count_one(a, BREAKER_FAILURE, UV_EPIPE); /* the third: trips */
    assert_false(is_admitted(b));
    f->clock += 1000;
    count_one(b, BREAKER_SUCCESS, 0);
    expect(f, "");
    turns(f, 1);
    expect(f, "w:before w:ok w:before w:failed w:before w:failed w:before w:failed w:P>B "
              "w:before w:failed w:P>B w:rejected w:B>R w:before w:ok w:R>P |");
}

/* The breaker's own before the panel's, each in the order in which they came. */
static void test_listeners_in_order(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct watcher *p1 = watcher_new(f, "p1", BREAKER_ON_ALL),
                   *p2 = watcher_new(f, "p2", BREAKER_ON_SUCCESS),
                   *b1 = watcher_new(f, "b1", BREAKER_ON_ALL),
                   *b2 = watcher_new(f, "b2", BREAKER_ON_SUCCESS);

    watch_panel(p1);
    watch_breaker(b1, breaker);
    watch_panel(p2);
    watch_breaker(b2, breaker);
    count_one(breaker, BREAKER_SUCCESS, 0);
    turns(f, 1);
    expect(f, "b1:before p1:before b1:ok b2:ok p1:ok p2:ok |");
}

static void look_at_it(struct watcher *watcher, const breaker_event_t *event)
{
    if (event->kind == BREAKER_ON_STATE_CHANGE)
        record(watcher->f, "is:%c", state_letters[look(event->breaker).state]);
}

/* What is told of a state is what a look at the breaker shows. */
static void test_after_the_state_is_final(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_FAILURE | BREAKER_ON_STATE_CHANGE);

    watcher->in_notify = look_at_it;
    watch_breaker(watcher, breaker);
    count_many(breaker, 2, BREAKER_FAILURE);
    turns(f, 1);
    count_many(breaker, 1, BREAKER_FAILURE);
    turns(f, 1);
    expect(f, "w:failed w:failed | w:failed w:P>B is:B |");
    f->clock += 1000;
    count_many(breaker, 1, BREAKER_SUCCESS);
    turns(f, 1);
    expect(f, "w:B>R is:P w:R>P is:P |");
}

/* ---- Who is told -------------------------------------------------------------------------------*/

static void test_told_from_then_on(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct watcher *first = watcher_new(f, "first", BREAKER_ON_SUCCESS),
                   *second = watcher_new(f, "second", BREAKER_ON_SUCCESS);

    watch_breaker(first, breaker);
    count_one(breaker, BREAKER_SUCCESS, 0);
    watch_panel(second);
    count_one(breaker, BREAKER_SUCCESS, 0);
    unwatch(first);
    count_one(breaker, BREAKER_SUCCESS, 0);
    turns(f, 1);
    expect(f, "second:ok second:ok |"); /* not even what waited */
    unwatch(second);
    count_one(breaker, BREAKER_SUCCESS, 0);
    turns(f, 1);
    expect(f, "|");
}

static void leave(struct watcher *watcher, const breaker_event_t *event)
{
    (void)event;
    watcher->in_notify = NULL;
    unwatch(watcher);
    watcher->listener.notify = NULL; /* the memory is the caller's at once */
    watcher->listener.library.next = NULL;
}

/* Each of three leaves inside its own event, alone, and the others are told all the same. */
static void test_removed_inside_its_own_event(void **state)
{
    struct fixture *f = *state;

    for (int who = 0; who < 3; who++) {
        breaker_t *breaker = quick_breaker(f, "a");
        struct watcher *watchers[3] = {watcher_new(f, "1", BREAKER_ON_SUCCESS),
                                       watcher_new(f, "2", BREAKER_ON_SUCCESS),
                                       watcher_new(f, "3", BREAKER_ON_SUCCESS)};

        watch_breaker(watchers[0], breaker);
        watch_breaker(watchers[1], breaker);
        watch_panel(watchers[2]);
        watchers[who]->in_notify = leave;
        count_many(breaker, 2, BREAKER_SUCCESS);
        turns(f, 1);
        for (int i = 0; i < 3; i++)
            assert_int_equal(told_of(watchers[i], BREAKER_ON_SUCCESS), i == who ? 1 : 2);
        if (who != 2)
            unwatch(watchers[2]);
        API_VOID(breaker_destroy(breaker));
    }
    expect(f, "1:ok 2:ok 3:ok 2:ok 3:ok | 1:ok 2:ok 3:ok 1:ok 3:ok | 1:ok 2:ok 3:ok 1:ok 2:ok |");
}

static void remove_other(struct watcher *watcher, const breaker_event_t *event)
{
    (void)event;
    watcher->in_notify = NULL;
    unwatch(watcher->data);
}

/* Inside others' events: the one who is next, one who was told, one of the other list. */
static void test_removed_inside_others_events(void **state)
{
    static const char *const wanted[] = {"1:ok 3:ok 1:ok 3:ok |", "1:ok 2:ok 3:ok 2:ok 3:ok |",
                                         "1:ok 2:ok 1:ok 2:ok |"};
    static const int remover[] = {0, 1, 1}, removed[] = {1, 0, 2};
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++) {
        breaker_t *breaker = quick_breaker(f, "a");
        struct watcher *watchers[3] = {watcher_new(f, "1", BREAKER_ON_SUCCESS),
                                       watcher_new(f, "2", BREAKER_ON_SUCCESS),
                                       watcher_new(f, "3", BREAKER_ON_SUCCESS)};

        watch_breaker(watchers[0], breaker);
        watch_breaker(watchers[1], breaker);
        watch_panel(watchers[2]);
        watchers[remover[i]]->in_notify = remove_other;
        watchers[remover[i]]->data = watchers[removed[i]];
        count_many(breaker, 2, BREAKER_SUCCESS);
        turns(f, 1);
        expect(f, wanted[i]);
        if (removed[i] != 2)
            unwatch(watchers[2]);
        API_VOID(breaker_destroy(breaker));
    }
}

static void come_again(struct watcher *watcher, const breaker_event_t *event)
{
    watcher->in_notify = NULL;
    unwatch(watcher);
    watch_breaker(watcher, event->breaker);
}

/* A listener that leaves and comes again inside its event missed what waited. */
static void test_comes_again_inside_its_own_event(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct watcher *one = watcher_new(f, "one", BREAKER_ON_SUCCESS),
                   *two = watcher_new(f, "two", BREAKER_ON_SUCCESS);

    watch_breaker(one, breaker);
    watch_breaker(two, breaker);
    one->in_notify = come_again;
    count_many(breaker, 2, BREAKER_SUCCESS);
    turns(f, 1);
    count_one(breaker, BREAKER_SUCCESS, 0);
    turns(f, 1);
    expect(f, "one:ok two:ok two:ok | two:ok one:ok |");
}

static void test_only_the_kinds_asked_for(void **state)
{
    static const int kinds[] = {BREAKER_BEFORE_CALL, BREAKER_ON_SUCCESS, BREAKER_ON_FAILURE,
                                BREAKER_ON_REJECTED, BREAKER_ON_LATE,    BREAKER_ON_STATE_CHANGE};
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct watcher *watchers[6];
    breaker_permit_t permit;

    for (int i = 0; i < 6; i++) {
        watchers[i] = watcher_new(f, "w", kinds[i]);
        watch_breaker(watchers[i], breaker);
    }
    count_many(breaker, 2, BREAKER_SUCCESS);
    count_many(breaker, 1, BREAKER_FAILURE);
    count_many(breaker, 1, BREAKER_IGNORED);
    count_many(breaker, 1, BREAKER_CANCELLED);
    assert_int_equal(API(breaker_try_acquire(breaker, &permit)), 0);
    assert_int_equal(API(breaker_trip(breaker, NULL, NULL)), 0);
    assert_int_equal(API(breaker_report(breaker, &permit, BREAKER_SUCCESS, 0)), BREAKER_ESTALE);
    assert_false(is_admitted(breaker));
    settle_down(f);
    for (int i = 0; i < 6; i++) {
        static const unsigned wanted[] = {6, 2, 1, 1, 1, 1};
        for (int j = 0; j < 6; j++)
            assert_int_equal(told_of(watchers[i], kinds[j]), i == j ? wanted[i] : 0);
    }
}

/* ---- None after destroy ------------------------------------------------------------------------*/

static void test_none_after_destroy(void **state)
{
    struct fixture *f = *state;
    breaker_t *a = quick_breaker(f, "a"), *b = quick_breaker(f, "b");
    struct watcher *own = watcher_new(f, "own", BREAKER_ON_ALL),
                   *all = watcher_new(f, "all", BREAKER_ON_ALL);
    struct job *job = job_new(f, "job");

    watch_breaker(own, a);
    watch_panel(all);
    job_begin(job, a);
    turns(f, 1);
    count_one(a, BREAKER_SUCCESS, 0);
    count_one(b, BREAKER_SUCCESS, 0);
    assert_int_equal(API(breaker_trip(a, NULL, NULL)), 0);
    API_VOID(breaker_destroy(a));
    assert_int_equal(API(breaker_unlisten(&own->listener)), UV_EINVAL); /* off, with its breaker */
    turns(f, 1);
    job_finish(job, UV_EPIPE); /* late, and of a destroyed breaker */
    turns(f, 2);
    expect(f, "start:job own:before all:before | done:job:ECANCELED all:before all:ok | | |");
}

static void destroy_it(struct watcher *watcher, const breaker_event_t *event)
{
    watcher->in_notify = NULL;
    API_VOID(breaker_destroy(event->breaker));
}

/* Inside its own event: nobody is told the rest, of this event either. */
static void test_destroyed_inside_its_event(void **state)
{
    struct fixture *f = *state;

    for (int who = 0; who < 4; who++) {
        static const char *const wanted[] = {"1:ok 3:ok 4:ok |", "1:ok 2:ok 3:ok 4:ok |",
                                             "1:ok 2:ok 3:ok 3:ok 4:ok |",
                                             "1:ok 2:ok 3:ok 4:ok 3:ok 4:ok |"};
        breaker_t *a = quick_breaker(f, "a"), *b = quick_breaker(f, "b");
        struct watcher *watchers[4] = {
            watcher_new(f, "1", BREAKER_ON_SUCCESS), watcher_new(f, "2", BREAKER_ON_SUCCESS),
            watcher_new(f, "3", BREAKER_ON_SUCCESS), watcher_new(f, "4", BREAKER_ON_SUCCESS)};

        watch_breaker(watchers[0], a);
        watch_breaker(watchers[1], a);
        watch_panel(watchers[2]);
        watch_panel(watchers[3]);
        watchers[who]->in_notify = destroy_it;
        count_many(a, 2, BREAKER_SUCCESS);
        count_one(b, BREAKER_SUCCESS, 0);
        turns(f, 1);
        expect(f, wanted[who]);
        unwatch(watchers[2]);
        unwatch(watchers[3]);
        assert_null(breaker_find(f->panel, "a"));
        API_VOID(breaker_destroy(b));
    }
}

static void test_a_panels_end_ends_listening(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct watcher *own = watcher_new(f, "own", BREAKER_ON_ALL),
                   *all = watcher_new(f, "all", BREAKER_ON_ALL);

    watch_breaker(own, breaker);
    watch_panel(all);
    count_one(breaker, BREAKER_SUCCESS, 0);
    fixture_destroy_panel(f);
    assert_int_equal(API(breaker_unlisten(&own->listener)), UV_EINVAL);
    assert_int_equal(API(breaker_unlisten(&all->listener)), UV_EINVAL);
    fixture_wait_destroyed(f);
    expect(f, "destroyed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIRTUAL_TEST(test_in_the_order_of_what_happened),
        VIRTUAL_TEST(test_listeners_in_order),
        VIRTUAL_TEST(test_after_the_state_is_final),
        VIRTUAL_TEST(test_told_from_then_on),
        VIRTUAL_TEST(test_removed_inside_its_own_event),
        VIRTUAL_TEST(test_removed_inside_others_events),
        VIRTUAL_TEST(test_comes_again_inside_its_own_event),
        VIRTUAL_TEST(test_only_the_kinds_asked_for),
        VIRTUAL_TEST(test_none_after_destroy),
        VIRTUAL_TEST(test_destroyed_inside_its_event),
        VIRTUAL_TEST(test_a_panels_end_ends_listening),
    };

    poison_what_is_released();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
