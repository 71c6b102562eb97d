/* Knows how the program says that it cannot be run like that: a line for scripts, one on standard error
 * for people, and never a password. */
#include "drive.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 1024 };
#define HIDDEN "***"

/* Where in what may be a URL, and may be mistyped, there may be a password: it is better to hide too
 * much. from is NULL if there is none. */
struct secret {
    const char *from, *to;
};

static const char *after_scheme(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz");

    return strncmp(text + length, "://", 3) == 0 ? text + length + 3 : text;
}

/* "redis://me:secret", where a port would be. */
static const char *odd_port(const char *start)
{
    const char *colon = strrchr(start, ':');

    if (colon == NULL)
        return NULL;
    const char *end = colon + 1 + strspn(colon + 1, "0123456789");
    return *end == '\0' || *end == '/' ? NULL : colon + 1;
}

static struct secret find_secret(const char *text)
{
    const char *start = after_scheme(text), *query = strstr(text, "password=");
    struct secret secret = {NULL, strrchr(start, '@')};

    if (secret.to != NULL) {
        const char *colon = memchr(start, ':', (size_t)(secret.to - start));
        secret.from = colon != NULL ? colon + 1 : start;
    } else if (start != text) {
        secret.from = odd_port(start);
        secret.to = text + strlen(text);
    }
    if (query != NULL) { /* as in URLs of Python's client */
        query += strlen("password=");
        secret.from = secret.from != NULL && secret.from < query ? secret.from : query;
        secret.to = text + strlen(text);
    }
    return secret;
}

static json_t *without_secret(const char *text)
{
    struct secret secret = find_secret(text);
    char shown[SHOWN];

    if (secret.from == NULL)
        return print_text(text);
    snprintf(shown, sizeof shown, "%.*s" HIDDEN "%s", (int)(secret.from - text), text, secret.to);
    return print_text(shown);
}

/* As JSON, so that it stays on its line. */
static void complain(const char *argument, const char *error, const json_t *value)
{
    char *quoted = json_dumps(value, JSON_ENCODE_ANY);

    fprintf(stderr, "drive: %s: %s", argument, error);
    if (quoted != NULL)
        fprintf(stderr, ": %s", quoted);
    fputc('\n', stderr);
    free(quoted);
}

static _Noreturn void refuse(const char *error, json_t *field, const char *argument, json_t *value)
{
    complain(argument, error, value);
    json_t *object = json_pack("{s:s, s:o}", "error", error, "field", field);
    if (value != NULL)
        json_object_set_new(object, "value", value);
    print_line(object);
    exit(FATAL);
}

_Noreturn void settings_refuse(const char *error, const char *field, const char *value)
{
    char argument[SHOWN];

    snprintf(argument, sizeof argument, "--%s", field);
    for (char *c = argument; *c != '\0'; c++)
        if (*c == '_')
            *c = '-';
    refuse(error, print_text(field), argument, value != NULL ? without_secret(value) : NULL);
}

_Noreturn void settings_refuse_word(const char *error, const char *word)
{
    json_t *shown = without_secret(word);

    refuse(error, shown, json_string_value(shown), NULL);
}
