/* The allocator of the whole library: see breaker_replace_allocator. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stddef.h>

void *memory_allocate(size_t size);
void *memory_zeroed(size_t size);
void *memory_reallocate(void *memory, size_t size);
void memory_release(void *memory); /* NULL is allowed */

#endif /* MEMORY_H */
