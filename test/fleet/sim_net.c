/* The network of the simulation: transactions and bells, which are lost and late by chance; and a process as
 * the driver of its own, as lib/mission.c is. */
#include "check.h"
#include "sim_parts.h"
#include <stdlib.h>
#include <string.h>

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

void net_let_go(struct sim *sim, struct op *op)
{
    if (--op->holders > 0)
        return;
    op->next = sim->free;
    sim->free = op;
}

static uint64_t net_one_way(struct sim *sim)
{
    return (uint64_t)((sim->net.base + sim_exponential(sim, sim->net.more)) * 1e3);
}

static void submit(struct sim *sim, struct proc *p, struct op *op)
{
    struct event event = {.proc = p->number, .life = p->life, .op = op};
    bool lost = p->is_cut || sim_draw(sim) < sim->net.lose_request;

    event.kind = DEADLINE;
    event.date.time = sim_when(sim, p, sim_loop_now(sim, p) + sim->patience);
    op->holders++;
    sim_push(sim, event);
    if (lost)
        return;
    event.kind = REQUEST;
    event.date.time = sim->now + net_one_way(sim);
    op->holders++;
    sim_push(sim, event);
}

static void count_op(struct sim *sim, const struct ask *ask, const struct proc *p)
{
    sim->syncs += ask->kind == ASK_SYNC;
    sim->leases += ask->kind == ASK_LEASE;
    sim->cas += ask->kind == ASK_CAS;
    sim->teaches += ask->kind == ASK_CAS && p->fleet.cas == FLEET_CAS_TEACH;
}

/* After anything that a process did: what it has to ask, and when it is to be woken. */
void net_tend(struct sim *sim, struct proc *p)
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
    net_let_go(sim, op);
    due = fleet_due(&p->fleet);
    if (due == UINT64_MAX)
        return;
    due = sim_when(sim, p, due);
    if (p->woken > sim->now && p->woken <= due)
        return;
    p->woken = due;
    sim_push(sim,
             (struct event){.date.time = due, .kind = WAKE, .proc = p->number, .life = p->life});
}

static void digest_proc(struct sim *sim, const struct proc *p)
{
    sim_note(sim, sim->now);
    sim_note(sim, p->number | (uint64_t)p->fleet.current.state << 8 |
                      (uint64_t)p->local.state << 10 | (uint64_t)p->fleet.current.nonce << 16);
}

/* The process did something: it is checked, noted, and goes on. */
void net_done(struct sim *sim, struct proc *p, const struct fleet_news *news)
{
    if (news->entered) {
        p->moves++;
        digest_proc(sim, p);
    }
    if (sim->told != NULL)
        sim->told(sim, p, news);
    check_proc(sim, p, news);
    net_tend(sim, p);
}

void net_hear(struct sim *sim, struct proc *p, struct op *op, int status)
{
    struct fleet_news news = {.entered = false};
    struct fleet_world world;

    if ((status == 0 || status == BREAKER_EGUARD))
        fleet_clock_hear(&p->clock, op->ask.went, sim_loop_now(sim, p), op->ask.transaction.wall);
    world = sim_world(sim, p);
    op->is_over = true;
    if (ask_hear(&op->ask, &p->fleet, &world, status, &news)) {
        struct op *again = take_op(sim, p);
        sim_wrong(sim, "a record was garbled");
        again->holders = 1;
        net_let_go(sim, again);
    }
    net_done(sim, p, &news);
}

/* ---- Bells -------------------------------------------------------------------------------------*/

void net_rang(void *data, const breaker_verb_t *verb)
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
            sim_push(sim, (struct event){.date.time = sim->now + net_one_way(sim),
                                         .kind = BELL,
                                         .proc = (uint16_t)i,
                                         .life = sim->procs[i].life,
                                         .number = (uint64_t)(uintptr_t)bell});
        }
    }
    if (bell->holders == 0)
        free(bell);
}

void net_hear_bell(struct sim *sim, struct proc *p, const struct bell *bell)
{
    struct fleet_news news = {.entered = false};
    struct fleet_world world = sim_world(sim, p);

    ask_bell(&p->fleet, &world, bell->value, bell->length, &news);
    net_done(sim, p, &news);
}

void net_carry_out(struct sim *sim, const struct event *event)
{
    struct op *op = event->op;
    struct proc *p = &sim->procs[event->proc];
    struct event reply = *event;

    sim->store.now = sim->now / 1000 + UINT64_C(1750000000000);
    op->status = store_run(&sim->store, &op->ask.transaction);
    if (p->is_cut || sim_draw(sim) < sim->net.lose_reply) {
        net_let_go(sim, op);
        return;
    }
    reply.kind = REPLY;
    reply.date.order = 0;
    reply.date.time = sim->now + net_one_way(sim);
    sim_push(sim, reply);
}
