/* Knows how an argument is called, what it may hold, and where it goes: every option of the circuit by
 * its own name, with dashes. Whether values are in range is the library's to say. */
#include "drive.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 64 };

static const struct word recoveries[] = {{"sampler", BREAKER_SAMPLER},
                                         {"trial", BREAKER_TRIAL},
                                         {"immediate", BREAKER_IMMEDIATE},
                                         {NULL, 0}};
static const struct word shares[] = {{"counts", BREAKER_SHARE_COUNTS},
                                     {"state", BREAKER_SHARE_STATE},
                                     {"none", BREAKER_SHARE_NONE},
                                     {NULL, 0}};
static const struct word outages[] = {
    {"local", BREAKER_OUTAGE_LOCAL}, {"refuse", BREAKER_OUTAGE_REFUSE}, {NULL, 0}};
static const struct word outcomes[] = {{"success", BREAKER_SUCCESS},
                                       {"failure", BREAKER_FAILURE},
                                       {"ignored", BREAKER_IGNORED},
                                       {"cancelled", BREAKER_CANCELLED},
                                       {NULL, 0}};

#define OPTION(name, kind)                                   \
    {                                                        \
#name, kind, offsetof(breaker_options_t, name), NULL \
    }
#define CHOICE(name, words)                                   \
    {                                                         \
#name, WORD, offsetof(breaker_options_t, name), words \
    }

static const struct parameter options[] = {
    OPTION(window, TIME),
    OPTION(buckets, COUNT),
    OPTION(last_calls, COUNT),
    OPTION(error_ratio, RATIO),
    OPTION(min_calls, COUNT),
    OPTION(min_failures, COUNT),
    OPTION(max_failures, COUNT),
    OPTION(consecutive_failures, COUNT),
    OPTION(slow_ratio, RATIO),
    OPTION(slow_time, TIME),
    OPTION(passing_time, TIME),
    OPTION(broken_time, TIME),
    OPTION(broken_factor, RATIO),
    OPTION(broken_limit, TIME),
    OPTION(broken_jitter, RATIO),
    CHOICE(recovery, recoveries),
    OPTION(recovery_time, TIME),
    OPTION(recovery_min, COUNT),
    OPTION(recovery_ratio, RATIO),
    OPTION(max_trials, COUNT),
    OPTION(success_threshold, COUNT),
    OPTION(probe_time, TIME),
    OPTION(timeout, TIME),
    CHOICE(excluded_outcome, outcomes),
    CHOICE(share, shares),
    OPTION(sync_interval, TIME),
    OPTION(min_reporters, COUNT),
    CHOICE(on_outage, outages),
    {NULL, TEXT, 0, NULL},
};

static const struct parameter panel[] = {
    {"storage_timeout", TIME, offsetof(breaker_panel_options_t, storage_timeout), NULL},
    {"max_turns", COUNT, offsetof(breaker_panel_options_t, max_turns), NULL},
    {NULL, TEXT, 0, NULL},
};

#ifdef HAVE_REDIS
#define REDIS(name, kind)                                          \
    {                                                              \
#name, kind, offsetof(breaker_redis_options_t, name), NULL \
    }

static const struct parameter redis[] = {
    REDIS(prefix, TEXT),          REDIS(client_name, TEXT),
    REDIS(connect_timeout, TIME), REDIS(transaction_timeout, TIME),
    REDIS(backoff_min, TIME),     REDIS(backoff_max, TIME),
    REDIS(fault_retry, TIME),     {NULL, TEXT, 0, NULL},
};
#endif

_Noreturn void settings_refuse(const char *error, const char *field, const char *value)
{
    json_t *object = json_pack("{s:s, s:o}", "error", error, "field", print_text(field));

    if (value != NULL)
        json_object_set_new(object, "value", print_text(value));
    print_line(object);
    fprintf(stderr, "drive: %s: %s\n", field, error);
    exit(FATAL);
}

/* ---- Values ------------------------------------------------------------------------------------*/

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

static double ratio(const char *name, const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (strcmp(text, "off") == 0)
        return BREAKER_OFF;
    if (end == text || *end != '\0' || !isfinite(value))
        settings_refuse("not a number", name, text);
    return value;
}

static uint64_t seconds(const char *name, const char *text)
{
    double value = ratio(name, text);

    if (value < 0 || value > 1e9)
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

bool settings_take(const struct parameter *parameters, void *base, const char *name,
                   const char *value)
{
    const struct parameter *p = parameters;

    while (p->name != NULL && strcmp(p->name, name) != 0)
        p++;
    if (p->name == NULL)
        return false;
    void *place = (char *)base + p->offset;
    switch (p->kind) {
    case TIME:
        *(uint64_t *)place = whole(name, value, UINT64_MAX);
        break;
    case SECONDS:
        *(uint64_t *)place = seconds(name, value);
        break;
    case COUNT:
        *(unsigned *)place = (unsigned)whole(name, value, UINT32_MAX);
        break;
    case RATIO:
        *(double *)place = ratio(name, value);
        break;
    case TEXT:
        *(const char **)place = value;
        break;
    case WORD:
        *(unsigned *)place = (unsigned)word(p->words, name, value); /* of an enum */
        break;
    }
    return true;
}

/* ---- Arguments ---------------------------------------------------------------------------------*/

static void take(struct settings *settings, const char *name, const char *value)
{
    settings->says_share |= strcmp(name, "share") == 0;
    if (strcmp(name, "storage") == 0)
        settings->storage = value;
    else if (strcmp(name, "name") == 0)
        settings->name = value;
    else if (strcmp(name, "dialect") == 0 || dialect_take(settings, name, value) ||
             settings_take(panel, &settings->panel, name, value) ||
             settings_take(options, &settings->options, name, value))
        return;
#ifdef HAVE_REDIS
    else if (settings_take(redis, &settings->redis, name, value))
        return;
#endif
    else
        settings_refuse("no such argument", name, NULL);
}

/* "--error-ratio" is error_ratio. */
static void name_of(char *name, const char *argument)
{
    if (strncmp(argument, "--", 2) != 0 || strlen(argument) >= NAME)
        settings_refuse("no such argument", argument, NULL);
    strcpy(name, argument + 2);
    for (; *name != '\0'; name++)
        if (*name == '-')
            *name = '_';
}

void settings_read(struct settings *settings, int count, char **arguments)
{
    char name[NAME];

    settings->storage = "memory";
    settings->name = "drive";
    breaker_options_init(&settings->options);
    breaker_panel_options_init(&settings->panel);
#ifdef HAVE_REDIS
    breaker_redis_options_init(&settings->redis);
#endif
    /* The dialect first: it says what some of the names mean. */
    for (int i = 0; i + 1 < count; i += 2)
        if (strcmp(arguments[i], "--dialect") == 0 && !dialect_begin(settings, arguments[i + 1]))
            settings_refuse("no such dialect", "dialect", arguments[i + 1]);
    for (int i = 0; i < count; i += 2) {
        name_of(name, arguments[i]);
        if (i + 1 == count)
            settings_refuse("its value is missing", name, NULL);
        take(settings, name, arguments[i + 1]);
    }
    /* Memory has no other processes: a circuit in it is not shared unless the script wants it so. */
    if (strcmp(settings->storage, "memory") == 0 && !settings->says_share)
        settings->options.share = BREAKER_SHARE_NONE;
}
