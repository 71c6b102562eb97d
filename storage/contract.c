/* What every storage has to know alike: which transactions are within the limits, and which text is a
 * number. */
#include <breaker/storage.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { NUMBER = 24 }; /* room for any number as text */

static bool is_key(const char *key, uint16_t length)
{
    return key != NULL && length >= 1 && length <= BREAKER_KEY_MAX;
}

static bool is_value(const char *value, uint16_t length)
{
    return length <= BREAKER_VALUE_MAX && (length == 0 || value != NULL);
}

/* A name, a zero, and more or nothing. */
static bool is_field(const char *value, uint16_t length)
{
    return is_value(value, length) && length > 1 && value[0] != '\0' &&
           memchr(value, '\0', length) != NULL;
}

static bool is_verb(const breaker_verb_t *verb)
{
    if (!is_key(verb->key, verb->key_length))
        return false;
    switch (verb->kind) {
    case BREAKER_MEMBERS:
        return verb->number >= 0 && verb->length > 0 && verb->value != NULL;
    case BREAKER_GET:
        return verb->length == 0 || verb->value != NULL;
    case BREAKER_SET:
    case BREAKER_ADD:
    case BREAKER_TELL:
    case BREAKER_MEMBER:
        return is_value(verb->value, verb->length);
    case BREAKER_FIELD:
        return is_field(verb->value, verb->length);
    case BREAKER_INCR:
    case BREAKER_DELETE:
    case BREAKER_LOG:
        return true;
    }
    return false;
}

static bool is_guard(const breaker_transaction_t *transaction)
{
    switch (transaction->guard) {
    case BREAKER_GUARD_NONE:
        return true;
    case BREAKER_GUARD_EQUALS:
        return is_key(transaction->guard_key, transaction->guard_key_length) &&
               is_value(transaction->guard_value, transaction->guard_length);
    case BREAKER_GUARD_ABSENT:
        return is_key(transaction->guard_key, transaction->guard_key_length);
    }
    return false;
}

int breaker_transaction_check(const breaker_transaction_t *transaction)
{
    if (transaction->count > BREAKER_VERBS_MAX || !is_guard(transaction))
        return UV_EINVAL;
    if (transaction->count > 0 && transaction->verbs == NULL)
        return UV_EINVAL;
    for (unsigned i = 0; i < transaction->count; i++)
        if (!is_verb(&transaction->verbs[i]))
            return UV_EINVAL;
    return 0;
}

int breaker_number_add(char *value, uint16_t *length, int64_t *number)
{
    char copy[NUMBER];
    char text[NUMBER];
    int64_t sum;
    if (*length >= sizeof copy)
        return UV_EINVAL;
    memcpy(copy, value, *length);
    copy[*length] = '\0';
    int64_t before = strtoll(copy, NULL, 10);
    int written = snprintf(text, sizeof text, "%lld", (long long)before);
    if (written != *length || memcmp(text, value, *length) != 0) /* not as INCR would write it */
        return UV_EINVAL;
    if (__builtin_add_overflow(before, *number, &sum))
        return UV_EINVAL;
    *length = (uint16_t)snprintf(text, sizeof text, "%lld", (long long)sum);
    memcpy(value, text, *length);
    *number = sum;
    return 0;
}
