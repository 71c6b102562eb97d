/* The limits: what the same work costs when it is written by hand for one purpose, with no names, no
 * events, no totals and nothing checked. Compiled apart from its callers, so that nothing is inlined;
 * it is not optimised for any bench beyond what a careful author would do. */
#include "limit.h"

#include "bench.h"

#include <stdlib.h>
#include <string.h>

#if defined(__clang__)
#define OUT_OF_LINE __attribute__((noinline))
#else
#define OUT_OF_LINE __attribute__((noinline, noclone))
#endif

void limit_init(struct limit *limit, uv_loop_t *loop, double error_ratio)
{
    memset(limit, 0, sizeof *limit);
    limit->loop = loop;
    limit->epoch = 1;
    limit->bucket_end = uv_now(loop) + LIMIT_BUCKET_MS;
    limit->min_calls = 20;
    limit->error_ratio = error_ratio;
}

OUT_OF_LINE int limit_admit(struct limit *limit, uint64_t *permit)
{
    if (__builtin_expect(limit->broken_until != 0, 0)) {
        if (uv_now(limit->loop) < limit->broken_until) {
            return -1;
        }
        limit->broken_until = 0;
    }
    *permit = limit->epoch;
    return 0;
}

OUT_OF_LINE static void advance(struct limit *limit, uint64_t now)
{
    for (unsigned steps = 0; now >= limit->bucket_end && steps < LIMIT_BUCKETS; steps++) {
        limit->position = (limit->position + 1) % LIMIT_BUCKETS;
        limit->ok -= limit->ring[limit->position].ok;
        limit->failed -= limit->ring[limit->position].failed;
        memset(&limit->ring[limit->position], 0, sizeof limit->ring[0]);
        limit->bucket_end += LIMIT_BUCKET_MS;
    }
    if (now >= limit->bucket_end) {
        limit->bucket_end = now + LIMIT_BUCKET_MS;
    }
}

OUT_OF_LINE int limit_record(struct limit *limit, uint64_t *permit, bool failed)
{
    uint64_t now = uv_now(limit->loop);

    if (*permit != limit->epoch) {
        return -1;
    }
    *permit = 0;
    if (__builtin_expect(now >= limit->bucket_end, 0)) {
        advance(limit, now);
    }
    if (failed) {
        limit->ring[limit->position].failed++;
        limit->failed++;
    } else {
        limit->ring[limit->position].ok++;
        limit->ok++;
    }
    uint32_t calls = limit->ok + limit->failed;
    if (calls >= limit->min_calls && limit->failed >= limit->error_ratio * calls) {
        limit->epoch++;
        limit->broken_until = now + 5000;
    }
    return 0;
}

/* ---- Callbacks put off ------------------------------------------------------------------------*/

static void drain(uv_idle_t *idle)
{
    struct limit_queue *queue = idle->data;
    struct limit_item *item = queue->first;

    queue->first = NULL;
    queue->last = &queue->first;
    while (item != NULL) {
        struct limit_item *next = item->next;

        item->callback(item);
        item = next;
    }
    if (queue->first == NULL) {
        uv_idle_stop(&queue->idle);
    }
}

void limit_queue_open(struct limit_queue *queue)
{
    measure_check("loop", uv_loop_init(&queue->loop));
    uv_idle_init(&queue->loop, &queue->idle);
    queue->idle.data = queue;
    queue->first = NULL;
    queue->last = &queue->first;
}

OUT_OF_LINE void limit_defer(struct limit_queue *queue, struct limit_item *item)
{
    if (queue->first == NULL) {
        uv_idle_start(&queue->idle, drain);
    }
    item->next = NULL;
    *queue->last = item;
    queue->last = &item->next;
}

void limit_queue_close(struct limit_queue *queue)
{
    uv_close((uv_handle_t *)&queue->idle, NULL);
    uv_run(&queue->loop, UV_RUN_DEFAULT);
    measure_check("loop close", uv_loop_close(&queue->loop));
}

struct again {
    struct limit_queue *queue;
    uint64_t left;
};

static void put_off_again(struct limit_item *item)
{
    struct again *again = item->data;

    if (again->left > 0) {
        again->left--;
        limit_defer(again->queue, item);
    }
}

void limit_defer_run(struct limit_queue *queue, unsigned size, uint64_t times)
{
    struct again again = {queue, times};
    struct limit_item *items = calloc(size, sizeof *items);

    if (items == NULL) {
        measure_fail("calloc", UV_ENOMEM);
    }
    for (unsigned i = 0; i < size; i++) {
        items[i].callback = put_off_again;
        items[i].data = &again;
        put_off_again(&items[i]);
    }
    uv_run(&queue->loop, UV_RUN_DEFAULT);
    free(items);
}

/* ---- Empty turns ------------------------------------------------------------------------------*/

static void count_turn(uv_idle_t *idle)
{
    uint64_t *left = idle->data;

    if (--*left == 0) {
        uv_idle_stop(idle);
    }
}

void limit_turns_run(uv_loop_t *loop, uint64_t turns)
{
    uv_idle_t idle;

    uv_idle_init(loop, &idle);
    idle.data = &turns;
    uv_idle_start(&idle, count_turn);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&idle, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
}
