/* Knows the parameters of the dialects, by the names that the originals give them; times are seconds,
 * as theirs. */
#include "drive.h"
#include <string.h>

static const struct word families[] = {{"pybreaker", BREAKER_PYBREAKER},
                                       {"asyncbreaker", BREAKER_ASYNCBREAKER},
                                       {"aiobreaker", BREAKER_AIOBREAKER},
                                       {"infuse", BREAKER_INFUSE},
                                       {NULL, 0}};
static const struct word flavours[] = {{"auto", BREAKER_FLAVOUR_AUTO},
                                       {"memory", BREAKER_FLAVOUR_MEMORY},
                                       {"wire", BREAKER_FLAVOUR_WIRE},
                                       {NULL, 0}};

#define FIELD(type, name, kind)                 \
    {                                           \
#name, kind, offsetof(type, name), NULL \
    }
#define END                 \
    {                       \
        NULL, TEXT, 0, NULL \
    }

static const struct parameter pybreaker[] = {
    {"namespace", TEXT, offsetof(breaker_pybreaker_t, key_namespace), NULL},
    FIELD(breaker_pybreaker_t, fail_max, COUNT),
    FIELD(breaker_pybreaker_t, success_threshold, COUNT),
    FIELD(breaker_pybreaker_t, reset_timeout, SECONDS),
    FIELD(breaker_pybreaker_t, throw_new_error_on_trip, COUNT),
    {"flavour", WORD, offsetof(breaker_pybreaker_t, flavour), flavours},
    END,
};
static const struct parameter lasier[] = {
    FIELD(breaker_lasier_t, max_failures, COUNT),
    FIELD(breaker_lasier_t, max_failures_percentage, RATIO),
    FIELD(breaker_lasier_t, min_accepted_requests, COUNT),
    FIELD(breaker_lasier_t, failure_timeout, SECONDS),
    FIELD(breaker_lasier_t, circuit_timeout, SECONDS),
    FIELD(breaker_lasier_t, failure_key, TEXT),
    FIELD(breaker_lasier_t, request_key, TEXT),
    END,
};
static const struct parameter requests[] = {
    FIELD(breaker_requests_t, service, TEXT),
    FIELD(breaker_requests_t, ttl, SECONDS),
    FIELD(breaker_requests_t, percent_failed, RATIO),
    {"re_enable_after", SECONDS, offsetof(breaker_requests_t, re_enable_after_seconds), NULL},
    FIELD(breaker_requests_t, minimum_failures, COUNT),
    FIELD(breaker_requests_t, count_transport, COUNT),
    {"flavour", WORD, offsetof(breaker_requests_t, flavour), flavours},
    END,
};
static const struct parameter aiomisc[] = {
    FIELD(breaker_aiomisc_t, error_ratio, RATIO),
    FIELD(breaker_aiomisc_t, response_time, SECONDS),
    FIELD(breaker_aiomisc_t, broken_time, SECONDS),
    FIELD(breaker_aiomisc_t, recovery_time, SECONDS),
    FIELD(breaker_aiomisc_t, passing_time, SECONDS),
    END,
};

bool dialect_begin(struct settings *settings, const char *dialect)
{
    const struct word *family = families;

    while (family->text != NULL && strcmp(family->text, dialect) != 0)
        family++;
    if (family->text != NULL) {
        breaker_family_init_sized(&settings->of.pybreaker, (breaker_family_t)family->value,
                                  sizeof settings->of.pybreaker);
    } else if (strcmp(dialect, "lasier") == 0) {
        breaker_lasier_init(&settings->of.lasier);
    } else if (strcmp(dialect, "requests") == 0) {
        breaker_requests_init(&settings->of.requests);
    } else if (strcmp(dialect, "aiomisc") == 0) {
        breaker_aiomisc_init(&settings->of.aiomisc);
    } else {
        return false;
    }
    settings->dialect = dialect;
    settings->options.dialect = &settings->of.dialect;
    return true;
}

bool dialect_is(const struct settings *settings, int kind)
{
    return settings->dialect != NULL && settings->of.dialect.kind == kind;
}

static const struct parameter *parameters(const struct settings *settings)
{
    switch (settings->of.dialect.kind) {
    case BREAKER_DIALECT_PYBREAKER:
        return pybreaker;
    case BREAKER_DIALECT_LASIER:
        return lasier;
    case BREAKER_DIALECT_REQUESTS:
        return requests;
    default:
        return aiomisc;
    }
}

bool dialect_take(struct settings *settings, const char *name, const char *value)
{
    if (settings->dialect == NULL)
        return false;
    if (!settings_take(parameters(settings), &settings->of, name, value))
        return false;
    if (strcmp(name, "max_failures_percentage") == 0)
        settings->of.lasier.kind = BREAKER_LASIER_PERCENTAGE;
    return true;
}
