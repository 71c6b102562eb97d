/* The rows of breaker_call: N guarded calls in each turn of the loop, from breaker_call to done, the
 * operation being over at once. One is set beside a turn that does nothing, many beside callbacks that
 * are merely put off, once in a turn. What it costs when deadlines are really kept is told beside: the
 * operations end after their start, or, with one in a turn, another call is under way all the time. */
#include "bench.h"
#include "limit.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT 30000 /* so that each call has a deadline to keep */

breaker_policy_t *batch_policy(void)
{
    breaker_options_t options;
    breaker_policy_t *policy = NULL;
    const char *bad = NULL;

    breaker_options_init(&options);
    options.timeout = TIMEOUT;
    measure_check("breaker_policy_create", breaker_policy_create(&policy, &options, &bad));
    return policy;
}

void batch_open_on(struct batch *batch, breaker_policy_t *policy, unsigned size, batch_storage make,
                   void *data)
{
    breaker_panel_options_t options;

    breaker_panel_options_init(&options);
    memset(batch, 0, sizeof *batch);
    batch->size = size;
    batch->policy = policy;
    batch->calls = calloc(size, sizeof *batch->calls);
    if (batch->calls == NULL) {
        measure_fail("calloc", UV_ENOMEM);
    }
    measure_check("uv_loop_init", uv_loop_init(&batch->loop));
    if (make != NULL) {
        options.storage = make(&batch->loop, data);
    }
    measure_check("breaker_panel_create",
                  breaker_panel_create(&batch->panel, &batch->loop, &options));
    measure_check("breaker_create",
                  breaker_create(&batch->breaker, batch->panel, "upstream", batch->policy));
    uv_prepare_init(&batch->loop, &batch->turn);
    batch->turn.data = batch;
    breaker_call_init(&batch->held);
    for (unsigned i = 0; i < size; i++) {
        breaker_call_init(&batch->calls[i]);
        batch->calls[i].data = batch;
    }
}

void batch_open(struct batch *batch, breaker_policy_t *policy, unsigned size)
{
    batch_open_on(batch, policy, size, NULL, NULL);
}

void batch_close(struct batch *batch)
{
    uv_close((uv_handle_t *)&batch->turn, NULL);
    panel_close(batch->panel, &batch->loop);
    free(batch->calls);
}

static int on_start(breaker_call_t *call)
{
    return breaker_finish(call, 0);
}

/* Each call is under way when its start returns, and over in the same drain: but for the last. */
static int on_start_later(breaker_call_t *call)
{
    struct batch *batch = call->data;
    breaker_call_t *before = batch->open;

    batch->open = call;
    if (before != NULL) {
        breaker_finish(before, 0);
    }
    if (++batch->starts == batch->size) {
        batch->starts = 0;
        batch->open = NULL;
        return breaker_finish(call, 0);
    }
    return 0;
}

static int on_start_held(breaker_call_t *call)
{
    (void)call;
    return 0;
}

static void on_done_held(breaker_call_t *call, int status)
{
    (void)call;
    measure_check("the held call", status);
}

static void on_done(breaker_call_t *call, int status)
{
    struct batch *batch = call->data;

    batch->refused += status != 0;
    batch->under_way--;
}

static void end(struct batch *batch)
{
    uv_prepare_stop(&batch->turn);
    if (batch->later && batch->size == 1) {
        breaker_finish(&batch->held, 0);
    }
}

static void on_turn(uv_prepare_t *turn)
{
    struct batch *batch = turn->data;
    breaker_start_cb start = batch->later ? on_start_later : on_start;

    if (batch->under_way > 0) { /* by a storage that is waited for */
        return;
    }
    if (batch->left < batch->size) {
        end(batch);
        return;
    }
    batch->left -= batch->size;
    batch->under_way = batch->size;
    for (unsigned i = 0; i < batch->size; i++) {
        measure_check("breaker_call",
                      breaker_call(batch->breaker, &batch->calls[i], start, on_done));
    }
}

void batch_run(struct batch *batch, uint64_t times)
{
    uint64_t refused = batch->refused;

    batch->left = times;
    if (batch->later && batch->size == 1) {
        measure_check("breaker_call",
                      breaker_call(batch->breaker, &batch->held, on_start_held, on_done_held));
    }
    uv_prepare_start(&batch->turn, on_turn);
    uv_run(&batch->loop, UV_RUN_DEFAULT);
    if (batch->refused != refused || batch->left >= batch->size) {
        measure_fail("a call was not admitted", BREAKER_EREJECTED);
    }
}

static void count_prepare(uv_prepare_t *prepare)
{
    ++*(uint64_t *)prepare->data;
}

double batch_turns(struct batch *batch)
{
    const uint64_t batches = 200;
    uint64_t turns = 0;
    uv_prepare_t prepare;

    uv_prepare_init(&batch->loop, &prepare);
    prepare.data = &turns;
    uv_prepare_start(&prepare, count_prepare);
    uv_unref((uv_handle_t *)&prepare);
    batch_run(batch, batches * batch->size);
    uv_close((uv_handle_t *)&prepare, NULL);
    uv_run(&batch->loop, UV_RUN_DEFAULT);
    return (double)turns / (double)batches;
}

/* ---- Rows --------------------------------------------------------------------------------------*/

#define ROUND 65536 /* calls, or with one in each turn a quarter of them */

static uint64_t times_of(unsigned size)
{
    return size == 1 ? ROUND / 4 : ROUND;
}

static double our_round(void *data)
{
    struct batch *batch = data;
    uint64_t times = times_of(batch->size);
    uint64_t from = measure_cpu();

    batch_run(batch, times);
    return (double)(measure_cpu() - from) / (double)times;
}

static double empty_turn_round(void *data)
{
    struct limit_queue *queue = data;
    uint64_t times = times_of(1);
    uint64_t from = measure_cpu();

    limit_turns_run(&queue->loop, times);
    return (double)(measure_cpu() - from) / (double)times;
}

static double deferred_round_16(void *data)
{
    uint64_t from = measure_cpu();

    limit_defer_run(data, 16, ROUND);
    return (double)(measure_cpu() - from) / ROUND;
}

static double deferred_round_256(void *data)
{
    uint64_t from = measure_cpu();

    limit_defer_run(data, 256, ROUND);
    return (double)(measure_cpu() - from) / ROUND;
}

static void batch_row(const struct effort *effort, struct row *row, unsigned size,
                      measure_round limit)
{
    breaker_policy_t *policy = batch_policy();
    struct limit_queue queue;
    struct batch batch;

    batch_open(&batch, policy, size);
    limit_queue_open(&queue);
    struct pairing pairing =
        measure_interleaved(effort->quick ? 5 : 201, our_round, &batch, limit, &queue);

    row_pairing(row, &pairing);
    row_extra(row, "turns_per_batch", batch_turns(&batch));
    batch.later = true;
    pairing = measure_interleaved(effort->quick ? 5 : 101, our_round, &batch, limit, &queue);
    row_extra(row, "deadline_kept", pairing.value);
    row_extra(row, "deadline_kept_ratio", pairing.ratio);
    limit_queue_close(&queue);
    batch_close(&batch);
    breaker_policy_destroy(policy);
}

void batch_of_1(const struct effort *effort, struct row *row)
{
    batch_row(effort, row, 1, empty_turn_round);
}

void batch_of_16(const struct effort *effort, struct row *row)
{
    batch_row(effort, row, 16, deferred_round_16);
}

void batch_of_256(const struct effort *effort, struct row *row)
{
    batch_row(effort, row, 256, deferred_round_256);
}
