/* What the families of rows share: the clock, interleaved rounds, and what a row says. */
#ifndef BENCH_H
#define BENCH_H

#include <breaker.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <uv.h>

/* ---- How a row is measured (measure.c) ---------------------------------------------------------*/

struct effort {
    bool quick; /* a smoke run: every row, tiny, its figures mean nothing */
};

/* Nanoseconds of CPU that this thread has used: what others do on the same cores does not count. */
uint64_t measure_cpu(void);
uint64_t measure_wall(void);

double measure_median(double *values, size_t count); /* sorts them */

/* One round: does its work and says what one piece of it cost. */
typedef double (*measure_round)(void *data);

struct pairing {
    double value; /* median of the rounds of ours */
    double limit; /* median of the rounds of the limit */
    double ratio; /* median of the ratios of neighbouring rounds */
};

/* Runs ours and the limit in turns, so that whatever slows the machine slows both. */
struct pairing measure_interleaved(unsigned rounds, measure_round ours, void *our_data,
                                   measure_round limit, void *limit_data);

/* Runs work in a child process and hands back the figures that it wrote, so that its memory goes
 * back to the system and starts out clean. */
typedef void (*measure_work)(void *data, double *figures);
void measure_forked(measure_work work, void *data, double *figures, size_t count);

/* Resident bytes of this process. */
double measure_resident(void);

/* What cannot be measured ends the program: a bench that goes on after a fault tells lies. */
void measure_fail(const char *what, int status) __attribute__((noreturn));
void measure_check(const char *what, int status); /* fails unless 0 */

/* ---- Rows (rows.c, report.c) -------------------------------------------------------------------*/

#define EXTRAS_MAX 16

struct extra {
    const char *name;
    double value;
};

struct row {
    const struct bound *bound;
    double value;
    double limit; /* NAN: there is none */
    double ratio; /* NAN: there is none */
    struct extra extras[EXTRAS_MAX];
    unsigned extra_count;
    bool is_over; /* an extra is more than it must be */
};

/* Which figure of a row must keep within its bounds. */
enum judged { JUDGE_VALUE, JUDGE_RATIO, JUDGE_BOTH };

struct bound {
    const char *name;
    const char *unit;
    void (*run)(const struct effort *effort, struct row *row);
    enum judged judged;
    bool at_least;     /* the bounds are floors */
    double must;       /* of the judged figure; with JUDGE_BOTH, of the ratio */
    double must_value; /* with JUDGE_BOTH, of the value */
    double wished;     /* NAN: nothing is */
    enum judged wished_of;
    double
        set_at; /* the limit on the machine for which a bound in ns was set; NAN: it is of none */
    const char *note; /* NULL: nothing to say */
};

extern const struct bound rows[];
extern const size_t rows_count;

void row_pairing(struct row *row, const struct pairing *pairing);
void row_extra(struct row *row, const char *name, double value);
void row_extra_at_most(struct row *row, const char *name, double value, double most);
bool row_holds(const struct row *row);

/* A bound in ns, for this machine: as much slower as the limit is here. */
double row_slower(const struct row *row);

void report_head(void);
void report_row(const struct row *row);             /* a line for people, on stdout */
int report_json(const struct row *row, FILE *file); /* a line for programs */
void report_foot(const struct effort *effort);
void report_markdown_head(void); /* the same for the README */
void report_markdown_row(const struct row *row);

/* ---- Families ----------------------------------------------------------------------------------*/

void pair_success(const struct effort *effort, struct row *row);
void pair_failure(const struct effort *effort, struct row *row);
void pair_refused(const struct effort *effort, struct row *row);
void batch_of_1(const struct effort *effort, struct row *row);
void batch_of_16(const struct effort *effort, struct row *row);
void batch_of_256(const struct effort *effort, struct row *row);
void mallocs_per_call(const struct effort *effort, struct row *row);
void bytes_of_1k(const struct effort *effort, struct row *row);
void bytes_of_1m(const struct effort *effort, struct row *row);
void growth_to_1m(const struct effort *effort, struct row *row);
void loops_two(const struct effort *effort, struct row *row);
void echo_share(const struct effort *effort, struct row *row);
void echo_guard_share(const struct effort *effort, struct row *row);
void redis_call(const struct effort *effort, struct row *row);
void redis_calls_per_s(const struct effort *effort, struct row *row);
void redis_transactions(const struct effort *effort, struct row *row);
void redis_trip_p50(const struct effort *effort, struct row *row);
void redis_trip_p99(const struct effort *effort, struct row *row);

/* The counting allocator (mallocs_counted.c): calls of malloc and its kin so far, by any thread. */
uint64_t mallocs_counted(void);

/* ---- Workloads that more than one family runs --------------------------------------------------*/

enum pair_kind { PAIR_SUCCESS, PAIR_FAILURE, PAIR_REFUSED };

/* A loop, a panel on it, a policy and one breaker in the state that the kind wants. */
struct pair {
    enum pair_kind kind;
    uv_loop_t loop;
    breaker_panel_t *panel;
    breaker_policy_t *policy;
    breaker_t *breaker;
};

void pair_open(struct pair *pair, enum pair_kind kind);
void pair_run(struct pair *pair, uint64_t times);
void pair_close(struct pair *pair);

/* size calls in each turn of the loop, begun before it polls. */
struct batch {
    bool later;           /* each is finished by the start of the next, not by its own */
    breaker_call_t *open; /* with later: started, and to be finished */
    unsigned starts;      /* with later: in this turn */
    breaker_call_t held;  /* with later, and one call in a turn: under way all the time */
    uv_loop_t loop;
    uv_prepare_t turn; /* begins them */
    breaker_panel_t *panel;
    breaker_policy_t *policy; /* the caller's to destroy */
    breaker_t *breaker;
    breaker_call_t *calls;
    unsigned size;
    unsigned under_way;
    uint64_t left;
    uint64_t refused;
};

breaker_policy_t *batch_policy(void);
void batch_open(struct batch *batch, breaker_policy_t *policy, unsigned size);
/* The same on a storage that make makes for the batch's loop (NULL: on none). */
typedef struct breaker_storage_s *(*batch_storage)(uv_loop_t *loop, void *data);
void batch_open_on(struct batch *batch, breaker_policy_t *policy, unsigned size, batch_storage make,
                   void *data);
void batch_run(struct batch *batch, uint64_t times);
/* How many turns of the loop a batch takes: one, unless start and done fall apart. */
double batch_turns(struct batch *batch);
void batch_close(struct batch *batch);

/* Ends the panel of a loop and closes the loop. */
void panel_close(breaker_panel_t *panel, uv_loop_t *loop);

#endif /* BENCH_H */
