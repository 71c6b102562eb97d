/* Which allocator the library uses: the system's, or the one that the program lends it. Kept here and
 * asked from here only, so that a test can fail each allocation in turn. */
#include "memory.h"
#include <breaker.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static void *(*allocate_fn)(size_t) = malloc;
static void *(*reallocate_fn)(void *, size_t) = realloc;
static void (*release_fn)(void *) = free;

int breaker_replace_allocator(void *(*allocate)(size_t), void *(*reallocate)(void *, size_t),
                              void (*release)(void *))
{
    if (allocate == NULL || reallocate == NULL || release == NULL)
        return UV_EINVAL;
    allocate_fn = allocate;
    reallocate_fn = reallocate;
    release_fn = release;
    return 0;
}

void *memory_allocate(size_t size)
{
    return allocate_fn(size);
}

void *memory_zeroed(size_t size)
{
    void *memory = allocate_fn(size);
    if (memory != NULL)
        memset(memory, 0, size);
    return memory;
}

void *memory_reallocate(void *memory, size_t size)
{
    return reallocate_fn(memory, size);
}

void memory_release(void *memory)
{
    if (memory != NULL)
        release_fn(memory);
}
