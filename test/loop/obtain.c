/* Breakers made on demand, under a bound: only one that is idle makes room, and not the one just used. */
#include "job.h"
#include "watcher.h"
#include <breaker/storage.h>
#include <stdio.h>

enum { BOUND = 4 };

static const char *const names[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

struct host {
    breaker_policy_t *policy;
    breaker_t *breakers[BOUND];
};

static int obtain(struct fixture *f, struct host *host, const char *name, breaker_t **breaker)
{
    return API(breaker_obtain(breaker, f->panel, name, host->policy));
}

static breaker_t *get(struct fixture *f, struct host *host, const char *name)
{
    breaker_t *breaker;

    assert_int_equal(obtain(f, host, name, &breaker), 0);
    assert_string_equal(breaker_name(breaker), name);
    return breaker;
}

static struct host open_host(struct fixture *f)
{
    breaker_panel_options_t options;
    breaker_options_t quick;
    struct host host;

    breaker_panel_options_init(&options);
    options.max_obtained = BOUND;
    fixture_panel(f, &options, true);
    quick_options(&quick);
    host.policy = make_policy(&quick);
    for (int i = 0; i < BOUND; i++)
        host.breakers[i] = get(f, &host, names[i]);
    return host;
}

static void close_host(struct host *host)
{
    API_VOID(breaker_policy_destroy(host->policy));
}

static void test_found_or_made(void **state)
{
    struct fixture *f = *state;
    struct host host = open_host(f);
    breaker_t *created;

    for (int i = 0; i < BOUND; i++)
        assert_ptr_equal(get(f, &host, names[i]), host.breakers[i]);
    assert_int_equal(breaker_panel_count(f->panel), BOUND);
    /* One that was created is found too, is not counted against the bound, and never makes room. */
    assert_int_equal(API(breaker_create(&created, f->panel, "created", host.policy)), 0);
    assert_ptr_equal(get(f, &host, "created"), created);
    for (int i = 0; i < 10; i++)
        get(f, &host, names[i]);
    assert_ptr_equal(breaker_find(f->panel, "created"), created);
    assert_int_equal(breaker_panel_count(f->panel), BOUND + 1);
    close_host(&host);
}

/* What was used since the last eviction stays, where another was not. */
static void test_the_unused_makes_room(void **state)
{
    struct fixture *f = *state;
    struct host host = open_host(f);
    char passers[100][16];

    for (int round = 0; round < 100; round++) {
        const char *left[BOUND], *unused;
        int count = 0;

        snprintf(passers[round], sizeof passers[round], "passer-by %d", round);
        get(f, &host, passers[round]); /* makes room: marks are clear, but for its own */
        for (int i = 0; i < BOUND; i++)
            if (breaker_find(f->panel, names[i]) != NULL)
                left[count++] = names[i];
        for (int i = 0; i < round; i++)
            if (breaker_find(f->panel, passers[i]) != NULL)
                left[count++] = passers[i];
        assert_int_equal(count, BOUND - 1);
        unused = left[round % count];
        for (int i = 0; i < count; i++)
            if (i != round % count)
                get(f, &host, left[i]);
        get(f, &host, "newest");
        assert_null(breaker_find(f->panel, unused));
        API_VOID(breaker_destroy(breaker_find(f->panel, "newest")));
        get(f, &host, unused);
        for (int i = 0; i < count; i++) /* all are used now */
            get(f, &host, left[i]);
        get(f, &host, passers[round]);
    }
    close_host(&host);
}

/* One in each way of not being idle; the bound is reached when none is left. */
static void test_only_the_idle_makes_room(void **state)
{
    struct fixture *f = *state;
    struct host host = open_host(f);
    struct job *job = job_new(f, "job");
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_STATE_CHANGE);
    breaker_permit_t permit;
    breaker_t *none = host.breakers[0];

    assert_int_equal(API(breaker_trip(host.breakers[0], NULL, NULL)), 0);
    assert_int_equal(API(breaker_hold(host.breakers[1], BREAKER_HOLD_WATCH, NULL, NULL)), 0);
    assert_int_equal(API(breaker_try_acquire(host.breakers[2], &permit)), 0);
    watch_breaker(watcher, host.breakers[3]);
    assert_int_equal(obtain(f, &host, "4", &none), UV_ENOBUFS);
    assert_null(none);

    assert_int_equal(API(breaker_reset(host.breakers[0], NULL, NULL)), 0); /* idle again */
    get(f, &host, "4");
    assert_null(breaker_find(f->panel, "0"));
    job_begin(job, breaker_find(f->panel, "4")); /* a call that only waits */
    assert_int_equal(obtain(f, &host, "5", &none), UV_ENOBUFS);
    settle_down(f);
    assert_int_equal(obtain(f, &host, "5", &none), UV_ENOBUFS); /* runs */
    job_cancel(job);
    settle_down(f);
    assert_int_equal(obtain(f, &host, "5", &none), UV_ENOBUFS); /* its I/O is not over */
    job_finish(job, 0);
    get(f, &host, "5");
    assert_null(breaker_find(f->panel, "4"));

    assert_int_equal(API(breaker_trip(get(f, &host, "5"), NULL, NULL)), 0);
    assert_int_equal(API(breaker_report(host.breakers[2], &permit, BREAKER_SUCCESS, 0)), 0);
    get(f, &host, "6");
    assert_null(breaker_find(f->panel, "2"));
    assert_int_equal(API(breaker_trip(get(f, &host, "6"), NULL, NULL)), 0);
    unwatch(watcher);
    get(f, &host, "7");
    assert_null(breaker_find(f->panel, "3"));
    assert_int_equal(API(breaker_trip(get(f, &host, "7"), NULL, NULL)), 0);
    assert_int_equal(API(breaker_hold(host.breakers[1], BREAKER_HOLD_NONE, NULL, NULL)), 0);
    get(f, &host, "8");
    assert_null(breaker_find(f->panel, "1"));
    close_host(&host);
}

static void on_order(breaker_order_t *order, int status)
{
    assert_int_equal(status, 0);
    *(unsigned *)order->data += 1;
}

/* One whose order is still to be told is not idle. */
static void test_an_order_keeps_its_breaker(void **state)
{
    struct fixture *f = *state;
    struct host host = open_host(f);
    breaker_order_t *orders = keep(f, BOUND * sizeof *orders);
    unsigned told = 0;
    breaker_t *breaker;

    for (int i = 0; i < BOUND; i++) {
        orders[i].data = &told;
        assert_int_equal(API(breaker_reset(host.breakers[i], &orders[i], on_order)), 0);
    }
    assert_int_equal(obtain(f, &host, "new", &breaker), UV_ENOBUFS);
    settle_down(f);
    assert_int_equal(told, BOUND);
    assert_int_equal(obtain(f, &host, "new", &breaker), 0);
    close_host(&host);
}

static void on_keeper(uv_timer_t *keeper)
{
    (void)keeper;
}

static void pass(struct fixture *f, unsigned ms)
{
    for (; ms > 0; ms--) {
        f->clock++;
        settle_down(f);
    }
}

/* The one that shares its circuit with another panel, where it is seen what becomes of an order. */
static void share(struct fixture *f, breaker_storage_t *storage, breaker_t **far)
{
    breaker_panel_options_t options;
    breaker_policy_t *policy = make_policy(NULL);
    breaker_panel_t *other;

    breaker_panel_options_init(&options);
    options.max_obtained = 1;
    options.storage = storage;
    fixture_panel(f, &options, true);
    f->draw = 0.5; /* the other signs with another number */
    assert_int_equal(API(breaker_panel_create(&other, &f->loop, &options)), 0);
    assert_int_equal(API(breaker_create(far, other, "shared", policy)), 0);
    API_VOID(breaker_policy_destroy(policy));
}

/* One whose order, or its own transition, is not yet in the storage is not idle: told or not. */
static void test_a_shared_order_keeps_its_breaker(void **state)
{
    struct fixture *f = *state;
    struct host host = {.policy = make_policy(NULL)};
    breaker_storage_t *storage;
    breaker_t *near, *far, *none;
    uv_timer_t *keeper = keep(f, sizeof *keeper);

    uv_timer_init(&f->loop, keeper);
    uv_timer_start(keeper, on_keeper, 1000000, 0);
    assert_int_equal(breaker_memory_create(&storage, NULL), 0);
    share(f, storage, &far);
    near = get(f, &host, "shared");
    pass(f, 20);
    assert_int_equal(API(breaker_trip(far, NULL, NULL)), 0);
    pass(f, 20);
    assert_int_equal(look(near).state, BREAKER_BROKEN);
    assert_int_equal(API(breaker_reset(near, NULL, NULL)), 0);
    assert_int_equal(look(near).state, BREAKER_PASSING);
    for (int i = 0; i < 2; i++)
        assert_int_equal(obtain(f, &host, "new", &none), UV_ENOBUFS);
    pass(f, 20);
    assert_int_equal(look(far).state, BREAKER_PASSING);
    assert_int_equal(obtain(f, &host, "new", &none), 0);
    close_host(&host);
    assert_int_equal(API(breaker_panel_destroy(breaker_panel(far), NULL)), 0);
    fixture_destroy_panel(f);
    fixture_wait_destroyed(f);
    uv_close((uv_handle_t *)keeper, NULL);
    settle_down(f);
    assert_int_equal(breaker_memory_destroy(storage), 0);
}

/* A destroyed one leaves its place. */
static void test_destroyed_leaves_its_place(void **state)
{
    struct fixture *f = *state;
    struct host host = open_host(f);
    breaker_t *none;

    for (int i = 0; i < BOUND; i++)
        assert_int_equal(API(breaker_trip(host.breakers[i], NULL, NULL)), 0);
    assert_int_equal(obtain(f, &host, "4", &none), UV_ENOBUFS);
    API_VOID(breaker_destroy(host.breakers[2]));
    get(f, &host, "4");
    assert_int_equal(breaker_panel_count(f->panel), BOUND);
    close_host(&host);
}

/* A million names, and no more memory than for the bound. */
static void test_bounded_whatever_the_names(void **state)
{
    struct fixture *f = *state;
    struct host host = open_host(f);
    unsigned rounds = fixture_rounds(100000);

    for (unsigned i = 0; i < rounds; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i * 2654435761u);
        count_one(get(f, &host, name), i % 5 == 0 ? BREAKER_FAILURE : BREAKER_SUCCESS, 0);
        assert_in_range(breaker_panel_count(f->panel), 1, BOUND);
    }
    close_host(&host);
}

static void test_without_a_bound(void **state)
{
    struct fixture *f = *state;
    struct host host = {.policy = make_policy(NULL)};
    unsigned count = fixture_rounds(5000);

    for (unsigned i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        get(f, &host, name);
    }
    assert_int_equal(breaker_panel_count(f->panel), count);
    close_host(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BARE_TEST(test_found_or_made),
        BARE_TEST(test_the_unused_makes_room),
        BARE_TEST(test_only_the_idle_makes_room),
        BARE_TEST(test_destroyed_leaves_its_place),
        BARE_TEST(test_an_order_keeps_its_breaker),
        BARE_TEST(test_a_shared_order_keeps_its_breaker),
        BARE_TEST(test_bounded_whatever_the_names),
        VIRTUAL_TEST(test_without_a_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
