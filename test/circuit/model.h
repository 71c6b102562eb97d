/* The native circuit, said a second time: as plainly as possible, from the header and nothing else. It keeps
 * every result in a list and counts anew whenever it is asked. */
#ifndef MODEL_H
#define MODEL_H

#include "circuit/turn.h"
#include "outcomes.h"

struct model_permit {
    uint64_t epoch;
    uint64_t start;
    bool is_beside; /* given under a hold, beside the circuit */
};

struct model {
    breaker_options_t options;
    breaker_state_t state;
    breaker_hold_t hold;
    uint64_t epoch, since;
    int last_error;

    uint64_t broken;          /* how long the last BROKEN lasts */
    unsigned trips;           /* consecutive ones */
    breaker_counts_t tripped; /* the counts at the trip */

    /* RECOVERING */
    breaker_counts_t probed;
    uint64_t admitted; /* the time of the last admission */
    unsigned out;      /* probes without a result */
    int tenth;         /* of the last admission by sample; -1: none yet */

    /* PASSING */
    uint32_t row; /* failures since the last success */
    struct outcomes window;
};

/* What came of a step. */
struct model_answer {
    int verdict;
    bool watched, slow, moved;
    breaker_state_t from, to;
    breaker_counts_t evidence;
    struct model_permit permit;
};

void model_begin(struct model *model, const breaker_options_t *options, uint64_t now);
void model_copy(struct model *to, const struct model *from);

struct model_answer model_admit(struct model *model, uint64_t now, double draw);
struct model_answer model_settle(struct model *model, uint64_t now, double draw,
                                 struct model_permit permit, breaker_outcome_t outcome, int status);
struct model_answer model_order(struct model *model, uint64_t now, double draw, enum turn_op order);
void model_hold(struct model *model, uint64_t now, breaker_hold_t hold);
void model_retune(struct model *model, uint64_t now, const breaker_options_t *options);
breaker_snapshot_t model_look(const struct model *model, uint64_t now);

#endif /* MODEL_H */
