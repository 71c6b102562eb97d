/* How things are measured: clocks, medians of rounds run in turns, children whose memory goes back. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t clock_ns(clockid_t which)
{
    struct timespec at;

    clock_gettime(which, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

uint64_t measure_cpu(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t measure_wall(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

void measure_fail(const char *what, int status)
{
    fprintf(stderr, "bench: %s: %s\n", what, breaker_strerror(status));
    exit(2);
}

void measure_check(const char *what, int status)
{
    if (status != 0) {
        measure_fail(what, status);
    }
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

double measure_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_size);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

struct pairing measure_interleaved(unsigned rounds, measure_round ours, void *our_data,
                                   measure_round limit, void *limit_data)
{
    double *figures = calloc(rounds, 3 * sizeof *figures);

    if (figures == NULL) {
        measure_fail("calloc", UV_ENOMEM);
    }
    double *values = figures;
    double *limits = figures + rounds;
    double *ratios = figures + 2 * rounds;

    limit(limit_data); /* the first of each warms up, and is thrown away */
    ours(our_data);
    for (unsigned i = 0; i < rounds; i++) {
        if (i % 2) {
            limits[i] = limit(limit_data);
            values[i] = ours(our_data);
        } else {
            values[i] = ours(our_data);
            limits[i] = limit(limit_data);
        }
        ratios[i] = values[i] / limits[i];
    }
    struct pairing pairing = {measure_median(values, rounds), measure_median(limits, rounds),
                              measure_median(ratios, rounds)};

    free(figures);
    return pairing;
}

void measure_forked(measure_work work, void *data, double *figures, size_t count)
{
    size_t size = count * sizeof *figures;
    int ends[2];

    fflush(NULL);
    if (pipe(ends) != 0) {
        measure_fail("pipe", UV_EMFILE);
    }
    pid_t child = fork();
    if (child < 0) {
        measure_fail("fork", UV_EAGAIN);
    }
    if (child == 0) {
        work(data, figures);
        _exit(write(ends[1], figures, size) == (ssize_t)size ? 0 : 2);
    }
    close(ends[1]);
    ssize_t got = read(ends[0], figures, size);
    int status = 0;

    close(ends[0]);
    waitpid(child, &status, 0);
    if (status != 0 || got != (ssize_t)size) {
        measure_fail("a child process", UV_EIO);
    }
}

double measure_resident(void)
{
    /* Not statm: the kernel lets its figure lag by up to 64 pages. */
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    double bytes = -1;

    while (file != NULL && bytes < 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "Rss:", 4) == 0) {
            bytes = strtod(line + 4, NULL) * 1024;
        }
    }
    if (bytes < 0) {
        measure_fail("/proc/self/smaps_rollup", UV_EIO);
    }
    fclose(file);
    return bytes;
}
