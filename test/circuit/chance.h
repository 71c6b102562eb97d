/* Chance from a seed: the same on every machine. */
#ifndef CHANCE_H
#define CHANCE_H

#include <stdint.h>

struct chance {
    uint64_t state;
};

/* A counter, mixed. */
static inline uint64_t chance_next(struct chance *chance)
{
    uint64_t x = chance->state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* Of 0 .. limit - 1; 0 where limit is 0. */
static inline uint64_t chance_below(struct chance *chance, uint64_t limit)
{
    return limit > 0 ? chance_next(chance) % limit : 0;
}

/* From [0, 1). */
static inline double chance_draw(struct chance *chance)
{
    return (double)(chance_next(chance) >> 11) * 0x1p-53;
}

#endif /* CHANCE_H */
