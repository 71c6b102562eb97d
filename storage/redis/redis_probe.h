/* Whether a new connection is of use. */
#ifndef REDIS_PROBE_H
#define REDIS_PROBE_H

#include "redis_wire.h"

struct redis_storage;

enum redis_probe {
    REDIS_PROBE_NONE = 0, /* nothing is being asked */
    REDIS_PROBE_FAULT,    /* with the key that was at fault */
    REDIS_PROBE_NOBODYS,  /* with one that nobody has */
    REDIS_PROBE_BARE      /* without one */
};

void redis_probe_begin(struct redis_storage *storage);
void redis_probe_hear(struct redis_storage *storage, const struct redis_reply *reply);

#endif /* REDIS_PROBE_H */
