/* The clients of the memory storage, and what rings between them. */
#ifndef MEMORY_BELL_H
#define MEMORY_BELL_H

#include "memory_table.h"
#include <breaker/storage.h>
#include <stdbool.h>
#include <uv.h>

struct memory_client;

/* Everything in it is under the mutex. */
struct memory_bell {
    uv_mutex_t *mutex;
    struct memory_table table; /* of what is listened to */
    size_t clients;
};

int memory_bell_init(struct memory_bell *bell, uv_mutex_t *mutex, uint64_t seed);
void memory_bell_free(struct memory_bell *bell);

/* These take the mutex themselves. */
int memory_bell_open(struct memory_bell *bell, breaker_client_t *client);
void memory_bell_close(struct memory_bell *bell, breaker_client_t *client);
int memory_bell_listen(struct memory_bell *bell, breaker_client_t *client, const char *key,
                       uint16_t key_length);
void memory_bell_unlisten(struct memory_bell *bell, breaker_client_t *client, const char *key,
                          uint16_t key_length);

/* Rings, the mutex being held, for all that listen but the one that tells. Never fails. */
void memory_bell_tell(struct memory_bell *bell, const breaker_client_t *from,
                      const breaker_verb_t *verb);

#endif /* MEMORY_BELL_H */
