/* Transactions in a line, for tests of storages that complete inside submit. */
#ifndef TRANSACT_H
#define TRANSACT_H

#include <breaker/storage.h>
#include <string.h>

#define KEY(literal) .key = (literal), .key_length = sizeof(literal) - 1
#define VALUE(literal) .value = (char *)(literal), .length = sizeof(literal) - 1

static inline void transact_complete(breaker_transaction_t *transaction, int status)
{
    *(int *)transaction->data = status;
}

static inline int transact(breaker_storage_t *storage, breaker_client_t *client,
                           breaker_verb_t *verbs, unsigned count)
{
    int status = 1;
    breaker_transaction_t transaction = {
        .verbs = verbs, .count = count, .complete = transact_complete, .data = &status};
    storage->ops->submit(storage, client, &transaction);
    return status;
}

#define TRANSACT(storage, ...)                               \
    transact(storage, NULL, (breaker_verb_t[]){__VA_ARGS__}, \
             sizeof((breaker_verb_t[]){__VA_ARGS__}) / sizeof(breaker_verb_t))

/* A number by a verb that answers one. */
static inline int64_t transact_number(breaker_storage_t *storage, breaker_verb_t verb)
{
    return transact(storage, NULL, &verb, 1) == 0 ? verb.number : INT64_MIN;
}

/* Whether the key holds that value; NULL: whether it is absent. */
static inline int transact_holds(breaker_storage_t *storage, const char *key, const char *value)
{
    char found[BREAKER_VALUE_MAX];
    breaker_verb_t get = {.kind = BREAKER_GET,
                          .key = key,
                          .key_length = (uint16_t)strlen(key),
                          .value = found,
                          .length = sizeof found};
    if (transact(storage, NULL, &get, 1) != 0)
        return 0;
    if (value == NULL)
        return !get.found;
    return get.found && get.length == strlen(value) && memcmp(found, value, get.length) == 0;
}

#endif /* TRANSACT_H */
