/* Mistakes, planted for the tests that must find them (test/fleet/mutants.c says what each is): FLEET_MUTANTS is
 * defined in their build only. */
#ifndef CIRCUIT_MUTANT_H
#define CIRCUIT_MUTANT_H

#ifdef FLEET_MUTANTS

enum {
    MUTANT_ADOPT_ANYTHING = 1,
    MUTANT_TEACH_TENTATIVE = 2,
    MUTANT_EPOCH_PLUS_ONE = 3,
    MUTANT_NO_GUARD = 4,
    MUTANT_END_BY_CLOCK = 5,
    MUTANT_END_BY_CLAMPED_CLOCK = 6,
    MUTANT_RAMP_BY_CLOCK = 7,
    MUTANT_CLOCK_NEVER_BACK = 8,
    MUTANT_SEND_AGAIN = 9,
    MUTANT_ONE_BATCH = 10,
    MUTANT_COUNT_LATE = 11,
    MUTANT_NO_LOCAL = 12,
    MUTANT_NO_QUORUM = 13,
    MUTANT_SOLE_REPORTER = 14,
    MUTANT_FLOOR_OF_EACH = 15,
    MUTANT_NO_CAP = 16,
    MUTANT_WINDOWED_RECOVERY = 17,
    MUTANT_LEASE_NO_GUARD = 19,
    MUTANT_LEASE_BY_LIFE = 20,
    MUTANT_BACKOFF_ANEW = 21,
    MUTANT_ABSENT_IS_PASSING = 22,
    MUTANT_TEACH_BY_EPOCH = 23,
    MUTANT_ANY_CONTACT = 24,
    MUTANT_DEADLINES_FIRST = 26,
    MUTANT_NEVER_READ = 27,
};

extern int fleet_mutant; /* which; 0: none */
#define MUTANT(name) (fleet_mutant == MUTANT_##name)

#else
#define MUTANT(name) 0
#endif

#endif /* CIRCUIT_MUTANT_H */
