/* The row two_loops: two threads, each with a loop and a panel, one circuit between them in a storage in
 * memory, one policy, against one alone. Two bare queues say what the machine itself gives two threads at once. */
#include "bench.h"
#include "limit.h"

#include <breaker/storage.h>

#include <math.h>

#define SIZE 64 /* calls in each turn */

struct worker {
    uv_thread_t thread;
    uv_barrier_t *ready;
    struct batch batch;
    struct limit_queue queue;
    bool bare;
    uint64_t times;
    uint64_t from, to; /* on the wall */
    uint64_t cpu;
};

static void work(struct worker *worker, uint64_t times)
{
    if (worker->bare) {
        limit_defer_run(&worker->queue, SIZE, times);
    } else {
        batch_run(&worker->batch, times);
    }
}

static void worker_main(void *data)
{
    struct worker *worker = data;

    work(worker, 10 * SIZE);
    uv_barrier_wait(worker->ready);
    worker->cpu = measure_cpu();
    worker->from = measure_wall();
    work(worker, worker->times);
    worker->to = measure_wall();
    worker->cpu = measure_cpu() - worker->cpu;
}

/* What so many threads do together, in calls per second. */
struct throughput {
    double wall;
    double
        cpu; /* per second of each thread's CPU, summed up: what it would be with a core for each */
};

static struct throughput throughput_of(struct worker *workers, unsigned count, uint64_t times)
{
    struct throughput throughput = {0, 0};
    uv_barrier_t ready;
    uint64_t from = UINT64_MAX;
    uint64_t to = 0;

    measure_check("uv_barrier_init", uv_barrier_init(&ready, count));
    for (unsigned i = 0; i < count; i++) {
        workers[i].ready = &ready;
        workers[i].times = times;
        measure_check("uv_thread_create",
                      uv_thread_create(&workers[i].thread, worker_main, &workers[i]));
    }
    for (unsigned i = 0; i < count; i++) {
        uv_thread_join(&workers[i].thread);
        from = workers[i].from < from ? workers[i].from : from;
        to = workers[i].to > to ? workers[i].to : to;
        throughput.cpu += (double)times * 1e9 / (double)workers[i].cpu;
    }
    uv_barrier_destroy(&ready);
    throughput.wall = (double)(times * count) * 1e9 / (double)(to - from);
    return throughput;
}

struct scaling {
    double *wall, *cpu;
};

static void scale(struct worker *workers, uint64_t times, struct scaling scaling, unsigned round)
{
    struct throughput one = throughput_of(workers, 1, times);
    struct throughput two = throughput_of(workers, 2, times);

    scaling.wall[round] = two.wall / one.wall;
    scaling.cpu[round] = two.cpu / one.cpu;
}

static breaker_storage_t *shared(uv_loop_t *loop, void *data)
{
    (void)loop;
    return data;
}

#define ROUNDS_MAX 41

void loops_two(const struct effort *effort, struct row *row)
{
    unsigned rounds = effort->quick ? 5 : ROUNDS_MAX;
    uint64_t times = effort->quick ? 64000 : 2000000;
    double figures[4][ROUNDS_MAX];
    breaker_policy_t *policy = batch_policy();
    struct worker ours[2] = {{0}};
    struct worker bare[2] = {{0}};
    breaker_storage_t *storage;

    measure_check("breaker_memory_create", breaker_memory_create(&storage, NULL));
    for (unsigned i = 0; i < 2; i++) {
        batch_open_on(&ours[i].batch, policy, SIZE, shared, storage);
        limit_queue_open(&bare[i].queue);
        bare[i].bare = true;
    }
    for (unsigned i = 0; i < rounds; i++) {
        scale(ours, times, (struct scaling){figures[0], figures[1]}, i);
        scale(bare, times, (struct scaling){figures[2], figures[3]}, i);
    }
    row->value = measure_median(figures[0], rounds);
    row->limit = measure_median(figures[2], rounds);
    row->ratio = row->value / row->limit;
    row_extra(row, "per_cpu_second", measure_median(figures[1], rounds));
    row_extra(row, "limit_per_cpu_second", measure_median(figures[3], rounds));
    for (unsigned i = 0; i < 2; i++) {
        batch_close(&ours[i].batch);
        limit_queue_close(&bare[i].queue);
    }
    breaker_policy_destroy(policy);
    measure_check("breaker_memory_destroy", breaker_memory_destroy(storage));
}
