/* lasier's scenarios: two rules, and keys with their ends. */
#include "circuit/dialects/lasier.h"
#include "replay.h"

static void read_options(breaker_lasier_t *options, const json_t *c)
{
    options->max_failures = (unsigned)number_of(c, "max_failures", options->max_failures);
    options->max_failures_percentage =
        number_of(c, "max_failures_percentage", options->max_failures_percentage);
    options->min_accepted_requests =
        (unsigned)number_of(c, "min_accepted_requests", options->min_accepted_requests);
    options->failure_timeout = ms_of(c, "failure_timeout", (double)options->failure_timeout / 1000);
    options->circuit_timeout = ms_of(c, "circuit_timeout", (double)options->circuit_timeout / 1000);
}

static void configure(struct stage *stage, unsigned breaker)
{
    static const int caught[] = {-END_FAIL};
    breaker_lasier_t *options = &stage->options[breaker].lasier;

    breaker_lasier_init(options);
    if (strcmp(text_of(stage->config, "rule"), "percentage") == 0)
        options->kind = BREAKER_LASIER_PERCENTAGE;
    options->failure_key = "f";
    options->request_key = "r";
    if (strcmp(text_of(stage->config, "catch"), "specific") == 0)
        options->caught = (breaker_statuses_t){caught, 1, NULL, NULL};
    read_options(options, stage->config);
}

static void set(struct stage *stage, unsigned breaker, const json_t *step)
{
    read_options(&stage->options[breaker].lasier, step);
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

static void tell(struct stage *stage, int verdict)
{
    for (unsigned i = 0; i < stage->told_count; i++) {
        const struct talk_event *e = &stage->told[i];
        if (e->kind == BREAKER_ON_FAILURE)
            stage_event(stage, "increase_failure");
        if (e->kind == BREAKER_ON_STATE_CHANGE && !e->noticed && e->to == BREAKER_BROKEN)
            stage_event(stage, "open_circuit");
    }
    if (verdict == BREAKER_ETRIPPED)
        stage_event(stage, "max_failures_exceeded");
}

static void show_end(struct stage *stage, struct talk_key key, const char *name, json_t *got)
{
    if (stage->cast->end_of != NULL)
        json_object_set_new(got, name, json_integer((json_int_t)stage->cast->end_of(stage, key)));
}

static void show_counter(struct stage *stage, struct talk_key key, const char *name,
                         const char *end_name, json_t *got)
{
    int64_t count = stage_number(stage, key, -1);

    if (count < 0)
        return;
    json_object_set_new(got, name, json_integer(count));
    show_end(stage, key, end_name, got);
}

static void show(struct stage *stage, unsigned breaker, const json_t *step, json_t *got)
{
    const struct talk_key *keys = stage->keys;
    bool is_open = stage_has(stage, keys[LASIER_CIRCUIT]);

    (void)breaker, (void)step;
    json_object_set_new(got, "state", json_string(is_open ? "open" : "closed"));
    if (is_open)
        show_end(stage, keys[LASIER_CIRCUIT], "circuit_exp", got);
    show_counter(stage, keys[LASIER_FAILURES], "failures", "failures_exp", got);
    show_counter(stage, keys[LASIER_REQUESTS], "requests", "requests_exp", got);
}

const struct player play_lasier = {"lasier", configure, set, end, tell, show};
