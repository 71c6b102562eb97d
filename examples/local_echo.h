/* A service on a Unix socket, for the examples to talk to: it says again what it hears, and closes
 * when the other side has ended. It lives on the loop it is given. */
#ifndef EXAMPLES_LOCAL_ECHO_H
#define EXAMPLES_LOCAL_ECHO_H

#include <uv.h>

struct local_echo {
    uv_pipe_t listener;
    char path[64];
};

/* Returns 0 or a libuv error. */
int local_echo_start(struct local_echo *echo, uv_loop_t *loop);

/* Connections end when the client closes them. */
void local_echo_stop(struct local_echo *echo);

#endif /* EXAMPLES_LOCAL_ECHO_H */
