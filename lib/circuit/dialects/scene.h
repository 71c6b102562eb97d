/* What pybreaker and its family read and write, as one turn goes along. */
#ifndef CIRCUIT_SCENE_H
#define CIRCUIT_SCENE_H

#include "family.h"
#include "pybreaker.h"

/* Where a conversation is; each operation knows those that it uses. */
enum stage {
    AT_BEGIN,
    AT_READ,    /* what the storage says has come */
    AT_STAMPED, /* a noticed opening was stamped */
    AT_COUNTED, /* the counter has come */
    AT_OPENING  /* the opening was written, if nobody moved opened_at meanwhile */
};

/* Everything that a step works on. */
struct scene {
    struct pybreaker *c;
    const breaker_pybreaker_t *rules;
    const struct family *family;
    struct turn *turn;
    struct talk *talk;
};

enum turn_next scene_ask(struct scene *s, enum stage stage);

/* Writes what was prepared. A storage that has just failed is spared it: the write is dropped. */
enum turn_next scene_finish(const struct scene *s);

void scene_tell(struct scene *s, int kind);

/* What the i-th verb found. When the storage failed, counters read 0, and the state is the fallback:
 * closed. A state that is lost is closed too where it is written anew, and half-open otherwise. */
void scene_read_opened(struct scene *s, unsigned i);
int64_t scene_read_count(const struct scene *s, unsigned i);
bool scene_is_lost(const struct scene *s, unsigned i);
breaker_state_t scene_read_state(struct scene *s, unsigned i);

void scene_zero_fails(struct scene *s);
void scene_zero_successes(struct scene *s);
void scene_add_missing(struct scene *s);
void scene_write_state(struct scene *s, breaker_state_t state);

/* The instant of an opening. On the wire a whole second, which only moves forward; the guard sees to
 * that, and the transaction is to be asked, since the guard may fail: somebody else moved opened_at. */
void scene_stamp(struct scene *s);
void scene_hear_standing(struct scene *s);

#endif /* CIRCUIT_SCENE_H */
