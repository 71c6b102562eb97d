/* What the loop layer knows of a dialect: one table of functions for each, all of them pure.
 *
 * rules are the dialect's own copy of its public options, lists and strings included; a circuit is as
 * many bytes as size() says, aligned for anything, and holds its keys. */
#ifndef CIRCUIT_DIALECT_H
#define CIRCUIT_DIALECT_H

#include "circuit/turn.h"
#include "talk.h"
#include <breaker/dialects.h>

/* What a snapshot of any breaker shows, of a dialect. */
struct dialect_view {
    breaker_state_t state;
    int last_error;
    uint64_t retry_after;
};

struct dialect {
    const char *name;
    bool is_local;  /* no talk: done at once */
    bool wants_log; /* needs a storage with BREAKER_STORAGE_LOGS */

    /* 0, or UV_EINVAL and the name of the field that is wrong. */
    int (*check)(const breaker_dialect_t *options, const char **bad_field);

    /* The copy of checked options. */
    size_t (*rules_size)(const breaker_dialect_t *options);
    void (*rules_make)(void *rules, const breaker_dialect_t *options);

    /* What a status means where the policy has no classifier; NULL: the built-in one. */
    breaker_outcome_t (*classify)(const void *rules, int status);

    size_t (*size)(const void *rules, const char *name);
    /* wire: the storage has BREAKER_STORAGE_WIRE. */
    void (*init)(void *circuit, const void *rules, const char *name, bool wire);
    /* The rules were exchanged; NULL: the circuit does not mind. */
    void (*retune)(void *circuit, const void *rules);

    /* Does this turn (op, now) want a draw? NULL: none does. */
    bool (*needs_draw)(const void *circuit, const void *rules, const struct turn *turn);
    enum turn_next (*step)(void *circuit, const void *rules, struct turn *turn);

    /* As of now (the panel's clock) and wall; changes nothing. */
    void (*view)(const void *circuit, const void *rules, uint64_t now, uint64_t wall,
                 struct dialect_view *view);
};

/* The dialect of these options; NULL: there is none of that kind, or they are too short to say. */
const struct dialect *dialect_find(const breaker_dialect_t *options);

/* ---- For the dialects --------------------------------------------------------------------------*/

/* Options as this library knows them: what was given, and defaults where it is shorter. */
void dialect_take(void *rules, size_t known, const breaker_dialect_t *options);

/* Is it one of them? none: the answer where no statuses are given at all. */
bool dialect_match(const breaker_statuses_t *statuses, int status, bool none);

/* Copies what rules point to behind them; *end is moved past it. */
size_t dialect_list_size(const breaker_statuses_t *statuses);
void dialect_keep_list(breaker_statuses_t *statuses, char **end);
size_t dialect_text_size(const char *text);
void dialect_keep_text(const char **text, char **end);

/* 1 .. 255 bytes, or NULL. */
bool dialect_is_name(const char *text);
bool dialect_is_flavour(breaker_flavour_t flavour);
bool dialect_is_list(const breaker_statuses_t *statuses);
bool dialect_is_time(uint64_t time, uint64_t least);
bool dialect_is_seconds(uint64_t time, uint64_t least);

/* The answer of a check. */
int dialect_bad(const char **bad_field, const char *field);

/* Appends a text to a key that is being made, and a key is done. */
char *dialect_append(char *end, const char *text);
struct talk_key dialect_key(const char *begin, const char *end);

extern const struct dialect aiomisc_dialect, pybreaker_dialect, lasier_dialect, requests_dialect;

#endif /* CIRCUIT_DIALECT_H */
