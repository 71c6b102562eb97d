/* Among the files of real panels. */
#ifndef PANELS_PARTS_H
#define PANELS_PARTS_H

#include "panels.h"

enum kind { CALL, RESULT, REQUEST, REPLY, BELL, TURN, ACT };

/* A transaction on its way, with a memory of its own: its owner may cancel it at any moment. */
struct letter {
    breaker_transaction_t *owner; /* NULL: cancelled */
    breaker_client_t *client;
    breaker_transaction_t t;
    breaker_verb_t verbs[BREAKER_VERBS_MAX];
    char keys[BREAKER_VERBS_MAX + 1][BREAKER_KEY_MAX];
    char values[BREAKER_VERBS_MAX + 2][BREAKER_VALUE_MAX];
    int status;
    unsigned member, life;
};

struct incident {
    struct date date;
    enum kind kind;
    unsigned member, life;
    struct letter *letter;
    breaker_permit_t permit;
    unsigned traffic;
    bool failed;
    void (*act)(struct panels *panels);
};

void panels_push(struct panels *panels, struct incident incident);
void panels_note(struct panels *panels, uint64_t what); /* into the digest */
uint64_t panels_exponential(struct panels *panels, double mean);

extern const breaker_storage_ops_t panels_ops;
void letter_carry_out(struct panels *panels, struct letter *letter);
void letter_answer(struct letter *letter);
void letter_ring(void *data, const breaker_verb_t *bell);
void panels_wrote(void *data, const struct record *before, const struct record *after);

uint64_t panels_now(const struct member *member); /* its loop's clock */
void panels_check(struct panels *panels, struct member *member);
void panels_check_refused(struct panels *panels, struct member *member);

#endif /* PANELS_PARTS_H */
