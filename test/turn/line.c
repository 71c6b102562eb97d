/* More shared circuits than memory for their transactions, by far: who is due waits in line, and is asked
 * about again only when something came back. */
#include "fake.h"
#include "fixture.h"

#include <breaker/storage.h>
#include <stdio.h>

enum { CIRCUITS = 1000, AT_ONCE = 256, DELAY = 10, TIMEOUT = 200, HOUR = 3600000 };

struct line {
    struct fixture *f;
    struct fake *fake;
    uv_timer_t other_work; /* the background keeps no loop alive */
    uv_prepare_t between;  /* what came back, and what is sent for it */
    breaker_t *circuits[CIRCUITS];
    breaker_order_t orders[CIRCUITS];
    unsigned told;
};

static void wait(struct line *line, uint64_t ms)
{
    line->f->clock += ms;
    fake_advance(line->fake, ms);
    settle_down(line->f);
}

static void on_other_work(uv_timer_t *timer)
{
    (void)timer;
}

/* Each has something to ask. */
static struct line *form(void **state, const breaker_options_t *circuit)
{
    struct line *line = keep(*state, sizeof *line);
    breaker_panel_options_t options;
    char name[16];

    line->f = *state;
    line->fake = fake_create(1);
    fake_switches(line->fake)->reply = DELAY;
    breaker_panel_options_init(&options);
    options.storage = fake_storage(line->fake);
    options.storage_timeout = TIMEOUT;
    fixture_panel(line->f, &options, true);
    uv_timer_init(&line->f->loop, &line->other_work);
    uv_timer_start(&line->other_work, on_other_work, HOUR, 0);
    for (int i = 0; i < CIRCUITS; i++) {
        snprintf(name, sizeof name, "host%d", i);
        line->circuits[i] = make_breaker(line->f, name, circuit);
        count_one(line->circuits[i], BREAKER_SUCCESS, 0);
    }
    wait(line, 0);
    assert_int_equal(fake_totals(line->fake)->submitted, AT_ONCE);
    return line;
}

static void disperse(struct line *line)
{
    uv_close((uv_handle_t *)&line->other_work, NULL);
    fixture_destroy_panel(line->f);
    for (int i = 0; i < 100 && line->f->destroyed == 0; i++)
        wait(line, DELAY);
    assert_int_equal(fake_pending(line->fake), 0);
    fixture_wait_destroyed(line->f);
    fake_destroy(line->fake);
}

static void test_all_have_their_turn(void **state)
{
    struct line *line = form(state, NULL);

    for (int i = 0; i < 100 && fake_pending(line->fake) > 0; i++)
        wait(line, DELAY);
    assert_int_equal(fake_pending(line->fake), 0);
    assert_true(fake_totals(line->fake)->carried_out >= CIRCUITS);
    disperse(line);
}

/* While a storage is silent, those in line cost nothing: there is nothing to do before a deadline. */
static void test_a_silent_storage_makes_no_work(void **state)
{
    struct line *line = form(state, NULL);
    unsigned busy = 0;

    for (int i = 0; i < TIMEOUT / 2; i++) { /* a timer may come before its time now and then */
        int sleep = uv_backend_timeout(&line->f->loop);
        busy += sleep == 0 || sleep == 1;
        line->f->clock++;
        settle_down(line->f);
    }
    assert_in_range(busy, 0, TIMEOUT / 4);             /* of half of it */
    for (int i = 0; i < 2 * CIRCUITS / AT_ONCE; i++) { /* and the deadlines let all of them try */
        line->f->clock += TIMEOUT;
        settle_down(line->f);
    }
    assert_true(fake_totals(line->fake)->submitted >= CIRCUITS);
    disperse(line);
}

/* The first, the last and those between go: the others are served. */
static void test_they_leave_the_line(void **state)
{
    struct line *line = form(state, NULL);
    unsigned left = 0;

    for (int i = CIRCUITS - 1; i >= 0; i--)
        if (i % 2 == 1 || i < 10) {
            breaker_destroy(line->circuits[i]);
            left++;
        }
    for (int i = 0; i < 100; i++)
        wait(line, DELAY);
    assert_int_equal(fake_pending(line->fake), 0);
    assert_true(fake_totals(line->fake)->submitted >= CIRCUITS - left);
    disperse(line);
}

static void test_all_leave_the_line(void **state)
{
    struct line *line = form(state, NULL);

    for (int i = 0; i < CIRCUITS; i++)
        breaker_destroy(line->circuits[i]);
    assert_int_equal(fake_pending(line->fake), 0);
    disperse(line);
}

static void on_told(breaker_order_t *order, int status)
{
    struct line *line = order->data;

    assert_true(status == 0 || status == UV_ECANCELED);
    line->told++;
}

/* Those who are called, whichever end of the names it began with. */
static void on_between(uv_prepare_t *between)
{
    struct line *line = between->data;

    if (fake_pending(line->fake) > 0)
        return;
    for (int i = AT_ONCE; i < CIRCUITS - AT_ONCE; i++)
        breaker_destroy(line->circuits[i]);
    uv_close((uv_handle_t *)between, NULL);
}

static void test_who_is_called_and_goes_calls_the_next(void **state)
{
    breaker_options_t circuit;
    struct line *line;

    breaker_options_init(&circuit);
    circuit.share = BREAKER_SHARE_STATE; /* nobody asks twice */
    line = form(state, &circuit);
    for (int i = 0; i < 100; i++) /* until they have nothing more to ask */
        wait(line, DELAY);
    for (int i = 0; i < CIRCUITS; i++) {
        line->orders[i].data = line;
        assert_int_equal(breaker_refresh(line->circuits[i], &line->orders[i], on_told), 0);
    }
    wait(line, 0);
    assert_int_equal(fake_pending(line->fake), AT_ONCE);
    uv_prepare_init(&line->f->loop, &line->between);
    line->between.data = line;
    uv_prepare_start(&line->between, on_between);
    for (int i = 0; i < 100 && line->told < CIRCUITS; i++)
        wait(line, DELAY);
    assert_true(uv_is_closing((uv_handle_t *)&line->between));
    assert_int_equal(line->told, CIRCUITS);
    disperse(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BARE_TEST(test_all_have_their_turn),
        BARE_TEST(test_a_silent_storage_makes_no_work),
        BARE_TEST(test_they_leave_the_line),
        BARE_TEST(test_all_leave_the_line),
        BARE_TEST(test_who_is_called_and_goes_calls_the_next),
    };
    return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
