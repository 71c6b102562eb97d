/* The storage in memory: that it conforms, in virtual time and in real, and what it promises beyond:
 * bounds, errors that have done nothing, a bell that keeps the newest. */
#include "conformance.h"
#include "transact.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <uv.h>

#include <cmocka.h>

static uint64_t virtual_now;

static uint64_t virtual_wall(void *data)
{
    (void)data;
    return virtual_now;
}

static breaker_storage_t *make(size_t max_keys, size_t max_log)
{
    breaker_storage_t *storage;
    breaker_memory_options_t options;
    breaker_memory_options_init(&options);
    options.wall = virtual_wall;
    options.max_keys = max_keys;
    options.max_log = max_log;
    virtual_now = UINT64_C(1700000000000);
    assert_int_equal(breaker_memory_create(&storage, &options), 0);
    return storage;
}

/* ---- Conformance -------------------------------------------------------------------------------*/

static int make_virtual(void *data, breaker_storage_t **storage)
{
    (void)data;
    *storage = make(0, 65536);
    return 0;
}

static int make_real(void *data, breaker_storage_t **storage)
{
    (void)data;
    return breaker_memory_create(storage, NULL);
}

static void destroy(void *data, breaker_storage_t *storage)
{
    (void)data;
    assert_int_equal(breaker_memory_destroy(storage), 0);
}

static void pass(void *data, breaker_storage_t *storage, uint64_t ms)
{
    (void)data;
    (void)storage;
    virtual_now += ms;
}

static void conforms_in_virtual_time(void **state)
{
    struct conformance_subject subject = {
        .name = "memory, virtual time", .make = make_virtual, .destroy = destroy, .pass = pass};
    (void)state;
    assert_int_equal(breaker_storage_conformance(&subject), 0);
}

static void conforms_in_real_time(void **state)
{
    struct conformance_subject subject = {
        .name = "memory, real time", .make = make_real, .destroy = destroy};
    (void)state;
    assert_int_equal(breaker_storage_conformance(&subject), 0);
}

/* ---- Options and life --------------------------------------------------------------------------*/

static void options_are_checked(void **state)
{
    breaker_storage_t *storage;
    breaker_memory_options_t options;
    (void)state;
    memset(&options, 0, sizeof options);
    assert_int_equal(breaker_memory_create(&storage, &options), UV_EINVAL);
    breaker_memory_options_init(&options);
    options.max_log = 0;
    assert_int_equal(breaker_memory_create(&storage, &options), UV_EINVAL);
    assert_int_equal(breaker_memory_create(NULL, NULL), UV_EINVAL);
    assert_int_equal(breaker_memory_destroy(NULL), UV_EINVAL);
}

/* The struct grows at the end only: a longer one of a later version is read as far as it is known. */
static void options_may_grow(void **state)
{
    struct {
        breaker_memory_options_t options;
        uint64_t later;
    } grown;
    breaker_storage_t *storage;
    (void)state;
    breaker_memory_options_init_sized(&grown.options, sizeof grown);
    assert_int_equal(grown.options.size, sizeof grown);
    assert_int_equal(grown.later, 0);
    assert_int_equal(breaker_memory_create(&storage, &grown.options), 0);
    assert_int_equal(breaker_memory_destroy(storage), 0);
}

static void on_closed(breaker_client_t *client)
{
    *(int *)client->data = 1;
}

static void bell_unheard(breaker_client_t *client, const char *key, size_t key_length,
                         const char *value, size_t length)
{
    (void)client;
    (void)key;
    (void)key_length;
    (void)value;
    (void)length;
    fail();
}

static void busy_while_open(void **state)
{
    int is_closed = 0;
    uv_loop_t loop;
    breaker_storage_t *storage = make(0, 1);
    breaker_client_t client = {
        .loop = &loop, .data = &is_closed, .bell = bell_unheard, .closed = on_closed};
    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(storage->ops->open(storage, &client), 0);
    assert_int_equal(breaker_memory_destroy(storage), UV_EBUSY);
    storage->ops->close(storage, &client);
    assert_int_equal(breaker_memory_destroy(storage), 0);
    assert_int_equal(is_closed, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(is_closed, 1);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* ---- Bounds ------------------------------------------------------------------------------------*/

static int set(breaker_storage_t *storage, const char *key, uint64_t ttl)
{
    breaker_verb_t verb = {.kind = BREAKER_SET,
                           .key = key,
                           .key_length = (uint16_t)strlen(key),
                           VALUE("value"),
                           .ttl = ttl};
    return transact(storage, NULL, &verb, 1);
}

static void keys_are_bounded(void **state)
{
    breaker_storage_t *storage = make(3, 10);
    (void)state;
    assert_int_equal(set(storage, "a", 0), 0);
    assert_int_equal(set(storage, "b", 100), 0);
    assert_int_equal(set(storage, "c", 200), 0);
    assert_int_equal(set(storage, "d", 0), UV_ENOSPC);
    assert_int_equal(set(storage, "a", 0), 0);
    /* Nothing done, and what frees a place makes one. */
    assert_int_equal(TRANSACT(storage, {.kind = BREAKER_SET, KEY("a"), VALUE("changed")},
                              {.kind = BREAKER_INCR, KEY("d"), .number = 1}),
                     UV_ENOSPC);
    assert_true(transact_holds(storage, "a", "value"));
    assert_int_equal(TRANSACT(storage, {.kind = BREAKER_LOG, KEY("d"), .score = 1}), UV_ENOSPC);
    assert_int_equal(TRANSACT(storage, {.kind = BREAKER_SET, KEY("d"), VALUE("in")},
                              {.kind = BREAKER_DELETE, KEY("a")}),
                     0);
    assert_true(transact_holds(storage, "d", "in"));
    assert_true(transact_holds(storage, "a", NULL));
    /* What is over makes room, but not before. */
    virtual_now += 100;
    assert_int_equal(set(storage, "e", 0), UV_ENOSPC);
    virtual_now += 1;
    assert_int_equal(set(storage, "e", 0), 0);
    assert_int_equal(set(storage, "f", 0), UV_ENOSPC);
    virtual_now += 100;
    assert_int_equal(set(storage, "f", 0), 0);
    /* flush frees all places, and no more. */
    int status = 1;
    breaker_transaction_t transaction = {.complete = transact_complete, .data = &status};
    storage->ops->flush(storage, NULL, &transaction);
    assert_int_equal(status, 0);
    for (const char *key = "xyz"; *key != '\0'; key++)
        assert_int_equal(set(storage, key, 0), 0);
    assert_int_equal(set(storage, "w", 0), UV_ENOSPC);
    assert_int_equal(breaker_memory_destroy(storage), 0);
}

static int64_t log_one(breaker_storage_t *storage, int64_t score, int64_t cut)
{
    return transact_number(
        storage, (breaker_verb_t){.kind = BREAKER_LOG, KEY("log"), .score = score, .cut = cut});
}

static void logs_are_bounded(void **state)
{
    breaker_storage_t *storage = make(0, 5);
    (void)state;
    for (int64_t score = 10; score <= 50; score += 10)
        assert_int_equal(log_one(storage, score, 0), score / 10);
    assert_int_equal(log_one(storage, 60, 0), 5);
    assert_int_equal(log_one(storage, 5, 0), 5);   /* the oldest of six is itself */
    assert_int_equal(log_one(storage, 70, 30), 4); /* 40 50 60 70 */
    assert_int_equal(log_one(storage, 65, 59), 3); /* 60 65 70 */
    assert_int_equal(TRANSACT(storage, {.kind = BREAKER_LOG, KEY("log"), .score = 61},
                              {.kind = BREAKER_LOG, KEY("log"), .score = 62},
                              {.kind = BREAKER_LOG, KEY("log"), .score = 63},
                              {.kind = BREAKER_LOG, KEY("log"), .score = 64}),
                     0);
    assert_int_equal(log_one(storage, 99, 62), 5); /* 63 64 65 70 99 */
    for (int64_t score = 100; score < 106; score++)
        assert_int_equal(log_one(storage, score, 0), 5);
    assert_int_equal(log_one(storage, 106, 102), 4); /* 103 104 105 106 */
    assert_int_equal(breaker_memory_destroy(storage), 0);
}

/* ---- An error has done nothing -----------------------------------------------------------------*/

static void errors_do_nothing(void **state)
{
    static const int64_t bad[] = {BREAKER_INCR, BREAKER_GET, BREAKER_LOG};
    breaker_storage_t *storage = make(0, 3);
    (void)state;
    assert_int_equal(set(storage, "value", 0), 0);
    assert_int_equal(set(storage, "gone", 0), 0);
    assert_int_equal(set(storage, "ends", 100), 0);
    for (int64_t score = 1; score <= 3; score++)
        assert_int_equal(log_one(storage, score, 0), score);
    for (unsigned i = 0; i < 3; i++) {
        breaker_verb_t last = {.kind = (breaker_verb_kind_t)bad[i], KEY("value"), .number = 1};
        assert_int_not_equal(TRANSACT(storage, {.kind = BREAKER_SET, KEY("new"), VALUE("1")},
                                      {.kind = BREAKER_DELETE, KEY("gone")},
                                      {.kind = BREAKER_LOG, KEY("log"), .score = 9, .cut = 2},
                                      {.kind = BREAKER_LOG, KEY("other"), .score = 9},
                                      {.kind = BREAKER_SET, KEY("ends"), VALUE("no end")}, last),
                             0);
    }
    assert_true(transact_holds(storage, "new", NULL));
    assert_true(transact_holds(storage, "other", NULL));
    assert_true(transact_holds(storage, "gone", "value"));
    assert_true(transact_holds(storage, "ends", "value"));
    virtual_now += 101;
    assert_true(transact_holds(storage, "ends", NULL));
    assert_int_equal(log_one(storage, 4, 1), 3);
    assert_int_equal(log_one(storage, 5, 3), 2);
    assert_int_equal(breaker_memory_destroy(storage), 0);
}

/* ---- The bell ----------------------------------------------------------------------------------*/

struct ear {
    char last[BREAKER_VALUE_MAX + 1];
    unsigned heard;
};

static void on_bell(breaker_client_t *client, const char *key, size_t key_length, const char *value,
                    size_t length)
{
    struct ear *ear = client->data;
    assert_memory_equal(key, "bell", key_length);
    memcpy(ear->last, value, length);
    ear->last[length] = '\0';
    ear->heard++;
}

static void on_alive(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, NULL);
}

static void on_quiet(breaker_client_t *client)
{
    client->data = NULL;
}

static void bell_keeps_the_newest(void **state)
{
    struct ear ears[2] = {{.heard = 0}};
    breaker_client_t clients[2];
    breaker_storage_t *storage = make(0, 1);
    uv_loop_t loop;
    uv_timer_t alive;
    char value[16];
    (void)state;
    uv_loop_init(&loop);
    uv_timer_init(&loop, &alive);
    uv_timer_start(&alive, on_alive, 0, 0);
    for (unsigned i = 0; i < 2; i++) {
        clients[i] = (breaker_client_t){
            .loop = &loop, .data = &ears[i], .bell = on_bell, .closed = on_quiet};
        assert_int_equal(storage->ops->open(storage, &clients[i]), 0);
        assert_int_equal(storage->ops->listen(storage, &clients[i], "bell", 4), 0);
        assert_int_equal(storage->ops->listen(storage, &clients[i], "bell", 4), 0);
    }
    for (int i = 0; i <= 100000; i++) {
        breaker_verb_t tell = {.kind = BREAKER_TELL, KEY("bell"), .value = value};
        tell.length = (uint16_t)sprintf(value, "%d", i);
        assert_int_equal(transact(storage, &clients[0], &tell, 1), 0);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(ears[0].heard, 0);
    assert_int_equal(ears[1].heard, 1);
    assert_string_equal(ears[1].last, "100000");
    for (unsigned i = 0; i < 2; i++)
        storage->ops->close(storage, &clients[i]);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_null(clients[0].data);
    assert_null(clients[1].data);
    assert_int_equal(breaker_memory_destroy(storage), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
}

enum { EARS = 300 };

struct crowd {
    breaker_storage_t *storage;
    unsigned heard;
};

/* Lets go of this key, and of two of three others, which ring too. */
static void on_crowd(breaker_client_t *client, const char *key, size_t key_length,
                     const char *value, size_t length)
{
    struct crowd *crowd = client->data;
    char other[16];
    (void)value, (void)length;
    crowd->heard++;
    for (int i = 0; i < EARS; i++) {
        size_t other_length = (size_t)sprintf(other, "%d", i);
        if (i % 3 != 0 || (other_length == key_length && memcmp(other, key, key_length) == 0))
            crowd->storage->ops->unlisten(crowd->storage, client, other, other_length);
    }
}

static void ears_are_given_back(void **state)
{
    struct crowd crowd = {.storage = make(0, 1)};
    breaker_storage_t *storage = crowd.storage;
    uv_loop_t loop;
    uv_timer_t alive;
    char key[16];
    (void)state;
    uv_loop_init(&loop);
    breaker_client_t client = {.loop = &loop, .data = &crowd, .bell = on_crowd, .closed = on_quiet};
    breaker_client_t teller = {.loop = &loop, .data = &crowd, .bell = on_crowd, .closed = on_quiet};
    assert_int_equal(storage->ops->open(storage, &client), 0);
    assert_int_equal(storage->ops->open(storage, &teller), 0);
    for (int i = 0; i < EARS; i++)
        assert_int_equal(storage->ops->listen(storage, &client, key, (size_t)sprintf(key, "%d", i)),
                         0);
    for (int i = 0; i < EARS; i++) {
        breaker_verb_t tell = {.kind = BREAKER_TELL, .key = key, .value = key};
        tell.key_length = tell.length = (uint16_t)sprintf(key, "%d", i);
        assert_int_equal(transact(storage, &teller, &tell, 1), 0);
    }
    uv_timer_init(&loop, &alive);
    uv_timer_start(&alive, on_alive, 5, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(crowd.heard, EARS / 3);
    storage->ops->unlisten(storage, &client, "never", 5);
    storage->ops->close(storage, &client);
    storage->ops->close(storage, &teller);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(breaker_memory_destroy(storage), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* Without a clock of one's own, it is the system's. */
static void clock_is_the_system_s(void **state)
{
    breaker_storage_t *storage;
    breaker_transaction_t transaction = {.complete = transact_complete};
    uv_timeval64_t before;
    uv_timeval64_t after;
    int status = 1;
    (void)state;
    transaction.data = &status;
    uv_gettimeofday(&before);
    assert_int_equal(breaker_memory_create(&storage, NULL), 0);
    storage->ops->submit(storage, NULL, &transaction);
    uv_gettimeofday(&after);
    assert_int_equal(status, 0);
    assert_true(transaction.wall + 1000 >= (uint64_t)before.tv_sec * 1000);
    assert_true(transaction.wall <= (uint64_t)(after.tv_sec + 2) * 1000);
    assert_int_equal(breaker_memory_destroy(storage), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conforms_in_virtual_time), cmocka_unit_test(conforms_in_real_time),
        cmocka_unit_test(options_are_checked),      cmocka_unit_test(options_may_grow),
        cmocka_unit_test(busy_while_open),          cmocka_unit_test(keys_are_bounded),
        cmocka_unit_test(logs_are_bounded),         cmocka_unit_test(errors_do_nothing),
        cmocka_unit_test(bell_keeps_the_newest),    cmocka_unit_test(clock_is_the_system_s),
        cmocka_unit_test(ears_are_given_back),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
