/* The test's own connection to a peer, made without a guard. */
#ifndef CLIENT_H
#define CLIENT_H

#include "peer.h"
#include <fixture.h>

struct client {
    uv_tcp_t tcp;
    uv_connect_t connect;
    struct fixture *f;
    bool is_connected;
};

struct client *client_alone(struct fixture *f); /* not connected */
/* Connects to the peer, and runs the loop until it has. tcp.data is the client. */
struct client *client_connect(struct fixture *f, const struct peer *peer);
void client_close(struct client *client); /* records "closed"; once */

#endif /* CLIENT_H */
