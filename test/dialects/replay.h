/* What the parts of the replay share: a stage on which recorded scenarios are played.
 *
 * A player knows one system: how its scenarios are read and what they show. A cast knows how circuits
 * are asked: bare, on a shelf of keys; or inside the library, over a storage of its. */
#ifndef REPLAY_H
#define REPLAY_H

#include "circuit/dialects/dialect.h"
#include <jansson.h>

enum { STAGE_BREAKERS = 4, STAGE_CALLS = 4096, STAGE_EVENTS = 16 };

/* The kinds of endings in the recordings; a status tells the kind, and the step it is from. */
enum ending { END_OK, END_FAIL, END_EXCLUDED, END_BASE, END_IGNORED, END_INSPECT_ERROR, END_RAISE };

union options {
    breaker_dialect_t dialect;
    breaker_aiomisc_t aiomisc;
    breaker_pybreaker_t family;
    breaker_lasier_t lasier;
    breaker_requests_t requests;
};

union snapshot {
    breaker_aiomisc_snapshot_t aiomisc;
    breaker_pybreaker_snapshot_t family;
    breaker_lasier_snapshot_t lasier;
    breaker_requests_snapshot_t requests;
};

struct stage {
    const struct player *player;
    const struct cast *cast;
    void *actors; /* the cast's */
    const json_t *config;
    const struct dialect *dialect;
    bool is_wire;
    unsigned breakers;
    union options options[STAGE_BREAKERS]; /* one policy each: "set" is told to one of them */
    const struct talk_key *keys;           /* of all of them; NULL: a local circuit */
    const char *fault;                     /* the option that is out of range; NULL: none */
    void *spare;                           /* a circuit that is only there for its keys */
    bool was_set[STAGE_BREAKERS];
    int64_t logged[2]; /* entries of the logs, as those who wrote to them were told */

    /* Calls that have begun: whose they are, and what the cast wants to know of them. */
    struct stage_call {
        unsigned breaker;
        breaker_permit_t permit;
        void *guest;
    } calls[STAGE_CALLS + 1]; /* the last one is for whole calls */

    /* The step under way, and what came of it. */
    int index;
    uint64_t now;
    double draw;
    unsigned reason;
    struct talk_event told[STAGE_EVENTS];
    unsigned told_count;
    json_t *events;
};

struct player {
    const char *system;
    /* Fills in the options of a breaker from the configuration, and from a step that sets some. */
    void (*configure)(struct stage *stage, unsigned breaker);
    void (*set)(struct stage *stage, unsigned breaker, const json_t *step);
    /* The outcome of an ending, and its status. */
    breaker_outcome_t (*end)(struct stage *stage, enum ending ending, const json_t *step,
                             int *status);
    /* Calls what was told as the system does. verdict: of a result; otherwise 0. */
    void (*tell)(struct stage *stage, int verdict);
    /* What expect has beside admitted, raised and events. */
    void (*show)(struct stage *stage, unsigned breaker, const json_t *step, json_t *got);
};

extern const struct player play_aiomisc, play_pybreaker, play_asyncbreaker, play_aiobreaker,
    play_infuse, play_lasier, play_requests;

struct cast {
    bool checks_options;
    void (*enter)(struct stage *stage); /* the options are filled in */
    void (*leave)(struct stage *stage);
    /* Verdicts; what is told and the reason go to the stage. */
    int (*begin)(struct stage *stage, struct stage_call *call);
    int (*end)(struct stage *stage, struct stage_call *call, breaker_outcome_t outcome, int status);
    void (*order)(struct stage *stage, unsigned breaker, enum turn_op op);
    void (*exchange)(struct stage *stage, unsigned breaker);
    void (*inspect)(struct stage *stage, unsigned breaker, union snapshot *snapshot);
    /* The storage, as another program sees it. get: the length, or -1; value has BREAKER_VALUE_MAX
     * bytes. put: NULL deletes. */
    int (*get)(struct stage *stage, struct talk_key key, char *value);
    void (*put)(struct stage *stage, struct talk_key key, const char *value);
    /* The end of a key's life; NULL: this cast cannot tell. */
    uint64_t (*end_of)(struct stage *stage, struct talk_key key);
};

extern const struct cast bare_cast, library_cast;

/* library_cast.c: which storage, as in --storage. False: there is none of that name. */
bool library_uses(const char *storage);
bool library_is_real(void); /* its clock is */

/* stage.c */
struct stage *stage_make(const struct player *player, const struct cast *cast,
                         const json_t *config);
void stage_enter(struct stage *stage, uint64_t now);
void stage_free(struct stage *stage);
void stage_tell(struct stage *stage, int kind, int from, int to, bool noticed);
void stage_event(struct stage *stage, const char *text);

int stage_status(const struct stage *stage, enum ending ending);
enum ending stage_ending(int status);
int stage_step_of(int status);

bool stage_has(struct stage *stage, struct talk_key key);
int64_t stage_number(struct stage *stage, struct talk_key key, int64_t otherwise);

/* Of the configuration, or of a step. */
double number_of(const json_t *object, const char *key, double otherwise);
uint64_t ms_of(const json_t *object, const char *key, double otherwise); /* from seconds */
const char *text_of(const json_t *object, const char *key);

#endif /* REPLAY_H */
