/* Knows how a transaction is put into the script's KEYS and ARGV, and how the answer is taken out;
 * redis_lua.c has the other half. */
#include "redis_script.h"
#include "redis_lua.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define TTL_MAX ((uint64_t)1 << 52) /* Redis refuses what overflows when its clock is added */

static const char letters[] = {
    [BREAKER_GET] = 'g',  [BREAKER_SET] = 's',    [BREAKER_ADD] = 'a',
    [BREAKER_INCR] = 'i', [BREAKER_DELETE] = 'd', [BREAKER_LOG] = 'l',
    [BREAKER_TELL] = 't', [BREAKER_MEMBER] = 'm', [BREAKER_FIELD] = 'h',
    [BREAKER_MEMBERS] = 'n',
};

/* ---- Out */

/* The command up to KEYS. */
static void begin(struct redis_buffer *out, bool whole, unsigned keys, unsigned args)
{
    redis_buffer_begin(out, 3 + keys + args);
    redis_buffer_text(out, whole ? "EVAL" : "EVALSHA");
    redis_buffer_text(out, whole ? redis_lua_text : redis_lua_digest);
    redis_buffer_number(out, keys);
}

static unsigned args_of(const breaker_verb_t *verb)
{
    switch (verb->kind) {
    case BREAKER_GET:
        return 1;
    case BREAKER_SET:
    case BREAKER_ADD:
    case BREAKER_INCR:
    case BREAKER_TELL:
    case BREAKER_MEMBER:
    case BREAKER_MEMBERS:
        return 2;
    case BREAKER_FIELD:
        return 3;
    case BREAKER_LOG:
        return 4;
    default:
        return 0;
    }
}

static void put_ttl(struct redis_buffer *out, uint64_t ttl)
{
    redis_buffer_number(out, (int64_t)(ttl < TTL_MAX ? ttl : TTL_MAX));
}

/* Milliseconds as seconds, in the shortest form that is exact: as Python's clients would write
 * it. */
static void put_score(struct redis_buffer *out, int64_t ms)
{
    char text[32];
    uint64_t size = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    int length = snprintf(text, sizeof text, "%s%" PRIu64 ".%03u", ms < 0 ? "-" : "", size / 1000,
                          (unsigned)(size % 1000));
    while (text[length - 1] == '0')
        length--;
    if (text[length - 1] == '.')
        length--;
    redis_buffer_word(out, text, (size_t)length);
}

static void put_args(struct redis_buffer *out, const struct redis_settings *settings,
                     const breaker_verb_t *verb)
{
    switch (verb->kind) {
    case BREAKER_GET:
        redis_buffer_number(out, verb->length);
        break;
    case BREAKER_SET:
    case BREAKER_ADD:
    case BREAKER_MEMBER:
        redis_buffer_word(out, verb->value, verb->length);
        put_ttl(out, verb->ttl);
        break;
    case BREAKER_FIELD: {
        size_t name = strnlen(verb->value, verb->length);
        redis_buffer_word(out, verb->value, name);
        redis_buffer_word(out, verb->value + name + 1, verb->length - name - 1);
        put_ttl(out, verb->ttl);
        break;
    }
    case BREAKER_INCR:
        redis_buffer_number(out, verb->number);
        put_ttl(out, verb->ttl);
        break;
    case BREAKER_MEMBERS:
        redis_buffer_number(out, verb->number);
        redis_buffer_number(out, verb->length);
        break;
    case BREAKER_LOG: {
        char member[16]; /* distinct from every other process' members, so that equal scores are */
        if (uv_random(NULL, NULL, member, sizeof member, 0, NULL) != 0)
            out->spoiled = true;
        put_score(out, verb->cut);
        put_score(out, verb->score);
        redis_buffer_word(out, member, sizeof member);
        put_ttl(out, verb->ttl);
        break;
    }
    case BREAKER_TELL:
        redis_buffer_joined(out, settings->options.prefix, settings->prefix_length, verb->key,
                            verb->key_length);
        redis_buffer_word(out, verb->value, verb->length);
        break;
    default:
        break;
    }
}

int redis_script_write(struct redis_buffer *out, const struct redis_settings *settings,
                       const breaker_transaction_t *transaction, bool whole)
{
    const char *prefix = settings->options.prefix;
    bool guarded = transaction->guard != BREAKER_GUARD_NONE;
    bool equals = transaction->guard == BREAKER_GUARD_EQUALS;
    char plan[1 + BREAKER_VERBS_MAX];
    unsigned keys = guarded, args = 1 + guarded + equals, length = 0;

    plan[length++] = equals ? 'e' : guarded ? 'a' : '-';
    for (unsigned i = 0; i < transaction->count; i++) {
        keys += transaction->verbs[i].kind != BREAKER_TELL;
        args += args_of(&transaction->verbs[i]);
        plan[length++] = letters[transaction->verbs[i].kind];
    }
    begin(out, whole, keys, args);
    if (guarded)
        redis_buffer_joined(out, prefix, settings->prefix_length, transaction->guard_key,
                            transaction->guard_key_length);
    for (unsigned i = 0; i < transaction->count; i++)
        if (transaction->verbs[i].kind != BREAKER_TELL)
            redis_buffer_joined(out, prefix, settings->prefix_length, transaction->verbs[i].key,
                                transaction->verbs[i].key_length);
    redis_buffer_word(out, plan, length);
    if (guarded)
        redis_buffer_number(out, transaction->standing ? transaction->standing_length : 0);
    if (equals)
        redis_buffer_word(out, transaction->guard_value, transaction->guard_length);
    for (unsigned i = 0; i < transaction->count; i++)
        put_args(out, settings, &transaction->verbs[i]);
    return redis_buffer_end(out);
}

int redis_script_write_flush(struct redis_buffer *out, const struct redis_settings *settings,
                             uint64_t cursor, bool whole)
{
    char pattern[2 * BREAKER_REDIS_PREFIX_MAX + 2], text[24];
    size_t length = 0;
    for (size_t i = 0; i < settings->prefix_length; i++) {
        if (strchr("*?[]\\^-", settings->options.prefix[i]))
            pattern[length++] = '\\';
        pattern[length++] = settings->options.prefix[i];
    }
    pattern[length++] = '*';
    snprintf(text, sizeof text, "%" PRIu64, cursor);
    begin(out, whole, 0, 3);
    redis_buffer_text(out, "-f");
    redis_buffer_text(out, text);
    redis_buffer_word(out, pattern, length);
    return redis_buffer_end(out);
}

int redis_script_write_probe(struct redis_buffer *out, const char *key, size_t key_length,
                             bool whole)
{
    begin(out, whole, key_length != 0, 1);
    if (key_length)
        redis_buffer_word(out, key, key_length);
    redis_buffer_text(out, key_length ? "-w" : "-");
    return redis_buffer_end(out);
}

/* ---- In */

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
