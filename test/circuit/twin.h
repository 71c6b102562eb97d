/* A native circuit and its model, which live through the same and must say the same after every step. */
#ifndef TWIN_H
#define TWIN_H

#include "model.h"
#include "rig.h"

enum { TWIN_PERMITS = 48 };

struct twin {
    struct rig rig;
    struct model model;
    const char *story; /* for the message of a failure: which one, */
    uint64_t seed;     /* from which seed, */
    unsigned steps;    /* at which step */

    /* What is out, the oldest first; one that was settled stays for a while, to be settled again. */
    unsigned count;
    struct {
        breaker_permit_t permit;
        struct model_permit model;
    } out[TWIN_PERMITS];
};

void twin_begin(struct twin *twin, const breaker_options_t *options);
void twin_end(struct twin *twin);

/* All of it, to go on from there twice. */
void twin_copy(struct twin *to, const struct twin *from);

/* Time and draw of a step are the rig's. */
void twin_admit(struct twin *twin);
void twin_settle(struct twin *twin, unsigned place, breaker_outcome_t outcome, bool keep);
void twin_order(struct twin *twin, enum turn_op order);
void twin_hold(struct twin *twin, breaker_hold_t hold);
void twin_retune(struct twin *twin, const breaker_options_t *options);

/* Looks at both, as of a time. Each step does so as of its own. */
void twin_compare(struct twin *twin, uint64_t now);

#endif /* TWIN_H */
