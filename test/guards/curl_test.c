/* Guarded transfers of libcurl, to a server on the same loop whose paths say what it does. */
#include "http.h"
#include "peer.h"
#include <breaker/curl.h>
#include <fixture.h>
#include <stdio.h>
#include <string.h>

struct page {
    CURL *easy;
    struct fixture *f;
    struct book *book;
    breaker_curl_result_t result;
    char headers[2048], body[2048], breaker[256];
    size_t length; /* of all that came */
    bool is_over, gives_up, keeps;
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

static size_t take_body(char *text, size_t one, size_t size, void *data)
{
    struct page *page = data;

    (void)one;
    if (page->gives_up)
        return 0;
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

static void done(CURL *easy, const breaker_curl_result_t *result)
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

static struct page *open_page(struct book *book, const char *url)
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

static void perform(struct page *page)
{
    const breaker_curl_sinks_t sinks = {take_body, page, take_header, page};

    page->is_over = false;
    page->book->pages++;
    assert_int_equal(API(breaker_curl_perform_into(page->book->client, page->easy, &sinks, done)),
                     0);
}

static struct page *get(struct book *book, const char *path)
{
    char url[512];
    struct page *page;

    snprintf(url, sizeof url, "%s%s", book->http.root, path);
    page = open_page(book, url);
    perform(page);
    return page;
}

static void wait_for_all(struct book *book)
{
    while (book->pages > 0)
        uv_run(&book->f->loop, UV_RUN_ONCE);
}

static struct page *got(struct book *book, const char *path)
{
    struct page *page = get(book, path);

    wait_for_all(book);
    return page;
}

static struct book *open_book(struct fixture *f, breaker_curl_options_t *options)
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

static void client_destroyed(void *data)
{
    not_inside();
    ((struct book *)data)->is_destroyed = true;
}

static void close_book(struct book *book)
{
    assert_int_equal(API(breaker_curl_destroy(book->client, client_destroyed, book)), 0);
    http_stop(&book->http);
    http_stop(&book->other);
    run_out(book->f);
    assert_true(book->is_destroyed);
    assert_int_equal(book->pages, 0);
}

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
    if (breaker_curl_perform(book->client, page->easy, done) == 0) {
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

#ifdef HAVE_TRIP_FOR
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

#endif

static void not_unless_asked(void **state)
{
    struct book *book = open_book(*state, NULL);

    got(book, "/retry/503/50");
    assert_int_equal(look(book->breaker).state, BREAKER_PASSING);
    close_book(book);
}

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
    assert_int_equal(API(breaker_curl_perform(book->client, page->easy, done)), UV_ENOENT);
    curl_easy_setopt(page->easy, CURLOPT_URL, "http://127.0.0.1@example/");
    assert_int_equal(API(breaker_curl_perform(book->client, page->easy, done)), UV_ENOENT);
    curl_easy_setopt(page->easy, CURLOPT_URL, book->http.root); /* of another port */
    assert_int_equal(API(breaker_curl_perform(book->client, page->easy, done)), UV_ENOENT);
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

/* ---- Many, slow, cancelled, the end -----------------------------------------------------------*/

static void many_at_once(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *pages[60];

    for (unsigned i = 0; i < 60; i++)
        pages[i] = get(book, i % 2 == 0 ? "/text" : "/many");
    wait_for_all(book);
    for (unsigned i = 0; i < 60; i++)
        assert_int_equal(pages[i]->length, i % 2 == 0 ? 5 : 1 << 20);
    assert_int_equal(look(book->breaker).totals.ok, 60);
    close_book(book);
}

static void a_server_that_stalls(void **state)
{
    struct fixture *f = *state;
    struct book *book = open_book(f, NULL);
    breaker_options_t rules;
    breaker_policy_t *policy;
    struct page *page;

    quick_options(&rules);
    rules.timeout = 50;
    policy = make_policy(&rules);
    assert_int_equal(API(breaker_set_policy(book->breaker, policy)), 0);
    API_VOID(breaker_policy_destroy(policy));
    page = got(book, "/stall");
    assert_int_equal(page->result.status, UV_ETIMEDOUT);
    assert_int_equal(page->result.outcome, BREAKER_FAILURE);
    assert_int_equal(look(book->breaker).totals.late, 0);
    close_book(book);
}

static void cancelled(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page = get(book, "/stall");

    while (book->http.requests == 0)
        uv_run(&book->f->loop, UV_RUN_ONCE);
    assert_int_equal(API(breaker_curl_cancel(book->client, page->easy)), 0);
    assert_int_equal(API(breaker_curl_cancel(book->client, page->easy)), UV_EALREADY);
    wait_for_all(book);
    assert_int_equal(page->result.status, UV_ECANCELED);
    assert_int_equal(page->result.outcome, BREAKER_CANCELLED);
    assert_int_equal(API(breaker_curl_cancel(book->client, book)), UV_ENOENT);
    close_book(book);
}

static void perform_again(struct page *page)
{
    page->then = NULL;
    page->keeps = false;
    page->length = 0;
    perform(page);
}

static void again_from_the_callback(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page = get(book, "/text");

    page->then = perform_again;
    page->keeps = true;
    wait_for_all(book);
    assert_int_equal(look(book->breaker).totals.ok, 2);
    assert_int_equal(page->length, 5);
    close_book(book);
}

static void a_handle_twice(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page = get(book, "/stall");

    assert_int_equal(API(breaker_curl_perform(book->client, page->easy, done)), UV_EBUSY);
    while (book->http.requests == 0)
        uv_run(&book->f->loop, UV_RUN_ONCE);
    assert_int_equal(API(breaker_curl_perform(book->client, page->easy, done)), UV_EBUSY);
    assert_int_equal(API(breaker_curl_cancel(book->client, page->easy)), 0);
    wait_for_all(book);
    close_book(book);
}

static void the_end_with_transfers_under_way(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *pages[6];

    for (unsigned i = 0; i < 5; i++)
        pages[i] = get(book, i < 2 ? "/stall" : "/many");
    while (book->http.requests < 3)
        uv_run(&book->f->loop, UV_RUN_ONCE);
    pages[5] = get(book, "/text");
    close_book(book);
    for (unsigned i = 0; i < 6; i++)
        assert_true(pages[i]->is_over);
    assert_int_equal(pages[0]->result.status, UV_ECANCELED);
    assert_int_equal(pages[5]->result.status, UV_ECANCELED);
}

static void end_the_client(struct page *page)
{
    assert_int_equal(API(breaker_curl_destroy(page->book->client, client_destroyed, page->book)),
                     0);
    assert_int_equal(API(breaker_curl_destroy(page->book->client, NULL, NULL)), UV_EALREADY);
}

static void the_end_from_a_callback(void **state)
{
    struct fixture *f = *state;
    struct book *book = open_book(f, NULL);

    get(book, "/stall");
    get(book, "/text")->then = end_the_client;
    wait_for_all(book);
    http_stop(&book->http);
    http_stop(&book->other);
    run_out(f);
    assert_true(book->is_destroyed);
}

static void the_panel_ends_first(void **state)
{
    struct fixture *f = *state;
    struct book *book = open_book(f, NULL);
    struct page *page = get(book, "/stall");

    while (book->http.requests == 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    fixture_destroy_panel(f);
    wait_for_all(book);
    assert_int_equal(page->result.status, UV_ECANCELED);
    close_book(book);
}

static void misuse(void **state)
{
    struct fixture *f = *state;
    breaker_curl_options_t options;
    struct book *book = open_book(f, NULL);
    breaker_curl_t *client;

    breaker_curl_options_init(&options);
    options.retry_after_limit = BREAKER_TIME_MAX + 1;
    assert_int_equal(API(breaker_curl_create(&client, f->panel, &options)), UV_EINVAL);
    options.retry_after_limit = options.size = 0;
    assert_int_equal(API(breaker_curl_create(&client, f->panel, &options)), UV_EINVAL);
    assert_int_equal(API(breaker_curl_create(&client, NULL, NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_curl_create(NULL, f->panel, NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_curl_mount(book->client, "http://", NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_curl_mount(book->client, "no url", book->breaker)), UV_EINVAL);
    assert_int_equal(API(breaker_curl_perform(book->client, NULL, done)), UV_EINVAL);
    assert_non_null(breaker_curl_multi(book->client));
    close_book(book);
}

static int begin(void **state)
{
    (void)state;
    return curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK;
}

static int end(void **state)
{
    (void)state;
    curl_global_cleanup();
    return 0;
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
#ifdef HAVE_TRIP_FOR
        REAL_TEST(retry_after),
#endif
        REAL_TEST(not_unless_asked),
        REAL_TEST(the_longest_prefix_wins),
        REAL_TEST(no_host_is_taken_for_another),
        REAL_TEST(a_breaker_for_each_host),
        REAL_TEST(each_hop_asks_its_own_breaker),
        REAL_TEST(secrets_stay_at_home),
        REAL_TEST(not_for_ever),
        REAL_TEST(not_unless_wanted),
        REAL_TEST(many_at_once),
        REAL_TEST(a_server_that_stalls),
        REAL_TEST(cancelled),
        REAL_TEST(again_from_the_callback),
        REAL_TEST(a_handle_twice),
        REAL_TEST(the_end_with_transfers_under_way),
        REAL_TEST(the_end_from_a_callback),
        REAL_TEST(the_panel_ends_first),
        REAL_TEST(misuse),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
