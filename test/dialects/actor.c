/* The smallest driver: it asks the shelf at once, and waits for nothing. */
#include "actor.h"
#include <stdlib.h>

static void *copy_rules(const struct dialect *dialect, const breaker_dialect_t *options)
{
    void *rules = malloc(dialect->rules_size(options));

    if (rules == NULL)
        abort();
    dialect->rules_make(rules, options);
    return rules;
}

void actor_enter(struct actor *actor, const breaker_dialect_t *options, const char *name, bool wire,
                 struct shelf *shelf, uint64_t now)
{
    memset(actor, 0, sizeof *actor);
    actor->dialect = dialect_find(options);
    actor->rules = copy_rules(actor->dialect, options);
    actor->circuit = malloc(actor->dialect->size(actor->rules, name));
    if (actor->circuit == NULL)
        abort();
    actor->shelf = shelf;
    actor->now = now;
    actor->dialect->init(actor->circuit, actor->rules, name, wire);
    if (!actor->dialect->is_local)
        actor_turn(actor, TURN_CREATE);
}

void actor_leave(struct actor *actor)
{
    free(actor->circuit);
    free(actor->rules);
}

void actor_exchange(struct actor *actor, const breaker_dialect_t *options)
{
    void *rules = copy_rules(actor->dialect, options);

    free(actor->rules);
    actor->rules = rules;
    if (actor->dialect->retune != NULL)
        actor->dialect->retune(actor->circuit, rules);
}

void actor_begin(struct actor *actor, enum turn_op op)
{
    struct turn *turn = &actor->turn;

    turn->op = (uint8_t)op;
    turn->now = actor->now;
    turn->draw = 0;
    turn->talk = NULL;
    if (actor->dialect->needs_draw != NULL &&
        actor->dialect->needs_draw(actor->circuit, actor->rules, turn))
        turn->draw = actor->draw;
    if (!actor->dialect->is_local)
        turn->talk = &actor->talk;
    talk_begin(&actor->talk, actor->now);
    actor->transactions = 0;
}

enum turn_next actor_step(struct actor *actor)
{
    actor->talk.wall = actor->now;
    return actor->dialect->step(actor->circuit, actor->rules, &actor->turn);
}

void actor_answer(struct actor *actor)
{
    breaker_transaction_t transaction = {.verbs = NULL};
    int status = actor->trouble;

    actor->transactions++;
    actor->shelf->now = actor->now;
    talk_offer(&actor->talk, &transaction);
    if (status == 0)
        status = shelf_run(actor->shelf, &transaction);
    talk_hear(&actor->talk, &transaction, status);
}

int actor_turn(struct actor *actor, enum turn_op op)
{
    enum turn_next next;

    actor_begin(actor, op);
    do {
        next = actor_step(actor);
        if (next != TURN_DONE)
            actor_answer(actor);
    } while (next == TURN_ASK);
    return actor->turn.verdict;
}

int actor_settle(struct actor *actor, breaker_outcome_t outcome, int status)
{
    actor->turn.outcome = (uint8_t)outcome;
    actor->turn.status = status;
    return actor_turn(actor, TURN_SETTLE);
}
