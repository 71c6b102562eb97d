/* The machinery of the simulation: events in the order of time, the network, the processes as drivers of
 * the pure part, calls. What must hold after each step is in check.c. */
#include "sim.h"
#include "check.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum event_kind { CALL, RESULT, WAKE, REQUEST, REPLY, DEADLINE, BELL, ACT };

/* ---- Chance, trace, errors ---------------------------------------------------------------------*/

static uint64_t chance(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

double sim_draw(struct sim *sim)
{
    return (double)(chance(&sim->chance) >> 11) * 0x1p-53;
}

static double exponential(struct sim *sim, double mean)
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

static bool is_before(const struct event *a, const struct event *b)
{
    return a->time != b->time ? a->time < b->time : a->order < b->order;
}

static void push(struct sim *sim, struct event event)
{
    size_t i;

    if (event.order == 0)
        event.order = ++sim->order + (UINT64_C(1) << 62);
    if (sim->heap_count == sim->heap_room) {
        sim->heap_room = sim->heap_room * 2 + 64;
        sim->heap = realloc(sim->heap, sim->heap_room * sizeof *sim->heap);
        if (sim->heap == NULL)
            abort();
    }
    for (i = sim->heap_count++; i > 0 && is_before(&event, &sim->heap[(i - 1) / 2]);
         i = (i - 1) / 2)
        sim->heap[i] = sim->heap[(i - 1) / 2];
    sim->heap[i] = event;
}

static struct event pop(struct sim *sim)
{
    struct event first = sim->heap[0], last = sim->heap[--sim->heap_count];
    size_t i = 0, child;

    while ((child = 2 * i + 1) < sim->heap_count) {
        child += child + 1 < sim->heap_count && is_before(&sim->heap[child + 1], &sim->heap[child]);
        if (!is_before(&sim->heap[child], &last))
            break;
        sim->heap[i] = sim->heap[child];
        i = child;
    }
    sim->heap[i] = last;
    return first;
}

void sim_at(struct sim *sim, uint64_t time, void (*act)(struct sim *sim, uint64_t number),
            uint64_t number)
{
    push(sim, (struct event){.time = time, .kind = ACT, .act = act, .number = number});
}

/* ---- Clocks ------------------------------------------------------------------------------------*/

static uint64_t loop_now(const struct sim *sim, const struct proc *p)
{
    return p->base + (uint64_t)((double)sim->now / 1e3 * (1 + p->drift));
}

static uint64_t when(const struct sim *sim, const struct proc *p, uint64_t loop)
{
    uint64_t time;

    if (loop <= loop_now(sim, p))
        return sim->now;
    time = (uint64_t)((double)(loop - p->base) * 1e3 / (1 + p->drift)) + 1;
    return time > sim->now ? time : sim->now;
}

struct fleet_world sim_world(struct sim *sim, struct proc *p)
{
    uint64_t now = loop_now(sim, p);

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

/* ---- Transactions ------------------------------------------------------------------------------*/

static struct op *take_op(struct sim *sim, const struct proc *p)
{
    struct op *op = sim->free;

    if (op != NULL)
        sim->free = op->next;
    else if ((op = malloc(sizeof *op)) == NULL)
        abort();
    op->life = p->life;
    op->proc = p->number;
    op->holders = 0;
    op->is_over = false;
    return op;
}

static void let_go(struct sim *sim, struct op *op)
{
    if (--op->holders > 0)
        return;
    op->next = sim->free;
    sim->free = op;
}

static uint64_t one_way(struct sim *sim)
{
    return (uint64_t)((sim->net.base + exponential(sim, sim->net.more)) * 1e3);
}

static void submit(struct sim *sim, struct proc *p, struct op *op)
{
    struct event event = {.proc = p->number, .life = p->life, .op = op};
    bool lost = p->is_cut || sim_draw(sim) < sim->net.lose_request;

    event.kind = DEADLINE;
    event.time = when(sim, p, loop_now(sim, p) + sim->patience);
    op->holders++;
    push(sim, event);
    if (lost)
        return;
    event.kind = REQUEST;
    event.time = sim->now + one_way(sim);
    op->holders++;
    push(sim, event);
}

static void count_op(struct sim *sim, const struct ask *ask, const struct proc *p)
{
    sim->syncs += ask->kind == ASK_SYNC;
    sim->leases += ask->kind == ASK_LEASE;
    sim->cas += ask->kind == ASK_CAS;
    sim->teaches += ask->kind == ASK_CAS && p->fleet.cas == FLEET_CAS_TEACH;
}

/* After anything that a process did: what it has to ask, and when it is to be woken. */
static void tend(struct sim *sim, struct proc *p)
{
    struct fleet_world world = sim_world(sim, p);
    struct op *op = take_op(sim, p);
    uint64_t due;

    while (ask_make(&op->ask, &p->fleet, &world)) {
        count_op(sim, &op->ask, p);
        sim_note(sim, op->ask.kind + 16u * p->number);
        submit(sim, p, op);
        op = take_op(sim, p);
    }
    op->holders = 1;
    let_go(sim, op);
    due = fleet_due(&p->fleet);
    if (due == UINT64_MAX)
        return;
    due = when(sim, p, due);
    if (p->woken > sim->now && p->woken <= due)
        return;
    p->woken = due;
    push(sim, (struct event){.time = due, .kind = WAKE, .proc = p->number, .life = p->life});
}

static void digest_proc(struct sim *sim, const struct proc *p)
{
    sim_note(sim, sim->now);
    sim_note(sim, p->number | (uint64_t)p->fleet.current.state << 8 |
                      (uint64_t)p->local.state << 10 | (uint64_t)p->fleet.current.nonce << 16);
}

/* The process did something: it is checked, noted, and goes on. */
static void done(struct sim *sim, struct proc *p, const struct fleet_news *news)
{
    if (news->entered) {
        p->moves++;
        digest_proc(sim, p);
    }
    if (sim->told != NULL)
        sim->told(sim, p, news);
    check_proc(sim, p, news);
    tend(sim, p);
}

static void hear(struct sim *sim, struct proc *p, struct op *op, int status)
{
    struct fleet_news news = {.entered = false};
    struct fleet_world world;

    if ((status == 0 || status == BREAKER_EGUARD))
        fleet_clock_hear(&p->clock, op->ask.went, loop_now(sim, p), op->ask.transaction.wall);
    world = sim_world(sim, p);
    op->is_over = true;
    if (ask_hear(&op->ask, &p->fleet, &world, status, &news)) {
        struct op *again = take_op(sim, p);
        sim_wrong(sim, "a record was garbled");
        again->holders = 1;
        let_go(sim, again);
    }
    done(sim, p, &news);
}

/* ---- Bells -------------------------------------------------------------------------------------*/

struct bell {
    char value[BREAKER_VALUE_MAX];
    uint16_t length;
    unsigned holders;
};

static void on_rang(void *data, const breaker_verb_t *verb)
{
    struct sim *sim = data;
    struct bell *bell = calloc(1, sizeof *bell);

    if (bell == NULL)
        abort();
    memcpy(bell->value, verb->value, verb->length);
    bell->length = verb->length;
    for (unsigned i = 0; i < sim->count; i++) {
        unsigned times = 1 + (sim_draw(sim) < sim->net.double_bell);
        if (!sim->procs[i].is_alive || sim->procs[i].is_cut || sim->procs[i].is_deaf ||
            sim_draw(sim) < sim->net.lose_bell)
            continue;
        for (; times > 0; times--) {
            bell->holders++;
            push(sim, (struct event){.time = sim->now + one_way(sim),
                                     .kind = BELL,
                                     .proc = (uint16_t)i,
                                     .life = sim->procs[i].life,
                                     .number = (uint64_t)(uintptr_t)bell});
        }
    }
    if (bell->holders == 0)
        free(bell);
}

static void hear_bell(struct sim *sim, struct proc *p, const struct bell *bell)
{
    struct fleet_news news = {.entered = false};
    struct fleet_world world = sim_world(sim, p);

    ask_bell(&p->fleet, &world, bell->value, bell->length, &news);
    done(sim, p, &news);
}

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

static void next_call(struct sim *sim, struct proc *p, double rate)
{
    if (rate <= 0)
        return;
    push(sim, (struct event){.time = sim->now + (uint64_t)(exponential(sim, 1e6 / rate)),
                             .kind = CALL,
                             .proc = p->number,
                             .life = p->life,
                             .number = p->traffic});
}

void sim_rate(struct sim *sim, struct proc *p, double rate)
{
    p->rate = rate;
    p->traffic++;
    next_call(sim, p, rate);
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
    push(sim, (struct event){.time = sim->now + takes,
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
    done(sim, p, &news);
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

static void result(struct sim *sim, struct proc *p, const struct event *event)
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
    done(sim, p, &news);
}

void sim_order(struct sim *sim, struct proc *p, enum turn_op op, breaker_hold_t hold)
{
    struct fleet_news news = {.entered = false};
    struct fleet_world world = sim_world(sim, p);
    struct turn turn = {.op = (uint8_t)op, .hold = (uint8_t)hold, .now = world.now};

    fleet_step(&p->fleet, &world, &turn, &news);
    done(sim, p, &news);
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

static void carry_out(struct sim *sim, const struct event *event)
{
    struct op *op = event->op;
    struct proc *p = &sim->procs[event->proc];
    struct event reply = *event;

    sim->store.now = sim->now / 1000 + UINT64_C(1750000000000);
    op->status = store_run(&sim->store, &op->ask.transaction);
    if (p->is_cut || sim_draw(sim) < sim->net.lose_reply) {
        let_go(sim, op);
        return;
    }
    reply.kind = REPLY;
    reply.order = 0;
    reply.time = sim->now + one_way(sim);
    push(sim, reply);
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
            let_go(sim, event->op);
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
    later.time = p->stalled;
    later.order = ++sim->order;
    if (is_arrival != MUTANT(26))
        later.order += UINT64_C(1) << 60;
    else
        later.order += UINT64_C(1) << 61;
    push(sim, later);
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
                next_call(sim, p, p->rate);
        }
        break;
    case RESULT:
        result(sim, p, event);
        break;
    case WAKE:
        if (event->time == p->woken || sim->now >= p->woken)
            p->woken = 0;
        tend(sim, p);
        break;
    case REQUEST:
        carry_out(sim, event);
        break;
    case REPLY:
        hear(sim, p, event->op, event->op->status);
        let_go(sim, event->op);
        break;
    case DEADLINE:
        sim->timeouts++;
        hear(sim, p, event->op, -110);
        let_go(sim, event->op);
        break;
    case BELL:
        bell = (struct bell *)(uintptr_t)event->number;
        hear_bell(sim, p, bell);
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
    while (sim->heap_count > 0 && sim->heap[0].time <= until && sim->wrong[0] == '\0' &&
           !sim_is_cut_short(sim)) {
        struct event event = pop(sim);
        sim->now = event.time;
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
    p->chance = chance(&sim->chance);
    p->self = (uint32_t)chance(&sim->chance);
    p->base = 1000000 + chance(&sim->chance) % 100000000;
    p->drift = (sim_draw(sim) - 0.5) * 2e-4;
    p->is_alive = true;
    p->stalled = p->woken = p->asked = 0;
    memset(&p->held, 0, sizeof p->held);
    memset(&p->committed, 0, sizeof p->committed);
    native_init(&p->local, p->cells, &p->rules, loop_now(sim, p));
    world = sim_world(sim, p);
    fleet_init(&p->fleet, &world);
    tend(sim, p);
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
    sim->chance = seed * 1000003 + 17;
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
    sim->store.rang = on_rang;
    sim->store.wrong = on_wrong;
    sim->store.now = UINT64_C(1750000000000);
}

void sim_close(struct sim *sim)
{
    while (sim->heap_count > 0) {
        struct event event = pop(sim);
        if (event.op != NULL) {
            let_go(sim, event.op);
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
    free(sim->heap);
    free(sim->procs);
    free(sim->truths);
    free(sim->written);
}
