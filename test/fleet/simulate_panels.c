/* The chaos of real panels as a program.
 *
 *   simulate_panels SEED             one seed, and the digest of its trace
 *   simulate_panels --many N [FIRST] so many seeds */
#include "panels_chaos.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct panels all;

static uint64_t number(const char *text)
{
    return strtoull(text, NULL, 10);
}

int main(int argc, char **argv)
{
    bool many = argc > 1 && strcmp(argv[1], "--many") == 0;
    uint64_t count = 1, first = argc > 1 ? number(argv[1]) : 1, bad = 0, steps = 0;

    if (many) {
        count = argc > 2 ? number(argv[2]) : 100;
        first = argc > 3 ? number(argv[3]) : 1;
    }
    for (uint64_t seed = first; seed < first + count; seed++) {
        panels_chaos(&all, seed);
        steps += all.steps;
        bad += all.wrong[0] != '\0';
        if (!many)
            printf("seed %" PRIu64 ": digest %016" PRIx64 ", %u panels, %" PRIu64 " calls, %" PRIu64
                   " refused, %" PRIu64 " taught\n",
                   seed, all.digest, all.count, all.calls, all.refused, all.taught);
        if (all.wrong[0] != '\0')
            printf("seed %" PRIu64 ": %s\n", seed, all.wrong);
    }
    printf("%" PRIu64 " seeds, %" PRIu64 " wrong; %" PRIu64 " steps\n", count, bad, steps);
    return bad > 0;
}
