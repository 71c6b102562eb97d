/* How orders wait, are offered, and end: by standing in the storage, or told that they do not. A state that
 * was ordered long ago was for another day; a hold stays until another is ordered, here or elsewhere. */
#include "obey.h"
#include "replica.h"

enum { TRIES = 8 };

void obey_forget(struct fleet *f)
{
    f->order = (struct fleet_order){.op = TURN_ADMIT};
}

/* op: what is not in force here yet. */
static void offer(struct fleet *f, const struct fleet_world *w, uint8_t op, struct fleet_news *news)
{
    f->order.is_offered = replica_order(f, w, op, &f->order, news);
}

static bool is_outdated(const struct fleet *f, const struct fleet_world *w)
{
    return f->order.op != TURN_ADMIT && elapsed(f->order.given, w->now) >= FLEET_CONTACT;
}

void obey(struct fleet *f, const struct fleet_world *w, struct fleet_news *news)
{
    if (f->is_away || f->order.is_offered)
        return;
    if (is_outdated(f, w)) {
        f->order.op = TURN_ADMIT;
        news->unheard = true;
    }
    if (obey_waits(f))
        offer(f, w, f->order.op, news);
}

static void take(struct fleet_order *order, const struct fleet_world *w, const struct turn *turn)
{
    if (turn->op == TURN_HOLD) {
        order->holds = true;
        order->hold = turn->hold;
        order->held = w->now;
    } else {
        order->op = turn->op;
        order->given = w->now;
        order->duration = (uint32_t)turn->duration;
    }
    order->tries = 0;
}

void obey_order(struct fleet *f, const struct fleet_world *w, struct turn *turn,
                struct fleet_news *news)
{
    bool only_holds = turn->op == TURN_HOLD && (f->order.is_offered || f->order.op == TURN_ADMIT);

    turn->verdict = 0;
    if (turn->op == TURN_HOLD && turn->hold == f->current.hold && !obey_waits(f) && !f->is_away) {
        news->obeyed = true;
        return;
    }
    take(&f->order, w, turn);
    f->order.is_offered = false;
    if (!f->is_away)
        offer(f, w, only_holds ? TURN_HOLD : f->order.op, news);
    if (f->order.is_offered)
        return;
    native_step(w->local, w->rules, turn); /* L obeys until F can */
    fleet_sync_by(f, w->now);
}

void obey_committed(struct fleet *f, struct fleet_news *news)
{
    if (!f->order.is_offered)
        return;
    obey_forget(f);
    news->obeyed = true;
}

void obey_lost(struct fleet *f, struct fleet_news *news)
{
    if (!f->order.is_offered)
        return;
    f->order.is_offered = false;
    if (++f->order.tries < TRIES)
        return;
    obey_forget(f);
    news->unheard = true;
}

void obey_other_hold(struct fleet *f, const struct fleet_world *w, const struct record *r,
                     struct fleet_news *news)
{
    uint64_t age = elapsed(r->epoch, w->wall); /* an epoch is when it was written, or later */

    if (!f->order.holds || r->hold == f->current.hold || age >= elapsed(f->order.held, w->now))
        return;
    f->order.holds = f->order.is_offered = false;
    news->unheard = true;
}

void obey_outdone(struct fleet *f, struct fleet_news *news)
{
    if (!f->order.is_offered || f->order.op == TURN_ADMIT)
        return;
    f->order.op = TURN_ADMIT;
    f->order.is_offered = f->order.holds; /* that goes on in the next record */
    news->unheard = true;
}
