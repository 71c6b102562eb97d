/* The tightest C that does the same work as a breaker: what the rows are set beside. */
#ifndef LIMIT_H
#define LIMIT_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define LIMIT_BUCKETS 10
#define LIMIT_BUCKET_MS 1000

/* A ring of ten buckets with a ratio rule, and a date until which it refuses. */
struct limit {
    uv_loop_t *loop;
    uint64_t epoch;
    uint64_t bucket_end;
    uint64_t broken_until; /* 0: passing */
    uint32_t ok, failed;   /* of the window */
    uint32_t min_calls;
    uint32_t position;
    double error_ratio;
    struct {
        uint32_t ok, failed;
    } ring[LIMIT_BUCKETS];
};

void limit_init(struct limit *limit, uv_loop_t *loop, double error_ratio);

/* 0 and the epoch, or -1. */
int limit_admit(struct limit *limit, uint64_t *permit);

/* 0, or -1 for a permit of another epoch. */
int limit_record(struct limit *limit, uint64_t *permit, bool failed);

/* Callbacks put off to the next turn: an intrusive queue and one idle handle. */
struct limit_item {
    struct limit_item *next;
    void (*callback)(struct limit_item *item);
    void *data;
};

struct limit_queue {
    uv_loop_t loop;
    uv_idle_t idle;
    struct limit_item *first;
    struct limit_item **last;
};

void limit_queue_open(struct limit_queue *queue);
void limit_defer(struct limit_queue *queue, struct limit_item *item);
void limit_queue_close(struct limit_queue *queue);

/* size callbacks in each turn, times of them; each puts itself off anew. */
void limit_defer_run(struct limit_queue *queue, unsigned size, uint64_t times);

/* So many turns of a loop that has nothing to do and does not wait. */
void limit_turns_run(uv_loop_t *loop, uint64_t turns);

#endif /* LIMIT_H */
