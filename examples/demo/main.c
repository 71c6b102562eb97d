/* The demo: a service that falls sick and heals, a steady stream of requests to it through a breaker, and
 * beside it the same stream without. This file starts the parts, keeps the time and ends them; the
 * record it keeps is what the display, the summary and the picture are made from.
 *
 *     demo [PICTURE]     the picture is demo.svg if not named
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "demo.h"

static struct run run;
static struct live live;
static breaker_panel_t *panel;
static breaker_listener_t watcher;
static uv_timer_t sender, sampler;
static uv_signal_t interrupt, terminate;
static int caught; /* the signal that ended the run before its time */

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
    unsigned stretch = asked > 0 ? (unsigned)(asked / DEMO_STRETCH) : 0;

    return &r->fates[door][stretch < DEMO_STRETCHES ? stretch : DEMO_STRETCHES - 1];
}

/* ---- The end */

static void end_run(void)
{
    uv_close((uv_handle_t *)&sender, NULL);
    uv_close((uv_handle_t *)&sampler, NULL);
    uv_close((uv_handle_t *)&interrupt, NULL);
    uv_close((uv_handle_t *)&terminate, NULL);
    breaker_panel_destroy(panel, NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)handle;
    if (caught == 0) {
        caught = number;
        end_run();
    }
}

/* ---- What happens while it runs */

static int all_ended(void)
{
    int door;

    for (door = 0; door < DOORS; door++) {
        const struct flow *flow = &run.stream[door].flow;

        if (flow->answered + flow->failed + flow->refused < flow->asked) {
            return 0;
        }
    }
    return 1;
}

/* Sends what is due by now, in both streams alike, so that a late timer does not thin them out. */
static void send_due(uv_timer_t *timer)
{
    double now = run_time(&run);
    unsigned all = DEMO_END / 1000 * DEMO_RATE, due = (unsigned)(now * DEMO_RATE / 1000) + 1;

    (void)timer;
    while (run.stream[DOOR_WITH].flow.asked < (due < all ? due : all)) {
        stream_send(&run.stream[DOOR_WITH]);
        stream_send(&run.stream[DOOR_WITHOUT]);
    }
    if (now >= DEMO_END && run.sample_count >= DEMO_END / DEMO_SAMPLE && all_ended()) {
        end_run();
    }
}

static double ratio_of(const breaker_counts_t *counts)
{
    unsigned results = counts->ok + counts->failed;

    return results > 0 ? (double)counts->failed / results : -1;
}

static void note_ratio(double time, double ratio)
{
    run.ratios[run.ratio_count].time = time;
    run.ratios[run.ratio_count].ratio = ratio;
    run.ratio_count++;
}

static void take_sample(uv_timer_t *timer)
{
    struct sample *sample = &run.samples[run.sample_count];
    breaker_snapshot_t now;

    (void)timer;
    if (run.sample_count == DEMO_SAMPLES_MAX) {
        return;
    }
    breaker_inspect(run.stream[DOOR_WITH].breaker, &now);
    sample->time = run_time(&run);
    sample->state = now.state;
    sample->ratio = ratio_of(&now.counts);
    note_ratio(sample->time, sample->ratio);
    sample->flow[DOOR_WITH] = run.stream[DOOR_WITH].flow;
    sample->flow[DOOR_WITHOUT] = run.stream[DOOR_WITHOUT].flow;
    run.sample_count++;
    live_update(&live, &run);
}

static void on_change(breaker_listener_t *listener, const breaker_event_t *event)
{
    struct change *change = &run.changes[run.change_count];

    (void)listener;
    if (event->kind == BREAKER_ON_STATE_CHANGE && run.change_count < DEMO_CHANGES_MAX) {
        change->time = run_time(&run);
        change->from = event->from;
        change->to = event->to;
        change->counts = event->counts;
        run.change_count++;
        if (ratio_of(&event->counts) >= 0) {
            note_ratio(change->time, ratio_of(&event->counts));
        }
        note_ratio(change->time, -1); /* each state begins with fresh counts */
    }
}

/* ---- The beginning */

static int make_breaker(uv_loop_t *loop, breaker_t **breaker)
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
    if ((status = breaker_panel_create(&panel, loop, NULL)) < 0 ||
        (status = breaker_policy_create(&policy, &options, NULL)) < 0) {
        return status;
    }
    status = breaker_create(breaker, panel, "service", policy);
    breaker_policy_destroy(policy);
    watcher.kinds = BREAKER_ON_STATE_CHANGE;
    watcher.notify = on_change;
    return status < 0 ? status : breaker_listen(*breaker, &watcher);
}

static int start_run(uv_loop_t *loop)
{
    breaker_t *breaker;
    int door, status;

    if ((status = make_breaker(loop, &breaker)) < 0) {
        return status;
    }
    run.start = uv_hrtime();
    if ((status = service_start(&run.service, run.start)) < 0) {
        return status;
    }
    for (door = 0; door < DOORS; door++) {
        run.stream[door].run = &run;
        run.stream[door].door = door;
        run.stream[door].port = run.service.port[door];
    }
    run.stream[DOOR_WITH].breaker = breaker;

    uv_signal_init(loop, &interrupt);
    uv_signal_init(loop, &terminate);
    uv_signal_start(&interrupt, on_signal, SIGINT);
    uv_signal_start(&terminate, on_signal, SIGTERM);
    uv_timer_init(loop, &sender);
    uv_timer_init(loop, &sampler);
    uv_timer_start(&sender, send_due, 0, 1000 / DEMO_RATE / 2);
    uv_timer_start(&sampler, take_sample, DEMO_SAMPLE, DEMO_SAMPLE);
    return 0;
}

int main(int argc, char **argv)
{
    const char *picture = argc > 1 ? argv[1] : "demo.svg";
    struct findings findings;
    int status, good;

    signal(SIGPIPE, SIG_IGN);
    if ((status = start_run(uv_default_loop())) < 0) {
        fprintf(stderr, "demo: cannot start: %s\n", breaker_strerror(status));
        return 2;
    }
    live_start(&live);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    live_end(&live);
    service_stop(&run.service);
    if (uv_loop_close(uv_default_loop()) != 0) {
        fprintf(stderr, "demo: handles were left on the loop\n");
        return 2;
    }
    if (caught != 0) {
        fprintf(stderr, "demo: interrupted after %.1f s\n", run_time(&run) / 1000);
        return 128 + caught;
    }

    findings_make(&findings, &run);
    good = report_print(&run, &findings);
    if ((status = draw_svg(picture, &run, &findings)) < 0) {
        fprintf(stderr, "demo: cannot write %s: %s\n", picture, breaker_strerror(status));
        return 2;
    }
    printf("\n  %s shows the run as a picture.\n", picture);
    return good ? 0 : 1;
}
