/* The transactions under way: those that wait for an answer or to be sent, in order, and those
 * that have failed and wait to be told. */
#ifndef REDIS_QUEUE_H
#define REDIS_QUEUE_H

#include <breaker/storage.h>
#include <stdbool.h>

struct redis_entry {
    breaker_transaction_t *transaction; /* NULL: cancelled */
    uint64_t due;
    uint64_t cursor; /* of a flush */
    uint32_t bytes;  /* as a command, about */
    uint8_t tries;
    bool is_flush;
};

/* A ring: [head, sent) wait for an answer, [sent, tail) to be sent. */
struct redis_queue {
    struct redis_entry *ring;
    uint64_t head, sent, tail;
    uint64_t mask;
    size_t waiting; /* bytes of those to be sent */
    unsigned max;
    breaker_transaction_t *failed, *failed_last; /* linked by storage_link[1] */
    breaker_transaction_t *telling;              /* the batch that is being told */
};

int redis_queue_init(struct redis_queue *queue, unsigned max);
void redis_queue_free(struct redis_queue *queue);

struct redis_entry *redis_queue_at(const struct redis_queue *queue, uint64_t place);
bool redis_queue_is_full(const struct redis_queue *queue);

/* Forgets all there is. */
void redis_queue_clear(struct redis_queue *queue);

/* Puts an entry last; there must be room. */
void redis_queue_push(struct redis_queue *queue, const struct redis_entry *entry);
/* Takes the first one. */
struct redis_entry redis_queue_pop(struct redis_queue *queue);

/* Forgets a transaction, wherever it is. */
void redis_queue_cancel(struct redis_queue *queue, breaker_transaction_t *transaction);

/* Lets send deal with what is not sent yet, in order, without the cancelled: 1: it is sent; 0:
 * no more now; negative: it has failed thus. */
void redis_queue_send(struct redis_queue *queue, int (*send)(void *data, struct redis_entry *entry),
                      void *data);

/* Ends a transaction that is in the queue no more, later, from redis_queue_tell. */
void redis_queue_fail(struct redis_queue *queue, breaker_transaction_t *transaction, int status);
/* Ends all that are in the queue so, or those that were not sent. */
void redis_queue_fail_all(struct redis_queue *queue, int status);
void redis_queue_fail_unsent(struct redis_queue *queue, int status);

bool redis_queue_has_failed(const struct redis_queue *queue);
/* Completes those that had failed when it was called. */
void redis_queue_tell(struct redis_queue *queue);

#endif /* REDIS_QUEUE_H */
