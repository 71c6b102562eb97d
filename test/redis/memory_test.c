/* Each allocation fails, one after the other, once and for ever: the library's own, and those of
 * hiredis. What must hold: no crash, no leak, every transaction completes once, and with memory
 * back, all is well. */
#define _GNU_SOURCE
#include "proxy.h"
#include "rig.h"
#include "server.h"
#include <breaker.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static struct server server;
static long countdown = -1; /* allocations until the first that fails; -1: none does */
static bool for_ever;
static long live;
static bool has_failed;

static bool fails(void)
{
    if (countdown < 0 || (countdown > 0 && --countdown >= 0))
        return false;
    if (!for_ever)
        countdown = -1;
    has_failed = true;
    return true;
}

/* ---- The library's own */

static void *allocate(size_t size)
{
    if (fails())
        return NULL;
    live++;
    return malloc(size);
}

static void *reallocate(void *memory, size_t size)
{
    if (fails())
        return NULL;
    live += memory == NULL;
    return realloc(memory, size);
}

static void release(void *memory)
{
    live -= memory != NULL;
    free(memory);
}

/* ---- hiredis': the program's malloc stands before the C library's. Not where a sanitizer has its
 * own. */

#ifdef SANITIZED
#define FAILING_HIREDIS 0
#else
#define FAILING_HIREDIS 1
static bool hiredis_too;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static bool fails_for(void *caller)
{
    Dl_info info;
    if (!hiredis_too || countdown < 0)
        return false;
    return dladdr(caller, &info) && strstr(info.dli_fname, "libhiredis") && fails();
}

void *malloc(size_t size)
{
    return fails_for(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails_for(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    return fails_for(__builtin_return_address(0)) ? NULL : __libc_realloc(memory, size);
}
#endif

/* ---- The scenario */

static long long as_seen(const char *command)
{
    long kept = countdown;
    countdown = -1; /* the second client has no part in this */
    long long number = server_number(&server, command);
    countdown = kept;
    return number;
}

/* What was told as done was done, what was refused by a guard was not, and of what failed for lack of
 * memory nothing was done that was not asked for. */
static void use_guarded(struct rig *rig)
{
    struct op *op = op_new(rig);
    op->transaction.guard = BREAKER_GUARD_ABSENT;
    op->transaction.guard_key = "g";
    op->transaction.guard_key_length = 1;
    op->transaction.standing = op->value;
    op->transaction.standing_length = sizeof op->value;
    op_set(op, "g", "guarded", 60000);
    op_incr(op, "done", 1, 60000);
    long long was_there = as_seen("EXISTS p:g"), was_done = as_seen("INCRBY p:done 0");
    op_submit(op);
    int status = op_wait(op);
    long long is_there = as_seen("EXISTS p:g"), done = as_seen("INCRBY p:done 0") - was_done;
    assert_true(status <= 0);
    if (was_there)
        assert_true(status != 0 && done == 0);
    else
        assert_true(status != BREAKER_EGUARD && is_there == done && (status != 0 || done == 1));
    op_free(op);
}

static void use(struct rig *rig)
{
    struct op *ops[8];
    long long well = 0, before = as_seen("INCRBY p:n 0");
    for (int i = 0; i < 8; i++) {
        ops[i] = op_new(rig);
        op_incr(ops[i], "n", 1, 60000);
        op_get(ops[i], "n");
        op_submit(ops[i]);
        rig->storage->ops->listen(rig->storage, &rig->client, "key", 3);
    }
    for (int i = 0; i < 8; i++) {
        int status = op_wait(ops[i]);
        assert_true(status <= 0);
        well += status == 0;
        op_free(ops[i]);
    }
    assert_in_range(as_seen("INCRBY p:n 0") - before, well, 8);
    use_guarded(rig);
    use_guarded(rig);
    struct op *op = op_new(rig);
    rig->storage->ops->flush(rig->storage, &rig->client, &op->transaction);
    assert_true(op_wait(op) <= 0);
    op_free(op);
    long kept = countdown;
    countdown = -1; /* the second client has no part in this */
    server_do(&server, "CLIENT KILL TYPE normal SKIPME yes");
    server_do(&server, "CLIENT KILL TYPE pubsub");
    countdown = kept;
}

/* True: nothing failed any more, all of them were tried. */
static bool scenario(const char *url, long at)
{
    struct rig rig;
    const char *bad_field;
    rig_init(&rig, url);
    rig.options.prefix = "p:";
    rig.options.password = "secret";
    rig.options.backoff_max = 4;
    has_failed = false;
    countdown = at;
    int status = breaker_redis_create(&rig.storage, &rig.options, &bad_field);
    if (status == 0) {
        countdown = -1;
        assert_int_equal(breaker_redis_destroy(rig.storage), 0);
    }
    assert_true(status == 0 || status == UV_ENOMEM);
    countdown = -1;
    bool done = !has_failed;
    has_failed = false;
    rig_open(&rig);
    countdown = at;
    use(&rig);
    use(&rig);
    done = done && !has_failed;
    countdown = -1;
    rig_until_well(&rig);
    rig_end(&rig);
    return done;
}

static void every_allocation(const char *url)
{
    for (int ever = 0; ever < 2; ever++) {
        bool done = false;
        for_ever = ever;
        for (long at = 0; !done; at++) {
            long before = live;
            assert_in_range(at, 0, 2000);
            done = scenario(url, at);
            assert_int_equal(live, before);
            if (done)
                print_message("%ld allocations%s\n", at, ever ? ", for ever" : "");
        }
    }
}

static void own(void **state)
{
    char url[128];
    (void)state;
    snprintf(url, sizeof url, "unix:%s", server.path);
    every_allocation(url);
}

/* With what a name needs besides. */
static void over_a_name(void **state)
{
    char url[128];
    (void)state;
    snprintf(url, sizeof url, "redis://localhost:%d", server.port);
    every_allocation(url);
}

static void of_hiredis_too(void **state)
{
    (void)state;
#if FAILING_HIREDIS
    char url[128];
    snprintf(url, sizeof url, "unix:%s", server.path);
    hiredis_too = true;
    every_allocation(url);
    hiredis_too = false;
#else
    skip();
#endif
}

/* Opening fails and leaves nothing. */
static void opening(void **state)
{
    char url[128];
    struct rig rig;
    (void)state;
    snprintf(url, sizeof url, "unix:%s", server.path);
    rig_init(&rig, url);
    rig_open(&rig);
    breaker_client_t second = rig.client;
    for_ever = false;
    countdown = 0;
    assert_int_equal(rig.storage->ops->open(rig.storage, &second), UV_ENOMEM);
    assert_int_equal(breaker_redis_destroy(rig.storage), UV_EBUSY);
    rig_end(&rig);
}

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(breaker_replace_allocator(allocate, reallocate, release), 0);
    server_start(&server, true);
    server_do(&server, "CONFIG SET requirepass secret");
    server_do(&server, "AUTH secret");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_end(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own),
        cmocka_unit_test(over_a_name),
        cmocka_unit_test(of_hiredis_too),
        cmocka_unit_test(opening),
    };
    return cmocka_run_group_tests_name("redis: memory", tests, set_up, tear_down);
}
