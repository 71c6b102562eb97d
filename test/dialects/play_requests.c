/* The scenarios of the requests circuit breaker: statuses of HTTP, two logs. */
#include "circuit/dialects/requests.h"
#include "replay.h"
#include <errno.h>

static void configure(struct stage *stage, unsigned breaker)
{
    breaker_requests_t *options = &stage->options[breaker].requests;
    const json_t *c = stage->config;

    breaker_requests_init(options);
    options->service = "replay";
    options->flavour = stage->is_wire ? BREAKER_FLAVOUR_WIRE : BREAKER_FLAVOUR_MEMORY;
    options->ttl = ms_of(c, "ttl", 60);
    options->percent_failed = number_of(c, "percent_failed", 10);
    options->re_enable_after_seconds = ms_of(c, "re_enable_after_seconds", 180);
    options->minimum_failures = (unsigned)number_of(c, "minimum_failures", 5);
}

static breaker_outcome_t end(struct stage *stage, enum ending ending, const json_t *step,
                             int *status)
{
    *status = (int)number_of(step, "status", ending == END_OK ? 200 : 500);
    if (ending == END_RAISE)
        *status = -ECONNREFUSED;
    return stage->dialect->classify(&stage->options[0].requests, *status);
}

static void tell(struct stage *stage, int verdict)
{
    (void)verdict;
    for (unsigned i = 0; i < stage->told_count; i++) {
        const struct talk_event *e = &stage->told[i];
        if (e->kind == BREAKER_ON_SUCCESS)
            stage_event(stage, "success");
        if (e->kind == BREAKER_ON_FAILURE)
            stage_event(stage, "failure");
        if (e->kind == BREAKER_ON_STATE_CHANGE && !e->noticed)
            stage_event(stage, e->to == BREAKER_BROKEN ? "trip" : "reset");
    }
}

/* The answer that the caller of a whole call sees. */
static void show_answer(struct stage *stage, const json_t *step, json_t *got)
{
    const char *outcome = text_of(step, "outcome");

    if (strcmp(text_of(step, "op"), "call") != 0)
        return;
    if (json_is_false(json_object_get(got, "admitted"))) {
        json_object_set_new(got, "status", json_integer(500));
        json_object_set_new(got, "tripped_response", json_true());
    } else if (strcmp(outcome, "raise") != 0) {
        int status;
        end(stage, strcmp(outcome, "ok") == 0 ? END_OK : END_FAIL, step, &status);
        json_object_set_new(got, "status", json_integer(status));
    }
}

/* Whoever wrote to a log was told how much is in it. */
static void note_logs(struct stage *stage, const breaker_requests_snapshot_t *s)
{
    for (unsigned i = 0; i < stage->told_count; i++) {
        int kind = stage->told[i].kind;
        if (kind == BREAKER_ON_SUCCESS || kind == BREAKER_ON_FAILURE)
            stage->logged[0] = s->count;
        if (kind == BREAKER_ON_FAILURE)
            stage->logged[1] = s->errors;
    }
}

static void show(struct stage *stage, unsigned breaker, const json_t *step, json_t *got)
{
    int64_t pause = (int64_t)stage->options[0].requests.re_enable_after_seconds;
    int64_t stored = stage_number(stage, stage->keys[REQUESTS_TRIP], 0), local;
    union snapshot s;
    bool is_open;

    stage->cast->inspect(stage, breaker, &s);
    note_logs(stage, &s.requests);
    local = s.requests.local_last_open;
    is_open = (local > stored ? local : stored) * 1000 >= (int64_t)stage->now - pause;
    json_object_set_new(got, "state", json_string(is_open ? "open" : "closed"));
    json_object_set_new(got, "local_last_open", json_integer(local));
    json_object_set_new(got, "last_open", json_integer(stored));
    json_object_set_new(got, "count", json_integer(stage->logged[0]));
    json_object_set_new(got, "errors", json_integer(stage->logged[1]));
    show_answer(stage, step, got);
}

const struct player play_requests = {"eelabs", configure, NULL, end, tell, show};
