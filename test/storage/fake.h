/* A storage for tests, which is late, silent, wrong or gone when told to be, in virtual time.
 *
 * With every switch off it is a storage in good health. Time stands still but for fake_advance; what
 * becomes due is carried out there, in order, and completes from the client's loop in its next turn
 * (a loop turns only while something keeps it alive). For one thread.
 */
#ifndef FAKE_H
#define FAKE_H

#include <breaker/storage.h>
#include <stdbool.h>

/* What may befall a transaction, beside delays. */
enum fake_fault {
    FAKE_FINE,
    FAKE_SILENT,     /* the request is lost: not carried out, never completes */
    FAKE_REPLY_LOST, /* carried out, never completes */
    FAKE_AGAIN,      /* not carried out, completes with UV_EAGAIN */
    FAKE_REFUSED,    /* not carried out, completes with UV_EINVAL */
    FAKE_RESET,      /* carried out, and completes with UV_ECONNRESET all the same */
    FAKE_PARTIAL,    /* a part of the verbs carried out, completes with UV_ECONNRESET */
    FAKE_GARBAGE,    /* carried out, but what it answers is noise */
    FAKE_FAULTS
};

/* All off (0) at first, but bell_times, which is 1. Set them whenever you like. */
struct fake_switches {
    uint64_t request; /* ms until a transaction is carried out */
    uint64_t reply;   /* ms from there until it completes */
    uint64_t
        jitter;   /* up to so many ms more for each, by chance: transactions overtake each other */
    bool outside; /* completes from the loop, never inside submit */
    double chance
        [FAKE_FAULTS];   /* of each fault, for each transaction; of FAKE_FINE it means nothing */
    unsigned bell_times; /* each bell is heard so many times; 0: never */
    int open_error;      /* open fails with it */
};

struct fake_totals {
    unsigned submitted;
    unsigned carried_out; /* also in part, also after a cancel */
    unsigned completed;
    unsigned cancelled;
    unsigned ears;                /* that clients have */
    unsigned faults[FAKE_FAULTS]; /* how many met each */
};

struct fake;

/* seed: the same one gives the same faults in the same order. NULL: no memory. */
struct fake *fake_create(uint64_t seed);
void fake_destroy(struct fake *fake); /* when its clients are closed */

breaker_storage_t *fake_storage(struct fake *fake);
struct fake_switches *fake_switches(struct fake *fake);
const struct fake_totals *fake_totals(const struct fake *fake);

/* The virtual clock, in ms, and the wall clock that the storage tells: the same, until it is stepped. */
uint64_t fake_now(const struct fake *fake);
void fake_advance(struct fake *fake, uint64_t ms);
void fake_step_wall(struct fake *fake, int64_t ms);

/* The next so many transactions meet this, whatever the chances say. */
void fake_next(struct fake *fake, enum fake_fault fault, unsigned count);

/* The storage goes: what is pending and what is submitted ends with UV_ECONNRESET, and clients are told
 * of their health from the loop. It comes back, with its keys or without. */
void fake_go(struct fake *fake);
void fake_come_back(struct fake *fake);
void fake_lose_keys(struct fake *fake);

/* Transactions that have neither completed nor been cancelled. */
unsigned fake_pending(const struct fake *fake);

#endif /* FAKE_H */
