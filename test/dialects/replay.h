/* What the parts of the replay share: a stage on which circuits play a recorded scenario. */
#ifndef REPLAY_H
#define REPLAY_H

#include "actor.h"
#include <jansson.h>

enum { STAGE_BREAKERS = 4, STAGE_CALLS = 4096 };

/* The kinds of endings in the recordings; a status tells the kind, and the step it is from. */
enum ending { END_OK, END_FAIL, END_EXCLUDED, END_BASE, END_IGNORED, END_INSPECT_ERROR, END_RAISE };

struct stage {
    const struct player *player;
    const json_t *config;
    bool is_wire;
    unsigned breakers;

    /* One policy per breaker: "set" is told to one of them. */
    union {
        breaker_dialect_t dialect;
        breaker_aiomisc_t aiomisc;
        breaker_pybreaker_t family;
        breaker_lasier_t lasier;
        breaker_requests_t requests;
    } options[STAGE_BREAKERS];
    struct actor actors[STAGE_BREAKERS];
    struct shelf shelf;

    struct {
        unsigned breaker;
        breaker_permit_t permit;
    } calls[STAGE_CALLS];

    /* The step under way. */
    int index;
    uint64_t now;
    double draw;
    const struct turn *turn; /* the last one of the step; NULL: there was none */
    const struct talk *talk;
    json_t *events;
};

/* One system: how its scenarios are read, and what they show. */
struct player {
    const char *system;
    /* Fills in the options of a breaker from the configuration, and from a step that sets some. */
    void (*configure)(struct stage *stage, unsigned breaker);
    void (*set)(struct stage *stage, unsigned breaker, const json_t *step);
    /* The outcome of an ending, and its status. */
    breaker_outcome_t (*end)(struct stage *stage, enum ending ending, const json_t *step,
                             int *status);
    /* Events of the turn that is done, as the system calls them. */
    void (*tell)(struct stage *stage);
    /* What expect has beside admitted, raised and events. */
    void (*show)(struct stage *stage, unsigned breaker, const json_t *step, json_t *got);
};

extern const struct player play_aiomisc, play_pybreaker, play_asyncbreaker, play_aiobreaker,
    play_infuse, play_lasier, play_requests;

/* stage.c */
struct stage *stage_make(const struct player *player, const json_t *config, uint64_t now);
void stage_free(struct stage *stage);
int stage_turn(struct stage *stage, unsigned breaker, enum turn_op op);
void stage_exchange(struct stage *stage, unsigned breaker); /* after set */
void stage_event(struct stage *stage, const char *text);

int stage_status(const struct stage *stage, enum ending ending);
enum ending stage_ending(int status);
int stage_step_of(int status);

/* Of the configuration, or of a step. */
double number_of(const json_t *object, const char *key, double otherwise);
uint64_t ms_of(const json_t *object, const char *key, double otherwise); /* from seconds */
const char *text_of(const json_t *object, const char *key);

/* What stands under a key; NULL: nothing. */
struct shelf_item *stage_item(struct stage *stage, struct talk_key key);
int64_t stage_number(struct stage *stage, struct talk_key key, int64_t otherwise);

#endif /* REPLAY_H */
