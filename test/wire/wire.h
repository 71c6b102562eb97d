/* A breaker of some dialect on a real Redis, and a second client that looks at what lies there. */
#ifndef WIRE_H
#define WIRE_H

#include "server.h"
#include <breaker/dialects.h>
#include <breaker/redis.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

#define WIRE_PATIENCE ((uint64_t)10 * 1000000000) /* ns */
#define WIRE_WALL 1700000000750                   /* the process' wall clock at the beginning, ms */

struct wire {
    struct server server;
    uv_loop_t loop;
    uv_timer_t ticker;
    breaker_storage_t *storage;
    breaker_panel_t *panel;
    breaker_t *breaker;
    breaker_order_t order;
    bool is_over;
    int status; /* of the last call or order */
    uint64_t wall;
};

/* One call, which may be left open while others come. */
struct wire_call {
    breaker_call_t call;
    struct wire *wire;
    bool is_open, is_over;
    int status;
};

extern struct wire wire;

/* For a group's set-up and each test's: a server for all, no keys and no breaker for each. */
int wire_start(void **state);
int wire_end(void **state);
int wire_fresh(void **state);
int wire_leave(void **state);

/* Makes the breaker "name" of that dialect, and waits until that is done in Redis. */
void wire_make(const breaker_dialect_t *dialect);

/* True: admitted. */
bool wire_begin(struct wire_call *call);
int wire_finish(struct wire_call *call, int status, breaker_outcome_t outcome);
/* Both in one: 0, or why not. */
int wire_call(int status, breaker_outcome_t outcome);
int wire_ok(void);
int wire_fail(void);
void wire_order(int (*give)(breaker_t *, breaker_order_t *, breaker_order_cb));

/* All that lies in Redis is this, and nothing else: "key=value" for a string; "key#zset:2", "key#set:1",
 * "key#hash:5" for others and how many they hold; and at the end "@SECONDS" where it has a time to live, of which
 * no more than half is over. */
#define HOLDS(...) wire_holds(__FILE__, __LINE__, (const char *const[]){__VA_ARGS__, NULL})
#define HOLDS_NOTHING wire_holds(__FILE__, __LINE__, (const char *const[]){NULL})
void wire_holds(const char *file, int line, const char *const *items);

/* What a peer does. */
#define PEER(...) server_do(&wire.server, __VA_ARGS__)

#endif /* WIRE_H */
