/* The options of a native circuit, checked, with what follows from them. */
#ifndef CIRCUIT_RULES_H
#define CIRCUIT_RULES_H

#include "window.h"
#include <breaker.h>

/* What can be seen at a glance: below all of these, a result in PASSING cannot trip. Rules that are off are
 * out of reach. */
struct glance {
    uint32_t calls; /* 0: nothing can be seen at a glance */
    uint32_t failures;
    uint32_t consecutive;
    double ratio;
};

struct rules {
    breaker_options_t options; /* broken_limit and recovery_ratio resolved */
    struct geometry geometry;
    struct glance glance;
    bool wants_slow; /* slow_ratio is set */
};

/* Fills in the defaults. */
void rules_defaults(breaker_options_t *options);

/* The name of the first field that is out of range, or NULL. */
const char *rules_fault(const breaker_options_t *options);

/* The same, of what concerns calls alone. */
const char *rules_call_fault(const breaker_options_t *options);

/* Of options without fault. */
void rules_make(struct rules *rules, const breaker_options_t *options);

/* Does the evidence of PASSING trip? ended says what was just counted. */
bool rules_trip(const struct rules *rules, const breaker_counts_t *counts, bool was_failure,
                bool was_slow);

/* failed >= ratio x (ok + failed), where there is any evidence. */
bool rules_reached(double ratio, uint32_t part, const breaker_counts_t *counts);

#endif /* CIRCUIT_RULES_H */
