/* Listings: the names of shared circuits, read back from a storage that is quick, slow, wrong or gone. */
#include "fake.h"
#include "fixture.h"

#include <breaker/storage.h>
#include <string.h>

enum { DELAY = 10, CROWD = 900 };

struct town {
    struct fixture *f;
    struct fake *fake;

    uv_timer_t keeper; /* the program's own business, which keeps the loop alive */
    breaker_listing_t listing;
    unsigned seen[CROWD], others, ends;
    int status;
    bool again, destroys;
};

static struct town town;

static void on_keeper(uv_timer_t *keeper)
{
    (void)keeper;
}

static void town_open(void **state, uint64_t delay)
{
    breaker_panel_options_t options;

    memset(&town, 0, sizeof town);
    town.f = *state;
    town.fake = fake_create(1);
    fake_switches(town.fake)->request = delay;
    breaker_panel_options_init(&options);
    options.storage = fake_storage(town.fake);
    fixture_panel(town.f, &options, true);
    town.listing.data = &town;
    uv_timer_init(&town.f->loop, &town.keeper);
    uv_timer_start(&town.keeper, on_keeper, 1000000000, 0);
}

static void pass(uint64_t ms)
{
    for (; ms > 0; ms--) {
        town.f->clock++;
        fake_advance(town.fake, 1);
        for (int i = 0; i < 3; i++)
            uv_run(&town.f->loop, UV_RUN_NOWAIT);
    }
}

static void town_close(void)
{
    if (town.f->panel != NULL)
        fixture_destroy_panel(town.f);
    for (int i = 0; i < 100 && town.f->destroyed == 0; i++)
        pass(1);
    uv_close((uv_handle_t *)&town.keeper, NULL);
    fixture_wait_destroyed(town.f);
    fake_destroy(town.fake);
}

static breaker_t *shared(const char *name)
{
    breaker_options_t options;

    breaker_options_init(&options);
    return make_breaker(town.f, name, &options);
}

static void on_end(breaker_listing_t *listing, int status);

static void on_name(breaker_listing_t *listing, const char *name)
{
    struct town *t = listing->data;
    unsigned number;

    not_inside();
    if (sscanf(name, "host-%u", &number) == 1 && number < CROWD)
        t->seen[number]++;
    else
        t->others++;
    if (t->destroys)
        fixture_destroy_panel(t->f);
    t->destroys = false;
}

static void on_end(breaker_listing_t *listing, int status)
{
    struct town *t = listing->data;

    not_inside();
    t->ends++;
    t->status = status;
    if (t->again)
        assert_int_equal(API(breaker_list(t->f->panel, listing, on_name, on_end)), 0);
    t->again = false;
}

static int list(void)
{
    return API(breaker_list(town.f->panel, &town.listing, on_name, on_end));
}

static void crowd(void)
{
    char name[32];

    for (unsigned i = 0; i < CROWD; i++) {
        snprintf(name, sizeof name, "host-%u", i);
        count_one(shared(name), BREAKER_SUCCESS, 0);
    }
    pass(800);
}

static void test_all_names(void **state)
{
    town_open(state, DELAY);
    shared("never used");
    crowd();
    assert_int_equal(list(), 0);
    assert_int_equal(list(), UV_EBUSY);
    pass(40 * DELAY);
    assert_int_equal(town.ends, 1);
    assert_int_equal(town.status, 0);
    assert_int_equal(town.others, 0);
    for (unsigned i = 0; i < CROWD; i++)
        assert_true(town.seen[i] >= 1);
    town.again = true; /* at once, from done */
    assert_int_equal(list(), 0);
    pass(80 * DELAY);
    assert_int_equal(town.ends, 3);
    town_close();
}

/* So is what was only ordered. */
static void test_an_order_is_a_use(void **state)
{
    town_open(state, DELAY);
    assert_int_equal(breaker_trip(shared("host-1"), NULL, NULL), 0);
    pass(10 * DELAY);
    assert_int_equal(list(), 0);
    pass(10 * DELAY);
    assert_int_equal(town.seen[1], 1);
    town_close();
}

/* Half a day later the list still has it, two days later no more; who is used comes back. */
static void test_names_age(void **state)
{
    breaker_t *breaker;

    town_open(state, 0);
    breaker = shared("host-1");
    pass(1);
    count_one(breaker, BREAKER_SUCCESS, 0);
    pass(20);
    for (unsigned half = 0; half < 2; half++) {
        town.seen[1] = 0;
        assert_int_equal(list(), 0);
        pass(1);
        assert_int_equal(town.seen[1], 1);
        town.f->clock += 11 * 3600000;
        fake_advance(town.fake, 11 * 3600000);
        if (half == 0)
            continue;
        town.f->clock += 48 * 3600000;
        fake_advance(town.fake, 48 * 3600000);
    }
    town.seen[1] = 0;
    list();
    pass(1);
    assert_int_equal(town.seen[1], 0);
    count_one(breaker, BREAKER_SUCCESS, 0);
    pass(20);
    list();
    pass(1);
    assert_int_equal(town.seen[1], 1);
    town_close();
}

static void test_in_trouble(void **state)
{
    town_open(state, DELAY);
    count_one(shared("host-1"), BREAKER_SUCCESS, 0);
    pass(100);
    fake_next(town.fake, FAKE_AGAIN, 1);
    assert_int_equal(list(), 0);
    pass(2 * DELAY);
    assert_int_equal(town.ends, 1);
    assert_int_equal(town.status, UV_EAGAIN);
    fake_next(town.fake, FAKE_SILENT, 1);
    assert_int_equal(list(), 0);
    pass(600);
    assert_int_equal(town.ends, 2);
    assert_int_equal(town.status, UV_ETIMEDOUT);
    assert_int_equal(town.seen[1] + town.others, 0);
    town_close();
}

static void test_the_panel_ends(void **state)
{
    town_open(state, DELAY);
    assert_int_equal(list(), 0);
    fixture_destroy_panel(town.f);
    pass(1);
    assert_int_equal(town.ends, 1);
    assert_int_equal(town.status, UV_ECANCELED);
    town_close();
}

static void test_the_panel_ends_at_a_name(void **state)
{
    town_open(state, 0);
    crowd();
    town.destroys = true;
    assert_int_equal(list(), 0);
    pass(5);
    assert_int_equal(town.ends, 1);
    assert_int_equal(town.status, UV_ECANCELED);
    unsigned told = 0;
    for (unsigned i = 0; i < CROWD; i++)
        told += town.seen[i];
    assert_int_equal(told, 1);
    town_close();
}

static void test_misuse(void **state)
{
    breaker_listing_t listing = {0};
    struct fixture *f = *state;

    assert_int_equal(API(breaker_list(NULL, &listing, on_name, on_end)), UV_EINVAL);
    assert_int_equal(API(breaker_list(f->panel, NULL, on_name, on_end)), UV_EINVAL);
    assert_int_equal(API(breaker_list(f->panel, &listing, NULL, on_end)), UV_EINVAL);
    assert_int_equal(API(breaker_list(f->panel, &listing, on_name, NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_list(f->panel, &listing, on_name, on_end)), UV_ENOTSUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BARE_TEST(test_all_names),      BARE_TEST(test_an_order_is_a_use),
        BARE_TEST(test_names_age),      BARE_TEST(test_in_trouble),
        BARE_TEST(test_the_panel_ends), BARE_TEST(test_the_panel_ends_at_a_name),
        VIRTUAL_TEST(test_misuse),
    };
    return cmocka_run_group_tests_name("listings", tests, NULL, NULL);
}
