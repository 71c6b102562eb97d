/* The rows of a circuit that is shared through Redis: what a call costs, how much the server is asked,
 * and how soon a trip is known elsewhere. Each row starts a server of its own and ends it. */
#include "bench.h"
#include "redis_server.h"

#include <math.h>
#include <string.h>

enum { SIZE = 64, SYNC = 10 };

/* ---- What a call costs -------------------------------------------------------------------------*/

struct round_of {
    struct batch batch;
    uint64_t times;
};

static double run_round(void *data)
{
    struct round_of *round = data;
    uint64_t from = measure_cpu();

    batch_run(&round->batch, round->times);
    return (double)(measure_cpu() - from) / (double)round->times;
}

static breaker_storage_t *kept_storage(uv_loop_t *loop, void *kept)
{
    return *(breaker_storage_t **)kept = redis_storage(loop, NULL);
}

/* Turns of the loop that a call takes more than without a storage, while that answers nobody. */
static double awaited(struct batch *ours, struct batch *alone)
{
    double more;

    redis_server_pause();
    more = batch_turns(ours) - batch_turns(alone);
    redis_server_go_on();
    return more;
}

/* round_trips: those that a call waits for. May be NULL. */
static struct pairing measure_calls(const struct effort *effort, double *round_trips)
{
    struct round_of ours, alone;
    breaker_policy_t *policy = batch_policy();
    breaker_storage_t *storage = NULL;
    struct pairing pairing;

    redis_server_start();
    batch_open_on(&ours.batch, policy, SIZE, kept_storage, &storage);
    batch_open(&alone.batch, policy, SIZE);
    ours.times = alone.times = effort->quick ? 6400 : 1000000;
    pairing = measure_interleaved(effort->quick ? 5 : 21, run_round, &ours, run_round, &alone);
    if (round_trips != NULL) {
        *round_trips = awaited(&ours.batch, &alone.batch);
    }
    batch_close(&ours.batch);
    batch_close(&alone.batch);
    redis_storage_drop(storage);
    breaker_policy_destroy(policy);
    redis_server_stop();
    return pairing;
}

void redis_call(const struct effort *effort, struct row *row)
{
    double round_trips;
    struct pairing pairing = measure_calls(effort, &round_trips);

    row_pairing(row, &pairing);
    row_extra_at_most(row, "awaited_round_trips", round_trips, 0);
}

void redis_calls_per_s(const struct effort *effort, struct row *row)
{
    row->value = 1e9 / measure_calls(effort, NULL).value;
}

/* ---- How much the server is asked --------------------------------------------------------------*/

struct steady {
    uv_loop_t loop;
    breaker_panel_t *panel;
    breaker_storage_t *storage;
    breaker_t *breaker;
    uv_timer_t pace, end;
    double rate;    /* calls a second, on the average */
    double failing; /* the share of them */
    uint64_t calls;
    uint64_t chance;
};

static double draw(struct steady *steady)
{
    steady->chance = steady->chance * 6364136223846793005 + 1442695040888963407;
    return ((double)(steady->chance >> 11) + 0.5) * 0x1p-53;
}

/* Arrivals by chance: a gap in ms. */
static uint64_t gap(struct steady *steady)
{
    return (uint64_t)(-1000 / steady->rate * log(draw(steady)));
}

static void on_pace(uv_timer_t *pace)
{
    struct steady *steady = pace->data;
    breaker_permit_t permit;

    steady->calls++;
    if (breaker_try_acquire(steady->breaker, &permit) == 0) {
        bool fails = draw(steady) < steady->failing;
        breaker_report(steady->breaker, &permit, fails ? BREAKER_FAILURE : BREAKER_SUCCESS, 0);
    }
    uv_timer_start(pace, on_pace, gap(steady), 0);
}

static void on_end(uv_timer_t *end)
{
    uv_stop(end->loop);
}

/* So many ms of the loop, with calls or none; the server's counts are of this time. */
static struct redis_counts live(struct steady *steady, uint64_t ms, bool calls)
{
    steady->calls = 0;
    redis_counted();
    if (calls) {
        uv_timer_start(&steady->pace, on_pace, 1, 0);
    }
    uv_timer_start(&steady->end, on_end, ms, 0);
    uv_run(&steady->loop, UV_RUN_DEFAULT);
    uv_timer_stop(&steady->pace);
    return redis_counted();
}

static void steady_open(struct steady *steady)
{
    breaker_panel_options_t panel;
    breaker_options_t options;
    breaker_policy_t *policy;

    memset(steady, 0, sizeof *steady);
    steady->rate = 200;
    measure_check("uv_loop_init", uv_loop_init(&steady->loop));
    breaker_panel_options_init(&panel);
    panel.storage = steady->storage = redis_storage(&steady->loop, NULL);
    measure_check("breaker_panel_create",
                  breaker_panel_create(&steady->panel, &steady->loop, &panel));
    breaker_options_init(&options);
    options.sync_interval = SYNC;
    options.broken_time = 3600000;
    options.error_ratio = 0.9;
    measure_check("breaker_policy_create", breaker_policy_create(&policy, &options, NULL));
    measure_check("breaker_create",
                  breaker_create(&steady->breaker, steady->panel, "upstream", policy));
    breaker_policy_destroy(policy);
    uv_timer_init(&steady->loop, &steady->pace);
    uv_timer_init(&steady->loop, &steady->end);
    steady->pace.data = steady;
}

static void steady_close(struct steady *steady)
{
    uv_close((uv_handle_t *)&steady->pace, NULL);
    uv_close((uv_handle_t *)&steady->end, NULL);
    panel_close(steady->panel, &steady->loop);
    redis_storage_drop(steady->storage);
}

/* Where calls are rarer than exchanges, or fail and are told at once. One transaction may be of a call that
 * was counted before, or after. */
static void never_over_one(struct steady *steady, struct row *row, const char *name, uint64_t ms,
                           double failing)
{
    struct redis_counts counts;
    double calls;

    steady->rate = 20;
    steady->failing = failing;
    counts = live(steady, ms, true);
    calls = (double)steady->calls;
    row_extra_at_most(row, name, counts.transactions / calls, 1 + 1 / calls);
}

/* The limit: the first result after an exchange waits for sync_interval, and takes those along that come
 * meanwhile: 1 + calls/s x sync_interval of them, on the average. */
void redis_transactions(const struct effort *effort, struct row *row)
{
    uint64_t ms = effort->quick ? 200 : 10000;
    struct steady steady;
    struct redis_counts counts;
    double rate;

    redis_server_start();
    steady_open(&steady);
    live(&steady, 200, true); /* settled: the script is known, the first record read */
    counts = live(&steady, ms, true);
    rate = (double)steady.calls * 1000 / (double)ms;
    row->value = counts.transactions / (double)steady.calls;
    row->limit = 1 / (1 + rate * SYNC / 1000);
    row->ratio = row->value / row->limit;
    row_extra(row, "calls_per_s", rate);
    row_extra_at_most(row, "inner_commands", counts.inner / counts.transactions, 8);
    never_over_one(&steady, row, "rare", ms, 0);
    never_over_one(&steady, row, "rare_failing", ms, 0.25);
    live(&steady, 100, false);
    row_extra_at_most(row, "idle", live(&steady, ms, false).transactions, 0);
    measure_check("breaker_trip", breaker_trip(steady.breaker, NULL, NULL));
    live(&steady, 200, true);
    row_extra_at_most(row, "refusing_per_s",
                      live(&steady, ms, true).transactions * 1000 / (double)ms,
                      1 + 1000 / (double)ms); /* the first one counts for no second */
    steady_close(&steady);
    redis_server_stop();
}

/* ---- How soon a trip is known elsewhere --------------------------------------------------------*/

struct couple {
    uv_loop_t loop;
    breaker_panel_t *panels[2];
    breaker_storage_t *storages[2];
    breaker_t *breakers[2];
    uv_idle_t awake; /* a loop with nothing alive does not turn */
};

static void on_awake(uv_idle_t *awake)
{
    (void)awake;
}

static void couple_open(struct couple *couple)
{
    breaker_policy_t *policy = batch_policy();
    breaker_panel_options_t panel;

    measure_check("uv_loop_init", uv_loop_init(&couple->loop));
    for (int i = 0; i < 2; i++) {
        breaker_panel_options_init(&panel);
        panel.storage = couple->storages[i] = redis_storage(&couple->loop, NULL);
        measure_check("breaker_panel_create",
                      breaker_panel_create(&couple->panels[i], &couple->loop, &panel));
        measure_check("breaker_create",
                      breaker_create(&couple->breakers[i], couple->panels[i], "upstream", policy));
    }
    breaker_policy_destroy(policy);
    uv_idle_init(&couple->loop, &couple->awake);
    uv_idle_start(&couple->awake, on_awake);
}

static void couple_close(struct couple *couple)
{
    uv_close((uv_handle_t *)&couple->awake, NULL);
    breaker_panel_destroy(couple->panels[0], NULL);
    panel_close(couple->panels[1], &couple->loop);
    for (int i = 0; i < 2; i++) {
        redis_storage_drop(couple->storages[i]);
    }
}

static bool admits(breaker_t *breaker)
{
    breaker_permit_t permit;

    if (breaker_try_acquire(breaker, &permit) != 0) {
        return false;
    }
    breaker_report(breaker, &permit, BREAKER_CANCELLED, 0);
    return true;
}

/* Turns the loop until the other one admits, or refuses; in us. */
static double until(struct couple *couple, bool admitted)
{
    uint64_t from = uv_hrtime(), now = from;

    while (admits(couple->breakers[1]) != admitted) {
        uv_run(&couple->loop, UV_RUN_NOWAIT);
        now = uv_hrtime();
        if (now - from > UINT64_C(10000000000)) {
            measure_fail("a trip was not seen within 10 s", UV_ETIMEDOUT);
        }
    }
    return (double)(now - from) / 1000;
}

static void measure_trips(const struct effort *effort, double *times, unsigned count)
{
    struct couple couple;

    (void)effort;
    redis_server_start();
    couple_open(&couple);
    for (uint64_t from = uv_hrtime(); uv_hrtime() - from < 300000000;) {
        uv_run(&couple.loop, UV_RUN_NOWAIT); /* connected, and listening */
    }
    for (unsigned i = 0; i < count; i++) {
        measure_check("breaker_trip", breaker_trip(couple.breakers[0], NULL, NULL));
        times[i] = until(&couple, false);
        measure_check("breaker_reset", breaker_reset(couple.breakers[0], NULL, NULL));
        until(&couple, true);
    }
    couple_close(&couple);
    redis_server_stop();
}

#define TRIPS_MAX 1000

static double trip_percentile(const struct effort *effort, unsigned percent)
{
    static double times[TRIPS_MAX];
    unsigned count = effort->quick ? 20 : TRIPS_MAX;

    measure_trips(effort, times, count);
    measure_median(times, count); /* sorts them */
    return times[count * percent / 100];
}

void redis_trip_p50(const struct effort *effort, struct row *row)
{
    row->value = trip_percentile(effort, 50);
}

void redis_trip_p99(const struct effort *effort, struct row *row)
{
    row->value = trip_percentile(effort, 99);
}
