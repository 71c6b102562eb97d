/* A dependency that fails half of the time, one or two panels that share its circuit, and a million steps
 * of virtual time: the circuit breaks no more than once in each of its pauses, and these grow. */
#include <breaker.h>
#include <breaker/storage.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

enum { STEPS = 1000000, PANELS = 2, BROKEN_TIME = 500, BROKEN_LIMIT = 8000, CALLS_EACH = 5 };

static uint64_t now, chance = 66;

struct member {
    breaker_panel_t *panel;
    breaker_t *breaker;
    breaker_listener_t listener;
    unsigned trips;
    uint64_t last_trip, shortest, longest; /* BROKEN, ms */
    bool is_gone;
};

static struct member members[PANELS];
static int count;
static uv_loop_t loop;
static breaker_storage_t *storage;

static uint64_t on_now(void *data)
{
    (void)data;
    return now;
}

static uint64_t on_wall(void *data)
{
    return 1700000000000 + on_now(data);
}

static double draw(void)
{
    chance = chance * 6364136223846793005u + 1442695040888963407u;
    return (double)(chance >> 11) * 0x1p-53;
}

static double on_random(void *data)
{
    (void)data;
    return draw();
}

static void on_event(breaker_listener_t *listener, const breaker_event_t *event)
{
    struct member *m = listener->data;
    if (event->to == BREAKER_BROKEN) {
        m->trips++;
        m->last_trip = event->time;
    } else if (event->from == BREAKER_BROKEN) {
        uint64_t lasted = event->time - m->last_trip;
        m->shortest = m->shortest && m->shortest < lasted ? m->shortest : lasted;
        m->longest = m->longest > lasted ? m->longest : lasted;
    }
}

static void on_gone(void *data)
{
    (void)data;
    for (int i = 0; i < count; i++)
        if (!members[i].is_gone) {
            members[i].is_gone = true;
            return;
        }
}

static void call(struct member *m)
{
    breaker_permit_t permit;
    if (breaker_try_acquire(m->breaker, &permit) == 0)
        breaker_report(m->breaker, &permit, draw() < 0.5 ? BREAKER_FAILURE : BREAKER_SUCCESS, -1);
}

static void flap(void)
{
    for (now = 1; now <= STEPS; now++) {
        if (now % CALLS_EACH == 0)
            call(&members[now / CALLS_EACH % (unsigned)count]);
        if (now % CALLS_EACH == 1)
            uv_run(&loop, UV_RUN_NOWAIT);
    }
    for (int i = 0; i < count; i++) {
        struct member *m = &members[i];
        print_message("%u trips, broken for %d to %d ms\n", m->trips, (int)m->shortest,
                      (int)m->longest);
        assert_in_range(m->longest, BROKEN_LIMIT, BROKEN_LIMIT + 1000);
        /* All but the first few pauses are as long as they can be; without growth there would be
         * a thousand and more. */
        assert_in_range(m->trips, 10, STEPS / BROKEN_LIMIT * 2);
    }
}

static void alone(void **state)
{
    (void)state;
    flap();
    assert_true(members[0].shortest >= BROKEN_TIME);
}

/* What one of them decides alone may give way to both. */
static void two(void **state)
{
    (void)state;
    flap();
}

static int set_up(int panels)
{
    breaker_memory_options_t where;
    breaker_panel_options_t box;
    breaker_options_t circuit;
    breaker_policy_t *policy;
    memset(members, 0, sizeof members);
    count = panels;
    now = 0;
    breaker_memory_options_init(&where);
    where.wall = on_wall;
    assert_int_equal(breaker_memory_create(&storage, &where), 0);
    uv_loop_init(&loop);
    breaker_panel_options_init(&box);
    box.now = on_now;
    box.random = on_random;
    box.storage = storage;
    breaker_options_init(&circuit);
    circuit.min_reporters = 1;
    circuit.error_ratio = 0.4;
    circuit.broken_time = BROKEN_TIME;
    circuit.broken_limit = BROKEN_LIMIT;
    circuit.recovery_time = 400;
    assert_int_equal(breaker_policy_create(&policy, &circuit, NULL), 0);
    for (int i = 0; i < count; i++) {
        struct member *m = &members[i];
        assert_int_equal(breaker_panel_create(&m->panel, &loop, &box), 0);
        assert_int_equal(breaker_create(&m->breaker, m->panel, "flapping", policy), 0);
        m->listener =
            (breaker_listener_t){.kinds = BREAKER_ON_STATE_CHANGE, .notify = on_event, .data = m};
        assert_int_equal(breaker_panel_listen(m->panel, &m->listener), 0);
    }
    breaker_policy_destroy(policy);
    return 0;
}

static int set_up_one(void **state)
{
    (void)state;
    return set_up(1);
}

static int set_up_two(void **state)
{
    (void)state;
    return set_up(PANELS);
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < count; i++)
        assert_int_equal(breaker_panel_destroy(members[i].panel, on_gone), 0);
    while (!members[count - 1].is_gone)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(breaker_memory_destroy(storage), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(alone, set_up_one, tear_down),
        cmocka_unit_test_setup_teardown(two, set_up_two, tear_down),
    };
    return cmocka_run_group_tests_name("memory, flapping", tests, NULL, NULL);
}
