/* A TCP server on loopback with bad habits, on the loop of the test. */
#ifndef PEER_H
#define PEER_H

#include <uv.h>

/* What it does with a connection. */
enum habit {
    PEER_STALLS,      /* accepts, and neither reads nor writes */
    PEER_READS,       /* reads all there is, says nothing */
    PEER_SENDS,       /* sends PEER_TEXT and closes */
    PEER_HALF_CLOSES, /* sends PEER_TEXT, ends its side, reads on to the end of the other */
    PEER_DRIPS,       /* sends a byte about every other millisecond, for ever */
    PEER_BREAKS_OFF   /* sends PEER_TEXT, and resets when it has heard something */
};

#define PEER_TEXT "a piece of text"
enum { PEER_LENGTH = sizeof PEER_TEXT - 1 };

struct peer_client;

struct peer {
    uv_tcp_t listener;
    enum habit habit; /* of those that come next */
    struct sockaddr_in address;
    struct peer_client *clients;
    unsigned accepted;
    size_t received; /* from all of them */
    char first[64];  /* the beginning of what was received */
    unsigned ends;   /* how many of them ended their side */
};

void peer_start(struct peer *peer, uv_loop_t *loop, enum habit habit);
void peer_stop(struct peer *peer);

/* A port on loopback where nobody listens. */
struct sockaddr_in peer_nowhere(void);

/* A listener that has no room for another connection: a connect to it is never answered. */
struct crowd {
    struct sockaddr_in address;
    int listener, visitors[8];
};
void crowd_gather(struct crowd *crowd);
void crowd_leave(struct crowd *crowd);

/* The thread pool, full: so many threads wait until it is drawn. */
struct plug {
    uv_sem_t held, free;
    uv_work_t works[64];
    unsigned count;
};
void plug_in(struct plug *plug, uv_loop_t *loop);
void plug_draw(struct plug *plug); /* they end when the loop runs */

#endif /* PEER_H */
