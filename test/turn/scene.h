/* A breaker of pybreaker's family over a fake storage, and calls that record what becomes of them. */
#ifndef TURN_SCENE_H
#define TURN_SCENE_H

#include "fake.h"
#include "fixture.h"

#include <breaker/dialects.h>

struct scene {
    struct fixture *f;
    struct fake *fake;
    breaker_t *breaker;
};

struct actor {
    breaker_call_t call;
    struct scene *scene;
    const char *name;
    bool finishes; /* inside its start */
    int result;
};

/* request and reply: how long the storage takes, ms; turns: conversations in the pool. */
void scene_open(struct scene *scene, void **state, uint64_t delay, unsigned turns);
void scene_close(struct scene *scene); /* destroys the panel, unless that was done */

/* The clocks of the panel and of the storage, with the loop's turns. */
void scene_wait(struct scene *scene, uint64_t ms);

/* Begins a call that records NAME:start, NAME:STATUS and NAME:released. */
struct actor *scene_call(struct scene *scene, const char *name, bool finishes, int result);

#endif /* TURN_SCENE_H */
