/* What lasier reads and writes: counters that end by themselves, and a circuit that is a key. */
#include "wire.h"

static void make_max(void)
{
    breaker_lasier_t options;

    breaker_lasier_init(&options);
    options.max_failures = 3;
    options.failure_timeout = 60000;
    options.circuit_timeout = 90000;
    options.failure_key = "f";
    wire_make(&options.dialect);
}

static void make_percentage(void)
{
    breaker_lasier_t options;

    breaker_lasier_init(&options);
    options.kind = BREAKER_LASIER_PERCENTAGE;
    options.max_failures_percentage = 50;
    options.min_accepted_requests = 2;
    options.failure_timeout = 60000;
    options.circuit_timeout = 90000;
    options.failure_key = "f";
    options.request_key = "r";
    wire_make(&options.dialect);
}

/* ---- At most so many failures ------------------------------------------------------------------*/

static void creation_and_success_write_nothing(void **state)
{
    (void)state;
    make_max();
    HOLDS_NOTHING;
    wire_ok();
    HOLDS_NOTHING;
}

static void failures_are_counted(void **state)
{
    (void)state;
    make_max();
    wire_fail();
    HOLDS("f=1@60");
    PEER("PEXPIRE f 500000"); /* so that one can see who begins its life anew */
    wire_fail();
    HOLDS("f=2@500");
    wire_ok();
    HOLDS("f=2@500");
}

static void one_too_many(void **state)
{
    (void)state;
    make_max();
    PEER("SET f 2 EX 30");
    assert_int_equal(wire_fail(), BREAKER_ETRIPPED);
    HOLDS("circuit_f=1@90");
    assert_int_equal(wire_ok(), BREAKER_EREJECTED);
    HOLDS("circuit_f=1@90");
    PEER("DEL circuit_f"); /* as its end does */
    assert_int_equal(wire_ok(), 200);
    HOLDS_NOTHING;
}

static void counters_of_others_without_end(void **state)
{
    (void)state;
    make_max();
    PEER("SET f 1"); /* a peer that crashed between INCR and EXPIRE */
    wire_fail();
    HOLDS("f=2");
}

static void a_peer_opens(void **state)
{
    struct wire_call call;

    (void)state;
    make_max();
    assert_true(wire_begin(&call));
    PEER("SET circuit_f 1 EX 20");
    wire_finish(&call, -1, BREAKER_FAILURE); /* while it is open nothing is counted */
    HOLDS("circuit_f=1@20");
    assert_int_equal(wire_ok(), BREAKER_EREJECTED);
    HOLDS("circuit_f=1@20");
}

static void orders(void **state)
{
    (void)state;
    make_max();
    wire_order(breaker_trip);
    HOLDS("circuit_f=1@90");
    wire_order(breaker_reset);
    HOLDS_NOTHING;
}

/* ---- A percentage ------------------------------------------------------------------------------*/

static void requests_are_counted(void **state)
{
    (void)state;
    make_percentage();
    HOLDS_NOTHING;
    wire_ok();
    HOLDS("r=1@60", "f=0@60");
    PEER("PEXPIRE r 500000");
    PEER("PEXPIRE f 500000");
    wire_ok();
    HOLDS("r=2@500", "f=0@500");
    wire_fail(); /* the first failure begins the life of its key anew */
    HOLDS("r=3@500", "f=1@60");
}

static void too_large_a_share(void **state)
{
    (void)state;
    make_percentage();
    PEER("SET r 3 EX 30");
    PEER("SET f 1 EX 30");
    assert_int_equal(wire_fail(), BREAKER_ETRIPPED); /* 2 of 4 */
    HOLDS("circuit_f=1@90");
}

static void too_few_requests(void **state)
{
    (void)state;
    make_percentage();
    wire_fail();
    wire_fail();
    HOLDS("r=2@60", "f=2@60");
    assert_int_equal(wire_fail(), BREAKER_ETRIPPED);
    HOLDS("circuit_f=1@90");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, wire_fresh, wire_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(creation_and_success_write_nothing),
        TEST(failures_are_counted),
        TEST(one_too_many),
        TEST(counters_of_others_without_end),
        TEST(a_peer_opens),
        TEST(orders),
        TEST(requests_are_counted),
        TEST(too_large_a_share),
        TEST(too_few_requests),
    };
    return cmocka_run_group_tests(tests, wire_start, wire_end);
}
