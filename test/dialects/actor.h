/* One circuit with the least around it: rules, a shelf, a turn, and a driver that can be told that the
 * storage has trouble. */
#ifndef ACTOR_H
#define ACTOR_H

#include "circuit/dialects/dialect.h"
#include "shelf.h"

struct actor {
    const struct dialect *dialect;
    void *rules;
    void *circuit;
    struct shelf *shelf;

    uint64_t now; /* both clocks */
    double draw;  /* given to turns that want one */
    int trouble;  /* what the storage answers instead of doing anything; 0: nothing */

    struct turn turn;
    struct talk talk;
    unsigned transactions; /* submitted by the last turn */
};

/* Makes the circuit, and has its first turn. */
void actor_enter(struct actor *actor, const breaker_dialect_t *options, const char *name, bool wire,
                 struct shelf *shelf, uint64_t now);
void actor_leave(struct actor *actor);
void actor_exchange(struct actor *actor, const breaker_dialect_t *options);

/* A whole turn; its verdict. */
int actor_turn(struct actor *actor, enum turn_op op);

/* The same in pieces: begin, and step until TURN_DONE, with one actor_answer after each other answer. */
void actor_begin(struct actor *actor, enum turn_op op);
enum turn_next actor_step(struct actor *actor);
void actor_answer(struct actor *actor);

/* Settles by the permit that the turn holds. */
int actor_settle(struct actor *actor, breaker_outcome_t outcome, int status);

#endif /* ACTOR_H */
