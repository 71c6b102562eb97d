/* Knows where each transaction is. The ring is made once, so that nothing is allocated on the
 * way; a transaction in it carries its slot, one that has failed its status and the next one, in
 * the two words that the contract lends us. Answers come in order, so a cancelled transaction
 * that was sent leaves an empty entry behind, which its answer takes away. */
#include "redis_queue.h"
#include "memory.h"
#include <stdint.h>
#include <string.h>
#include <uv.h>

int redis_queue_init(struct redis_queue *queue, unsigned max)
{
    uint64_t room = 1;
    while (room < max)
        room *= 2;
    memset(queue, 0, sizeof *queue);
    queue->max = max;
    queue->mask = room - 1;
    queue->ring = memory_zeroed(room * sizeof *queue->ring);
    return queue->ring ? 0 : UV_ENOMEM;
}

void redis_queue_free(struct redis_queue *queue)
{
    memory_release(queue->ring);
    queue->ring = NULL;
}

void redis_queue_clear(struct redis_queue *queue)
{
    queue->head = queue->sent = queue->tail;
    queue->waiting = 0;
    queue->failed = queue->failed_last = queue->telling = NULL;
}

struct redis_entry *redis_queue_at(const struct redis_queue *queue, uint64_t place)
{
    return &queue->ring[place & queue->mask];
}

bool redis_queue_is_full(const struct redis_queue *queue)
{
    return queue->tail - queue->head >= queue->max;
}

/* Even: a slot of the ring. Odd: a status, of one that has failed. */
static void set_slot(breaker_transaction_t *transaction, uint64_t slot)
{
    transaction->storage_link[0] = (void *)(uintptr_t)(slot * 2);
}

static void set_status(breaker_transaction_t *transaction, int status)
{
    transaction->storage_link[0] = (void *)(uintptr_t)((intptr_t)status * 2 + 1);
}

static bool has_failed(const breaker_transaction_t *transaction)
{
    return (uintptr_t)transaction->storage_link[0] & 1;
}

static int status_of(const breaker_transaction_t *transaction)
{
    return (int)(((intptr_t)transaction->storage_link[0] - 1) / 2);
}

static void place(struct redis_queue *queue, uint64_t at, const struct redis_entry *entry)
{
    queue->ring[at & queue->mask] = *entry;
    if (entry->transaction)
        set_slot(entry->transaction, at & queue->mask);
}

void redis_queue_push(struct redis_queue *queue, const struct redis_entry *entry)
{
    place(queue, queue->tail++, entry);
    queue->waiting += entry->bytes;
}

struct redis_entry redis_queue_pop(struct redis_queue *queue)
{
    struct redis_entry entry = *redis_queue_at(queue, queue->head);
    if (queue->sent == queue->head) {
        queue->sent++;
        queue->waiting -= entry.bytes;
    }
    queue->head++;
    return entry;
}

static bool take_out(breaker_transaction_t **list, breaker_transaction_t *transaction,
                     breaker_transaction_t **before)
{
    *before = NULL;
    for (breaker_transaction_t *at = *list; at; at = at->storage_link[1]) {
        if (at == transaction) {
            if (*before)
                (*before)->storage_link[1] = at->storage_link[1];
            else
                *list = at->storage_link[1];
            return true;
        }
        *before = at;
    }
    return false;
}

void redis_queue_cancel(struct redis_queue *queue, breaker_transaction_t *transaction)
{
    breaker_transaction_t *before;
    if (!has_failed(transaction)) {
        queue->ring[(uintptr_t)transaction->storage_link[0] / 2].transaction = NULL;
    } else if (!take_out(&queue->telling, transaction, &before)) {
        take_out(&queue->failed, transaction, &before);
        if (queue->failed_last == transaction)
            queue->failed_last = before;
    }
}

void redis_queue_send(struct redis_queue *queue, int (*send)(void *data, struct redis_entry *entry),
                      void *data)
{
    uint64_t kept = queue->sent;
    size_t waiting = 0;
    int status = 1;
    for (uint64_t at = queue->sent; at != queue->tail; at++) {
        struct redis_entry entry = *redis_queue_at(queue, at);
        if (!entry.transaction)
            continue;
        if (status > 0)
            status = send(data, &entry);
        if (status < 0) {
            redis_queue_fail(queue, entry.transaction, status);
            status = 1;
            continue;
        }
        place(queue, kept++, &entry);
        if (status > 0)
            queue->sent = kept;
        else
            waiting += entry.bytes;
    }
    queue->tail = kept;
    queue->waiting = waiting;
}

void redis_queue_fail(struct redis_queue *queue, breaker_transaction_t *transaction, int status)
{
    set_status(transaction, status);
    transaction->storage_link[1] = NULL;
    if (queue->failed)
        queue->failed_last->storage_link[1] = transaction;
    else
        queue->failed = transaction;
    queue->failed_last = transaction;
}

void redis_queue_fail_all(struct redis_queue *queue, int status)
{
    while (queue->head != queue->tail) {
        struct redis_entry entry = redis_queue_pop(queue);
        if (entry.transaction)
            redis_queue_fail(queue, entry.transaction, status);
    }
}

void redis_queue_fail_unsent(struct redis_queue *queue, int status)
{
    for (uint64_t at = queue->sent; at != queue->tail; at++) {
        struct redis_entry *entry = redis_queue_at(queue, at);
        if (entry->transaction)
            redis_queue_fail(queue, entry->transaction, status);
    }
    queue->tail = queue->sent;
    queue->waiting = 0;
}

bool redis_queue_has_failed(const struct redis_queue *queue)
{
    return queue->failed != NULL;
}

void redis_queue_tell(struct redis_queue *queue)
{
    queue->telling = queue->failed;
    queue->failed = queue->failed_last = NULL;
    while (queue->telling) {
        breaker_transaction_t *transaction = queue->telling;
        queue->telling = transaction->storage_link[1];
        transaction->complete(transaction, status_of(transaction));
    }
}
