/* The storages that the replay can be asked to use, and what it takes to use them as a stranger: a
 * client of one's own, and the patience to turn the loop until it has answered. */
#include "house.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_REDIS
#include <breaker/redis.h>
#endif

#define PATIENCE ((uint64_t)10 * 1000000000) /* ns */

static const char *chosen = "memory";

bool house_uses(const char *storage)
{
    chosen = storage;
    if (strcmp(storage, "memory") == 0)
        return true;
#ifdef HAVE_REDIS
    breaker_redis_options_t options;
    breaker_redis_options_init(&options);
    return breaker_redis_options_url(&options, storage) == 0;
#else
    return false;
#endif
}

bool house_is_real(void)
{
    return strcmp(chosen, "memory") != 0;
}

static void give_up(const char *what, int status)
{
    fprintf(stderr, "replay: %s: %s\n", what, breaker_strerror(status));
    exit(2);
}

/* ---- Making one --------------------------------------------------------------------------------*/

static uint64_t wall(void *data)
{
    return ((struct house *)data)->now;
}

static int make_storage(struct house *house)
{
    breaker_memory_options_t options;

#ifdef HAVE_REDIS
    if (house_is_real()) {
        breaker_redis_options_t redis;
        char prefix[64];
        breaker_redis_options_init(&redis);
        breaker_redis_options_url(&redis, chosen);
        snprintf(prefix, sizeof prefix, "replay-%d:", (int)uv_os_getpid());
        redis.prefix = prefix;
        house->is_redis = true;
        return breaker_redis_create(&house->storage, &redis, NULL);
    }
#endif
    breaker_memory_options_init(&options);
    options.wall = wall;
    options.data = house;
    return breaker_memory_create(&house->storage, &options);
}

static int destroy_storage(struct house *house)
{
#ifdef HAVE_REDIS
    if (house->is_redis)
        return breaker_redis_destroy(house->storage);
#endif
    return breaker_memory_destroy(house->storage);
}

/* ---- Being its client --------------------------------------------------------------------------*/

static void on_bell(breaker_client_t *client, const char *key, size_t key_length, const char *value,
                    size_t length)
{
    (void)client, (void)key, (void)key_length, (void)value, (void)length;
}

static void on_health(breaker_client_t *client, int status)
{
    (void)client, (void)status;
}

static void on_closed(breaker_client_t *client)
{
    ((struct house *)client->data)->is_open = false;
}

static void on_pulse(uv_timer_t *pulse)
{
    (void)pulse;
}

void house_wait(struct house *house, bool (*is_over)(void *data), void *data)
{
    uint64_t limit = uv_hrtime() + PATIENCE;

    uv_timer_start(&house->pulse, on_pulse, 5, 5);
    while (!is_over(data)) {
        uv_run(&house->loop, UV_RUN_ONCE);
        if (uv_hrtime() > limit)
            give_up("waiting", UV_ETIMEDOUT);
    }
    uv_timer_stop(&house->pulse);
}

struct errand {
    breaker_transaction_t transaction;
    int status;
    bool is_over;
};

static void on_complete(breaker_transaction_t *transaction, int status)
{
    struct errand *errand = transaction->data;

    errand->status = status;
    errand->is_over = true;
}

static bool errand_is_over(void *data)
{
    return ((struct errand *)data)->is_over;
}

typedef void (*submit_fn)(breaker_storage_t *, breaker_client_t *, breaker_transaction_t *);

static int run(struct house *house, submit_fn submit, breaker_verb_t *verb)
{
    struct errand errand = {.is_over = false};

    errand.transaction.verbs = verb;
    errand.transaction.count = verb != NULL;
    errand.transaction.complete = on_complete;
    errand.transaction.data = &errand;
    submit(house->storage, &house->client, &errand.transaction);
    house_wait(house, errand_is_over, &errand);
    return errand.status;
}

int house_run(struct house *house, breaker_verb_t *verb)
{
    return run(house, house->storage->ops->submit, verb);
}

/* ---- Coming and going --------------------------------------------------------------------------*/

static bool has_paused(void *data)
{
    bool *first = data, was_first = *first;

    *first = false;
    return !was_first;
}

static void pause_a_little(struct house *house)
{
    bool first = true;

    house_wait(house, has_paused, &first);
}

/* It may not be reachable at once. */
static void flush(struct house *house)
{
    uint64_t limit = uv_hrtime() + PATIENCE;
    int status;

    while ((status = run(house, house->storage->ops->flush, NULL)) != 0) {
        if (uv_hrtime() > limit)
            give_up(chosen, status);
        pause_a_little(house);
    }
}

void house_open(struct house *house)
{
    int status;

    memset(house, 0, sizeof *house);
    if ((status = uv_loop_init(&house->loop)) != 0)
        give_up("loop", status);
    uv_timer_init(&house->loop, &house->pulse);
    if ((status = make_storage(house)) != 0)
        give_up(chosen, status);
    house->client.loop = &house->loop;
    house->client.data = house;
    house->client.bell = on_bell;
    house->client.health = on_health;
    if ((status = house->storage->ops->open(house->storage, &house->client)) != 0)
        give_up(chosen, status);
    house->is_open = true;
    flush(house);
}

static bool is_closed(void *data)
{
    return !((struct house *)data)->is_open;
}

void house_close(struct house *house)
{
    int status;

    flush(house);
    house->client.closed = on_closed;
    house->storage->ops->close(house->storage, &house->client);
    house_wait(house, is_closed, house);
    if ((status = destroy_storage(house)) != 0)
        give_up("destroying the storage", status);
    uv_close((uv_handle_t *)&house->pulse, NULL);
    uv_run(&house->loop, UV_RUN_DEFAULT);
    if ((status = uv_loop_close(&house->loop)) != 0)
        give_up("closing the loop", status);
}
