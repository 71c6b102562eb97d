/* A TCP echo on a loopback port of the system's choice, and a connection to it, in the fixture's loop: real
 * I/O to guard. One byte a call. */
#ifndef LOOP_ECHO_H
#define LOOP_ECHO_H

#include "job.h"

struct echo {
    uv_tcp_t server, accepted, client;
    uv_connect_t connecting;
    uv_write_t writing, answering;
    struct job *job; /* whose answer is awaited */
    char byte, answer;
    unsigned opened; /* handles to close at the end */
};

/* The client's connection is there when it returns. */
struct echo *echo_open(struct fixture *f);
void echo_close(struct echo *echo);

/* A start for jobs whose data is the echo: writes a byte; its answer finishes the job. */
void echo_ask(struct job *job);

#endif /* LOOP_ECHO_H */
