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

/* libcurl makes an error of them, if asked; they are the responses that they are. */
static void failing_on_errors(void **state)
{
    struct book *book = open_book(*state, NULL);

    for (unsigned i = 0; i < 2; i++) {
        char url[128];
        struct page *page;

        snprintf(url, sizeof url, "%s/status/%d", book->http.root, i == 0 ? 404 : 503);
        page = open_page(book, url);
        curl_easy_setopt(page->easy, CURLOPT_FAILONERROR, 1L);
        perform(page);
        wait_for_all(book);
        assert_int_equal(page->result.code, CURLE_HTTP_RETURNED_ERROR);
        assert_int_equal(page->result.status, 0);
        assert_int_equal(page->result.outcome, i == 0 ? BREAKER_SUCCESS : BREAKER_FAILURE);
    }
    assert_int_equal(look(book->breaker).last_error, 503);
    close_book(book);
}

static void a_5xx_whose_body_nobody_wants(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page = get(book, "/status/503");

    page->gives_up = true;
    wait_for_all(book);
    assert_int_equal(page->result.status, UV_ECANCELED);
    assert_int_equal(page->result.response, 503);
    assert_int_equal(page->result.outcome, BREAKER_FAILURE);
    assert_int_equal(look(book->breaker).last_error, 503);
    close_book(book);
}

static void mistakes_on_this_side(void **state)
{
    static const struct {
        CURLoption option;
        const char *value;
        CURLcode code;
    } mistakes[] = {
        {CURLOPT_CAINFO, "/nonexistent/ca.pem", CURLE_SSL_CACERT_BADFILE},
        {CURLOPT_SSLCERT, "/nonexistent/cert.pem", CURLE_SSL_CERTPROBLEM},
        {CURLOPT_INTERFACE, "if!no-such-interface", CURLE_INTERFACE_FAILED},
        {CURLOPT_URL, "nosuchscheme://127.0.0.1/", CURLE_UNSUPPORTED_PROTOCOL},
    };
    struct book *book = open_book(*state, NULL);
    char url[64];

    snprintf(url, sizeof url, "https%s/", book->http.root + 4);
    for (unsigned i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        struct page *page = open_page(book, url);

        curl_easy_setopt(page->easy, mistakes[i].option, mistakes[i].value);
        if (mistakes[i].option == CURLOPT_URL) {
            assert_int_equal(API(breaker_curl_perform(book->client, page->easy, page_done)),
                             UV_EINVAL);
            curl_easy_cleanup(page->easy);
            continue;
        }
        perform(page);
        wait_for_all(book);
        assert_int_equal(page->result.code, mistakes[i].code);
        assert_int_equal(page->result.status, UV_EINVAL);
        assert_int_equal(page->result.outcome, BREAKER_IGNORED);
    }
    close_book(book);
}

static size_t lend_once(char *text, size_t one, size_t size, void *data)
{
    (void)one;
    (void)size;
    if (*(bool *)data)
        return 0;
    *(bool *)data = true;
    memcpy(text, "a=b", 3);
    return 3;
}

/* A challenge wants it once more, and there is no way back. */
static void a_body_that_cannot_be_sent_again(void **state)
{
    struct book *book = open_book(*state, NULL);
    bool is_lent = false;
    char url[128];
    struct page *page;

    snprintf(url, sizeof url, "%s/digest", book->http.root);
    page = open_page(book, url);
    curl_easy_setopt(page->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(page->easy, CURLOPT_POSTFIELDSIZE, 3L);
    curl_easy_setopt(page->easy, CURLOPT_READFUNCTION, lend_once);
    curl_easy_setopt(page->easy, CURLOPT_READDATA, &is_lent);
    curl_easy_setopt(page->easy, CURLOPT_USERPWD, "me:secret");
    curl_easy_setopt(page->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_ANY);
    perform(page);
    wait_for_all(book);
    assert_int_equal(page->result.code, CURLE_SEND_FAIL_REWIND);
    assert_int_equal(page->result.outcome, BREAKER_IGNORED);
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

/* As a HEAD has none that is answered. */
static void a_refused_head_has_no_body(void **state)
{
    struct book *book = open_book(*state, NULL);
    char url[128];

    breaker_trip(book->breaker, NULL, NULL);
    snprintf(url, sizeof url, "%s/text", book->http.root);
    for (unsigned i = 0; i < 2; i++) {
        struct page *page = open_page(book, url);

        if (i == 0)
            curl_easy_setopt(page->easy, CURLOPT_NOBODY, 1L);
        else
            curl_easy_setopt(page->easy, CURLOPT_CUSTOMREQUEST, "HEAD");
        perform(page);
        wait_for_all(book);
        assert_int_equal(page->result.refused, 1);
        assert_int_equal(page->result.response, 500);
        assert_non_null(strstr(page->headers, "X-Circuit-Breaker: breaker tripped\r\n"));
        assert_string_equal(page->result.headers, page->headers);
        assert_int_equal(page->length, 0);
        assert_null(page->result.body);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(responses),
        REAL_TEST(transport_errors),
        REAL_TEST(a_name_that_does_not_resolve),
        REAL_TEST(the_programs_own_doing_is_none),
        REAL_TEST(failing_on_errors),
        REAL_TEST(a_5xx_whose_body_nobody_wants),
        REAL_TEST(mistakes_on_this_side),
        REAL_TEST(a_body_that_cannot_be_sent_again),
        REAL_TEST(a_judge_of_ones_own),
        REAL_TEST(a_refusal_is_a_response),
        REAL_TEST(a_refused_head_has_no_body),
        REAL_TEST(or_an_error),
    };

    return cmocka_run_group_tests(tests, curl_begin, curl_end);
}
