/* Retry-After: how long a circuit is broken because a server says so, and when it is not heeded. */
#include "book.h"
#include <breaker/dialects.h>
#include <breaker/storage.h>
#include <fake.h>

static struct book *open_heeding(struct fixture *f, breaker_curl_judge_fn judge)
{
    breaker_curl_options_t options;

    breaker_curl_options_init(&options);
    options.retry_after_limit = 60000;
    options.judge = judge;
    return open_book(f, &options);
}

static void expect_broken(struct book *book, uint64_t at_least, uint64_t at_most)
{
    breaker_snapshot_t now = look(book->breaker);

    assert_int_equal(now.state, BREAKER_BROKEN);
    assert_in_range(now.retry_after, at_least, at_most);
}

static void retry_after(void **state)
{
    struct book *book = open_heeding(*state, NULL);
    struct page *page;

    got(book, "/retry/404/50");
    assert_int_equal(look(book->breaker).state, BREAKER_PASSING);
    got(book, "/retry/503/50");
    expect_broken(book, 20000, 50000);
    assert_int_equal(look(book->breaker).last_error, 503);
    breaker_reset(book->breaker, NULL, NULL);
    page = got(book, "/retry/429/7000");
    assert_int_equal(page->result.outcome, BREAKER_FAILURE);
    expect_broken(book, 20000, 60000); /* the limit */
    breaker_reset(book->breaker, NULL, NULL);
    got(book, "/date/503/50");
    expect_broken(book, 15000, 51000);
    breaker_reset(book->breaker, NULL, NULL);
    got(book, "/date/503/-50"); /* is over */
    assert_int_equal(look(book->breaker).state, BREAKER_PASSING);
    close_book(book);
}

static void not_unless_asked(void **state)
{
    struct book *book = open_book(*state, NULL);

    got(book, "/retry/503/50");
    assert_int_equal(look(book->breaker).state, BREAKER_PASSING);
    assert_int_equal(got(book, "/retry/429/50")->result.outcome, BREAKER_SUCCESS);
    close_book(book);
}

static breaker_outcome_t mild(void *data, CURL *easy, CURLcode code, long response)
{
    (void)data;
    (void)easy;
    (void)code;
    (void)response;
    return BREAKER_SUCCESS;
}

static void not_if_the_judge_sees_no_failure(void **state)
{
    struct book *book = open_heeding(*state, mild);

    got(book, "/retry/503/50");
    assert_int_equal(look(book->breaker).state, BREAKER_PASSING);
    close_book(book);
}

/* ---- Several at once --------------------------------------------------------------------------*/

static void wait_for_requests(struct book *book, struct http *http, unsigned count)
{
    while (http->requests < count)
        uv_run(&book->f->loop, UV_RUN_ONCE);
}

static void ten_at_once_are_one_trip(void **state)
{
    struct book *book = open_heeding(*state, NULL);
    breaker_snapshot_t now;

    book->http.holds = true;
    for (unsigned i = 0; i < 10; i++)
        get(book, "/retry/503/50");
    wait_for_requests(book, &book->http, 10);
    http_go(&book->http);
    wait_for_all(book);
    expect_broken(book, 20000, 50000);
    now = look(book->breaker);
    assert_int_equal(now.trips, 1);
    assert_int_equal(now.totals.trips, 1);
    assert_int_equal(now.totals.failed, 1);
    assert_int_equal(now.totals.late, 9);
    close_book(book);
}

static void a_shorter_one_later(void **state)
{
    struct book *book = open_heeding(*state, NULL);
    struct page *page;

    book->other.holds = true;
    get_from(&book->other, book, "/retry/503/5");
    wait_for_requests(book, &book->other, 1);
    page = get(book, "/retry/503/50");
    while (!page->is_over)
        uv_run(&book->f->loop, UV_RUN_ONCE);
    http_go(&book->other);
    wait_for_all(book);
    expect_broken(book, 20000, 50000);
    assert_int_equal(look(book->breaker).totals.trips, 1);
    close_book(book);
}

/* The failure trips by the circuit's own rule: then the longer of the two counts. */
static void beside_a_rule(void **state)
{
    struct book *book = open_heeding(*state, NULL);

    got(book, "/status/503");
    got(book, "/status/503");
    got(book, "/retry/503/50");
    expect_broken(book, 20000, 50000);
    close_book(book);
}

static void the_rules_own_time_is_not_cut_short(void **state)
{
    struct book *book = open_heeding(*state, NULL);
    breaker_options_t rules;
    breaker_policy_t *policy;

    quick_options(&rules);
    rules.consecutive_failures = 1;
    rules.broken_time = rules.broken_limit = 600000;
    policy = make_policy(&rules);
    assert_int_equal(API(breaker_set_policy(book->breaker, policy)), 0);
    API_VOID(breaker_policy_destroy(policy));
    got(book, "/retry/503/5");
    expect_broken(book, 300000, 600000);
    assert_int_equal(look(book->breaker).totals.trips, 1);
    close_book(book);
}

/* ---- Not counted, not heeded ------------------------------------------------------------------*/

struct answer {
    uv_prepare_t prepare;
    struct page *page;
};

/* Before the loop polls: so libcurl reads the answer to what is cancelled, and not taken out. */
static void answer_and_cancel(uv_prepare_t *prepare)
{
    struct page *page = ((struct answer *)prepare->data)->page;

    http_go(&page->book->http);
    assert_int_equal(API(breaker_curl_cancel(page->book->client, page->easy)), 0);
    uv_close((uv_handle_t *)prepare, NULL);
}

static void a_cancelled_one(void **state)
{
    struct book *book = open_heeding(*state, NULL);
    struct answer answer;

    book->http.holds = true;
    answer.page = get(book, "/retry/503/50");
    wait_for_requests(book, &book->http, 1);
    uv_prepare_init(&book->f->loop, &answer.prepare);
    answer.prepare.data = &answer;
    uv_prepare_start(&answer.prepare, answer_and_cancel);
    wait_for_all(book);
    settle_down(book->f);
    assert_int_equal(answer.page->result.status, UV_ECANCELED);
    assert_int_equal(look(book->breaker).state, BREAKER_PASSING);
    assert_int_equal(look(book->breaker).totals.late, 1);
    close_book(book);
}

static void one_of_an_earlier_epoch(void **state)
{
    struct book *book = open_heeding(*state, NULL);

    book->http.holds = true;
    get(book, "/retry/503/50");
    wait_for_requests(book, &book->http, 1);
    breaker_reset(book->breaker, NULL, NULL);
    http_go(&book->http);
    wait_for_all(book);
    assert_int_equal(look(book->breaker).state, BREAKER_PASSING);
    assert_int_equal(look(book->breaker).totals.late, 1);
    close_book(book);
}

static void where_the_operator_holds_it(void **state)
{
    struct book *book = open_heeding(*state, NULL);

    breaker_hold(book->breaker, BREAKER_HOLD_CLOSED, NULL, NULL);
    got(book, "/retry/503/50");
    assert_int_equal(look(book->breaker).state, BREAKER_PASSING);
    close_book(book);
}

/* ---- Shared circuits, and dialects ------------------------------------------------------------*/

/* By an order, which goes its way through the storage. */
static void a_shared_circuit(void **state)
{
    struct fixture *f = *state;
    breaker_panel_options_t panel;
    breaker_options_t rules;
    breaker_storage_t *storage;
    breaker_t *shared;
    struct book *book;

    assert_int_equal(API(breaker_memory_create(&storage, NULL)), 0);
    breaker_panel_options_init(&panel);
    panel.storage = storage;
    fixture_panel(f, &panel, false);
    book = open_heeding(f, NULL);
    quick_options(&rules);
    rules.broken_time = rules.broken_limit = 80000;
    shared = make_breaker(f, "shared", &rules);
    assert_int_equal(API(breaker_curl_mount(book->client, "", shared)), 0);
    for (unsigned i = 0; i < 2; i++)
        get(book, "/retry/503/50");
    wait_for_all(book);
    while (look(shared).state != BREAKER_BROKEN)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_in_range(look(shared).retry_after, 20000, 80000);
    close_book(book);
    fixture_destroy_panel(f);
    fixture_wait_destroyed(f);
    assert_int_equal(breaker_memory_destroy(storage), 0);
}

/* Its only conversation with the storage is taken, by the result, when the order comes. */
static void a_dialect_takes_its_own_time(void **state)
{
    struct fixture *f = *state;
    struct fake *fake = fake_create(1);
    breaker_panel_options_t panel;
    breaker_pybreaker_t py;
    breaker_options_t rules;
    struct book *book;
    breaker_t *dialect;

    assert_non_null(fake);
    fake_switches(fake)->outside = true;
    breaker_panel_options_init(&panel);
    panel.max_turns = 1;
    panel.storage = fake_storage(fake);
    fixture_panel(f, &panel, false);
    book = open_heeding(f, NULL);
    breaker_pybreaker_init(&py);
    py.fail_max = 5;
    breaker_options_init(&rules);
    rules.dialect = &py.dialect;
    dialect = make_breaker(f, "dialect", &rules);
    assert_int_equal(API(breaker_curl_mount(book->client, "", dialect)), 0);
    got(book, "/retry/503/50");
    settle_down(f);
    assert_int_equal(look(dialect).state, BREAKER_BROKEN);
    close_book(book);
    fixture_destroy_panel(f);
    fixture_wait_destroyed(f);
    fake_destroy(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(retry_after),
        REAL_TEST(not_unless_asked),
        REAL_TEST(not_if_the_judge_sees_no_failure),
        REAL_TEST(ten_at_once_are_one_trip),
        REAL_TEST(a_shorter_one_later),
        REAL_TEST(beside_a_rule),
        REAL_TEST(the_rules_own_time_is_not_cut_short),
        REAL_TEST(a_cancelled_one),
        REAL_TEST(one_of_an_earlier_epoch),
        REAL_TEST(where_the_operator_holds_it),
        BARE_TEST(a_shared_circuit),
        BARE_TEST(a_dialect_takes_its_own_time),
    };

    return cmocka_run_group_tests(tests, curl_begin, curl_end);
}
