/* The machinery of the simulation: events in the order of time, clocks, the life of processes. The network is
 * in sim_net.c, calls are in sim_calls.c, and what must hold after each step is in check.c. */
#include "check.h"
#include "sim_parts.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Chance, trace, errors ---------------------------------------------------------------------*/

double sim_draw(struct sim *sim)
{
    return chance_draw(&sim->chance);
}

double sim_exponential(struct sim *sim, double mean)
{
    return -log(1 - sim_draw(sim)) * mean;
}

void sim_note(struct sim *sim, uint64_t what)
{
    sim->digest = (sim->digest ^ what) * UINT64_C(1099511628211);
    sim->digest ^= sim->digest >> 29;
}

void sim_wrong(struct sim *sim, const char *format, ...)
{
    va_list list;
    int length;

    if (sim->wrong[0] != '\0')
        return;
    length = snprintf(sim->wrong, sizeof sim->wrong, "at %.3f s: ", (double)sim->now / 1e6);
    va_start(list, format);
    vsnprintf(sim->wrong + length, sizeof sim->wrong - (size_t)length, format, list);
    va_end(list);
}

/* ---- Events ------------------------------------------------------------------------------------*/

void sim_push(struct sim *sim, struct event event)
{
    if (event.date.order == 0)
        event.date.order = ++sim->order + (UINT64_C(1) << 62);
    calendar_push(&sim->calendar, &event);
}

void sim_at(struct sim *sim, uint64_t time, void (*act)(struct sim *sim, uint64_t number),
            uint64_t number)
{
    sim_push(sim, (struct event){.date.time = time, .kind = ACT, .act = act, .number = number});
}

/* ---- Clocks ------------------------------------------------------------------------------------*/

uint64_t sim_loop_now(const struct sim *sim, const struct proc *p)
{
    return p->base + (uint64_t)((double)sim->now / 1e3 * (1 + p->drift));
}

uint64_t sim_when(const struct sim *sim, const struct proc *p, uint64_t loop)
{
    uint64_t time;

    if (loop <= sim_loop_now(sim, p))
        return sim->now;
    time = (uint64_t)((double)(loop - p->base) * 1e3 / (1 + p->drift)) + 1;
    return time > sim->now ? time : sim->now;
}

struct fleet_world sim_world(struct sim *sim, struct proc *p)
{
    uint64_t now = sim_loop_now(sim, p);

    return (struct fleet_world){.rules = &p->rules,
                                .local = &p->local,
                                .name = "api",
                                .name_length = 3,
                                .now = now,
                                .wall = fleet_clock_wall(&p->clock, now),
                                .patience = (uint32_t)sim->patience,
                                .self = p->self,
                                .chance = &p->chance};
}

/* ---- Running -----------------------------------------------------------------------------------*/

static void on_wrote(void *data, const struct record *before, const struct record *after)
{
    struct sim *sim = data;

    sim->transitions++;
    if (record_compare(after, before) > 0 && after->state == BREAKER_BROKEN) {
        sim->trips++;
        if (sim->first_trip == 0)
            sim->first_trip = sim->now;
    }
    sim->stands = *after;
    check_record(sim, after);
    if (sim->wrote != NULL)
        sim->wrote(sim, after);
}

static void on_wrong(void *data, const char *what)
{
    sim_wrong(data, "%s", what);
}

/* What only frees memory, or is nobody's any more. */
static bool is_stale(struct sim *sim, const struct event *event)
{
    const struct proc *p = &sim->procs[event->proc];
    bool gone = !p->is_alive || p->life != event->life;

    if (event->kind == ACT || event->kind == REQUEST)
        return false;
    if (event->kind == REPLY || event->kind == DEADLINE) {
        gone = gone || event->op->is_over;
        if (gone)
            net_let_go(sim, event->op);
    } else if (event->kind == BELL && gone) {
        struct bell *bell = (struct bell *)(uintptr_t)event->number;
        if (--bell->holders == 0)
            free(bell);
    }
    return gone;
}

/* A process that stands still finds everything at once: first what has arrived, then what is late. */
static bool put_off(struct sim *sim, const struct event *event)
{
    struct proc *p = &sim->procs[event->proc];
    struct event later = *event;
    bool is_arrival = event->kind == REPLY || event->kind == BELL || event->kind == RESULT;

    if (event->kind == ACT || event->kind == REQUEST || sim->now >= p->stalled)
        return false;
    later.date.time = p->stalled;
    later.date.order = ++sim->order;
    if (is_arrival != MUTANT(DEADLINES_FIRST))
        later.date.order += UINT64_C(1) << 60;
    else
        later.date.order += UINT64_C(1) << 61;
    sim_push(sim, later);
    return true;
}

static void step(struct sim *sim, struct event *event)
{
    struct proc *p = &sim->procs[event->proc];
    struct bell *bell;

    switch (event->kind) {
    case CALL:
        if (event->number == p->traffic) {
            sim_call(sim, p);
            if (p->traffic == event->number)
                call_next(sim, p, p->rate);
        }
        break;
    case RESULT:
        call_result(sim, p, event);
        break;
    case WAKE:
        if (event->date.time == p->woken || sim->now >= p->woken)
            p->woken = 0;
        net_tend(sim, p);
        break;
    case REQUEST:
        net_carry_out(sim, event);
        break;
    case REPLY:
        net_hear(sim, p, event->op, event->op->status);
        net_let_go(sim, event->op);
        break;
    case DEADLINE:
        sim->timeouts++;
        net_hear(sim, p, event->op, -110);
        net_let_go(sim, event->op);
        break;
    case BELL:
        bell = (struct bell *)(uintptr_t)event->number;
        net_hear_bell(sim, p, bell);
        if (--bell->holders == 0)
            free(bell);
        break;
    default:
        event->act(sim, event->number);
    }
}

bool sim_is_cut_short(const struct sim *sim)
{
    return sim->steps_limit > 0 && sim->steps >= sim->steps_limit;
}

void sim_run(struct sim *sim, uint64_t until)
{
    const struct date *first;

    while ((first = calendar_first(&sim->calendar)) != NULL && first->time <= until &&
           sim->wrong[0] == '\0' && !sim_is_cut_short(sim)) {
        struct event event;
        calendar_pop(&sim->calendar, &event);
        sim->now = event.date.time;
        sim->store.now = sim->now / 1000 + UINT64_C(1750000000000);
        if (is_stale(sim, &event) || put_off(sim, &event))
            continue;
        sim->steps++;
        step(sim, &event);
    }
    if (sim->now < until)
        sim->now = until;
}

/* ---- Processes ---------------------------------------------------------------------------------*/

void sim_options(breaker_options_t *o)
{
    rules_defaults(o);
    o->min_calls = 10;
    o->broken_limit = 60000;
    o->recovery_min = 5;
}

static void wake_up(struct sim *sim, struct proc *p)
{
    struct fleet_world world;

    memset(&p->clock, 0, sizeof p->clock);
    p->chance = chance_next(&sim->chance);
    p->self = (uint32_t)chance_next(&sim->chance);
    p->base = 1000000 + chance_next(&sim->chance) % 100000000;
    p->drift = (sim_draw(sim) - 0.5) * 2e-4;
    p->is_alive = true;
    p->stalled = p->woken = p->asked = 0;
    memset(&p->held, 0, sizeof p->held);
    memset(&p->committed, 0, sizeof p->committed);
    native_init(&p->local, p->cells, &p->rules, sim_loop_now(sim, p));
    world = sim_world(sim, p);
    fleet_init(&p->fleet, &world);
    net_tend(sim, p);
    sim_rate(sim, p, p->rate);
}

struct proc *sim_join(struct sim *sim, const breaker_options_t *options, double rate)
{
    struct proc *p = &sim->procs[sim->count];

    if (sim->count == SIM_PROCS)
        abort();
    memset(p, 0, sizeof *p);
    p->number = (uint16_t)sim->count++;
    rules_make(&p->rules, options);
    p->rate = rate;
    wake_up(sim, p);
    return p;
}

struct proc *sim_join_many(struct sim *sim, unsigned count, double rate)
{
    struct proc *first = &sim->procs[sim->count];
    breaker_options_t options;

    sim_options(&options);
    for (; count > 0; count--)
        sim_join(sim, &options, rate);
    return first;
}

void sim_crash(struct sim *sim, struct proc *p)
{
    sim->trials_out -= p->out;
    p->out = 0;
    p->is_alive = false;
    p->life++;
}

void sim_restart(struct sim *sim, struct proc *p)
{
    sim->restarts++;
    sim_crash(sim, p);
    wake_up(sim, p);
}

void sim_stall(struct sim *sim, struct proc *p, uint64_t time)
{
    p->stalled = sim->now + time;
}

void sim_step_clock(struct sim *sim, int64_t ms)
{
    sim->clock_steps++;
    sim->store.step += ms;
}

breaker_state_t sim_state(const struct proc *p)
{
    return (breaker_state_t)p->fleet.current.state;
}

void sim_sums(struct sim *sim, struct proc *p, struct tally_sums *sums)
{
    struct fleet_world world = sim_world(sim, p);

    judge_sum(&p->fleet, &world, sums);
}

struct record sim_stands(struct sim *sim)
{
    const struct store_key *k = store_find(&sim->store, "{api}:1:r", 9);
    struct record record = {.reporters = 1};

    if (k != NULL)
        record_read(&record, k->value, k->value_length);
    return record;
}

void sim_ask_anew(struct sim *sim)
{
    for (unsigned i = 0; i < sim->count; i++)
        sim->procs[i].asked = 0;
}

bool sim_agree(struct sim *sim, uint64_t ago)
{
    struct record stands = sim_stands(sim);

    for (unsigned i = 0; i < sim->count; i++) {
        const struct fleet *f = &sim->procs[i].fleet;
        const struct record *known = f->cas == FLEET_CAS_PROPOSE ? &f->base : &f->current;
        if (sim->procs[i].is_alive && sim->procs[i].asked > 0 &&
            sim->procs[i].asked + ago <= sim->now && record_compare(known, &stands) != 0)
            return false;
    }
    return true;
}

bool sim_all(const struct sim *sim, breaker_state_t state)
{
    for (unsigned i = 0; i < sim->count; i++)
        if (sim->procs[i].is_alive && sim->procs[i].rate > 0 &&
            fleet_state(&sim->procs[i].fleet, &sim->procs[i].local) != state)
            return false;
    return true;
}

void sim_open(struct sim *sim, uint64_t seed)
{
    memset(sim, 0, sizeof *sim);
    sim->chance.state = seed * 1000003 + 17;
    sim->calendar.size = sizeof(struct event);
    sim->digest = UINT64_C(14695981039346656037);
    sim->procs = calloc(SIM_PROCS, sizeof *sim->procs);
    sim->truths = calloc(SIM_TRUTHS, sizeof *sim->truths);
    if (sim->procs == NULL || sim->truths == NULL)
        abort();
    sim->net = (struct net){.base = 0.5, .more = 1};
    sim->patience = 200;
    sim->good_time = 20 * SIM_MS;
    sim->bad_time = 5 * SIM_MS;
    sim->stands.reporters = 1;
    sim->store.data = sim;
    sim->store.wrote = on_wrote;
    sim->store.counted = check_counted;
    sim->store.rang = net_rang;
    sim->store.wrong = on_wrong;
    sim->store.now = UINT64_C(1750000000000);
}

void sim_close(struct sim *sim)
{
    while (calendar_first(&sim->calendar) != NULL) {
        struct event event;
        calendar_pop(&sim->calendar, &event);
        if (event.op != NULL) {
            net_let_go(sim, event.op);
        } else if (event.kind == BELL) {
            struct bell *bell = (struct bell *)(uintptr_t)event.number;
            if (--bell->holders == 0)
                free(bell);
        }
    }
    while (sim->free != NULL) {
        struct op *op = sim->free;
        sim->free = op->next;
        free(op);
    }
    store_close(&sim->store);
    calendar_free(&sim->calendar);
    free(sim->procs);
    free(sim->truths);
    free(sim->written);
}
