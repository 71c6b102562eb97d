/* Registers: sets of names, apart from the keys. */
#ifndef MEMORY_REGISTER_H
#define MEMORY_REGISTER_H

#include "memory_keys.h"

/* What MEMBERS asks: into its value and results. 0, UV_EMSGSIZE. */
int memory_register_read(const struct memory_keys *members, uint64_t now,
                         const breaker_transaction_t *transaction, struct memory_result *results);

/* What MEMBER says, as far as there is memory for it. */
void memory_register_write(struct memory_keys *members, uint64_t now,
                           const breaker_transaction_t *transaction);

#endif /* MEMORY_REGISTER_H */
