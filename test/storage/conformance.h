/* What a storage is, as a suite: any storage can be run through it, yours too.
 *
 * Fill in a subject, call breaker_storage_conformance, and read what it prints. It needs libuv and
 * <breaker/storage.h>, no test framework: compile conformance*.c with your test. Each rule runs on a
 * storage of its own, with two clients on a loop of the suite's; a rule that needs an ability which
 * the storage does not claim (LOG, the bell, threads, flush) is left out, or holds it to saying so.
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <breaker/storage.h>

struct conformance_subject {
    const char *name;
    void *data; /* yours */

    /* REQUIRED. Makes a storage without keys, or says why not; destroys it, when its clients are
     * closed. */
    int (*make)(void *data, breaker_storage_t **storage);
    void (*destroy)(void *data, breaker_storage_t *storage);

    /* How time passes for the storage. NULL: really, and the suite waits (three seconds in all). */
    void (*pass)(void *data, breaker_storage_t *storage, uint64_t ms);

    /* How far, in ms, the storage's times to live may be off its clock. 0: not at all. */
    uint64_t coarse;

    /* How long, in ms of real time, the suite waits for a completion. 0: 5000 */
    uint64_t patience;

    /* Only the rules whose names hold this. NULL: all */
    const char *only;

    /* Hears of each rule that does not hold: the rule in a sentence, and what was found, and where.
     * NULL: both are printed to the standard error. */
    void (*report)(void *data, const char *rule, const char *what);
};

/* Answers how many rules do not hold. */
int breaker_storage_conformance(const struct conformance_subject *subject);

#endif /* CONFORMANCE_H */
