/* Knows when a connection is of use: when the real script has answered on it, for a server can greet
 * and still be loading, and has found that it could write, for a replica and a full server answer
 * reads as if they were well. It is asked with the key that was at fault, or with one that nobody
 * has. An access list or a cluster may keep us from the latter: what is said of it, but that
 * nothing can be written, counts for nothing, and the script is asked again without a key. */
#include "redis_probe.h"
#include "redis_script.h"
#include "redis_storage.h"
#include <string.h>

static const char nobodys_key[] = "breaker:probe";

static void ask(struct redis_storage *storage, enum redis_probe probe, bool whole)
{
    struct redis_link *link = &storage->link;
    const char *key = probe == REDIS_PROBE_FAULT     ? storage->fault_key
                      : probe == REDIS_PROBE_NOBODYS ? nobodys_key
                                                     : NULL;
    size_t length = probe == REDIS_PROBE_FAULT ? storage->fault_key_length
                    : key                      ? sizeof nobodys_key - 1
                                               : 0;
    int status = redis_script_write_probe(&link->out, &storage->settings, key, length, whole);
    if (status) {
        redis_link_fail(link, status);
        return;
    }
    storage->probing = probe;
    storage->probe_is_whole = whole;
    storage->probe_due = redis_exchange_due(storage);
    redis_exchange_expect(storage, storage->probe_due);
    redis_link_flush(link);
}

void redis_probe_begin(struct redis_storage *storage)
{
    ask(storage, storage->fault_key_length ? REDIS_PROBE_FAULT : REDIS_PROBE_NOBODYS, false);
}

static void well(struct redis_storage *storage)
{
    if (storage->probing != REDIS_PROBE_BARE)
        redis_exchange_can_write(storage, redis_link_clock());
    storage->probing = REDIS_PROBE_NONE;
    storage->ready = true;
    storage->trouble = (struct redis_trouble){REDIS_FINE, 0};
    storage->fault_key_length = 0;
    if (!storage->doubt_until)
        storage->health = storage->trouble;
    else
        storage->doubt_until = redis_link_clock() + storage->settings.options.fault_retry;
    redis_link_praise(&storage->link);
    redis_storage_wake(storage);
}

/* What it says, REDIS_FINE where nothing is wrong. False: nonsense. */
static bool read(const struct redis_reply *reply, struct redis_failure *failure,
                 struct redis_trouble *trouble)
{
    const struct redis_part *error = redis_reply_part(reply, 0, REDIS_REPLY_ERROR);
    if (error) {
        failure->text = redis_reply_text(reply, error);
        failure->length = error->length;
    }
    int status = error ? UV_EIO : redis_script_read(reply, NULL, failure);
    if (status == UV_EIO)
        *trouble = redis_error_classify(failure->text, failure->length);
    return status != UV_EPROTO;
}

void redis_probe_hear(struct redis_storage *storage, const struct redis_reply *reply)
{
    struct redis_failure failure = {0};
    struct redis_trouble trouble = {REDIS_FINE, 0};
    enum redis_probe probe = storage->probing;
    if (!read(reply, &failure, &trouble)) {
        redis_exchange_drop_nonsense(storage);
        return;
    }
    bool cannot_write = trouble.status == UV_EROFS || trouble.status == UV_ENOSPC;
    if (trouble.fault == REDIS_SCRIPT && !storage->probe_is_whole) {
        ask(storage, probe, true);
    } else if (trouble.fault == REDIS_FINE || trouble.fault == REDIS_VERB) {
        well(storage);
    } else if (probe == REDIS_PROBE_NOBODYS && !cannot_write) {
        ask(storage, REDIS_PROBE_BARE, false);
    } else {
        if (trouble.fault == REDIS_SCRIPT) /* it does not keep what it is given */
            trouble.fault = REDIS_LATER;
        redis_exchange_drop_for(storage, trouble, failure.text, failure.length);
    }
}
