/* A TCP service on loopback, for the examples to talk to. It lives on the loop it is given. */
#ifndef EXAMPLES_LOCAL_SERVICE_H
#define EXAMPLES_LOCAL_SERVICE_H

#include <uv.h>

#define LOCAL_LENGTH 120 /* bytes of its text */

/* What it does with a connection. */
enum local_habit {
    LOCAL_SENDS_ALL, /* sends its text in pieces and closes */
    LOCAL_STALLS,    /* sends the first piece, and then nothing more */
    LOCAL_BREAKS_OFF /* sends the first piece and closes */
};

struct local_service {
    uv_tcp_t listener;
    enum local_habit habit; /* may be changed at any time; counts for new connections */
    int port;               /* chosen by the system */
};

/* Returns 0 or a libuv error. */
int local_service_start(struct local_service *service, uv_loop_t *loop);

/* Connections end when the client closes them. */
void local_service_stop(struct local_service *service);

#endif /* EXAMPLES_LOCAL_SERVICE_H */
