/* Knows what an answer means for the transaction that it belongs to, and an error for the whole
 * storage. A server that cannot or will not do what is asked (full, read-only, without a right
 * that is needed) is not asked more: what was sent may still be answered, and then the
 * connection is made anew. */
#include "redis_script.h"
#include "redis_storage.h"
#include <string.h>

#define TRIES_MAX 4u /* of one transaction, while somebody flushes the scripts */

static void complete(breaker_transaction_t *transaction, int status)
{
    if (transaction)
        transaction->complete(transaction, status);
}

static void remember_key(struct redis_storage *storage, const char *key, size_t length)
{
    if (!key || length > BREAKER_KEY_MAX)
        return;
    memcpy(storage->fault_key, key, length);
    storage->fault_key_length = length;
}

/* The server answers, but cannot or will not do what is asked: what it was sent may still be
 * answered, what was not sent is refused, and then the connection is made anew. */
static void turn_sour(struct redis_storage *storage, struct redis_trouble trouble)
{
    storage->ready = false;
    storage->sour = true;
    storage->trouble = storage->health = trouble;
    if (trouble.fault == REDIS_SETTING)
        storage->doubt_until = UINT64_MAX;
    redis_queue_fail_unsent(&storage->queue, trouble.status);
    redis_storage_wake(storage);
}

static void try_again(struct redis_storage *storage, struct redis_entry *entry)
{
    if (!entry->transaction)
        return;
    if (++entry->tries >= TRIES_MAX || storage->sour) {
        redis_queue_fail(&storage->queue, entry->transaction, UV_EAGAIN);
    } else {
        redis_queue_push(&storage->queue, entry);
    }
    redis_storage_wake(storage);
}

static const char *first_key(const breaker_transaction_t *transaction, size_t *length)
{
    if (transaction->guard != BREAKER_GUARD_NONE) {
        *length = transaction->guard_key_length;
        return transaction->guard_key;
    }
    *length = transaction->count ? transaction->verbs[0].key_length : 0;
    return transaction->count ? transaction->verbs[0].key : NULL;
}

/* An error of Redis, of the whole command or (with a key) of one verb. */
static void on_error(struct redis_storage *storage, struct redis_entry *entry, uint64_t place,
                     const struct redis_failure *failure)
{
    breaker_transaction_t *transaction = entry->transaction;
    struct redis_trouble trouble = redis_error_classify(failure->text, failure->length);
    const char *key = failure->key;
    size_t length = failure->key_length;
    bool was_whole = place + 1 == storage->whole_end;
    if (trouble.fault == REDIS_SCRIPT && !was_whole) {
        /* Those that were sent before the script was, need not bring it again. */
        storage->script_lost |= place >= storage->whole_end;
        try_again(storage, entry);
        return;
    }
    if (trouble.fault == REDIS_SCRIPT) /* it does not keep what it is given */
        trouble.fault = REDIS_LATER;
    if (!key && transaction && !entry->is_flush)
        key = first_key(transaction, &length);
    redis_storage_note(storage, failure->text, failure->length, key, length);
    if (trouble.fault == REDIS_VERB) {
        complete(transaction, trouble.status);
        return;
    }
    if (!storage->sour) {
        remember_key(storage, key, length);
        turn_sour(storage, trouble);
    }
    if (transaction) /* clients hear of the storage first, and then what it made of this */
        redis_queue_fail(&storage->queue, transaction, trouble.status);
    redis_storage_wake(storage);
}

/* It did go well: after a right was lacking, only a transaction that writes shows that it is
 * there. */
static void dispel_doubt(struct redis_storage *storage, const breaker_transaction_t *transaction)
{
    bool shown = redis_link_clock() >= storage->doubt_until;
    for (unsigned i = 0; i < transaction->count; i++)
        shown |= transaction->verbs[i].kind != BREAKER_GET;
    if (!shown || storage->sour)
        return;
    storage->doubt_until = 0;
    storage->health = storage->trouble;
    redis_storage_wake(storage);
}

/* A reading of a server that has said meanwhile that it cannot write. */
static bool is_stale(const struct redis_storage *storage, const breaker_transaction_t *transaction,
                     int status)
{
    bool reads = status == BREAKER_EGUARD || (status == 0 && redis_script_reads(transaction));
    return reads && storage->sour && storage->trouble.fault == REDIS_LATER;
}

static void on_flushed(struct redis_storage *storage, struct redis_entry *entry,
                       const struct redis_reply *reply)
{
    if (redis_script_read_cursor(reply, &entry->cursor) != 0) {
        redis_queue_fail(&storage->queue, entry->transaction, UV_EPROTO);
        redis_exchange_drop_nonsense(storage);
        return;
    }
    if (entry->cursor == 0) {
        entry->transaction->wall = (uint64_t)redis_reply_part(reply, 2, 0)->integer;
        complete(entry->transaction, 0);
        return;
    }
    if (storage->sour) {
        redis_queue_fail(&storage->queue, entry->transaction, storage->trouble.status);
    } else { /* each step has its time */
        entry->due = redis_exchange_due(storage);
        redis_queue_push(&storage->queue, entry);
        redis_exchange_expect(storage, entry->due);
    }
    redis_storage_wake(storage);
}

void redis_answer(struct redis_storage *storage, struct redis_entry *entry, uint64_t place,
                  const struct redis_reply *reply)
{
    const struct redis_part *error = redis_reply_part(reply, 0, REDIS_REPLY_ERROR);
    struct redis_failure failure = {0};
    if (error) {
        failure.text = redis_reply_text(reply, error);
        failure.length = error->length;
        on_error(storage, entry, place, &failure);
        return;
    }
    breaker_transaction_t *transaction = entry->is_flush ? NULL : entry->transaction;
    if (!entry->transaction) /* cancelled: whatever it is */
        return;
    int status = redis_script_read(reply, transaction, &failure);
    if (status == UV_EIO) {
        on_error(storage, entry, place, &failure);
    } else if (status == UV_EPROTO) {
        redis_queue_fail(&storage->queue, entry->transaction, UV_EPROTO);
        redis_exchange_drop_nonsense(storage);
    } else if (entry->is_flush) {
        on_flushed(storage, entry, reply);
    } else {
        if (storage->doubt_until && status == 0)
            dispel_doubt(storage, transaction);
        if (is_stale(storage, transaction, status))
            redis_queue_fail(&storage->queue, transaction, storage->trouble.status);
        else
            complete(transaction, status);
    }
}
