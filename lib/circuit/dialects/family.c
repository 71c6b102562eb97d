/* Who is who in pybreaker's family, what its options may be, and how its keys are called. */
#include "family.h"

static const struct family families[] = {
    [BREAKER_PYBREAKER] = {.base = "pybreaker",
                           .words = {"closed", "open", "half-open"},
                           .counts_successes = true,
                           .may_keep_status = true,
                           .is_cancel_failure = true,
                           .recreates = true},
    [BREAKER_ASYNCBREAKER] = {.base = "asyncbreaker",
                              .words = {"closed", "open", "half-open"},
                              .counts_successes = true,
                              .may_keep_status = true,
                              .is_cancel_failure = true,
                              .recreates = true},
    [BREAKER_AIOBREAKER] = {.base = "aiobreaker",
                            .words = {"CLOSED", "OPEN", "HALF_OPEN"},
                            .recreates = true,
                            .has_default_timeout = true},
    [BREAKER_INFUSE] = {.base = "infuse",
                        .is_base_first = true,
                        .words = {"closed", "open", "half-open"},
                        .is_cancel_failure = true,
                        .restarts_pause = true,
                        .zeroes_if_counted = true},
};

const struct family *family_of(const breaker_pybreaker_t *rules)
{
    return &families[rules->variant];
}

/* ---- Options -----------------------------------------------------------------------------------*/

void breaker_family_init_sized(breaker_pybreaker_t *options, breaker_family_t variant, size_t size)
{
    breaker_pybreaker_t all = {
        .dialect = {size, BREAKER_DIALECT_PYBREAKER},
        .variant = variant,
        .fail_max = 5,
        .success_threshold = 1,
        .reset_timeout = FAMILY_DEFAULT_TIMEOUT,
        .throw_new_error_on_trip = 1,
    };

    memcpy(options, &all, size < sizeof all ? size : sizeof all);
}

static void take(breaker_pybreaker_t *rules, const breaker_dialect_t *options)
{
    breaker_family_init_sized(rules, BREAKER_PYBREAKER, sizeof *rules);
    dialect_take(rules, sizeof *rules, options);
}

static bool is_variant(const breaker_pybreaker_t *o)
{
    return o->variant >= BREAKER_PYBREAKER && o->variant <= BREAKER_INFUSE;
}

static int check(const breaker_dialect_t *options, const char **bad_field)
{
    breaker_pybreaker_t o;
    const char *bad = NULL;

    take(&o, options);
    if (!is_variant(&o))
        bad = "variant";
    else if (o.success_threshold > 1 && !family_of(&o)->counts_successes)
        bad = "success_threshold";
    else if (!dialect_is_time(o.reset_timeout, 0))
        bad = "reset_timeout";
    else if (!o.throw_new_error_on_trip && !family_of(&o)->may_keep_status)
        bad = "throw_new_error_on_trip";
    else if (!dialect_is_flavour(o.flavour))
        bad = "flavour";
    else if (!dialect_is_name(o.key_namespace))
        bad = "key_namespace";
    else if (!dialect_is_list(&o.excluded))
        bad = "excluded";
    return dialect_bad(bad_field, bad);
}

static size_t rules_size(const breaker_dialect_t *options)
{
    breaker_pybreaker_t o;

    take(&o, options);
    return sizeof o + dialect_list_size(&o.excluded) + dialect_text_size(o.key_namespace);
}

static void rules_make(void *memory, const breaker_dialect_t *options)
{
    breaker_pybreaker_t *rules = memory;
    char *end = (char *)(rules + 1);

    take(rules, options);
    dialect_keep_list(&rules->excluded, &end);
    dialect_keep_text(&rules->key_namespace, &end);
}

/* ---- Keys --------------------------------------------------------------------------------------*/

static const char *const suffixes[PYBREAKER_KEYS] = {
    [PYBREAKER_STATE] = ":state",
    [PYBREAKER_FAILS] = ":fail_counter",
    [PYBREAKER_SUCCESSES] = ":success_counter",
    [PYBREAKER_OPENED] = ":opened_at",
};

/* For any flavour: which one it is, is not known yet. */
static size_t size(const void *memory, const char *name)
{
    const breaker_pybreaker_t *rules = memory;
    size_t prefix = strlen(family_of(rules)->base) + 1 +
                    strlen(rules->key_namespace != NULL ? rules->key_namespace : name);
    size_t bytes = sizeof(struct pybreaker);

    for (unsigned i = 0; i < PYBREAKER_KEYS; i++)
        bytes += prefix + strlen(suffixes[i]);
    return bytes;
}

static char *append_prefix(char *end, const struct family *family, const char *space)
{
    if (space == NULL)
        return dialect_append(end, family->base);
    end = dialect_append(end, family->is_base_first ? family->base : space);
    end = dialect_append(end, ":");
    return dialect_append(end, family->is_base_first ? space : family->base);
}

static void init(void *memory, const void *rules_memory, const char *name, bool wire)
{
    struct pybreaker *c = memory;
    const breaker_pybreaker_t *rules = rules_memory;
    const struct family *family = family_of(rules);
    const char *space = rules->key_namespace;
    char *end = c->names;

    memset(c, 0, sizeof *c);
    c->family = family;
    c->opened = -1;
    c->is_wire =
        rules->flavour == BREAKER_FLAVOUR_AUTO ? wire : rules->flavour == BREAKER_FLAVOUR_WIRE;
    c->wants_default = family->has_default_timeout && rules->reset_timeout == 0;
    if (space == NULL && !c->is_wire)
        space = name;
    for (unsigned i = 0; i < PYBREAKER_KEYS; i++) {
        const char *begin = end;
        end = dialect_append(append_prefix(end, family, space), suffixes[i]);
        c->keys[i] = dialect_key(begin, end);
    }
}

/* What the setter is given is meant. */
static void retune(void *circuit, const void *rules)
{
    (void)rules;
    ((struct pybreaker *)circuit)->wants_default = false;
}

/* ---- Looking -----------------------------------------------------------------------------------*/

void pybreaker_inspect(const struct pybreaker *c, const breaker_pybreaker_t *rules, uint64_t wall,
                       breaker_pybreaker_snapshot_t *s)
{
    memset(s, 0, sizeof *s);
    s->state = c->seen;
    s->stored = c->stored;
    s->fail_counter = c->fails;
    s->success_counter = c->successes;
    s->opened_at = c->opened;
    s->time_remaining = pybreaker_pause(c, rules, wall);
    s->last_error = c->last_error;
}

static void view(const void *circuit, const void *rules, uint64_t now, uint64_t wall,
                 struct dialect_view *view)
{
    const struct pybreaker *c = circuit;

    (void)now;
    *view = (struct dialect_view){c->seen, c->last_error, pybreaker_pause(c, rules, wall)};
}

const struct dialect pybreaker_dialect = {
    .name = "pybreaker",
    .check = check,
    .rules_size = rules_size,
    .rules_make = rules_make,
    .size = size,
    .init = init,
    .retune = retune,
    .step = pybreaker_step,
    .view = view,
};
