/* Transfers with servers, and programs, that take their time or stop half way. */
#include "book.h"
#include <stdio.h>
#include <string.h>

/* ---- Servers ----------------------------------------------------------------------------------*/

static void byte_by_byte(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page = got(book, "/drip");

    assert_int_equal(page->result.outcome, BREAKER_SUCCESS);
    assert_string_equal(page->body, "hello");
    close_book(book);
}

/* Its own patience is libcurl's, and a failure too. */
static void too_slow_for_libcurl(void **state)
{
    struct book *book = open_book(*state, NULL);
    char url[128];
    struct page *page;

    snprintf(url, sizeof url, "%s/stall", book->http.root);
    page = open_page(book, url);
    curl_easy_setopt(page->easy, CURLOPT_TIMEOUT_MS, 50L);
    perform(page);
    wait_for_all(book);
    assert_int_equal(page->result.code, CURLE_OPERATION_TIMEDOUT);
    assert_int_equal(page->result.status, UV_ETIMEDOUT);
    assert_int_equal(page->result.outcome, BREAKER_FAILURE);
    close_book(book);
}

static void it_half_closes(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page = got(book, "/half");

    assert_int_equal(page->result.outcome, BREAKER_SUCCESS);
    assert_string_equal(page->body, "hello");
    page = got(book, "/text"); /* on another connection */
    assert_string_equal(page->body, "hello");
    close_book(book);
}

static size_t lend_zeros(char *text, size_t one, size_t size, void *data)
{
    (void)data;
    memset(text, '0', one * size);
    return one * size;
}

/* The server has answered and reset: the answer counts, not the broken upload. */
static void it_answers_early(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    char url[128];

    snprintf(url, sizeof url, "%s/early", book->http.root);
    for (unsigned i = 0; i < 3; i++) {
        struct page *page = open_page(book, url);

        curl_easy_setopt(page->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(page->easy, CURLOPT_POSTFIELDSIZE, 64L << 20);
        curl_easy_setopt(page->easy, CURLOPT_READFUNCTION, lend_zeros);
        curl_easy_setopt(page->easy, CURLOPT_HTTPHEADER, headers);
        perform(page);
        wait_for_all(book);
        assert_int_equal(page->result.response, 413);
        assert_int_equal(page->result.status, 0);
        assert_string_equal(page->body, "enough");
        assert_int_equal(page->result.outcome, BREAKER_SUCCESS);
    }
    curl_slist_free_all(headers);
    close_book(book);
}

/* ---- Programs that pause ----------------------------------------------------------------------*/

static void go_on(uv_timer_t *timer)
{
    struct page *page = timer->data;

    assert_false(page->is_over);
    assert_int_equal(page->length, 0);
    assert_int_equal(curl_easy_pause(page->easy, CURLPAUSE_CONT), CURLE_OK);
    uv_close((uv_handle_t *)timer, NULL);
}

static void a_pause(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page = get(book, "/many");
    uv_timer_t timer;

    page->pauses = true;
    while (!page->is_paused)
        uv_run(&book->f->loop, UV_RUN_ONCE);
    uv_timer_init(&book->f->loop, &timer);
    timer.data = page;
    uv_timer_start(&timer, go_on, 20, 0);
    wait_for_all(book);
    assert_int_equal(page->length, 1 << 20);
    assert_int_equal(page->result.outcome, BREAKER_SUCCESS);
    close_book(book);
}

static void a_pause_that_lasts_too_long(void **state)
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
    page = get(book, "/many");
    page->pauses = true;
    wait_for_all(book);
    assert_int_equal(page->result.status, UV_ETIMEDOUT);
    close_book(book);
}

static void the_end_in_a_pause(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page = get(book, "/many");

    page->pauses = true;
    while (!page->is_paused)
        uv_run(&book->f->loop, UV_RUN_ONCE);
    close_book(book);
    assert_int_equal(page->result.status, UV_ECANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(byte_by_byte),
        REAL_TEST(too_slow_for_libcurl),
        REAL_TEST(it_half_closes),
        REAL_TEST(it_answers_early),
        REAL_TEST(a_pause),
        REAL_TEST(a_pause_that_lasts_too_long),
        REAL_TEST(the_end_in_a_pause),
    };

    return cmocka_run_group_tests(tests, curl_begin, curl_end);
}
