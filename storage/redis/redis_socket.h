/* A socket to one address. */
#ifndef REDIS_SOCKET_H
#define REDIS_SOCKET_H

#include "redis_address.h"
#include <stdbool.h>
#include <sys/types.h>

/* Begins to connect, without blocking: the descriptor, or a negative libuv code. */
int redis_socket_dial(const struct redis_address *to);

/* 1: connected; 0: not yet; or a negative libuv code. */
int redis_socket_is_connected(int fd);

/* As send, without SIGPIPE: bytes taken, 0 when it takes none now, or a negative libuv code. */
ssize_t redis_socket_send(int fd, const char *bytes, size_t size);

/* Whether it would take some, now. */
bool redis_socket_has_room(int fd);

/* When it is closed, what the other side has not got yet is thrown away: otherwise the system
 * goes on sending it, and what was called lost may be done minutes later. */
void redis_socket_give_up(int fd);

#endif /* REDIS_SOCKET_H */
