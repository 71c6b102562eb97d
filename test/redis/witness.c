/* Knows how a program uses a shared circuit: it asks, reports, and looks on. */
#include "witness.h"
#include "rig.h"

/* ---- Calls */

static breaker_outcome_t outcome_of(const struct witness *w)
{
    return w->fails ? BREAKER_FAILURE : BREAKER_SUCCESS;
}

static void count_turns(struct witness *w)
{
    unsigned turns = (unsigned)(w->turn - w->begun);
    if (turns > w->most_turns)
        w->most_turns = turns;
}

static int on_start(breaker_call_t *call)
{
    struct witness *w = call->data;
    count_turns(w);
    w->admitted++;
    assert_int_equal(breaker_finish_as(call, w->fails ? UV_ECONNREFUSED : 0, outcome_of(w)), 0);
    return 0;
}

static void on_done(breaker_call_t *call, int status)
{
    struct witness *w = call->data;
    if (w->closing && status == UV_ECANCELED)
        return;
    count_turns(w);
    assert_true(status == 0 || status == UV_ECONNREFUSED || status == BREAKER_EREJECTED);
    w->refused += status == BREAKER_EREJECTED;
    w->ended++;
    w->calling = false;
}

static void call(struct witness *w)
{
    breaker_permit_t permit;
    int status = breaker_try_acquire(w->breaker, &permit);
    assert_true(status == 0 || status == BREAKER_EREJECTED);
    w->asked++;
    w->admitted += status == 0;
    w->refused += status != 0;
    if (status == 0)
        breaker_report(w->breaker, &permit, outcome_of(w), w->fails ? UV_ECONNREFUSED : 0);
    if (w->calling)
        return;
    w->calling = true;
    w->begun = w->turn;
    assert_int_equal(breaker_call(w->breaker, &w->call, on_start, on_done), 0);
}

static void look(struct witness *w)
{
    breaker_snapshot_t seen;
    assert_int_equal(breaker_inspect(w->breaker, &seen), 0);
    w->epochs_fallen += seen.epoch < w->epoch;
    if (seen.epoch > w->epoch)
        w->epoch = seen.epoch;
}

static void on_tick(uv_timer_t *timer)
{
    struct witness *w = timer->data;
    uint64_t now = uv_hrtime() / 1000000;
    if (w->ticked && now - w->ticked > w->longest_gap)
        w->longest_gap = now - w->ticked;
    w->ticked = now;
    if (!w->silent)
        call(w);
    look(w);
}

static void on_turn(uv_prepare_t *prepare)
{
    ((struct witness *)prepare->data)->turn++;
}

/* ---- What it sees */

static void on_event(breaker_listener_t *listener, const breaker_event_t *event)
{
    struct witness *w = listener->data;
    w->lost += event->kind == BREAKER_ON_STORAGE_LOST;
    w->found += event->kind == BREAKER_ON_STORAGE_FOUND;
    if (event->kind != BREAKER_ON_STATE_CHANGE)
        return;
    w->last = event->to;
    w->moves++;
    w->elsewhere += event->elsewhere != 0;
}

breaker_state_t witness_state(const struct witness *w)
{
    breaker_snapshot_t seen;
    assert_int_equal(breaker_inspect(w->breaker, &seen), 0);
    return seen.state;
}

void witness_is_content(const struct witness *w)
{
    assert_true(w->asked > 0);
    assert_true(w->ended > 0);
    assert_int_equal(w->refused, 0);
    assert_in_range(w->most_turns, 0, WITNESS_TURNS);
    assert_int_equal(w->epochs_fallen, 0);
}

/* ---- Recovery */

/* What a circuit has counted, as it lies in Redis; -1: nobody says. */
static long long counted(const struct witness *w, struct server *server)
{
    static const char script[] =
        "local sum = 0 for _, key in ipairs(redis.call('KEYS', ARGV[1])) do "
        "local value = redis.pcall('GET', key) "
        "sum = sum + (type(value) == 'string' and tonumber(value) or 0) end return sum";
    redisReply *reply =
        server_try(server, "EVAL %s 0 %s%s%s%s", script, w->prefix, "{", w->name, "}:1:c:*");
    long long sum = reply && reply->type == REDIS_REPLY_INTEGER ? reply->integer : -1;
    freeReplyObject(reply);
    return sum;
}

uint64_t witness_recovery(const struct witness *w, uint64_t pause)
{
    breaker_options_t circuit;
    witness_circuit(&circuit);
    return pause + w->deadline + circuit.sync_interval + WITNESS_SLACK;
}

void witness_is_served(struct witness *w, struct server *server, uint64_t since, uint64_t pause)
{
    uint64_t limit = witness_recovery(w, pause),
             until = since + (limit + RIG_PATIENCE_MS) * 1000000;
    bool is_found = false;
    long long before = -1, now = -1;
    while (!is_found || before < 0 || now < 0 || now == before) {
        if (uv_hrtime() > until)
            fail_msg("%s: not served: lost %u, found %u, counted %lld and %lld", w->name, w->lost,
                     w->found, before, now);
        uv_run(w->loop, UV_RUN_ONCE);
        is_found |= w->found == w->lost;
        if (is_found)
            now = counted(w, server);
        if (is_found && before < 0)
            before = now;
    }
    if (uv_hrtime() - since > limit * 1000000)
        fail_msg("%s: served after %llu ms instead of %llu", w->name,
                 (unsigned long long)(uv_hrtime() - since) / 1000000, (unsigned long long)limit);
}

/* ---- Orders */

static void on_obeyed(breaker_order_t *order, int status)
{
    struct witness *w = order->data;
    (void)status;
    w->ordered = false;
}

static void await(struct witness *w)
{
    uint64_t until = uv_hrtime() + (uint64_t)RIG_PATIENCE_MS * 1000000;
    w->ordered = true;
    while (w->ordered) {
        assert_true(uv_hrtime() < until);
        uv_run(w->loop, UV_RUN_ONCE);
    }
}

void witness_trip(struct witness *w)
{
    assert_int_equal(breaker_trip(w->breaker, &w->order, on_obeyed), 0);
    await(w);
}

void witness_reset(struct witness *w)
{
    assert_int_equal(breaker_reset(w->breaker, &w->order, on_obeyed), 0);
    await(w);
}

/* ---- Life */

void witness_circuit(breaker_options_t *circuit)
{
    breaker_options_init(circuit);
    circuit->min_reporters = 1;
}

static void remember(struct witness *w, const breaker_redis_options_t *where)
{
    w->prefix = where->prefix ? where->prefix : "";
    w->pause = where->backoff_max;
    w->slow_pause = where->fault_retry + where->fault_retry / 8;
    w->deadline = where->connect_timeout > where->transaction_timeout ? where->connect_timeout
                                                                      : where->transaction_timeout;
}

void witness_open(struct witness *w, uv_loop_t *loop, const char *name,
                  const breaker_redis_options_t *where, const breaker_options_t *circuit,
                  const breaker_panel_options_t *panel)
{
    breaker_panel_options_t box;
    breaker_options_t usual;
    breaker_policy_t *policy;
    memset(w, 0, sizeof *w);
    w->loop = loop;
    w->name = name;
    remember(w, where);
    breaker_panel_options_init(&box);
    if (panel)
        box = *panel;
    witness_circuit(&usual);
    assert_int_equal(breaker_redis_create(&w->storage, where, NULL), 0);
    box.storage = w->storage;
    box.data = w;
    assert_int_equal(breaker_panel_create(&w->panel, loop, &box), 0);
    assert_int_equal(breaker_policy_create(&policy, circuit ? circuit : &usual, NULL), 0);
    assert_int_equal(breaker_create(&w->breaker, w->panel, name, policy), 0);
    breaker_policy_destroy(policy);
    w->listener = (breaker_listener_t){.kinds = BREAKER_ON_STATE_CHANGE | BREAKER_ON_STORAGE_LOST |
                                                BREAKER_ON_STORAGE_FOUND,
                                       .notify = on_event,
                                       .data = w};
    assert_int_equal(breaker_panel_listen(w->panel, &w->listener), 0);
    breaker_call_init(&w->call);
    w->call.data = w->order.data = w;
    uv_prepare_init(loop, &w->turner);
    uv_timer_init(loop, &w->ticker);
    w->turner.data = w->ticker.data = w;
    uv_prepare_start(&w->turner, on_turn);
    uv_timer_start(&w->ticker, on_tick, 1, 1);
}

static void on_gone(void *data)
{
    ((struct witness *)data)->closing--;
}

static void on_closed(uv_handle_t *handle)
{
    on_gone(handle->data);
}

void witness_close(struct witness *w)
{
    uint64_t until = uv_hrtime() + (uint64_t)RIG_PATIENCE_MS * 1000000;
    w->closing = 3;
    assert_int_equal(breaker_panel_destroy(w->panel, on_gone), 0);
    uv_close((uv_handle_t *)&w->ticker, on_closed);
    uv_close((uv_handle_t *)&w->turner, on_closed);
    while (w->closing) {
        assert_true(uv_hrtime() < until);
        uv_run(w->loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(breaker_redis_destroy(w->storage), 0);
    w->panel = NULL;
}
