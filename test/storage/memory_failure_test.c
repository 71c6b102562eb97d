/* What the storage in memory takes and gives back. Every allocation fails in turn: the call that needed
 * it says UV_ENOMEM, and nothing is half done, leaked or lost; afterwards the same call does its work.
 * What was released is poisoned, for libuv too. */
#include "transact.h"
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include <cmocka.h>

static long until_failure; /* below zero: none fails */
static long living;
static bool has_failed;

static bool fails(void)
{
    if (until_failure < 0 || until_failure-- > 0)
        return false;
    has_failed = true;
    return true;
}

static void *allocate(size_t size)
{
    void *memory = fails() ? NULL : malloc(size);
    living += memory != NULL;
    return memory;
}

static void *reallocate(void *memory, size_t size)
{
    if (fails())
        return NULL;
    living += memory == NULL;
    return realloc(memory, size);
}

static void release(void *memory)
{
    living -= memory != NULL;
    if (memory != NULL)
        memset(memory, 0xa5, malloc_usable_size(memory));
    free(memory);
}

static int use_these(void **state)
{
    (void)state;
    return breaker_replace_allocator(allocate, reallocate, release);
}

static void on_closed(breaker_client_t *client)
{
    client->data = NULL;
}

static void on_bell(breaker_client_t *client, const char *key, size_t key_length, const char *value,
                    size_t length)
{
    (void)client;
    (void)key;
    (void)key_length;
    (void)value;
    (void)length;
}

/* A transaction that makes and replaces keys of every sort, the number-th of its kind. */
static int change(breaker_storage_t *storage, int number)
{
    char key[16];
    char lengthy[BREAKER_VALUE_MAX];
    uint16_t length = (uint16_t)sprintf(key, "%d", number);
    memset(lengthy, 'v', sizeof lengthy);
    return TRANSACT(
        storage, {.kind = BREAKER_INCR, KEY("count"), .number = 1, .ttl = 60000},
        {.kind = BREAKER_SET, .key = key, .key_length = length, VALUE("1"), .ttl = 90000},
        {.kind = BREAKER_SET,
         KEY("grows"),
         .value = lengthy,
         .length = (uint16_t)(number % BREAKER_VALUE_MAX)},
        {.kind = BREAKER_LOG, KEY("log"), .score = number, .cut = -1, .ttl = 60000},
        {.kind = BREAKER_DELETE, KEY("log of value")},
        {.kind = BREAKER_LOG, KEY("log of value"), .score = 1},
        {.kind = BREAKER_ADD, KEY("added"), VALUE("1")});
}

static int64_t count(breaker_storage_t *storage)
{
    return transact_number(storage,
                           (breaker_verb_t){.kind = BREAKER_INCR, KEY("count"), .number = 0});
}

static bool is_whole(breaker_storage_t *storage, int64_t done)
{
    char key[16];
    sprintf(key, "%d", (int)done);
    breaker_verb_t log = {.kind = BREAKER_LOG, KEY("log"), .score = 0, .cut = -1};
    return count(storage) == done && transact_holds(storage, key, NULL) &&
           transact_holds(storage, "added", done == 0 ? NULL : "1") &&
           (done == 0 || transact_number(storage, log) == done + 1);
}

static void each_in_a_transaction(void **state)
{
    unsigned failures = 0;
    (void)state;
    for (long n = 0;; n++) {
        breaker_storage_t *storage;
        until_failure = -1;
        assert_int_equal(breaker_memory_create(&storage, NULL), 0);
        int done = 0;
        int status = 0;
        has_failed = false;
        until_failure = n;
        while (done < 40 && (status = change(storage, done)) == 0)
            done++;
        until_failure = -1;
        assert_int_equal(status, has_failed ? UV_ENOMEM : 0);
        assert_true(is_whole(storage, done));
        if (has_failed)
            assert_int_equal(change(storage, done), 0);
        assert_int_equal(breaker_memory_destroy(storage), 0);
        assert_int_equal(living, 0);
        if (!has_failed)
            break;
        failures++;
    }
    assert_true(failures > 40);
}

static int live(uv_loop_t *loop, breaker_client_t *client)
{
    breaker_storage_t *storage;
    int status = breaker_memory_create(&storage, NULL);
    if (status != 0)
        return status;
    *client = (breaker_client_t){.loop = loop, .bell = on_bell, .closed = on_closed};
    client->data = client;
    status = storage->ops->open(storage, client);
    if (status == 0) {
        char key[16];
        for (int i = 0; i < 40 && status == 0; i++)
            status = storage->ops->listen(storage, client, key, (size_t)sprintf(key, "%d", i));
        storage->ops->close(storage, client);
        uv_run(loop, UV_RUN_DEFAULT);
        assert_null(client->data);
    }
    assert_int_equal(breaker_memory_destroy(storage), 0);
    return status;
}

static void each_in_a_life(void **state)
{
    uv_loop_t loop;
    breaker_client_t client;
    long n = 0;
    (void)state;
    uv_loop_init(&loop);
    do {
        has_failed = false;
        until_failure = n++;
        int status = live(&loop, &client);
        until_failure = -1;
        assert_int_equal(status, has_failed ? UV_ENOMEM : 0);
        assert_int_equal(living, 0);
    } while (has_failed);
    assert_true(n > 40);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* The host has closed every handle, in whatever order: its close and ours both end. */
static void close_handle(uv_handle_t *handle, void *data)
{
    (void)data;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void host_closes_first(void **state)
{
    (void)state;
    for (unsigned turns = 0; turns < 3; turns++) {
        breaker_client_t clients[3];
        breaker_storage_t *storage;
        uv_loop_t loop;
        uv_loop_init(&loop);
        assert_int_equal(breaker_memory_create(&storage, NULL), 0);
        for (unsigned i = 0; i < 3; i++) {
            clients[i] = (breaker_client_t){
                .loop = &loop, .data = &loop, .bell = on_bell, .closed = on_closed};
            assert_int_equal(storage->ops->open(storage, &clients[i]), 0);
        }
        storage->ops->close(storage, &clients[1]);
        uv_walk(&loop, close_handle, NULL);
        for (unsigned i = 0; i < turns; i++)
            uv_run(&loop, UV_RUN_NOWAIT);
        storage->ops->close(storage, &clients[0]);
        storage->ops->close(storage, &clients[2]);
        assert_non_null(clients[2].data);
        uv_run(&loop, UV_RUN_DEFAULT);
        for (unsigned i = 0; i < 3; i++)
            assert_null(clients[i].data);
        assert_int_equal(breaker_memory_destroy(storage), 0);
        assert_int_equal(uv_loop_close(&loop), 0);
    }
    assert_int_equal(living, 0);
}

static uint64_t now = 1000;

static uint64_t wall(void *data)
{
    (void)data;
    return now;
}

/* What is over is given back in the course of other transactions, though nobody asks for it. */
static void over_is_swept(void **state)
{
    breaker_storage_t *storage;
    breaker_memory_options_t options;
    char key[16];
    (void)state;
    breaker_memory_options_init(&options);
    options.wall = wall;
    assert_int_equal(breaker_memory_create(&storage, &options), 0);
    assert_int_equal(count(storage), 0);
    for (int i = 0; i < 1000; i++) {
        breaker_verb_t log = {.kind = BREAKER_LOG, .key = key, .score = 1, .ttl = 50};
        log.key_length = (uint16_t)sprintf(key, "%d", i);
        assert_int_equal(transact_number(storage, log), 1);
    }
    long full = living;
    assert_true(full > 3000); /* a key, its log, the log's entries */
    now += 51;
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(count(storage), 0);
    assert_int_equal(living, full - 3000);
    assert_int_equal(breaker_memory_destroy(storage), 0);
    assert_int_equal(living, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_in_a_transaction),
        cmocka_unit_test(each_in_a_life),
        cmocka_unit_test(host_closes_first),
        cmocka_unit_test(over_is_swept),
    };
    return cmocka_run_group_tests_name("memory, failures", tests, use_these, NULL);
}
