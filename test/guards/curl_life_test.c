/* Transfers that are many, slow or cancelled, and what ends while they are under way. */
#include "book.h"
#include <stdio.h>

static size_t count_bytes(char *text, size_t one, size_t size, void *data)
{
    (void)text;
    (void)one;
    *(size_t *)data += size;
    return size;
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

    assert_int_equal(API(breaker_curl_perform(book->client, page->easy, page_done)), UV_EBUSY);
    while (book->http.requests == 0)
        uv_run(&book->f->loop, UV_RUN_ONCE);
    assert_int_equal(API(breaker_curl_perform(book->client, page->easy, page_done)), UV_EBUSY);
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

static void perform_once_more(struct page *page)
{
    page->then = NULL;
    assert_int_equal(API(breaker_curl_perform(page->book->client, page->easy, page_done)),
                     UV_ESHUTDOWN);
}

/* The client may outlive the panel; it does not look at it any more. With a prefix, with a breaker
 * for each host, and with none. */
static void after_the_panels_end(void **state)
{
    struct fixture *f = *state;
    breaker_curl_options_t options[3];
    struct book *books[3];
    struct page *pages[3];
    breaker_policy_t *policy;
    breaker_options_t rules;
    CURL *easy = curl_easy_init();

    quick_options(&rules);
    policy = make_policy(&rules);
    for (unsigned i = 0; i < 3; i++) {
        breaker_curl_options_init(&options[i]);
        options[i].hosts = i == 1 ? policy : NULL;
        options[i].unmounted = i == 2 ? BREAKER_CURL_PASS : BREAKER_CURL_STRICT;
        books[i] = i == 0 ? open_book(f, &options[0]) : keep(f, sizeof *books[i]);
        if (i > 0) {
            *books[i] = *books[0];
            assert_int_equal(API(breaker_curl_create(&books[i]->client, f->panel, &options[i])), 0);
        }
        pages[i] = get(books[i], "/stall");
        pages[i]->then = perform_once_more; /* while the panel ends */
    }
    while (books[0]->http.requests < 3)
        uv_run(&f->loop, UV_RUN_ONCE);
    fixture_destroy_panel(f);
    fixture_wait_destroyed(f);
    curl_easy_setopt(easy, CURLOPT_URL, books[0]->http.root);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(pages[i]->result.status, UV_ECANCELED);
        assert_int_equal(API(breaker_curl_perform(books[i]->client, easy, page_done)),
                         UV_ESHUTDOWN);
        if (i > 0)
            assert_int_equal(API(breaker_curl_destroy(books[i]->client, NULL, NULL)), 0);
    }
    curl_easy_cleanup(easy);
    breaker_policy_destroy(policy);
    close_book(books[0]);
}

static void must_not_be_told(CURL *easy, const breaker_curl_result_t *result)
{
    (void)easy;
    (void)result;
    fail();
}

/* Of two clients only one has the handle, also before libcurl has it; the other touches nothing. */
static void a_handle_for_two_clients(void **state)
{
    struct book *book = open_book(*state, NULL);
    breaker_curl_sinks_t sinks = {.write = count_bytes};
    breaker_curl_t *first = book->client, *second;
    size_t length = 0;
    struct page *page;

    sinks.write_data = &length;
    assert_int_equal(API(breaker_curl_create(&second, book->f->panel, NULL)), 0);
    assert_int_equal(API(breaker_curl_mount(second, "", book->breaker)), 0);
    page = get(book, "/drip");
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(
            API(breaker_curl_perform_into(second, page->easy, &sinks, must_not_be_told)), UV_EBUSY);
        assert_int_equal(API(breaker_curl_cancel(second, page->easy)), UV_ENOENT);
        uv_run(&book->f->loop, UV_RUN_ONCE);
    }
    page->keeps = true;
    wait_for_all(book);
    assert_string_equal(page->body, "hello");
    assert_int_equal(length, 0);
    book->client = second; /* its turn */
    perform_again(page);
    wait_for_all(book);
    assert_string_equal(page->body, "hello");
    assert_int_equal(API(breaker_curl_destroy(second, NULL, NULL)), 0);
    book->client = first;
    close_book(book);
}

/* A handle of the program's own in the client's multi handle ends unheeded, and does no harm. */
static void a_stranger_among_them(void **state)
{
    struct book *book = open_book(*state, NULL);
    CURL *stranger = curl_easy_init();
    size_t length = 0;
    char url[128];

    snprintf(url, sizeof url, "%s/text", book->http.root);
    curl_easy_setopt(stranger, CURLOPT_URL, url);
    curl_easy_setopt(stranger, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(stranger, CURLOPT_WRITEFUNCTION, count_bytes);
    curl_easy_setopt(stranger, CURLOPT_WRITEDATA, &length);
    assert_int_equal(curl_multi_add_handle(breaker_curl_multi(book->client), stranger), CURLM_OK);
    while (length < 5) {
        got(book, "/text");
        settle_down(book->f);
    }
    curl_multi_remove_handle(breaker_curl_multi(book->client), stranger);
    curl_easy_cleanup(stranger);
    close_book(book);
}

/* libcurl tells of most of them that they go; that it tells of all is nowhere promised. */
static void sockets_that_libcurl_forgets(void **state)
{
    struct book *book = open_book(*state, NULL);

    get(book, "/stall");
    while (book->http.requests == 0)
        uv_run(&book->f->loop, UV_RUN_ONCE);
    curl_multi_setopt(breaker_curl_multi(book->client), CURLMOPT_SOCKETFUNCTION, NULL);
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
    assert_int_equal(API(breaker_curl_perform(book->client, NULL, page_done)), UV_EINVAL);
    assert_non_null(breaker_curl_multi(book->client));
    close_book(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(many_at_once),
        REAL_TEST(a_server_that_stalls),
        REAL_TEST(cancelled),
        REAL_TEST(again_from_the_callback),
        REAL_TEST(a_handle_twice),
        REAL_TEST(the_end_with_transfers_under_way),
        REAL_TEST(the_end_from_a_callback),
        REAL_TEST(the_panel_ends_first),
        REAL_TEST(after_the_panels_end),
        REAL_TEST(a_handle_for_two_clients),
        REAL_TEST(a_stranger_among_them),
        REAL_TEST(sockets_that_libcurl_forgets),
        REAL_TEST(misuse),
    };

    return cmocka_run_group_tests(tests, curl_begin, curl_end);
}
