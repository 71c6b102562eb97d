/* More calls than conversations, by far: those that wait are served one after the other, whatever becomes of
 * each; one that goes costs the same however many wait; and nobody goes before another. */
#include "scene.h"

enum { DELAY = 10, POOL = 4, CROWD = 300000 };

struct crowd {
    struct scene scene;
    breaker_call_t *calls;
    unsigned count;
};

static unsigned started, done, cancelled;

static int start(breaker_call_t *call)
{
    started++;
    return breaker_finish(call, 0);
}

static void on_done(breaker_call_t *call, int status)
{
    (void)call;
    done++;
    cancelled += status == UV_ECANCELED;
}

static void gather(struct crowd *crowd, void **state)
{
    started = done = cancelled = 0;
    scene_open(&crowd->scene, state, DELAY, POOL);
    crowd->count = fixture_rounds(CROWD);
    crowd->calls = keep(crowd->scene.f, crowd->count * sizeof *crowd->calls);
    for (unsigned i = 0; i < crowd->count; i++) {
        breaker_call_init(&crowd->calls[i]);
        assert_int_equal(breaker_call(crowd->scene.breaker, &crowd->calls[i], start, on_done), 0);
    }
    settle_down(crowd->scene.f);
    assert_int_equal(fake_pending(crowd->scene.fake), POOL);
}

static void disperse(struct crowd *crowd)
{
    assert_int_equal(done, crowd->count);
    assert_false(uv_loop_alive(&crowd->scene.f->loop));
    scene_close(&crowd->scene);
}

/* Each answer is there at once, and with it the next who waits. */
static void test_all_fail_at_once(void **state)
{
    struct crowd crowd;

    gather(&crowd, state);
    fake_go(crowd.scene.fake);
    settle_down(crowd.scene.f);
    settle_down(crowd.scene.f);
    assert_int_equal(started, crowd.count);
    assert_int_equal(look(crowd.scene.breaker).in_flight, 0);
    disperse(&crowd);
}

static void test_all_are_cancelled(void **state)
{
    struct crowd crowd;

    gather(&crowd, state);
    for (unsigned i = crowd.count; i > 0; i--)
        assert_int_equal(breaker_cancel(&crowd.calls[i - 1]), 0);
    assert_int_equal(fake_pending(crowd.scene.fake), 0);
    settle_down(crowd.scene.f);
    assert_int_equal(started, 0);
    assert_int_equal(cancelled, crowd.count);
    disperse(&crowd);
}

static void test_their_breaker_is_destroyed(void **state)
{
    struct crowd crowd;

    gather(&crowd, state);
    API_VOID(breaker_destroy(crowd.scene.breaker));
    assert_int_equal(fake_pending(crowd.scene.fake), 0);
    settle_down(crowd.scene.f);
    assert_int_equal(cancelled, crowd.count);
    disperse(&crowd);
}

/* ---- Nobody goes before another ----------------------------------------------------------------*/

static struct actor *first;

static int start_and_cancel(breaker_call_t *call)
{
    assert_int_equal(API(breaker_cancel(&first->call)), 0);
    return breaker_finish(call, 0);
}

static void on_quiet_done(breaker_call_t *call, int status)
{
    (void)call;
    assert_int_equal(status, 0);
}

/* The only conversation is given back by a start, in a drain that begins one more call. */
static void test_a_newcomer_waits_its_turn(void **state)
{
    struct scene scene;
    breaker_call_t *freeing;
    breaker_options_t options;

    scene_open(&scene, state, DELAY, 1);
    first = scene_call(&scene, "first", true, 0);
    scene_call(&scene, "second", true, 0);
    settle_down(scene.f);
    freeing = keep(scene.f, sizeof *freeing);
    breaker_call_init(freeing);
    breaker_options_init(&options);
    options.share = BREAKER_SHARE_NONE;
    assert_int_equal(API(breaker_call(make_breaker(scene.f, "own", &options), freeing,
                                      start_and_cancel, on_quiet_done)),
                     0);
    scene_call(&scene, "third", true, 0);
    settle_down(scene.f);
    for (unsigned i = 0; i < 20; i++)
        scene_wait(&scene, DELAY);
    expect(scene.f, "first:cancelled first:released second:start third:start second:ok "
                    "second:released third:ok third:released");
    scene_close(&scene);
}

static void ordered(breaker_order_t *order, int status)
{
    record(order->data, "order:%d", status);
}

static void test_an_order_waits_its_turn(void **state)
{
    struct scene scene;
    breaker_order_t reset = {0}, trip = {0};

    scene_open(&scene, state, DELAY, 1);
    reset.data = trip.data = scene.f;
    first = scene_call(&scene, "first", true, 0);
    settle_down(scene.f);
    assert_int_equal(API(breaker_reset(scene.breaker, &reset, ordered)), 0);
    assert_int_equal(API(breaker_cancel(&first->call)), 0); /* gives the conversation back */
    assert_int_equal(API(breaker_trip(scene.breaker, NULL, NULL)), UV_ENOBUFS);
    assert_int_equal(API(breaker_trip(scene.breaker, &trip, ordered)), 0);
    for (unsigned i = 0; i < 10; i++)
        scene_wait(&scene, DELAY);
    expect(scene.f, "first:cancelled first:released order:0 order:0");
    assert_int_equal(look(scene.breaker).state, BREAKER_BROKEN);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BARE_TEST(test_all_fail_at_once),           BARE_TEST(test_all_are_cancelled),
        BARE_TEST(test_their_breaker_is_destroyed), BARE_TEST(test_a_newcomer_waits_its_turn),
        BARE_TEST(test_an_order_waits_its_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
