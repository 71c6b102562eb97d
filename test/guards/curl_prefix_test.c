/* Which breaker a transfer asks: by prefix, by host, and by each hop of a chain of redirects. */
#include "book.h"
#include <stdio.h>

/* ---- Which breaker ----------------------------------------------------------------------------*/

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

/* ---- Redirects --------------------------------------------------------------------------------*/

static struct book *open_redirecting(struct fixture *f, unsigned most, breaker_t **other)
{
    breaker_curl_options_t options;
    struct book *book;

    breaker_curl_options_init(&options);
    options.max_redirects = most;
    book = open_book(f, &options);
    *other = quick_breaker(f, "other");
    assert_int_equal(API(breaker_curl_mount(book->client, book->other.root, *other)), 0);
    return book;
}

static struct page *get_by_way(struct book *book, const char *path)
{
    char way[256];

    snprintf(way, sizeof way, "/to/%s%s", book->other.root, path);
    return get(book, way);
}

static void each_hop_asks_its_own_breaker(void **state)
{
    breaker_t *other;
    struct book *book = open_redirecting(*state, 3, &other);
    struct page *page = get_by_way(book, "/text");

    wait_for_all(book);
    assert_int_equal(page->result.response, 200);
    assert_int_equal(page->result.redirects, 1);
    assert_string_equal(page->body, "hello"); /* and nothing of the first */
    assert_string_equal(page->breaker, "other");
    assert_int_equal(look(book->breaker).totals.ok, 1);
    assert_int_equal(look(other).totals.ok, 1);
    get_by_way(book, "/status/500");
    wait_for_all(book);
    assert_int_equal(look(book->breaker).totals.ok, 2);
    assert_int_equal(look(other).totals.failed, 1);
    breaker_trip(other, NULL, NULL);
    page = get_by_way(book, "/text");
    wait_for_all(book);
    assert_int_equal(page->result.refused, 1);
    assert_string_equal(page->body, "{\"error\":\"breaker tripped\"}");
    close_book(book);
}

static void secrets_stay_at_home(void **state)
{
    breaker_t *other;
    struct book *book = open_redirecting(*state, 3, &other);
    struct curl_slist *headers = curl_slist_append(NULL, "X-Secret: x");

    for (unsigned i = 0; i < 3; i++) {
        const char *target = i == 1 ? book->http.root : book->other.root;
        char path[256], url[512];
        struct page *page;

        snprintf(path, sizeof path, i == 0 ? "/secret" : "/to/%s/secret", target);
        snprintf(url, sizeof url, "%s%s", book->http.root, path);
        page = open_page(book, url);
        curl_easy_setopt(page->easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(page->easy, CURLOPT_COOKIE, "a=b");
        curl_easy_setopt(page->easy, CURLOPT_USERPWD, "me:secret");
        perform(page);
        wait_for_all(book);
        assert_string_equal(page->body, i < 2 ? "XCA" : "");
    }
    curl_slist_free_all(headers);
    close_book(book);
}

static void not_for_ever(void **state)
{
    breaker_t *other;
    struct book *book = open_redirecting(*state, 4, &other);
    struct page *page = got(book, "/loop");

    assert_int_equal(page->result.response, 302);
    assert_int_equal(page->result.redirects, 4);
    assert_int_equal(page->result.code, CURLE_TOO_MANY_REDIRECTS);
    assert_int_equal(page->result.status, 0);
    assert_int_equal(page->length, 0);
    assert_int_equal(look(book->breaker).totals.ok, 5);
    page = got(book, "/to/ftp://127.0.0.1/x"); /* not over there */
    assert_int_equal(page->result.response, 302);
    assert_int_equal(page->result.status, 0);
    assert_int_equal(page->result.redirects, 0);
    assert_int_equal(API(breaker_curl_unmount(book->client, book->other.root)), 0);
    assert_int_equal(API(breaker_curl_unmount(book->client, "")), 0);
    assert_int_equal(API(breaker_curl_mount(book->client, book->http.root, book->breaker)), 0);
    page = get_by_way(book, "/text"); /* nor where there is no breaker */
    wait_for_all(book);
    assert_int_equal(page->result.response, 302);
    assert_int_equal(page->result.status, 0);
    assert_int_equal(page->result.redirects, 0);
    close_book(book);
}

static void not_unless_wanted(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page = got(book, "/loop");

    assert_int_equal(page->result.response, 302);
    assert_string_equal(page->body, "round and round");
    close_book(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(the_longest_prefix_wins), REAL_TEST(no_host_is_taken_for_another),
        REAL_TEST(a_breaker_for_each_host), REAL_TEST(each_hop_asks_its_own_breaker),
        REAL_TEST(secrets_stay_at_home),    REAL_TEST(not_for_ever),
        REAL_TEST(not_unless_wanted),
    };

    return cmocka_run_group_tests(tests, curl_begin, curl_end);
}
