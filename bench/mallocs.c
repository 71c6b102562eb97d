/* The row mallocs_per_call: the calls of malloc and its kin, counted while each path runs in its steady
 * state. */
#include "mallocs.h"

#include <math.h>

static void run_pair(void *subject, uint64_t times)
{
    pair_run(subject, times);
}

static void run_batch(void *subject, uint64_t times)
{
    batch_run(subject, times);
}

static void note_event(breaker_listener_t *listener, const breaker_event_t *event)
{
    (void)event;
    ++*(uint64_t *)listener->data;
}

static double pair_mallocs(enum pair_kind kind, uint64_t times)
{
    struct pair pair;

    pair_open(&pair, kind);
    double mallocs = mallocs_of(run_pair, &pair, times);

    pair_close(&pair);
    return mallocs;
}

/* With a listener, each call makes events too. */
static double batch_mallocs(unsigned size, bool listened, uint64_t times)
{
    breaker_policy_t *policy = batch_policy();
    breaker_listener_t listener = {0};
    struct batch batch;
    uint64_t events = 0;

    batch_open(&batch, policy, size);
    if (listened) {
        listener.kinds = BREAKER_ON_ALL;
        listener.notify = note_event;
        listener.data = &events;
        measure_check("breaker_listen", breaker_listen(batch.breaker, &listener));
    }
    double mallocs = mallocs_of(run_batch, &batch, times);

    if (listened && events == 0) {
        measure_fail("a listener heard nothing", UV_EINVAL);
    }
    batch_close(&batch);
    breaker_policy_destroy(policy);
    return mallocs;
}

static void take(struct row *row, const char *path, double mallocs)
{
    row_extra(row, path, mallocs);
    if (mallocs > row->value) {
        row->value = mallocs;
    }
}

void mallocs_per_call(const struct effort *effort, struct row *row)
{
    uint64_t times = effort->quick ? 2000 : 100000;

    if (MALLOCS_WRAPPED && !mallocs_are_counted()) { /* that would make the row hold */
        measure_fail("the counting allocator is not in use", UV_EINVAL);
    }
    row->value = 0;
    take(row, "pair_success", pair_mallocs(PAIR_SUCCESS, times));
    take(row, "pair_failure", pair_mallocs(PAIR_FAILURE, times));
    take(row, "refused", pair_mallocs(PAIR_REFUSED, times));
    take(row, "call_batch_1", batch_mallocs(1, false, times));
    take(row, "call_batch_16", batch_mallocs(16, false, times));
    take(row, "call_batch_256", batch_mallocs(256, false, times));
    take(row, "listened", batch_mallocs(16, true, times));
    mallocs_of_guards(times / 50, row, take);
    if (!MALLOCS_WRAPPED) {
        row->value = NAN; /* nothing was counted */
    }
}
