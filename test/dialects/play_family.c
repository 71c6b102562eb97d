/* The scenarios of pybreaker, aiobreaker and infuse. */
#include "circuit/dialects/family.h"
#include "replay.h"
#include <stdio.h>

static int is_excluded(void *data, int status)
{
    (void)data;
    return status == -END_EXCLUDED;
}

static void read_options(breaker_pybreaker_t *options, const json_t *c)
{
    options->fail_max = (unsigned)number_of(c, "fail_max", options->fail_max);
    options->reset_timeout = ms_of(c, "reset_timeout", (double)options->reset_timeout / 1000);
    options->success_threshold =
        (unsigned)number_of(c, "success_threshold", options->success_threshold);
}

static void configure(struct stage *stage, unsigned breaker, breaker_family_t variant)
{
    static const int excluded[] = {-END_EXCLUDED};
    breaker_pybreaker_t *options = &stage->options[breaker].family;
    const char *exclude = text_of(stage->config, "exclude");

    breaker_family_init_sized(options, variant, sizeof *options);
    options->flavour = stage->is_wire ? BREAKER_FLAVOUR_WIRE : BREAKER_FLAVOUR_MEMORY;
    options->key_namespace = "env:svc";
    read_options(options, stage->config);
    if (json_is_false(json_object_get(stage->config, "throw_new_error_on_trip")))
        options->throw_new_error_on_trip = 0;
    if (strcmp(exclude, "predicate") == 0)
        options->excluded.match = is_excluded;
    else if (*exclude != 0)
        options->excluded = (breaker_statuses_t){excluded, 1, NULL, NULL};
}

static void configure_pybreaker(struct stage *stage, unsigned breaker)
{
    configure(stage, breaker, BREAKER_PYBREAKER);
}

static void configure_asyncbreaker(struct stage *stage, unsigned breaker)
{
    configure(stage, breaker, BREAKER_ASYNCBREAKER);
}

static void configure_aiobreaker(struct stage *stage, unsigned breaker)
{
    configure(stage, breaker, BREAKER_AIOBREAKER);
}

static void configure_infuse(struct stage *stage, unsigned breaker)
{
    configure(stage, breaker, BREAKER_INFUSE);
}

static void set(struct stage *stage, unsigned breaker, const json_t *step)
{
    breaker_pybreaker_t *options = &stage->options[breaker].family;

    /* What the constructor made of 0 is what stands there now. */
    if (family_of(options)->has_default_timeout && options->reset_timeout == 0 &&
        !stage->was_set[breaker])
        options->reset_timeout = FAMILY_DEFAULT_TIMEOUT;
    stage->was_set[breaker] = true;
    read_options(options, step);
}

static breaker_outcome_t end(struct stage *stage, enum ending ending, const json_t *step,
                             int *status)
{
    (void)stage, (void)step;
    *status = -(int)ending;
    return ending == END_OK     ? BREAKER_SUCCESS
           : ending == END_BASE ? BREAKER_CANCELLED
                                : BREAKER_FAILURE;
}

static const char *const names[] = {"closed", "open", "half-open"};

static void tell_listeners(struct stage *stage, const char *text)
{
    int listeners = (int)number_of(stage->config, "listeners", 1);
    char prefixed[80];

    if (listeners == 1)
        stage_event(stage, text);
    for (int i = 0; listeners > 1 && i < listeners; i++) {
        snprintf(prefixed, sizeof prefixed, "%d:%s", i, text);
        stage_event(stage, prefixed);
    }
}

static void tell(struct stage *stage, int verdict)
{
    char text[64];

    (void)verdict;
    for (unsigned i = 0; i < stage->told_count; i++) {
        const struct talk_event *e = &stage->told[i];
        snprintf(text, sizeof text, "state_change:%s>%s", names[e->from], names[e->to]);
        tell_listeners(stage, e->kind == BREAKER_BEFORE_CALL  ? "before_call"
                              : e->kind == BREAKER_ON_SUCCESS ? "success"
                              : e->kind == BREAKER_ON_FAILURE ? "failure"
                                                              : text);
    }
}

static json_t *state_of(struct stage *stage, const struct family *family)
{
    char value[BREAKER_VALUE_MAX];
    int length = stage->cast->get(stage, stage->keys[PYBREAKER_STATE], value);

    for (unsigned i = 0; i < 3; i++)
        if (length == (int)strlen(family->words[i]) &&
            memcmp(family->words[i], value, (size_t)length) == 0)
            return json_string(names[i]);
    /* To look at it re-creates it. */
    return family->recreates ? json_string("closed") : json_null();
}

static void show(struct stage *stage, unsigned breaker, const json_t *step, json_t *got)
{
    static const char *const reasons[] = {NULL, "open", "tripped", "trial"};
    const struct family *family = family_of(&stage->options[breaker].family);
    const struct talk_key *keys = stage->keys;
    int64_t opened = stage_number(stage, keys[PYBREAKER_OPENED], -1);
    union snapshot s;

    stage->cast->inspect(stage, breaker, &s);
    json_object_set_new(got, "state", state_of(stage, family));
    json_object_set_new(got, "fail_counter",
                        json_integer(stage_number(stage, keys[PYBREAKER_FAILS], 0)));
    if (family->counts_successes)
        json_object_set_new(got, "success_counter",
                            json_integer(stage_number(stage, keys[PYBREAKER_SUCCESSES], 0)));
    json_object_set_new(got, "opened_ms",
                        opened < 0 ? json_null()
                                   : json_integer(stage->is_wire ? opened * 1000 : opened));
    if (stage->reason != BREAKER_REASON_NONE)
        json_object_set_new(got, "why", json_string(reasons[stage->reason]));
    /* Shown where there are several breakers, and some other times. */
    if (json_object_get(json_object_get(step, "expect"), "seen") != NULL || stage->breakers > 1)
        json_object_set_new(got, "seen", json_string(names[s.family.state]));
}

const struct player play_pybreaker = {"pybreaker", configure_pybreaker, set, end, tell, show};
const struct player play_asyncbreaker = {
    "asyncbreaker", configure_asyncbreaker, set, end, tell, show};
const struct player play_aiobreaker = {"aiobreaker", configure_aiobreaker, set, end, tell, show};
const struct player play_infuse = {"infuse", configure_infuse, set, end, tell, show};
