/* FLEET's invariants of real panels, as far as one step can break them. */
#include "panels_parts.h"
#include "shared.h"

static const struct fleet *fleet_of(const struct member *m)
{
    return &shared_of(m->breaker)->fleet;
}

void panels_check(struct panels *p, struct member *m)
{
    const struct fleet *f = fleet_of(m);
    const struct record *known = f->cas == FLEET_CAS_PROPOSE ? &f->base : &f->current;
    struct fleet_world world = {.rules = &m->breaker->policy->rules, .local = &m->breaker->circuit};

    if (!fleet_is_sound(f, &world) || !native_is_sound(world.local, world.rules))
        panels_wrong(p, "a circuit is unsound");
    if (record_compare(known, &m->committed) < 0 && p->store.losses == 0)
        panels_wrong(p, "N3: a panel went back to an older record");
    m->committed = *known;
    if (record_same(&m->held, &f->current))
        return;
    m->held = f->current;
    m->entered = panels_now(m);
    m->overdue = 0;
}

enum { SLACK = 1000 }; /* ms: a write under way, of unknown fate, again */

/* N4 */
void panels_check_refused(struct panels *p, struct member *m)
{
    const struct fleet *f = fleet_of(m);
    uint64_t limit = m->breaker->policy->rules.options.broken_limit, now = panels_now(m);

    if (f->is_away || f->current.state != BREAKER_BROKEN || !record_same(&m->held, &f->current) ||
        m->breaker->circuit.state != BREAKER_PASSING ||
        m->breaker->circuit.hold != BREAKER_HOLD_NONE ||
        now - m->entered <= (f->current.duration < limit ? f->current.duration : limit))
        return;
    if (m->overdue == 0)
        m->overdue = now;
    if (now - m->overdue > SLACK)
        panels_wrong(p, "N4: a panel is BROKEN for too long");
}
