/* Pub/sub, on a connection of its own. */
#ifndef REDIS_BELL_H
#define REDIS_BELL_H

#include "redis_link.h"
#include <breaker/storage.h>

struct redis_ear;

struct redis_bell {
    struct redis_link link;
    struct redis_ear **buckets;
    size_t room; /* a power of two; 0: none yet */
    size_t count;
    struct redis_ear *unasked; /* whose channels are still to be asked for */
    struct redis_ear *untold;  /* who are heard of, and do not know it */
    uint64_t awaited;          /* confirmations */
    bool ringing;              /* the table must not be rearranged */
};

extern const struct redis_link_events redis_bell_events;

/* Listens for a client: 0 or UV_ENOMEM. */
int redis_bell_listen(struct redis_bell *bell, breaker_client_t *client, const char *key,
                      size_t key_length);
/* Ends all listening of a client. */
void redis_bell_forget(struct redis_bell *bell, const breaker_client_t *client);

/* Connects when somebody listens, hangs up when nobody does, sends what is to be sent. */
void redis_bell_act(struct redis_bell *bell);
void redis_bell_free(struct redis_bell *bell);

#endif /* REDIS_BELL_H */
