/* A transaction as one script, and its answer. */
#ifndef REDIS_SCRIPT_H
#define REDIS_SCRIPT_H

#include "redis_error.h"
#include "redis_settings.h"
#include "redis_wire.h"

/* Writes the command; asks: fails too where its first key could not be written, and has one;
 * whole: with the script's text (EVAL) instead of its digest. 0 or UV_ENOMEM. */
int redis_script_write(struct redis_buffer *out, const struct redis_settings *settings,
                       const breaker_transaction_t *transaction, bool asks, bool whole);

bool redis_script_has_key(const breaker_transaction_t *transaction);
/* Whether it fails in any case where the server cannot write, and whether it does nothing else
 * than read. */
bool redis_script_proves(const breaker_transaction_t *transaction);
bool redis_script_reads(const breaker_transaction_t *transaction);

/* How long that command is, about, but for the script's text. */
uint32_t redis_script_size(const struct redis_settings *settings,
                           const breaker_transaction_t *transaction);

/* One step of forgetting all keys under the prefix, from a cursor of SCAN's. */
int redis_script_write_flush(struct redis_buffer *out, const struct redis_settings *settings,
                             uint64_t cursor, bool whole);

/* Asks whether the server answers; with a key, also whether it could be written, and writes
 * nothing. */
int redis_script_write_probe(struct redis_buffer *out, const struct redis_settings *settings,
                             const char *key, size_t key_length, bool whole);

/* What went wrong inside the script, when something did. */
struct redis_failure {
    const char *text; /* in the reply */
    size_t length;
    const char *key; /* of the transaction: the verb's that failed, or NULL */
    size_t key_length;
};

/* Reads an answer that is no error. 0 or BREAKER_EGUARD: the results are filled in;
 * BREAKER_EGUARD only with a transaction. UV_EMSGSIZE. UV_EIO: a verb failed, see failure.
 * UV_EPROTO: it is not an answer to this. transaction may be NULL: only whether it went well. */
int redis_script_read(const struct redis_reply *reply, breaker_transaction_t *transaction,
                      struct redis_failure *failure);

/* The cursor in the answer to a flush: 0 or UV_EPROTO. */
int redis_script_read_cursor(const struct redis_reply *reply, uint64_t *cursor);

#endif /* REDIS_SCRIPT_H */
