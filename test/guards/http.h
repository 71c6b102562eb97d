/* An HTTP server on loopback, on the loop of the test, whose paths say what it does. */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <uv.h>

/*  /text             200 and "hello"
 *  /status/503       that status and a body
 *  /retry/429/7      that status, with Retry-After: 7
 *  /date/503/7       the same as a date
 *  /to/URL           302 to the URL, with a body
 *  /lead/308/URL     the same with that status
 *  /loop             302 to itself
 *  /many             200 and a megabyte
 *  /cut              less than it promised, and the end
 *  /stall            nothing
 *  /reset            a reset
 *  /early            413 to an upload of which most is not read, and the end: a reset
 *  /drip             200 and "hello", byte by byte, header and all
 *  /half             200 and "hello" up to the end of its own side; it reads on
 *  /digest           401 with a challenge, and 200 to an answer of whatever kind
 *  /secret           X, C, A, R for X-Secret, Cookie, Authorization, Referer, if they came */
struct http {
    uv_tcp_t listener;
    char root[64]; /* http://127.0.0.1:PORT */
    struct http_client *clients;
    unsigned requests, connections;
    bool holds; /* requests wait for http_go */
};

void http_start(struct http *http, uv_loop_t *loop);
void http_go(struct http *http); /* answers those that wait, all before it returns */
void http_stop(struct http *http);

#endif /* HTTP_H */
