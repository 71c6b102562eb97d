/* Guarded lookups: names that there are, that there are not, and a thread pool that has no room. */
#include "peer.h"
#include <breaker/uv.h>
#include <fixture.h>
#include <netdb.h>
#include <string.h>

struct lookup {
    breaker_uv_getaddrinfo_t forward;
    breaker_uv_getnameinfo_t backward;
    struct fixture *f;
    int status;
};

static void found(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
    struct lookup *lookup = req->data;

    not_inside();
    assert_int_equal(status == 0, list != NULL);
    lookup->status = status;
    record(lookup->f, "%s", status == 0 ? "found" : breaker_strerror(status));
    uv_freeaddrinfo(list);
}

static void named(uv_getnameinfo_t *req, int status, const char *hostname, const char *service)
{
    struct lookup *lookup = req->data;

    not_inside();
    lookup->status = status;
    if (status == 0)
        record(lookup->f, "%s %s", hostname, service);
    else
        record(lookup->f, "%s", breaker_strerror(status));
    if (status != 0)
        assert_true(hostname == NULL && service == NULL);
}

static void released(breaker_call_t *call)
{
    record(((struct lookup *)call->data)->f, "released");
}

static struct lookup *prepare(struct fixture *f)
{
    struct lookup *lookup = keep(f, sizeof *lookup);

    breaker_uv_init(&lookup->forward);
    breaker_uv_init(&lookup->backward);
    lookup->f = f;
    lookup->forward.req.data = lookup->forward.call.data = lookup;
    lookup->backward.req.data = lookup->backward.call.data = lookup;
    return lookup;
}

static struct lookup *ask(struct fixture *f, breaker_t *breaker, const char *node,
                          const struct addrinfo *hints)
{
    struct lookup *lookup = prepare(f);

    assert_int_equal(
        API(breaker_uv_getaddrinfo(breaker, &f->loop, &lookup->forward, found, node, "80", hints)),
        0);
    return lookup;
}

static const struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST};

static void finds(void **state)
{
    struct fixture *f = *state;
    breaker_t *names = quick_breaker(f, "names");

    ask(f, names, "127.0.0.1", &numeric)->forward.call.release = released;
    run_out(f);
    expect(f, "found released");
    assert_int_equal(look(names).totals.ok, 1);
}

static void no_such_name_is_no_failure(void **state)
{
    struct fixture *f = *state;
    breaker_t *names = quick_breaker(f, "names");
    struct lookup *lookup = NULL;

    for (unsigned i = 0; i < 4; i++) {
        lookup = ask(f, names, "not-a-number", &numeric);
        run_out(f);
        assert_int_equal(lookup->status, UV_EAI_NONAME);
        assert_int_equal(lookup->forward.call.outcome, BREAKER_SUCCESS);
    }
    assert_int_equal(look(names).totals.ok, 4);
}

/* With a resolver it says that there is none such, without one that it cannot tell: which is a
 * failure. */
static void a_name_that_does_not_resolve(void **state)
{
    struct fixture *f = *state;
    breaker_t *names = quick_breaker(f, "names");
    struct lookup *lookup = ask(f, names, "no-such-host.invalid", NULL);

    lookup->forward.call.timeout = 20000;
    run_out(f);
    assert_int_not_equal(lookup->status, 0);
    if (lookup->status == UV_EAI_NONAME || lookup->status == UV_EAI_NODATA)
        assert_int_equal(lookup->forward.call.outcome, BREAKER_SUCCESS);
    else
        assert_int_equal(lookup->forward.call.outcome, BREAKER_FAILURE);
}

static void a_bad_question_says_nothing(void **state)
{
    struct fixture *f = *state;
    breaker_t *names = quick_breaker(f, "names");
    struct addrinfo hints = {.ai_socktype = 12345};

    ask(f, names, "127.0.0.1", &hints);
    run_out(f);
    assert_int_equal(look(names).totals.ignored, 1);
}

/* What libuv does not even ask the resolver. */
static void a_mistake_says_nothing(void **state)
{
    struct fixture *f = *state;
    breaker_t *names = quick_breaker(f, "names");
    struct sockaddr_storage nobody = {.ss_family = AF_UNIX};
    struct lookup *lookup = prepare(f);
    char endless[400];
    const char *const bad[] = {NULL, endless, "\xff\xfe", ""};

    memset(endless, 'a', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(API(breaker_uv_getaddrinfo(names, &f->loop, &lookup->forward, found,
                                                    bad[i], NULL, NULL)),
                         0);
        run_out(f);
        assert_true(lookup->status < 0);
        assert_int_equal(lookup->forward.call.outcome, BREAKER_IGNORED);
    }
    forget(f);
    assert_int_equal(API(breaker_uv_getnameinfo(names, &f->loop, &lookup->backward, named,
                                                (struct sockaddr *)&nobody, 0)),
                     0);
    run_out(f);
    expect(f, "invalid argument");
    assert_int_equal(look(names).totals.ignored, 5);
    assert_int_equal(look(names).state, BREAKER_PASSING);
}

static void hints_are_copied(void **state)
{
    struct fixture *f = *state;
    struct addrinfo hints = numeric;

    ask(f, quick_breaker(f, "names"), "127.0.0.1", &hints);
    memset(&hints, 0x55, sizeof hints);
    run_out(f);
    expect(f, "found");
}

static void a_full_pool(void **state)
{
    struct fixture *f = *state;
    breaker_t *names = quick_breaker(f, "names");
    struct plug plug;
    struct lookup *slow, *given_up;

    plug_in(&plug, &f->loop);
    slow = ask(f, names, "127.0.0.1", &numeric);
    slow->forward.call.timeout = 20;
    slow->forward.call.release = released;
    given_up = ask(f, names, "127.0.0.1", &numeric);
    settle_down(f);
    assert_int_equal(API(breaker_uv_cancel(&given_up->forward)), 0);
    while (look(names).totals.timed_out == 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    for (unsigned i = 0; i < 4; i++)
        settle_down(f); /* taken back, although the pool is full */
    expect(f, "operation canceled connection timed out released");
    plug_draw(&plug);
    run_out(f);
    expect(f, "");
    assert_int_equal(look(names).totals.failed, 1);
    assert_int_equal(look(names).totals.cancelled, 1);
    assert_int_equal(look(names).totals.late, 0);
}

static struct lookup *ask_back(struct fixture *f, breaker_t *breaker)
{
    struct lookup *lookup = prepare(f);
    struct sockaddr_in address;

    uv_ip4_addr("127.0.0.1", 12345, &address);
    lookup->backward.call.release = released;
    assert_int_equal(
        API(breaker_uv_getnameinfo(breaker, &f->loop, &lookup->backward, named,
                                   (struct sockaddr *)&address, NI_NUMERICHOST | NI_NUMERICSERV)),
        0);
    return lookup;
}

static void backward_in_a_full_pool(void **state)
{
    struct fixture *f = *state;
    breaker_t *names = quick_breaker(f, "names");
    struct plug plug;
    struct lookup *slow, *given_up;

    plug_in(&plug, &f->loop);
    slow = ask_back(f, names);
    slow->backward.call.timeout = 20;
    given_up = ask_back(f, names);
    settle_down(f);
    assert_int_equal(API(breaker_uv_cancel(&given_up->backward)), 0);
    while (look(names).totals.timed_out == 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    for (unsigned i = 0; i < 4; i++)
        settle_down(f); /* taken back, although the pool is full */
    expect(f, "operation canceled released connection timed out released");
    assert_int_equal(slow->backward.call.outcome, BREAKER_FAILURE);
    assert_int_equal(given_up->backward.call.outcome, BREAKER_CANCELLED);
    ask_back(f, names);
    plug_draw(&plug);
    run_out(f);
    expect(f, "127.0.0.1 12345 released");
    assert_int_equal(look(names).totals.late, 0);
}

/* Whatever the threads have begun or ended by then: no list may be lost. */
static void results_that_nobody_waits_for(void **state)
{
    struct fixture *f = *state;
    breaker_t *names = quick_breaker(f, "names");

    for (unsigned i = 0; i < fixture_rounds(500); i++) {
        struct lookup *lookup = ask(f, names, "127.0.0.1", &numeric);

        for (unsigned turn = i % 4; turn > 0; turn--)
            uv_run(&f->loop, UV_RUN_NOWAIT);
        API(breaker_uv_cancel(&lookup->forward));
        run_out(f);
        f->used = 0;
    }
    assert_int_equal(look(names).totals.failed, 0);
}

static void names_an_address(void **state)
{
    struct fixture *f = *state;
    breaker_t *names = quick_breaker(f, "names");
    struct lookup *lookup = prepare(f);
    struct sockaddr_in address;

    uv_ip4_addr("127.0.0.1", 12345, &address);
    assert_int_equal(
        API(breaker_uv_getnameinfo(names, &f->loop, &lookup->backward, named,
                                   (struct sockaddr *)&address, NI_NUMERICHOST | NI_NUMERICSERV)),
        0);
    memset(&address, 0, sizeof address); /* it was copied */
    run_out(f);
    expect(f, "127.0.0.1 12345");
    breaker_trip(names, NULL, NULL);
    uv_ip4_addr("127.0.0.1", 12345, &address);
    assert_int_equal(API(breaker_uv_getnameinfo(names, &f->loop, &lookup->backward, named,
                                                (struct sockaddr *)&address, 0)),
                     0);
    run_out(f);
    expect(f, "refused by the circuit breaker");
}

static void names_a_long_address(void **state)
{
    struct fixture *f = *state;
    struct lookup *lookup = prepare(f);
    struct sockaddr_in6 address;

    uv_ip6_addr("fe80::1:2:3:4", 80, &address);
    assert_int_equal(
        API(breaker_uv_getnameinfo(quick_breaker(f, "names"), &f->loop, &lookup->backward, named,
                                   (struct sockaddr *)&address, NI_NUMERICHOST | NI_NUMERICSERV)),
        0);
    memset(&address, 0, sizeof address);
    run_out(f);
    expect(f, "fe80::1:2:3:4 80");
}

static void misuse(void **state)
{
    struct fixture *f = *state;
    breaker_t *names = quick_breaker(f, "names");
    struct lookup *lookup = prepare(f);
    struct sockaddr_in address = peer_nowhere();

    assert_int_equal(
        API(breaker_uv_getaddrinfo(names, NULL, &lookup->forward, found, "a", NULL, NULL)),
        UV_EINVAL);
    assert_int_equal(
        API(breaker_uv_getaddrinfo(names, &f->loop, &lookup->forward, NULL, "a", NULL, NULL)),
        UV_EINVAL);
    assert_int_equal(API(breaker_uv_getaddrinfo(names, &f->loop, NULL, found, "a", NULL, NULL)),
                     UV_EINVAL);
    assert_int_equal(
        API(breaker_uv_getnameinfo(names, &f->loop, &lookup->backward, named, NULL, 0)), UV_EINVAL);
    assert_int_equal(API(breaker_uv_getnameinfo(names, &f->loop, &lookup->backward, NULL,
                                                (struct sockaddr *)&address, 0)),
                     UV_EINVAL);
    run_out(f);
    expect(f, "");
    /* What libuv refuses comes by the callback. */
    assert_int_equal(
        API(breaker_uv_getaddrinfo(names, &f->loop, &lookup->forward, found, NULL, NULL, NULL)), 0);
    assert_int_equal(
        API(breaker_uv_getaddrinfo(names, &f->loop, &lookup->forward, found, "a", NULL, NULL)),
        UV_EBUSY);
    run_out(f);
    expect(f, "invalid argument");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(finds),
        REAL_TEST(no_such_name_is_no_failure),
        REAL_TEST(a_name_that_does_not_resolve),
        REAL_TEST(a_bad_question_says_nothing),
        REAL_TEST(a_mistake_says_nothing),
        REAL_TEST(hints_are_copied),
        REAL_TEST(a_full_pool),
        REAL_TEST(backward_in_a_full_pool),
        REAL_TEST(results_that_nobody_waits_for),
        REAL_TEST(names_an_address),
        REAL_TEST(names_a_long_address),
        REAL_TEST(misuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
