/* The evidence of a fleet, by buckets of the storage's clock: what the storage last said, what is on its
 * way there, and what is still to be sent. In RECOVERING there is one bucket, number 0. */
#ifndef CIRCUIT_TALLY_H
#define CIRCUIT_TALLY_H

#include "circuit/rules.h"

enum { TALLY_BUCKETS = 10, TALLY_BATCHES = 3 };

/* A fleet's buckets: those of the policy, but no more than ten, and no less than the window. */
struct tally_shape {
    uint64_t width; /* ms */
    uint64_t count;
    uint64_t grace; /* how long after its end stragglers come for a bucket, ms */
};

struct tally_shape tally_shape(const breaker_options_t *options, uint64_t grace);

/* Results of a bucket, or of one process in it, which is a cell. */
struct tally_cell {
    uint32_t ok, failed, slow;
    uint16_t reporters; /* cells */
    int16_t bad;        /* cells that are failing by themselves, however many results they have */
};

/* What is to be added to a bucket of the storage. */
struct tally_batch {
    uint64_t bucket;
    struct tally_cell more; /* all 0: not in use */
};

struct tally {
    uint64_t newest;        /* bucket in the ring */
    uint64_t first;         /* before this one there was nothing */
    uint64_t mine;          /* the bucket of my cell */
    uint64_t reported;      /* the newest bucket in which this process was counted, plus 1 */
    struct tally_cell cell; /* mine: reporters and bad are 0 or 1 */
    struct tally_cell ring[TALLY_BUCKETS];
    struct tally_batch unsent[TALLY_BATCHES], sent[TALLY_BATCHES];
    uint8_t open; /* the batch of my newest bucket, if one is: see tally_is_open */
    uint8_t known[TALLY_BUCKETS];
    bool is_read[TALLY_BUCKETS]; /* just now: not to be asked for twice */
};

static inline bool tally_is_empty(const struct tally_cell *c)
{
    return (c->ok | c->failed | c->slow | c->reporters | (uint16_t)c->bad) == 0;
}

/* Of the window, or of RECOVERING. */
struct tally_sums {
    breaker_counts_t counts;
    uint32_t reporters, bad;
    uint16_t most_reporters, most_bad; /* in one bucket */
};

/* Afresh; first: the bucket in which it began. */
void tally_clear(struct tally *tally, uint64_t first, uint64_t newest);

/* The number of buckets changes, their width does not: what others said is read anew, what is mine stays. */
void tally_reshape(struct tally *tally);

/* Moves on to the bucket of now; on a clock that stepped back, back to it, and afresh. */
void tally_roll(struct tally *tally, const struct tally_shape *shape, uint64_t bucket);

/* A result of mine, into the newest bucket; and then whether my cell is failing now. */
void tally_count(struct tally *tally, const struct tally_shape *shape, bool failed, bool slow);
void tally_mark(struct tally *tally, bool is_bad);

/* Is there a batch for my newest bucket, so that one more success is but one more in it? */
static inline bool tally_is_open(const struct tally *t)
{
    return t->mine == t->newest && t->unsent[t->open].bucket == t->mine &&
           !tally_is_empty(&t->unsent[t->open].more);
}

/* That success, while the bucket is the newest: see fleet_is_plain. */
static inline void tally_count_plainly(struct tally *t)
{
    t->cell.ok++;
    t->unsent[t->open].more.ok++;
}

/* Adds what is unsent to what the storage said: nothing is sent at all. */
void tally_keep(struct tally *tally, const struct tally_shape *shape);

void tally_sum(const struct tally *tally, const struct tally_shape *shape, struct tally_sums *sums);

/* Is every bucket before the newest known, but for stragglers? wall: the storage's clock. */
bool tally_is_complete(const struct tally *tally, const struct tally_shape *shape, uint64_t wall);

bool tally_has_unsent(const struct tally *tally);
void tally_send(struct tally *tally, const struct tally_shape *shape);
bool tally_is_sent(const struct tally *tally);
void tally_lose(
    struct tally *tally); /* of unknown fate: dropped, so that nothing is counted twice */

/* Which bucket to read next, below *bucket: one that is not known as well as it could be. thorough: any
 * that a decision may need; otherwise only the last one, once, when stragglers have come. */
bool tally_wants(struct tally *tally, const struct tally_shape *shape, uint64_t wall, bool thorough,
                 uint64_t *bucket);

/* What was asked for did not come. */
void tally_unread(struct tally *tally);

/* The storage said so of a bucket when its clock was wall. */
void tally_hear(struct tally *tally, const struct tally_shape *shape, uint64_t bucket,
                const struct tally_cell *cell, uint64_t wall);

/* A cell as the two numbers that the storage keeps of it. */
int64_t tally_pack_results(const struct tally_cell *cell);
int64_t tally_pack_cells(const struct tally_cell *cell); /* and slow results */
struct tally_cell tally_unpack(int64_t results, int64_t cells);

#endif /* CIRCUIT_TALLY_H */
