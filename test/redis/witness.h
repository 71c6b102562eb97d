/* A panel on a storage of its own, which makes guarded calls every millisecond while a test does to
 * Redis what it does. Whatever that is, each call is decided at once, and never by the storage's
 * trouble. */
#ifndef WITNESS_H
#define WITNESS_H

#include "server.h"
#include <breaker.h>
#include <breaker/redis.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include <cmocka.h>

#define WITNESS_TURNS 2    /* of the loop, from a call to its start and to its end */
#define WITNESS_PAUSE 1500 /* ms: until a circuit tries again where its storage cannot say when */
#define WITNESS_SLACK 1000 /* ms: of a busy machine */

struct witness {
    uv_loop_t *loop;
    const char *name, *prefix; /* the test's */
    uint64_t pause, slow_pause, deadline;
    breaker_storage_t *storage;
    breaker_panel_t *panel; /* NULL: it is not open */
    breaker_t *breaker;
    breaker_listener_t listener;
    breaker_order_t order;
    breaker_call_t call;
    uv_timer_t ticker;
    uv_prepare_t turner;
    bool fails;  /* the test's to set: so does what is called */
    bool silent; /* the same: no calls are made */
    bool calling, ordered;
    unsigned closing;
    uint64_t turn, begun, ticked;
    uint64_t longest_gap; /* between two ticks, ms */
    unsigned asked, admitted, refused, ended;
    unsigned most_turns;
    unsigned lost, found;   /* the storage */
    breaker_state_t last;   /* told by events, */
    unsigned moves;         /* so often, */
    unsigned elsewhere;     /* and so often of others' making */
    uint64_t epoch;         /* the highest seen */
    unsigned epochs_fallen; /* how often it was lower than before */
};

/* circuit may be NULL: a circuit that one process alone can break. */
void witness_open(struct witness *witness, uv_loop_t *loop, const char *name,
                  const breaker_redis_options_t *where, const breaker_options_t *circuit,
                  const breaker_panel_options_t *panel);
/* What the usual circuit is, for those who change it. */
void witness_circuit(breaker_options_t *circuit);
/* Runs the loop until all of it is gone. */
void witness_close(struct witness *witness);

/* Fails the test unless it made calls, none was refused, and each was over in so many turns. */
void witness_is_content(const struct witness *witness);

/* When a fault is cured, a circuit is served again within the longest pause of its storage and its own, a
 * deadline and a sync: so many ms, with a second for a busy machine. pause: the storage's, in general the
 * witness' pause, and slow_pause after a fault of the set-up. */
uint64_t witness_recovery(const struct witness *witness, uint64_t pause);
/* Right after the cure, which was at since (uv_hrtime's): runs the loop until the witness has its storage
 * again and the server has carried out a sync of its circuit after that; fails the test where this takes
 * longer. */
void witness_is_served(struct witness *witness, struct server *server, uint64_t since,
                       uint64_t pause);

/* Orders, and runs the loop until they are told. */
void witness_trip(struct witness *witness);
void witness_reset(struct witness *witness);

breaker_state_t witness_state(const struct witness *witness);

#endif /* WITNESS_H */
