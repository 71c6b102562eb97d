/* How a sliding log lies in memory: a sorted array that is cut in front and grown behind, and moved
 * to the front of its room when that is half empty, so that adding in order costs no more than a
 * store. */
#include "memory_log.h"
#include "memory.h"
#include <string.h>
#include <uv.h>

struct memory_log *memory_log_create(void)
{
    return memory_zeroed(sizeof(struct memory_log));
}

void memory_log_destroy(struct memory_log *log)
{
    if (log != NULL)
        memory_release(log->scores);
    memory_release(log);
}

size_t memory_log_upto(const struct memory_log *log, size_t from, int64_t cut)
{
    size_t low = from;
    size_t high = log->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (log->scores[log->first + middle] <= cut)
            low = middle + 1;
        else
            high = middle;
    }
    return low - from;
}

int memory_log_reserve(struct memory_log *log, size_t skip, size_t more)
{
    size_t needed = log->count - skip + more;
    if (log->first + log->count + more <= log->room || 2 * needed <= log->room)
        return 0;
    size_t room = needed < 4 ? 8 : 2 * needed;
    int64_t *scores = memory_allocate(room * sizeof *scores);
    if (scores == NULL)
        return UV_ENOMEM;
    if (log->count > 0)
        memcpy(scores, log->scores + log->first, log->count * sizeof *scores);
    memory_release(log->scores);
    log->scores = scores;
    log->first = 0;
    log->room = room;
    return 0;
}

void memory_log_forget(struct memory_log *log, size_t oldest)
{
    log->first += oldest;
    log->count -= oldest;
}

void memory_log_add(struct memory_log *log, int64_t score)
{
    if (log->first + log->count == log->room) {
        memmove(log->scores, log->scores + log->first, log->count * sizeof score);
        log->first = 0;
    }
    int64_t *scores = log->scores + log->first;
    size_t place = log->count++;
    while (place > 0 && scores[place - 1] > score) {
        scores[place] = scores[place - 1];
        place--;
    }
    scores[place] = score;
}
