/* Chains of redirects: each hop asks the breaker of its own URL, and nothing else is a redirect. */
#include "book.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void mounted_prefixes_along_the_way(void **state)
{
    breaker_t *other, *deep;
    struct book *book = open_redirecting(*state, 3, &other);
    char prefix[128];
    struct page *page;

    deep = quick_breaker(*state, "deep");
    snprintf(prefix, sizeof prefix, "%s/status/", book->other.root);
    assert_int_equal(API(breaker_curl_mount(book->client, prefix, deep)), 0);
    snprintf(prefix, sizeof prefix, "%s/to/", book->http.root);
    assert_int_equal(API(breaker_curl_mount(book->client, prefix, other)), 0);
    page = get_by_way(book, "/status/500");
    wait_for_all(book);
    assert_string_equal(page->breaker, "deep");
    assert_int_equal(page->result.outcome, BREAKER_FAILURE);
    assert_int_equal(look(other).totals.ok, 1);
    assert_int_equal(look(deep).totals.failed, 1);
    assert_int_equal(look(book->breaker).totals.admitted, 0);
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
        curl_easy_setopt(page->easy, CURLOPT_REFERER, "http://inside.example/secret");
        perform(page);
        wait_for_all(book);
        assert_string_equal(page->body, i < 2 ? "XCAR" : "");
    }
    curl_slist_free_all(headers);
    close_book(book);
}

/* Alone, since it comes in the same header as a password. */
static void a_token_stays_at_home(void **state)
{
    breaker_t *other;
    struct book *book = open_redirecting(*state, 3, &other);

    for (unsigned i = 0; i < 2; i++) {
        const char *target = i == 0 ? book->http.root : book->other.root;
        char url[512];
        struct page *page;

        snprintf(url, sizeof url, "%s/to/%s/secret", book->http.root, target);
        page = open_page(book, url);
        curl_easy_setopt(page->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        curl_easy_setopt(page->easy, CURLOPT_XOAUTH2_BEARER, "token");
        perform(page);
        wait_for_all(book);
        assert_string_equal(page->body, i == 0 ? "A" : "");
    }
    close_book(book);
}

/* CURLOPT_PORT is for the first host; libcurl, too, forgets it on the way to another. */
static void the_port_stays_at_home(void **state)
{
    breaker_t *other;
    struct book *book = open_redirecting(*state, 3, &other);
    struct page *page;
    char url[256];

    snprintf(url, sizeof url, "%s/to/%s/text", book->http.root, book->other.root);
    page = open_page(book, url);
    curl_easy_setopt(page->easy, CURLOPT_PORT, atol(strrchr(book->http.root, ':') + 1));
    perform(page);
    wait_for_all(book);
    assert_string_equal(page->body, "hello");
    assert_int_equal(book->http.requests, 1);
    assert_int_equal(book->other.requests, 1);
    close_book(book);
}

static void the_statuses_that_lead_on(void **state)
{
    static const struct {
        int status;
        bool leads_on;
    } statuses[] = {{300, false}, {301, true}, {302, true}, {303, true},
                    {305, false}, {307, true}, {308, true}, {404, false}};
    breaker_t *other;
    struct book *book = open_redirecting(*state, 3, &other);
    unsigned followed = 0;

    for (unsigned i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        char way[256];
        struct page *page;

        snprintf(way, sizeof way, "/lead/%d/%s/text", statuses[i].status, book->other.root);
        page = got(book, way);
        followed += statuses[i].leads_on;
        assert_int_equal(page->result.response, statuses[i].leads_on ? 200 : statuses[i].status);
        assert_string_equal(page->body, statuses[i].leads_on ? "hello" : "it has moved");
        assert_int_equal(book->other.requests, followed);
    }
    close_book(book);
}

static void not_for_ever(void **state)
{
    breaker_t *other;
    struct book *book = open_redirecting(*state, 4, &other);
    struct page *page = got(book, "/loop");

    assert_int_equal(page->result.response, 302);
    assert_int_equal(page->result.redirects, 4);
    assert_int_equal(page->result.code, CURLE_OK);
    assert_int_equal(page->result.status, 0);
    assert_string_equal(page->body, "round and round"); /* of the last, and only that */
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

/* Where bodies cannot be kept from the program, nothing is followed but a HEAD. */
static void not_without_a_sink(void **state)
{
    breaker_t *other;
    struct book *book = open_redirecting(*state, 3, &other);
    char url[256];
    struct page *page;

    snprintf(url, sizeof url, "%s/to/%s/text", book->http.root, book->other.root);
    for (unsigned i = 0; i < 2; i++) {
        page = open_page(book, url);
        curl_easy_setopt(page->easy, CURLOPT_FOLLOWLOCATION, 1L); /* is turned off */
        curl_easy_setopt(page->easy, CURLOPT_NOBODY, (long)i);
        curl_easy_setopt(page->easy, CURLOPT_WRITEFUNCTION, take_body);
        curl_easy_setopt(page->easy, CURLOPT_WRITEDATA, page);
        book->pages++;
        assert_int_equal(API(breaker_curl_perform(book->client, page->easy, page_done)), 0);
        wait_for_all(book);
        assert_int_equal(page->result.response, i == 0 ? 302 : 200);
        assert_string_equal(page->body, i == 0 ? "it has moved" : "");
        assert_int_equal(page->result.redirects, i);
    }
    assert_int_equal(look(other).totals.ok, 1);
    close_book(book);
}

/* ---- What is no redirect ----------------------------------------------------------------------*/

static void a_challenge_is_none(void **state)
{
    breaker_t *other;
    struct book *book = open_redirecting(*state, 3, &other);
    char url[128];

    snprintf(url, sizeof url, "%s/digest", book->http.root);
    for (unsigned i = 0; i < 4; i++) {
        struct page *page = open_page(book, url);

        curl_easy_setopt(page->easy, CURLOPT_USERPWD, "me:secret");
        curl_easy_setopt(page->easy, CURLOPT_HTTPAUTH,
                         (long)(i % 2 == 0 ? CURLAUTH_ANY : CURLAUTH_DIGEST));
        if (i < 2)
            curl_easy_setopt(page->easy, CURLOPT_POSTFIELDS, "a=b");
        perform(page);
        wait_for_all(book);
        assert_int_equal(page->result.code, CURLE_OK);
        assert_int_equal(page->result.response, 200);
        assert_string_equal(page->body, "come in");
        assert_int_equal(page->result.redirects, 0);
    }
    assert_int_equal(look(book->breaker).totals.ok, 4);
    close_book(book);
}

/* By a 302 it would not be a POST any more; and its body cannot always be sent again. */
static void a_post_is_not_followed(void **state)
{
    breaker_t *other;
    struct book *book = open_redirecting(*state, 3, &other);
    static const int statuses[] = {302, 307, 308};

    for (unsigned i = 0; i < 3; i++) {
        char url[256];
        struct page *page;

        snprintf(url, sizeof url, "%s/lead/%d/%s/text", book->http.root, statuses[i],
                 book->other.root);
        page = open_page(book, url);
        curl_easy_setopt(page->easy, CURLOPT_POSTFIELDS, "a=b");
        perform(page);
        wait_for_all(book);
        assert_int_equal(page->result.response, statuses[i]);
        assert_string_equal(page->body, "it has moved");
    }
    assert_int_equal(look(other).totals.admitted, 0);
    close_book(book);
}

/* Between hops the guard writes for the handle; afterwards it has its own sinks again. */
static void the_handle_afterwards(void **state)
{
    breaker_t *other;
    struct book *book = open_redirecting(*state, 3, &other);
    struct page *page = get_by_way(book, "/text");
    char url[128];

    page->keeps = true;
    wait_for_all(book);
    snprintf(url, sizeof url, "%s/status/404", book->http.root);
    curl_easy_setopt(page->easy, CURLOPT_URL, url);
    page->is_over = page->keeps = false;
    page->length = 0;
    book->pages++;
    assert_int_equal(API(breaker_curl_perform(book->client, page->easy, page_done)), 0);
    wait_for_all(book);
    assert_string_equal(page->body, "a body");
    close_book(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(each_hop_asks_its_own_breaker),
        REAL_TEST(mounted_prefixes_along_the_way),
        REAL_TEST(secrets_stay_at_home),
        REAL_TEST(a_token_stays_at_home),
        REAL_TEST(the_port_stays_at_home),
        REAL_TEST(the_statuses_that_lead_on),
        REAL_TEST(not_for_ever),
        REAL_TEST(not_unless_wanted),
        REAL_TEST(not_without_a_sink),
        REAL_TEST(a_challenge_is_none),
        REAL_TEST(a_post_is_not_followed),
        REAL_TEST(the_handle_afterwards),
    };

    return cmocka_run_group_tests(tests, curl_begin, curl_end);
}
