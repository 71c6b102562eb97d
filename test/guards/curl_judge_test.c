/* What libcurl's results mean, each brought about in earnest: for the circuit, and which of libuv's
 * errors the program is told. */
#include "book.h"
#include <stdio.h>

static size_t lend_too_much(char *text, size_t one, size_t size, void *data)
{
    (void)text;
    (void)data;
    return one * size + 1;
}

static size_t stop_reading(char *text, size_t one, size_t size, void *data)
{
    (void)text;
    (void)one;
    (void)size;
    (void)data;
    return CURL_READFUNC_ABORT;
}

static void upload(CURL *easy, curl_read_callback read)
{
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 3L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, read);
}

static void read_too_much(CURL *easy)
{
    upload(easy, lend_too_much);
}

static void stop_in_read(CURL *easy)
{
    upload(easy, stop_reading);
}

static int stop(void *data, curl_off_t to_come, curl_off_t came, curl_off_t to_go, curl_off_t went)
{
    (void)data;
    (void)to_come;
    (void)came;
    (void)to_go;
    (void)went;
    return 1;
}

static void stop_in_progress(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, stop);
}

static void be_modest(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE, 3L);
}

static void follow_twice(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 2L);
}

static void be_impatient(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 50L);
}

static void results(void **state)
{
    static const struct {
        const char *path;
        void (*prepare)(CURL *easy);
        CURLcode code;
        int status;
        breaker_outcome_t outcome;
    } results[] = {
        {"/text", read_too_much, CURLE_READ_ERROR, UV_ECANCELED, BREAKER_CANCELLED},
        {"/text", stop_in_read, CURLE_ABORTED_BY_CALLBACK, UV_ECANCELED, BREAKER_CANCELLED},
        {"/text", stop_in_progress, CURLE_ABORTED_BY_CALLBACK, UV_ECANCELED, BREAKER_CANCELLED},
        {"/text", be_modest, CURLE_FILESIZE_EXCEEDED, UV_EFBIG, BREAKER_IGNORED},
        {"/loop", follow_twice, CURLE_TOO_MANY_REDIRECTS, 0, BREAKER_SUCCESS},
        {"/stall", be_impatient, CURLE_OPERATION_TIMEDOUT, UV_ETIMEDOUT, BREAKER_FAILURE},
    };
    struct book *book = open_book(*state, NULL);

    for (unsigned i = 0; i < sizeof results / sizeof *results; i++) {
        char url[128];
        struct page *page;

        snprintf(url, sizeof url, "%s%s", book->http.root, results[i].path);
        page = open_page(book, url);
        results[i].prepare(page->easy);
        perform(page);
        wait_for_all(book);
        assert_int_equal(page->result.code, results[i].code);
        assert_int_equal(page->result.status, results[i].status);
        assert_int_equal(page->result.outcome, results[i].outcome);
        assert_int_equal(page->result.response, i == 4 ? 302 : i == 3 ? 200 : 0);
    }
    close_book(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(results),
    };

    return cmocka_run_group_tests(tests, curl_begin, curl_end);
}
