/* The keys:
 *
 *   {name}:1:r                                      the record
 *   {name}:1:n                                      the bell; its value is the record
 *   {name}:1:c:<epoch>.<nonce>:<width>:<bucket>     results of a bucket
 *   {name}:1:p:<epoch>.<nonce>:<width>:<bucket>     processes of a bucket, and slow results
 *   {name}:1:t:<epoch>.<nonce>:<slot>               a trial lease
 *   {libbreaker}:1:circuits:<day>                   the names of circuits: a set
 *
 * 1 is the version of this layout. Every key has a time to live. The braces make a cluster keep a circuit's
 * keys together, and must not be empty: a name that begins with '}' or ':' has a ':' before it. */
#include "keys.h"
#include "circuit/text.h"
#include "judge.h"
#include <string.h>

enum { DAY = 86400000 };

static bool is_marked(char first)
{
    return first == '}' || first == ':';
}

static char *begin(char *key, const struct fleet_world *w)
{
    char *end = key;

    *end++ = '{';
    if (is_marked(w->name[0]))
        *end++ = ':';
    end = text_bytes(end, w->name, w->name_length);
    return text_word(end, "}:1:");
}

static char *put_epoch(char *end, const struct fleet *f)
{
    *end++ = ':';
    end = text_number(end, f->current.epoch);
    *end++ = '.';
    end = text_hex(end, f->current.nonce);
    *end++ = ':';
    return end;
}

uint16_t keys_record(char *key, const struct fleet_world *w)
{
    return (uint16_t)(text_word(begin(key, w), "r") - key);
}

uint16_t keys_bell(char *key, const struct fleet_world *w)
{
    return (uint16_t)(text_word(begin(key, w), "n") - key);
}

uint16_t keys_lease(char *key, const struct fleet *f, const struct fleet_world *w, unsigned slot)
{
    char *end = begin(key, w);

    *end++ = 't';
    return (uint16_t)(text_number(put_epoch(end, f), slot) - key);
}

uint16_t keys_count(char *key, const struct fleet *f, const struct fleet_world *w, char kind,
                    uint64_t bucket)
{
    char *end = begin(key, w);

    *end++ = kind;
    end = text_number(put_epoch(end, f), judge_shape(w).width);
    *end++ = ':';
    return (uint16_t)(text_number(end, bucket) - key);
}

uint16_t keys_list(char *key, uint64_t wall)
{
    return (uint16_t)(text_number(text_word(key, "{libbreaker}:1:circuits:"), wall / DAY) - key);
}

bool keys_name_of_bell(const char *key, size_t length, char *name)
{
    static const char tail[] = "}:1:n";
    const char *begins = key + 1, *end = key + length - strlen(tail);

    if (length < 1 + strlen(tail) || key[0] != '{' || memcmp(end, tail, strlen(tail)) != 0)
        return false;
    if (begins + 1 < end && begins[0] == ':' && is_marked(begins[1]))
        begins++;
    if (begins == end || end - begins > (ptrdiff_t)BREAKER_NAME_MAX)
        return false;
    memcpy(name, begins, (size_t)(end - begins));
    name[end - begins] = '\0';
    return true;
}
