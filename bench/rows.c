/* Which rows there are, in the order in which they are printed, and what is asked of each. */
#include "bench.h"

#include <math.h>

static const char TOTALS[] = "256 (wished: 208) and 80 for the totals";

const struct bound rows[] = {
    {"pair_success", "ns", pair_success, JUDGE_BOTH, false, 3, 10, 2, JUDGE_RATIO, 3.2, NULL},
    {"pair_failure", "ns", pair_failure, JUDGE_RATIO, false, 3, NAN, 2, JUDGE_RATIO, NAN, NULL},
    {"refused", "ns", pair_refused, JUDGE_BOTH, false, 3, 6, 2, JUDGE_RATIO, 2.5, NULL},
    {"call_batch_1", "ns", batch_of_1, JUDGE_BOTH, false, 1.3, 200, 180, JUDGE_VALUE, 160,
     "limit: an empty turn"},
    {"call_batch_16", "ns", batch_of_16, JUDGE_VALUE, false, 40, NAN, 28, JUDGE_VALUE, 12,
     "limit: a bare deferred callback"},
    {"call_batch_256", "ns", batch_of_256, JUDGE_VALUE, false, 25, NAN, 15, JUDGE_VALUE, 2.6,
     "limit: a bare deferred callback"},
    {"mallocs_per_call", "calls", mallocs_per_call, JUDGE_VALUE, false, 0, NAN, NAN, JUDGE_VALUE,
     NAN, NULL},
    {"bytes_per_breaker_1k", "bytes", bytes_of_1k, JUDGE_VALUE, false, 336, NAN, 288, JUDGE_VALUE,
     NAN, TOTALS},
    {"bytes_per_breaker_1m", "bytes", bytes_of_1m, JUDGE_VALUE, false, 336, NAN, 288, JUDGE_VALUE,
     NAN, TOTALS},
    {"growth_1m", "ns", growth_to_1m, JUDGE_RATIO, false, 2, NAN, 1.5, JUDGE_RATIO, NAN,
     "limit: as many records of the same size"},
    {"two_loops", "times", loops_two, JUDGE_VALUE, true, 1.9, NAN, NAN, JUDGE_VALUE, NAN,
     "limit: two bare queues over one"},
    {"echo_share", "ns", echo_share, JUDGE_RATIO, false, 1.01, NAN, 1.005, JUDGE_RATIO, NAN,
     "limit: the same client, unguarded"},
    {"echo_guard_share", "ns", echo_guard_share, JUDGE_RATIO, false, 1.01, NAN, 1.005, JUDGE_RATIO,
     NAN, "the same by breaker_uv_write for each request"},
#ifdef BENCH_REDIS
    {"redis_call", "ns", redis_call, JUDGE_RATIO, false, 2, NAN, 1.05, JUDGE_RATIO, NAN,
     "limit: the same on no storage; sync_interval 10 ms"},
    {"redis_calls_per_s", "calls/s", redis_calls_per_s, JUDGE_VALUE, true, 1e6, NAN, 4e6,
     JUDGE_VALUE, NAN, "per second of CPU"},
    {"redis_transactions_per_call", "EVALSHA", redis_transactions, JUDGE_RATIO, false, 1.05, NAN,
     NAN, JUDGE_RATIO, NAN,
     "limit: 1 / (1 + calls/s x sync_interval); and <= 8 inner commands, 0 while idle, one a "
     "second while refusing"},
    {"redis_trip_p50_us", "us", redis_trip_p50, JUDGE_VALUE, false, 200, NAN, 120, JUDGE_VALUE, NAN,
     "from the trip in one panel to the first refusal in another"},
    {"redis_trip_p99_us", "us", redis_trip_p99, JUDGE_VALUE, false, 1000, NAN, 400, JUDGE_VALUE,
     NAN, NULL},
#endif
};

const size_t rows_count = sizeof rows / sizeof *rows;

void row_pairing(struct row *row, const struct pairing *pairing)
{
    row->value = pairing->value;
    row->limit = pairing->limit;
    row->ratio = pairing->ratio;
}

void row_extra(struct row *row, const char *name, double value)
{
    if (row->extra_count < EXTRAS_MAX) {
        row->extras[row->extra_count].name = name;
        row->extras[row->extra_count].value = value;
        row->extra_count++;
    }
}

void row_extra_at_most(struct row *row, const char *name, double value, double most)
{
    row_extra(row, name, value);
    row->is_over = row->is_over || value > most;
}

double row_slower(const struct row *row)
{
    double slower = row->limit / row->bound->set_at;

    return slower > 1 ? slower : 1; /* NAN too: as it stands */
}

static bool within(const struct bound *bound, double figure, double edge)
{
    return bound->at_least ? figure >= edge : figure <= edge;
}

bool row_holds(const struct row *row)
{
    const struct bound *bound = row->bound;

    if (row->is_over) {
        return false;
    }
    switch (bound->judged) {
    case JUDGE_VALUE:
        return within(bound, row->value, bound->must * row_slower(row));
    case JUDGE_RATIO:
        return within(bound, row->ratio, bound->must);
    case JUDGE_BOTH:
    default:
        return within(bound, row->ratio, bound->must) &&
               within(bound, row->value, bound->must_value * row_slower(row));
    }
}
