/* Guarded transfers of libcurl: what counts as what, and what a refusal looks like. */
#include "book.h"
#include "peer.h"
#include <stdio.h>
#include <string.h>

/* ---- What counts as what ----------------------------------------------------------------------*/

static void responses(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page = got(book, "/text");

    assert_int_equal(page->result.status, 0);
    assert_int_equal(page->result.response, 200);
    assert_int_equal(page->result.outcome, BREAKER_SUCCESS);
    assert_int_equal(page->result.refused, 0);
    assert_string_equal(page->body, "hello");
    assert_string_equal(page->breaker, "all");
    assert_int_equal(got(book, "/status/404")->result.outcome, BREAKER_SUCCESS);
    assert_int_equal(got(book, "/status/429")->result.outcome, BREAKER_SUCCESS);
    page = got(book, "/status/500");
    assert_int_equal(page->result.outcome, BREAKER_FAILURE);
    assert_int_equal(page->result.status, 0); /* there is a response */
    assert_int_equal(page->result.response, 500);
    assert_string_equal(page->body, "a body");
    assert_int_equal(look(book->breaker).last_error, 500);
    assert_int_equal(book->http.connections, 1);
    close_book(book);
}

static void transport_errors(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page = got(book, "/reset");
    struct sockaddr_in nowhere = peer_nowhere();
    char url[64];

    assert_int_equal(page->result.outcome, BREAKER_FAILURE);
    assert_int_equal(page->result.status, UV_ECONNRESET);
    page = got(book, "/cut");
    assert_int_equal(page->result.outcome, BREAKER_FAILURE);
    assert_int_equal(page->result.code, CURLE_PARTIAL_FILE);
    assert_string_equal(page->body, "short");
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(nowhere.sin_port));
    page = open_page(book, url);
    perform(page);
    wait_for_all(book);
    assert_int_equal(page->result.status, UV_ECONNREFUSED);
    assert_int_equal(look(book->breaker).state, BREAKER_BROKEN);
    close_book(book);
}

static void a_name_that_does_not_resolve(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page = open_page(book, "http://no-such-host.invalid/");

    perform(page);
    wait_for_all(book);
    assert_int_equal(page->result.code, CURLE_COULDNT_RESOLVE_HOST);
    assert_int_equal(page->result.outcome, BREAKER_FAILURE);
    close_book(book);
}

static void the_programs_own_doing_is_none(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page = get(book, "/text");

    page->gives_up = true;
    wait_for_all(book);
    assert_int_equal(page->result.code, CURLE_WRITE_ERROR);
    assert_int_equal(page->result.status, UV_ECANCELED);
    assert_int_equal(page->result.outcome, BREAKER_CANCELLED);
    page = open_page(book, "gopherish://127.0.0.1:1/");
    if (breaker_curl_perform(book->client, page->easy, page_done) == 0) {
        book->pages++;
        wait_for_all(book);
        assert_int_equal(page->result.outcome, BREAKER_IGNORED);
    } else {
        curl_easy_cleanup(page->easy);
    }
    assert_int_equal(look(book->breaker).totals.failed, 0);
    close_book(book);
}

static breaker_outcome_t severe(void *data, CURL *easy, CURLcode code, long response)
{
    ++*(unsigned *)data;
    assert_non_null(easy);
    return code != CURLE_OK || response > 399 ? BREAKER_FAILURE : BREAKER_SUCCESS;
}

static void a_judge_of_ones_own(void **state)
{
    breaker_curl_options_t options;
    unsigned asked = 0;
    struct book *book;

    breaker_curl_options_init(&options);
    options.judge = severe;
    options.judge_data = &asked;
    book = open_book(*state, &options);
    assert_int_equal(got(book, "/status/404")->result.outcome, BREAKER_FAILURE);
    assert_int_equal(asked, 1);
    close_book(book);
}

/* ---- Refusals ---------------------------------------------------------------------------------*/

static void a_refusal_is_a_response(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page;

    for (unsigned i = 0; i < 3; i++)
        got(book, "/status/502");
    page = got(book, "/text");
    assert_int_equal(book->http.requests, 3);
    assert_int_equal(page->result.status, 0);
    assert_int_equal(page->result.response, 500);
    assert_int_equal(page->result.refused, 1);
    assert_int_equal(page->result.last_error, 502);
    assert_true(page->result.retry_after > 0);
    assert_string_equal(page->body, "{\"error\":\"breaker tripped\"}");
    assert_non_null(strstr(page->headers, "X-Circuit-Breaker: breaker tripped\r\n"));
    assert_non_null(strstr(page->headers, "Content-Length: 27\r\n\r\n"));
    assert_int_equal(page->length, 27);
    assert_string_equal(page->result.headers, page->headers);
    assert_string_equal(page->result.body, page->body);
    close_book(book);
}

static void or_an_error(void **state)
{
    breaker_curl_options_t options;
    struct book *book;
    struct page *page;

    breaker_curl_options_init(&options);
    options.refusal = BREAKER_CURL_ERROR;
    book = open_book(*state, &options);
    breaker_trip(book->breaker, NULL, NULL);
    page = got(book, "/text");
    assert_int_equal(page->result.status, BREAKER_EREJECTED);
    assert_int_equal(page->result.response, 0);
    assert_int_equal(page->length, 0);
    assert_null(page->result.body);
    close_book(book);
}

static void retry_after(void **state)
{
    breaker_curl_options_t options;
    struct book *book;

    breaker_curl_options_init(&options);
    options.retry_after_limit = 60000;
    book = open_book(*state, &options);
    got(book, "/retry/404/50");
    assert_int_equal(look(book->breaker).state, BREAKER_PASSING);
    got(book, "/retry/503/50");
    assert_int_equal(look(book->breaker).state, BREAKER_BROKEN);
    assert_in_range(look(book->breaker).retry_after, 20000, 50000);
    breaker_reset(book->breaker, NULL, NULL);
    got(book, "/retry/429/7000");
    assert_int_equal(look(book->breaker).state, BREAKER_BROKEN);
    assert_in_range(look(book->breaker).retry_after, 20000, 60000);
    close_book(book);
}

static void not_unless_asked(void **state)
{
    struct book *book = open_book(*state, NULL);

    got(book, "/retry/503/50");
    assert_int_equal(look(book->breaker).state, BREAKER_PASSING);
    close_book(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(responses),
        REAL_TEST(transport_errors),
        REAL_TEST(a_name_that_does_not_resolve),
        REAL_TEST(the_programs_own_doing_is_none),
        REAL_TEST(a_judge_of_ones_own),
        REAL_TEST(a_refusal_is_a_response),
        REAL_TEST(or_an_error),
        REAL_TEST(retry_after),
        REAL_TEST(not_unless_asked),
    };

    return cmocka_run_group_tests(tests, curl_begin, curl_end);
}
