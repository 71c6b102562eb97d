/* Pub/sub, on a connection of its own. */
#ifndef REDIS_BELL_H
#define REDIS_BELL_H

#include "redis_ears.h"
#include "redis_link.h"
#include <breaker/storage.h>

struct redis_bell {
    struct redis_link link;
    struct redis_ears ears;
    uint64_t awaited;   /* confirmations */
    bool may_not_leave; /* the server has said so */
};

extern const struct redis_link_events redis_bell_events;

/* Listens for a client: 0 or UV_ENOMEM. */
int redis_bell_listen(struct redis_bell *bell, breaker_client_t *client, const char *key,
                      size_t key_length);
/* Ends listening: to one key, or all of a client's. */
void redis_bell_unlisten(struct redis_bell *bell, const breaker_client_t *client, const char *key,
                         size_t key_length);
void redis_bell_forget(struct redis_bell *bell, const breaker_client_t *client);

/* Connects when somebody listens, hangs up when nobody does, sends what is to be sent. */
void redis_bell_act(struct redis_bell *bell);
void redis_bell_free(struct redis_bell *bell);

#endif /* REDIS_BELL_H */
