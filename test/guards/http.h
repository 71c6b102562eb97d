/* An HTTP server on loopback, on the loop of the test, whose paths say what it does. */
#ifndef HTTP_H
#define HTTP_H

#include <uv.h>

/*  /text             200 and "hello"
 *  /status/503       that status and a body
 *  /retry/429/7      that status, with Retry-After: 7
 *  /to/URL           302 to the URL, with a body
 *  /loop             302 to itself
 *  /many             200 and a megabyte
 *  /cut              less than it promised, and the end
 *  /stall            nothing
 *  /reset            a reset
 *  /secret           what it got in the headers X-Secret and Cookie, and the name and password */
struct http {
    uv_tcp_t listener;
    char root[64]; /* http://127.0.0.1:PORT */
    struct http_client *clients;
    unsigned requests, connections;
};

void http_start(struct http *http, uv_loop_t *loop);
void http_stop(struct http *http);

#endif /* HTTP_H */
