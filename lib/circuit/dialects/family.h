/* The variants of pybreaker: what each does otherwise, as a table. */
#ifndef CIRCUIT_FAMILY_H
#define CIRCUIT_FAMILY_H

#include "dialect.h"
#include "pybreaker.h"

struct family {
    const char *base;
    bool is_base_first;     /* BASE[:NAMESPACE]:key; otherwise [NAMESPACE:]BASE:key */
    const char *words[3];   /* the states in the storage, by breaker_state_t */
    bool counts_successes;  /* has success_threshold and success_counter */
    bool may_keep_status;   /* throw_new_error_on_trip may be off */
    bool is_cancel_failure; /* otherwise it is neither */
    bool restarts_pause;    /* noticing an opening stamps it anew */
    bool zeroes_if_counted; /* fail_counter is read first, and zeroed only if it is not 0 */
    bool recreates;         /* a lost state is written anew, as closed; otherwise it is half-open */
    bool has_default_timeout; /* a breaker made with a reset_timeout of 0 has the default's */
};

enum { FAMILY_DEFAULT_TIMEOUT = 60000 };

const struct family *family_of(const breaker_pybreaker_t *rules);

#endif /* CIRCUIT_FAMILY_H */
