/* Among the files of the simulation. */
#ifndef SIM_PARTS_H
#define SIM_PARTS_H

#include "sim.h"

enum event_kind { CALL, RESULT, WAKE, REQUEST, REPLY, DEADLINE, BELL, ACT };

/* sim.c */
void sim_push(struct sim *sim, struct event event);
double sim_exponential(struct sim *sim, double mean);
uint64_t sim_loop_now(const struct sim *sim, const struct proc *proc);
uint64_t sim_when(const struct sim *sim, const struct proc *proc, uint64_t loop); /* true time */

/* sim_net.c: what goes to the storage and comes back. */
struct bell {
    char value[BREAKER_VALUE_MAX];
    uint16_t length;
    unsigned holders;
};

void net_tend(struct sim *sim, struct proc *proc); /* asks what is due, and sees to the next time */
void net_done(struct sim *sim, struct proc *proc, const struct fleet_news *news);
void net_carry_out(struct sim *sim, const struct event *event);
void net_hear(struct sim *sim, struct proc *proc, struct op *op, int status);
void net_hear_bell(struct sim *sim, struct proc *proc, const struct bell *bell);
void net_let_go(struct sim *sim, struct op *op);
void net_rang(void *data, const breaker_verb_t *verb);

/* sim_calls.c */
void call_next(struct sim *sim, struct proc *proc, double rate);
void call_result(struct sim *sim, struct proc *proc, const struct event *event);

#endif /* SIM_PARTS_H */
