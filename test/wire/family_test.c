/* What pybreaker, asyncbreaker, aiobreaker and infuse read and write, operation by operation, and what
 * they make of what their peers in Python wrote. */
#include "wire.h"
#include <stdio.h>

#define NOW "1700000000" /* WIRE_WALL in whole seconds, cut */

/* One variant, and its words. */
static const struct variant {
    breaker_family_t family;
    const char *prefix;
    const char *closed, *open, *half_open;
    bool counts_successes;
} variants[] = {
    {BREAKER_PYBREAKER, "ns:pybreaker:", "closed", "open", "half-open", true},
    {BREAKER_ASYNCBREAKER, "ns:asyncbreaker:", "closed", "open", "half-open", true},
    {BREAKER_AIOBREAKER, "ns:aiobreaker:", "CLOSED", "OPEN", "HALF_OPEN", false},
    {BREAKER_INFUSE, "infuse:ns:", "closed", "open", "half-open", false},
};

static const struct variant *v;

static void make(unsigned threshold)
{
    breaker_pybreaker_t options;

    breaker_family_init_sized(&options, v->family, sizeof options);
    options.fail_max = 3;
    options.reset_timeout = 60000;
    options.success_threshold = v->counts_successes ? threshold : 1;
    options.key_namespace = "ns";
    wire_make(&options.dialect);
}

/* The keys: NULL is absent. success is there only where it is counted. */
static void holds_at(int line, const char *state, const char *fails, const char *successes,
                     const char *opened)
{
    char texts[4][128];
    const char *items[5];
    unsigned count = 0;
    const char *const names[] = {"state", "fail_counter", "success_counter", "opened_at"};
    const char *const values[] = {state, fails, v->counts_successes ? successes : NULL, opened};

    for (unsigned i = 0; i < 4; i++)
        if (values[i] != NULL) {
            snprintf(texts[count], sizeof texts[count], "%s%s=%s", v->prefix, names[i], values[i]);
            items[count] = texts[count];
            count++;
        }
    items[count] = NULL;
    wire_holds(__FILE__, line, items);
}

#define KEYS(state, fails, successes, opened) holds_at(__LINE__, state, fails, successes, opened)

static void peer_sets(const char *key, const char *value)
{
    PEER("SET %s%s %s", v->prefix, key, value);
}

static void each(void (*test)(void))
{
    for (v = variants; v < variants + sizeof variants / sizeof *variants; v++) {
        PEER("FLUSHALL");
        wire.wall = WIRE_WALL;
        test();
    }
}

/* ---- Creation ----------------------------------------------------------------------------------*/

static void created(void)
{
    make(1);
    KEYS(v->closed, "0", "0", NULL);
}

/* infuse too: its original would close the circuit of the whole fleet. */
static void created_into_a_fleet(void)
{
    peer_sets("state", v->open);
    peer_sets("fail_counter", "7");
    peer_sets("success_counter", "1");
    peer_sets("opened_at", "1699999999");
    make(1);
    if (!v->counts_successes)
        PEER("DEL %ssuccess_counter", v->prefix);
    KEYS(v->open, "7", "1", "1699999999");
    assert_int_equal(wire_ok(), BREAKER_EREJECTED);
}

/* ---- Closed ------------------------------------------------------------------------------------*/

static void success(void)
{
    make(1);
    peer_sets("fail_counter", "2");
    assert_int_equal(wire_ok(), 200);
    KEYS(v->closed, "0", "0", NULL);
}

static void failures(void)
{
    make(1);
    wire_fail();
    KEYS(v->closed, "1", "0", NULL);
    PEER("INCR %sfail_counter", v->prefix); /* a peer's */
    assert_int_equal(wire_fail(), BREAKER_ETRIPPED);
    KEYS(v->open, "3", "0", NOW);
}

static void opened_at_moves_only_forward(void)
{
    make(1);
    peer_sets("opened_at", "1700000500"); /* a peer's clock is fast */
    peer_sets("fail_counter", "2");
    wire_fail();
    KEYS(v->open, "3", "0", "1700000500");
    wire.wall += 501000;
    peer_sets("state", v->closed);
    assert_int_equal(wire_ok(), 200);
    peer_sets("fail_counter", "2");
    wire_fail();
    KEYS(v->open, "3", "0", "1700000501");
}

/* ---- Open --------------------------------------------------------------------------------------*/

static void rejected(void)
{
    make(1);
    wire_order(breaker_trip);
    KEYS(v->open, "0", "0", NOW);
    wire.wall += 59000;
    assert_int_equal(wire_ok(), BREAKER_EREJECTED);
    KEYS(v->open, "0", "0", NOW);
}

static void trial_succeeds(void)
{
    struct wire_call call;

    make(1);
    peer_sets("fail_counter", "2");
    wire_fail();
    wire.wall += 60000;
    assert_true(wire_begin(&call));
    KEYS(v->half_open, "3", "0", NOW);
    assert_int_equal(wire_finish(&call, 0, BREAKER_SUCCESS), 0);
    KEYS(v->closed, "0", "0", NOW);
}

static void trial_fails(void)
{
    make(1);
    wire_order(breaker_trip);
    wire.wall += 61000;
    assert_int_equal(wire_fail(), BREAKER_ETRIPPED);
    KEYS(v->open, "1", "0", "1700000061");
}

static void trials_are_counted(void)
{
    if (!v->counts_successes)
        return;
    make(2);
    wire_order(breaker_trip);
    wire.wall += 61000;
    assert_int_equal(wire_ok(), 200);
    KEYS(v->half_open, "0", "1", NOW);
    assert_int_equal(wire_ok(), 200);
    KEYS(v->closed, "0", "0", NOW);
}

static void orders(void)
{
    make(1);
    peer_sets("fail_counter", "2");
    wire_order(breaker_recover);
    KEYS(v->half_open, "2", "0", NULL);
    wire_order(breaker_trip);
    KEYS(v->open, "2", "0", NOW);
    wire_order(breaker_reset);
    KEYS(v->closed, "0", "0", NOW);
}

/* ---- What others wrote -------------------------------------------------------------------------*/

static void state_is_missing(void)
{
    bool is_infuse = v->family == BREAKER_INFUSE;

    make(1);
    peer_sets("fail_counter", "2");
    PEER("DEL %sstate", v->prefix);
    struct wire_call call;
    assert_true(wire_begin(&call));
    KEYS(is_infuse ? NULL : v->closed, "2", "0", NULL);
    wire_finish(&call, 0, BREAKER_SUCCESS);
    KEYS(v->closed, "0", "0", NULL);
}

static void all_is_lost(void)
{
    if (v->family == BREAKER_INFUSE)
        return;
    make(1);
    PEER("FLUSHALL");
    struct wire_call call;
    assert_true(wire_begin(&call));
    KEYS(v->closed, "0", "0", NULL);
    wire_finish(&call, 0, BREAKER_CANCELLED);
}

static void a_peer_opens(void)
{
    bool restarts = v->family == BREAKER_INFUSE;

    make(1);
    peer_sets("state", v->open);
    peer_sets("opened_at", "1699999990");
    if (v->counts_successes)
        peer_sets("success_counter", "1");
    assert_int_equal(wire_ok(), BREAKER_EREJECTED);
    KEYS(v->open, "0", "0", restarts ? NOW : "1699999990");
}

static void a_peer_closes(void)
{
    struct wire_call call;

    make(1);
    wire_order(breaker_trip);
    peer_sets("state", v->closed);
    peer_sets("fail_counter", "2");
    assert_true(wire_begin(&call));
    KEYS(v->closed, "0", "0", NOW); /* noticing it zeroes the failures */
    wire_finish(&call, 0, BREAKER_SUCCESS);
}

static void opened_by_hand(void)
{
    struct wire_call call;
    bool restarts = v->family == BREAKER_INFUSE;

    make(1);
    peer_sets("state", v->open);
    assert_int_equal(wire_begin(&call), !restarts);
    KEYS(restarts ? v->open : v->half_open, "0", "0", restarts ? NOW : NULL);
    if (!restarts)
        wire_finish(&call, 0, BREAKER_SUCCESS);
}

static void no_namespace(void)
{
    static const char *const keys[] = {"pybreaker:state", "asyncbreaker:state", "aiobreaker:state",
                                       "infuse:state"};
    breaker_pybreaker_t options;

    breaker_family_init_sized(&options, v->family, sizeof options);
    wire_make(&options.dialect);
    assert_int_equal(server_number(&wire.server, "EXISTS %s", keys[v - variants]), 1);
}

#define EACH(name)                        \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        each(name);                       \
    }
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, wire_fresh, wire_leave)

EACH(created)
EACH(created_into_a_fleet)
EACH(success)
EACH(failures)
EACH(opened_at_moves_only_forward)
EACH(rejected)
EACH(trial_succeeds)
EACH(trial_fails)
EACH(trials_are_counted)
EACH(orders)
EACH(state_is_missing)
EACH(all_is_lost)
EACH(a_peer_opens)
EACH(a_peer_closes)
EACH(opened_by_hand)
EACH(no_namespace)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(created),
        TEST(created_into_a_fleet),
        TEST(success),
        TEST(failures),
        TEST(opened_at_moves_only_forward),
        TEST(rejected),
        TEST(trial_succeeds),
        TEST(trial_fails),
        TEST(trials_are_counted),
        TEST(orders),
        TEST(state_is_missing),
        TEST(all_is_lost),
        TEST(a_peer_opens),
        TEST(a_peer_closes),
        TEST(opened_by_hand),
        TEST(no_namespace),
    };
    return cmocka_run_group_tests(tests, wire_start, wire_end);
}
