/* Who listens to what, and how far the server knows of it. */
#ifndef REDIS_EARS_H
#define REDIS_EARS_H

#include <breaker/storage.h>
#include <stdbool.h>

/* Whose channel is still to be asked for, was asked for, is heard of but its client was not told, was told;
 * and who listens no more, but the server does not know. */
enum redis_stage { REDIS_UNASKED, REDIS_ASKED, REDIS_UNTOLD, REDIS_TOLD, REDIS_LEAVING };

/* One client and one key. */
struct redis_ear {
    struct redis_ear *next;
    struct redis_ear *next_listed, **listed; /* of its stage; listed NULL: in no list */
    enum redis_stage stage;
    breaker_client_t *client; /* REDIS_LEAVING: NULL */
    uint64_t hash;
    size_t length;
    char key[];
};

struct redis_ears {
    struct redis_ear **buckets;
    size_t room;  /* a power of two; 0: none yet */
    size_t count; /* those leaving left out */
    struct redis_ear *unasked, *untold, *leaving;
    struct redis_ear *next; /* to hear what rings, while it rings */
    bool ringing;           /* the table must not be rearranged */
};

/* An ear in UNASKED, if there is none for this client and key: 0 or UV_ENOMEM. */
int redis_ears_add(struct redis_ears *ears, breaker_client_t *client, const char *key,
                   size_t length);

/* NULL: it does not listen. */
struct redis_ear *redis_ears_find(const struct redis_ears *ears, const breaker_client_t *client,
                                  const char *key, size_t length);

/* All who listen to a key, one after another. */
struct redis_ear *redis_ears_first(const struct redis_ears *ears, const char *key, size_t length);
struct redis_ear *redis_ears_next(const struct redis_ear *ear);

/* It listens no more: gone at once, or where is_asked, when the server was told. */
void redis_ears_leave(struct redis_ears *ears, struct redis_ear *ear, bool is_asked);
void redis_ears_leave_all(struct redis_ears *ears, const breaker_client_t *client, bool is_asked);

/* Does somebody else listen to the channel of one that leaves, and the server knows? */
bool redis_ears_have_others(const struct redis_ears *ears, const struct redis_ear *ear);

void redis_ears_move(struct redis_ear **list, struct redis_ear *ear, enum redis_stage stage);
struct redis_ear *redis_ears_take(struct redis_ear **list, enum redis_stage stage);
void redis_ears_destroy(struct redis_ears *ears, struct redis_ear *ear);

/* A new connection knows of nobody. */
void redis_ears_unask(struct redis_ears *ears);

/* There is no connection that they could leave. */
void redis_ears_forget_leaving(struct redis_ears *ears);

/* When nobody listens. */
void redis_ears_free(struct redis_ears *ears);

#endif /* REDIS_EARS_H */
