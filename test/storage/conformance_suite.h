/* What the rules of the conformance suite are written with; see conformance.h for how to use it. */
#ifndef CONFORMANCE_SUITE_H
#define CONFORMANCE_SUITE_H

#include "conformance.h"
#include <stdbool.h>
#include <string.h>
#include <uv.h>

enum { PARTIES = 2 };

struct suite;

/* A client, and what it heard. */
struct party {
    breaker_client_t client;
    struct suite *suite;
    bool is_open;
    bool is_closing;
    bool is_closed;
    unsigned heard; /* bells */
    char key[BREAKER_KEY_MAX];
    size_t key_length;
    char value[BREAKER_VALUE_MAX];
    size_t length;
};

/* A transaction, and what came of it. */
struct act {
    breaker_transaction_t transaction;
    breaker_verb_t verbs[BREAKER_VERBS_MAX + 1];
    struct suite *suite;
    struct party *party;
    bool is_pending;
    unsigned completions;
    int status;
    char standing[BREAKER_VALUE_MAX];
    char value[BREAKER_VALUE_MAX + 1]; /* for the first GET */
    void (*then)(struct act *act);     /* inside the completion; may be NULL */
    void *data;                        /* the rule's */
    struct act *next;
};

struct suite {
    const struct conformance_subject *subject;
    breaker_storage_t *storage;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_thread_t thread;
    struct party party[PARTIES];
    struct act *acts; /* of the rule; they live until its end */
    const char *rule;
    bool has_failed;
};

/* ---- For rules ---------------------------------------------------------------------------------*/

/* Says what does not hold, and ends the rule. */
#define MUST(suite, what)                                 \
    do {                                                  \
        if (!(what)) {                                    \
            suite_fail(suite, #what, __FILE__, __LINE__); \
            return;                                       \
        }                                                 \
    } while (0)

void suite_fail(struct suite *suite, const char *what, const char *file, int line);

/* A key or value given as a string literal; zeros in it count, the last one does not. */
#define TEXT(literal) (literal), sizeof(literal) - 1

struct act *act_new(struct suite *suite);
void suite_free_acts(struct suite *suite);

/* Adds a verb to the act. */
breaker_verb_t *act_get(struct act *act, const char *key, size_t key_length); /* into act->value */
breaker_verb_t *act_set(struct act *act, const char *key, size_t key_length, const char *value,
                        size_t length);
breaker_verb_t *act_add(struct act *act, const char *key, size_t key_length, const char *value,
                        size_t length);
breaker_verb_t *act_incr(struct act *act, const char *key, size_t key_length, int64_t number);
breaker_verb_t *act_delete(struct act *act, const char *key, size_t key_length);
breaker_verb_t *act_log(struct act *act, const char *key, size_t key_length, int64_t score,
                        int64_t cut);
breaker_verb_t *act_tell(struct act *act, const char *key, size_t key_length, const char *value,
                         size_t length);
breaker_verb_t *act_members(struct act *act, const char *key, size_t key_length, char *page,
                            size_t room);
breaker_verb_t *act_member(struct act *act, const char *key, size_t key_length, const char *value,
                           size_t length);
breaker_verb_t *act_field(struct act *act, const char *key, size_t key_length, const char *value,
                          size_t length);
void act_guard_equals(struct act *act, const char *key, size_t key_length, const char *value,
                      size_t length);
void act_guard_absent(struct act *act, const char *key, size_t key_length);

/* Submits it for a client; runs the loop until it is complete, and answers its status. */
void act_submit(struct act *act, struct party *party);
int act_wait(struct act *act);
int act_run(struct act *act); /* both, for the first client */

/* In one step each, for the first client. found: -1 for an error. */
int suite_set(struct suite *suite, const char *key, size_t key_length, const char *value,
              size_t length, uint64_t ttl, uint64_t *wall);
int suite_found(struct suite *suite, const char *key, size_t key_length, uint64_t *wall);
bool suite_holds(struct suite *suite, const char *key, size_t key_length, const char *value,
                 size_t length);

/* Lets time pass for the storage; turns the loop, without time passing but for what that takes. */
void suite_pass(struct suite *suite, uint64_t ms);
void suite_turn(struct suite *suite);
/* Runs the loop until *flag, at most the subject's patience. */
bool suite_until(struct suite *suite, const bool *flag);

bool suite_can(const struct suite *suite, unsigned flags);

/* A second life for clients: in rules about closing. */
int party_open(struct suite *suite, struct party *party, uv_loop_t *loop);
void party_close(struct party *party);

/* ---- Rules -------------------------------------------------------------------------------------*/

struct rule {
    const char *name; /* a sentence */
    void (*holds)(struct suite *suite);
    unsigned needs; /* flags of the storage */
};

extern const struct rule conformance_verbs[];
extern const struct rule conformance_logs[];
extern const struct rule conformance_times[];
extern const struct rule conformance_transactions[];
extern const struct rule conformance_clients[];
extern const struct rule conformance_bells[];
extern const struct rule conformance_registers[];

#endif /* CONFORMANCE_SUITE_H */
