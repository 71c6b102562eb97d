/* Knows how a server is written as a URL. */
#include <breaker/redis.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* "12", whole and not over max. */
static bool number_of(const char *text, unsigned max, unsigned *number)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (*end || errno || value > max)
        return false;
    *number = (unsigned)value;
    return true;
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Takes %41 for A, in place; no zeros. */
static bool decode(char *text)
{
    char *out = text;
    for (; *text; text++) {
        if (*text != '%') {
            *out++ = *text;
            continue;
        }
        int high = nibble(text[1]), low = high < 0 ? -1 : nibble(text[2]);
        if (low < 0 || high + low == 0)
            return false;
        *out++ = (char)(high * 16 + low);
        text += 2;
    }
    *out = '\0';
    return true;
}

static bool parse_unix(breaker_redis_options_t *options, char *text)
{
    char *query = strchr(text, '?');
    options->database = 0;
    if (query) {
        *query++ = '\0';
        if (strncmp(query, "db=", 3) != 0 || !number_of(query + 3, UINT32_MAX, &options->database))
            return false;
    }
    options->path = text;
    options->user = options->password = NULL;
    options->tls = 0;
    return *text != '\0';
}

static bool parse_user(breaker_redis_options_t *options, char *text)
{
    char *password = strchr(text, ':');
    if (!password)
        return false;
    *password++ = '\0';
    options->user = *text ? text : NULL;
    options->password = password;
    return decode(text) && decode(password);
}

static bool parse_host(breaker_redis_options_t *options, char *text)
{
    char *port = NULL;
    if (*text == '[') {
        char *end = strchr(++text, ']');
        if (!end)
            return false;
        *end++ = '\0';
        if (*end && *end != ':')
            return false;
        port = *end ? end + 1 : NULL;
    } else if ((port = strchr(text, ':'))) {
        *port++ = '\0';
    }
    options->host = text;
    options->port = 6379;
    return *text && (!port || (number_of(port, 65535, &options->port) && options->port > 0));
}

static bool parse_tcp(breaker_redis_options_t *options, char *text)
{
    char *database = strchr(text, '/');
    options->path = options->user = options->password = NULL;
    options->database = 0;
    if (database) {
        *database++ = '\0';
        if (*database && !number_of(database, UINT32_MAX, &options->database))
            return false;
    }
    char *host = strrchr(text, '@');
    if (host) {
        *host++ = '\0';
        if (!parse_user(options, text))
            return false;
    } else {
        host = text;
    }
    return parse_host(options, host);
}

int breaker_redis_options_url(breaker_redis_options_t *options, const char *url)
{
    if (!options || !url || options->size < sizeof *options)
        return UV_EINVAL;
    if (strlen(url) > 500)
        return UV_ENAMETOOLONG;
    breaker_redis_options_t before = *options;
    char *text = options->text;
    bool good = false;
    strcpy(text, url);
    if (strncmp(text, "unix:", 5) == 0) {
        good = parse_unix(options, text + 5);
    } else if (strncmp(text, "redis://", 8) == 0) {
        options->tls = 0;
        good = parse_tcp(options, text + 8);
    } else if (strncmp(text, "rediss://", 9) == 0) {
        options->tls = 1;
        good = parse_tcp(options, text + 9);
    }
    if (!good)
        *options = before;
    return good ? 0 : UV_EINVAL;
}
