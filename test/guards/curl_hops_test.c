/* Between two hops of a chain of redirects: the first has ended, and its call to the circuit is not
 * released; whatever happens then ends the chain. */
#include "book.h"
#include <stdio.h>

struct gap {
    struct book *book;
    struct page *page;
    void (*act)(struct gap *gap);
    uv_check_t check;
};

/* Runs right after the poll in which the first hop has ended, before the panel's next drain. */
static void look_for_it(uv_check_t *check)
{
    struct gap *gap = check->data;

    if (gap->book->f->panel == NULL || look(gap->book->breaker).totals.ok == 0)
        return;
    uv_close((uv_handle_t *)check, NULL);
    assert_false(gap->page->is_over);
    gap->act(gap);
}

/* A chain from one server to the other, and what is done in its gap. */
static struct gap *lead_on(struct fixture *f, void (*act)(struct gap *gap))
{
    struct gap *gap = keep(f, sizeof *gap);
    breaker_curl_options_t options;
    char way[256];

    breaker_curl_options_init(&options);
    options.max_redirects = 3;
    gap->book = open_book(f, &options);
    gap->act = act;
    gap->check.data = gap;
    uv_check_init(&f->loop, &gap->check);
    snprintf(way, sizeof way, "/to/%s/stall", gap->book->other.root);
    gap->page = get(gap->book, way);
    uv_check_start(&gap->check, look_for_it); /* before the panel's: libuv begins with the newest */
    wait_for_all(gap->book);
    assert_int_equal(gap->page->result.status, UV_ECANCELED);
    assert_int_equal(gap->page->result.outcome, BREAKER_SUCCESS); /* of the first */
    assert_int_equal(gap->page->result.redirects, 0);
    assert_int_equal(gap->book->other.requests, 0);
    return gap;
}

static void cancel_twice(struct gap *gap)
{
    CURL *easy = gap->page->easy;

    assert_int_equal(API(breaker_curl_cancel(gap->book->client, easy)), 0);
    assert_int_equal(API(breaker_curl_cancel(gap->book->client, easy)), UV_EALREADY);
}

static void a_cancel(void **state)
{
    close_book(lead_on(*state, cancel_twice)->book);
}

static void end_the_panel(struct gap *gap)
{
    fixture_destroy_panel(gap->book->f);
}

static void the_panels_end(void **state)
{
    close_book(lead_on(*state, end_the_panel)->book);
}

static void end_the_client(struct gap *gap)
{
    struct book *book = gap->book;

    assert_int_equal(API(breaker_curl_destroy(book->client, client_destroyed, book)), 0);
}

static void the_clients_end(void **state)
{
    struct book *book = lead_on(*state, end_the_client)->book;

    http_stop(&book->http);
    http_stop(&book->other);
    run_out(book->f);
    assert_true(book->is_destroyed);
}

/* Without a redirect that is to be followed there is no gap: it is about to end. */
static void cancel_too_late(struct page *page)
{
    assert_int_equal(API(breaker_curl_cancel(page->book->client, page->easy)), UV_ENOENT);
}

static void the_end_of_the_chain(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page = get(book, "/text");

    page->then = cancel_too_late;
    while (look(book->breaker).totals.ok == 0)
        uv_run(&book->f->loop, UV_RUN_ONCE);
    if (!page->is_over)
        assert_int_equal(API(breaker_curl_cancel(book->client, page->easy)), UV_EALREADY);
    wait_for_all(book);
    assert_int_equal(page->result.status, 0);
    close_book(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(a_cancel),
        REAL_TEST(the_panels_end),
        REAL_TEST(the_clients_end),
        REAL_TEST(the_end_of_the_chain),
    };

    return cmocka_run_group_tests(tests, curl_begin, curl_end);
}
