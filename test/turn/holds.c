/* Holds over dialects, which know none themselves; what is local and what is not; policies. */
#include "scene.h"

static void test_forced_open_and_closed(void **state)
{
    struct scene scene;

    scene_open(&scene, state, 0, 4);
    assert_int_equal(API(breaker_hold(scene.breaker, BREAKER_HOLD_OPEN, NULL, NULL)), 0);
    scene_call(&scene, "a", true, 0);
    settle_down(scene.f);
    expect(scene.f, "a:refused a:released");
    assert_true(breaker_retry_after(scene.breaker) == UINT64_MAX);
    assert_int_equal(API(breaker_hold(scene.breaker, BREAKER_HOLD_CLOSED, NULL, NULL)), 0);
    for (unsigned i = 0; i < 5; i++) {
        scene_call(&scene, "b", true, UV_ECONNRESET);
        settle_down(scene.f);
    }
    expect(scene.f, "b:start b:failed b:released b:start b:failed b:released b:start b:failed "
                    "b:released b:start b:failed b:released b:start b:failed b:released");
    assert_int_equal(look(scene.breaker).state, BREAKER_PASSING);
    assert_int_equal(look(scene.breaker).in_flight, 0);
    scene_close(&scene);
}

static void test_watched(void **state)
{
    struct scene scene;

    scene_open(&scene, state, 0, 4);
    assert_int_equal(API(breaker_trip(scene.breaker, NULL, NULL)), 0);
    assert_int_equal(API(breaker_hold(scene.breaker, BREAKER_HOLD_WATCH, NULL, NULL)), 0);
    settle_down(scene.f);
    scene_call(&scene, "a", true, 0);
    settle_down(scene.f);
    expect(scene.f, "a:start a:ok a:released");
    assert_int_equal(look(scene.breaker).state, BREAKER_BROKEN);
    assert_int_equal(look(scene.breaker).totals.rejected, 1);
    assert_int_equal(look(scene.breaker).totals.admitted, 1);
    assert_int_equal(look(scene.breaker).in_flight, 0);
    scene_close(&scene);
}

static void test_at_once_is_for_local_circuits(void **state)
{
    struct scene scene;
    breaker_permit_t permit = {1, 0};
    breaker_options_t options;
    breaker_aiomisc_t aiomisc;
    breaker_t *local;
    breaker_aiomisc_snapshot_t seen;
    breaker_pybreaker_snapshot_t other;

    scene_open(&scene, state, 0, 4);
    assert_int_equal(breaker_try_acquire(scene.breaker, &permit), UV_ENOTSUP);
    assert_int_equal(breaker_report(scene.breaker, &permit, BREAKER_SUCCESS, 0), UV_ENOTSUP);
    breaker_aiomisc_init(&aiomisc);
    breaker_options_init(&options);
    options.dialect = &aiomisc.dialect;
    local = make_breaker(scene.f, "aiomisc", &options);
    assert_int_equal(breaker_try_acquire(local, &permit), 0);
    assert_int_equal(breaker_report(local, &permit, BREAKER_FAILURE, UV_ECONNRESET), 0);
    assert_int_equal(breaker_aiomisc_inspect(local, &seen), 0);
    assert_int_equal(seen.last_error, UV_ECONNRESET);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(breaker_pybreaker_inspect(local, &other), UV_EINVAL);
    assert_int_equal(breaker_pybreaker_inspect(scene.breaker, &other), 0);
    scene_close(&scene);
}

static void test_policies_of_one_kind(void **state)
{
    struct scene scene;
    breaker_options_t options;
    breaker_pybreaker_t py;
    breaker_lasier_t lasier;
    breaker_policy_t *other, *same, *native;
    const char *bad;

    scene_open(&scene, state, 0, 4);
    breaker_options_init(&options);
    assert_int_equal(breaker_policy_create(&native, &options, &bad), 0);
    breaker_pybreaker_init(&py);
    py.fail_max = 1;
    options.dialect = &py.dialect;
    assert_int_equal(breaker_policy_create(&same, &options, &bad), 0);
    breaker_lasier_init(&lasier);
    options.dialect = &lasier.dialect;
    assert_int_equal(breaker_policy_create(&other, &options, &bad), 0);
    assert_int_equal(breaker_set_policy(scene.breaker, native), UV_EINVAL);
    assert_int_equal(breaker_set_policy(scene.breaker, other), UV_EINVAL);
    breaker_policy_destroy(other);
    assert_int_equal(breaker_set_policy(scene.breaker, same), 0);
    scene_call(&scene, "a", true, UV_ECONNRESET);
    settle_down(scene.f);
    expect(scene.f, "a:start a:tripped a:released");
    py.dialect.kind = 99;
    options.dialect = &py.dialect;
    assert_int_equal(breaker_policy_create(&other, &options, &bad), UV_EINVAL);
    assert_string_equal(bad, "dialect");
    breaker_policy_destroy(same);
    breaker_policy_destroy(native);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BARE_TEST(test_forced_open_and_closed),
        BARE_TEST(test_watched),
        BARE_TEST(test_at_once_is_for_local_circuits),
        BARE_TEST(test_policies_of_one_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
