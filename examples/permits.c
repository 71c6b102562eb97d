/* Permits by hand: ask, do the work in whatever shape it has, report. Here the work is a helper program,
 * which is neither a request nor has a libuv status; its exit status says how it went. The helper fails
 * six times and then works again.
 */
#include <breaker.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

struct job {
    uv_process_t process;
    breaker_permit_t permit; /* a plain value: goes where the work goes */
};

static uv_loop_t *loop;
static breaker_panel_t *panel;
static breaker_t *helper;
static uv_timer_t clock_tick;
static struct job job;
static unsigned runs, refusals, good;

static void finish(void)
{
    uv_close((uv_handle_t *)&clock_tick, NULL);
    breaker_panel_destroy(panel, NULL);
}

static void job_closed(uv_handle_t *handle)
{
    (void)handle;
    job.process.data = NULL;
    if (good == 3) {
        finish();
    }
}

static void job_ended(uv_process_t *process, int64_t exit_status, int signal_number)
{
    breaker_outcome_t outcome = BREAKER_SUCCESS;

    if (signal_number == SIGTERM) {
        outcome = BREAKER_CANCELLED; /* somebody ended it: says nothing about the helper */
    } else if (signal_number != 0 || exit_status != 0) {
        outcome = BREAKER_FAILURE;
    }
    good += outcome == BREAKER_SUCCESS;
    printf("run %u: %s\n", runs, outcome == BREAKER_SUCCESS ? "good" : "failed");
    breaker_report(helper, &job.permit, outcome, (int)exit_status);
    uv_close((uv_handle_t *)process, job_closed);
}

static void run_job(void)
{
    uv_process_options_t options;
    char *arguments[] = {(char *)"sh", (char *)"-c", NULL, NULL};
    int status;

    runs++;
    arguments[2] = (char *)(runs <= 6 ? "exit 1" : "exit 0");
    memset(&options, 0, sizeof options);
    options.file = "sh";
    options.args = arguments;
    options.exit_cb = job_ended;
    job.process.data = &job; /* busy */
    status = uv_spawn(loop, &job.process, &options);
    if (status < 0) { /* every admitted permit is reported once, whatever happens */
        breaker_report(helper, &job.permit, BREAKER_FAILURE, status);
        uv_close((uv_handle_t *)&job.process, job_closed);
    }
}

/* There is work to do every 10 ms. */
static void tick(uv_timer_t *timer)
{
    (void)timer;
    if (job.process.data != NULL || good == 3) {
        return;
    }
    if (breaker_try_acquire(helper, &job.permit) == 0) {
        run_job();
    } else if (refusals++ % 10 == 0) {
        printf("refused; worth asking again in %u ms\n", (unsigned)breaker_retry_after(helper));
    }
}

int main(void)
{
    breaker_options_t options;
    breaker_policy_t *policy;

    loop = uv_default_loop();
    breaker_options_init(&options);
    options.max_failures = 4; /* four in the window trip */
    options.broken_time = 100;
    options.recovery = BREAKER_TRIAL; /* then one at a time, and three good ones close it */
    options.success_threshold = 3;
    if (breaker_policy_create(&policy, &options, NULL) != 0 ||
        breaker_panel_create(&panel, loop, NULL) != 0 ||
        breaker_create(&helper, panel, "helper", policy) != 0) {
        return 1;
    }
    breaker_policy_destroy(policy);

    uv_timer_init(loop, &clock_tick);
    uv_timer_start(&clock_tick, tick, 0, 10);
    uv_run(loop, UV_RUN_DEFAULT);
    return uv_loop_close(loop) != 0 || refusals == 0;
}
