/* An nginx of the test's own on two ports, with TLS and HTTP/2 and certificates made for it, or
 * plain. */
#ifndef NGINX_H
#define NGINX_H

#include <stdbool.h>
#include <sys/types.h>

/*  /text        200 and "hello"
 *  /sick        503
 *  /broken      500
 *  /busy        503 with Retry-After: 7
 *  /count       200 and the numbers of the connection, and of the request on it
 *  /many        200 and a megabyte
 *  /slow        the same, 16 KiB a second
 *  /who         200 and the name in the client's certificate, if it showed one
 *  /to/PATH     302 to the path on the other port */
struct nginx {
    char directory[64];
    bool is_plain;
    int ports[2];
    char ca[96];                          /* that has signed its certificate, for 127.0.0.1 */
    char client_cert[96], client_key[96]; /* of a client named "somebody" */
    pid_t pid;
};

/* Starts it and waits until it listens. Ends the program with 77, which is "skipped", where there
 * is no nginx (the variable NGINX says where it is), no openssl, or no TLS in libcurl; the last two
 * do not matter to a plain one. */
void nginx_start(struct nginx *nginx);
void nginx_start_plain(struct nginx *nginx);
void nginx_end(struct nginx *nginx);

#endif /* NGINX_H */
