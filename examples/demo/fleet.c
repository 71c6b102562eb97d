/* The demo of a fleet: three processes send requests to one service that falls sick and heals,
 * each through a breaker, and the three breakers share a circuit in Redis. This file is the
 * parent: it starts Redis, the service and the processes, keeps the time, and ends them all.
 */
#include "fleet.h"

#include <signal.h>
#include <stdio.h>

#ifdef DEMO_HAVE_REDIS

#define LATE 5000 /* ms after its end at which a process is ended by force */

static struct fleet fleet;
static struct live live;
static uv_timer_t ticker;
static uv_signal_t interrupt, terminate;
static int caught; /* the signal that ended the run before its time */

static void end_members(int number)
{
    unsigned i;

    for (i = 0; i < FLEET_SIZE; i++) {
        member_end(&fleet.members[i], number);
    }
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)handle;
    caught = number;
    end_members(SIGTERM);
}

static int members_are_over(void)
{
    unsigned i, over = 0;

    for (i = 0; i < FLEET_SIZE; i++) {
        over += fleet.members[i].is_over != 0;
    }
    return over == FLEET_SIZE;
}

/* Looks at what Redis has served when a part of the script begins, and at the end. */
static void count_traffic(double now)
{
    static const double begins[] = {0, DEMO_STALLS_FROM, DEMO_HEALS_AT, DEMO_END};
    long long served;

    if (fleet.parts <= FLEET_PARTS && now >= begins[fleet.parts] &&
        (served = redis_served(&fleet.redis)) >= 0) {
        fleet.served[fleet.parts] = (unsigned long long)served;
        fleet.served_at[fleet.parts] = now;
        fleet.parts++;
    }
}

static void tick(uv_timer_t *timer)
{
    double now = run_time(&fleet.members[0].run);

    (void)timer;
    count_traffic(now);
    if (members_are_over()) {
        uv_close((uv_handle_t *)&ticker, NULL);
        uv_close((uv_handle_t *)&interrupt, NULL);
        uv_close((uv_handle_t *)&terminate, NULL);
        return;
    }
    if (now > DEMO_END + LATE) {
        end_members(SIGKILL);
    }
    fleet_show(&live, &fleet);
}

static void watch(uv_loop_t *loop)
{
    uv_signal_init(loop, &interrupt);
    uv_signal_init(loop, &terminate);
    uv_signal_start(&interrupt, on_signal, SIGINT);
    uv_signal_start(&terminate, on_signal, SIGTERM);
    uv_timer_init(loop, &ticker);
    uv_timer_start(&ticker, tick, DEMO_SAMPLE, DEMO_SAMPLE);
}

static int start_members(uv_loop_t *loop)
{
    char program[4096];
    size_t length = sizeof program;
    unsigned i;
    int status = uv_exepath(program, &length);

    for (i = 0; i < FLEET_SIZE; i++) {
        fleet.members[i].run.start = fleet.service.start;
        fleet.members[i].is_over = 1;
    }
    for (i = 0; i < FLEET_SIZE && status == 0; i++) {
        fleet.members[i].is_over = 0;
        status = member_start(&fleet.members[i], loop, program, &fleet);
    }
    if (status < 0) {
        fprintf(stderr, "demo: cannot start the processes: %s\n", breaker_strerror(status));
        end_members(SIGKILL);
    }
    return status;
}

static int run_fleet(uv_loop_t *loop)
{
    char intro[256];
    int status = service_start(&fleet.service, FLEET_SIZE, uv_hrtime());

    if (status < 0) {
        fprintf(stderr, "demo: cannot start the service: %s\n", breaker_strerror(status));
        return status;
    }
    snprintf(intro, sizeof intro,
             "A service that falls sick and heals; three processes send it %u, %u and %u requests\n"
             "  a second, through breakers that share one circuit in Redis. %d seconds.",
             fleet_rates[0], fleet_rates[1], fleet_rates[2], DEMO_END / 1000);
    live_start(&live, intro);
    if ((status = start_members(loop)) == 0) {
        watch(loop);
    }
    uv_run(loop, UV_RUN_DEFAULT);
    live_end(&live);
    service_stop(&fleet.service);
    return status;
}

int fleet_main(const char *picture)
{
    struct fleet_findings findings;
    int status, good;

    if (redis_start(&fleet.redis) < 0) {
        return 2;
    }
    status = run_fleet(uv_default_loop());
    redis_end(&fleet.redis);
    if (status < 0) {
        return 2;
    }
    if (uv_loop_close(uv_default_loop()) != 0) {
        fprintf(stderr, "demo: handles were left on the loop\n");
        return 2;
    }
    if (caught != 0) {
        fprintf(stderr, "demo: interrupted after %.1f s\n", run_time(&fleet.members[0].run) / 1000);
        return 128 + caught;
    }
    fleet_findings_make(&findings, &fleet);
    good = fleet_report_print(&fleet, &findings);
    if ((status = fleet_draw(picture, &fleet, &findings)) < 0) {
        fprintf(stderr, "demo: cannot write %s: %s\n", picture, breaker_strerror(status));
        return 2;
    }
    printf("\n  %s shows the run as a picture.\n", picture);
    return good ? 0 : 1;
}

#else

int fleet_main(const char *picture)
{
    (void)picture;
    fprintf(stderr, "demo: libbreaker-redis is missing: it was built without hiredis (Debian: "
                    "libhiredis-dev)\n");
    return 2;
}

#endif
