/* Which dialects there are, and what their options have in common: sizes, lists, strings, limits. */
#include "dialect.h"
#include <errno.h>
#include <string.h>

const struct dialect *dialect_find(const breaker_dialect_t *options)
{
    if (options->size < sizeof *options)
        return NULL;
    switch (options->kind) {
    case BREAKER_DIALECT_AIOMISC:
        return &aiomisc_dialect;
    case BREAKER_DIALECT_PYBREAKER:
        return &pybreaker_dialect;
    case BREAKER_DIALECT_LASIER:
        return &lasier_dialect;
    case BREAKER_DIALECT_REQUESTS:
        return &requests_dialect;
    default:
        return NULL;
    }
}

void dialect_take(void *rules, size_t known, const breaker_dialect_t *options)
{
    memcpy(rules, options, options->size < known ? options->size : known);
    ((breaker_dialect_t *)rules)->size = known;
}

bool dialect_match(const breaker_statuses_t *statuses, int status, bool none)
{
    if (statuses->count == 0 && statuses->match == NULL)
        return none;
    for (size_t i = 0; i < statuses->count; i++)
        if (statuses->list[i] == status)
            return true;
    return statuses->match != NULL && statuses->match(statuses->data, status) != 0;
}

/* ---- Copies ------------------------------------------------------------------------------------*/

size_t dialect_list_size(const breaker_statuses_t *statuses)
{
    return statuses->count * sizeof(int);
}

/* Lists are kept before strings, so they are aligned. */
void dialect_keep_list(breaker_statuses_t *statuses, char **end)
{
    size_t size = dialect_list_size(statuses);

    if (size == 0)
        return;
    memcpy(*end, statuses->list, size);
    statuses->list = (const int *)(void *)*end;
    *end += size;
}

size_t dialect_text_size(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

void dialect_keep_text(const char **text, char **end)
{
    size_t size = dialect_text_size(*text);

    if (size == 0)
        return;
    memcpy(*end, *text, size);
    *text = *end;
    *end += size;
}

/* ---- Checks ------------------------------------------------------------------------------------*/

bool dialect_is_name(const char *text)
{
    size_t length = text == NULL ? 1 : strlen(text);

    return length >= 1 && length <= BREAKER_NAME_MAX;
}

bool dialect_is_flavour(breaker_flavour_t flavour)
{
    return flavour >= BREAKER_FLAVOUR_AUTO && flavour <= BREAKER_FLAVOUR_WIRE;
}

bool dialect_is_list(const breaker_statuses_t *statuses)
{
    return statuses->count == 0 || (statuses->list != NULL && statuses->count <= 65536);
}

bool dialect_is_time(uint64_t time, uint64_t least)
{
    return time >= least && time <= BREAKER_TIME_MAX;
}

bool dialect_is_seconds(uint64_t time, uint64_t least)
{
    return dialect_is_time(time, least) && time % 1000 == 0;
}

int dialect_bad(const char **bad_field, const char *field)
{
    *bad_field = field;
    return field == NULL ? 0 : -EINVAL;
}

/* ---- Keys --------------------------------------------------------------------------------------*/

char *dialect_append(char *end, const char *text)
{
    size_t length = strlen(text);

    memcpy(end, text, length);
    return end + length;
}

struct talk_key dialect_key(const char *begin, const char *end)
{
    return (struct talk_key){begin, (uint16_t)(end - begin)};
}
