/* Storages that are wrong in one thing each, to try the conformance suite on. */
#ifndef MUTANTS_H
#define MUTANTS_H

#include <breaker/storage.h>
#include <stdbool.h>

/* What is NULL is done right. */
struct mutant {
    const char *rule; /* a part of the name of the rule that it breaks */
    bool is_outside;  /* its base completes from the loop, not inside submit */
    bool is_all_ears; /* and goes on listening */
    int (*open)(breaker_client_t *client);
    void (*close)(breaker_client_t *client);
    void (*submit)(breaker_client_t *client, breaker_transaction_t *transaction);
    void (*cancel)(breaker_client_t *client, breaker_transaction_t *transaction);
    void (*flush)(breaker_client_t *client, breaker_transaction_t *transaction);
};

extern const struct mutant mutants[];  /* the last has no rule */
extern breaker_storage_t *mutant_base; /* the storage in good health that they spoil */

#endif /* MUTANTS_H */
