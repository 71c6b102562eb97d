/* One operation under way on a circuit: what is asked, and what came of it.
 *
 * A circuit is a pure function step(circuit, rules, turn): it asks nobody for the time or for chance,
 * allocates nothing and calls nothing. It answers TURN_DONE, TURN_ASK ("run these verbs as one
 * transaction on the storage, and call me again") or TURN_WRITE ("run them, then it is done"). Local
 * circuits are always done at once, and their turns have no talk; the others converse with a storage
 * through turn->talk.
 */
#ifndef CIRCUIT_TURN_H
#define CIRCUIT_TURN_H

#include <breaker.h>
#include <breaker/storage.h>
#include <stdbool.h>

enum turn_op {
    TURN_ADMIT,  /* may one call be made? in: now, draw. out: verdict, permit */
    TURN_SETTLE, /* how it went. in: now, draw, permit, outcome, status. out: verdict, slow */
    TURN_TRIP,   /* orders. in: now, draw */
    TURN_RECOVER,
    TURN_RESET,
    TURN_HOLD, /* in: hold too */
    TURN_CREATE, /* dialects with a talk: the first turn of a breaker, what the original does at start */
    TURN_LOOK /* the same: reads anew what a snapshot shows; changes nothing, tells nothing */
};

/* From since to now; where a clock went back, no time has passed. */
static inline uint64_t elapsed(uint64_t since, uint64_t now)
{
    return (int64_t)(now - since) > 0 ? now - since : 0;
}

enum turn_next { TURN_DONE, TURN_ASK, TURN_WRITE };

struct talk;

struct turn {
    /* What is asked. */
    uint8_t op;
    uint8_t outcome;
    uint8_t hold;
    int status;
    uint64_t now;      /* the panel's clock */
    uint64_t duration; /* TRIP: of this BROKEN; 0: as a rule's trip would last */
    double draw;       /* from [0, 1); 0 where needs_draw said that none is needed */

    breaker_permit_t permit; /* ADMIT: out; SETTLE: in */

    /* What came of it. The step sets these always, except evidence: only when moved. */
    int verdict;  /* ADMIT: 0, BREAKER_EREJECTED. SETTLE: 0, BREAKER_ESTALE, BREAKER_ETRIPPED */
    bool watched; /* ADMIT: would be refused, but for a hold to watch */
    bool slow;    /* SETTLE: counted as slow */
    bool moved;   /* a transition was made: from, to, evidence */
    uint8_t from;
    uint8_t to;
    breaker_counts_t evidence;

    struct talk *talk; /* NULL for local circuits */
};

#endif /* CIRCUIT_TURN_H */
