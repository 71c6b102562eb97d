/* What both demos go by: the script of the service, the pace of the requests, the breaker's
 * options, and how the record of a run is kept.
 */
#include "demo.h"

enum health health_at(double ms)
{
    if (ms < DEMO_STALLS_FROM || ms >= DEMO_HEALS_AT) {
        return HEALTH_WELL;
    }
    return ms < DEMO_FAILS_FROM ? HEALTH_STALLS : HEALTH_FAILS;
}

const char *health_text(enum health health)
{
    static const char *const texts[] = {"answers", "stalls", "fails"};

    return texts[health];
}

double run_time(const struct run *r)
{
    return (double)(uv_hrtime() - r->start) / 1e6;
}

struct fate *run_fate(struct run *r, enum door door, double asked)
{
    return &r->fates[door][demo_stretch(asked)];
}

unsigned run_due(const struct run *r, unsigned rate)
{
    unsigned all = DEMO_END / 1000 * rate, due = (unsigned)(run_time(r) * rate / 1000) + 1;

    return due < all ? due : all;
}

int stream_ended(const struct stream *stream)
{
    const struct flow *flow = &stream->flow;

    return flow->answered + flow->failed + flow->refused >= flow->asked;
}

/* ---- The record */

static double ratio_of(const breaker_counts_t *counts)
{
    unsigned results = counts->ok + counts->failed;

    return results > 0 ? (double)counts->failed / results : -1;
}

static void note_ratio(struct run *run, double time, double ratio)
{
    run->ratios[run->ratio_count].time = time;
    run->ratios[run->ratio_count].ratio = ratio;
    run->ratio_count++;
}

void run_note_sample(struct run *run, breaker_t *breaker)
{
    struct sample *sample = &run->samples[run->sample_count];
    breaker_snapshot_t now;
    int door;

    if (run->sample_count == DEMO_SAMPLES_MAX) {
        return;
    }
    breaker_inspect(breaker, &now);
    sample->time = run_time(run);
    sample->state = now.state;
    sample->ratio = ratio_of(&now.counts);
    note_ratio(run, sample->time, sample->ratio);
    for (door = 0; door < DOORS; door++) {
        sample->flow[door] = run->stream[door].flow;
    }
    run->sample_count++;
}

void run_note_change(struct run *run, const breaker_event_t *event)
{
    struct change *change = &run->changes[run->change_count];

    if (run->change_count == DEMO_CHANGES_MAX) {
        return;
    }
    change->time = run_time(run);
    change->from = event->from;
    change->to = event->to;
    change->counts = event->counts;
    change->elsewhere = event->elsewhere;
    run->change_count++;
    if (ratio_of(&event->counts) >= 0) {
        note_ratio(run, change->time, ratio_of(&event->counts));
    }
    note_ratio(run, change->time, -1); /* each state begins with fresh counts */
}

/* ---- The breaker */

int demo_breaker(breaker_t **breaker, breaker_panel_t *panel, unsigned min_reporters)
{
    breaker_options_t options;
    breaker_policy_t *policy;
    int status;

    /* Half of the calls of the last second failed: leave the service alone for a second, later for
     * two; then let it have more and more calls for two seconds. */
    breaker_options_init(&options);
    options.window = 1000;
    options.error_ratio = 0.5;
    options.min_calls = 20;
    options.broken_time = 1000;
    options.broken_limit = 2000;
    options.recovery_time = 2000;
    options.recovery_min = 5;
    options.min_reporters = min_reporters;
    if ((status = breaker_policy_create(&policy, &options, NULL)) < 0) {
        return status;
    }
    status = breaker_create(breaker, panel, "service", policy);
    breaker_policy_destroy(policy);
    return status;
}
