/* malloc and its kin, wrapped in this program and so for every library in it, and counted. */
#include "mallocs.h"

#include <stdatomic.h>
#include <stdlib.h>

static atomic_uint_fast64_t counted;

uint64_t mallocs_counted(void)
{
    return atomic_load_explicit(&counted, memory_order_relaxed);
}

#if MALLOCS_WRAPPED
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

bool mallocs_are_counted(void)
{
    uint64_t from = mallocs_counted();
    void *(*volatile ask)(size_t size) = malloc; /* from outside, as others do */

    free(ask(1));
    return mallocs_counted() > from;
}
