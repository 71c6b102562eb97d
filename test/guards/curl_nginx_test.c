/* Transfers from a server that others have made, by plain HTTP: what curl_test and its neighbours
 * have from the server of the tests. */
#include "book.h"
#include "nginx.h"
#include <stdio.h>
#include <string.h>

static struct nginx nginx;

static struct page *open_there(struct book *book, unsigned port, const char *path)
{
    char url[128];

    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", nginx.ports[port], path);
    return open_page(book, url);
}

static struct page *get_there(struct book *book, const char *path)
{
    struct page *page = open_there(book, 0, path);

    perform(page);
    return page;
}

static struct page *got_there(struct book *book, const char *path)
{
    struct page *page = get_there(book, path);

    wait_for_all(book);
    return page;
}

/* ---- What counts as what ----------------------------------------------------------------------*/

static void responses(void **state)
{
    static const struct {
        const char *path;
        long response;
        breaker_outcome_t outcome;
    } responses[] = {{"/text", 200, BREAKER_SUCCESS},
                     {"/nowhere", 404, BREAKER_SUCCESS},
                     {"/broken", 500, BREAKER_FAILURE},
                     {"/busy", 503, BREAKER_FAILURE}};
    struct book *book = open_book(*state, NULL);

    for (unsigned i = 0; i < sizeof responses / sizeof *responses; i++) {
        struct page *page = got_there(book, responses[i].path);

        assert_int_equal(page->result.status, 0);
        assert_int_equal(page->result.response, responses[i].response);
        assert_int_equal(page->result.outcome, responses[i].outcome);
        assert_true(page->length > 0);
    }
    assert_int_equal(look(book->breaker).last_error, 503);
    assert_int_equal(look(book->breaker).state, BREAKER_PASSING); /* nobody asked for Retry-After */
    close_book(book);
}

static void it_breaks_and_refuses(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page;

    for (unsigned i = 0; i < 3; i++)
        got_there(book, "/sick");
    page = got_there(book, "/text");
    assert_int_equal(page->result.refused, 1);
    assert_string_equal(page->body, "{\"error\":\"breaker tripped\"}");
    close_book(book);
}

static void retry_after(void **state)
{
    breaker_curl_options_t options;
    struct book *book;
    breaker_snapshot_t now;

    breaker_curl_options_init(&options);
    options.retry_after_limit = 60000;
    book = open_book(*state, &options);
    assert_int_equal(got_there(book, "/busy")->result.outcome, BREAKER_FAILURE);
    now = look(book->breaker);
    assert_int_equal(now.state, BREAKER_BROKEN);
    assert_in_range(now.retry_after, 6000, 7000);
    assert_int_equal(got_there(book, "/text")->result.refused, 1);
    close_book(book);
}

static void a_head(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page = open_there(book, 0, "/many");

    curl_easy_setopt(page->easy, CURLOPT_NOBODY, 1L);
    perform(page);
    wait_for_all(book);
    assert_int_equal(page->result.response, 200);
    assert_non_null(strstr(page->headers, "Content-Length: 1048576\r\n"));
    assert_int_equal(page->length, 0);
    close_book(book);
}

/* ---- Connections ------------------------------------------------------------------------------*/

static void one_connection_for_all(void **state)
{
    struct book *book = open_book(*state, NULL);
    unsigned connection = 0;

    for (unsigned i = 1; i <= 5; i++) {
        struct page *page = got_there(book, "/count");
        unsigned number, requests;

        assert_int_equal(sscanf(page->body, "%u %u", &number, &requests), 2);
        if (i > 1)
            assert_int_equal(number, connection);
        assert_int_equal(requests, i);
        connection = number;
    }
    close_book(book);
}

static void many_at_once(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *pages[60];

    for (unsigned i = 0; i < 60; i++)
        pages[i] = get_there(book, i % 3 == 0 ? "/many" : "/text");
    wait_for_all(book);
    for (unsigned i = 0; i < 60; i++) {
        assert_int_equal(pages[i]->result.response, 200);
        assert_int_equal(pages[i]->length, i % 3 == 0 ? 1 << 20 : 5);
    }
    assert_int_equal(look(book->breaker).totals.ok, 60);
    close_book(book);
}

/* ---- Redirects --------------------------------------------------------------------------------*/

static void mount_there(struct book *book, unsigned port, breaker_t *breaker)
{
    char prefix[64];

    snprintf(prefix, sizeof prefix, "http://127.0.0.1:%d/", nginx.ports[port]);
    assert_int_equal(API(breaker_curl_mount(book->client, prefix, breaker)), 0);
}

static void a_redirect_across_prefixes(void **state)
{
    breaker_curl_options_t options;
    struct book *book;
    breaker_t *first, *second;

    breaker_curl_options_init(&options);
    options.max_redirects = 3;
    book = open_book(*state, &options);
    mount_there(book, 0, first = quick_breaker(*state, "first"));
    mount_there(book, 1, second = quick_breaker(*state, "second"));
    for (unsigned i = 0; i < 2; i++) {
        struct page *page = open_there(book, 0, "/to/text");

        curl_easy_setopt(page->easy, CURLOPT_NOBODY, (long)i);
        perform(page);
        wait_for_all(book);
        assert_int_equal(page->result.response, 200);
        assert_int_equal(page->result.redirects, 1);
        assert_string_equal(page->breaker, "second");
        assert_string_equal(page->body, i == 0 ? "hello" : "");
    }
    got_there(book, "/to/broken");
    assert_int_equal(look(first).totals.ok, 3);
    assert_int_equal(look(second).totals.ok, 2);
    assert_int_equal(look(second).totals.failed, 1);
    close_book(book);
}

static int begin(void **state)
{
    nginx_start_plain(&nginx);
    return curl_begin(state);
}

static int end(void **state)
{
    nginx_end(&nginx);
    return curl_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(responses),
        REAL_TEST(it_breaks_and_refuses),
        REAL_TEST(retry_after),
        REAL_TEST(a_head),
        REAL_TEST(one_connection_for_all),
        REAL_TEST(many_at_once),
        REAL_TEST(a_redirect_across_prefixes),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
