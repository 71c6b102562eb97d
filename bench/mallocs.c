/* The row mallocs_per_call: malloc and its kin, wrapped in this program and so for every library in it,
 * counted while each path runs in its steady state. */
#include "mallocs.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WRAPPED 0 /* a sanitizer has wrappers of its own */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WRAPPED 0
#endif
#endif
#ifndef WRAPPED
#define WRAPPED 1
#endif

static atomic_uint_fast64_t counted;

uint64_t mallocs_counted(void)
{
    return atomic_load_explicit(&counted, memory_order_relaxed);
}

#if WRAPPED
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static void count_one(void)
{
    atomic_fetch_add_explicit(&counted, 1, memory_order_relaxed);
}

void *malloc(size_t size)
{
    count_one();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    count_one();
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    count_one();
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    count_one();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    count_one();
    *memory = __libc_memalign(alignment, size);
    return *memory == NULL ? UV_ENOMEM : 0;
}
#endif

double mallocs_of(run_path run, void *subject, uint64_t times)
{
    run(subject, times);
    uint64_t from = mallocs_counted();

    run(subject, times);
    return (double)(mallocs_counted() - from) / (double)times;
}

static void run_pair(void *subject, uint64_t times)
{
    pair_run(subject, times);
}

static void run_batch(void *subject, uint64_t times)
{
    batch_run(subject, times);
}

static void note_event(breaker_listener_t *listener, const breaker_event_t *event)
{
    (void)event;
    ++*(uint64_t *)listener->data;
}

static double pair_mallocs(enum pair_kind kind, uint64_t times)
{
    struct pair pair;

    pair_open(&pair, kind);
    double mallocs = mallocs_of(run_pair, &pair, times);

    pair_close(&pair);
    return mallocs;
}

/* With a listener, each call makes events too. */
static double batch_mallocs(unsigned size, bool listened, uint64_t times)
{
    breaker_policy_t *policy = batch_policy();
    breaker_listener_t listener = {0};
    struct batch batch;
    uint64_t events = 0;

    batch_open(&batch, policy, size);
    if (listened) {
        listener.kinds = BREAKER_ON_ALL;
        listener.notify = note_event;
        listener.data = &events;
        measure_check("breaker_listen", breaker_listen(batch.breaker, &listener));
    }
    double mallocs = mallocs_of(run_batch, &batch, times);

    if (listened && events == 0) {
        measure_fail("a listener heard nothing", UV_EINVAL);
    }
    batch_close(&batch);
    breaker_policy_destroy(policy);
    return mallocs;
}

static void take(struct row *row, const char *path, double mallocs)
{
    row_extra(row, path, mallocs);
    if (mallocs > row->value) {
        row->value = mallocs;
    }
}

void mallocs_per_call(const struct effort *effort, struct row *row)
{
    uint64_t times = effort->quick ? 2000 : 100000;
    uint64_t from = mallocs_counted();
    void *volatile probe = malloc(1); /* a counter that does not count would make the row hold */

    free(probe);
    if (WRAPPED && mallocs_counted() == from) {
        measure_fail("the counting allocator is not in use", UV_EINVAL);
    }
    row->value = 0;
    take(row, "pair_success", pair_mallocs(PAIR_SUCCESS, times));
    take(row, "pair_failure", pair_mallocs(PAIR_FAILURE, times));
    take(row, "refused", pair_mallocs(PAIR_REFUSED, times));
    take(row, "call_batch_1", batch_mallocs(1, false, times));
    take(row, "call_batch_16", batch_mallocs(16, false, times));
    take(row, "call_batch_256", batch_mallocs(256, false, times));
    take(row, "listened", batch_mallocs(16, true, times));
    mallocs_of_guards(times / 50, row, take);
    if (!WRAPPED) {
        row->value = NAN; /* nothing was counted */
    }
}
