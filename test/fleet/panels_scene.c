/* See panels_scene.h. */
#include "panels_scene.h"

struct panels all;
double share;
int answer;

static double failing(struct panels *p, const struct member *m)
{
    (void)p, (void)m;
    return share;
}

void join(unsigned count, double rate)
{
    for (unsigned i = 0; i < count; i++)
        panels_join(&all, rate);
    panels_run(&all, all.now + PANELS_S);
}

void open_some(unsigned count, double rate, const breaker_options_t *options)
{
    breaker_options_t usual;

    panels_options(&usual);
    panels_open(&all, 1, options != NULL ? options : &usual);
    all.failing = failing;
    share = 0;
    join(count, rate);
}

void close_all(void)
{
    panels_close(&all);
    assert_string_equal(all.wrong, "");
}

void pass(uint64_t time)
{
    for (uint64_t end = all.now + time; all.now < end; panels_run(&all, all.now + 1000))
        for (unsigned i = 0; i < all.count; i++)
            for (int j = 0; j < 3; j++)
                uv_run(&all.members[i].loop, UV_RUN_NOWAIT);
}

breaker_t *of(unsigned member)
{
    return all.members[member].breaker;
}

breaker_snapshot_t look(unsigned member)
{
    breaker_snapshot_t snapshot;

    assert_int_equal(breaker_inspect(of(member), &snapshot), 0);
    return snapshot;
}

void report(unsigned member, unsigned times, breaker_outcome_t outcome)
{
    for (; times > 0; times--) {
        breaker_permit_t permit;
        assert_int_equal(breaker_try_acquire(of(member), &permit), 0);
        assert_int_equal(breaker_report(of(member), &permit, outcome, -1), 0);
    }
}

breaker_order_t *order_of(unsigned member)
{
    all.members[member].order.data = &all.members[member];
    return &all.members[member].order;
}

void on_order(breaker_order_t *order, int status)
{
    struct member *m = order->data;

    m->ordered++;
    answer = status;
}
