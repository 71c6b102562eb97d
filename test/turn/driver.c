/* A hundred guarded calls over a storage with every kind of trouble: each is over exactly once, with a
 * status of its own or the circuit's, never the storage's; and nothing is left behind. */
#include "fake.h"
#include "fixture.h"

#include <breaker/dialects.h>
#include <stdlib.h>

enum { CALLS = 100, POOL = 4, TIMEOUT = 200 };

struct job {
    breaker_call_t call;
    int result;
    unsigned started, done;
};

static int start(breaker_call_t *call)
{
    struct job *job = call->data;

    job->started++;
    return breaker_finish(call, job->result);
}

static void done(breaker_call_t *call, int status)
{
    struct job *job = call->data;

    not_inside();
    job->done++;
    if (job->started == 0)
        assert_int_equal(status, BREAKER_EREJECTED);
    else if (status != BREAKER_ETRIPPED)
        assert_int_equal(status, job->result);
}

static breaker_t *family(struct fixture *f, struct fake *fake)
{
    breaker_panel_options_t panel;
    breaker_options_t options;
    breaker_pybreaker_t py;
    breaker_policy_t *policy;
    breaker_t *breaker;
    const char *bad;

    breaker_panel_options_init(&panel);
    panel.storage = fake_storage(fake);
    panel.storage_timeout = TIMEOUT;
    panel.max_turns = POOL;
    fixture_panel(f, &panel, true);
    breaker_pybreaker_init(&py);
    py.fail_max = 3;
    py.reset_timeout = 500;
    breaker_options_init(&options);
    options.dialect = &py.dialect;
    assert_int_equal(breaker_policy_create(&policy, &options, &bad), 0);
    assert_int_equal(breaker_create(&breaker, f->panel, "py", policy), 0);
    breaker_policy_destroy(policy);
    return breaker;
}

static void advance(struct fixture *f, struct fake *fake, uint64_t ms)
{
    f->clock += ms;
    fake_advance(fake, ms);
    settle_down(f);
}

/* All calls at once, more than the pool has conversations, and as much time as deadlines can take. */
static void run_jobs(struct fixture *f, struct fake *fake, breaker_t *breaker)
{
    struct job *jobs = keep(f, CALLS * sizeof *jobs);
    unsigned seed = 1;

    for (unsigned i = 0; i < CALLS; i++) {
        seed = seed * 1103515245 + 12345;
        jobs[i].result = seed >> 16 & 1 ? 0 : UV_ECONNRESET;
        breaker_call_init(&jobs[i].call);
        jobs[i].call.data = &jobs[i];
        assert_int_equal(API(breaker_call(breaker, &jobs[i].call, start, done)), 0);
    }
    for (unsigned ms = 0; ms < CALLS * 4 * TIMEOUT; ms += 20)
        advance(f, fake, 20);
    for (unsigned i = 0; i < CALLS; i++) {
        assert_int_equal(jobs[i].done, 1);
        assert_true(jobs[i].started <= 1);
    }
    assert_int_equal(look(breaker).in_flight, 0);
    assert_false(uv_loop_alive(&f->loop));
}

static void under(struct fixture *f, const struct fake_switches *switches)
{
    struct fake *fake = fake_create(7);
    breaker_t *breaker;

    *fake_switches(fake) = *switches;
    fake_switches(fake)->bell_times = 1;
    breaker = family(f, fake);
    run_jobs(f, fake, breaker);
    assert_true(fake_totals(fake)->submitted > 0);
    assert_int_equal(fake_pending(fake), 0);
    fixture_destroy_panel(f);
    fixture_wait_destroyed(f);
    fake_destroy(fake);
}

static void test_inside(void **state)
{
    under(*state, &(struct fake_switches){0});
}

static void test_outside(void **state)
{
    under(*state, &(struct fake_switches){.outside = true});
}

static void test_late(void **state)
{
    under(*state, &(struct fake_switches){.request = 5, .reply = 5, .jitter = 40});
}

static void test_later_than_its_deadline(void **state)
{
    under(*state, &(struct fake_switches){.request = 100, .reply = TIMEOUT});
}

static void one_fault(void **state, enum fake_fault fault, double chance)
{
    struct fake_switches switches = {.outside = true};

    switches.chance[fault] = chance;
    under(*state, &switches);
}

#define FAULT(name, fault, chance)        \
    static void test_##name(void **state) \
    {                                     \
        one_fault(state, fault, chance);  \
    }
FAULT(silent, FAKE_SILENT, 1)
FAULT(sometimes_silent, FAKE_SILENT, 0.3)
FAULT(reply_lost, FAKE_REPLY_LOST, 0.5)
FAULT(try_again, FAKE_AGAIN, 0.5)
FAULT(refused, FAKE_REFUSED, 0.5)
FAULT(reset, FAKE_RESET, 0.5)
FAULT(partial, FAKE_PARTIAL, 0.5)
FAULT(garbage, FAKE_GARBAGE, 0.5)

static void test_everything(void **state)
{
    struct fake_switches switches = {.request = 1, .reply = 1, .jitter = 50};

    for (unsigned i = FAKE_SILENT; i < FAKE_FAULTS; i++)
        switches.chance[i] = 0.1;
    under(*state, &switches);
}

/* ---- Gone, and found ---------------------------------------------------------------------------*/

static void told(breaker_listener_t *listener, const breaker_event_t *event)
{
    struct fixture *f = listener->data;

    not_inside();
    assert_null(event->breaker);
    record(f, event->kind == BREAKER_ON_STORAGE_LOST ? "lost" : "found");
}

static void quiet_turns(struct fixture *f)
{
    for (unsigned i = 0; i < 4; i++)
        uv_run(&f->loop, UV_RUN_NOWAIT);
}

static void test_gone_and_found(void **state)
{
    struct fixture *f = *state;
    struct fake *fake = fake_create(1);
    breaker_t *breaker = family(f, fake);
    breaker_listener_t *listener = keep(f, sizeof *listener);
    uv_timer_t *awake = keep(f, sizeof *awake);

    listener->kinds = BREAKER_ON_STORAGE_LOST | BREAKER_ON_STORAGE_FOUND;
    listener->notify = told;
    listener->data = f;
    assert_int_equal(breaker_panel_listen(f->panel, listener), 0);
    uv_timer_init(&f->loop, awake);
    uv_timer_start(awake, (uv_timer_cb)(void (*)(void))abort, 1000000, 0);
    fake_go(fake);
    quiet_turns(f);
    fake_come_back(fake);
    quiet_turns(f);
    uv_close((uv_handle_t *)awake, NULL);
    expect(f, "lost found");
    run_jobs(f, fake, breaker);
    fake_go(fake);
    run_jobs(f, fake, breaker);
    fixture_destroy_panel(f);
    fixture_wait_destroyed(f);
    fake_destroy(fake);
}

/* ---- Memory ------------------------------------------------------------------------------------*/

static unsigned long allocations;

static void *counted(size_t size)
{
    allocations++;
    return malloc(size);
}

static void *recounted(void *memory, size_t size)
{
    allocations++;
    return realloc(memory, size);
}

/* A storage that completes inside its submit, and keeps nothing. */
static int open_nothing(breaker_storage_t *storage, breaker_client_t *client)
{
    (void)storage, (void)client;
    return 0;
}

static void submit_nothing(breaker_storage_t *storage, breaker_client_t *client,
                           breaker_transaction_t *transaction)
{
    (void)storage, (void)client;
    for (unsigned i = 0; i < transaction->count; i++)
        if (transaction->verbs[i].kind == BREAKER_GET)
            transaction->verbs[i].length = transaction->verbs[i].found = 0;
    transaction->wall = 1000;
    transaction->complete(transaction, 0);
}

static uv_check_t closer;

static void closed(uv_handle_t *handle)
{
    breaker_client_t *client = handle->data;
    client->closed(client);
}

static void close_nothing(breaker_storage_t *storage, breaker_client_t *client)
{
    (void)storage;
    uv_check_init(client->loop, &closer);
    closer.data = client;
    uv_close((uv_handle_t *)&closer, closed);
}

static void cancel_nothing(breaker_storage_t *storage, breaker_client_t *client,
                           breaker_transaction_t *transaction)
{
    (void)storage, (void)client, (void)transaction;
}

static const breaker_storage_ops_t nothing_ops = {.size = sizeof nothing_ops,
                                                  .name = "nothing",
                                                  .flags = BREAKER_STORAGE_LOGS,
                                                  .open = open_nothing,
                                                  .close = close_nothing,
                                                  .submit = submit_nothing,
                                                  .cancel = cancel_nothing};

static void test_no_malloc_in_steady_state(void **state)
{
    struct fixture *f = *state;
    breaker_storage_t nothing = {&nothing_ops};
    breaker_panel_options_t panel;
    breaker_options_t options;
    breaker_pybreaker_t py;
    breaker_t *breaker;
    struct job *job = keep(f, sizeof *job);
    unsigned long before;

    assert_int_equal(breaker_replace_allocator(counted, recounted, free), 0);
    breaker_panel_options_init(&panel);
    panel.storage = &nothing;
    fixture_panel(f, &panel, true);
    breaker_pybreaker_init(&py);
    breaker_options_init(&options);
    options.dialect = &py.dialect;
    breaker = make_breaker(f, "py", &options);
    breaker_call_init(&job->call);
    job->call.data = job;
    settle_down(f);
    before = allocations;
    assert_true(before > 0);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(breaker_call(breaker, &job->call, start, done), 0);
        settle_down(f);
    }
    assert_int_equal(job->done, 1000);
    assert_int_equal(allocations, before);
    fixture_destroy_panel(f);
    fixture_wait_destroyed(f);
    assert_int_equal(breaker_replace_allocator(malloc, realloc, free), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BARE_TEST(test_inside),
        BARE_TEST(test_outside),
        BARE_TEST(test_late),
        BARE_TEST(test_later_than_its_deadline),
        BARE_TEST(test_silent),
        BARE_TEST(test_sometimes_silent),
        BARE_TEST(test_reply_lost),
        BARE_TEST(test_try_again),
        BARE_TEST(test_refused),
        BARE_TEST(test_reset),
        BARE_TEST(test_partial),
        BARE_TEST(test_garbage),
        BARE_TEST(test_everything),
        BARE_TEST(test_gone_and_found),
        BARE_TEST(test_no_malloc_in_steady_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
