/* Mistakes, planted for the tests that must find them: FLEET_MUTANTS is defined in their build only. */
#ifndef CIRCUIT_MUTANT_H
#define CIRCUIT_MUTANT_H

#ifdef FLEET_MUTANTS
extern int fleet_mutant; /* which; 0: none */
#define MUTANT(number) (fleet_mutant == (number))
#else
#define MUTANT(number) 0
#endif

#endif /* CIRCUIT_MUTANT_H */
