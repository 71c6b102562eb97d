/* The scenarios of the requests circuit breaker: statuses of HTTP, two logs. */
#include "circuit/requests.h"
#include "replay.h"
#include <errno.h>

static void configure(struct stage *stage, unsigned breaker)
{
    breaker_requests_t *options = &stage->options[breaker].requests;
    const json_t *c = stage->config;

    breaker_requests_init(options);
    options->ttl = ms_of(c, "ttl", 60);
    options->percent_failed = number_of(c, "percent_failed", 10);
    options->re_enable_after_seconds = ms_of(c, "re_enable_after_seconds", 180);
    options->minimum_failures = (unsigned)number_of(c, "minimum_failures", 5);
}

static breaker_outcome_t end(struct stage *stage, enum ending ending, const json_t *step,
                             int *status)
{
    const struct actor *actor = &stage->actors[0];

    *status = (int)number_of(step, "status", ending == END_OK ? 200 : 500);
    if (ending == END_RAISE)
        *status = -ECONNREFUSED;
    return actor->dialect->classify(actor->rules, *status);
}

static void tell(struct stage *stage)
{
    for (unsigned i = 0; i < stage->talk->event_count; i++) {
        const struct talk_event *e = &stage->talk->events[i];
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
    if (strcmp(text_of(step, "op"), "call") != 0)
        return;
    if (json_is_false(json_object_get(got, "admitted"))) {
        json_object_set_new(got, "status", json_integer(500));
        json_object_set_new(got, "tripped_response", json_true());
    } else if (stage->turn->status >= 0) {
        json_object_set_new(got, "status", json_integer(stage->turn->status));
    }
}

static json_int_t entries(struct stage *stage, struct talk_key key)
{
    struct shelf_item *item = stage_item(stage, key);
    return item != NULL ? (json_int_t)item->score_count : 0;
}

static void show(struct stage *stage, unsigned breaker, const json_t *step, json_t *got)
{
    struct requests *c = stage->actors[breaker].circuit;
    struct requests peek = *c;
    breaker_requests_snapshot_t s;

    /* What a look at the storage shows, without its taking note. */
    peek.stored = stage_number(stage, c->keys[REQUESTS_TRIP], 0);
    requests_inspect(&peek, stage->actors[breaker].rules, stage->now, &s);
    json_object_set_new(got, "state", json_string(s.state == BREAKER_BROKEN ? "open" : "closed"));
    json_object_set_new(got, "local_last_open", json_integer(s.local_last_open));
    json_object_set_new(got, "last_open", json_integer(s.last_open));
    json_object_set_new(got, "count", json_integer(entries(stage, c->keys[REQUESTS_COUNT])));
    json_object_set_new(got, "errors", json_integer(entries(stage, c->keys[REQUESTS_ERROR])));
    show_answer(stage, step, got);
}

const struct player play_requests = {"eelabs", configure, NULL, end, tell, show};
