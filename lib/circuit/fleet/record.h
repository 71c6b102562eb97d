/* The record of a fleet's circuit: what all its processes agree on, as a line of text in the storage. */
#ifndef CIRCUIT_RECORD_H
#define CIRCUIT_RECORD_H

#include <breaker/storage.h>
#include <stdbool.h>
#include <string.h>

/* Of one transition, in the order (epoch, nonce). One with epoch 0 is none: PASSING, and never written. */
struct record {
    uint64_t
        epoch; /* one more than that of the record it replaced, or the storage's ms if that is more */
    uint64_t since; /* when, by the storage's clock, ms */
    uint32_t nonce;
    uint32_t writer;           /* who made it: a number that a process draws for itself */
    uint32_t duration;         /* of this or the last BROKEN, jitter and backoff in it */
    uint32_t recovery_time;    /* the writer's */
    uint32_t ok, failed, slow; /* why: the numbers at the transition */
    int32_t error;             /* and the status of the last failure */
    uint16_t reporters;        /* processes that reported at the trip, at least 1 */
    uint16_t policy;           /* a hash of what the writer's policy says */
    uint8_t state, hold;
    uint8_t trips; /* consecutive ones */
    uint8_t spare; /* 0, so that equal records are equal bytes here too */
};

/* Brings the numbers of a new record into what the text can hold. */
void record_trim(struct record *record);

enum { RECORD_TEXT = 128 }; /* bytes of the longest */

/* Writes it to text, of RECORD_TEXT bytes; returns the length. */
uint16_t record_write(const struct record *record, char *text);

/* False: these bytes are none of record_write's. */
bool record_read(struct record *record, const char *text, size_t length);

/* Which is newer: negative, 0 or positive, as memcmp. */
int record_compare(const struct record *a, const struct record *b);

/* Are they the same in every byte? */
static inline bool record_same(const struct record *a, const struct record *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

#endif /* CIRCUIT_RECORD_H */
