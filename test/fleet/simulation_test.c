/* The fleet in virtual time: chaos from several hundred seeds, the situations that undid earlier
 * protocols, and mistakes planted one by one, each of which must be caught. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "chaos.h"
#include "mutants.h"
#include "scenario.h"
#include <cmocka.h>
#include <string.h>

enum { PART = 50, TESTS = 128 }; /* and SEEDS, from the build */

static struct sim sim;

static void holds_through_chaos(void **state)
{
    uint64_t first = (uintptr_t)*state;

    for (uint64_t seed = first; seed < first + PART; seed++) {
        chaos_run(&sim, seed, 0);
        if (sim.wrong[0] != '\0')
            fail_msg("seed %llu: %s", (unsigned long long)seed, sim.wrong);
        sim_close(&sim);
    }
}

/* N16 */
static void same_seed_same_trace(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        uint64_t digest, steps;
        chaos_run(&sim, seed, 0);
        digest = sim.digest;
        steps = sim.steps;
        sim_close(&sim);
        chaos_run(&sim, seed, 0);
        assert_int_equal(sim.digest, digest);
        assert_int_equal(sim.steps, steps);
        sim_close(&sim);
    }
    chaos_run(&sim, 6, 0);
    sim_close(&sim);
}

/* All that decides, of all processes. */
static uint64_t all_of(const struct sim *s)
{
    uint64_t all = s->digest ^ s->steps << 32;

    for (unsigned i = 0; i < s->count; i++) {
        const struct proc *p = &s->procs[i];
        const struct tally_cell *cell = &p->fleet.tally.cell;
        const uint64_t parts[] = {cell->ok,       cell->failed, cell->bad,        p->admitted,
                                  p->refused,     p->late,      p->fleet.entries, p->fleet.asked,
                                  p->local.since, p->chance};
        for (unsigned j = 0; j < sizeof parts / sizeof *parts; j++)
            all = (all ^ parts[j]) * UINT64_C(1099511628211);
    }
    return all;
}

/* The short way through a turn leads where the step does. */
static void short_way_is_the_same(void **state)
{
    uint64_t plain = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= PART; seed++) {
        uint64_t all;
        sim_in_full = true;
        chaos_run(&sim, seed, 0);
        sim_in_full = false;
        assert_int_equal(sim.plain, 0);
        all = all_of(&sim);
        sim_close(&sim);
        chaos_run(&sim, seed, 0);
        assert_int_equal(all_of(&sim), all);
        plain += sim.plain;
        sim_close(&sim);
    }
    assert_true(plain > 10000);
}

static void plays_out(void **state)
{
    const struct scenario *s = *state;

    s->run(&sim);
    if (sim.wrong[0] != '\0')
        fail_msg("%s: %s", s->what, sim.wrong);
}

static void is_caught(void **state)
{
    assert_true(mutant_is_caught((unsigned)(uintptr_t)*state));
}

static struct CMUnitTest tests[TESTS];
static size_t count;

static void add(const char *name, CMUnitTestFunction test, void *state)
{
    assert_true(count < TESTS);
    tests[count++] = (struct CMUnitTest){name, test, NULL, NULL, state};
}

int main(void)
{
    const struct scenario *s;
    const char *name;

    add("same seed, same trace", same_seed_same_trace, NULL);
    add("the short way is the same", short_way_is_the_same, NULL);
    for (uintptr_t first = 1; first < SEEDS; first += PART)
        add("chaos", holds_through_chaos, (void *)first);
    for (unsigned i = 0; (s = scenario_at(i)) != NULL; i++)
        add(s->name, plays_out, (void *)(uintptr_t)s);
    for (unsigned i = 0; (name = mutant_name(i)) != NULL; i++)
        add(name, is_caught, (void *)(uintptr_t)i);
    return _cmocka_run_group_tests("fleet simulation", tests, count, NULL, NULL);
}
