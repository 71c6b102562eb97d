/* A native circuit that panels share through storages of two more kinds: memory, from threads of their own (for
 * TSan to look at), and a directory of files. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "directory_storage.h"
#include "fixture.h"

#include <breaker/storage.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 3, PATIENCE = 20000 /* ms */ };

struct side {
    breaker_storage_t *storage;
    uv_loop_t loop;
    uv_timer_t pace, end;
    breaker_panel_t *panel;
    breaker_t *breaker;
    breaker_listener_t listener;
    bool is_sick;
    unsigned breaks, made_here, passes;
    int left;
};

static void on_event(breaker_listener_t *listener, const breaker_event_t *event)
{
    struct side *side = listener->data;

    side->breaks += event->to == BREAKER_BROKEN;
    side->made_here += event->to == BREAKER_BROKEN && !event->elsewhere;
    side->passes += event->to == BREAKER_PASSING;
}

/* A call each ms: sick until the circuit breaks, then well until it passes again. */
static void on_pace(uv_timer_t *pace)
{
    struct side *side = pace->data;
    breaker_permit_t permit;

    if (side->breaks > 0)
        side->is_sick = false;
    if (breaker_try_acquire(side->breaker, &permit) == 0)
        breaker_report(side->breaker, &permit, side->is_sick ? BREAKER_FAILURE : BREAKER_SUCCESS,
                       side->is_sick ? UV_ECONNRESET : 0);
    if (side->passes > 0) {
        uv_timer_stop(&side->pace);
        uv_timer_stop(&side->end);
    }
}

static void on_end(uv_timer_t *end)
{
    struct side *side = end->data;

    uv_timer_stop(&side->pace);
}

static void open_side(struct side *side, uv_loop_t *loop)
{
    breaker_panel_options_t panel;
    breaker_options_t options;
    breaker_policy_t *policy;

    breaker_panel_options_init(&panel);
    panel.storage = side->storage;
    breaker_options_init(&options);
    options.min_calls = 10;
    options.broken_time = 100;
    options.recovery_time = 200;
    options.recovery_min = 5;
    side->is_sick = true;
    side->listener =
        (breaker_listener_t){.kinds = BREAKER_ON_STATE_CHANGE, .notify = on_event, .data = side};
    if (breaker_panel_create(&side->panel, loop, &panel) != 0 ||
        breaker_policy_create(&policy, &options, NULL) != 0 ||
        breaker_create(&side->breaker, side->panel, "api", policy) != 0 ||
        breaker_panel_listen(side->panel, &side->listener) != 0)
        abort();
    breaker_policy_destroy(policy);
    uv_timer_init(loop, &side->pace);
    uv_timer_init(loop, &side->end);
    side->pace.data = side->end.data = side;
    uv_timer_start(&side->pace, on_pace, 1, 1);
    uv_timer_start(&side->end, on_end, PATIENCE, 0);
}

static void close_side(struct side *side)
{
    uv_close((uv_handle_t *)&side->pace, NULL);
    uv_close((uv_handle_t *)&side->end, NULL);
    breaker_panel_destroy(side->panel, NULL);
}

static void check_sides(const struct side *sides, unsigned count)
{
    unsigned made = 0;

    for (unsigned i = 0; i < count; i++) {
        assert_true(sides[i].breaks > 0);
        assert_true(sides[i].passes > 0);
        made += sides[i].made_here;
    }
    assert_true(made > 0);
}

static void run(void *argument)
{
    struct side *side = argument;

    uv_loop_init(&side->loop);
    open_side(side, &side->loop);
    uv_run(&side->loop, UV_RUN_DEFAULT);
    close_side(side);
    uv_run(&side->loop, UV_RUN_DEFAULT);
    side->left = uv_loop_close(&side->loop);
}

static void test_threads_share_memory(void **state)
{
    struct side sides[THREADS] = {{0}};
    uv_thread_t threads[THREADS];
    breaker_storage_t *storage;

    (void)state;
    assert_int_equal(breaker_memory_create(&storage, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        sides[i].storage = storage;
        assert_int_equal(uv_thread_create(&threads[i], run, &sides[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        uv_thread_join(&threads[i]);
        assert_int_equal(sides[i].left, 0);
    }
    check_sides(sides, THREADS);
    assert_int_equal(breaker_memory_destroy(storage), 0);
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
    (void)stat, (void)kind, (void)walk;
    return remove(path);
}

/* Each with a storage of its own, as two programs would have. */
static void test_files_are_shared(void **state)
{
    char path[] = "/tmp/breaker-shared-XXXXXX";
    struct side sides[2] = {{0}};
    uv_loop_t loop;

    (void)state;
    assert_non_null(mkdtemp(path));
    assert_int_equal(uv_loop_init(&loop), 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(directory_storage_create(&sides[i].storage, path), 0);
        open_side(&sides[i], &loop);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    check_sides(sides, 2);
    for (unsigned i = 0; i < 2; i++)
        close_side(&sides[i]);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    for (unsigned i = 0; i < 2; i++)
        directory_storage_destroy(sides[i].storage);
    assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_share_memory),
        cmocka_unit_test(test_files_are_shared),
    };

    return cmocka_run_group_tests_name("shared", tests, NULL, NULL);
}
