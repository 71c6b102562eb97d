/* A storage that was away says that it is there again: those who missed its answers ask at once, and
 * those who did not ask nothing. */
#include "fake.h"
#include "fixture.h"

#include <breaker/storage.h>

enum { TIMEOUT = 20, HOUR = 3600000 };

static struct fixture *f;
static struct fake *fake;
static breaker_t *busy, *idle;
static uv_timer_t other_work; /* the background keeps no loop alive */

static void on_other_work(uv_timer_t *timer)
{
    (void)timer;
}

static void wait(uint64_t ms)
{
    for (; ms > 0; ms--) {
        f->clock++;
        fake_advance(fake, 1);
        settle_down(f);
    }
}

static void begin(void **state)
{
    breaker_panel_options_t options;

    f = *state;
    fake = fake_create(1);
    breaker_panel_options_init(&options);
    options.storage = fake_storage(fake);
    options.storage_timeout = TIMEOUT;
    fixture_panel(f, &options, true);
    uv_timer_init(&f->loop, &other_work);
    uv_timer_start(&other_work, on_other_work, HOUR, 0);
    busy = make_breaker(f, "busy", NULL);
    idle = make_breaker(f, "idle", NULL);
    wait(100);
}

static void end(void)
{
    uv_close((uv_handle_t *)&other_work, NULL);
    fixture_destroy_panel(f);
    fixture_wait_destroyed(f);
    fake_destroy(fake);
}

static void test_who_missed_answers_asks_at_once(void **state)
{
    unsigned asked;

    begin(state);
    fake_go(fake);
    for (int i = 0; i < 10000 / TIMEOUT; i++) { /* its pauses have grown */
        count_one(busy, BREAKER_SUCCESS, 0);
        wait(TIMEOUT);
    }
    asked = fake_totals(fake)->submitted;
    wait(200);
    assert_in_range(fake_totals(fake)->submitted - asked, 0, 1);
    asked = fake_totals(fake)->submitted;
    fake_come_back(fake);
    wait(2);
    assert_true(fake_totals(fake)->submitted > asked);
    end();
}

static void test_who_missed_none_asks_nothing(void **state)
{
    unsigned asked;

    begin(state);
    fake_go(fake);
    wait(1000);
    asked = fake_totals(fake)->submitted;
    fake_come_back(fake);
    wait(1000);
    assert_int_equal(fake_totals(fake)->submitted, asked);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BARE_TEST(test_who_missed_answers_asks_at_once),
        BARE_TEST(test_who_missed_none_asks_nothing),
    };
    return cmocka_run_group_tests_name("found", tests, NULL, NULL);
}
