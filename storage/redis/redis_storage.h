/* The parts of one Redis storage, and which file looks after which. */
#ifndef REDIS_STORAGE_H
#define REDIS_STORAGE_H

#include "redis_bell.h"
#include "redis_link.h"
#include "redis_probe.h"
#include "redis_queue.h"

#define REDIS_REASON_MAX 320u

/* A panel that uses the storage. */
struct redis_client {
    breaker_client_t *client;
    struct redis_client *next;
    enum redis_fault told;
    bool closing;
};

struct redis_storage {
    breaker_storage_t base;
    struct redis_settings settings;

    /* redis.c: life. The handles are there from the first open to the last close. */
    uv_loop_t *loop; /* NULL: nobody uses it */
    uv_idle_t idle;  /* something is to be done in the next turn */
    uv_idle_t
        spare; /* is closed to be called back, which works where the host has closed the rest */
    struct redis_client *clients;
    unsigned open; /* clients that are not closing */
    unsigned handles;
    bool spare_closing;
    bool tearing; /* handles are being closed */
    bool robbed;  /* some by the host: one round more */
    char reason[REDIS_REASON_MAX];

    /* redis_exchange.c: questions; redis_answer.c: answers; redis_probe.c: before them. */
    struct redis_link link;
    struct redis_queue queue;
    struct redis_trouble trouble; /* why nothing is accepted; REDIS_FINE: it is */
    struct redis_trouble health;  /* what clients are told */
    uint64_t doubt_until;         /* 0: none. The probe does not need every right that verbs need */
    uint64_t now;                 /* of the turn in which is sent */
    uint64_t probe_due;
    uint64_t whole_end;    /* the place behind the last entry that carried the script */
    uint64_t proven_until; /* what is read is trusted so long */
    enum redis_probe probing;
    bool ready; /* the server has answered the probe */
    bool probe_is_whole;
    bool script_lost; /* the next entry carries it */
    bool sour; /* it answers, but not well: what is under way ends, then the link is dropped */
    char fault_key[BREAKER_KEY_MAX]; /* which key it was about */
    size_t fault_key_length;

    /* redis_bell.c */
    struct redis_bell bell;
};

/* redis.c. Has redis_storage_act called in the next turn. */
void redis_storage_wake(struct redis_storage *storage);
/* One of the links has closed its handles. */
void redis_storage_handle_closed(struct redis_storage *storage);
/* Keeps the words for breaker_redis_reason; key may be NULL. */
void redis_storage_note(struct redis_storage *storage, const char *text, size_t length,
                        const char *key, size_t key_length);

/* redis_exchange.c */
extern const struct redis_link_events redis_exchange_events;
void redis_exchange_submit(struct redis_storage *storage, breaker_transaction_t *transaction,
                           bool is_flush);
/* Sends what waits. */
void redis_exchange_act(struct redis_storage *storage);

uint64_t redis_exchange_due(const struct redis_storage *storage); /* of what is asked now */
/* Has deadlines looked at by then. */
void redis_exchange_expect(struct redis_storage *storage, uint64_t due);
/* It was shown at that time that the server can write. */
void redis_exchange_can_write(struct redis_storage *storage, uint64_t now);
void redis_exchange_drop_for(struct redis_storage *storage, struct redis_trouble trouble,
                             const char *text, size_t length);
void redis_exchange_drop_nonsense(struct redis_storage *storage);

/* redis_answer.c: the reply to an entry that was at this place of the queue, and is in it no
 * more. */
void redis_answer(struct redis_storage *storage, struct redis_entry *entry, uint64_t place,
                  const struct redis_reply *reply);

#endif /* REDIS_STORAGE_H */
