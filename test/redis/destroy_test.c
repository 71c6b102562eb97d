/* A breaker or its panel is destroyed inside each kind of callback, beside every kind of server: calls
 * and orders end once, nothing is called afterwards, and nothing is left on the loop. */
#include "hostile.h"
#include "rig.h"
#include <breaker.h>
#include <breaker/dialects.h>
#include <stdio.h>

enum what { BREAKER, PANEL, WHATS };
enum where { START, DONE, EVENT, ORDER, WHERES };
enum circuit { NATIVE, PYBREAKER, LASIER, REQUESTS, CIRCUITS };

static struct hostile hostile;

struct scene {
    uv_loop_t loop;
    uv_timer_t ticker;
    breaker_storage_t *storage;
    breaker_panel_t *panel;
    breaker_t *breaker; /* NULL: destroyed */
    breaker_listener_t listener;
    breaker_call_t call;
    breaker_order_t order;
    enum what what;
    enum where where;
    enum circuit circuit;
    unsigned ticks, begun, ended, ordered, obeyed, events_after;
    bool has_acted, calling, ordering, is_gone;
};

static void on_gone(void *data)
{
    ((struct scene *)data)->is_gone = true;
}

static void act(struct scene *s, enum where where)
{
    if (s->has_acted || s->where != where)
        return;
    s->has_acted = true;
    if (s->what == PANEL)
        assert_int_equal(breaker_panel_destroy(s->panel, on_gone), 0);
    else
        breaker_destroy(s->breaker);
    s->breaker = NULL;
}

/* ---- Callbacks */

static int on_start(breaker_call_t *call)
{
    struct scene *s = call->data;
    act(s, START);
    assert_int_equal(breaker_finish(call, 0), 0);
    return 0;
}

static void on_done(breaker_call_t *call, int status)
{
    struct scene *s = call->data;
    (void)status;
    s->calling = false;
    s->ended++;
    act(s, DONE);
}

static void on_obeyed(breaker_order_t *order, int status)
{
    struct scene *s = order->data;
    (void)status;
    s->ordering = false;
    s->obeyed++;
    act(s, ORDER);
}

static void on_event(breaker_listener_t *listener, const breaker_event_t *event)
{
    struct scene *s = listener->data;
    s->events_after += s->has_acted && (s->what == PANEL || event->breaker != NULL);
    act(s, EVENT);
}

static void on_tick(uv_timer_t *timer)
{
    struct scene *s = timer->data;
    if (!s->breaker)
        return;
    if (!s->calling) {
        s->calling = true;
        s->begun++;
        assert_int_equal(breaker_call(s->breaker, &s->call, on_start, on_done), 0);
    }
    if (!s->ordering && s->ticks++ % 4 == 3) {
        s->ordering = true;
        s->ordered++;
        assert_int_equal(
            (s->ordered % 2 ? breaker_trip : breaker_reset)(s->breaker, &s->order, on_obeyed), 0);
    }
}

/* ---- One of them */

/* The native circuit, or a dialect, whose every call converses with the server. */
static void make_breaker(struct scene *s)
{
    breaker_options_t options;
    breaker_pybreaker_t py;
    breaker_lasier_t lasier;
    breaker_requests_t requests;
    breaker_policy_t *policy;
    breaker_options_init(&options);
    breaker_pybreaker_init(&py);
    breaker_lasier_init(&lasier);
    breaker_requests_init(&requests);
    const breaker_dialect_t *dialects[CIRCUITS] = {
        [PYBREAKER] = &py.dialect, [LASIER] = &lasier.dialect, [REQUESTS] = &requests.dialect};
    options.broken_time = 1;
    options.dialect = dialects[s->circuit];
    assert_int_equal(breaker_policy_create(&policy, &options, NULL), 0);
    assert_int_equal(breaker_create(&s->breaker, s->panel, "name", policy), 0);
    breaker_policy_destroy(policy);
}

static void open_scene(struct scene *s)
{
    breaker_redis_options_t where;
    breaker_panel_options_t box;
    breaker_redis_options_init(&where);
    where.port = (unsigned)hostile.port;
    where.connect_timeout = where.transaction_timeout = 30;
    where.backoff_min = 2;
    where.backoff_max = 20;
    assert_int_equal(uv_loop_init(&s->loop), 0);
    assert_int_equal(breaker_redis_create(&s->storage, &where, NULL), 0);
    breaker_panel_options_init(&box);
    box.storage = s->storage;
    box.data = s;
    assert_int_equal(breaker_panel_create(&s->panel, &s->loop, &box), 0);
    make_breaker(s);
    s->listener = (breaker_listener_t){.kinds = BREAKER_ON_STATE_CHANGE | BREAKER_ON_STORAGE_LOST |
                                                BREAKER_ON_STORAGE_FOUND,
                                       .notify = on_event,
                                       .data = s};
    assert_int_equal(breaker_panel_listen(s->panel, &s->listener), 0);
    breaker_call_init(&s->call);
    s->call.data = s->order.data = s;
    uv_timer_init(&s->loop, &s->ticker);
    s->ticker.data = s;
    uv_timer_start(&s->ticker, on_tick, 1, 1);
}

static void run_until(struct scene *s, const bool *is_true)
{
    uint64_t until = uv_hrtime() + (uint64_t)RIG_PATIENCE_MS * 1000000;
    while (!*is_true) {
        if (uv_hrtime() > until)
            fail_msg("in vain: circuit %d what %d where %d mode %s", s->circuit, s->what, s->where,
                     hostile_name((enum hostile_mode)(int)hostile.mode));
        uv_run(&s->loop, UV_RUN_ONCE);
    }
}

static void destroyed_inside(enum circuit circuit, enum what what, enum where where)
{
    struct scene s = {.circuit = circuit, .what = what, .where = where};
    open_scene(&s);
    run_until(&s, &s.has_acted);
    for (int i = 0; i < 8; i++)
        uv_run(&s.loop, UV_RUN_ONCE);
    if (what == BREAKER)
        assert_int_equal(breaker_panel_destroy(s.panel, on_gone), 0);
    run_until(&s, &s.is_gone);
    assert_int_equal(breaker_redis_destroy(s.storage), 0);
    assert_int_equal(s.begun, s.ended);
    assert_int_equal(s.ordered, s.obeyed);
    assert_int_equal(s.events_after, 0);
    uv_close((uv_handle_t *)&s.ticker, NULL);
    uv_run(&s.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s.loop), 0);
}

static void beside_every_server(enum what what)
{
    for (int mode = HOSTILE_NOT; mode < HOSTILE_MODES; mode++)
        for (int where = START; where < WHERES; where++)
            for (int polite = -1; polite < 4; polite += 4) {
                hostile.polite = polite;
                hostile.mode = mode;
                destroyed_inside(NATIVE, what, (enum where)where);
            }
}

/* One dialect after the other, so that each meets a third of it all. */
static void in_other_languages(enum what what)
{
    int circuit = NATIVE;
    for (int mode = HOSTILE_NOT; mode < HOSTILE_MODES; mode++)
        for (int where = START; where < WHERES; where++) {
            circuit = circuit % (CIRCUITS - 1) + 1;
            hostile.polite = mode % 2 ? 3 : -1;
            hostile.mode = mode;
            destroyed_inside((enum circuit)circuit, what, (enum where)where);
        }
}

static void a_breaker(void **state)
{
    (void)state;
    beside_every_server(BREAKER);
}

static void a_panel(void **state)
{
    (void)state;
    beside_every_server(PANEL);
}

static void a_breaker_of_a_dialect(void **state)
{
    (void)state;
    in_other_languages(BREAKER);
}

static void a_panel_of_a_dialect(void **state)
{
    (void)state;
    in_other_languages(PANEL);
}

static int set_up(void **state)
{
    (void)state;
    hostile_start(&hostile);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hostile_end(&hostile);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_breaker),
        cmocka_unit_test(a_panel),
        cmocka_unit_test(a_breaker_of_a_dialect),
        cmocka_unit_test(a_panel_of_a_dialect),
    };
    return cmocka_run_group_tests_name("redis: destroyed inside", tests, set_up, tear_down);
}
