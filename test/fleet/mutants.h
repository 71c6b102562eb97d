/* Is every planted mistake caught? */
#ifndef MUTANTS_H
#define MUTANTS_H

#include <stdbool.h>

/* Prints the table; returns how many were missed. */
unsigned mutants_run(void);

/* By number, from 0; NULL: there are no more. */
const char *mutant_name(unsigned number);
bool mutant_is_caught(unsigned number);

#endif /* MUTANTS_H */
