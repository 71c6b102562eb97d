/* A sliding log: scores in order, the oldest first. */
#ifndef MEMORY_LOG_H
#define MEMORY_LOG_H

#include <stddef.h>
#include <stdint.h>

struct memory_log {
    int64_t *scores;
    size_t first; /* the oldest one's place */
    size_t count;
    size_t room;
};

struct memory_log *memory_log_create(void); /* NULL: no memory */
void memory_log_destroy(struct memory_log *log);

/* How many of the scores, from the from-th on, are not above cut. */
size_t memory_log_upto(const struct memory_log *log, size_t from, int64_t cut);

/* Makes room for so many adds more, when skip of the oldest will be forgotten before. 0, UV_ENOMEM. */
int memory_log_reserve(struct memory_log *log, size_t skip, size_t more);

void memory_log_forget(struct memory_log *log, size_t oldest);
void memory_log_add(struct memory_log *log, int64_t score);

#endif /* MEMORY_LOG_H */
