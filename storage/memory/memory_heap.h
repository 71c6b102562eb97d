/* The keys that have an end, the earliest on top. */
#ifndef MEMORY_HEAP_H
#define MEMORY_HEAP_H

#include <stddef.h>
#include <stdint.h>

#define MEMORY_HEAP_OUT SIZE_MAX

/* Embedded in what ends. */
struct memory_end {
    uint64_t at;  /* there while now <= at; UINT64_MAX: for ever */
    size_t place; /* the heap's; MEMORY_HEAP_OUT before the first set */
};

struct memory_heap {
    struct memory_end **ends;
    size_t count;
    size_t room;
};

void memory_heap_free(struct memory_heap *heap);

/* Makes room for so many more; after it, so many sets cannot fail. 0 or UV_ENOMEM. */
int memory_heap_reserve(struct memory_heap *heap, size_t more);

/* Gives it that end; UINT64_MAX takes it out. */
void memory_heap_set(struct memory_heap *heap, struct memory_end *end, uint64_t at);

/* The earliest, if it is over; else NULL. */
struct memory_end *memory_heap_over(const struct memory_heap *heap, uint64_t now);

#endif /* MEMORY_HEAP_H */
