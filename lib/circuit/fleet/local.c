/* How L begins afresh with each record that comes into force, and how it carries on what F was in where F
 * cannot: the storage is away, or an old record has lost its authority. Nobody else is told of it. */
#include "local.h"
#include "circuit/recovery.h"
#include "mutant.h"
#include <string.h>

void local_refresh(const struct fleet_world *w, uint8_t hold)
{
    struct native *l = w->local;
    uint64_t epoch = l->epoch;
    int error = l->last_error;

    native_init(l, l->cells, w->rules, w->now);
    l->epoch = epoch + 1;
    l->last_error = error;
    l->hold = hold;
}

void local_hold(const struct fleet_world *w, uint8_t hold)
{
    struct turn turn = {.op = TURN_HOLD, .now = w->now, .hold = hold};

    native_step(w->local, w->rules, &turn);
}

struct local_term local_term_of(const struct fleet *f)
{
    return (struct local_term){.began = f->began,
                               .ends = f->ends,
                               .epoch = f->oldest_permit,
                               .probes = f->probes,
                               .duration = f->current.duration,
                               .state = f->current.state,
                               .trips = f->current.trips};
}

/* Are the probes that F has under way L's from now on? They keep their places, and their results count. */
static bool inherits(const struct native *l, const struct local_term *t)
{
    return t->state == BREAKER_RECOVERING && l->state == BREAKER_PASSING && l->epoch == t->epoch;
}

void local_carry_on(const struct fleet_world *w, const struct local_term *t)
{
    struct native *l = w->local;
    uint64_t held = elapsed(t->began, w->now);
    bool inherited = inherits(l, t);

    memset(l->cells, 0, sizeof(breaker_counts_t));
    l->state = t->state;
    l->epoch += !inherited;
    l->consecutive = 0;
    l->trips = t->trips > 0 ? t->trips : 1;
    l->since = held < w->now ? w->now - held : 0;
    l->broken = t->state == BREAKER_BROKEN ? (uint32_t)elapsed(l->since, t->ends) : t->duration;
    recovery_begin(l, w->now);
    l->recovery.probes = inherited ? t->probes : 0;
}

void local_take_over(const struct fleet_world *w, const struct local_term *t)
{
    if (t->state != BREAKER_PASSING && !MUTANT(NO_LOCAL))
        local_carry_on(w, t);
}

void local_break(const struct fleet *f, const struct fleet_world *w)
{
    struct local_term t = local_term_of(f);

    if (t.duration == 0) /* it never broke: RECOVERING by order */
        t.duration = native_broken_time(w->rules, 1, fleet_draw(w));
    t.began = w->now;
    t.ends = w->now + t.duration;
    t.state = BREAKER_BROKEN;
    local_carry_on(w, &t);
}
