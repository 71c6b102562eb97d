/* Orders to the circuit: each from each state, with and without a request, holds, and their end with the
 * breaker's. */
#include "job.h"
#include "watcher.h"

typedef int (*order_fn)(breaker_t *breaker, breaker_order_t *order, breaker_order_cb done);

static void on_order(breaker_order_t *order, int status)
{
    not_inside();
    record(order->data, "order:%s", status_name(status));
}

static void put_into(struct fixture *f, breaker_t *breaker, breaker_state_t state)
{
    assert_int_equal(API(breaker_reset(breaker, NULL, NULL)), 0);
    if (state == BREAKER_PASSING)
        return;
    count_many(breaker, 3, BREAKER_FAILURE);
    if (state == BREAKER_RECOVERING) {
        f->clock += 1000;
        assert_true(is_admitted(breaker));
    }
    assert_int_equal(look(breaker).state, state);
}

/* An order is a transition, told as one, also from a state to itself. */
static void test_each_order_from_each_state(void **state)
{
    static const order_fn orders[] = {breaker_reset, breaker_trip, breaker_recover};
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct watcher *watcher = watcher_new(f, "w", BREAKER_ON_STATE_CHANGE);
    breaker_order_t *order = order_new(f);

    watch_breaker(watcher, breaker);
    for (int from = BREAKER_PASSING; from <= BREAKER_RECOVERING; from++) {
        for (int to = BREAKER_PASSING; to <= BREAKER_RECOVERING; to++) {
            uint64_t epoch;
            put_into(f, breaker, (breaker_state_t)from);
            settle_down(f);
            forget(f);
            f->clock += 10;
            epoch = look(breaker).epoch;
            assert_int_equal(API(orders[to](breaker, order, on_order)), 0);
            assert_int_equal(look(breaker).state, to); /* in the call */
            assert_int_equal(look(breaker).epoch, epoch + 1);
            assert_int_equal(look(breaker).since, f->clock);
            expect(f, "");
            settle_down(f);
            assert_int_equal(watcher->last.from, from);
            assert_int_equal(watcher->last.to, to);
            assert_memory_equal(f->trace, "order:0 w:", 10);
        }
    }
}

static void test_trip_begins_broken_anew(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");

    assert_int_equal(API(breaker_trip(breaker, NULL, NULL)), 0);
    f->clock += 800;
    assert_int_equal(breaker_retry_after(breaker), 200);
    assert_int_equal(API(breaker_trip(breaker, NULL, NULL)), 0);
    assert_int_equal(breaker_retry_after(breaker), 1000);
    assert_int_equal(look(breaker).totals.trips, 2);
    f->clock += 1000;
    assert_true(is_admitted(breaker));
}

static void test_reset_forgets_the_trips(void **state)
{
    struct fixture *f = *state;
    breaker_options_t options;
    breaker_t *breaker;

    quick_options(&options);
    options.broken_factor = 3;
    breaker = make_breaker(f, "a", &options);
    assert_int_equal(API(breaker_trip(breaker, NULL, NULL)), 0);
    assert_int_equal(API(breaker_recover(breaker, NULL, NULL)), 0);
    assert_int_equal(API(breaker_trip(breaker, NULL, NULL)), 0);
    assert_int_equal(look(breaker).trips, 2);
    assert_int_equal(breaker_retry_after(breaker), 3000);
    assert_int_equal(API(breaker_reset(breaker, NULL, NULL)), 0);
    assert_int_equal(look(breaker).trips, 0);
    assert_int_equal(look(breaker).counts.failed, 0);
    assert_int_equal(API(breaker_trip(breaker, NULL, NULL)), 0);
    assert_int_equal(breaker_retry_after(breaker), 1000);
}

static void test_recover_with_immediate(void **state)
{
    struct fixture *f = *state;
    breaker_options_t options;
    breaker_t *breaker;

    quick_options(&options);
    options.recovery = BREAKER_IMMEDIATE;
    breaker = make_breaker(f, "a", &options);
    assert_int_equal(API(breaker_trip(breaker, NULL, NULL)), 0);
    assert_int_equal(API(breaker_recover(breaker, NULL, NULL)), 0);
    assert_int_equal(look(breaker).state, BREAKER_PASSING);
}

/* What was admitted before an order is of an earlier epoch. */
static void test_against_live_traffic(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");
    breaker_permit_t permit;

    job_begin(job, breaker);
    turns(f, 1);
    assert_int_equal(API(breaker_try_acquire(breaker, &permit)), 0);
    count_many(breaker, 2, BREAKER_FAILURE);
    assert_int_equal(API(breaker_reset(breaker, NULL, NULL)), 0);
    assert_int_equal(API(breaker_report(breaker, &permit, BREAKER_FAILURE, 0)), BREAKER_ESTALE);
    job_finish(job, UV_EPIPE);
    turns(f, 1);
    assert_int_equal(look(breaker).state, BREAKER_PASSING);
    assert_int_equal(look(breaker).counts.failed, 0);
    assert_int_equal(look(breaker).totals.late, 2);
    assert_int_equal(look(breaker).in_flight, 0);
    expect(f, "start:job | done:job:EPIPE |"); /* its caller is told all the same */
    assert_int_equal(job->call.outcome, BREAKER_FAILURE);
}

/* ---- Holds -------------------------------------------------------------------------------------*/

static void hold(breaker_t *breaker, breaker_hold_t kind)
{
    assert_int_equal(API(breaker_hold(breaker, kind, NULL, NULL)), 0);
    assert_int_equal(look(breaker).hold, kind);
}

static void test_holds(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    uint64_t epoch = look(breaker).epoch;

    hold(breaker, BREAKER_HOLD_OPEN);
    assert_int_equal(look(breaker).epoch, epoch + 1);
    assert_false(is_admitted(breaker));
    assert_true(breaker_retry_after(breaker) == UINT64_MAX);
    hold(breaker, BREAKER_HOLD_CLOSED);
    count_many(breaker, 10, BREAKER_FAILURE); /* admitted, and not counted */
    assert_int_equal(look(breaker).state, BREAKER_PASSING);
    assert_int_equal(look(breaker).counts.failed, 0);
    assert_int_equal(look(breaker).totals.failed, 10);
    hold(breaker, BREAKER_HOLD_WATCH);
    count_many(breaker, 3, BREAKER_FAILURE);
    assert_int_equal(look(breaker).state, BREAKER_BROKEN);
    assert_true(is_admitted(breaker));
    hold(breaker, BREAKER_HOLD_NONE); /* the circuit beneath has kept its state */
    assert_int_equal(look(breaker).state, BREAKER_BROKEN);
    assert_false(is_admitted(breaker));
    epoch = look(breaker).epoch;
    hold(breaker, BREAKER_HOLD_NONE); /* no change, no epoch */
    assert_int_equal(look(breaker).epoch, epoch);
}

static void test_what_is_under_way_when_held(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    breaker_permit_t before, meanwhile;

    assert_int_equal(API(breaker_try_acquire(breaker, &before)), 0);
    hold(breaker, BREAKER_HOLD_CLOSED);
    assert_int_equal(API(breaker_try_acquire(breaker, &meanwhile)), 0);
    hold(breaker, BREAKER_HOLD_NONE);
    assert_int_equal(API(breaker_report(breaker, &before, BREAKER_FAILURE, 0)), BREAKER_ESTALE);
    assert_int_equal(API(breaker_report(breaker, &meanwhile, BREAKER_FAILURE, 0)), 0);
    assert_int_equal(look(breaker).counts.failed, 0);
    assert_int_equal(look(breaker).in_flight, 0);
    (void)f;
}

/* ---- The request -------------------------------------------------------------------------------*/

static void again(breaker_order_t *order, int status)
{
    struct fixture *f = order->data;

    on_order(order, status);
    assert_int_equal(API(breaker_trip(breaker_find(f->panel, "a"), order, on_order)), 0);
}

static void test_the_request(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    breaker_order_t *one = order_new(f), *two = order_new(f);

    one->library.in_use = 1; /* without a callback it is not used, whatever lies there */
    assert_int_equal(API(breaker_trip(breaker, one, NULL)), 0);
    one->library.in_use = 0;
    assert_int_equal(API(breaker_reset(breaker, two, on_order)), 0);
    assert_int_equal(API(breaker_hold(breaker, BREAKER_HOLD_WATCH, one, again)), 0);
    assert_int_equal(API(breaker_trip(breaker, two, on_order)), UV_EBUSY);
    turns(f, 2);
    expect(f, "order:0 order:0 / order:0 | |");
    assert_int_equal(API(breaker_recover(breaker, one, on_order)), 0);
    API_VOID(breaker_destroy(breaker));
    turns(f, 1);
    expect(f, "order:ECANCELED |");
}

static void test_refresh(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    breaker_snapshot_t before = look(breaker), after;

    assert_int_equal(API(breaker_refresh(breaker, order_new(f), on_order)), 0);
    assert_int_equal(API(breaker_refresh(breaker, NULL, NULL)), 0);
    turns(f, 1);
    expect(f, "order:0 |");
    after = look(breaker);
    assert_memory_equal(&before, &after, sizeof before);
}

static void test_trip_for(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");

    assert_int_equal(API(breaker_trip_for(breaker, 0, NULL, NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_trip_for(breaker, BREAKER_TIME_MAX + 1, NULL, NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_trip_for(NULL, 1, NULL, NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_trip_for(breaker, 77000, order_new(f), on_order)), 0);
    assert_int_equal(look(breaker).state, BREAKER_BROKEN);
    assert_int_equal(look(breaker).retry_after, 77000);
    turns(f, 1);
    expect(f, "order:0 |");
    f->clock += 76999;
    assert_false(is_admitted(breaker));
    f->clock += 1;
    assert_true(is_admitted(breaker));
    assert_int_equal(API(breaker_trip(breaker, NULL, NULL)), 0); /* the next has the rules' time */
    assert_int_equal(look(breaker).retry_after, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIRTUAL_TEST(test_each_order_from_each_state),
        VIRTUAL_TEST(test_trip_begins_broken_anew),
        VIRTUAL_TEST(test_trip_for),
        VIRTUAL_TEST(test_reset_forgets_the_trips),
        VIRTUAL_TEST(test_recover_with_immediate),
        VIRTUAL_TEST(test_against_live_traffic),
        VIRTUAL_TEST(test_holds),
        VIRTUAL_TEST(test_what_is_under_way_when_held),
        VIRTUAL_TEST(test_the_request),
        VIRTUAL_TEST(test_refresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
