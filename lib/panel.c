/* The loop. A drain runs the callbacks that wait. While some do, an idle handle is active, so that the poll
 * does not block, and drains before it; a check handle drains after it, and before that judges the
 * deadlines that are due, when what has already arrived was read. A timer wakes the loop for the next
 * deadline. The check handle keeps the loop alive while something is pending, and is stopped when there is
 * nothing to do. The end of it all is here too. */
#include "panel.h"
#include "memory.h"
#include "shared.h"
#include <string.h>

static uv_handle_t *handle(void *one)
{
    return one;
}

/* ---- Clock and chance --------------------------------------------------------------------------*/

bool panel_judges_real_time(const breaker_panel_t *panel)
{
    return panel->now == NULL;
}

uint64_t panel_fresh_now(breaker_panel_t *panel)
{
    if (!panel->is_fresh && panel->now == NULL)
        uv_update_time(panel->loop);
    panel->is_fresh = true;
    return panel_now(panel);
}

uint64_t panel_wall(const breaker_panel_t *panel)
{
    uv_timeval64_t now;

    if (panel->wall != NULL)
        return panel->wall(panel->data);
    uv_gettimeofday(&now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_usec / 1000;
}

/* splitmix64 (Steele, Lea, Flood 2014) */
double panel_draw(breaker_panel_t *panel)
{
    uint64_t x;

    if (panel->random != NULL)
        return panel->random(panel->data);
    x = panel->chance += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((x ^ (x >> 31)) >> 11) * 0x1p-53;
}

static int seed(breaker_panel_t *panel)
{
    return uv_random(NULL, NULL, &panel->chance, sizeof panel->chance, 0, NULL);
}

/* ---- What wakes it -----------------------------------------------------------------------------*/

static void on_idle(uv_idle_t *haste);
static void on_check(uv_check_t *check);
static void on_farewell(uv_handle_t *farewell);

/* Closing a handle of one's own is a way to be called by the loop, also when the host closed the rest. */
static void bid_farewell(breaker_panel_t *panel)
{
    if (panel->is_bidding)
        return;
    panel->is_bidding = true;
    uv_idle_init(panel->loop, &panel->farewell);
    panel->farewell.data = panel;
    uv_close(handle(&panel->farewell), on_farewell);
}

static void take_on(breaker_panel_t *panel, enum duty duty)
{
    if (panel->duty == duty || uv_is_closing(handle(&panel->check)))
        return;
    panel->duty = duty;
    if (duty == ALIVE)
        uv_ref(handle(&panel->check));
    else
        uv_unref(handle(&panel->check));
    if (duty == RESTING)
        uv_check_stop(&panel->check);
    else
        uv_check_start(&panel->check, on_check);
}

void panel_wake_up(breaker_panel_t *panel)
{
    if (panel->is_closing) {
        bid_farewell(panel); /* whatever the host closes now */
    } else if (!uv_is_closing(handle(&panel->haste))) {
        panel->is_awake = true;
        uv_idle_start(&panel->haste, on_idle);
        if (panel->duty == RESTING)
            take_on(panel, WORKING);
    }
}

static bool is_due(breaker_panel_t *panel)
{
    return wheel_next(&panel->wheel) <= panel_now(panel);
}

static void set_alarm(breaker_panel_t *panel);

/* A timer that sets itself with 0 would keep the loop in its timers. */
static void on_alarm(uv_timer_t *alarm)
{
    breaker_panel_t *panel = alarm->data;

    panel->alarm_at = UINT64_MAX;
    if (is_due(panel))
        panel_wake(panel);
    else
        set_alarm(panel);
}

static void set_alarm(breaker_panel_t *panel)
{
    uint64_t next = wheel_next(&panel->wheel), now;

    if (next >= panel->alarm_at || uv_is_closing(handle(&panel->alarm)))
        return;
    uv_update_time(panel->loop);
    now = panel_now(panel);
    uv_timer_start(&panel->alarm, on_alarm, next > now ? next - now : 1, 0);
    panel->alarm_at = next;
}

/* Alive while something is pending, and no longer; at work as long as there is anything to come. */
static void keep_alive(breaker_panel_t *panel)
{
    bool has_deadlines = !wheel_is_empty(&panel->wheel);

    if (has_deadlines && !panel->is_awake)
        set_alarm(panel);
    take_on(panel, panel->pending > 0                 ? ALIVE
                   : has_deadlines || panel->is_awake ? WORKING
                                                      : RESTING);
}

/* ---- After the poll phase ----------------------------------------------------------------------*/

static void judge(breaker_panel_t *panel)
{
    uint64_t now = panel_now(panel);
    struct breaker_due_s *due;

    while ((due = wheel_due(&panel->wheel, now)) != NULL)
        due->late(due);
}

static void leave(breaker_panel_t *panel);

/* Does anything wait for the next drain, or for the judge? What a shared circuit has sent holds no loop, but
 * one turn is due to it, in which it leaves the process. */
static bool has_work(breaker_panel_t *panel)
{
    return panel->starts.first != NULL || panel->endings.first != NULL ||
           panel->orders.first != NULL || panel->events.count > 0 || panel->events.missed_any ||
           listing_is_ready(panel) || turn_is_ready(panel) || is_due(panel) || panel->has_sent;
}

static void drain(breaker_panel_t *panel)
{
    panel->is_fresh = false;
    turn_serve(panel);
    call_run_starts(panel);
    call_run_endings(panel);
    if (panel->orders.first != NULL)
        order_run(panel);
    if (panel->listings != NULL)
        listing_run(panel);
    event_tell(panel);
    panel->is_awake = !panel->is_closing && has_work(panel);
    if (!panel->is_awake)
        uv_idle_stop(&panel->haste);
    if (panel->is_closing && panel->pending == 0 && door_close_all(panel))
        leave(panel);
    else
        keep_alive(panel);
}

static void on_idle(uv_idle_t *haste)
{
    breaker_panel_t *panel = haste->data;

    panel->has_sent = false;
    drain(panel);
}

static void on_check(uv_check_t *check)
{
    breaker_panel_t *panel = check->data;

    if (!wheel_is_empty(&panel->wheel))
        judge(panel);
    if (panel->is_awake)
        drain(panel);
    else
        keep_alive(panel);
}

/* ---- Life --------------------------------------------------------------------------------------*/

void breaker_panel_options_init_sized(breaker_panel_options_t *options, size_t size)
{
    breaker_panel_options_t defaults = {
        .size = size, .max_events = 256, .max_turns = 64, .storage_timeout = 500};

    if (options != NULL)
        memcpy(options, &defaults, size < sizeof defaults ? size : sizeof defaults);
}

enum { EVENTS_MAX = 65536, TURNS_MAX = 65536 };

static bool are_in_range(const breaker_panel_options_t *o)
{
    return o->size == sizeof *o && o->max_events >= 1 && o->max_events <= EVENTS_MAX &&
           o->max_turns >= 1 && o->max_turns <= TURNS_MAX && o->storage_timeout >= 1 &&
           o->storage_timeout <= BREAKER_TIME_MAX;
}

static void open_handles(breaker_panel_t *panel)
{
    uv_check_init(panel->loop, &panel->check);
    uv_idle_init(panel->loop, &panel->haste);
    uv_timer_init(panel->loop, &panel->alarm);
    uv_unref(handle(&panel->alarm));
    panel->check.data = panel->haste.data = panel->alarm.data = panel;
    panel->alarm_at = UINT64_MAX;
}

static void init(breaker_panel_t *panel, uv_loop_t *loop, const breaker_panel_options_t *options)
{
    panel->loop = loop;
    panel->now = options->now;
    panel->wall = options->wall;
    panel->random = options->random;
    panel->data = options->data;
    panel->max_obtained = options->max_obtained;
    panel->storage_timeout = options->storage_timeout;
    panel->turns.count = options->max_turns;
    panel->starts.last = &panel->starts.first;
    panel->endings.last = &panel->endings.first;
    panel->orders.last = &panel->orders.first;
    panel->turns.calls.last = &panel->turns.calls.first;
    panel->turns.orders.last = &panel->turns.orders.first;
    wheel_init(&panel->wheel, panel_now(panel));
    event_init(panel, options->max_events);
}

int breaker_panel_create(breaker_panel_t **panel, struct uv_loop_s *loop,
                         const breaker_panel_options_t *options)
{
    breaker_panel_options_t defaults;
    breaker_panel_t *made;
    int status;

    if (panel == NULL)
        return UV_EINVAL;
    *panel = NULL;
    breaker_panel_options_init(&defaults);
    if (options == NULL)
        options = &defaults;
    if (loop == NULL || !are_in_range(options))
        return UV_EINVAL;
    if ((made = memory_zeroed(sizeof *made)) == NULL)
        return UV_ENOMEM;
    if ((status = seed(made)) == 0)
        status = registry_init(made);
    init(made, loop, options);
    if (status == 0 && options->storage != NULL)
        status = door_open(made, &made->door, options->storage);
    if (status != 0) {
        memory_release(made);
        return status;
    }
    open_handles(made);
    *panel = made;
    return 0;
}

int breaker_panel_fork(breaker_panel_t *panel)
{
    int status;

    if (panel == NULL)
        return UV_EINVAL;
    if ((status = seed(panel)) == 0)
        shared_fork(panel);
    return status;
}

void *breaker_panel_data(const breaker_panel_t *panel)
{
    return panel == NULL ? NULL : panel->data;
}

struct uv_loop_s *breaker_panel_loop(const breaker_panel_t *panel)
{
    return panel == NULL ? NULL : panel->loop;
}

/* ---- The end -----------------------------------------------------------------------------------*/

int breaker_panel_destroy(breaker_panel_t *panel, breaker_panel_cb done)
{
    if (panel == NULL)
        return UV_EINVAL;
    if (panel->is_closing)
        return UV_EALREADY;
    panel->is_closing = true;
    panel->destroyed = done;
    order_abandon(panel, NULL);
    turn_abandon(panel, NULL);
    registry_destroy_all(panel);
    listing_abandon(panel);
    event_close(panel);
    panel->is_awake = false; /* the host may have closed what was to drain */
    panel_wake(panel);
    return 0;
}

static void close_handle(void *one)
{
    if (!uv_is_closing(one))
        uv_close(one, NULL);
}

/* Handles that the host closed may be closed in the same turn as farewell, and after it: farewell is bid
 * twice, and the second time comes after everything that was closed before the first. */
enum { FAREWELLS = 2 };

static void leave(breaker_panel_t *panel)
{
    panel->is_leaving = true;
    close_handle(&panel->check);
    close_handle(&panel->haste);
    close_handle(&panel->alarm);
    bid_farewell(panel);
}

static void end(breaker_panel_t *panel)
{
    breaker_panel_cb destroyed = panel->destroyed;
    void *data = panel->data;

    turn_free(panel);
    mission_free(panel);
    registry_free(panel);
    memory_release(panel);
    if (destroyed != NULL)
        destroyed(data);
}

static void on_farewell(uv_handle_t *farewell)
{
    breaker_panel_t *panel = farewell->data;

    panel->is_bidding = false;
    if (!panel->is_leaving)
        drain(panel);
    else if (++panel->farewells < FAREWELLS)
        bid_farewell(panel);
    else
        end(panel);
}
