/* What makes no sense has a defined result: nulls, structs of another size, requests in a wrong state,
 * permits that are not good any more. Options, names and listeners: policy.c, registry.c, events.c. */
#include "job.h"
#include <string.h>

/* ---- Nulls -------------------------------------------------------------------------------------*/

static void test_nulls_for_a_panel(void **state)
{
    struct fixture *f = *state;
    breaker_panel_t *panel = f->panel;

    assert_int_equal(API(breaker_panel_create(NULL, &f->loop, NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_panel_create(&panel, NULL, NULL)), UV_EINVAL);
    assert_null(panel);
    assert_int_equal(API(breaker_panel_destroy(NULL, NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_panel_fork(NULL)), UV_EINVAL);
    assert_null(breaker_panel_data(NULL));
    assert_null(breaker_panel_loop(NULL));
    assert_int_equal(breaker_panel_count(NULL), 0);
    API_VOID(breaker_panel_options_init_sized(NULL, 8));
}

static int on_visit(void *data, breaker_t *breaker)
{
    (void)data;
    (void)breaker;
    return 1;
}

static void test_nulls_for_a_breaker(void **state)
{
    struct fixture *f = *state;
    breaker_policy_t *policy = make_policy(NULL);
    breaker_t *breaker = quick_breaker(f, "a"), *none;
    breaker_permit_t permit = {0, 0};

    assert_int_equal(API(breaker_create(NULL, f->panel, "b", policy)), UV_EINVAL);
    none = breaker;
    assert_int_equal(API(breaker_create(&none, NULL, "b", policy)), UV_EINVAL);
    assert_null(none);
    assert_int_equal(API(breaker_create(&none, f->panel, NULL, policy)), UV_EINVAL);
    assert_int_equal(API(breaker_create(&none, f->panel, "b", NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_obtain(NULL, f->panel, "b", policy)), UV_EINVAL);
    none = breaker;
    assert_int_equal(API(breaker_obtain(&none, NULL, "b", policy)), UV_EINVAL);
    assert_null(none);
    assert_int_equal(API(breaker_obtain(&none, f->panel, NULL, policy)), UV_EINVAL);
    assert_int_equal(API(breaker_obtain(&none, f->panel, "b", NULL)), UV_EINVAL);
    API_VOID(breaker_destroy(NULL));
    assert_null(breaker_find(NULL, "a"));
    assert_int_equal(API(breaker_each(NULL, on_visit, NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_each(f->panel, NULL, NULL)), UV_EINVAL);
    assert_non_null(breaker_name(NULL));
    assert_null(breaker_panel(NULL));
    assert_null(breaker_policy(NULL));
    assert_int_equal(API(breaker_policy_exclude(NULL, 1)), UV_EINVAL);
    assert_int_equal(API(breaker_policy_include(NULL, 1)), UV_EINVAL);
    assert_int_equal(API(breaker_try_acquire(NULL, &permit)), UV_EINVAL);
    assert_int_equal(API(breaker_try_acquire(breaker, NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_report(NULL, &permit, BREAKER_SUCCESS, 0)), UV_EINVAL);
    assert_int_equal(API(breaker_report(breaker, NULL, BREAKER_SUCCESS, 0)), UV_EINVAL);
    assert_int_equal(breaker_retry_after(NULL), 0);
    assert_int_equal(breaker_panel_count(f->panel), 1);
    API_VOID(breaker_policy_destroy(policy));
}

static void test_nulls_for_requests(void **state)
{
    (void)state;
    API_VOID(breaker_call_init_sized(NULL, sizeof(breaker_call_t)));
    assert_int_equal(API(breaker_finish(NULL, 0)), UV_EINVAL);
    assert_int_equal(API(breaker_finish_as(NULL, 0, BREAKER_SUCCESS)), UV_EINVAL);
    assert_int_equal(API(breaker_cancel(NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_trip(NULL, NULL, NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_recover(NULL, NULL, NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_reset(NULL, NULL, NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_hold(NULL, BREAKER_HOLD_NONE, NULL, NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_refresh(NULL, NULL, NULL)), UV_EINVAL);
}

/* ---- Sizes and ranges --------------------------------------------------------------------------*/

static int create_with(struct fixture *f, const breaker_panel_options_t *options)
{
    breaker_panel_t *panel = f->panel;
    int status = API(breaker_panel_create(&panel, &f->loop, options));

    assert_null(panel);
    return status;
}

static void test_panel_options(void **state)
{
    struct fixture *f = *state;
    breaker_panel_options_t o;

    memset(&o, 0, sizeof o);
    assert_int_equal(create_with(f, &o), UV_EINVAL);
    breaker_panel_options_init_sized(&o, sizeof o - 8);
    assert_int_equal(create_with(f, &o), UV_EINVAL);
    breaker_panel_options_init_sized(&o, sizeof o + 8);
    assert_int_equal(create_with(f, &o), UV_EINVAL);
#define REFUSED(field, value)                           \
    (breaker_panel_options_init(&o), o.field = (value), \
     assert_int_equal(create_with(f, &o), UV_EINVAL))
    REFUSED(max_events, 0);
    REFUSED(max_events, 65537);
    REFUSED(max_turns, 0);
    REFUSED(max_turns, 65537);
    REFUSED(storage_timeout, 0);
    REFUSED(storage_timeout, BREAKER_TIME_MAX + 1);
    assert_false(uv_loop_alive(&f->loop));
}

static void test_requests_of_another_size(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");

    memset(&job->call, 0, sizeof job->call);
    assert_int_equal(job_call(job, breaker), UV_EINVAL);
    assert_int_equal(API(breaker_finish(&job->call, 0)), UV_EINVAL);
    assert_int_equal(API(breaker_finish_as(&job->call, 0, BREAKER_SUCCESS)), UV_EINVAL);
    assert_int_equal(API(breaker_cancel(&job->call)), UV_EINVAL);
    API_VOID(breaker_call_init_sized(&job->call, sizeof job->call - 8)); /* of an older header */
    assert_int_equal(job_call(job, breaker), UV_EINVAL);
    memset(&job->call, 0xff, sizeof job->call);
    assert_int_equal(job_call(job, breaker), UV_EINVAL);
    assert_int_equal(look(breaker).in_flight, 0);
    turns(f, 1);
    expect(f, "|");
}

static void test_times_over_a_day(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");

    job->call.timeout = BREAKER_TIME_MAX + UINT64_C(1);
    assert_int_equal(job_call(job, breaker), UV_EINVAL);
    job->call.timeout = UINT64_MAX;
    assert_int_equal(job_call(job, breaker), UV_EINVAL);
    job->call.timeout = BREAKER_TIME_MAX;
    job->in_start = finish_well;
    job_begin(job, breaker);
    turns(f, 1);
    expect(f, "start:job done:job:0 |");
}

static void test_holds_that_are_none(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");

    for (int hold = -1; hold <= 5; hold++)
        if (hold < BREAKER_HOLD_NONE || hold > BREAKER_HOLD_WATCH)
            assert_int_equal(API(breaker_hold(breaker, (breaker_hold_t)hold, NULL, NULL)),
                             UV_EINVAL);
    assert_int_equal(look(breaker).hold, BREAKER_HOLD_NONE);
}

/* ---- Permits -----------------------------------------------------------------------------------*/

static void test_a_permit_reported_twice(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    breaker_permit_t permit, zeroed = {0, 0};
    breaker_snapshot_t before, after;

    assert_int_equal(API(breaker_report(breaker, &zeroed, BREAKER_FAILURE, 0)), BREAKER_ESTALE);
    assert_int_equal(API(breaker_try_acquire(breaker, &permit)), 0);
    assert_int_equal(API(breaker_report(breaker, &permit, BREAKER_FAILURE, UV_EIO)), 0);
    assert_int_equal(permit.epoch, 0);
    before = look(breaker);
    assert_int_equal(API(breaker_report(breaker, &permit, BREAKER_FAILURE, 0)), BREAKER_ESTALE);
    after = look(breaker); /* nothing happened, not even to the count of late ones */
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(after.totals.failed, 1);
}

/* A copy cannot be told apart; it is counted, and does no other harm. */
static void test_a_copy_of_a_permit(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    breaker_permit_t permit, copy;

    assert_int_equal(API(breaker_try_acquire(breaker, &permit)), 0);
    copy = permit;
    assert_int_equal(API(breaker_report(breaker, &permit, BREAKER_SUCCESS, 0)), 0);
    assert_int_equal(API(breaker_report(breaker, &copy, BREAKER_SUCCESS, 0)), 0);
    assert_int_equal(look(breaker).in_flight, 0);
}

static void test_no_such_outcome(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    breaker_permit_t permit, before;

    assert_int_equal(API(breaker_try_acquire(breaker, &permit)), 0);
    before = permit;
    for (int outcome = -1; outcome < 8; outcome++)
        if (outcome < BREAKER_SUCCESS || outcome > BREAKER_CANCELLED)
            assert_int_equal(API(breaker_report(breaker, &permit, (breaker_outcome_t)outcome, 0)),
                             UV_EINVAL);
    assert_memory_equal(&permit, &before, sizeof permit); /* kept */
    assert_int_equal(look(breaker).in_flight, 1);
    assert_int_equal(API(breaker_report(breaker, &permit, BREAKER_SUCCESS, 0)), 0);
}

/* Refused: the permit is cleared, whatever was in it. */
static void test_a_refused_permit(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    breaker_permit_t permit = {77, 77};

    assert_int_equal(API(breaker_trip(breaker, NULL, NULL)), 0);
    assert_int_equal(API(breaker_try_acquire(breaker, &permit)), BREAKER_EREJECTED);
    assert_int_equal(permit.epoch, 0);
    assert_int_equal(permit.start, 0);
    assert_int_equal(API(breaker_report(breaker, &permit, BREAKER_SUCCESS, 0)), BREAKER_ESTALE);
}

/* From PASSING through a full cycle into PASSING: still of an earlier epoch. */
static void test_an_old_permit(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    breaker_permit_t old[4];
    breaker_snapshot_t before, after;

    for (int i = 0; i < 4; i++)
        assert_int_equal(API(breaker_try_acquire(breaker, &old[i])), 0);
    count_many(breaker, 3, BREAKER_FAILURE);
    assert_int_equal(API(breaker_report(breaker, &old[0], BREAKER_SUCCESS, 0)), BREAKER_ESTALE);
    f->clock += 1000;
    assert_true(is_admitted(breaker)); /* RECOVERING */
    assert_int_equal(API(breaker_report(breaker, &old[1], BREAKER_SUCCESS, 0)), BREAKER_ESTALE);
    assert_int_equal(look(breaker).state, BREAKER_RECOVERING);
    assert_int_equal(API(breaker_report(breaker, &old[2], BREAKER_FAILURE, 1)), BREAKER_ESTALE);
    assert_int_equal(look(breaker).state, BREAKER_RECOVERING);
    count_one(breaker, BREAKER_SUCCESS, 0);
    before = look(breaker);
    assert_int_equal(before.state, BREAKER_PASSING);
    assert_int_equal(API(breaker_report(breaker, &old[3], BREAKER_FAILURE, 1)), BREAKER_ESTALE);
    after = look(breaker);
    assert_int_equal(after.totals.late, 4);
    assert_int_equal(after.in_flight, 0);
    after.totals.late = before.totals.late;
    after.in_flight = before.in_flight;
    assert_memory_equal(&before, &after, sizeof before);
}

static void test_texts(void **state)
{
    (void)state;
    for (int code = -30000; code < 300; code++)
        assert_non_null(breaker_strerror(code));
    assert_string_equal(breaker_strerror(UV_ECONNREFUSED), uv_strerror(UV_ECONNREFUSED));
    assert_string_not_equal(breaker_strerror(BREAKER_EREJECTED), breaker_strerror(-29999));
    assert_string_equal(breaker_state_name(BREAKER_RECOVERING), "RECOVERING");
    assert_string_equal(breaker_state_name((breaker_state_t)3), "?");
    assert_string_equal(breaker_version(), BREAKER_VERSION_STRING);
    assert_int_equal(breaker_replace_allocator(NULL, NULL, NULL), UV_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIRTUAL_TEST(test_nulls_for_a_panel),
        VIRTUAL_TEST(test_nulls_for_a_breaker),
        VIRTUAL_TEST(test_nulls_for_requests),
        VIRTUAL_TEST(test_panel_options),
        VIRTUAL_TEST(test_requests_of_another_size),
        VIRTUAL_TEST(test_times_over_a_day),
        VIRTUAL_TEST(test_holds_that_are_none),
        VIRTUAL_TEST(test_a_permit_reported_twice),
        VIRTUAL_TEST(test_a_copy_of_a_permit),
        VIRTUAL_TEST(test_no_such_outcome),
        VIRTUAL_TEST(test_a_refused_permit),
        VIRTUAL_TEST(test_an_old_permit),
        VIRTUAL_TEST(test_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
