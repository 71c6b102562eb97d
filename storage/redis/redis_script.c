/* Knows how a transaction is put into the script's KEYS and ARGV; redis_lua.c has the other half,
 * redis_result.c the way back. */
#include "redis_script.h"
#include "redis_lua.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#define TTL_MAX ((uint64_t)1 << 52) /* Redis refuses what overflows when its clock is added */

static const char letters[] = {
    [BREAKER_GET] = 'g',    [BREAKER_SET] = 's',     [BREAKER_ADD] = 'a',  [BREAKER_INCR] = 'i',
    [BREAKER_DELETE] = 'd', [BREAKER_LOG] = 'l',     [BREAKER_TELL] = 't', [BREAKER_MEMBER] = 'm',
    [BREAKER_FIELD] = 'h',  [BREAKER_MEMBERS] = 'n',
};

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

bool redis_script_has_key(const breaker_transaction_t *transaction)
{
    bool has = transaction->guard != BREAKER_GUARD_NONE;
    for (unsigned i = 0; i < transaction->count; i++)
        has |= transaction->verbs[i].kind != BREAKER_TELL;
    return has;
}

bool redis_script_proves(const breaker_transaction_t *transaction)
{
    bool proves = false;
    for (unsigned i = 0; i < transaction->count; i++)
        switch (transaction->verbs[i].kind) {
        case BREAKER_SET:
        case BREAKER_ADD:
        case BREAKER_INCR:
        case BREAKER_LOG:
            proves = true;
            break;
        default: /* a full server deletes, and a register is not insisted on */
            break;
        }
    return proves && transaction->guard == BREAKER_GUARD_NONE;
}

bool redis_script_reads(const breaker_transaction_t *transaction)
{
    for (unsigned i = 0; i < transaction->count; i++)
        if (transaction->verbs[i].kind != BREAKER_GET &&
            transaction->verbs[i].kind != BREAKER_MEMBERS)
            return false;
    return true;
}

int redis_script_write(struct redis_buffer *out, const struct redis_settings *settings,
                       const breaker_transaction_t *transaction, bool asks, bool whole)
{
    const char *prefix = settings->options.prefix;
    bool guarded = transaction->guard != BREAKER_GUARD_NONE;
    bool equals = transaction->guard == BREAKER_GUARD_EQUALS;
    char plan[2 + BREAKER_VERBS_MAX];
    unsigned keys = guarded, args = 1 + guarded + equals, length = 0;

    if (asks)
        plan[length++] = 'w';
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

#define HEAD_SIZE 128u /* what each command has besides its verbs */
#define VERB_SIZE 96u  /* and each verb besides its key and value: lengths, numbers */

uint32_t redis_script_size(const struct redis_settings *settings,
                           const breaker_transaction_t *transaction)
{
    size_t prefix = settings->prefix_length;
    size_t size = HEAD_SIZE;
    if (transaction->guard != BREAKER_GUARD_NONE)
        size += VERB_SIZE + prefix + transaction->guard_key_length + transaction->guard_length;
    for (unsigned i = 0; i < transaction->count; i++) {
        const breaker_verb_t *verb = &transaction->verbs[i];
        bool is_out = verb->kind == BREAKER_GET || verb->kind == BREAKER_MEMBERS;
        size += VERB_SIZE + prefix + verb->key_length + (is_out ? 0u : verb->length);
    }
    return (uint32_t)size;
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

int redis_script_write_probe(struct redis_buffer *out, const struct redis_settings *settings,
                             const char *key, size_t key_length, bool whole)
{
    begin(out, whole, key_length != 0, 1);
    if (key_length)
        redis_buffer_joined(out, settings->options.prefix, settings->prefix_length, key,
                            key_length);
    redis_buffer_text(out, key_length ? "w-" : "-");
    return redis_buffer_end(out);
}
