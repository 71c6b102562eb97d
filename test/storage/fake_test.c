/* The fake storage: each of its faults is what it says it is. */
#include "fake.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

/* A client on a loop, and the transaction "key + 1, mark = x", which tells what was carried out. */
struct scene {
    struct fake *fake;
    breaker_storage_t *storage;
    uv_loop_t loop;
    uv_timer_t alive;
    breaker_client_t client;
    unsigned heard;
    unsigned told;
    int health;
    bool is_closed;
    breaker_transaction_t transaction;
    breaker_verb_t verbs[3];
    char value[BREAKER_VALUE_MAX];
    unsigned completions;
    int status;
};

static void on_bell(breaker_client_t *client, const char *key, size_t key_length, const char *value,
                    size_t length)
{
    struct scene *scene = client->data;
    (void)key;
    (void)key_length;
    (void)value;
    (void)length;
    scene->heard++;
}

static void on_health(breaker_client_t *client, int status)
{
    struct scene *scene = client->data;
    scene->told++;
    scene->health = status;
}

static void on_closed(breaker_client_t *client)
{
    struct scene *scene = client->data;
    scene->is_closed = true;
}

static void on_complete(breaker_transaction_t *transaction, int status)
{
    struct scene *scene = transaction->data;
    scene->completions++;
    scene->status = status;
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
}

static void scene_begin(struct scene *scene, uint64_t seed)
{
    memset(scene, 0, sizeof *scene);
    scene->fake = fake_create(seed);
    scene->storage = fake_storage(scene->fake);
    uv_loop_init(&scene->loop);
    uv_timer_init(&scene->loop, &scene->alive);
    uv_timer_start(&scene->alive, on_timer, 3600000,
                   0); /* a loop with nothing alive does not turn */
    scene->client = (breaker_client_t){.loop = &scene->loop,
                                       .data = scene,
                                       .bell = on_bell,
                                       .health = on_health,
                                       .closed = on_closed};
    assert_int_equal(scene->storage->ops->open(scene->storage, &scene->client), 0);
}

static void scene_turn(struct scene *scene)
{
    for (unsigned i = 0; i < 3; i++)
        uv_run(&scene->loop, UV_RUN_NOWAIT);
}

static void scene_end(struct scene *scene)
{
    scene->storage->ops->close(scene->storage, &scene->client);
    uv_close((uv_handle_t *)&scene->alive, NULL);
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    assert_true(scene->is_closed);
    assert_int_equal(uv_loop_close(&scene->loop), 0);
    fake_destroy(scene->fake);
}

static void submit(struct scene *scene)
{
    scene->verbs[0] =
        (breaker_verb_t){.kind = BREAKER_INCR, .key = "key", .key_length = 3, .number = 1};
    scene->verbs[1] = (breaker_verb_t){
        .kind = BREAKER_SET, .key = "mark", .key_length = 4, .value = (char *)"x", .length = 1};
    scene->verbs[2] = (breaker_verb_t){.kind = BREAKER_GET,
                                       .key = "key",
                                       .key_length = 3,
                                       .value = scene->value,
                                       .length = sizeof scene->value};
    scene->transaction = (breaker_transaction_t){
        .verbs = scene->verbs, .count = 3, .complete = on_complete, .data = scene};
    scene->completions = 0;
    scene->status = 1;
    scene->storage->ops->submit(scene->storage, &scene->client, &scene->transaction);
}

static void cancel(struct scene *scene)
{
    scene->storage->ops->cancel(scene->storage, &scene->client, &scene->transaction);
}

/* What was carried out, asked in good health: the number in key, times two, and one for mark. */
static int carried_out(struct scene *scene)
{
    struct fake_switches kept = *fake_switches(scene->fake);
    memset(fake_switches(scene->fake), 0, sizeof kept);
    breaker_verb_t verbs[] = {
        {.kind = BREAKER_INCR, .key = "key", .key_length = 3},
        {.kind = BREAKER_DELETE, .key = "mark", .key_length = 4},
        {.kind = BREAKER_DELETE, .key = "key", .key_length = 3},
    };
    breaker_transaction_t transaction = {
        .verbs = verbs, .count = 3, .complete = on_complete, .data = scene};
    scene->storage->ops->submit(scene->storage, &scene->client, &transaction);
    assert_int_equal(scene->status, 0);
    *fake_switches(scene->fake) = kept;
    return (int)(2 * verbs[0].number + verbs[1].number);
}

static void comes_late(void **state)
{
    struct scene scene;
    (void)state;
    scene_begin(&scene, 1);
    fake_switches(scene.fake)->request = 30;
    fake_switches(scene.fake)->reply = 20;
    uint64_t begun = fake_now(scene.fake);
    submit(&scene);
    scene_turn(&scene);
    fake_advance(scene.fake, 49);
    scene_turn(&scene);
    assert_int_equal(scene.completions, 0);
    assert_int_equal(fake_pending(scene.fake), 1);
    fake_advance(scene.fake, 1);
    assert_int_equal(scene.completions, 0); /* from the loop only */
    scene_turn(&scene);
    assert_int_equal(scene.completions, 1);
    assert_int_equal(scene.status, 0);
    assert_int_equal(scene.verbs[0].number, 1);
    assert_int_equal(scene.transaction.wall, begun + 30);
    assert_int_equal(fake_now(scene.fake), begun + 50);
    scene_end(&scene);
}

/* A request that was cancelled on its way arrives all the same; one whose answer was on its way too. */
static void cancelled_on_the_way(void **state)
{
    struct scene scene;
    (void)state;
    scene_begin(&scene, 1);
    fake_switches(scene.fake)->request = 30;
    submit(&scene);
    cancel(&scene);
    memset(&scene.transaction, 0xa5, sizeof scene.transaction);
    assert_int_equal(fake_pending(scene.fake), 0);
    assert_int_equal(carried_out(&scene), 0);
    fake_advance(scene.fake, 30);
    scene_turn(&scene);
    assert_int_equal(scene.completions, 1); /* that of the question */
    assert_int_equal(carried_out(&scene), 3);
    fake_switches(scene.fake)->request = 0;
    fake_switches(scene.fake)->reply = 10;
    submit(&scene);
    cancel(&scene);
    fake_advance(scene.fake, 100);
    scene_turn(&scene);
    assert_int_equal(scene.completions, 0);
    assert_int_equal(carried_out(&scene), 3);
    scene_end(&scene);
}

static void is_silent(void **state)
{
    struct scene scene;
    (void)state;
    scene_begin(&scene, 1);
    fake_next(scene.fake, FAKE_SILENT, 1);
    submit(&scene);
    fake_advance(scene.fake, 1000000);
    scene_turn(&scene);
    assert_int_equal(scene.completions, 0);
    cancel(&scene);
    assert_int_equal(carried_out(&scene), 0);
    fake_next(scene.fake, FAKE_REPLY_LOST, 1);
    submit(&scene);
    fake_advance(scene.fake, 1000000);
    scene_turn(&scene);
    assert_int_equal(scene.completions, 0);
    cancel(&scene);
    assert_int_equal(carried_out(&scene), 3);
    scene_end(&scene);
}

static void is_wrong(void **state)
{
    static const struct {
        enum fake_fault fault;
        int status;
        int least, most; /* carried out */
    } faults[] = {
        {FAKE_AGAIN, UV_EAGAIN, 0, 0},     {FAKE_REFUSED, UV_EINVAL, 0, 0},
        {FAKE_RESET, UV_ECONNRESET, 3, 3}, {FAKE_PARTIAL, UV_ECONNRESET, 2, 3},
        {FAKE_GARBAGE, 0, 3, 3},
    };
    struct scene scene;
    (void)state;
    scene_begin(&scene, 1);
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++) {
        fake_next(scene.fake, faults[i].fault, 1);
        submit(&scene);
        assert_int_equal(scene.completions, 1);
        assert_int_equal(scene.status, faults[i].status);
        if (faults[i].fault == FAKE_GARBAGE)
            assert_int_not_equal(scene.verbs[0].number, 1);
        else
            assert_int_equal(scene.verbs[0].number, 1);
        assert_true(scene.verbs[2].length <= sizeof scene.value);
        int done = carried_out(&scene);
        assert_true(done >= faults[i].least && done <= faults[i].most);
        assert_int_equal(fake_totals(scene.fake)->faults[faults[i].fault], 1);
    }
    scene_end(&scene);
}

static void goes_and_comes_back(void **state)
{
    struct scene scene;
    (void)state;
    scene_begin(&scene, 1);
    submit(&scene);
    fake_switches(scene.fake)->reply = 10;
    submit(&scene);
    fake_go(scene.fake);
    assert_int_equal(scene.completions, 0);
    assert_int_equal(scene.told, 0);
    scene_turn(&scene);
    assert_int_equal(scene.completions, 1);
    assert_int_equal(scene.status, UV_ECONNRESET);
    assert_int_equal(scene.told, 1);
    assert_int_equal(scene.health, UV_ECONNRESET);
    submit(&scene);
    assert_int_equal(scene.status, UV_ECONNRESET);
    fake_come_back(scene.fake);
    scene_turn(&scene);
    assert_int_equal(scene.told, 2);
    assert_int_equal(scene.health, 0);
    assert_int_equal(carried_out(&scene), 5); /* both, and the key was kept */
    submit(&scene);
    fake_lose_keys(scene.fake);
    assert_int_equal(carried_out(&scene), 0);
    scene_end(&scene);
}

static void rings_as_often_as_told(void **state)
{
    struct scene scene;
    breaker_client_t other;
    (void)state;
    scene_begin(&scene, 1);
    other = scene.client;
    assert_int_equal(scene.storage->ops->open(scene.storage, &other), 0);
    assert_int_equal(scene.storage->ops->listen(scene.storage, &other, "key", 3), 0);
    for (unsigned times = 0; times < 4; times++) {
        breaker_verb_t tell = {.kind = BREAKER_TELL, .key = "key", .key_length = 3};
        breaker_transaction_t transaction = {
            .verbs = &tell, .count = 1, .complete = on_complete, .data = &scene};
        fake_switches(scene.fake)->bell_times = times;
        scene.heard = 0;
        scene.storage->ops->submit(scene.storage, &scene.client, &transaction);
        scene_turn(&scene);
        assert_int_equal(scene.heard, times);
    }
    scene.storage->ops->close(scene.storage, &other);
    scene_end(&scene);
}

static uint64_t trace(uint64_t seed)
{
    struct scene scene;
    uint64_t mixed = 0;
    scene_begin(&scene, seed);
    for (int fault = FAKE_FINE + 1; fault < FAKE_FAULTS; fault++)
        fake_switches(scene.fake)->chance[fault] = 0.1;
    fake_switches(scene.fake)->jitter = 5;
    for (unsigned i = 0; i < 500; i++) {
        submit(&scene);
        fake_advance(scene.fake, 8);
        scene_turn(&scene);
        if (scene.completions == 0)
            cancel(&scene);
        mixed = mixed * 31 + (uint64_t)scene.status + (uint64_t)scene.verbs[0].number;
        fake_advance(scene.fake, 10);
    }
    for (int fault = FAKE_FINE; fault < FAKE_FAULTS; fault++)
        assert_true(fake_totals(scene.fake)->faults[fault] > 20);
    assert_int_equal(fake_pending(scene.fake), 0);
    scene_end(&scene);
    return mixed;
}

static void seed_decides(void **state)
{
    (void)state;
    assert_true(trace(7) == trace(7));
    assert_true(trace(7) != trace(8));
}

static void wall_steps(void **state)
{
    struct scene scene;
    (void)state;
    scene_begin(&scene, 1);
    fake_step_wall(scene.fake, -3600000);
    submit(&scene);
    assert_int_equal(scene.transaction.wall, fake_now(scene.fake) - 3600000);
    fake_switches(scene.fake)->open_error = UV_ENOMEM;
    breaker_client_t other = scene.client;
    assert_int_equal(scene.storage->ops->open(scene.storage, &other), UV_ENOMEM);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_late),          cmocka_unit_test(cancelled_on_the_way),
        cmocka_unit_test(is_silent),           cmocka_unit_test(is_wrong),
        cmocka_unit_test(goes_and_comes_back), cmocka_unit_test(rings_as_often_as_told),
        cmocka_unit_test(seed_decides),        cmocka_unit_test(wall_steps),
    };
    return cmocka_run_group_tests_name("fake", tests, NULL, NULL);
}
