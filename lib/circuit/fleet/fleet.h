/* A circuit that many processes share: the replica F of one of them, in series with its own circuit L.
 *
 * F is one record, which all agree on in the storage, and the counts of all. L is a native circuit of
 * its own results. A call is admitted when both admit. Nothing here waits: an answer of the storage
 * only changes what the next decision is made on. L alone acts when the storage is away.
 *
 *   fleet.c     turns: asking and results
 *   obey.c      and orders
 *   view.c      what is seen of it from outside
 *   judge.c     when the evidence makes a transition
 *   replica.c   the record: what is adopted, taught, proposed; the only place that makes dates
 *   draft.c     what a new one says
 *   local.c     what becomes of L
 *   ask.c       transactions: what is to be asked next, and what an answer means;
 *   sync.c      those that carry counts
 *   keys.c      where what is in the storage
 *   lease.c     trial leases
 *   tally.c     counts
 *   record.c    the record as text
 */
#ifndef CIRCUIT_FLEET_H
#define CIRCUIT_FLEET_H

#include "circuit/native.h"
#include "circuit/turn.h"
#include "mutant.h"
#include "record.h"
#include "tally.h"

enum {
    FLEET_TENTHS = 10,     /* of a recovery time: each admits one call for sure */
    FLEET_MAX_AGE = 1000,  /* an answer older than this is refreshed when somebody asks, ms */
    FLEET_CONTACT = 60000, /* so long a record seen in the storage has authority */
    FLEET_LEASES = 4,      /* trials of one process at once */
    FLEET_LIFE = 86400000, /* of the record in the storage */
};

/* What surrounds a replica, at one moment; filled in by the driver for each call. */
struct fleet_world {
    const struct rules *rules;
    struct native *local; /* L */
    const char *name;
    uint64_t now;      /* the loop's clock */
    uint64_t wall;     /* the storage's clock, as far as is known; 0: not at all */
    uint32_t patience; /* how long an answer may take */
    uint32_t self;     /* this process, as a writer */
    uint8_t name_length;
    uint64_t *chance; /* drawn from */
    uint64_t left;    /* when this process last gave up a circuit, by the storage's clock */
    bool lists;       /* the storage has room for a list of circuits */
};

/* What is known of the storage's clock: how far it is from the loop's. It may step, and so may this. */
struct fleet_clock {
    int64_t offset; /* ms */
    bool is_known;
};

/* An answer to what went at one time came at another, and said what the clock was in between: what was
 * known stays as it is if it may be so, so that slow answers do not move it to and fro. */
static inline void fleet_clock_hear(struct fleet_clock *clock, uint64_t went, uint64_t came,
                                    uint64_t wall)
{
    int64_t least = (int64_t)(wall - came), most = (int64_t)(wall - went);
    int64_t offset = (int64_t)(wall - (went + (came - went) / 2));

    if (MUTANT(CLOCK_NEVER_BACK) && clock->is_known && offset < clock->offset)
        return;
    if (!clock->is_known || clock->offset < least || clock->offset > most)
        clock->offset = offset;
    clock->is_known = true;
}

/* As fleet_world wants it. */
static inline uint64_t fleet_clock_wall(const struct fleet_clock *clock, uint64_t now)
{
    int64_t wall = (int64_t)now + clock->offset;

    if (!clock->is_known)
        return 0;
    return wall > 0 ? (uint64_t)wall : 1;
}

struct fleet_lease {
    uint64_t granted; /* by the storage's clock, ms */
    uint32_t token, life;
    uint8_t slot, stage, tries;
};

/* What was ordered and does not stand in the storage yet: a state, a hold, or both. */
struct fleet_order {
    uint64_t given;    /* when the state was */
    uint64_t held;     /* and the hold */
    uint32_t duration; /* of a BROKEN; 0: as a rule's trip would last */
    uint8_t op;        /* enum turn_op; TURN_ADMIT: no state was */
    uint8_t hold;
    bool holds; /* a hold was */
    uint8_t tries;
    bool is_offered; /* the record that is to be written says it all */
};

/* What is to be written, or on its way: a transition of this process, in force here already, but not
 * committed; or a record that the storage has lost. */
enum fleet_cas { FLEET_CAS_NONE, FLEET_CAS_PROPOSE, FLEET_CAS_TEACH };

struct fleet {
    struct record current; /* in force here */
    struct record base;    /* with a CAS: what it replaces */
    uint64_t began;     /* current's state. The loop's clock, as all below; may be before its 0 */
    uint64_t ends;      /* BROKEN */
    uint64_t confirmed; /* the storage was last seen holding what was committed */
    uint64_t heard;     /* the last answer came */
    uint64_t back;      /* the storage was last found again */
    uint64_t asked;     /* the last SYNC went */
    uint64_t sync_at, cas_at, lease_at; /* the next one is due; UINT64_MAX: none is */
    uint64_t not_before;                /* while the storage is away: no SYNC before */
    uint64_t lease_after;               /* all were taken: nothing is asked for before */
    uint64_t entry_at;      /* it enters itself in the list of circuits when it was used then */
    uint64_t admitted_at;   /* RECOVERING: the last admission */
    uint64_t oldest_permit; /* an epoch of L's: as current came into force, or later */
    uint64_t refused_until; /* see refused_twice: as long as that, or until it writes again */
    uint64_t plain_until;   /* see fleet_is_plain; 0: it is not */
    uint32_t probes;        /* RECOVERING: admitted, and their results missing */
    uint32_t entries;       /* how often a record came into force */
    uint32_t looks;         /* how often somebody wanted to know all the counts, */
    uint32_t looked;        /* and how many of them do, or cannot */
    struct fleet_order order;
    uint8_t misses; /* answers that did not come, in a row */
    uint8_t refused,
        refused_twice; /* kinds of transactions (bits) that it would not write, in a row */
    uint8_t cas;       /* enum fleet_cas */
    uint8_t tenth;     /* of the recovery time: the last that was given a chance */
    uint8_t lapses;    /* leases that went unspent, in a row */
    bool sync_is_out, cas_is_out, lease_is_out; /* under way */
    bool is_away;                               /* the storage: L decides */
    bool has_failed;                            /* RECOVERING by trials: my last one has */
    bool is_differing; /* another process's policy differs from this one's */
    bool is_used;      /* since its last entry */
    bool wants_entry;  /* into the list of circuits */
    bool wants_read;   /* of buckets, beside the SYNC under way */
    struct fleet_lease leases[FLEET_LEASES];
    struct tally_shape shape; /* of the tally's */
    struct tally tally;
};

/* What came of a call below. Zeroed by the driver; flags are only set. */
struct fleet_news {
    bool entered;              /* a record came into force */
    bool elsewhere;            /* and another process made it */
    bool lost, found;          /* the storage */
    bool differs;              /* policies do; told once */
    bool obeyed;               /* what was ordered stands in the storage */
    bool unheard;              /* it does not yet, and perhaps never will */
    breaker_counts_t evidence; /* with entered */
};

/* PASSING; wants to be read at once. */
void fleet_init(struct fleet *fleet, const struct fleet_world *world);

/* native_step() of both circuits in series: every turn but those with a talk. */
void fleet_step(struct fleet *fleet, const struct fleet_world *world, struct turn *turn,
                struct fleet_news *news);

/* ---- The usual case, as native.h has it -----------------------------------------------------------
 * True: what L says plainly is all there is to a turn, but that in BROKEN F refuses what L admits, and
 * that in PASSING a success is F's too: tally_count_plainly. A test holds this to the step. */
static inline bool fleet_is_plain(const struct fleet *fleet, uint64_t now)
{
    return now < fleet->plain_until;
}

/* In the child of a fork: what is under way is the parent's, and so is what is not sent yet. */
void fleet_disown(struct fleet *fleet, const struct fleet_world *world, struct fleet_news *news);

/* Is this process counted as one that reports, in the bucket of its last result? */
static inline bool fleet_has_reported(const struct fleet *fleet)
{
    return fleet->tally.cell.reporters > 0;
}

/* When ask_make() should be called next; UINT64_MAX: nothing is to be asked. */
uint64_t fleet_due(const struct fleet *fleet);

/* The rules were exchanged, and L is retuned already. */
void fleet_retune(struct fleet *fleet, const struct fleet_world *world);

/* Of both: the worse. */
breaker_state_t fleet_state(const struct fleet *fleet, const struct native *local);
uint64_t fleet_retry_after(const struct fleet *fleet, const struct fleet_world *world);
/* Fills in what the two know; as native_inspect. */
void fleet_inspect(const struct fleet *fleet, const struct fleet_world *world,
                   breaker_snapshot_t *snapshot);

bool fleet_is_sound(const struct fleet *fleet, const struct fleet_world *world);

/* ---- Among the files of the fleet --------------------------------------------------------------*/

static inline bool fleet_is_looked_at(const struct fleet *fleet)
{
    return fleet->looked != fleet->looks;
}

static inline const breaker_options_t *fleet_options(const struct fleet_world *world)
{
    return &world->rules->options;
}

static inline bool fleet_keeps_counts(const struct fleet_world *world)
{
    return fleet_options(world)->share == BREAKER_SHARE_STATE;
}

static inline uint64_t fleet_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t fleet_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline void fleet_sync_by(struct fleet *fleet, uint64_t at)
{
    if (at < fleet->not_before)
        at = fleet->not_before;
    if (at < fleet->sync_at)
        fleet->sync_at = at;
}

/* splitmix64 (Steele, Lea, Flood 2014) */
static inline uint64_t fleet_chance(const struct fleet_world *world)
{
    uint64_t x = *world->chance += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static inline double fleet_draw(const struct fleet_world *world)
{
    return (double)(fleet_chance(world) >> 11) * 0x1p-53;
}

#endif /* CIRCUIT_FLEET_H */
