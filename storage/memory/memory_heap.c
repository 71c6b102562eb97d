/* Which key of the memory storage ends first: a binary heap, so that expired keys are found without a
 * scan. The order of the heap is known here only. */
#include "memory_heap.h"
#include "memory.h"
#include <uv.h>

void memory_heap_free(struct memory_heap *heap)
{
    memory_release(heap->ends);
    heap->ends = NULL;
    heap->count = 0;
    heap->room = 0;
}

int memory_heap_reserve(struct memory_heap *heap, size_t more)
{
    if (heap->count + more <= heap->room)
        return 0;
    size_t room = 2 * (heap->count + more);
    struct memory_end **ends = memory_reallocate(heap->ends, room * sizeof *ends);
    if (ends == NULL)
        return UV_ENOMEM;
    heap->ends = ends;
    heap->room = room;
    return 0;
}

static void put(struct memory_heap *heap, size_t place, struct memory_end *end)
{
    heap->ends[place] = end;
    end->place = place;
}

static void rise(struct memory_heap *heap, struct memory_end *end)
{
    size_t place = end->place;
    while (place > 0 && heap->ends[(place - 1) / 2]->at > end->at) {
        put(heap, place, heap->ends[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(heap, place, end);
}

static void sink(struct memory_heap *heap, struct memory_end *end)
{
    size_t place = end->place;
    for (;;) {
        size_t child = 2 * place + 1;
        if (child + 1 < heap->count && heap->ends[child + 1]->at < heap->ends[child]->at)
            child++;
        if (child >= heap->count || heap->ends[child]->at >= end->at)
            break;
        put(heap, place, heap->ends[child]);
        place = child;
    }
    put(heap, place, end);
}

static void take_out(struct memory_heap *heap, struct memory_end *end)
{
    struct memory_end *last = heap->ends[--heap->count];
    if (last != end) {
        put(heap, end->place, last);
        rise(heap, last);
        sink(heap, last);
    }
    end->place = MEMORY_HEAP_OUT;
}

void memory_heap_set(struct memory_heap *heap, struct memory_end *end, uint64_t at)
{
    end->at = at;
    if (at == UINT64_MAX) {
        if (end->place != MEMORY_HEAP_OUT)
            take_out(heap, end);
        return;
    }
    if (end->place == MEMORY_HEAP_OUT)
        put(heap, heap->count++, end);
    rise(heap, end);
    sink(heap, end);
}

struct memory_end *memory_heap_over(const struct memory_heap *heap, uint64_t now)
{
    return heap->count > 0 && heap->ends[0]->at < now ? heap->ends[0] : NULL;
}
