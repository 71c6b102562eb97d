/* The storage in memory, as the library sees it: each transaction under one mutex, on one clock, done
 * when submit returns. */
#include "memory.h"
#include "memory_bell.h"
#include "memory_register.h"
#include <string.h>

struct memory {
    breaker_storage_t storage; /* first */
    uv_mutex_t mutex;
    struct memory_keys keys, members;
    struct memory_bell bell;
    void *data;
    uint64_t (*wall)(void *data);
    uint64_t made_wall; /* the system's clock, and the monotonic one, when it was made */
    uint64_t made_mono;
};

static uint64_t monotonic(void)
{
    return uv_hrtime() / 1000000;
}

static uint64_t wall(const struct memory *memory)
{
    if (memory->wall != NULL)
        return memory->wall(memory->data);
    return memory->made_wall + (monotonic() - memory->made_mono);
}

/* ---- Transactions, the mutex being held --------------------------------------------------------*/

static void tell_standing(breaker_transaction_t *transaction, struct memory_entry *entry)
{
    if (transaction->standing == NULL)
        return;
    uint16_t capacity = transaction->standing_length;
    transaction->standing_found = entry != NULL;
    transaction->standing_length = entry != NULL ? entry->length : 0;
    uint16_t length =
        transaction->standing_length < capacity ? transaction->standing_length : capacity;
    if (length > 0)
        memcpy(transaction->standing, memory_keys_value(entry), length);
}

static int check_guard(struct memory *memory, breaker_transaction_t *transaction)
{
    if (transaction->guard == BREAKER_GUARD_NONE)
        return 0;
    uint32_t hash = memory_table_hash(&memory->keys.table, transaction->guard_key,
                                      transaction->guard_key_length);
    struct memory_entry *entry =
        memory_keys_find(&memory->keys, transaction->wall, hash, transaction->guard_key,
                         transaction->guard_key_length);
    if (entry != NULL && entry->log != NULL)
        return UV_EINVAL;
    int holds = entry == NULL;
    if (transaction->guard == BREAKER_GUARD_EQUALS)
        holds = entry != NULL && entry->length == transaction->guard_length &&
                (entry->length == 0 ||
                 memcmp(memory_keys_value(entry), transaction->guard_value, entry->length) == 0);
    if (holds)
        return 0;
    tell_standing(transaction, entry);
    return BREAKER_EGUARD;
}

static int answers_number(breaker_verb_kind_t kind)
{
    return kind == BREAKER_ADD || kind == BREAKER_INCR || kind == BREAKER_DELETE ||
           kind == BREAKER_LOG || kind == BREAKER_MEMBERS;
}

static void give(breaker_transaction_t *transaction, const struct memory_result *results)
{
    for (unsigned i = 0; i < transaction->count; i++) {
        breaker_verb_t *verb = &transaction->verbs[i];
        if (verb->kind == BREAKER_GET)
            verb->found = results[i].found;
        if (verb->kind == BREAKER_GET || verb->kind == BREAKER_MEMBERS)
            verb->length = results[i].length;
        if (answers_number(verb->kind))
            verb->number = results[i].number;
    }
}

static int carry_out(struct memory *memory, const breaker_client_t *client,
                     breaker_transaction_t *transaction)
{
    struct memory_result results[BREAKER_VERBS_MAX];
    transaction->wall = wall(memory);
    memory_keys_sweep(&memory->keys, transaction->wall);
    memory_keys_sweep(&memory->members, transaction->wall);
    int status = check_guard(memory, transaction);
    if (status == 0)
        status = memory_register_read(&memory->members, transaction->wall, transaction, results);
    if (status == 0)
        status = memory_keys_run(&memory->keys, transaction->wall, transaction, results);
    if (status != 0)
        return status;
    give(transaction, results);
    memory_register_write(&memory->members, transaction->wall, transaction);
    for (unsigned i = 0; i < transaction->count; i++)
        if (transaction->verbs[i].kind == BREAKER_TELL)
            memory_bell_tell(&memory->bell, client, &transaction->verbs[i]);
    return 0;
}

/* ---- What a storage implements -----------------------------------------------------------------*/

static int memory_open(breaker_storage_t *storage, breaker_client_t *client)
{
    return memory_bell_open(&((struct memory *)storage)->bell, client);
}

static void memory_close(breaker_storage_t *storage, breaker_client_t *client)
{
    memory_bell_close(&((struct memory *)storage)->bell, client);
}

static void memory_submit(breaker_storage_t *storage, breaker_client_t *client,
                          breaker_transaction_t *transaction)
{
    struct memory *memory = (struct memory *)storage;
    int status = breaker_transaction_check(transaction);
    if (status == 0) {
        uv_mutex_lock(&memory->mutex);
        status = carry_out(memory, client, transaction);
        uv_mutex_unlock(&memory->mutex);
    }
    transaction->complete(transaction, status);
}

/* Nothing is ever pending. */
static void memory_cancel(breaker_storage_t *storage, breaker_client_t *client,
                          breaker_transaction_t *transaction)
{
    (void)storage;
    (void)client;
    (void)transaction;
}

static void memory_flush(breaker_storage_t *storage, breaker_client_t *client,
                         breaker_transaction_t *transaction)
{
    struct memory *memory = (struct memory *)storage;
    (void)client;
    uv_mutex_lock(&memory->mutex);
    transaction->wall = wall(memory);
    memory_keys_clear(&memory->keys);
    memory_keys_clear(&memory->members);
    uv_mutex_unlock(&memory->mutex);
    transaction->complete(transaction, 0);
}

static int memory_listen(breaker_storage_t *storage, breaker_client_t *client, const char *key,
                         size_t key_length)
{
    if (key == NULL || key_length < 1 || key_length > BREAKER_KEY_MAX)
        return UV_EINVAL;
    return memory_bell_listen(&((struct memory *)storage)->bell, client, key, (uint16_t)key_length);
}

static void memory_unlisten(breaker_storage_t *storage, breaker_client_t *client, const char *key,
                            size_t key_length)
{
    if (key != NULL && key_length >= 1 && key_length <= BREAKER_KEY_MAX)
        memory_bell_unlisten(&((struct memory *)storage)->bell, client, key, (uint16_t)key_length);
}

static const breaker_storage_ops_t ops = {
    .size = sizeof ops,
    .name = "memory",
    .flags = BREAKER_STORAGE_THREADS | BREAKER_STORAGE_LOGS | BREAKER_STORAGE_BELL |
             BREAKER_STORAGE_MEMBERS,
    .open = memory_open,
    .close = memory_close,
    .submit = memory_submit,
    .cancel = memory_cancel,
    .flush = memory_flush,
    .listen = memory_listen,
    .unlisten = memory_unlisten,
};

/* ---- Life --------------------------------------------------------------------------------------*/

void breaker_memory_options_init_sized(breaker_memory_options_t *options, size_t size)
{
    breaker_memory_options_t defaults = {.size = size, .max_log = 65536};
    if (options == NULL)
        return;
    memset(options, 0, size);
    memcpy(options, &defaults, size < sizeof defaults ? size : sizeof defaults);
}

/* Takes over what the caller's version of the struct has. */
static int read_options(breaker_memory_options_t *read, const breaker_memory_options_t *options)
{
    breaker_memory_options_init(read);
    if (options == NULL)
        return 0;
    if (options->size < offsetof(breaker_memory_options_t, wall) + sizeof options->wall)
        return UV_EINVAL;
    memcpy(read, options, options->size < sizeof *read ? options->size : sizeof *read);
    return read->max_log == 0 ? UV_EINVAL : 0;
}

static int init(struct memory *memory, const breaker_memory_options_t *options)
{
    uv_timeval64_t now;
    uint64_t seed = uv_hrtime() ^ (uint64_t)(uintptr_t)memory;
    int error = uv_gettimeofday(&now);
    if (error != 0 || (error = uv_mutex_init(&memory->mutex)) != 0)
        return error;
    memory->storage.ops = &ops;
    memory->data = options->data;
    memory->wall = options->wall;
    memory->made_wall = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_usec / 1000;
    memory->made_mono = monotonic();
    if ((error = memory_keys_init(&memory->keys, options, seed)) != 0)
        goto no_keys;
    if ((error = memory_keys_init(&memory->members, options, ~seed)) != 0)
        goto no_members;
    if ((error = memory_bell_init(&memory->bell, &memory->mutex, ~seed)) != 0)
        goto no_bell;
    return 0;
no_bell:
    memory_keys_free(&memory->members);
no_members:
    memory_keys_free(&memory->keys);
no_keys:
    uv_mutex_destroy(&memory->mutex);
    return error;
}

int breaker_memory_create(breaker_storage_t **storage, const breaker_memory_options_t *options)
{
    breaker_memory_options_t read;
    if (storage == NULL)
        return UV_EINVAL;
    int error = read_options(&read, options);
    if (error != 0)
        return error;
    struct memory *memory = memory_zeroed(sizeof *memory);
    if (memory == NULL)
        return UV_ENOMEM;
    error = init(memory, &read);
    if (error != 0) {
        memory_release(memory);
        return error;
    }
    *storage = &memory->storage;
    return 0;
}

int breaker_memory_destroy(breaker_storage_t *storage)
{
    struct memory *memory = (struct memory *)storage;
    if (memory == NULL)
        return UV_EINVAL;
    uv_mutex_lock(&memory->mutex);
    size_t clients = memory->bell.clients;
    uv_mutex_unlock(&memory->mutex);
    if (clients > 0)
        return UV_EBUSY;
    memory_bell_free(&memory->bell);
    memory_keys_free(&memory->members);
    memory_keys_free(&memory->keys);
    uv_mutex_destroy(&memory->mutex);
    memory_release(memory);
    return 0;
}
