/* Two panels in two threads on one storage in memory: one circuit, seen from both. For TSan to look at. */
#include "fixture.h"

#include <breaker/dialects.h>
#include <breaker/storage.h>

enum { CALLS = 2000 };

struct side {
    breaker_storage_t *storage;
    uv_loop_t loop;
    breaker_panel_t *panel;
    breaker_t *breaker;
    breaker_call_t call;
    unsigned left, done, tripped, refused;
};

static int start(breaker_call_t *call)
{
    struct side *side = call->data;

    return breaker_finish(call, side->left > CALLS / 2 ? UV_ECONNRESET : 0);
}

static void done(breaker_call_t *call, int status)
{
    struct side *side = call->data;

    side->done++;
    side->tripped += status == BREAKER_ETRIPPED;
    side->refused += status == BREAKER_EREJECTED;
    if (--side->left > 0)
        breaker_call(side->breaker, call, start, done);
}

static void open_side(struct side *side)
{
    breaker_panel_options_t panel;
    breaker_options_t options;
    breaker_pybreaker_t py;
    breaker_policy_t *policy;

    uv_loop_init(&side->loop);
    breaker_panel_options_init(&panel);
    panel.storage = side->storage;
    breaker_panel_create(&side->panel, &side->loop, &panel);
    breaker_pybreaker_init(&py);
    py.fail_max = 4;
    py.reset_timeout = 50;
    py.key_namespace = "shared";
    breaker_options_init(&options);
    options.dialect = &py.dialect;
    breaker_policy_create(&policy, &options, NULL);
    breaker_create(&side->breaker, side->panel, "both", policy);
    breaker_policy_destroy(policy);
}

static void run(void *argument)
{
    struct side *side = argument;

    open_side(side);
    side->left = CALLS;
    breaker_call_init(&side->call);
    side->call.data = side;
    breaker_call(side->breaker, &side->call, start, done);
    uv_run(&side->loop, UV_RUN_DEFAULT);
    breaker_panel_destroy(side->panel, NULL);
    uv_run(&side->loop, UV_RUN_DEFAULT);
    side->left = (unsigned)-uv_loop_close(&side->loop);
}

static void test_two_threads(void **state)
{
    struct side sides[2] = {{0}, {0}};
    uv_thread_t threads[2];
    breaker_storage_t *storage;

    (void)state;
    assert_int_equal(breaker_memory_create(&storage, NULL), 0);
    for (unsigned i = 0; i < 2; i++) {
        sides[i].storage = storage;
        assert_int_equal(uv_thread_create(&threads[i], run, &sides[i]), 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        uv_thread_join(&threads[i]);
        assert_int_equal(sides[i].done, CALLS);
        assert_int_equal(sides[i].left, 0);
        assert_true(sides[i].refused > 0);
    }
    assert_true(sides[0].tripped + sides[1].tripped > 0);
    assert_int_equal(breaker_memory_destroy(storage), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_threads)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
