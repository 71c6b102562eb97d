/* Knows the life of the Redis storage: its clients, and the libuv handles, which are there while
 * it has any. What is to be done on the loop's own time is done in one idle handle's callback,
 * once a turn: so all that was submitted in a turn goes out in one write. */
#include "memory.h"
#include "redis_storage.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static struct redis_storage *storage_of(breaker_storage_t *storage)
{
    return (struct redis_storage *)storage;
}

/* ---- The turn */

static void tell_health(struct redis_storage *storage)
{
    for (struct redis_client *at = storage->clients; at; at = at->next) {
        if (at->closing || at->told == storage->health.fault)
            continue;
        at->told = storage->health.fault;
        at->client->health(at->client, storage->health.status);
    }
}

static void on_idle(uv_idle_t *idle)
{
    struct redis_storage *storage = idle->data;
    uv_idle_stop(idle);
    if (storage->tearing)
        return;
    redis_exchange_act(storage);
    redis_bell_act(&storage->bell);
    tell_health(storage);
    redis_queue_tell(&storage->queue);
}

void redis_storage_wake(struct redis_storage *storage)
{
    if (!storage->tearing && !uv_is_closing((uv_handle_t *)&storage->idle))
        uv_idle_start(&storage->idle, on_idle);
}

void redis_storage_note(struct redis_storage *storage, const char *text, size_t length,
                        const char *key, size_t key_length)
{
    char *at = storage->reason;
    size_t room = sizeof storage->reason;
    int used = snprintf(at, room, "%.*s", (int)(length < 160 ? length : 160), text);
    if (key && key_length)
        snprintf(at + used, room - (size_t)used, " (key %s%.*s)", storage->settings.options.prefix,
                 (int)(key_length < 100 ? key_length : 100), key);
    for (; *at; at++) /* it is for a log */
        if (!isprint((unsigned char)*at))
            *at = '?';
}

/* ---- Handles */

static void set_up(struct redis_storage *storage, uv_loop_t *loop)
{
    storage->loop = loop;
    uv_idle_init(loop, &storage->idle);
    uv_unref((uv_handle_t *)&storage->idle);
    storage->idle.data = storage;
    redis_link_init(&storage->link, loop, &storage->settings, &redis_exchange_events, storage);
    redis_link_init(&storage->bell.link, loop, &storage->settings, &redis_bell_events,
                    &storage->bell);
}

/* Tells those that close. From here on the storage may be destroyed by what it calls. */
static void tell_closed(struct redis_storage *storage)
{
    struct redis_client *closed = NULL;
    for (struct redis_client **at = &storage->clients; *at;) {
        struct redis_client *node = *at;
        if (!node->closing) {
            at = &node->next;
            continue;
        }
        *at = node->next;
        node->next = closed;
        closed = node;
    }
    while (closed) {
        struct redis_client *node = closed;
        breaker_client_t *client = node->client;
        closed = node->next;
        memory_release(node);
        client->closed(client);
    }
}

static void torn_down(struct redis_storage *storage)
{
    uv_loop_t *loop = storage->loop;
    redis_link_free(&storage->link);
    redis_link_free(&storage->bell.link);
    storage->tearing = storage->robbed = false;
    storage->loop = NULL;
    if (storage->open) { /* somebody came meanwhile */
        set_up(storage, loop);
        redis_storage_wake(storage);
    }
    tell_closed(storage);
}

static void on_spare_closed(uv_handle_t *handle);

static void call_back_later(struct redis_storage *storage)
{
    if (storage->spare_closing)
        return;
    storage->spare_closing = true;
    uv_idle_init(storage->loop, &storage->spare);
    storage->spare.data = storage;
    uv_close((uv_handle_t *)&storage->spare, on_spare_closed);
}

static void on_handle_gone(struct redis_storage *storage)
{
    if (--storage->handles != 0)
        return;
    if (!storage->robbed) {
        torn_down(storage);
        return;
    }
    /* What the host closed may be in the same batch as ours, behind us: after one more, it is
     * gone. */
    storage->robbed = false;
    storage->handles = 1;
    call_back_later(storage);
}

static void on_spare_closed(uv_handle_t *handle)
{
    struct redis_storage *storage = handle->data;
    storage->spare_closing = false;
    if (storage->tearing)
        on_handle_gone(storage);
    else
        tell_closed(storage);
}

static void on_idle_closed(uv_handle_t *handle)
{
    on_handle_gone(handle->data);
}

void redis_storage_handle_closed(struct redis_storage *storage)
{
    on_handle_gone(storage);
}

static void tear_down(struct redis_storage *storage)
{
    storage->tearing = true;
    storage->robbed = redis_link_is_robbed(&storage->link) ||
                      redis_link_is_robbed(&storage->bell.link) ||
                      uv_is_closing((uv_handle_t *)&storage->idle);
    storage->probing = REDIS_PROBE_NONE;
    storage->ready = storage->sour = false;
    storage->proven_until = 0;
    storage->trouble = storage->health = (struct redis_trouble){REDIS_FINE, 0};
    storage->fault_key_length = 0;
    storage->doubt_until = 0;
    redis_queue_clear(&storage->queue);
    storage->handles = 1; /* the spare */
    call_back_later(storage);
    storage->handles += redis_link_close(&storage->link);
    storage->handles += redis_link_close(&storage->bell.link);
    if (!uv_is_closing((uv_handle_t *)&storage->idle)) {
        uv_close((uv_handle_t *)&storage->idle, on_idle_closed);
        storage->handles++;
    }
}

/* ---- The storage's functions */

static int redis_open(breaker_storage_t *base, breaker_client_t *client)
{
    struct redis_storage *storage = storage_of(base);
    if (storage->loop && client->loop != storage->loop)
        return UV_EINVAL;
    struct redis_client *node = memory_zeroed(sizeof *node);
    if (!node)
        return UV_ENOMEM;
    if (!storage->loop)
        set_up(storage, client->loop);
    node->client = client;
    node->next = storage->clients;
    storage->clients = node;
    storage->open++;
    redis_storage_wake(storage);
    return 0;
}

static void redis_close(breaker_storage_t *base, breaker_client_t *client)
{
    struct redis_storage *storage = storage_of(base);
    for (struct redis_client *at = storage->clients; at; at = at->next)
        if (at->client == client && !at->closing) {
            at->closing = true;
            storage->open--;
            break;
        }
    redis_bell_forget(&storage->bell, client);
    if (storage->open == 0 && !storage->tearing)
        tear_down(storage);
    else if (!storage->tearing)
        call_back_later(storage);
}

static void redis_submit(breaker_storage_t *base, breaker_client_t *client,
                         breaker_transaction_t *transaction)
{
    (void)client;
    redis_exchange_submit(storage_of(base), transaction, false);
}

static void redis_flush(breaker_storage_t *base, breaker_client_t *client,
                        breaker_transaction_t *transaction)
{
    (void)client;
    redis_exchange_submit(storage_of(base), transaction, true);
}

static void redis_cancel(breaker_storage_t *base, breaker_client_t *client,
                         breaker_transaction_t *transaction)
{
    (void)client;
    redis_queue_cancel(&storage_of(base)->queue, transaction);
}

static int redis_listen(breaker_storage_t *base, breaker_client_t *client, const char *key,
                        size_t key_length)
{
    struct redis_storage *storage = storage_of(base);
    if (!key || key_length < 1 || key_length > BREAKER_KEY_MAX)
        return UV_EINVAL;
    int status = redis_bell_listen(&storage->bell, client, key, key_length);
    redis_storage_wake(storage);
    return status;
}

static void redis_unlisten(breaker_storage_t *base, breaker_client_t *client, const char *key,
                           size_t key_length)
{
    struct redis_storage *storage = storage_of(base);
    redis_bell_unlisten(&storage->bell, client, key, key_length);
    redis_storage_wake(storage);
}

static const breaker_storage_ops_t ops = {
    .size = sizeof ops,
    .name = "redis",
    .flags = BREAKER_STORAGE_LOGS | BREAKER_STORAGE_BELL | BREAKER_STORAGE_WIRE |
             BREAKER_STORAGE_REGISTER | BREAKER_STORAGE_MEMBERS,
    .open = redis_open,
    .close = redis_close,
    .submit = redis_submit,
    .cancel = redis_cancel,
    .flush = redis_flush,
    .listen = redis_listen,
    .unlisten = redis_unlisten,
};

/* ---- Made and destroyed */

int breaker_redis_create(breaker_storage_t **storage, const breaker_redis_options_t *options,
                         const char **bad_field)
{
    if (bad_field)
        *bad_field = NULL;
    if (!storage)
        return UV_EINVAL;
    *storage = NULL;
    struct redis_storage *made = memory_zeroed(sizeof *made);
    if (!made)
        return UV_ENOMEM;
    made->base.ops = &ops;
    int status = redis_settings_make(&made->settings, options, bad_field);
    if (!status) {
        status = redis_queue_init(&made->queue, made->settings.options.max_pending);
        if (status)
            redis_settings_free(&made->settings);
    }
    if (status) {
        memory_release(made);
        return status;
    }
    *storage = &made->base;
    return 0;
}

int breaker_redis_destroy(breaker_storage_t *base)
{
    struct redis_storage *storage = storage_of(base);
    if (!base || base->ops != &ops)
        return UV_EINVAL;
    if (storage->clients || storage->loop)
        return UV_EBUSY;
    redis_bell_free(&storage->bell);
    redis_queue_free(&storage->queue);
    redis_settings_free(&storage->settings);
    memory_release(storage);
    return 0;
}

const char *breaker_redis_reason(const breaker_storage_t *base)
{
    const struct redis_storage *storage = (const struct redis_storage *)base;
    return base && base->ops == &ops ? storage->reason : "";
}
