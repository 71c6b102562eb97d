/* A fleet of real panels in virtual time: a loop and a clock for each, one storage among them, which loses
 * and delays what they ask. Everything follows from a seed. */
#ifndef PANELS_H
#define PANELS_H

#include "calendar.h"
#include "chance.h"
#include "store.h"
#include <breaker.h>
#include <stdbool.h>
#include <uv.h>

enum { PANELS_MAX = 200 };

struct panels;

struct member {
    struct panels *all;
    uv_loop_t loop;
    uv_timer_t keeper; /* the program's own business, which keeps its loop alive */
    breaker_panel_t *panel;
    breaker_t *breaker;
    breaker_client_t *client; /* NULL: it has not opened the storage */
    breaker_listener_t listener;
    breaker_order_t order;
    uint64_t base, stalled, turns_at;
    struct chance chance;
    double rate;
    unsigned number, life;
    unsigned ordered; /* orders told */
    bool is_alive, is_cut, is_gone;
    struct record held, committed; /* in force, and the newest that it saw stand: of the checks */
    uint64_t entered,
        overdue;           /* when held came into force; when a call found that its time is over */
    unsigned traffic;      /* rates that it had */
    breaker_state_t state; /* by its events */
    uint64_t since;        /* when it came there, ms of true time */
    uint64_t moves, lost, found, differing;
    bool is_lost, is_barred; /* the storage, for all of its panel; for its circuit */
};

struct panels {
    breaker_storage_t storage; /* first: it is one */
    struct store store;
    struct member *members;
    unsigned count;
    uint64_t now, order, digest; /* true time, us */
    struct chance chance;
    struct calendar calendar;
    double lose_request, lose_reply, lose_bell, double_bell;
    double fails_at_once; /* the share of requests that end inside submit, with an error */
    unsigned refuses;     /* kinds of verbs (bits) that are refused, as a full storage does */
    uint64_t patience;    /* storage_timeout of panels that join */
    uint64_t latency;     /* us more for each way, at the most */
    double (*failing)(struct panels *panels, const struct member *member);
    breaker_policy_t *policy, *other; /* the members', and one with other numbers */
    uint64_t calls, refused, bad, records, taught, steps;
    struct record *written;
    unsigned written_room;
    char wrong[200];
};

#define PANELS_S UINT64_C(1000000)

void panels_open(struct panels *panels, uint64_t seed, const breaker_options_t *options);
void panels_close(struct panels *panels);
struct member *panels_join(struct panels *panels, double rate);
void panels_leave(struct panels *panels, struct member *member);
void panels_run(struct panels *panels, uint64_t until);
void panels_at(struct panels *panels, uint64_t time, void (*act)(struct panels *panels));
/* Off the storage, or back: then it is told that it hears anew. */
void panels_cut(struct panels *panels, struct member *member, bool is_cut);
void panels_rate(struct panels *panels, struct member *member, double rate);
void panels_stall(struct panels *panels, struct member *member, uint64_t time);
double panels_draw(struct panels *panels);
bool panels_all(struct panels *panels, breaker_state_t state);
void panels_wrong(struct panels *panels, const char *what);

#endif /* PANELS_H */
