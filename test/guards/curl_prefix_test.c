/* Which breaker a transfer asks: by prefix, by host, or one that lets everything pass. */
#include "book.h"
#include <stdio.h>

static void the_longest_prefix_wins(void **state)
{
    struct fixture *f = *state;
    struct book *book = open_book(f, NULL);
    breaker_curl_t *client = book->client;
    breaker_t *host = quick_breaker(f, "host"), *api = quick_breaker(f, "api");
    char prefix[128];

    snprintf(prefix, sizeof prefix, "HTTP%s/status/4", book->http.root + 4);
    assert_int_equal(API(breaker_curl_mount(client, prefix, api)), 0);
    assert_int_equal(API(breaker_curl_mount(client, book->http.root, host)), 0);
    assert_int_equal(API(breaker_curl_mount(client, "https://", api)), 0);
    assert_string_equal(got(book, "/status/404")->breaker, "api");
    assert_string_equal(got(book, "/status/200")->breaker, "host");
    assert_int_equal(API(breaker_curl_mount(client, prefix, host)), 0);
    assert_string_equal(got(book, "/status/404")->breaker, "host");
    assert_int_equal(API(breaker_curl_unmount(client, book->http.root)), 0);
    assert_int_equal(API(breaker_curl_unmount(client, book->http.root)), UV_ENOENT);
    assert_string_equal(got(book, "/status/200")->breaker, "all");
    close_book(book);
}

static void no_host_is_taken_for_another(void **state)
{
    struct fixture *f = *state;
    struct book *book = open_book(f, NULL);
    struct page *page;

    assert_int_equal(API(breaker_curl_unmount(book->client, "")), 0);
    assert_int_equal(API(breaker_curl_mount(book->client, "http://127.0.0.1", book->breaker)), 0);
    page = open_page(book, "http://127.0.0.1.example/"); /* not a beginning of it */
    assert_int_equal(API(breaker_curl_perform(book->client, page->easy, page_done)), UV_ENOENT);
    curl_easy_setopt(page->easy, CURLOPT_URL, "http://127.0.0.1@example/");
    assert_int_equal(API(breaker_curl_perform(book->client, page->easy, page_done)), UV_ENOENT);
    curl_easy_setopt(page->easy, CURLOPT_URL, book->http.root); /* of another port */
    assert_int_equal(API(breaker_curl_perform(book->client, page->easy, page_done)), UV_ENOENT);
    curl_easy_cleanup(page->easy);
    close_book(book);
}

static void a_breaker_for_each_host(void **state)
{
    struct fixture *f = *state;
    breaker_curl_options_t options;
    breaker_options_t rules;
    struct book *book;
    struct page *page;

    quick_options(&rules);
    breaker_curl_options_init(&options);
    options.hosts = make_policy(&rules);
    book = open_book(f, &options);
    for (unsigned i = 0; i < 3; i++)
        got(book, "/status/500");
    page = got(book, "/text");
    assert_int_equal(page->result.refused, 1);
    assert_string_equal(page->breaker, book->http.root);
    assert_non_null(breaker_find(f->panel, book->http.root));
    page = open_page(book, book->other.root);
    perform(page);
    wait_for_all(book);
    assert_int_equal(page->result.response, 404); /* it is well, if it has no such page */
    close_book(book);
    API_VOID(breaker_policy_destroy(options.hosts));
}

static void what_is_under_no_prefix_may_pass(void **state)
{
    struct fixture *f = *state;
    breaker_curl_options_t options;
    struct book *book;
    struct page *page;

    breaker_curl_options_init(&options);
    options.unmounted = BREAKER_CURL_PASS;
    options.retry_after_limit = 60000;
    book = open_book(f, &options);
    assert_int_equal(API(breaker_curl_unmount(book->client, "")), 0);
    assert_int_equal(API(breaker_curl_mount(book->client, book->http.root, book->breaker)), 0);
    assert_string_equal(got(book, "/text")->breaker, "all");
    for (unsigned i = 0; i < 40; i++) {
        page = get_from(&book->other, book, i % 2 == 0 ? "/status/503" : "/retry/503/50");
        wait_for_all(book);
        assert_int_equal(page->result.response, 503);
        assert_int_equal(page->result.refused, 0);
        assert_string_equal(page->breaker, "unguarded");
    }
    assert_int_equal(look(breaker_find(f->panel, "unguarded")).state, BREAKER_PASSING);
    assert_int_equal(look(book->breaker).totals.failed, 0);
    close_book(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(the_longest_prefix_wins),
        REAL_TEST(no_host_is_taken_for_another),
        REAL_TEST(a_breaker_for_each_host),
        REAL_TEST(what_is_under_no_prefix_may_pass),
    };

    return cmocka_run_group_tests(tests, curl_begin, curl_end);
}
