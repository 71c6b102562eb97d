/* The keys that one transaction touches, as its verbs so far have left them. */
#ifndef MEMORY_DRAFT_H
#define MEMORY_DRAFT_H

#include "memory_keys.h"

enum memory_held { MEMORY_NOTHING, MEMORY_VALUE, MEMORY_LOG };

struct memory_draft {
    const char *key;
    uint16_t key_length;
    uint16_t length; /* of the value */
    uint32_t hash;
    enum memory_held held;
    bool changed;
    struct memory_entry *entry; /* as it stands; NULL: absent */
    struct memory_entry *fresh; /* takes its place, where there is none or it has too little room */
    uint64_t end;
    char value[BREAKER_VALUE_MAX];
    /* The entry's log or a new one, held or not; how many of its oldest go, and what comes, in order. */
    struct memory_log *log;
    size_t gone;
    unsigned coming;
    int64_t scores[BREAKER_VERBS_MAX];
};

struct memory_drafts {
    struct memory_keys *keys;
    uint64_t now;
    unsigned count;
    struct memory_draft of[BREAKER_VERBS_MAX];
};

/* The draft of a key: the one begun by an earlier verb, or a new one. */
struct memory_draft *memory_draft_of(struct memory_drafts *drafts, const char *key,
                                     uint16_t key_length);

/* Writes all of them back, or with an error none; the drafts are over. */
int memory_draft_finish(struct memory_drafts *drafts, int error);

#endif /* MEMORY_DRAFT_H */
