/* A stretch of network between a storage and its Redis, to be disturbed. */
#ifndef PROXY_H
#define PROXY_H

#include <pthread.h>
#include <stdatomic.h>

enum proxy_mode {
    PROXY_PASS,
    PROXY_HOLD,         /* nothing passes; it is kept, and passes later */
    PROXY_HOLD_REPLIES, /* questions pass */
    PROXY_LOSE_REPLIES, /* they are thrown away */
    PROXY_LOSE_ALL,
    PROXY_CUT /* every connection is reset, once; then as PASS */
};

enum { PROXY_PAIRS = 256 };

struct proxy {
    int port;
    int listener;
    char target[96]; /* a unix socket */
    pthread_t thread;
    atomic_int mode;
    atomic_int delay;       /* ms, of each reply */
    atomic_int slice;       /* bytes that pass at once; 0: any number */
    atomic_int connections; /* that were made */
    atomic_int ending;
    int pairs[PROXY_PAIRS][2];
    atomic_int count;
};

void proxy_start(struct proxy *proxy, const char *target);
void proxy_end(struct proxy *proxy);

#endif /* PROXY_H */
