/* How to write a storage: this one keeps each key in a file of a directory, so that the programs of one
 * machine share their circuits. A file's name is its key in hexadecimal; its first line is when the
 * key ends, in ms (0: never); the rest is the value. A lock on the directory makes a transaction one
 * step, and each is done, and complete, when submit returns.
 *
 * What it gives up: the loop waits for the disk, and a little for who holds the lock; a crash in the
 * middle of a transaction leaves half of it; nobody sweeps what is over; there is no log and no bell.
 */
#define _XOPEN_SOURCE 700 /* nftw */
#define _DEFAULT_SOURCE   /* flock, usleep */
#include "directory_storage.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

struct directory {
    breaker_storage_t storage; /* first: the library's pointer is ours */
    char path[1000];
};

/* ---- A key and its file ------------------------------------------------------------------------*/

struct held {
    bool found;
    uint64_t end;
    uint16_t length;
    char value[BREAKER_VALUE_MAX];
};

/* File systems want names of at most 255 letters: the key goes on in a directory. */
static void name_file(const struct directory *directory, const char *key, size_t length, char *path)
{
    char *at = path + sprintf(path, "%s/", directory->path);
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && i % 120 == 0) {
            at += sprintf(at, "+");
            (void)mkdir(path, 0777); /* it may be there */
            at += sprintf(at, "/");
        }
        at += sprintf(at, "%02x", (unsigned char)key[i]);
    }
}

static int load(const char *path, uint64_t now, struct held *held)
{
    unsigned long long end;
    *held = (struct held){.found = false};
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno == ENOENT ? 0 : uv_translate_sys_error(errno);
    if (fscanf(file, "%llu", &end) == 1 && fgetc(file) == '\n' && (end == 0 || now <= end)) {
        held->found = true;
        held->end = end;
        held->length = (uint16_t)fread(held->value, 1, sizeof held->value, file);
    }
    fclose(file);
    return 0;
}

static int save(const char *path, const struct held *held)
{
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return uv_translate_sys_error(errno);
    fprintf(file, "%llu\n", (unsigned long long)held->end);
    fwrite(held->value, 1, held->length, file);
    return fclose(file) == 0 ? 0 : uv_translate_sys_error(errno);
}

/* ---- Verbs, under the lock ---------------------------------------------------------------------*/

static int get(breaker_verb_t *verb, const struct held *held)
{
    if (held->length > verb->length)
        return UV_EMSGSIZE;
    verb->found = held->found;
    verb->length = held->length;
    if (held->length > 0)
        memcpy(verb->value, held->value, held->length);
    return 0;
}

static int set(const breaker_verb_t *verb, const char *path, uint64_t now)
{
    struct held held = {.end = verb->ttl != 0 ? now + verb->ttl : 0, .length = verb->length};
    if (verb->length > 0)
        memcpy(held.value, verb->value, verb->length);
    return save(path, &held);
}

static int incr(breaker_verb_t *verb, const char *path, uint64_t now, struct held *held)
{
    int64_t increment = verb->number;
    if (!held->found)
        *held = (struct held){.length = 1, .value = "0"};
    int error = breaker_number_add(held->value, &held->length, &verb->number);
    if (verb->number == increment && verb->ttl != 0)
        held->end = now + verb->ttl;
    return error != 0 ? error : save(path, held);
}

static int run(const struct directory *directory, breaker_verb_t *verb, uint64_t now)
{
    struct held held;
    char path[sizeof directory->path + 2 * BREAKER_KEY_MAX + 16];
    name_file(directory, verb->key, verb->key_length, path);
    int error = load(path, now, &held);
    if (error != 0)
        return error;
    switch (verb->kind) {
    case BREAKER_GET:
        return get(verb, &held);
    case BREAKER_SET:
        return set(verb, path, now);
    case BREAKER_ADD:
        verb->number = !held.found;
        return held.found ? 0 : set(verb, path, now);
    case BREAKER_INCR:
        return incr(verb, path, now, &held);
    case BREAKER_DELETE:
        verb->number = held.found;
        return unlink(path) == 0 || errno == ENOENT ? 0 : uv_translate_sys_error(errno);
    case BREAKER_LOG:
    case BREAKER_MEMBERS:
        return UV_ENOTSUP;
    case BREAKER_TELL:
    case BREAKER_MEMBER:
    case BREAKER_FIELD:
        return 0;
    }
    return UV_EINVAL;
}

/* ---- Transactions ------------------------------------------------------------------------------*/

static int check_guard(const struct directory *directory, breaker_transaction_t *transaction)
{
    struct held held;
    char path[sizeof directory->path + 2 * BREAKER_KEY_MAX + 16];
    if (transaction->guard == BREAKER_GUARD_NONE)
        return 0;
    name_file(directory, transaction->guard_key, transaction->guard_key_length, path);
    int error = load(path, transaction->wall, &held);
    if (error != 0)
        return error;
    if (transaction->guard == BREAKER_GUARD_ABSENT
            ? !held.found
            : held.found && held.length == transaction->guard_length &&
                  (held.length == 0 ||
                   memcmp(held.value, transaction->guard_value, held.length) == 0))
        return 0;
    if (transaction->standing != NULL) {
        uint16_t room = transaction->standing_length;
        memcpy(transaction->standing, held.value, held.length < room ? held.length : room);
        transaction->standing_length = held.length;
        transaction->standing_found = held.found;
    }
    return BREAKER_EGUARD;
}

/* Answers go to a copy first: after an error the verbs are as they were submitted. */
static int carry_out(const struct directory *directory, breaker_transaction_t *transaction)
{
    breaker_verb_t verbs[BREAKER_VERBS_MAX];
    uv_timeval64_t now;
    uv_gettimeofday(&now);
    transaction->wall = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_usec / 1000;
    int error = check_guard(directory, transaction);
    for (unsigned i = 0; i < transaction->count && error == 0; i++) {
        verbs[i] = transaction->verbs[i];
        error = run(directory, &verbs[i], transaction->wall);
    }
    if (error == 0 && transaction->count > 0)
        memcpy(transaction->verbs, verbs, transaction->count * sizeof *verbs);
    return error;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
    (void)stat;
    (void)kind;
    return walk->level == 0 ? 0 : remove(path);
}

static int remove_all(const struct directory *directory, breaker_transaction_t *transaction)
{
    int error = carry_out(directory, transaction); /* it has no verbs, but wants the clock */
    if (error == 0 && nftw(directory->path, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0)
        error = uv_translate_sys_error(errno);
    return error;
}

/* Whoever holds the lock may be stopped: a storage may be slow, but not wait for ever. The lock goes
 * with its descriptor, so threads exclude each other as well as processes do. */
static int lock_and(int (*then)(const struct directory *, breaker_transaction_t *),
                    breaker_storage_t *storage, breaker_transaction_t *transaction)
{
    const struct directory *directory = (struct directory *)storage;
    int error = breaker_transaction_check(transaction);
    if (error != 0)
        return error;
    int lock = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0)
        return uv_translate_sys_error(errno);
    for (unsigned tries = 1; flock(lock, LOCK_EX | LOCK_NB) != 0 && error == 0; tries++)
        error = tries == 1000 ? UV_EAGAIN : usleep(100);
    if (error == 0)
        error = then(directory, transaction);
    close(lock);
    return error;
}

/* ---- What the library calls --------------------------------------------------------------------*/

static void directory_submit(breaker_storage_t *storage, breaker_client_t *client,
                             breaker_transaction_t *transaction)
{
    (void)client;
    transaction->complete(transaction, lock_and(carry_out, storage, transaction));
}

static void directory_flush(breaker_storage_t *storage, breaker_client_t *client,
                            breaker_transaction_t *transaction)
{
    (void)client;
    transaction->complete(transaction, lock_and(remove_all, storage, transaction));
}

static void directory_cancel(breaker_storage_t *storage, breaker_client_t *client,
                             breaker_transaction_t *transaction)
{
    (void)storage; /* nothing is ever pending */
    (void)client;
    (void)transaction;
}

/* closed runs from the loop: it comes back with a handle that is made for that, in close. */
static int directory_open(breaker_storage_t *storage, breaker_client_t *client)
{
    (void)storage;
    client->storage_data = malloc(sizeof(uv_idle_t));
    return client->storage_data != NULL ? 0 : UV_ENOMEM;
}

static void on_close(uv_handle_t *handle)
{
    breaker_client_t *client = handle->data;
    free(handle);
    client->closed(client);
}

static void directory_close(breaker_storage_t *storage, breaker_client_t *client)
{
    uv_idle_t *handle = client->storage_data;
    (void)storage;
    uv_idle_init(client->loop, handle);
    handle->data = client;
    uv_close((uv_handle_t *)handle, on_close);
}

static const breaker_storage_ops_t ops = {
    .size = sizeof ops,
    .name = "directory",
    .flags = BREAKER_STORAGE_THREADS,
    .open = directory_open,
    .close = directory_close,
    .submit = directory_submit,
    .cancel = directory_cancel,
    .flush = directory_flush,
};

int directory_storage_create(breaker_storage_t **storage, const char *path)
{
    struct directory *directory = calloc(1, sizeof *directory);
    if (directory == NULL)
        return UV_ENOMEM;
    if (strlen(path) >= sizeof directory->path) {
        free(directory);
        return UV_ENAMETOOLONG;
    }
    strcpy(directory->path, path);
    directory->storage.ops = &ops;
    *storage = &directory->storage;
    return 0;
}

void directory_storage_destroy(breaker_storage_t *storage)
{
    free(storage);
}
