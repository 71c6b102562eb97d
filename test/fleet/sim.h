/* A fleet in virtual time: processes with a loop clock each, a network that loses and delays, one storage,
 * one dependency, calls that come by chance. Everything follows from a seed.
 *
 * Times are microseconds of true time, unless they say ms. The processes drive the pure part of the
 * library (lib/circuit/fleet) as lib/shared.c does. After each step what must hold is checked;
 * the first thing that does not is kept in wrong. */
#ifndef SIM_H
#define SIM_H

#include "calendar.h"
#include "chance.h"
#include "circuit/fleet/ask.h"
#include "circuit/fleet/judge.h"
#include "store.h"

enum { SIM_PROCS = 256, SIM_OPS = 8, SIM_TRUTHS = 1 << 14 };

#define SIM_MS UINT64_C(1000)
#define SIM_S UINT64_C(1000000)

/* One transaction, from its making until both the process and the network are done with it. */
struct op {
    struct ask ask;
    struct op *next; /* free */
    uint32_t life;   /* of the process that made it */
    uint16_t proc;
    uint8_t holders;
    bool is_over; /* answered, or given up */
    int status;
};

struct sim;

struct proc {
    struct fleet fleet;
    struct native local;
    struct rules rules;
    uint32_t cells[BREAKER_BUCKETS_MAX * 3];
    uint64_t chance;
    struct fleet_clock clock;
    uint64_t base; /* of the loop's clock, ms */
    double drift;
    double rate;      /* calls per second */
    double sick;      /* the share of its calls that fail by its own fault */
    uint64_t stalled; /* until then it does nothing */
    uint64_t arrived; /* while stalled: answers come first */
    uint64_t woken;   /* the wake-up under way is for this time */
    uint32_t self, life, traffic;
    uint16_t number;
    bool is_alive, is_cut, is_deaf; /* cut: no link; deaf: bells are lost */
    bool was_cut;

    /* What it saw. */
    uint64_t admitted, refused, late, moves, let_through;
    uint64_t last_call; /* true time */
    uint64_t asked;     /* its first call since sim_ask_anew; 0: none yet */

    /* The checks'. */
    uint64_t entered;   /* ms of its clock: when held came into force */
    uint64_t overdue;   /* the same: who asked first when that BROKEN was over; 0: nobody yet */
    struct record held; /* the record in force */
    struct record committed; /* the newest one that it saw stand */
    struct tally_cell cell;  /* before a step */
    uint32_t entries;        /* before a step */
    uint8_t local_state;     /* before a step */
    uint32_t out;            /* probes that F gave since held came into force */
};

struct net {
    double lose_request, lose_reply, lose_bell, double_bell;
    double base, more; /* one way: base + exp(more), ms */
};

/* How many results were truly counted in a bucket. */
struct truth {
    uint64_t key;
    struct tally_cell cell;
};

struct event {
    struct date date; /* first what came first; after a stall, answers before deadlines */
    uint8_t kind;
    uint16_t proc;
    uint32_t life;
    int32_t status;
    uint64_t number;
    breaker_permit_t permit;
    struct op *op;
    void (*act)(struct sim *sim, uint64_t number);
};

struct sim {
    uint64_t now, digest, steps, order;
    struct chance chance;
    uint64_t steps_limit; /* no more; 0: no limit */
    struct calendar calendar;
    struct store store;
    struct proc *procs;
    unsigned count;
    struct net net;
    struct op *free;
    struct truth *truths;
    struct record *written; /* every record that was ever written */
    unsigned written_count, written_room;
    uint64_t patience; /* of an operation, ms */
    void *data;

    /* The dependency: the share of calls that fail at a time (NULL: none), and how long calls take. */
    double (*failing)(struct sim *sim, const struct proc *proc);
    uint64_t good_time, bad_time;

    /* What happened. */
    uint64_t syncs, cas, leases, teaches, taught, timeouts, calls, bad_calls, refused;
    uint64_t plain;                   /* turns that took the short way */
    uint64_t transitions, trips;      /* records written */
    uint64_t first_trip;              /* the first BROKEN was written; 0: none */
    uint64_t seen_calls, seen_failed; /* results, for the perfect breaker */
    uint64_t perfect_trip;            /* it would have tripped */
    uint64_t beyond;                  /* calls begun after that */
    uint64_t began_broken; /* calls begun after the first BROKEN was written, before all had it */
    uint64_t trials_out, most_trials; /* trials under way, fleet-wide */
    struct record stands;             /* what was last written */
    unsigned restarts, clock_steps;
    bool has_hung; /* a dependency that does not answer */
    bool is_quiet; /* what is wrong is not to be told on stderr */
    char wrong[240];
    char figure[160]; /* what a scenario measured */
    void (*told)(struct sim *sim, const struct proc *proc, const struct fleet_news *news);
    void (*wrote)(struct sim *sim, const struct record *after);
};

/* Options as FLEET's figures have them. */
void sim_options(breaker_options_t *options);

/* Turns take the short way where they may, as in lib/breaker.c, unless this is set. */
extern bool sim_in_full;

void sim_open(struct sim *sim, uint64_t seed);
void sim_close(struct sim *sim);

/* A process with these options, at a rate of calls. */
struct proc *sim_join(struct sim *sim, const breaker_options_t *options, double rate);
struct proc *sim_join_many(struct sim *sim, unsigned count, double rate); /* the usual ones */

void sim_run(struct sim *sim, uint64_t until);
bool sim_is_cut_short(const struct sim *sim);
void sim_at(struct sim *sim, uint64_t time, void (*act)(struct sim *sim, uint64_t number),
            uint64_t number);

void sim_rate(struct sim *sim, struct proc *proc, double rate);
void sim_stall(struct sim *sim, struct proc *proc, uint64_t time);
void sim_crash(struct sim *sim, struct proc *proc);
void sim_restart(struct sim *sim, struct proc *proc);
void sim_call(struct sim *sim, struct proc *proc); /* one call, now */
void sim_order(struct sim *sim, struct proc *proc, enum turn_op op, breaker_hold_t hold);
void sim_step_clock(struct sim *sim, int64_t ms);

struct fleet_world sim_world(struct sim *sim, struct proc *proc);
breaker_state_t sim_state(const struct proc *proc); /* F's */
void sim_sums(struct sim *sim, struct proc *proc, struct tally_sums *sums);
struct record sim_stands(struct sim *sim); /* in the storage */
void sim_ask_anew(struct sim *sim);
/* Every live process that called so long ago, or longer, since sim_ask_anew, has what stands. */
bool sim_agree(struct sim *sim, uint64_t ago);
bool sim_all(const struct sim *sim, breaker_state_t state); /* and is in this state, L too */

double sim_draw(struct sim *sim);
void sim_wrong(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_note(struct sim *sim, uint64_t what); /* into the digest */

#endif /* SIM_H */
