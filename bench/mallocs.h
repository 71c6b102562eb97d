/* What the files of the row mallocs_per_call share, and the tests of what the guards allocate. */
#ifndef BENCH_MALLOCS_H
#define BENCH_MALLOCS_H

#include "bench.h"

#ifdef SANITIZED
#define MALLOCS_WRAPPED 0 /* a sanitizer has wrappers of its own */
#else
#define MALLOCS_WRAPPED 1
#endif

/* Does the wrapping work? Under valgrind, say, it need not. */
bool mallocs_are_counted(void);

/* What one path allocates for each of its calls, once it has warmed up. */
typedef void (*run_path)(void *subject, uint64_t times);
double mallocs_of(run_path run, void *subject, uint64_t times);

/* The guards of libuv's requests, each an extra of the row. */
void mallocs_of_guards(uint64_t times, struct row *row,
                       void (*take)(struct row *row, const char *path, double mallocs));

#endif /* BENCH_MALLOCS_H */
