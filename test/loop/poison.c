/* The poison: a size before each block says how much there is to overwrite. */
#include "poison.h"
#include <breaker.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { POISON = 0xa5 };

struct block {
    size_t size;
    max_align_t memory[];
};

static struct block *block_of(void *memory)
{
    return (struct block *)(void *)((char *)memory - offsetof(struct block, memory));
}

static void *poison_allocate(size_t size)
{
    struct block *block = malloc(sizeof *block + size);

    if (block == NULL)
        return NULL;
    block->size = size;
    memset(block->memory, POISON, size);
    return block->memory;
}

static void poison_release(void *memory)
{
    struct block *block = block_of(memory);

    memset(memory, POISON, block->size);
    free(block);
}

static void *poison_reallocate(void *memory, size_t size)
{
    void *moved = poison_allocate(size);
    size_t old = memory == NULL ? 0 : block_of(memory)->size;

    if (moved == NULL || memory == NULL)
        return moved;
    memcpy(moved, memory, old < size ? old : size);
    poison_release(memory);
    return moved;
}

void poison_what_is_released(void)
{
    if (breaker_replace_allocator(poison_allocate, poison_reallocate, poison_release) != 0)
        abort();
}
