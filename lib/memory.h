/* The allocator of the whole library: see breaker_replace_allocator. */
#ifndef MEMORY_H
#define MEMORY_H

#include <breaker.h>
#include <stddef.h>

/* Seen by libbreaker-redis, which is a library of its own, under names that clash with nobody's. */
#define memory_allocate breaker_private_allocate
#define memory_zeroed breaker_private_zeroed
#define memory_reallocate breaker_private_reallocate
#define memory_release breaker_private_release

BREAKER_API void *memory_allocate(size_t size);
BREAKER_API void *memory_zeroed(size_t size);
BREAKER_API void *memory_reallocate(void *memory, size_t size);
BREAKER_API void memory_release(void *memory); /* NULL is allowed */

#endif /* MEMORY_H */
