/* The guards that allocate, without memory: each of their blocks fails once. What fails says so and
 * leaves nothing behind; what was begun goes on. */
#include "http.h"
#include <breaker/curl.h>
#include <fixture.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned asked, fails;
static int live;

static void *allocate(size_t size)
{
    void *block = ++asked == fails ? NULL : malloc(size);

    live += block != NULL;
    return block;
}

static void *reallocate(void *old, size_t size)
{
    void *block = ++asked == fails ? NULL : realloc(old, size);

    live += block != NULL && old == NULL;
    return block;
}

static void release(void *block)
{
    live--;
    free(block);
}

static unsigned answers;
static breaker_curl_result_t last;

static void done(CURL *easy, const breaker_curl_result_t *result)
{
    (void)easy;
    answers++;
    last = *result;
}

static size_t drop(char *text, size_t one, size_t size, void *data)
{
    (void)text;
    (void)one;
    (void)data;
    return size;
}

/* Makes a client, mounts, fetches by way of a redirect: 0, or what was the first to fail. */
static int scene(struct fixture *f, breaker_t *all, const struct http *http)
{
    static const breaker_curl_sinks_t sinks = {drop, NULL, drop, NULL};
    breaker_curl_options_t options;
    breaker_curl_t *client;
    CURL *easy = curl_easy_init();
    char url[256];
    int status;

    snprintf(url, sizeof url, "%s/to/%s/text", http->root, http->root);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    breaker_curl_options_init(&options);
    options.max_redirects = 1;
    answers = 0;
    if ((status = API(breaker_curl_create(&client, f->panel, &options))) == 0) {
        if ((status = API(breaker_curl_mount(client, "http://", all))) == 0 &&
            (status = API(breaker_curl_perform_into(client, easy, &sinks, done))) == 0) {
            while (answers == 0)
                uv_run(&f->loop, UV_RUN_ONCE);
            assert_int_equal(answers, 1);
            status = last.response == 200 ? 0 : last.status != 0 ? last.status : UV_EPROTO;
        }
        assert_int_equal(API(breaker_curl_destroy(client, NULL, NULL)), 0);
        settle_down(f);
    }
    curl_easy_cleanup(easy);
    return status;
}

static void each_block_fails_once(void **state)
{
    struct fixture *f = *state;
    breaker_options_t rules;
    breaker_t *all;
    struct http http;
    unsigned count;
    int before;

    breaker_options_init(&rules);
    all = make_breaker(f, "all", &rules);
    f->loop.data = f;
    http_start(&http, &f->loop);
    assert_int_equal(scene(f, all, &http), 0);
    before = live;
    asked = fails = 0;
    assert_int_equal(scene(f, all, &http), 0);
    count = asked;
    assert_true(count >= 7);
    for (unsigned i = 1; i <= count; i++) {
        asked = 0;
        fails = i;
        assert_int_not_equal(scene(f, all, &http), 0);
        fails = 0;
        assert_int_equal(live, before);
    }
    assert_int_equal(scene(f, all, &http), 0);
    assert_int_equal(look(all).in_flight, 0);
    http_stop(&http);
    run_out(f);
}

/* As the header says: two for a transfer, two for each redirect; and one for each socket, which a
 * connection that is kept may ask for anew. */
static void as_many_as_promised(void **state)
{
    struct fixture *f = *state;
    breaker_curl_options_t options;
    breaker_options_t rules;
    breaker_curl_t *client;
    struct http http;
    CURL *easy = curl_easy_init();
    char url[256];

    breaker_options_init(&rules);
    breaker_curl_options_init(&options);
    options.max_redirects = 1;
    assert_int_equal(API(breaker_curl_create(&client, f->panel, &options)), 0);
    assert_int_equal(API(breaker_curl_mount(client, "", make_breaker(f, "all", &rules))), 0);
    f->loop.data = f;
    http_start(&http, &f->loop);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    for (unsigned i = 0; i < 2; i++) {
        static const breaker_curl_sinks_t sinks = {drop, NULL, drop, NULL};

        snprintf(url, sizeof url, i == 0 ? "%s/text" : "%s/to/%s/text", http.root, http.root);
        curl_easy_setopt(easy, CURLOPT_URL, url);
        answers = asked = fails = 0;
        assert_int_equal(API(breaker_curl_perform_into(client, easy, &sinks, done)), 0);
        assert_int_equal(asked, 2);
        while (answers == 0)
            uv_run(&f->loop, UV_RUN_ONCE);
        assert_int_equal(last.redirects, i);
        assert_in_range(asked, i == 0 ? 3 : 5, i == 0 ? 3 : 6);
    }
    assert_int_equal(API(breaker_curl_destroy(client, NULL, NULL)), 0);
    http_stop(&http);
    run_out(f);
    curl_easy_cleanup(easy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {REAL_TEST(each_block_fails_once),
                                       REAL_TEST(as_many_as_promised)};

    if (breaker_replace_allocator(allocate, reallocate, release) != 0 ||
        curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL) + (live != 0);
}
