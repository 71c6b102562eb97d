/* Knows what an argument may hold, and where it goes. Numbers are decimal, without a sign or a blank;
 * whether they are in range is the library's to say. */
#include "drive.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Whole, and not over max. */
static uint64_t whole(const char *name, const char *text, uint64_t max)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);

    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value > max)
        settings_refuse("not a whole number in range", name, text);
    return value;
}

/* What strtod takes besides, such as 0x10 and nan, is not for scripts. */
static double decimal(const char *name, const char *text)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    bool is_plain = text[strspn(text, "0123456789.eE+-")] == '\0' && strchr("+-", *text) == NULL;

    if (!is_plain || end == text || *end != '\0' || errno != 0 || !isfinite(value))
        settings_refuse("not a number in range", name, text);
    return value;
}

static double ratio(const char *name, const char *text)
{
    return strcmp(text, "off") == 0 ? BREAKER_OFF : decimal(name, text);
}

static uint64_t seconds(const char *name, const char *text)
{
    double value = decimal(name, text);

    if (value > 1e9)
        settings_refuse("not seconds in range", name, text);
    return (uint64_t)llround(value * 1000);
}

static int word(const struct word *words, const char *name, const char *text)
{
    for (; words->text != NULL; words++)
        if (strcmp(words->text, text) == 0)
            return words->value;
    settings_refuse("no such word", name, text);
}

static void put(const struct parameter *p, void *place, const char *value)
{
    switch (p->kind) {
    case TIME:
        *(uint64_t *)place = whole(p->name, value, UINT64_MAX);
        break;
    case SECONDS:
        *(uint64_t *)place = seconds(p->name, value);
        break;
    case COUNT:
        *(unsigned *)place = (unsigned)whole(p->name, value, UINT32_MAX);
        break;
    case RATIO:
        *(double *)place = ratio(p->name, value);
        break;
    case TEXT:
        *(const char **)place = value;
        break;
    case WORD:
        *(unsigned *)place = (unsigned)word(p->words, p->name, value); /* of an enum */
        break;
    }
}

const struct parameter *value_find(const struct parameter *parameters, const char *name)
{
    for (; parameters->name != NULL; parameters++)
        if (strcmp(parameters->name, name) == 0)
            return parameters;
    return NULL;
}

bool value_take(const struct parameter *parameters, void *base, const char *name, const char *value)
{
    const struct parameter *p = value_find(parameters, name);

    if (p != NULL)
        put(p, (char *)base + p->offset, value);
    return p != NULL;
}
