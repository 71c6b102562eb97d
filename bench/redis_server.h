/* A real Redis for the bench, on a unix socket of its own, and what it counts. */
#ifndef REDIS_SERVER_H
#define REDIS_SERVER_H

#include <breaker/storage.h>
#include <uv.h>

void redis_server_start(void); /* measure_fail where there is none */
void redis_server_stop(void);
void redis_server_pause(void); /* it answers nobody any more, until */
void redis_server_go_on(void);

/* A storage on it, for a loop; redis_storage_drop when its panels are gone. */
breaker_storage_t *redis_storage(uv_loop_t *loop, void *unused);
void redis_storage_drop(breaker_storage_t *storage);

/* How often it has carried out EVALSHA and EVAL, and commands inside scripts, since it was last asked. */
struct redis_counts {
    double transactions;
    double inner;
};
struct redis_counts redis_counted(void);

#endif /* REDIS_SERVER_H */
