/* Two threads, each with a loop, hammer one storage in memory: whole steps, bells across, clients that
 * come and go in the middle. Run under ThreadSanitizer it holds that nothing is shared unguarded. */
#include "transact.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <uv.h>

#include <cmocka.h>

enum { THREADS = 2, ROUNDS = 40, STEPS = 500 };

struct worker {
    breaker_storage_t *storage;
    uv_thread_t id;
    unsigned number;
    unsigned heard;
    unsigned broken; /* steps that were not whole */
    unsigned failed;
    uint64_t sum; /* of what it added */
};

static void on_bell(breaker_client_t *client, const char *key, size_t key_length, const char *value,
                    size_t length)
{
    struct worker *worker = client->data;
    worker->heard++;
    worker->broken += key_length != 4 || memcmp(key, "bell", 4) != 0;
    for (size_t i = 1; i < length; i++)
        worker->broken += value[i] != value[0]; /* no value is half of another */
}

static void on_closed(breaker_client_t *client)
{
    client->storage_data = NULL;
}

static unsigned draw(uint64_t *seed, unsigned below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*seed >> 33) % below;
}

static void step(struct worker *worker, breaker_client_t *client, uint64_t *seed)
{
    char value[BREAKER_VALUE_MAX];
    char key[2] = {(char)('a' + draw(seed, 20)), '\0'};
    uint16_t length = (uint16_t)(1 + draw(seed, sizeof value));
    int64_t amount = 1 + draw(seed, 9);
    memset(value, 'a' + (int)draw(seed, 26), sizeof value);
    breaker_verb_t verbs[] = {
        {.kind = BREAKER_INCR, KEY("one"), .number = amount},
        {.kind = BREAKER_SET,
         .key = key,
         .key_length = 1,
         .value = value,
         .length = length,
         .ttl = draw(seed, 3)},
        {.kind = BREAKER_LOG, KEY("log"), .score = draw(seed, 1000), .cut = draw(seed, 900)},
        {.kind = BREAKER_TELL, KEY("bell"), .value = value, .length = length},
        {.kind = BREAKER_INCR, KEY("other"), .number = amount},
    };
    worker->failed += transact(worker->storage, client, verbs, 5) != 0;
    worker->broken += verbs[0].number != verbs[4].number;
    worker->sum += (uint64_t)amount;
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
}

static void work(void *data)
{
    struct worker *worker = data;
    breaker_storage_t *storage = worker->storage;
    uint64_t seed = worker->number;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_loop_init(&loop);
    uv_timer_init(&loop, &timer);
    for (unsigned round = 0; round < ROUNDS; round++) {
        breaker_client_t client = {
            .loop = &loop, .data = worker, .bell = on_bell, .closed = on_closed};
        worker->failed += storage->ops->open(storage, &client) != 0;
        worker->failed += storage->ops->listen(storage, &client, "bell", 4) != 0;
        for (unsigned i = 0; i < STEPS; i++) {
            step(worker, &client, &seed);
            uv_timer_start(&timer, on_timer, 0, 0);
            if (i % 10 == 0)
                uv_run(&loop, UV_RUN_NOWAIT);
        }
        storage->ops->close(storage, &client);
        while (client.storage_data != NULL)
            uv_run(&loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    worker->failed += uv_loop_close(&loop) != 0;
}

static void threads_hammer(void **state)
{
    struct worker workers[THREADS];
    breaker_storage_t *storage;
    uint64_t sum = 0;
    (void)state;
    assert_int_equal(breaker_memory_create(&storage, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.storage = storage, .number = i + 1};
        assert_int_equal(uv_thread_create(&workers[i].id, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        uv_thread_join(&workers[i].id);
        assert_int_equal(workers[i].broken, 0);
        assert_int_equal(workers[i].failed, 0);
        sum += workers[i].sum;
    }
    assert_true(workers[0].heard + workers[1].heard > 0);
    assert_int_equal(
        transact_number(storage, (breaker_verb_t){.kind = BREAKER_INCR, KEY("one"), .number = 0}),
        sum);
    assert_int_equal(breaker_memory_destroy(storage), 0);
}

/* ---- A million bells: the ringing of a loop awake is one wake-up for many of them, and after the last
 * of each key no newer one is missing, nor is one older than what was heard. */

enum { RINGERS = 4, BELLS = 250000 };

struct ringer {
    breaker_storage_t *storage;
    uv_thread_t id;
    char key;
};

struct listener {
    unsigned last[RINGERS];
    unsigned fallen;
};

static void on_number(breaker_client_t *client, const char *key, size_t key_length,
                      const char *value, size_t length)
{
    struct listener *listener = client->data;
    unsigned which = (unsigned)(*key - 'a'), number;
    assert_int_equal(key_length, 1);
    assert_int_equal(length, sizeof number);
    memcpy(&number, value, sizeof number);
    listener->fallen += number < listener->last[which];
    listener->last[which] = number;
}

static void ring(void *data)
{
    struct ringer *ringer = data;
    for (unsigned number = 1; number <= BELLS; number++) {
        breaker_verb_t tell = {.kind = BREAKER_TELL,
                               .key = &ringer->key,
                               .key_length = 1,
                               .value = (char *)&number,
                               .length = sizeof number};
        transact(ringer->storage, NULL, &tell, 1);
    }
}

static bool is_complete(const struct listener *listener)
{
    for (unsigned i = 0; i < RINGERS; i++)
        if (listener->last[i] != BELLS)
            return false;
    return true;
}

static void a_million_bells(void **state)
{
    struct ringer ringers[RINGERS];
    struct listener listener = {.fallen = 0};
    breaker_storage_t *storage;
    uv_loop_t loop;
    uv_timer_t timer;
    uint64_t until = uv_hrtime() + UINT64_C(300000000000);
    (void)state;
    uv_loop_init(&loop);
    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, on_timer, 1, 1);
    assert_int_equal(breaker_memory_create(&storage, NULL), 0);
    breaker_client_t client = {
        .loop = &loop, .data = &listener, .bell = on_number, .closed = on_closed};
    assert_int_equal(storage->ops->open(storage, &client), 0);
    for (unsigned i = 0; i < RINGERS; i++) {
        ringers[i] = (struct ringer){.storage = storage, .key = (char)('a' + i)};
        assert_int_equal(storage->ops->listen(storage, &client, &ringers[i].key, 1), 0);
        assert_int_equal(uv_thread_create(&ringers[i].id, ring, &ringers[i]), 0);
    }
    while (!is_complete(&listener)) {
        assert_true(uv_hrtime() < until);
        uv_run(&loop, UV_RUN_ONCE);
    }
    for (unsigned i = 0; i < RINGERS; i++)
        uv_thread_join(&ringers[i].id);
    assert_int_equal(listener.fallen, 0);
    storage->ops->close(storage, &client);
    while (client.storage_data != NULL)
        uv_run(&loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(breaker_memory_destroy(storage), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_hammer),
        cmocka_unit_test(a_million_bells),
    };
    return cmocka_run_group_tests_name("memory, threads", tests, NULL, NULL);
}
