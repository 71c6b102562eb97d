/* Where what is in the storage. */
#ifndef CIRCUIT_KEYS_H
#define CIRCUIT_KEYS_H

#include "fleet.h"

enum { KEYS_SIZE = BREAKER_NAME_MAX + 96 };

/* Each writes a key, of KEYS_SIZE bytes, and returns its length. */
uint16_t keys_record(char *key, const struct fleet_world *world);
uint16_t keys_bell(char *key, const struct fleet_world *world);
uint16_t keys_lease(char *key, const struct fleet *fleet, const struct fleet_world *world,
                    unsigned slot);

/* kind: 'c' for the results of a bucket, 'p' for its processes and slow results. */
uint16_t keys_count(char *key, const struct fleet *fleet, const struct fleet_world *world,
                    char kind, uint64_t bucket);

/* The list of circuits as of a time of the storage's. */
uint16_t keys_list(char *key, uint64_t wall);

/* Whose bell is this? False: no circuit's. name: of BREAKER_NAME_MAX + 1 bytes. */
bool keys_name_of_bell(const char *key, size_t length, char *name);

#endif /* CIRCUIT_KEYS_H */
