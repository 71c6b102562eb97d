/* The panel's doors to storages: the user's, and a private one in memory for dialects where there is no
 * other. A transaction goes out as an errand, with a deadline of its own: however silent the storage
 * is, the errand comes back. */
#include "panel.h"
#include "shared.h"

/* ---- Doors -------------------------------------------------------------------------------------*/

static void on_bell(breaker_client_t *client, const char *key, size_t key_length, const char *value,
                    size_t length)
{
    shared_ring(client->data, key, key_length, value, length);
}

static void on_health(breaker_client_t *client, int status)
{
    breaker_panel_t *panel = client->data;
    bool is_lost = status != 0;

    if (!is_lost)
        shared_found(panel);
    if (panel->door.is_lost == is_lost)
        return;
    panel->door.is_lost = is_lost;
    event_note_storage(panel, is_lost ? BREAKER_ON_STORAGE_LOST : BREAKER_ON_STORAGE_FOUND, status);
}

int door_open(breaker_panel_t *panel, struct door *door, breaker_storage_t *storage)
{
    int status;

    door->client.loop = panel->loop;
    door->client.data = panel;
    door->client.bell = on_bell;
    door->client.health = on_health;
    status = storage->ops->open(storage, &door->client);
    if (status == 0)
        door->storage = storage;
    return status;
}

int door_open_pantry(breaker_panel_t *panel)
{
    breaker_storage_t *storage;
    int status;

    if (panel->pantry.storage != NULL)
        return 0;
    if ((status = breaker_memory_create(&storage, NULL)) != 0)
        return status;
    if ((status = door_open(panel, &panel->pantry, storage)) != 0)
        breaker_memory_destroy(storage);
    return status;
}

struct door *door_of_dialects(breaker_panel_t *panel)
{
    return panel->door.storage != NULL ? &panel->door : &panel->pantry;
}

static void on_closed(breaker_client_t *client)
{
    breaker_panel_t *panel = client->data;
    struct door *door = client == &panel->door.client ? &panel->door : &panel->pantry;

    if (door == &panel->pantry)
        breaker_memory_destroy(door->storage);
    door->storage = NULL;
    panel_wake(panel);
}

static bool close_door(struct door *door)
{
    if (door->storage == NULL)
        return true;
    if (!door->is_closing) {
        door->is_closing = true;
        door->client.closed = on_closed;
        door->storage->ops->close(door->storage, &door->client);
    }
    return false;
}

bool door_close_all(breaker_panel_t *panel)
{
    bool is_closed = close_door(&panel->door);

    return close_door(&panel->pantry) && is_closed;
}

/* ---- Errands -----------------------------------------------------------------------------------*/

static void come_back(breaker_transaction_t *transaction, int status)
{
    struct errand *errand = transaction->data;

    wheel_remove(&errand->due);
    errand->done(errand, status);
}

static void on_late(struct breaker_due_s *due)
{
    struct errand *errand = (struct errand *)(void *)((char *)due - offsetof(struct errand, due));
    breaker_storage_t *storage = errand->door->storage;

    storage->ops->cancel(storage, &errand->door->client, &errand->transaction);
    errand->done(errand, UV_ETIMEDOUT);
}

void errand_run(struct errand *errand, breaker_panel_t *panel, struct door *door)
{
    breaker_storage_t *storage = door->storage;

    errand->panel = panel;
    errand->door = door;
    errand->transaction.complete = come_back;
    errand->transaction.data = errand;
    errand->due.late = on_late;
    errand->due.time = time_after(panel_now(panel), panel->storage_timeout);
    wheel_add(&panel->wheel, &errand->due);
    panel_wake(panel); /* which sets the alarm */
    storage->ops->submit(storage, &door->client, &errand->transaction);
}

void errand_cancel(struct errand *errand)
{
    breaker_storage_t *storage = errand->door->storage;

    wheel_remove(&errand->due);
    storage->ops->cancel(storage, &errand->door->client, &errand->transaction);
}
