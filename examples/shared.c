/* One circuit for many processes: each that runs this with the same Redis shares it. Run it in several
 * terminals, in some of them as one whose service is sick:
 *
 *     shared redis://127.0.0.1:6379 [ok|sick] [SECONDS]
 *
 * It makes a call each 50 ms, tells of every transition who made it, and at the end which circuits the fleet
 * has. Two sick ones break the circuit for all; one alone is only kept from its own service. */
#include <breaker/redis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static uv_loop_t *loop;
static breaker_storage_t *redis;
static breaker_panel_t *panel;
static breaker_t *orders;
static breaker_listener_t listener; /* zeroed before use, as all static memory is */
static breaker_listing_t listing;
static uv_timer_t traffic;
static int is_sick, calls_left = 100;

static void on_event(breaker_listener_t *l, const breaker_event_t *event)
{
    (void)l;
    if (event->kind == BREAKER_ON_STATE_CHANGE) {
        printf("%s -> %s, made %s\n", breaker_state_name(event->from),
               breaker_state_name(event->to), event->elsewhere ? "elsewhere" : "here");
    } else {
        printf("Redis is %s: %s\n", event->kind == BREAKER_ON_STORAGE_LOST ? "lost" : "found",
               event->status < 0 ? breaker_redis_reason(redis) : "all is well");
    }
    fflush(stdout);
}

static void on_name(breaker_listing_t *l, const char *name)
{
    (void)l;
    printf("circuit: %s\n", name);
}

static void on_listed(breaker_listing_t *l, int status)
{
    (void)l;
    if (status < 0) {
        printf("no list: %s\n", breaker_strerror(status));
    }
    breaker_panel_destroy(panel, NULL); /* the storage is the program's, and goes after it */
}

/* Nothing here waits for Redis: it decides on what this process knows. */
static void one_call(uv_timer_t *timer)
{
    breaker_permit_t permit;

    if (breaker_try_acquire(orders, &permit) == 0) {
        breaker_report(orders, &permit, is_sick ? BREAKER_FAILURE : BREAKER_SUCCESS,
                       is_sick ? UV_ECONNREFUSED : 0);
    }
    if (--calls_left == 0) {
        uv_close((uv_handle_t *)timer, NULL);
        if (breaker_list(panel, &listing, on_name, on_listed) != 0) {
            breaker_panel_destroy(panel, NULL);
        }
    }
}

static int connect_to(const char *url)
{
    breaker_redis_options_t options;
    const char *wrong;

    breaker_redis_options_init(&options);
    options.prefix = "example:";
    if (breaker_redis_options_url(&options, url) != 0 ||
        breaker_redis_create(&redis, &options, &wrong) != 0) {
        fprintf(stderr, "no such Redis: %s\n", url);
        return 1;
    }
    return 0;
}

static int make_breaker(void)
{
    breaker_panel_options_t on_panel;
    breaker_options_t options;
    breaker_policy_t *policy;
    int status;

    breaker_panel_options_init(&on_panel);
    on_panel.storage = redis;
    breaker_options_init(&options);
    options.broken_time = 2000;
    if (breaker_panel_create(&panel, loop, &on_panel) != 0 ||
        breaker_policy_create(&policy, &options, NULL) != 0) {
        return 1;
    }
    status = breaker_create(&orders, panel, "orders", policy);
    breaker_policy_destroy(policy);
    listener.kinds = BREAKER_ON_STATE_CHANGE | BREAKER_ON_STORAGE_LOST | BREAKER_ON_STORAGE_FOUND;
    listener.notify = on_event;
    return status != 0 || breaker_panel_listen(panel, &listener) != 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: shared redis://HOST:PORT|unix:PATH [ok|sick] [SECONDS]\n");
        return 2;
    }
    is_sick = argc > 2 && strcmp(argv[2], "sick") == 0;
    if (argc > 3 && atoi(argv[3]) > 0) {
        calls_left = atoi(argv[3]) * 20;
    }
    loop = uv_default_loop();
    if (connect_to(argv[1]) != 0 || make_breaker() != 0) {
        return 1;
    }
    uv_timer_init(loop, &traffic);
    uv_timer_start(&traffic, one_call, 0, 50);
    uv_run(loop, UV_RUN_DEFAULT);
    return breaker_redis_destroy(redis) != 0 || uv_loop_close(loop) != 0;
}
