/* What the two files of the row mallocs_per_call share. */
#ifndef BENCH_MALLOCS_H
#define BENCH_MALLOCS_H

#include "bench.h"

/* What one path allocates for each of its calls, once it has warmed up. */
typedef void (*run_path)(void *subject, uint64_t times);
double mallocs_of(run_path run, void *subject, uint64_t times);

/* The guards of libuv's requests, each an extra of the row. */
void mallocs_of_guards(uint64_t times, struct row *row,
                       void (*take)(struct row *row, const char *path, double mallocs));

#endif /* BENCH_MALLOCS_H */
