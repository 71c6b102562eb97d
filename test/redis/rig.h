/* A loop with Redis storages on it, their clients, and what these were told. */
#ifndef RIG_H
#define RIG_H

#include <breaker/redis.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

#define RIG_PATIENCE_MS 10000

/* In a script the server's clock goes on, and whether a key is over is judged by when the script
 * began. */
#define RIG_COARSE_MS 5

struct rig;

/* One transaction, and what came of it. */
struct op {
    breaker_transaction_t transaction;
    breaker_verb_t verbs[BREAKER_VERBS_MAX];
    char value[BREAKER_VALUE_MAX];
    struct rig *rig;
    unsigned completions;
    int status;
    void (*then)(struct op *op);
    void *data;
};

struct rig {
    uv_loop_t loop;
    uv_timer_t ticker; /* keeps the loop turning while a test waits */
    breaker_redis_options_t options;
    breaker_storage_t *storage;
    breaker_client_t client;
    bool open;
    unsigned closed;
    bool last;  /* destroy the storage inside closed: there is no later moment to get wrong */
    int health; /* the last one told */
    unsigned lost, found;
    unsigned bells;
    unsigned heard; /* bells without value: that the server knows who listens */
    char bell_key[BREAKER_KEY_MAX];
    size_t bell_key_length;
    char bell_value[BREAKER_VALUE_MAX];
    size_t bell_length;
};

/* Options fit for a test: short times. Change rig->options, then open. */
void rig_init(struct rig *rig, const char *url);
void rig_open(struct rig *rig);
/* Closes the client, destroys the storage; the loop must be clean then. */
void rig_close(struct rig *rig);
void rig_end(struct rig *rig);

/* Runs the loop until the condition holds; a test that waits in vain fails. */
#define RIG_UNTIL(rig, condition)                                            \
    do {                                                                     \
        uint64_t until_ = uv_hrtime() + (uint64_t)RIG_PATIENCE_MS * 1000000; \
        while (!(condition)) {                                               \
            if (uv_hrtime() > until_)                                        \
                fail_msg("waited in vain for " #condition);                  \
            uv_run(&(rig)->loop, UV_RUN_ONCE);                               \
        }                                                                    \
    } while (0)

/* Runs the loop for a while: only where nothing is to happen, and that is what is tested. */
void rig_run_for(struct rig *rig, uint64_t ms);

/* In a child that the test forked: all went well. In the test: so it ended. */
void rig_end_well(void);
void rig_assert_ended_well(pid_t child);

/* The bytes that this process has in memory; and that these are not many more now than before. With a
 * sanitizer, which keeps what is freed, that says nothing and always holds. */
long rig_resident(void);
void rig_assert_growth(const char *what, long before, long most);

struct op *op_new(struct rig *rig);
void op_free(struct op *op);
breaker_verb_t *op_verb(struct op *op, breaker_verb_kind_t kind, const char *key);
void op_incr(struct op *op, const char *key, int64_t number, uint64_t ttl);
void op_set(struct op *op, const char *key, const char *value, uint64_t ttl);
void op_get(struct op *op, const char *key); /* into op->value */
void op_submit(struct op *op);
void op_cancel(struct op *op);
int op_wait(struct op *op);

/* In one: the status; increments key by one. */
int rig_incr(struct rig *rig, const char *key);
int rig_get(struct rig *rig, const char *key);
int rig_ask(struct rig *rig); /* without verbs */
/* Asks again and again until the storage answers well. */
void rig_until_well(struct rig *rig);

#endif /* RIG_H */
