/* A hash of bytes under a key (SipHash-1-3, Aumasson and Bernstein 2012): who does not know the key cannot
 * make texts whose hashes collide. */
#ifndef HASH_H
#define HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint64_t low, high;
};

uint64_t hash_of(const struct hash_key *key, const char *bytes, size_t length);

#endif /* HASH_H */
