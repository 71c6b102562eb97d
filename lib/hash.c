/* SipHash: one round for each word of eight bytes, three at the end. */
#include "hash.h"
#include <string.h>

struct sip {
    uint64_t a, b, c, d;
};

static inline uint64_t turn_left(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static inline void mix(struct sip *s)
{
    s->a += s->b;
    s->c += s->d;
    s->b = turn_left(s->b, 13) ^ s->a;
    s->d = turn_left(s->d, 16) ^ s->c;
    s->a = turn_left(s->a, 32);
    s->c += s->b;
    s->a += s->d;
    s->b = turn_left(s->b, 17) ^ s->c;
    s->d = turn_left(s->d, 21) ^ s->a;
    s->c = turn_left(s->c, 32);
}

static inline void absorb(struct sip *s, uint64_t word)
{
    s->d ^= word;
    mix(s);
    s->a ^= word;
}

/* The first byte is the lowest. */
static inline uint64_t word_of(const char *bytes, size_t count)
{
    uint64_t word = 0;

    for (size_t i = 0; i < count; i++)
        word |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
    return word;
}

uint64_t hash_of(const struct hash_key *key, const char *bytes, size_t length)
{
    struct sip s = {
        key->low ^ UINT64_C(0x736f6d6570736575), key->high ^ UINT64_C(0x646f72616e646f6d),
        key->low ^ UINT64_C(0x6c7967656e657261), key->high ^ UINT64_C(0x7465646279746573)};
    size_t whole = length & ~(size_t)7;

    for (size_t i = 0; i < whole; i += 8)
        absorb(&s, word_of(bytes + i, 8));
    absorb(&s, word_of(bytes + whole, length - whole) | (uint64_t)length << 56);
    s.c ^= 0xff;
    mix(&s);
    mix(&s);
    mix(&s);
    return s.a ^ s.b ^ s.c ^ s.d;
}
