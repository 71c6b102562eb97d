/* A loop with a storage on it, and another program's view of that storage. */
#ifndef HOUSE_H
#define HOUSE_H

#include <breaker/storage.h>
#include <stdbool.h>
#include <uv.h>

struct house {
    uv_loop_t loop;
    breaker_storage_t *storage;
    bool is_redis;
    breaker_client_t client;
    bool is_open;
    uv_timer_t pulse; /* keeps the loop alive while something is waited for: storages do not */
    uint64_t now;     /* of the storage in memory */
};

/* Which one, as in --storage. False: there is none of that name. */
bool house_uses(const char *storage);
bool house_is_real(void);

/* Stops the program when it cannot be had. Its keys are gone. */
void house_open(struct house *house);
/* Everybody else has left. */
void house_close(struct house *house);

/* Lets the loop turn until it is; stops the program when that takes too long. */
void house_wait(struct house *house, bool (*is_over)(void *data), void *data);

/* One verb, and its status. */
int house_run(struct house *house, breaker_verb_t *verb);

#endif /* HOUSE_H */
