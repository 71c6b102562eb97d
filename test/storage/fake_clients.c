/* The clients of the fake storage: what they are told, and when: completions and health from a turn of
 * the loop, bells as often as the switches say. */
#include "fake_parts.h"
#include <stdlib.h>

static struct fake_op *next_due(const struct fake *fake, const struct fake_client *client,
                                uint64_t before)
{
    struct fake_op *next = NULL;
    for (struct fake_op *op = fake->ops; op != NULL; op = op->next)
        if (op->client == client && op->order < before &&
            fake_op_is_due(fake, op, FAKE_TO_COMPLETE) && (next == NULL || op->due < next->due))
            next = op;
    return next;
}

static void on_pump(uv_idle_t *pump)
{
    struct fake_client *client = pump->data;
    struct fake *fake = client->fake;
    uint64_t before = fake->order;
    struct fake_op *op;
    uv_idle_stop(pump);
    if (client->has_news) {
        client->has_news = false;
        client->outer->health(client->outer, client->health);
    }
    while (client->closing == 0 && (op = next_due(fake, client, before)) != NULL)
        fake_op_complete(fake, op);
}

void fake_client_pump(const struct fake *fake, struct fake_client *client)
{
    if ((client->has_news || next_due(fake, client, UINT64_MAX) != NULL) &&
        !uv_is_closing((uv_handle_t *)&client->pump))
        uv_idle_start(&client->pump, on_pump);
}

static void on_bell(breaker_client_t *inner, const char *key, size_t key_length, const char *value,
                    size_t length)
{
    struct fake_client *client = (struct fake_client *)inner;
    for (unsigned i = 0; i < client->fake->switches.bell_times && client->closing == 0; i++)
        client->outer->bell(client->outer, key, key_length, value, length);
}

static void on_health(breaker_client_t *inner, int status)
{
    (void)inner;
    (void)status;
}

int fake_client_open(breaker_storage_t *storage, breaker_client_t *outer)
{
    struct fake *fake = (struct fake *)storage;
    if (fake->switches.open_error != 0)
        return fake->switches.open_error;
    struct fake_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return UV_ENOMEM;
    client->fake = fake;
    client->outer = outer;
    client->inner.loop = outer->loop;
    client->inner.bell = on_bell;
    client->inner.health = on_health;
    int error = fake->memory->ops->open(fake->memory, &client->inner);
    if (error != 0) {
        free(client);
        return error;
    }
    uv_idle_init(outer->loop, &client->pump);
    uv_unref((uv_handle_t *)&client->pump);
    client->pump.data = client;
    client->has_news = fake->is_gone;
    client->health = UV_ECONNRESET;
    client->next = fake->clients;
    fake->clients = client;
    outer->storage_data = client;
    fake_client_pump(fake, client);
    return 0;
}

static void closed_one(struct fake_client *client)
{
    breaker_client_t *outer = client->outer;
    if (--client->closing > 0)
        return;
    free(client);
    outer->closed(outer);
}

static void on_inner_closed(breaker_client_t *inner)
{
    closed_one((struct fake_client *)inner);
}

static void on_pump_closed(uv_handle_t *handle)
{
    closed_one(handle->data);
}

/* Where the host has closed the pump, the storage beneath waits until that is over. */
void fake_client_close(breaker_storage_t *storage, breaker_client_t *outer)
{
    struct fake *fake = (struct fake *)storage;
    struct fake_client *client = outer->storage_data;
    struct fake_client **link = &fake->clients;
    while (*link != client)
        link = &(*link)->next;
    *link = client->next;
    for (struct fake_op *op = fake->ops, *next; op != NULL; op = next) {
        next = op->next;
        if (op->client == client) {
            fake_op_unlink(fake, op);
            free(op->page);
            free(op);
        }
    }
    client->closing = 1;
    client->inner.closed = on_inner_closed;
    fake->memory->ops->close(fake->memory, &client->inner);
    if (!uv_is_closing((uv_handle_t *)&client->pump)) {
        client->closing++;
        uv_close((uv_handle_t *)&client->pump, on_pump_closed);
    }
}

int fake_client_listen(breaker_storage_t *storage, breaker_client_t *outer, const char *key,
                       size_t key_length)
{
    struct fake *fake = (struct fake *)storage;
    struct fake_client *client = outer->storage_data;
    int status = fake->memory->ops->listen(fake->memory, &client->inner, key, key_length);
    fake->totals.ears += status == 0;
    return status;
}

void fake_client_unlisten(breaker_storage_t *storage, breaker_client_t *outer, const char *key,
                          size_t key_length)
{
    struct fake *fake = (struct fake *)storage;
    struct fake_client *client = outer->storage_data;
    fake->totals.ears--;
    fake->memory->ops->unlisten(fake->memory, &client->inner, key, key_length);
}
