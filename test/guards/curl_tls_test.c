/* Transfers by TLS and HTTP/2, which share a connection, from a real server. */
#include "book.h"
#include "nginx.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct nginx nginx;

/* ---- Memory, of which a block may be refused --------------------------------------------------*/

static unsigned asked, fails;

static void *allocate(size_t size)
{
    return ++asked == fails ? NULL : malloc(size);
}

static void *reallocate(void *old, size_t size)
{
    return ++asked == fails ? NULL : realloc(old, size);
}

/* ---- Pages ------------------------------------------------------------------------------------*/

static struct page *open_secure(struct book *book, unsigned port, const char *path)
{
    char url[128];
    struct page *page;

    snprintf(url, sizeof url, "https://127.0.0.1:%d%s", nginx.ports[port], path);
    page = open_page(book, url);
    curl_easy_setopt(page->easy, CURLOPT_CAINFO, nginx.ca);
    curl_easy_setopt(page->easy, CURLOPT_PIPEWAIT, 1L);
    return page;
}

static struct page *get_securely(struct book *book, unsigned port, const char *path)
{
    struct page *page = open_secure(book, port, path);

    perform(page);
    return page;
}

static struct page *got_securely(struct book *book, unsigned port, const char *path)
{
    struct page *page = get_securely(book, port, path);

    wait_for_all(book);
    return page;
}

static long connects, older;

static void count_connects(struct page *page)
{
    long made = 0, version = 0;

    curl_easy_getinfo(page->easy, CURLINFO_NUM_CONNECTS, &made);
    curl_easy_getinfo(page->easy, CURLINFO_HTTP_VERSION, &version);
    connects += made;
    older += version != CURL_HTTP_VERSION_2_0;
}

static void set_timeout(breaker_t *breaker, uint64_t timeout)
{
    breaker_options_t rules;
    breaker_policy_t *policy;

    quick_options(&rules);
    rules.timeout = timeout;
    policy = make_policy(&rules);
    assert_int_equal(API(breaker_set_policy(breaker, policy)), 0);
    API_VOID(breaker_policy_destroy(policy));
}

static void skip_without_http2(void)
{
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2))
        skip();
}

/* ---- One connection ---------------------------------------------------------------------------*/

static void many_on_one_connection(void **state)
{
    struct book *book;
    struct page *pages[60];

    skip_without_http2();
    book = open_book(*state, NULL);
    connects = older = 0;
    for (unsigned i = 0; i < 60; i++) {
        pages[i] = get_securely(book, 0, i % 3 == 0 ? "/many" : "/text");
        pages[i]->then = count_connects;
    }
    wait_for_all(book);
    for (unsigned i = 0; i < 60; i++) {
        assert_int_equal(pages[i]->result.response, 200);
        assert_int_equal(pages[i]->length, i % 3 == 0 ? 1 << 20 : 5);
    }
    assert_int_equal(connects, 1);
    assert_int_equal(older, 0);
    assert_int_equal(look(book->breaker).totals.ok, 60);
    assert_int_equal(got_securely(book, 0, "/sick")->result.outcome, BREAKER_FAILURE);
    close_book(book);
}

/* One stream is given up, and the others go on. */
static void a_timeout_in_the_middle(void **state)
{
    struct book *book;
    struct page *page;
    breaker_t *slow;
    char prefix[128];

    skip_without_http2();
    book = open_book(*state, NULL);
    slow = quick_breaker(*state, "slow");
    set_timeout(slow, 200);
    snprintf(prefix, sizeof prefix, "https://127.0.0.1:%d/slow", nginx.ports[0]);
    assert_int_equal(API(breaker_curl_mount(book->client, prefix, slow)), 0);
    connects = 0;
    page = got_securely(book, 0, "/slow");
    assert_int_equal(page->result.status, UV_ETIMEDOUT);
    assert_int_equal(page->result.outcome, BREAKER_FAILURE);
    page = get_securely(book, 0, "/slow");
    for (unsigned i = 0; i < 10; i++)
        get_securely(book, 0, "/many")->then = count_connects;
    wait_for_all(book);
    assert_int_equal(page->result.status, UV_ETIMEDOUT);
    assert_int_equal(look(book->breaker).totals.ok, 10);
    assert_true(connects <= 1);
    assert_int_equal(look(slow).totals.timed_out, 2);
    close_book(book);
}

static void the_end_in_the_middle(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *pages[20];
    size_t received = 0;

    for (unsigned i = 0; i < 20; i++)
        pages[i] = get_securely(book, 0, i % 2 == 0 ? "/slow" : "/many");
    while (received == 0) {
        uv_run(&book->f->loop, UV_RUN_ONCE);
        received = pages[0]->length;
    }
    close_book(book);
    assert_int_equal(pages[0]->result.status, UV_ECANCELED);
    for (unsigned i = 0; i < 20; i++)
        assert_true(pages[i]->is_over);
}

/* The connection is there, and both begin on it; there is no memory to watch it. */
static void the_connection_cannot_be_watched(void **state)
{
    struct book *book;
    struct page *pages[2];

    skip_without_http2();
    book = open_book(*state, NULL);
    got_securely(book, 0, "/text");
    for (unsigned i = 0; i < 2; i++)
        pages[i] = get_securely(book, 0, "/slow");
    asked = 0;
    fails = 1;
    wait_for_all(book);
    fails = 0;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pages[i]->result.status, UV_ENOMEM);
        assert_int_equal(pages[i]->result.outcome, BREAKER_CANCELLED);
    }
    assert_int_equal(got_securely(book, 0, "/text")->result.response, 200);
    close_book(book);
}

/* ---- Certificates, and hosts ------------------------------------------------------------------*/

static void a_certificate_that_nobody_knows(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page;

    for (unsigned i = 0; i < 4; i++) {
        page = open_secure(book, 0, "/text");
        curl_easy_setopt(page->easy, CURLOPT_CAINFO, nginx.client_cert);
        perform(page);
        wait_for_all(book);
        assert_int_equal(page->result.refused, i == 3);
        if (i == 3)
            break;
        assert_int_equal(page->result.code, CURLE_PEER_FAILED_VERIFICATION);
        assert_int_equal(page->result.outcome, BREAKER_FAILURE);
    }
    assert_int_equal(look(book->breaker).state, BREAKER_BROKEN);
    close_book(book);
}

static void a_breaker_for_each_port(void **state)
{
    struct fixture *f = *state;
    breaker_curl_options_t options;
    breaker_options_t rules;
    struct book *book;
    char names[2][64];

    quick_options(&rules);
    breaker_curl_options_init(&options);
    options.hosts = make_policy(&rules);
    book = open_book(f, &options);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(names[i], sizeof names[i], "https://127.0.0.1:%d", nginx.ports[i]);
        assert_string_equal(got_securely(book, i, "/text")->breaker, names[i]);
    }
    for (unsigned i = 0; i < 3; i++)
        got_securely(book, 0, "/sick");
    assert_int_equal(got_securely(book, 0, "/text")->result.refused, 1);
    assert_int_equal(got_securely(book, 1, "/text")->result.refused, 0);
    assert_int_equal(look(breaker_find(f->panel, names[0])).state, BREAKER_BROKEN);
    close_book(book);
    API_VOID(breaker_policy_destroy(options.hosts));
}

/* To whom it was meant, and not to another. */
static void a_clients_certificate_stays_at_home(void **state)
{
    breaker_curl_options_t options;
    struct book *book;

    breaker_curl_options_init(&options);
    options.max_redirects = 2;
    book = open_book(*state, &options);
    for (unsigned i = 0; i < 2; i++) {
        struct page *page = open_secure(book, 0, i == 0 ? "/who" : "/to/who");

        curl_easy_setopt(page->easy, CURLOPT_SSLCERT, nginx.client_cert);
        curl_easy_setopt(page->easy, CURLOPT_SSLKEY, nginx.client_key);
        perform(page);
        wait_for_all(book);
        assert_int_equal(page->result.response, 200);
        assert_int_equal(page->result.redirects, i);
        assert_string_equal(page->body, i == 0 ? "CN=somebody" : "");
    }
    close_book(book);
}

static int begin(void **state)
{
    nginx_start(&nginx);
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
        REAL_TEST(many_on_one_connection),
        REAL_TEST(a_timeout_in_the_middle),
        REAL_TEST(the_end_in_the_middle),
        REAL_TEST(the_connection_cannot_be_watched),
        REAL_TEST(a_certificate_that_nobody_knows),
        REAL_TEST(a_breaker_for_each_port),
        REAL_TEST(a_clients_certificate_stays_at_home),
    };

    if (breaker_replace_allocator(allocate, reallocate, free) != 0)
        return 1;
    return cmocka_run_group_tests(tests, begin, end);
}
