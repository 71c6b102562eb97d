/* What the tests of transfers stand on: two servers, a client with a breaker on everything, and
 * pages. */
#ifndef BOOK_H
#define BOOK_H

#include "http.h"
#include <breaker/curl.h>
#include <fixture.h>

struct page {
    CURL *easy;
    struct fixture *f;
    struct book *book;
    breaker_curl_result_t result;
    char headers[2048], body[2048], breaker[256];
    size_t length; /* of all that came */
    bool is_over, gives_up, keeps;
    bool pauses, is_paused;          /* at the first piece of the body */
    void (*then)(struct page *page); /* in the callback */
};

/* What most tests stand on: two servers and a client. */
struct book {
    struct fixture *f;
    struct http http, other;
    breaker_curl_t *client;
    breaker_t *breaker; /* on everything */
    unsigned pages;     /* under way */
    bool is_destroyed;
};

/* Two servers and a client; unless options.hosts is set, with a breaker on everything. */
struct book *open_book(struct fixture *f, breaker_curl_options_t *options);
void close_book(struct book *book); /* also ends what is under way */
void client_destroyed(void *data);  /* of breaker_curl_destroy; data is the book */

struct page *open_page(struct book *book, const char *url);        /* a handle, not begun */
size_t take_body(char *text, size_t one, size_t size, void *data); /* data is the page */
void page_done(CURL *easy, const breaker_curl_result_t *result);
void perform(struct page *page);
struct page *get_from(struct http *http, struct book *book, const char *path); /* begun */
struct page *get(struct book *book, const char *path);                         /* from book->http */
struct page *got(struct book *book, const char *path);                         /* and ended */
void wait_for_all(struct book *book);

int curl_begin(void **state); /* of a group of tests */
int curl_end(void **state);

#endif /* BOOK_H */
