/* The native circuit: PASSING, BROKEN and RECOVERING over windows, with epochs, permits and holds. */
#ifndef CIRCUIT_NATIVE_H
#define CIRCUIT_NATIVE_H

#include "rules.h"
#include "turn.h"
#include "window.h"

/* The evidence of RECOVERING is one bucket, from its beginning. */
struct recovery {
    uint64_t admitted_at;      /* the last admission */
    uint32_t ok, failed, slow; /* results of this epoch */
    uint32_t probes;           /* admitted, and their results missing */
};

/* What a call in PASSING touches is at the end. */
struct native {
    uint64_t since;  /* the clock at the last transition */
    uint32_t broken; /* how long the last BROKEN is, or was, to last */
    int last_error;
    uint64_t epoch;
    union {
        struct window window;     /* PASSING */
        struct recovery recovery; /* RECOVERING */
    };
    void *cells;          /* of the window; while not PASSING, the counts at the trip */
    uint32_t consecutive; /* failures since the last success, in PASSING */
    uint8_t state;
    uint8_t hold;
    uint8_t trips; /* consecutive ones */
    uint8_t tenth; /* of recovery_time, in which the last admission was */
};

/* A permit with this epoch was given beside the circuit (a hold): its result counts nowhere. */
#define NATIVE_UNCOUNTED UINT64_MAX

/* The cells' memory: aligned for uint32_t. */
size_t native_cells(const struct rules *rules);

void native_init(struct native *native, void *cells, const struct rules *rules, uint64_t now);

/* Does the next turn want a draw? */
static inline bool native_needs_draw(const struct native *native, const struct rules *rules)
{
    return native->state != BREAKER_PASSING || rules->options.broken_jitter > 0;
}

/* ---- The usual case, in a few instructions --------------------------------------------------------
 * What a step would do without a hold: for an admission in PASSING or in BROKEN, and for a result in
 * PASSING where no bucket turns and no rule can trip. False: nothing was done, and a step is needed. A
 * test holds them to the step. */

static inline bool native_admits_plainly(const struct native *native)
{
    return (native->state | native->hold) == 0;
}

static inline bool native_refuses_plainly(const struct native *native, uint64_t now)
{
    return native->state == BREAKER_BROKEN && native->hold == BREAKER_HOLD_NONE &&
           (now <= native->since || now - native->since < native->broken) && native->broken > 0;
}

static inline bool native_settles_plainly(struct native *native, const struct rules *rules,
                                          uint64_t epoch, uint64_t now, bool failed)
{
    const struct glance *glance = &rules->glance;
    struct window *window = &native->window;
    uint32_t failures = window->failed + failed, calls = window->ok + window->failed + 1;

    if ((native->state | native->hold) != 0 || epoch != native->epoch || now >= window->end ||
        calls >= WINDOW_FULL || glance->calls == 0)
        return false;
    if (!failed) {
        if (calls == glance->calls)
            return false;
        native->consecutive = 0;
    } else {
        if (failures >= glance->failures || native->consecutive >= glance->consecutive - 1 ||
            (calls >= glance->calls && failures + 0.5 >= glance->ratio * calls))
            return false;
        native->consecutive++;
    }
    window_count(window, failed);
    return true;
}

enum turn_next native_step(struct native *native, const struct rules *rules, struct turn *turn);

/* Exchanges the rules of a live circuit. cells: of native_cells(to), which may be the old ones when the
 * geometry is the same. */
void native_retune(struct native *native, void *cells, const struct rules *from,
                   const struct rules *to, uint64_t now);

/* How long a BROKEN lasts after so many consecutive trips. */
uint32_t native_broken_time(const struct rules *rules, unsigned trips, double draw);

/* The rest of BROKEN, and so on: see breaker_retry_after. */
uint64_t native_retry_after(const struct native *native, const struct rules *rules, uint64_t now);

/* Fills in what the circuit knows; totals and in_flight are the breaker's. */
void native_inspect(const struct native *native, const struct rules *rules, uint64_t now,
                    breaker_snapshot_t *snapshot);

/* Is everything as it must be? Asserted after each step in debug builds. */
bool native_is_sound(const struct native *native, const struct rules *rules);

#endif /* CIRCUIT_NATIVE_H */
