/* The rows of memory: what a breaker costs in resident bytes, and what a million of them do to the
 * processor's caches. */
#include "bench.h"
#include "limit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PANELS 64 /* of a thousand breakers each, to see through the grain of pages */

struct crowd {
    unsigned panels;
    unsigned breakers; /* on each panel */
};

struct house {
    uv_loop_t loop;
    breaker_panel_t *panel;
};

static const char *host_name(char *name, size_t size, unsigned number)
{
    snprintf(name, size, "host-%06u.example", number % 1000000);
    return name;
}

static breaker_policy_t *plain_policy(void)
{
    breaker_options_t options;
    breaker_policy_t *policy = NULL;
    const char *bad = NULL;

    breaker_options_init(&options); /* ten buckets and a ratio rule */
    measure_check("breaker_policy_create", breaker_policy_create(&policy, &options, &bad));
    return policy;
}

static void populate(breaker_panel_t *panel, breaker_policy_t *policy, unsigned count,
                     breaker_t **breakers)
{
    char name[64];

    for (unsigned i = 0; i < count; i++) {
        breaker_t *breaker = NULL;

        measure_check("breaker_create",
                      breaker_create(&breaker, panel, host_name(name, sizeof name, i), policy));
        if (breakers != NULL) {
            breakers[i] = breaker;
        }
    }
}

enum { RESIDENT, ALLOCATIONS, LIMIT_RESIDENT, BYTES_FIGURES };

/* The limit's breaker: the tight ring, its name, and two links to be found by. */
struct named_limit {
    struct named_limit *links[2];
    struct limit limit;
    char name[];
};

static double limit_resident(double total)
{
    char name[64];
    double before = measure_resident();
    struct named_limit *all = NULL;

    for (unsigned i = 0; i < total; i++) {
        host_name(name, sizeof name, i);
        struct named_limit *one = calloc(1, sizeof *one + strlen(name) + 1);

        if (one == NULL) {
            measure_fail("calloc", UV_ENOMEM);
        }
        strcpy(one->name, name);
        one->links[0] = all;
        all = one;
    }
    return (measure_resident() - before) / total;
}

static void measure_crowd(void *data, double *figures)
{
    const struct crowd *crowd = data;
    breaker_policy_t *policy = plain_policy();
    struct house *houses = calloc(crowd->panels, sizeof *houses);
    double total = (double)crowd->panels * crowd->breakers;

    if (houses == NULL) {
        measure_fail("calloc", UV_ENOMEM);
    }
    for (unsigned i = 0; i < crowd->panels; i++) {
        measure_check("uv_loop_init", uv_loop_init(&houses[i].loop));
        measure_check("breaker_panel_create",
                      breaker_panel_create(&houses[i].panel, &houses[i].loop, NULL));
    }
    double resident = measure_resident();
    uint64_t mallocs = mallocs_counted();

    for (unsigned i = 0; i < crowd->panels; i++) {
        populate(houses[i].panel, policy, crowd->breakers, NULL);
    }
    figures[ALLOCATIONS] = (double)(mallocs_counted() - mallocs) / total;
    figures[RESIDENT] = (measure_resident() - resident) / total;
    figures[LIMIT_RESIDENT] = limit_resident(total);
}

static void bytes_row(struct row *row, unsigned panels, unsigned breakers)
{
    struct crowd crowd = {panels, breakers};
    double figures[BYTES_FIGURES];

    measure_forked(measure_crowd, &crowd, figures, BYTES_FIGURES);
    row->value = figures[RESIDENT];
    row->limit = figures[LIMIT_RESIDENT];
    row->ratio = row->value / row->limit;
    row_extra(row, "allocations", figures[ALLOCATIONS]);
    row_extra(row, "breakers", breakers);
}

void bytes_of_1k(const struct effort *effort, struct row *row)
{
    bytes_row(row, effort->quick ? 2 : PANELS, 1000);
}

void bytes_of_1m(const struct effort *effort, struct row *row)
{
    bytes_row(row, 1, effort->quick ? 10000 : 1000000);
}

/* ---- A call on a random one of a million -------------------------------------------------------*/

/* Both sides walk a shuffled list of pointers, so that the only memory to wait for is the record's. */
struct walk {
    uv_loop_t *loop;
    void **records;
    unsigned count;
    unsigned at;
    unsigned stride; /* pieces of work in a round */
};

static void shuffle(void **records, unsigned count)
{
    uint64_t state = 0x9e3779b97f4a7c15u;

    for (unsigned i = count - 1; i > 0; i--) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        unsigned other = (unsigned)(state % (i + 1));
        void *record = records[i];

        records[i] = records[other];
        records[other] = record;
    }
}

static unsigned begin_round(struct walk *walk)
{
    if (walk->at + walk->stride > walk->count) {
        walk->at = 0;
    }
    walk->at += walk->stride;
    uv_update_time(walk->loop);
    return walk->at - walk->stride;
}

static double our_walk(void *data)
{
    struct walk *walk = data;
    unsigned first = begin_round(walk);
    breaker_permit_t permit;
    int wrong = 0;
    uint64_t from = measure_cpu();

    for (unsigned i = first; i < first + walk->stride; i++) {
        wrong |= breaker_try_acquire(walk->records[i], &permit);
        wrong |= breaker_report(walk->records[i], &permit, BREAKER_SUCCESS, 0);
    }
    double each = (double)(measure_cpu() - from) / walk->stride;

    measure_check("a pair on a random breaker", wrong);
    return each;
}

static double limit_walk(void *data)
{
    struct walk *walk = data;
    unsigned first = begin_round(walk);
    uint64_t permit;
    int wrong = 0;
    uint64_t from = measure_cpu();

    for (unsigned i = first; i < first + walk->stride; i++) {
        wrong |= limit_admit(walk->records[i], &permit);
        wrong |= limit_record(walk->records[i], &permit, false);
    }
    double each = (double)(measure_cpu() - from) / walk->stride;

    measure_check("a pair on a random limit", wrong);
    return each;
}

enum { GROWTH_VALUE, GROWTH_LIMIT, GROWTH_RATIO, GROWTH_SIZE, GROWTH_FIGURES };

static void **pointers(unsigned count)
{
    void **records = calloc(count, sizeof *records);

    if (records == NULL) {
        measure_fail("calloc", UV_ENOMEM);
    }
    return records;
}

static void measure_growth(void *data, double *figures)
{
    const struct effort *effort = data;
    unsigned count = effort->quick ? 10000 : 1000000;
    struct house house;
    struct walk ours = {&house.loop, pointers(count), count, 0, count / 50};
    struct walk limit = {&house.loop, pointers(count), count, 0, count / 50};

    measure_check("uv_loop_init", uv_loop_init(&house.loop));
    measure_check("breaker_panel_create", breaker_panel_create(&house.panel, &house.loop, NULL));
    double resident = measure_resident();

    populate(house.panel, plain_policy(), count, (breaker_t **)ours.records);
    double size = (measure_resident() - resident) / count - sizeof(void *); /* the list of ours */

    if (size < sizeof(struct limit)) {
        size = sizeof(struct limit);
    }
    for (unsigned i = 0; i < count; i++) {
        limit.records[i] = calloc(1, (size_t)size);
        if (limit.records[i] == NULL) {
            measure_fail("calloc", UV_ENOMEM);
        }
        limit_init(limit.records[i], &house.loop, 0.5);
    }
    shuffle(ours.records, count);
    shuffle(limit.records, count);
    struct pairing pairing =
        measure_interleaved(effort->quick ? 5 : 201, our_walk, &ours, limit_walk, &limit);

    figures[GROWTH_VALUE] = pairing.value;
    figures[GROWTH_LIMIT] = pairing.limit;
    figures[GROWTH_RATIO] = pairing.ratio;
    figures[GROWTH_SIZE] = size;
}

void growth_to_1m(const struct effort *effort, struct row *row)
{
    double figures[GROWTH_FIGURES];
    struct effort copy = *effort;

    measure_forked(measure_growth, &copy, figures, GROWTH_FIGURES);
    row->value = figures[GROWTH_VALUE];
    row->limit = figures[GROWTH_LIMIT];
    row->ratio = figures[GROWTH_RATIO];
    row_extra(row, "record_bytes", figures[GROWTH_SIZE]);
}
