/* Transfers whose name is being looked up by a resolver that does not answer: the loop must not
 * wait for it, whoever gives up. The resolver is this program's: libcurl finds its getaddrinfo
 * first. */
#include "book.h"
#include <dirent.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { PATIENCE_S = 10 };

static atomic_uint asked, answered;
static atomic_bool is_over;

/* Until the test has seen what it wants; a loop that waits for this thread waits PATIENCE_S. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **list)
{
    const struct timespec moment = {.tv_nsec = 5000000};

    (void)node;
    (void)service;
    (void)hints;
    *list = NULL;
    atomic_fetch_add(&asked, 1);
    for (unsigned i = 0; i < PATIENCE_S * 200 && !atomic_load(&is_over); i++)
        nanosleep(&moment, NULL);
    atomic_fetch_add(&answered, 1);
    return EAI_AGAIN;
}

static unsigned threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    unsigned count = 0;

    assert_non_null(tasks);
    while (readdir(tasks) != NULL)
        count++;
    closedir(tasks);
    return count;
}

static unsigned before;

static struct page *look_up(struct book *book, long limit)
{
    struct page *page = open_page(book, "http://slow.example/");

    if (limit > 0)
        curl_easy_setopt(page->easy, CURLOPT_TIMEOUT_MS, limit);
    atomic_store(&asked, 0);
    atomic_store(&answered, 0);
    atomic_store(&is_over, false);
    before = threads();
    perform(page);
    while (atomic_load(&asked) == 0)
        uv_run(&book->f->loop, UV_RUN_NOWAIT);
    return page;
}

/* What is left behind ends by itself. */
static void let_the_resolver_go(void)
{
    const struct timespec moment = {.tv_nsec = 5000000};

    assert_int_equal(atomic_load(&answered), 0); /* so nobody has waited for it */
    atomic_store(&is_over, true);
    while (threads() > before)
        nanosleep(&moment, NULL);
}

static void the_circuit_gives_up(void **state)
{
    struct fixture *f = *state;
    struct book *book = open_book(f, NULL);
    breaker_options_t rules;
    breaker_policy_t *policy;
    struct page *page;

    quick_options(&rules);
    rules.timeout = 30;
    policy = make_policy(&rules);
    assert_int_equal(API(breaker_set_policy(book->breaker, policy)), 0);
    API_VOID(breaker_policy_destroy(policy));
    page = look_up(book, 0);
    wait_for_all(book);
    let_the_resolver_go();
    assert_int_equal(page->result.status, UV_ETIMEDOUT);
    close_book(book);
}

static void libcurl_gives_up(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page = look_up(book, 30);

    wait_for_all(book);
    let_the_resolver_go();
    assert_int_equal(page->result.status, UV_ETIMEDOUT);
    close_book(book);
}

static void the_program_gives_up(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page = look_up(book, 0);

    assert_int_equal(API(breaker_curl_cancel(book->client, page->easy)), 0);
    wait_for_all(book);
    let_the_resolver_go();
    assert_int_equal(page->result.status, UV_ECANCELED);
    close_book(book);
}

static void the_client_ends(void **state)
{
    struct book *book = open_book(*state, NULL);
    struct page *page = look_up(book, 0);

    close_book(book);
    let_the_resolver_go();
    assert_int_equal(page->result.status, UV_ECANCELED);
}

/* A libcurl with a resolver of its own, or one that waits, is another matter. */
static int begin(void **state)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

    if (info->version_num < 0x075700 || info->ares != NULL ||
        !(info->features & CURL_VERSION_ASYNCHDNS)) {
        print_message("skipped: this libcurl does not leave a resolver's thread behind\n");
        exit(77);
    }
    return curl_begin(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(the_circuit_gives_up),
        REAL_TEST(libcurl_gives_up),
        REAL_TEST(the_program_gives_up),
        REAL_TEST(the_client_ends),
    };

    return cmocka_run_group_tests(tests, begin, curl_end);
}
