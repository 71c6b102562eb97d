/* One process of the fleet: a steady stream of requests through a breaker whose circuit is in
 * Redis. It tells its parent, on standard output:
 *
 *     s MS STATE RATIO ASKED SENT ANSWERED FAILED REFUSED     a sample
 *     c MS FROM TO OK FAILED ELSEWHERE                        a transition
 *     x TEXT                                                  the storage was lost
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "fleet.h"

#ifdef DEMO_HAVE_REDIS
#include <breaker/redis.h>

static struct run run;
static unsigned rate;
static breaker_storage_t *storage;
static breaker_panel_t *panel;
static breaker_listener_t watcher;
static uv_timer_t sender, sampler;

static void end_run(void)
{
    if (!uv_is_closing((uv_handle_t *)&sender)) {
        uv_close((uv_handle_t *)&sender, NULL);
        uv_close((uv_handle_t *)&sampler, NULL);
        breaker_panel_destroy(panel, NULL);
    }
}

static void tell(void)
{
    if (fflush(stdout) != 0) { /* nobody listens any more */
        end_run();
    }
}

static void send_due(uv_timer_t *timer)
{
    struct stream *stream = &run.stream[DOOR_WITH];
    unsigned due = run_due(&run, rate);

    (void)timer;
    while (stream->flow.asked < due) {
        stream_send(stream);
    }
    if (run_time(&run) >= DEMO_END && run.sample_count >= DEMO_END / DEMO_SAMPLE &&
        stream_ended(stream)) {
        end_run();
    }
}

static void take_sample(uv_timer_t *timer)
{
    const struct sample *sample = &run.samples[run.sample_count];
    const struct flow *flow = &sample->flow[DOOR_WITH];

    (void)timer;
    if (run.sample_count < DEMO_SAMPLES_MAX) {
        run_note_sample(&run, run.stream[DOOR_WITH].breaker);
        printf("s %.1f %d %.4f %u %u %u %u %u\n", sample->time, (int)sample->state, sample->ratio,
               flow->asked, flow->sent, flow->answered, flow->failed, flow->refused);
        tell();
    }
}

static void on_event(breaker_listener_t *listener, const breaker_event_t *event)
{
    (void)listener;
    if (event->kind == BREAKER_ON_STATE_CHANGE) {
        printf("c %.1f %d %d %u %u %d\n", run_time(&run), (int)event->from, (int)event->to,
               event->counts.ok, event->counts.failed, event->elsewhere);
        tell();
    } else if (event->kind == BREAKER_ON_STORAGE_LOST) {
        printf("x %s: %s\n", breaker_strerror(event->status), breaker_redis_reason(storage));
        tell();
    }
}

static int make_breaker(uv_loop_t *loop, const char *path, breaker_t **breaker)
{
    breaker_redis_options_t where;
    breaker_panel_options_t options;
    int status;

    breaker_redis_options_init(&where);
    where.path = path;
    if ((status = breaker_redis_create(&storage, &where, NULL)) < 0) {
        return status;
    }
    breaker_panel_options_init(&options);
    options.storage = storage;
    if ((status = breaker_panel_create(&panel, loop, &options)) < 0 ||
        (status = demo_breaker(breaker, panel, 2)) < 0) {
        return status;
    }
    watcher.kinds = BREAKER_ON_STATE_CHANGE | BREAKER_ON_STORAGE_LOST;
    watcher.notify = on_event;
    return breaker_panel_listen(panel, &watcher);
}

int fleet_client_main(int count, char **arguments)
{
    struct stream *stream = &run.stream[DOOR_WITH];
    uv_loop_t *loop = uv_default_loop();
    int status;

    if (count != 4) {
        fprintf(stderr, "demo: fleet-client SOCKET PORT RATE START\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    rate = (unsigned)atoi(arguments[2]);
    run.start = strtoull(arguments[3], NULL, 10);
    stream->run = &run;
    stream->port = atoi(arguments[1]);
    if ((status = make_breaker(loop, arguments[0], &stream->breaker)) < 0) {
        fprintf(stderr, "demo: a process of the fleet cannot start: %s\n",
                breaker_strerror(status));
        return 2;
    }
    uv_timer_init(loop, &sender);
    uv_timer_init(loop, &sampler);
    uv_timer_start(&sender, send_due, 0, 5);
    uv_timer_start(&sampler, take_sample, DEMO_SAMPLE, DEMO_SAMPLE);
    uv_run(loop, UV_RUN_DEFAULT);
    breaker_redis_destroy(storage);
    return uv_loop_close(loop) == 0 ? 0 : 3;
}

#else

int fleet_client_main(int count, char **arguments)
{
    (void)count;
    (void)arguments;
    return 2;
}

#endif
