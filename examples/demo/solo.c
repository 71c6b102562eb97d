/* The demo of one process: a service that falls sick and heals, a steady stream of requests to it
 * through a breaker, and beside it the same stream without. This file starts the parts, keeps the
 * time and ends them; the record it keeps is what the display, the summary and the picture are
 * made from.
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

/* Sends what is due by now, in both streams alike, so that a late timer does not thin them out. */
static void send_due(uv_timer_t *timer)
{
    unsigned due = run_due(&run, DEMO_RATE);

    (void)timer;
    while (run.stream[DOOR_WITH].flow.asked < due) {
        stream_send(&run.stream[DOOR_WITH]);
        stream_send(&run.stream[DOOR_WITHOUT]);
    }
    if (run_time(&run) >= DEMO_END && run.sample_count >= DEMO_END / DEMO_SAMPLE &&
        stream_ended(&run.stream[DOOR_WITH]) && stream_ended(&run.stream[DOOR_WITHOUT])) {
        end_run();
    }
}

static void take_sample(uv_timer_t *timer)
{
    (void)timer;
    run_note_sample(&run, run.stream[DOOR_WITH].breaker);
    live_update(&live, &run);
}

static void on_change(breaker_listener_t *listener, const breaker_event_t *event)
{
    (void)listener;
    if (event->kind == BREAKER_ON_STATE_CHANGE) {
        run_note_change(&run, event);
    }
}

/* ---- The beginning */

static int make_breaker(uv_loop_t *loop, breaker_t **breaker)
{
    int status;

    if ((status = breaker_panel_create(&panel, loop, NULL)) < 0 ||
        (status = demo_breaker(breaker, panel, 1)) < 0) {
        return status;
    }
    watcher.kinds = BREAKER_ON_STATE_CHANGE;
    watcher.notify = on_change;
    return breaker_listen(*breaker, &watcher);
}

static int start_run(uv_loop_t *loop)
{
    breaker_t *breaker;
    int door, status;

    if ((status = make_breaker(loop, &breaker)) < 0) {
        return status;
    }
    run.start = uv_hrtime();
    if ((status = service_start(&run.service, DOORS, run.start)) < 0) {
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

int solo_main(const char *picture)
{
    struct findings findings;
    char intro[256];
    int status, good;

    if ((status = start_run(uv_default_loop())) < 0) {
        fprintf(stderr, "demo: cannot start: %s\n", breaker_strerror(status));
        return 2;
    }
    snprintf(intro, sizeof intro,
             "A service that falls sick and heals; %d requests a second through a breaker,\n"
             "  and the same beside it without one. %d seconds.",
             DEMO_RATE, DEMO_END / 1000);
    live_start(&live, intro);
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
