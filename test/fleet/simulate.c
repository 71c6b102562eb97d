/* The simulation as a program.
 *
 *   simulate SEED [STEPS]       chaos from a seed, and the digest of its trace
 *   simulate --many N [FIRST]   so many seeds
 *   simulate --scenarios [NAME] the situations that undid earlier protocols
 *   simulate --mutants          planted mistakes, and what catches them
 *   simulate --figures          detection, recovery, quorum, flapping, beside what was expected */
#include "chaos.h"
#include "figures.h"
#include "mutants.h"
#include "scenario.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sim sim;

static int one(uint64_t seed, uint64_t steps)
{
    chaos_run(&sim, seed, steps);
    printf("seed %" PRIu64 ": digest %016" PRIx64 ", %" PRIu64 " steps, %u processes, %" PRIu64
           " calls, %" PRIu64 " refused, %" PRIu64 " transitions, %" PRIu64 " taught, %u losses\n",
           seed, sim.digest, sim.steps, sim.count, sim.calls, sim.refused, sim.transitions,
           sim.taught, sim.store.losses);
    if (sim.wrong[0] != '\0')
        printf("%s\n", sim.wrong);
    sim_close(&sim);
    return sim.wrong[0] != '\0';
}

static int many(uint64_t count, uint64_t first)
{
    uint64_t bad = 0, steps = 0, taught = 0, digest = 0;

    for (uint64_t seed = first; seed < first + count; seed++) {
        chaos_run(&sim, seed, 0);
        steps += sim.steps;
        taught += sim.taught;
        digest = (digest ^ sim.digest) * UINT64_C(1099511628211);
        if (sim.wrong[0] != '\0')
            printf("seed %" PRIu64 ": %s\n", seed, sim.wrong);
        bad += sim.wrong[0] != '\0';
        sim_close(&sim);
    }
    printf("%" PRIu64 " seeds, %" PRIu64 " wrong; %" PRIu64
           " steps, %.2f taught per seed, digest %016" PRIx64 "\n",
           count, bad, steps, (double)taught / (double)count, digest);
    return bad > 0;
}

static int scenarios(const char *name)
{
    const struct scenario *s;
    int bad = 0;

    for (unsigned i = 0; (s = scenario_at(i)) != NULL; i++) {
        if (name != NULL && strcmp(name, s->name) != 0)
            continue;
        s->run(&sim);
        printf("%-20s %-48s %s%s%s\n", s->name, s->what, sim.figure,
               sim.wrong[0] != '\0' ? "\n    WRONG " : "", sim.wrong);
        fflush(stdout);
        bad += sim.wrong[0] != '\0';
    }
    return bad > 0;
}

static uint64_t number(const char *text)
{
    return strtoull(text, NULL, 10);
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "1", *next = argc > 2 ? argv[2] : NULL;

    if (strcmp(word, "--many") == 0)
        return many(next != NULL ? number(next) : 100, argc > 3 ? number(argv[3]) : 1);
    if (strcmp(word, "--scenarios") == 0)
        return scenarios(next);
    if (strcmp(word, "--mutants") == 0)
        return mutants_run() > 0;
    if (strcmp(word, "--figures") == 0)
        return figures_run();
    return one(number(word), next != NULL ? number(next) : 0);
}
