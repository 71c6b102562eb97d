/* Knows what the options of the Redis storage may hold, and where a server is said to be. */
#include "redis_settings.h"
#include "memory.h"
#include "redis_tls.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <uv.h>

#define BYTES_MIN 4096u
#define BYTES_MAX (64u * 1024 * 1024)
#define PENDING_MAX 65536u
#define DATABASE_MAX 1000000u

void breaker_redis_options_init_sized(breaker_redis_options_t *options, size_t size)
{
    breaker_redis_options_t defaults = {
        .size = size,
        .host = "127.0.0.1",
        .port = 6379,
        .client_name = "libbreaker",
        .prefix = "",
        .connect_timeout = 2000,
        .transaction_timeout = 1000,
        .backoff_min = 100,
        .backoff_max = 5000,
        .fault_retry = 30000,
        .max_pending = 4096,
        .max_bytes = 1024 * 1024,
    };
    memset(options, 0, size);
    memcpy(options, &defaults, size < sizeof defaults ? size : sizeof defaults);
}

/* ---- Check */

static bool is_time(uint64_t ms)
{
    return ms >= 1 && ms <= BREAKER_TIME_MAX;
}

/* What Redis takes for one: '!' to '~'. */
static bool is_client_name(const char *text)
{
    for (; *text; text++)
        if (*text < '!' || *text > '~')
            return false;
    return true;
}

static const char *bad_field_of(const breaker_redis_options_t *options)
{
    if (options->path) {
        if (!*options->path || strlen(options->path) >= sizeof((struct sockaddr_un *)0)->sun_path)
            return "path";
    } else if (!options->host || !*options->host || strlen(options->host) > 255) {
        return "host";
    }
    if (!options->path && (options->port < 1 || options->port > 65535))
        return "port";
    if (options->database > DATABASE_MAX)
        return "database";
    if (options->user && !options->password)
        return "password";
    if (options->client_name && !is_client_name(options->client_name))
        return "client_name";
    if (!options->prefix || strlen(options->prefix) > BREAKER_REDIS_PREFIX_MAX)
        return "prefix";
    if (!is_time(options->connect_timeout))
        return "connect_timeout";
    if (!is_time(options->transaction_timeout))
        return "transaction_timeout";
    if (!is_time(options->backoff_min))
        return "backoff_min";
    if (!is_time(options->backoff_max) || options->backoff_max < options->backoff_min)
        return "backoff_max";
    if (!is_time(options->fault_retry))
        return "fault_retry";
    if (options->max_pending < 1 || options->max_pending > PENDING_MAX)
        return "max_pending";
    if (options->max_bytes < BYTES_MIN || options->max_bytes > BYTES_MAX)
        return "max_bytes";
    if (!options->tls_cert != !options->tls_key)
        return options->tls_cert ? "tls_key" : "tls_cert";
    return NULL;
}

/* ---- Copy */

static const char **strings_of(breaker_redis_options_t *options, size_t index)
{
    const char **strings[] = {&options->host,     &options->path,        &options->user,
                              &options->password, &options->client_name, &options->prefix,
                              &options->tls_ca,   &options->tls_cert,    &options->tls_key,
                              &options->tls_name};
    return index < sizeof strings / sizeof *strings ? strings[index] : NULL;
}

static char *copy(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copied = memory_allocate(size);
    if (copied)
        memcpy(copied, text, size);
    return copied;
}

void redis_settings_free(struct redis_settings *settings)
{
    const char **string;
    for (size_t i = 0; (string = strings_of(&settings->options, i)); i++) {
        memory_release((char *)(uintptr_t)*string);
        *string = NULL;
    }
    redis_tls_free(settings->tls);
    settings->tls = NULL;
}

int redis_settings_make(struct redis_settings *settings, const breaker_redis_options_t *options,
                        const char **bad_field)
{
    const char *bad = NULL, **string;
    int status = 0;

    memset(settings, 0, sizeof *settings);
    breaker_redis_options_init(&settings->options);
    if (options && (options->size == 0 || options->size > sizeof *options))
        bad = "size";
    else if (options)
        memcpy(&settings->options, options, options->size);
    if (!bad)
        bad = bad_field_of(&settings->options);
    if (!bad && settings->options.tls && !redis_tls_exists()) {
        bad = "tls";
        status = UV_ENOTSUP;
    }
    if (bad_field)
        *bad_field = bad;
    if (bad)
        return status ? status : UV_EINVAL;

    for (size_t i = 0; (string = strings_of(&settings->options, i)); i++) {
        const char *theirs = *string;
        if (status)
            *string = NULL;
        else if (theirs && !(*string = copy(theirs)))
            status = UV_ENOMEM;
    }
    if (!status)
        settings->prefix_length = strlen(settings->options.prefix);
    if (!status && settings->options.tls)
        status = redis_tls_make(&settings->tls, &settings->options, bad_field);
    if (status)
        redis_settings_free(settings);
    return status;
}
