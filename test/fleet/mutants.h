/* Is every planted mistake caught? */
#ifndef MUTANTS_H
#define MUTANTS_H

/* Prints the table; returns how many were missed. */
unsigned mutants_run(void);

#endif /* MUTANTS_H */
