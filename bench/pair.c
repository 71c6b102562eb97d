/* The rows of breaker_try_acquire and breaker_report: a success, a failure, a refusal, each beside the
 * tightest ring that does the same. */
#include "bench.h"
#include "limit.h"

#include <math.h>

#define DAY 86400000u
#define CHUNK 1000 /* calls between two looks at the clock, as a loop that works has */

void panel_close(breaker_panel_t *panel, uv_loop_t *loop)
{
    measure_check("breaker_panel_destroy", breaker_panel_destroy(panel, NULL));
    uv_run(loop, UV_RUN_DEFAULT);
    measure_check("uv_loop_close", uv_loop_close(loop));
}

static breaker_policy_t *policy_of(enum pair_kind kind)
{
    breaker_options_t options;
    breaker_policy_t *policy = NULL;
    const char *bad = NULL;

    breaker_options_init(&options);
    if (kind == PAIR_FAILURE) {
        options.error_ratio = 1.0; /* looked at each time, and kept from tripping by a success */
    }
    if (kind == PAIR_REFUSED) {
        options.broken_time = DAY;
    }
    measure_check("breaker_policy_create", breaker_policy_create(&policy, &options, &bad));
    return policy;
}

void pair_open(struct pair *pair, enum pair_kind kind)
{
    pair->kind = kind;
    pair->policy = policy_of(kind);
    measure_check("uv_loop_init", uv_loop_init(&pair->loop));
    measure_check("breaker_panel_create", breaker_panel_create(&pair->panel, &pair->loop, NULL));
    measure_check("breaker_create",
                  breaker_create(&pair->breaker, pair->panel, "upstream", pair->policy));
    if (kind == PAIR_REFUSED) {
        measure_check("breaker_trip", breaker_trip(pair->breaker, NULL, NULL));
    }
}

void pair_close(struct pair *pair)
{
    panel_close(pair->panel, &pair->loop);
    breaker_policy_destroy(pair->policy);
}

static int report_some(breaker_t *breaker, breaker_outcome_t outcome, unsigned times)
{
    breaker_permit_t permit;
    int status = outcome == BREAKER_FAILURE ? UV_ECONNRESET : 0;
    int wrong = 0;

    for (unsigned i = 0; i < times; i++) {
        wrong |= breaker_try_acquire(breaker, &permit);
        wrong |= breaker_report(breaker, &permit, outcome, status);
    }
    return wrong;
}

static int be_refused(breaker_t *breaker, unsigned times)
{
    breaker_permit_t permit;
    int wrong = 0;

    for (unsigned i = 0; i < times; i++) {
        wrong |= breaker_try_acquire(breaker, &permit) ^ BREAKER_EREJECTED;
    }
    return wrong;
}

void pair_run(struct pair *pair, uint64_t times)
{
    int wrong = 0;

    for (uint64_t done = 0; done < times; done += CHUNK) {
        uv_update_time(&pair->loop);
        switch (pair->kind) {
        case PAIR_SUCCESS:
            wrong |= report_some(pair->breaker, BREAKER_SUCCESS, CHUNK);
            break;
        case PAIR_FAILURE:
            wrong |= report_some(pair->breaker, BREAKER_SUCCESS, 1);
            wrong |= report_some(pair->breaker, BREAKER_FAILURE, CHUNK - 1);
            break;
        case PAIR_REFUSED:
            wrong |= be_refused(pair->breaker, CHUNK);
            break;
        }
    }
    if (wrong) {
        measure_fail("a pair went another way than meant", wrong);
    }
}

/* ---- The limit's side --------------------------------------------------------------------------*/

struct limit_pair {
    enum pair_kind kind;
    uv_loop_t loop;
    struct limit limit;
};

static void limit_pair_open(struct limit_pair *pair, enum pair_kind kind)
{
    pair->kind = kind;
    measure_check("uv_loop_init", uv_loop_init(&pair->loop));
    limit_init(&pair->limit, &pair->loop, kind == PAIR_FAILURE ? 1.0 : 0.5);
    if (kind == PAIR_REFUSED) {
        pair->limit.broken_until = uv_now(&pair->loop) + DAY;
    }
}

static int limit_some(struct limit *limit, bool failed, unsigned times)
{
    uint64_t permit;
    int wrong = 0;

    for (unsigned i = 0; i < times; i++) {
        wrong |= limit_admit(limit, &permit);
        wrong |= limit_record(limit, &permit, failed);
    }
    return wrong;
}

static int limit_be_refused(struct limit *limit, unsigned times)
{
    uint64_t permit;
    int wrong = 0;

    for (unsigned i = 0; i < times; i++) {
        wrong |= limit_admit(limit, &permit) ^ -1;
    }
    return wrong;
}

static void limit_pair_run(struct limit_pair *pair, uint64_t times)
{
    int wrong = 0;

    for (uint64_t done = 0; done < times; done += CHUNK) {
        uv_update_time(&pair->loop);
        switch (pair->kind) {
        case PAIR_SUCCESS:
            wrong |= limit_some(&pair->limit, false, CHUNK);
            break;
        case PAIR_FAILURE:
            wrong |= limit_some(&pair->limit, false, 1);
            wrong |= limit_some(&pair->limit, true, CHUNK - 1);
            break;
        case PAIR_REFUSED:
            wrong |= limit_be_refused(&pair->limit, CHUNK);
            break;
        }
    }
    if (wrong) {
        measure_fail("a limit went another way than meant", UV_EINVAL);
    }
}

/* ---- Rows --------------------------------------------------------------------------------------*/

#define ROUND 200000

static double our_round(void *data)
{
    uint64_t from = measure_cpu();

    pair_run(data, ROUND);
    return (double)(measure_cpu() - from) / ROUND;
}

static double limit_round(void *data)
{
    uint64_t from = measure_cpu();

    limit_pair_run(data, ROUND);
    return (double)(measure_cpu() - from) / ROUND;
}

static void pair_row(const struct effort *effort, struct row *row, enum pair_kind kind)
{
    struct pair ours;
    struct limit_pair limit;

    pair_open(&ours, kind);
    limit_pair_open(&limit, kind);
    struct pairing pairing =
        measure_interleaved(effort->quick ? 5 : 301, our_round, &ours, limit_round, &limit);

    row_pairing(row, &pairing);
    pair_close(&ours);
    uv_loop_close(&limit.loop);
}

void pair_success(const struct effort *effort, struct row *row)
{
    pair_row(effort, row, PAIR_SUCCESS);
}

void pair_failure(const struct effort *effort, struct row *row)
{
    pair_row(effort, row, PAIR_FAILURE);
}

void pair_refused(const struct effort *effort, struct row *row)
{
    pair_row(effort, row, PAIR_REFUSED);
}
