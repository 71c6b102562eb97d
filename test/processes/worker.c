/* One of the processes: calls the dependency at its rate through a breaker in Redis, does what it
 * is ordered, and writes down what it sees. It ends with the test. */
#include "workers.h"
#include <breaker/redis.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum { TICK = 5, PENDING_MAX = 64, BURST_MAX = 50 };
#define EARLY 0.2 /* the part of RECOVERING that is compared with the ramp */

struct pending {
    uv_timer_t timer;
    breaker_permit_t permit;
    bool is_taken, is_trial;
};

static struct crew *crew;
static struct worker *me;
static uv_loop_t loop;
static uv_timer_t ticker;
static breaker_panel_t *panel;
static breaker_t *breaker;
static breaker_listener_t listener;
static breaker_order_t order;
static struct pending pending[PENDING_MAX];
static breaker_options_t options;
static double owed; /* calls */
static uint64_t ticked;

static void check(int status)
{
    if (status != 0)
        _exit(3);
}

/* ---- Calls ------------------------------------------------------------------------------------*/

static void report(breaker_permit_t *permit)
{
    bool fails = crew->is_sick || me->is_sick || (unsigned)rand() % 100 < crew->failing;

    breaker_report(breaker, permit, fails ? BREAKER_FAILURE : BREAKER_SUCCESS,
                   fails ? UV_ECONNREFUSED : 0);
}

static void on_over(uv_timer_t *timer)
{
    struct pending *p = timer->data;

    p->is_taken = false;
    if (p->is_trial) {
        atomic_fetch_sub(&crew->trials, 1);
        me->trials--;
    }
    atomic_fetch_sub(&me->in_flight, 1);
    report(&p->permit);
}

static void note_trial(void)
{
    unsigned now = atomic_fetch_add(&crew->trials, 1) + 1, most = crew->most_trials;

    while (now > most && !atomic_compare_exchange_weak(&crew->most_trials, &most, now))
        continue;
    if (++me->trials > me->most_trials)
        me->most_trials = me->trials;
}

static struct pending *take(void)
{
    for (unsigned i = 0; i < PENDING_MAX; i++)
        if (!pending[i].is_taken)
            return &pending[i];
    return NULL;
}

/* What the ramp of RECOVERING wants of this call. */
static void expect(const breaker_snapshot_t *seen, bool admitted)
{
    uint64_t now = uv_now(&loop);
    double t = now > seen->since ? (double)(now - seen->since) / (double)options.recovery_time : 0;

    if (seen->state != BREAKER_RECOVERING || t >= EARLY)
        return;
    me->sample_expected += (unsigned)((exp2(t) - 1) * 1e6);
    me->sample_admitted += admitted;
}

static void call(void)
{
    struct pending *p = take();
    breaker_snapshot_t before, after;
    breaker_permit_t permit;
    bool admitted;

    if (p == NULL)
        return;
    breaker_inspect(breaker, &before);
    me->asked++;
    admitted = breaker_try_acquire(breaker, &permit) == 0;
    breaker_inspect(breaker, &after);
    if (before.state == BREAKER_RECOVERING)
        expect(&after, admitted);
    if (!admitted) {
        me->refused++;
        return;
    }
    me->admitted++;
    me->broken_admitted += before.state == BREAKER_BROKEN && after.state == BREAKER_BROKEN;
    atomic_fetch_add(&crew->calls, 1);
    if (me->takes == 0) {
        report(&permit);
        return;
    }
    p->permit = permit;
    p->is_taken = true;
    p->is_trial = after.state == BREAKER_RECOVERING;
    if (p->is_trial)
        note_trial();
    atomic_fetch_add(&me->in_flight, 1);
    uv_timer_start(&p->timer, on_over, me->takes, 0);
}

/* ---- Orders -----------------------------------------------------------------------------------*/

static void on_obeyed(breaker_order_t *obeyed, int status)
{
    (void)obeyed;
    me->order_status = status;
    me->order = ORDER_NONE;
}

static void obey(void)
{
    static bool is_given;
    int wanted = me->order;

    if (wanted == ORDER_NONE)
        is_given = false;
    if (wanted == ORDER_NONE || is_given)
        return;
    is_given = true;
    if (wanted == ORDER_RACE) {
        atomic_fetch_add(&crew->gate, 1);
        while (crew->gate < crew->count)
            usleep(100);
    }
    switch (wanted) {
    case ORDER_RACE:
    case ORDER_TRIP:
        check(breaker_trip(breaker, &order, on_obeyed));
        break;
    case ORDER_RECOVER:
        check(breaker_recover(breaker, &order, on_obeyed));
        break;
    case ORDER_RESET:
        check(breaker_reset(breaker, &order, on_obeyed));
        break;
    default:
        check(breaker_hold(breaker, (breaker_hold_t)me->hold, &order, on_obeyed));
    }
}

/* ---- What it sees -----------------------------------------------------------------------------*/

static void on_event(breaker_listener_t *l, const breaker_event_t *event)
{
    unsigned count = me->event_count;

    (void)l;
    if (event->kind == BREAKER_ON_STORAGE_LOST)
        me->lost++;
    else if (event->kind == BREAKER_ON_STORAGE_FOUND)
        me->found++;
    else if (event->kind == BREAKER_ON_STATE_CHANGE && count < WORKER_EVENTS) {
        me->events[count] = (struct told){event->from, event->to, event->elsewhere};
        me->event_count = count + 1;
    }
}

static void look(void)
{
    breaker_snapshot_t seen;

    breaker_inspect(breaker, &seen);
    me->state = (int)seen.state;
    me->held = (int)seen.hold;
}

static void tick(uv_timer_t *timer)
{
    uint64_t now = uv_hrtime();

    (void)timer;
    owed += (double)(now - ticked) / 1e9 * me->rate;
    ticked = now;
    if (owed > BURST_MAX) /* a machine that stood still */
        owed = BURST_MAX;
    for (; owed >= 1; owed--)
        call();
    obey();
    look();
}

void worker_live(struct crew *all, struct worker *worker, const char *path,
                 const breaker_options_t *wanted)
{
    breaker_redis_options_t where;
    breaker_panel_options_t box;
    breaker_storage_t *storage;
    breaker_policy_t *policy;

    crew = all;
    me = worker;
    options = *wanted;
    srand((unsigned)getpid());
    check(uv_loop_init(&loop));
    breaker_redis_options_init(&where);
    where.path = path;
    where.backoff_max = 200;
    check(breaker_redis_create(&storage, &where, NULL));
    breaker_panel_options_init(&box);
    box.storage = storage;
    check(breaker_panel_create(&panel, &loop, &box));
    check(breaker_policy_create(&policy, &options, NULL));
    check(breaker_create(&breaker, panel, "crew", policy));
    listener.kinds = BREAKER_ON_STATE_CHANGE | BREAKER_ON_STORAGE_LOST | BREAKER_ON_STORAGE_FOUND;
    listener.notify = on_event;
    check(breaker_panel_listen(panel, &listener));
    for (unsigned i = 0; i < PENDING_MAX; i++) {
        pending[i].timer.data = &pending[i];
        uv_timer_init(&loop, &pending[i].timer);
    }
    ticked = uv_hrtime();
    uv_timer_init(&loop, &ticker);
    uv_timer_start(&ticker, tick, TICK, TICK);
    me->is_up = true;
    uv_run(&loop, UV_RUN_DEFAULT);
    _exit(0);
}
