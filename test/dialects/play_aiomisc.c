/* aiomisc's scenarios: which endings its lists and inspector take, and its statistics. */
#include "replay.h"
#include <stdio.h>

static int is_listed(void *data, int status)
{
    (void)data;
    return stage_ending(status) != END_EXCLUDED;
}

static int inspect(void *data, int status)
{
    (void)data;
    return stage_ending(status) == END_IGNORED ? 0 : stage_ending(status) == END_FAIL ? 1 : -1;
}

static void configure(struct stage *stage, unsigned breaker)
{
    breaker_aiomisc_t *options = &stage->options[breaker].aiomisc;
    const json_t *c = stage->config;

    breaker_aiomisc_init(options);
    options->error_ratio = number_of(c, "error_ratio", 0);
    options->response_time = ms_of(c, "response_time", 0);
    options->broken_time = ms_of(c, "broken_time", 0);
    options->recovery_time = ms_of(c, "recovery_time", 0);
    options->passing_time = ms_of(c, "passing_time", 0);
    if (strcmp(text_of(c, "exceptions"), "specific") == 0)
        options->listed.match = is_listed;
    if (json_is_true(json_object_get(c, "inspector")))
        options->inspector = inspect;
}

static breaker_outcome_t end(struct stage *stage, enum ending ending, const json_t *step,
                             int *status)
{
    (void)step;
    *status = stage_status(stage, ending);
    return ending == END_OK     ? BREAKER_SUCCESS
           : ending == END_BASE ? BREAKER_CANCELLED
                                : BREAKER_FAILURE;
}

static const char *const names[] = {"passing", "broken", "recovering"};

static void tell(struct stage *stage, int verdict)
{
    char text[64];

    (void)verdict;
    for (unsigned i = 0; i < stage->told_count; i++) {
        const struct talk_event *e = &stage->told[i];
        if (e->kind != BREAKER_ON_STATE_CHANGE)
            continue;
        snprintf(text, sizeof text, "state_change:%s>%s", names[e->from], names[e->to]);
        stage_event(stage, text);
    }
}

static json_t *bucket(const breaker_aiomisc_bucket_t *b)
{
    return json_pack("[I,i,i,i]", (json_int_t)b->id, (int)b->failed, (int)b->ok, (int)b->total);
}

static void show_buckets(const breaker_aiomisc_snapshot_t *s, const json_t *step, json_t *got)
{
    const json_t *expect = json_object_get(step, "expect");
    json_t *all = json_array();

    for (unsigned i = 0; i < s->count; i++)
        json_array_append_new(all, bucket(&s->buckets[i]));
    if (json_is_array(json_object_get(expect, "buckets"))) {
        json_object_set(got, "buckets", all);
    } else {
        json_object_set_new(got, "buckets", json_integer(s->count));
        if (s->count > 0)
            json_object_set_new(got, "last", bucket(&s->buckets[s->count - 1]));
    }
    json_decref(all);
}

static void show(struct stage *stage, unsigned breaker, const json_t *step, json_t *got)
{
    union snapshot all;
    breaker_aiomisc_snapshot_t s;

    stage->cast->inspect(stage, breaker, &all);
    s = all.aiomisc;
    json_object_set_new(got, "state", json_string(names[s.state]));
    json_object_set_new(got, "ratio", json_real(s.recovery_ratio));
    json_object_set_new(got, "delay", json_real(s.delay));
    json_object_set_new(got, "calls",
                        json_pack("[I,I,I,I,I,I]", (json_int_t)s.calls, (json_int_t)s.passing,
                                  (json_int_t)s.broken, (json_int_t)s.recovering,
                                  (json_int_t)s.recovering_ok, (json_int_t)s.recovering_failed));
    json_object_set_new(got, "last_error",
                        s.last_error == 0 ? json_null()
                                          : json_integer(stage_step_of(s.last_error)));
    show_buckets(&s, step, got);
}

const struct player play_aiomisc = {"aiomisc", configure, NULL, end, tell, show};
