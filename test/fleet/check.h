/* What must hold in a fleet: FLEET's invariants, looked at by the simulation after each step. */
#ifndef CHECK_H
#define CHECK_H

#include "sim.h"

void check_record(struct sim *sim, const struct record *written);
void check_counted(void *sim, const char *key, uint16_t length, int64_t sum);

/* After anything that a process did. */
void check_proc(struct sim *sim, struct proc *proc, const struct fleet_news *news);

void check_asking(struct sim *sim, struct proc *proc);
void check_asked(struct sim *sim, struct proc *proc, const struct turn *turn);

/* A call was admitted; returns what is to be remembered of it until it is over. */
uint64_t check_began(struct sim *sim, struct proc *proc, const struct turn *turn);
void check_settling(struct sim *sim, struct proc *proc, const struct turn *turn,
                    uint64_t remembered);
void check_settled(struct sim *sim, struct proc *proc, uint64_t remembered);

#endif /* CHECK_H */
