/* Knows how an argument is called, and beside which others: every option of the circuit by its own name,
 * with dashes. None is passed over: what has no meaning is refused. */
#include "drive.h"
#include <stdio.h>
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

static const struct parameter native[] = {
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
    CHOICE(share, shares),
    OPTION(sync_interval, TIME),
    OPTION(min_reporters, COUNT),
    CHOICE(on_outage, outages),
    {NULL, TEXT, 0, NULL},
};

/* For dialects, too. */
static const struct parameter calls[] = {
    OPTION(timeout, TIME),
    CHOICE(excluded_outcome, outcomes),
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

/* ---- Names -------------------------------------------------------------------------------------*/

/* "--error-ratio" is error_ratio. */
static void name_of(char *name, const char *argument)
{
    size_t length = strlen(argument);

    if (strncmp(argument, "--", 2) != 0 || length == 2 || length >= NAME)
        settings_refuse_word("no such argument", argument);
    strcpy(name, argument + 2);
    for (; *name != '\0'; name++)
        if (*name == '-')
            *name = '_';
}

/* Of the first so many. */
static const char *value_of(const struct settings *settings, int count, const char *wanted)
{
    char name[NAME];

    for (int i = 0; i + 1 < count; i += 2) {
        name_of(name, settings->arguments[i]);
        if (strcmp(name, wanted) == 0)
            return settings->arguments[i + 1];
    }
    return NULL;
}

const char *settings_value(const struct settings *settings, const char *name)
{
    return value_of(settings, settings->count, name);
}

static void check_names(const struct settings *settings)
{
    char name[NAME];

    for (int i = 0; i < settings->count; i += 2) {
        name_of(name, settings->arguments[i]);
        if (i + 1 == settings->count)
            settings_refuse("its value is missing", name, NULL);
        if (value_of(settings, i, name) != NULL)
            settings_refuse("given twice", name, NULL);
    }
}

/* ---- Arguments ---------------------------------------------------------------------------------*/

static bool is_in_memory(const struct settings *settings)
{
    return strcmp(settings->storage, "memory") == 0;
}

static bool redis_take(struct settings *settings, const char *name, const char *value)
{
#ifdef HAVE_REDIS
    if (value_find(redis, name) != NULL && is_in_memory(settings))
        settings_refuse("only with a --storage in Redis", name, NULL);
    return value_take(redis, &settings->redis, name, value);
#else
    (void)settings, (void)name, (void)value;
    return false;
#endif
}

static _Noreturn void refuse_name(const struct settings *settings, const char *name)
{
    bool is_native = value_find(native, name) != NULL;

    if (!is_native && !dialect_knows(name))
        settings_refuse("no such argument", name, NULL);
    if (settings->dialect == NULL)
        settings_refuse("only with a --dialect that has it", name, NULL);
    if (is_native)
        settings_refuse("the native circuit's, which is not there beside --dialect", name,
                        settings->dialect);
    settings_refuse("another dialect's, not of this --dialect", name, settings->dialect);
}

static bool circuit_take(struct settings *settings, const char *name, const char *value)
{
    if (value_take(calls, &settings->options, name, value))
        return true;
    if (settings->dialect != NULL)
        return dialect_take(settings, name, value);
    return value_take(native, &settings->options, name, value);
}

static void take(struct settings *settings, const char *name, const char *value)
{
    static const char *const taken[] = {"storage", "name", "dialect"};

    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcmp(name, taken[i]) == 0)
            return;
    if (!circuit_take(settings, name, value) && !value_take(panel, &settings->panel, name, value) &&
        !redis_take(settings, name, value))
        refuse_name(settings, name);
}

static const char *value_or(const struct settings *settings, const char *name, const char *other)
{
    const char *value = settings_value(settings, name);

    return value != NULL ? value : other;
}

static void set_defaults(struct settings *settings)
{
    breaker_options_init(&settings->options);
    breaker_panel_options_init(&settings->panel);
#ifdef HAVE_REDIS
    breaker_redis_options_init(&settings->redis);
#endif
}

void settings_read(struct settings *settings, int count, char **arguments)
{
    char name[NAME];

    set_defaults(settings);
    settings->count = count;
    settings->arguments = arguments;
    check_names(settings);
    settings->storage = value_or(settings, "storage", "memory");
    settings->name = value_or(settings, "name", "drive");
    dialect_begin(settings); /* first: it says what some of the names mean */
    for (int i = 0; i < count; i += 2) {
        name_of(name, arguments[i]);
        take(settings, name, arguments[i + 1]);
    }
    dialect_end(settings);
    /* Memory has no other processes: a circuit in it is not shared unless the script wants it so. */
    if (is_in_memory(settings) && settings_value(settings, "share") == NULL)
        settings->options.share = BREAKER_SHARE_NONE;
}

/* The library calls some fields otherwise, and knows nothing of URLs. */
const char *settings_argument(const char *field)
{
    static const char *const others[][2] = {{"key_namespace", "namespace"},
                                            {"re_enable_after_seconds", "re_enable_after"},
                                            {"path", "storage"},
                                            {"host", "storage"},
                                            {"port", "storage"},
                                            {"database", "storage"},
                                            {"password", "storage"},
                                            {"tls", "storage"}};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(field, others[i][0]) == 0)
            return others[i][1];
    return field;
}
