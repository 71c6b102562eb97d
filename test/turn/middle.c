/* Cancelled, destroyed, crowded: what happens to calls and orders in the middle of a conversation. */
#include "scene.h"

enum { DELAY = 10 };

/* ---- Calls -------------------------------------------------------------------------------------*/

static void test_cancelled_while_it_asks(void **state)
{
    struct scene scene;
    struct actor *a;

    scene_open(&scene, state, DELAY, 4);
    a = scene_call(&scene, "a", true, 0);
    settle_down(scene.f);
    assert_int_equal(fake_pending(scene.fake), 1);
    assert_int_equal(API(breaker_cancel(&a->call)), 0);
    assert_int_equal(API(breaker_cancel(&a->call)), UV_EALREADY);
    assert_int_equal(fake_pending(scene.fake), 0);
    settle_down(scene.f);
    expect(scene.f, "a:cancelled a:released");
    assert_int_equal(look(scene.breaker).totals.admitted, 0);
    scene_close(&scene);
}

/* The answer is in, and the start waits for the drain. */
static void cancel_if_decided(uv_prepare_t *prepare)
{
    struct actor *actor = prepare->data;

    if (actor->call.library.conversation == NULL) {
        assert_int_equal(API(breaker_cancel(&actor->call)), 0);
        uv_close((uv_handle_t *)prepare, NULL);
    }
}

static void test_cancelled_when_decided(void **state)
{
    struct scene scene;
    struct actor *a;
    uv_prepare_t prepare;

    scene_open(&scene, state, DELAY, 4);
    a = scene_call(&scene, "a", true, 0);
    settle_down(scene.f);
    prepare.data = a;
    uv_prepare_init(&scene.f->loop, &prepare);
    uv_prepare_start(&prepare, cancel_if_decided);
    for (unsigned i = 0; i < 10; i++)
        scene_wait(&scene, DELAY);
    expect(scene.f, "a:cancelled a:released");
    assert_true(uv_is_closing((uv_handle_t *)&prepare));
    assert_int_equal(look(scene.breaker).in_flight, 0);
    scene_close(&scene);
}

static void test_settling_is_over_soon(void **state)
{
    struct scene scene;
    struct actor *a;

    scene_open(&scene, state, DELAY, 4);
    a = scene_call(&scene, "a", true, UV_ECONNRESET);
    for (unsigned i = 0; i < 20 && a->call.outcome == 0; i++)
        scene_wait(&scene, 1);
    expect(scene.f, "a:start"); /* done waits for the settle */
    assert_int_equal(API(breaker_cancel(&a->call)), UV_EALREADY);
    assert_int_equal(API(breaker_finish(&a->call, 0)), BREAKER_ESTALE);
    for (unsigned i = 0; i < 5; i++)
        scene_wait(&scene, DELAY);
    expect(scene.f, "a:failed a:released");
    scene_close(&scene);
}

static void test_timeout_settles_too(void **state)
{
    struct scene scene;
    struct actor *a;

    scene_open(&scene, state, DELAY, 4);
    a = scene_call(&scene, "a", false, 0);
    a->call.timeout = 50;
    for (unsigned i = 0; i < 10; i++)
        scene_wait(&scene, DELAY);
    expect(scene.f, "a:start a:timeout");
    assert_int_equal(look(scene.breaker).totals.failed, 1);
    assert_int_equal(look(scene.breaker).totals.timed_out, 1);
    assert_int_equal(API(breaker_finish(&a->call, 0)), 0);
    settle_down(scene.f);
    expect(scene.f, "a:released");
    assert_int_equal(look(scene.breaker).totals.late, 1);
    scene_close(&scene);
}

/* The breaker goes while one call asks, one runs, one settles and one waits for a conversation. */
static void test_destroyed_in_every_stage(void **state)
{
    struct scene scene;
    struct actor *running, *settling;
    breaker_t *breaker;

    scene_open(&scene, state, DELAY, 2);
    running = scene_call(&scene, "run", false, 0);
    scene_wait(&scene, DELAY);
    scene_wait(&scene, DELAY);
    expect(scene.f, "run:start");
    settling = scene_call(&scene, "settle", true, UV_ECONNRESET);
    for (unsigned i = 0; i < 20 && settling->call.outcome == 0; i++)
        scene_wait(&scene, 1);
    scene_call(&scene, "ask", true, 0);
    scene_call(&scene, "wait", true, 0);
    settle_down(scene.f);
    expect(scene.f, "settle:start");
    breaker = scene.breaker;
    API_VOID(breaker_destroy(breaker));
    assert_int_equal(fake_pending(scene.fake), 0);
    settle_down(scene.f);
    expect(scene.f, "wait:cancelled wait:released ask:cancelled ask:released settle:failed "
                    "settle:released run:cancelled");
    assert_int_equal(API(breaker_finish(&running->call, 0)), 0);
    settle_down(scene.f);
    expect(scene.f, "run:released");
    assert_false(uv_loop_alive(&scene.f->loop));
    scene_close(&scene);
}

static void test_panel_destroyed_in_the_middle(void **state)
{
    struct scene scene;

    scene_open(&scene, state, DELAY, 2);
    scene_call(&scene, "a", true, 0);
    scene_call(&scene, "b", true, 0);
    scene_call(&scene, "c", true, 0);
    settle_down(scene.f);
    fixture_destroy_panel(scene.f);
    fixture_wait_destroyed(scene.f);
    expect(scene.f, "c:cancelled c:released b:cancelled b:released a:cancelled a:released "
                    "destroyed");
    scene_close(&scene);
}

/* The deadline of a transaction would lie beyond what a lent clock can say. */
static void test_at_the_end_of_time(void **state)
{
    struct scene scene;

    ((struct fixture *)*state)->clock = UINT64_MAX - 10 * DELAY;
    scene_open(&scene, state, DELAY, 4);
    scene_call(&scene, "a", true, 0);
    for (unsigned i = 0; i < 6; i++)
        scene_wait(&scene, DELAY);
    expect(scene.f, "a:start a:ok a:released");
    assert_int_equal(fake_totals(scene.fake)->cancelled, 0);
    scene_close(&scene);
}

/* ---- The pool ----------------------------------------------------------------------------------*/

static void test_those_who_wait_are_served_in_order(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    struct actor *actors[5];
    struct scene scene;

    scene_open(&scene, state, DELAY, 1);
    for (unsigned i = 0; i < 5; i++)
        actors[i] = scene_call(&scene, names[i], false, 0);
    for (unsigned i = 0; i < 20; i++)
        scene_wait(&scene, DELAY);
    expect(scene.f, "a:start b:start c:start d:start e:start");
    assert_true(fake_totals(scene.fake)->submitted >= 5);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(API(breaker_finish(&actors[i]->call, 0)), 0);
    for (unsigned i = 0; i < 20; i++)
        scene_wait(&scene, DELAY);
    expect(scene.f, "a:ok a:released b:ok b:released c:ok c:released d:ok d:released e:ok "
                    "e:released");
    scene_close(&scene);
}

/* ---- Orders ------------------------------------------------------------------------------------*/

static void ordered(breaker_order_t *order, int status)
{
    struct scene *scene = order->data;

    not_inside();
    record(scene->f, status == 0 ? "order" : "order-cancelled");
}

static void test_orders(void **state)
{
    struct scene scene;
    breaker_order_t orders[3] = {{.data = &scene}, {.data = &scene}, {.data = &scene}};

    scene_open(&scene, state, DELAY, 1);
    assert_int_equal(API(breaker_trip(scene.breaker, &orders[0], ordered)), 0);
    assert_int_equal(API(breaker_trip(scene.breaker, &orders[0], ordered)), UV_EBUSY);
    assert_int_equal(API(breaker_reset(scene.breaker, NULL, NULL)), UV_ENOBUFS);
    assert_int_equal(API(breaker_refresh(scene.breaker, &orders[1], ordered)), 0);
    for (unsigned i = 0; i < 20; i++)
        scene_wait(&scene, DELAY);
    expect(scene.f, "order order");
    assert_int_equal(look(scene.breaker).state, BREAKER_BROKEN);
    assert_int_equal(API(breaker_trip(scene.breaker, &orders[0], ordered)), 0);
    assert_int_equal(API(breaker_reset(scene.breaker, &orders[1], ordered)), 0); /* waits */
    API_VOID(breaker_destroy(scene.breaker));
    settle_down(scene.f);
    expect(scene.f, "order-cancelled order-cancelled");
    scene_close(&scene);
}

static void told(breaker_order_t *order, int status)
{
    struct scene *scene = order->data;

    record(scene->f, "%s", status == UV_ECONNRESET ? "reset" : "other");
}

/* It acts here; the storage does not know. */
static void test_an_order_without_storage(void **state)
{
    struct scene scene;
    breaker_order_t order = {.data = &scene};

    scene_open(&scene, state, 1, 4);
    fake_go(scene.fake);
    scene_wait(&scene, 5);
    assert_int_equal(API(breaker_trip(scene.breaker, &order, told)), 0);
    scene_wait(&scene, 2000);
    expect(scene.f, "reset");
    assert_int_equal(look(scene.breaker).state, BREAKER_BROKEN);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BARE_TEST(test_cancelled_while_it_asks),
        BARE_TEST(test_cancelled_when_decided),
        BARE_TEST(test_settling_is_over_soon),
        BARE_TEST(test_timeout_settles_too),
        BARE_TEST(test_destroyed_in_every_stage),
        BARE_TEST(test_panel_destroyed_in_the_middle),
        BARE_TEST(test_at_the_end_of_time),
        BARE_TEST(test_those_who_wait_are_served_in_order),
        BARE_TEST(test_orders),
        BARE_TEST(test_an_order_without_storage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
