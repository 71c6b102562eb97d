/* Logs what a breaker does: the line that an operator wants at a trip, with the numbers it was made on.
 * One listener on the whole panel hears of every breaker, also of those made later. The traffic is
 * make-believe: something that fails for a while and heals.
 */
#include <breaker.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

static uv_loop_t *loop;
static breaker_panel_t *panel;
static breaker_t *mail;
static breaker_listener_t log_listener; /* zeroed before use, as all static memory is */
static uv_timer_t traffic;
static unsigned asked, trips, recoveries;

static void log_event(breaker_listener_t *listener, const breaker_event_t *event)
{
    FILE *out = listener->data;
    const char *name = event->breaker != NULL ? breaker_name(event->breaker) : "all";

    switch (event->kind) {
    case BREAKER_ON_STATE_CHANGE:
        fprintf(out, "%s: %s -> %s", name, breaker_state_name(event->from),
                breaker_state_name(event->to));
        if (event->to == BREAKER_BROKEN) {
            fprintf(out, ": %u of %u failed, last: %s; next try in %u ms", event->counts.failed,
                    event->counts.ok + event->counts.failed, breaker_strerror(event->status),
                    (unsigned)event->retry_after);
        }
        fputc('\n', out);
        trips += event->to == BREAKER_BROKEN;
        recoveries += event->to == BREAKER_PASSING;
        break;
    case BREAKER_ON_FAILURE:
        fprintf(out, "%s: failed after %u ms: %s\n", name, (unsigned)event->duration,
                breaker_strerror(event->status));
        break;
    case BREAKER_ON_LATE:
        fprintf(out, "%s: a result came too late to count\n", name);
        break;
    case BREAKER_ON_MISSED:
        fprintf(out, "%s: events came too fast, some were not told\n", name);
        break;
    }
}

/* A call each 10 ms: good, then failing for a while, then good until the circuit has recovered. */
static void one_call(uv_timer_t *timer)
{
    breaker_permit_t permit;
    int sick = asked >= 20 && asked < 45;

    asked++;
    if (breaker_try_acquire(mail, &permit) == 0) {
        breaker_report(mail, &permit, sick ? BREAKER_FAILURE : BREAKER_SUCCESS,
                       sick ? UV_ECONNREFUSED : 0);
    }
    if (recoveries > 0 || asked == 1000) {
        uv_close((uv_handle_t *)timer, NULL);
        breaker_unlisten(&log_listener);
        breaker_panel_destroy(panel, NULL);
    }
}

int main(void)
{
    breaker_options_t options;
    breaker_policy_t *policy;
    const char *wrong;

    loop = uv_default_loop();
    breaker_options_init(&options);
    options.window = 1000;
    options.min_calls = 5;
    options.error_ratio = 0.3;
    options.broken_time = 100;
    options.recovery_time = 300;
    options.recovery_min = 3;
    if (breaker_policy_create(&policy, &options, &wrong) != 0) {
        fprintf(stderr, "the option %s is wrong\n", wrong != NULL ? wrong : "?");
        return 1;
    }
    if (breaker_panel_create(&panel, loop, NULL) != 0 ||
        breaker_create(&mail, panel, "mail", policy) != 0) {
        return 1;
    }
    breaker_policy_destroy(policy);

    /* Not BREAKER_ON_SUCCESS and BREAKER_BEFORE_CALL: nobody reads a log of what works. */
    log_listener.kinds = BREAKER_ON_STATE_CHANGE | BREAKER_ON_FAILURE | BREAKER_ON_LATE;
    log_listener.notify = log_event;
    log_listener.data = stdout;
    if (breaker_panel_listen(panel, &log_listener) != 0) {
        return 1;
    }

    uv_timer_init(loop, &traffic);
    uv_timer_start(&traffic, one_call, 0, 10);
    uv_run(loop, UV_RUN_DEFAULT);
    return uv_loop_close(loop) != 0 || trips == 0 || recoveries == 0;
}
