/* Knows how the script's answer is taken out, into the verbs that asked for it. */
#include "redis_script.h"
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* A number, or one beyond 2^53 as text. */
static bool number_of(const struct redis_reply *reply, const struct redis_part *part, int64_t *out)
{
    if (part->type == REDIS_REPLY_INTEGER) {
        *out = part->integer;
        return true;
    }
    char text[24], *end;
    if (part->type != REDIS_REPLY_STRING || part->length == 0 || part->length >= sizeof text)
        return false;
    memcpy(text, redis_reply_text(reply, part), part->length);
    text[part->length] = '\0';
    *out = strtoll(text, &end, 10);
    return *end == '\0';
}

/* The next cursor, a zero byte, the members; or how long they are, when they do not fit. */
static int page(const struct redis_reply *reply, const struct redis_part *part,
                breaker_verb_t *verb, bool store)
{
    const char *text = redis_reply_text(reply, part), *zero;
    char *end;
    long long next;
    size_t length;

    if (part->type == REDIS_REPLY_INTEGER)
        return UV_EMSGSIZE;
    if (part->type != REDIS_REPLY_STRING || (zero = memchr(text, '\0', part->length)) == NULL)
        return UV_EPROTO;
    next = strtoll(text, &end, 10);
    length = part->length - (size_t)(zero + 1 - text);
    if (end != zero || next < 0 || length > verb->length)
        return UV_EPROTO;
    if (!store)
        return 0;
    verb->number = next;
    verb->length = (uint16_t)length;
    if (length > 0)
        memcpy(verb->value, zero + 1, length);
    return 0;
}

/* Looks at one result, and takes it only if asked to: an error must leave the verbs alone. */
static int result(const struct redis_reply *reply, size_t index, breaker_verb_t *verb, bool store)
{
    const struct redis_part *part = redis_reply_part(reply, index, 0);
    int64_t number = 0;
    if (!part)
        return UV_EPROTO;
    switch (verb->kind) {
    case BREAKER_GET:
        if (part->type == REDIS_REPLY_INTEGER)
            return UV_EMSGSIZE;
        if (part->type != REDIS_REPLY_STRING && part->type != REDIS_REPLY_NIL)
            return UV_EPROTO;
        if (part->length > verb->length)
            return UV_EPROTO;
        if (!store)
            return 0;
        verb->found = part->type == REDIS_REPLY_STRING;
        verb->length = (uint16_t)part->length;
        if (part->length)
            memcpy(verb->value, redis_reply_text(reply, part), part->length);
        return 0;
    case BREAKER_MEMBERS:
        return page(reply, part, verb, store);
    case BREAKER_SET:
    case BREAKER_TELL:
    case BREAKER_MEMBER:
    case BREAKER_FIELD:
        return 0;
    case BREAKER_ADD:
        if (part->type != REDIS_REPLY_NIL && part->type != REDIS_REPLY_INTEGER)
            return UV_EPROTO;
        number = part->type == REDIS_REPLY_INTEGER;
        break;
    default:
        if (!number_of(reply, part, &number))
            return UV_EPROTO;
    }
    if (store)
        verb->number = number;
    return 0;
}

static int read_standing(const struct redis_reply *reply, breaker_transaction_t *transaction)
{
    const struct redis_part *held = redis_reply_part(reply, 3, 0);
    const struct redis_part *length = redis_reply_part(reply, 4, REDIS_REPLY_INTEGER);
    if (!held || !length || length->integer < 0)
        return UV_EPROTO;
    if (!transaction->standing)
        return BREAKER_EGUARD;
    bool found = held->type == REDIS_REPLY_STRING;
    if (found && held->length > transaction->standing_length)
        return UV_EPROTO;
    transaction->standing_found = found;
    transaction->standing_length =
        (uint16_t)(length->integer < UINT16_MAX ? length->integer : UINT16_MAX);
    if (found && held->length)
        memcpy(transaction->standing, redis_reply_text(reply, held), held->length);
    return BREAKER_EGUARD;
}

static int read_failure(const struct redis_reply *reply, const breaker_transaction_t *transaction,
                        struct redis_failure *failure)
{
    const struct redis_part *text = redis_reply_part(reply, 3, REDIS_REPLY_STRING);
    const struct redis_part *which = redis_reply_part(reply, 4, REDIS_REPLY_INTEGER);
    if (!text || !which)
        return UV_EPROTO;
    memset(failure, 0, sizeof *failure);
    failure->text = redis_reply_text(reply, text);
    failure->length = text->length;
    if (transaction && which->integer == 0 && transaction->guard != BREAKER_GUARD_NONE) {
        failure->key = transaction->guard_key;
        failure->key_length = transaction->guard_key_length;
    } else if (transaction && which->integer > 0 && which->integer <= transaction->count) {
        failure->key = transaction->verbs[which->integer - 1].key;
        failure->key_length = transaction->verbs[which->integer - 1].key_length;
    }
    return UV_EIO;
}

int redis_script_read(const struct redis_reply *reply, breaker_transaction_t *transaction,
                      struct redis_failure *failure)
{
    const struct redis_part *all = redis_reply_part(reply, 0, REDIS_REPLY_ARRAY);
    const struct redis_part *kind = redis_reply_part(reply, 1, REDIS_REPLY_INTEGER);
    const struct redis_part *wall = redis_reply_part(reply, 2, REDIS_REPLY_INTEGER);
    if (!all || !kind || !wall || wall->integer < 0 || reply->count != all->length + 1)
        return UV_EPROTO;
    if (kind->integer == 2)
        return read_failure(reply, transaction, failure);
    if (!transaction)
        return kind->integer == 0 ? 0 : UV_EPROTO;
    if (kind->integer == 1 && transaction->guard != BREAKER_GUARD_NONE) {
        int status = read_standing(reply, transaction);
        if (status == BREAKER_EGUARD)
            transaction->wall = (uint64_t)wall->integer;
        return status;
    }
    if (kind->integer != 0 || reply->count != 3 + transaction->count)
        return UV_EPROTO;
    for (unsigned i = 0; i < transaction->count; i++) {
        int status = result(reply, 3 + i, &transaction->verbs[i], false);
        if (status)
            return status;
    }
    for (unsigned i = 0; i < transaction->count; i++)
        result(reply, 3 + i, &transaction->verbs[i], true);
    transaction->wall = (uint64_t)wall->integer;
    return 0;
}

int redis_script_read_cursor(const struct redis_reply *reply, uint64_t *cursor)
{
    const struct redis_part *part = redis_reply_part(reply, 3, REDIS_REPLY_STRING);
    char text[24], *end;
    if (!part || part->length == 0 || part->length >= sizeof text)
        return UV_EPROTO;
    memcpy(text, redis_reply_text(reply, part), part->length);
    text[part->length] = '\0';
    *cursor = strtoull(text, &end, 10);
    return *end ? UV_EPROTO : 0;
}
