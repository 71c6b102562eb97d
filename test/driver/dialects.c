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

static bool choose(struct settings *settings, const char *dialect)
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
    return true;
}

void dialect_begin(struct settings *settings)
{
    settings->dialect = settings_value(settings, "dialect");
    if (settings->dialect == NULL)
        return;
    if (!choose(settings, settings->dialect))
        settings_refuse("no such dialect", "dialect", settings->dialect);
    settings->options.dialect = &settings->of.dialect;
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
    return value_take(parameters(settings), &settings->of, name, value);
}

bool dialect_knows(const char *name)
{
    const struct parameter *const all[] = {pybreaker, lasier, requests, aiomisc};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (value_find(all[i], name) != NULL)
            return true;
    return false;
}

/* ---- Which go together -------------------------------------------------------------------------*/

/* One rule or the other. */
static void end_lasier(struct settings *settings)
{
    bool is_percentage = settings_value(settings, "max_failures_percentage") != NULL;

    if (is_percentage && settings_value(settings, "max_failures") != NULL)
        settings_refuse("not together with --max-failures-percentage", "max_failures", NULL);
    if (!is_percentage && settings_value(settings, "min_accepted_requests") != NULL)
        settings_refuse("only with --max-failures-percentage", "min_accepted_requests", NULL);
    if (is_percentage)
        settings->of.lasier.kind = BREAKER_LASIER_PERCENTAGE;
}

static void end_family(struct settings *settings)
{
    const breaker_pybreaker_t *family = &settings->of.pybreaker;
    bool always = family->variant == BREAKER_AIOBREAKER || family->variant == BREAKER_INFUSE;

    if (always && family->throw_new_error_on_trip == 0)
        settings_refuse("always so in this --dialect", "throw_new_error_on_trip",
                        settings->dialect);
}

void dialect_end(struct settings *settings)
{
    if (dialect_is(settings, BREAKER_DIALECT_LASIER))
        end_lasier(settings);
    else if (dialect_is(settings, BREAKER_DIALECT_PYBREAKER))
        end_family(settings);
}
