/* The calls of the simulation: how a process takes its turns, as lib/breaker.c and lib/shared.c do, and what the
 * dependency makes of a call. */
#include "check.h"
#include "sim_parts.h"

/* ---- Turns -------------------------------------------------------------------------------------*/

bool sim_in_full;

static bool admits_plainly(const struct proc *p, struct turn *turn)
{
    bool admits = native_admits_plainly(&p->local);

    if (!admits && !native_refuses_plainly(&p->local, turn->now))
        return false;
    turn->verdict = admits && p->fleet.current.state == BREAKER_PASSING ? 0 : BREAKER_EREJECTED;
    turn->permit = (breaker_permit_t){0, 0};
    if (turn->verdict == 0)
        turn->permit = (breaker_permit_t){p->local.epoch, turn->now};
    return true;
}

static bool settles_plainly(struct proc *p, struct turn *turn)
{
    if (turn->outcome != BREAKER_SUCCESS || p->fleet.current.state != BREAKER_PASSING ||
        !native_settles_plainly(&p->local, &p->rules, turn->permit.epoch, turn->now, false))
        return false;
    tally_count_plainly(&p->fleet.tally);
    turn->verdict = 0;
    return true;
}

static void take_turn(struct sim *sim, struct proc *p, const struct fleet_world *world,
                      struct turn *turn, struct fleet_news *news)
{
    if (!sim_in_full && fleet_mutant == 0 && fleet_is_plain(&p->fleet, turn->now) &&
        (turn->op == TURN_ADMIT ? admits_plainly(p, turn) : settles_plainly(p, turn)))
        sim->plain++;
    else
        fleet_step(&p->fleet, world, turn, news);
}

/* ---- Calls -------------------------------------------------------------------------------------*/

void call_next(struct sim *sim, struct proc *p, double rate)
{
    if (rate <= 0)
        return;
    sim_push(sim,
             (struct event){.date.time = sim->now + (uint64_t)(sim_exponential(sim, 1e6 / rate)),
                            .kind = CALL,
                            .proc = p->number,
                            .life = p->life,
                            .number = p->traffic});
}

void sim_rate(struct sim *sim, struct proc *p, double rate)
{
    p->rate = rate;
    p->traffic++;
    call_next(sim, p, rate);
}

static bool fails(struct sim *sim, const struct proc *p)
{
    double share = sim->failing != NULL ? sim->failing(sim, p) : 0;

    return sim_draw(sim) < (share > p->sick ? share : p->sick);
}

static void began(struct sim *sim, struct proc *p, struct turn *turn)
{
    bool fail = fails(sim, p);
    uint64_t takes = fail ? sim->bad_time : sim->good_time;

    p->admitted++;
    sim->calls++;
    sim->bad_calls += fail;
    p->let_through += fail;
    sim->beyond += sim->perfect_trip > 0;
    sim->began_broken += sim->stands.state == BREAKER_BROKEN;
    if (sim->has_hung && fail)
        takes = 3600 * SIM_S;
    sim_push(sim, (struct event){.date.time = sim->now + takes,
                                 .kind = RESULT,
                                 .proc = p->number,
                                 .life = p->life,
                                 .status = fail ? -110 : 0,
                                 .permit = turn->permit,
                                 .number = check_began(sim, p, turn)});
}

void sim_call(struct sim *sim, struct proc *p)
{
    struct fleet_news news = {.entered = false};
    struct fleet_world world = sim_world(sim, p);
    struct turn turn = {.op = TURN_ADMIT, .now = world.now, .draw = fleet_draw(&world)};

    check_asking(sim, p);
    take_turn(sim, p, &world, &turn, &news);
    check_asked(sim, p, &turn);
    p->last_call = sim->now;
    if (p->asked == 0)
        p->asked = sim->now;
    if (turn.verdict == 0) {
        began(sim, p, &turn);
    } else {
        p->refused++;
        sim->refused++;
    }
    net_done(sim, p, &news);
}

static void perfect(struct sim *sim, const struct proc *p, bool failed)
{
    const breaker_options_t *o = &p->rules.options;

    sim->seen_calls++;
    sim->seen_failed += failed;
    if (sim->perfect_trip == 0 && sim->seen_calls >= o->min_calls &&
        (double)sim->seen_failed >= o->error_ratio * (double)sim->seen_calls)
        sim->perfect_trip = sim->now;
}

void call_result(struct sim *sim, struct proc *p, const struct event *event)
{
    struct fleet_news news = {.entered = false};
    struct fleet_world world = sim_world(sim, p);
    bool failed = event->status != 0;
    struct turn turn = {.op = TURN_SETTLE,
                        .now = world.now,
                        .draw = fleet_draw(&world),
                        .permit = event->permit,
                        .outcome = failed ? BREAKER_FAILURE : BREAKER_SUCCESS,
                        .status = event->status};

    perfect(sim, p, failed);
    check_settling(sim, p, &turn, event->number);
    take_turn(sim, p, &world, &turn, &news);
    check_settled(sim, p, event->number);
    p->late += turn.verdict != 0;
    net_done(sim, p, &news);
}

void sim_order(struct sim *sim, struct proc *p, enum turn_op op, breaker_hold_t hold)
{
    struct fleet_news news = {.entered = false};
    struct fleet_world world = sim_world(sim, p);
    struct turn turn = {.op = (uint8_t)op, .hold = (uint8_t)hold, .now = world.now};

    fleet_step(&p->fleet, &world, &turn, &news);
    net_done(sim, p, &news);
}
