/* Knows the conversation: what is sent when, and which answer belongs to which question. After
 * trouble, until a connection was of use, transactions are refused at once rather than left to
 * wait; while one is being made for the first time, or anew after one that was well and idle, they
 * wait, and nobody pauses for it. A server may become a replica or full under an open connection:
 * what only reads is trusted where the server could write not long ago, or else asks it that too. */
#include "redis_script.h"
#include "redis_storage.h"
#include <stdio.h>
#include <string.h>

static struct redis_storage *storage_of(struct redis_link *link)
{
    return link->data;
}

/* What was answered by then does no harm: looking finds nothing. */
void redis_exchange_expect(struct redis_storage *storage, uint64_t due)
{
    if (!storage->link.due || due < storage->link.due)
        redis_link_expect(&storage->link, due);
}

uint64_t redis_exchange_due(const struct redis_storage *storage)
{
    return redis_link_clock() + storage->settings.options.transaction_timeout;
}

/* ---- Submitting */

/* One always fits where nothing waits. */
static bool has_room(const struct redis_storage *storage, uint32_t bytes)
{
    size_t waiting = storage->queue.waiting + redis_buffer_left(&storage->link.out);
    return !redis_queue_is_full(&storage->queue) &&
           (waiting == 0 || waiting + bytes <= storage->settings.options.max_bytes);
}

void redis_exchange_can_write(struct redis_storage *storage, uint64_t now)
{
    storage->proven_until = now + storage->settings.options.transaction_timeout;
}

static int keep(void *data, struct redis_entry *entry)
{
    (void)data, (void)entry;
    return 0;
}

void redis_exchange_submit(struct redis_storage *storage, breaker_transaction_t *transaction,
                           bool is_flush)
{
    struct redis_queue *queue = &storage->queue;
    struct redis_entry entry = {.transaction = transaction, .is_flush = is_flush};
    int status = is_flush ? 0 : breaker_transaction_check(transaction);
    if (is_flush && storage->settings.prefix_length == 0)
        status = UV_EINVAL;
    if (!status && storage->trouble.fault != REDIS_FINE)
        status = storage->trouble.status;
    if (!status)
        entry.bytes = is_flush ? 0 : redis_script_size(&storage->settings, transaction);
    if (!status && !has_room(storage, entry.bytes))
        redis_queue_send(queue, keep, NULL); /* without the cancelled, there may be room */
    if (!status && !has_room(storage, entry.bytes))
        status = UV_ENOBUFS;
    if (!storage->tearing && uv_is_closing((uv_handle_t *)&storage->idle)) {
        /* By the host: no turn will come. */
        transaction->complete(transaction, UV_ESHUTDOWN);
        return;
    }
    if (status) {
        redis_queue_fail(queue, transaction, status);
    } else {
        entry.due = redis_exchange_due(storage);
        redis_queue_push(queue, &entry);
        redis_exchange_expect(storage, entry.due);
    }
    redis_storage_wake(storage);
}

/* ---- Sending */

static int send_entry(void *data, struct redis_entry *entry)
{
    struct redis_storage *storage = data;
    struct redis_buffer *out = &storage->link.out;
    bool whole = storage->script_lost;
    if (redis_buffer_left(out) > storage->settings.options.max_bytes)
        return 0; /* so many have come back, to bring the script */
    bool proves = !entry->is_flush && redis_script_proves(entry->transaction);
    bool asks = !entry->is_flush && !proves && redis_script_has_key(entry->transaction) &&
                storage->now >= storage->proven_until;
    int status = entry->is_flush
                     ? redis_script_write_flush(out, &storage->settings, entry->cursor, whole)
                     : redis_script_write(out, &storage->settings, entry->transaction, asks, whole);
    if (status)
        return status;
    if (proves || asks) /* or it fails, and the connection with it */
        redis_exchange_can_write(storage, storage->now);
    if (whole) {
        storage->script_lost = false;
        storage->whole_end = storage->queue.sent + 1;
    }
    return 1;
}

void redis_exchange_act(struct redis_storage *storage)
{
    redis_link_start(&storage->link);
    if (storage->trouble.fault == REDIS_FINE && storage->queue.sent != storage->queue.tail)
        redis_link_hurry(&storage->link);
    if (storage->ready) {
        storage->now = redis_link_clock();
        redis_queue_send(&storage->queue, send_entry, storage);
        redis_link_flush(&storage->link);
        if (storage->queue.sent != storage->queue.tail && !storage->link.blocked)
            redis_storage_wake(storage); /* there was more than max_bytes */
    }
}

static void on_room(struct redis_link *link)
{
    redis_storage_wake(storage_of(link));
}

/* ---- The link's events */

static void on_up(struct redis_link *link)
{
    redis_probe_begin(storage_of(link));
}

void redis_exchange_drop_for(struct redis_storage *storage, struct redis_trouble trouble,
                             const char *text, size_t length)
{
    char copy[160];
    snprintf(copy, sizeof copy, "%.*s", (int)length, text);
    redis_link_drop(&storage->link, trouble, copy);
}

void redis_exchange_drop_nonsense(struct redis_storage *storage)
{
    redis_link_drop(&storage->link, (struct redis_trouble){REDIS_LATER, UV_EPROTO},
                    "a reply that nobody asked for");
}

static void on_reply(struct redis_link *link, const struct redis_reply *reply)
{
    struct redis_storage *storage = storage_of(link);
    struct redis_queue *queue = &storage->queue;
    if (storage->probing) {
        redis_probe_hear(storage, reply);
        return;
    }
    if (queue->head == queue->sent) {
        const struct redis_part *error = redis_reply_part(reply, 0, REDIS_REPLY_ERROR);
        if (error)
            redis_exchange_drop_for(
                storage, redis_error_classify(redis_reply_text(reply, error), error->length),
                redis_reply_text(reply, error), error->length);
        else
            redis_exchange_drop_nonsense(storage);
        return;
    }
    uint64_t place = queue->head;
    struct redis_entry entry = redis_queue_pop(queue);
    redis_answer(storage, &entry, place, reply);
    if (storage->sour && queue->head == queue->sent)
        redis_exchange_drop_for(storage, storage->trouble, storage->reason,
                                strlen(storage->reason));
}

/* Of one that is due and was sent, the answer is late, and with it the server; one that was not sent
 * fails alone. */
static void on_due(struct redis_link *link)
{
    struct redis_storage *storage = storage_of(link);
    struct redis_queue *queue = &storage->queue;
    uint64_t now = redis_link_clock();
    bool hangs = storage->probing && storage->probe_due <= now;
    if (storage->probing && !hangs)
        redis_exchange_expect(storage, storage->probe_due);
    for (uint64_t at = queue->head; at != queue->tail && !hangs; at++) {
        struct redis_entry *entry = redis_queue_at(queue, at);
        if (entry->due > now) {
            redis_exchange_expect(storage, entry->due);
        } else if (at < queue->sent) {
            hangs = true;
        } else if (entry->transaction) {
            redis_queue_fail(queue, entry->transaction, UV_ETIMEDOUT);
            entry->transaction = NULL;
            redis_storage_wake(storage);
        }
    }
    if (hangs) {
        struct redis_trouble late = {REDIS_LATER, UV_ETIMEDOUT};
        redis_link_drop(link, storage->sour ? storage->trouble : late, uv_strerror(UV_ETIMEDOUT));
    }
}

static void on_late(struct redis_link *link)
{
    struct redis_storage *storage = storage_of(link);
    struct redis_queue *queue = &storage->queue;
    uint64_t due = redis_exchange_due(storage);
    for (uint64_t at = queue->head; at != queue->tail; at++)
        redis_queue_at(queue, at)->due = due;
    storage->probe_due = due;
    redis_link_expect(link, due);
}

/* ---- The end of a connection, or of an attempt */

static void on_next(struct redis_link *link)
{
    storage_of(link)->probing = REDIS_PROBE_NONE;
}

static bool on_down(struct redis_link *link, struct redis_trouble trouble, const char *text)
{
    struct redis_storage *storage = storage_of(link);
    struct redis_queue *queue = &storage->queue;
    /* A server may close what was idle for long, and take the next connection as if nothing was:
     * so long as nothing was asked, nothing has happened. */
    bool quiet = storage->ready && queue->head == queue->sent && trouble.fault == REDIS_LATER &&
                 trouble.status != UV_ETIMEDOUT && trouble.status != UV_EPROTO;
    bool was_sour = storage->sour;
    storage->probing = REDIS_PROBE_NONE;
    storage->ready = storage->sour = storage->script_lost = false;
    storage->proven_until = 0;
    if (!quiet) {
        if (!was_sour)
            redis_storage_note(storage, text, strlen(text), NULL, 0);
        storage->trouble = storage->health = trouble;
        redis_queue_fail_all(queue, trouble.status);
    }
    redis_storage_wake(storage);
    return quiet;
}

static void on_closed(struct redis_link *link)
{
    redis_storage_handle_closed(storage_of(link));
}

const struct redis_link_events redis_exchange_events = {
    .up = on_up,
    .reply = on_reply,
    .room = on_room,
    .due = on_due,
    .late = on_late,
    .next = on_next,
    .down = on_down,
    .closed = on_closed,
};
