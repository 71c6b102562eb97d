/* How pages are fetched, and what is kept of them; how servers and client come and go. */
#include "book.h"
#include <stdio.h>
#include <string.h>

size_t take_body(char *text, size_t one, size_t size, void *data)
{
    struct page *page = data;

    (void)one;
    if (page->gives_up)
        return 0;
    if (page->pauses) {
        page->pauses = false;
        page->is_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    for (size_t i = 0; i < size && page->length + i + 1 < sizeof page->body; i++)
        page->body[page->length + i] = text[i];
    page->length += size;
    return size;
}

static size_t take_header(char *text, size_t one, size_t size, void *data)
{
    struct page *page = data;

    (void)one;
    strncat(page->headers, text, size);
    return size;
}

void page_done(CURL *easy, const breaker_curl_result_t *result)
{
    struct page *page;
    bool keeps;

    not_inside();
    assert_int_equal(curl_easy_getinfo(easy, CURLINFO_PRIVATE, &page), CURLE_OK);
    assert_ptr_equal(page->easy, easy);
    assert_false(page->is_over);
    page->is_over = true;
    page->result = *result;
    snprintf(page->breaker, sizeof page->breaker, "%s", result->breaker);
    page->book->pages--;
    keeps = page->keeps;
    if (page->then != NULL)
        page->then(page);
    if (!keeps) {
        curl_easy_cleanup(easy);
        page->easy = NULL;
    }
}

struct page *open_page(struct book *book, const char *url)
{
    struct page *page = keep(book->f, sizeof *page);

    page->f = book->f;
    page->book = book;
    page->easy = curl_easy_init();
    assert_non_null(page->easy);
    curl_easy_setopt(page->easy, CURLOPT_URL, url);
    curl_easy_setopt(page->easy, CURLOPT_PRIVATE, page);
    curl_easy_setopt(page->easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(page->easy, CURLOPT_NOSIGNAL, 1L);
    return page;
}

void perform(struct page *page)
{
    const breaker_curl_sinks_t sinks = {take_body, page, take_header, page};

    page->is_over = false;
    page->book->pages++;
    assert_int_equal(
        API(breaker_curl_perform_into(page->book->client, page->easy, &sinks, page_done)), 0);
}

struct page *get_from(struct http *http, struct book *book, const char *path)
{
    char url[512];
    struct page *page;

    snprintf(url, sizeof url, "%s%s", http->root, path);
    page = open_page(book, url);
    perform(page);
    return page;
}

struct page *get(struct book *book, const char *path)
{
    return get_from(&book->http, book, path);
}

void wait_for_all(struct book *book)
{
    while (book->pages > 0)
        uv_run(&book->f->loop, UV_RUN_ONCE);
}

struct page *got(struct book *book, const char *path)
{
    struct page *page = get(book, path);

    wait_for_all(book);
    return page;
}

struct book *open_book(struct fixture *f, breaker_curl_options_t *options)
{
    struct book *book = keep(f, sizeof *book);

    book->f = f;
    f->loop.data = f;
    http_start(&book->http, &f->loop);
    http_start(&book->other, &f->loop);
    assert_int_equal(API(breaker_curl_create(&book->client, f->panel, options)), 0);
    book->breaker = quick_breaker(f, "all");
    if (options == NULL || options->hosts == NULL)
        assert_int_equal(API(breaker_curl_mount(book->client, "", book->breaker)), 0);
    return book;
}

void client_destroyed(void *data)
{
    not_inside();
    ((struct book *)data)->is_destroyed = true;
}

void close_book(struct book *book)
{
    assert_int_equal(API(breaker_curl_destroy(book->client, client_destroyed, book)), 0);
    http_stop(&book->http);
    http_stop(&book->other);
    run_out(book->f);
    assert_true(book->is_destroyed);
    assert_int_equal(book->pages, 0);
}

int curl_begin(void **state)
{
    (void)state;
    return curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK;
}

int curl_end(void **state)
{
    (void)state;
    curl_global_cleanup();
    return 0;
}
