/* An echo service in a thread of its own, for the row echo_share. */
#ifndef ECHO_H
#define ECHO_H

#include <netinet/in.h>
#include <uv.h>

#define ECHO_CONNECTIONS 16
#define ECHO_BYTES 64

struct echo_server;

/* Listens on a free port of the loopback. */
struct echo_server *echo_server_start(struct sockaddr_in *address);

/* Its clients must have gone. */
void echo_server_stop(struct echo_server *server);

#endif /* ECHO_H */
