/* One circuit in a Redis that loses, ages or garbles what it holds: what is BROKEN stays so, for as long
 * as it was to be, by the same record; nobody is let through; and what cannot be read is overwritten
 * by the next trip, not obeyed. */
#include "rig.h"
#include "server.h"
#include "witness.h"
#include <stdio.h>
#include <stdlib.h>

#define RECORD "{circuit}:1:r"

static struct server server;
static struct rig rig; /* for its loop */
static struct witness witness, other;
static char url[128];

static int begin(void **state)
{
    (void)state;
    server_do(&server, "FLUSHALL");
    snprintf(url, sizeof url, "unix:%s", server.path);
    rig_init(&rig, url);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unsigned fallen = witness.epochs_fallen;
    witness_close(&witness);
    if (other.panel)
        witness_close(&other);
    rig_end(&rig);
    assert_int_equal(fallen, 0);
    server_assert_no_key_stays(&server, SERVER_CIRCUITS);
    return 0;
}

static void open_broken_for(uint64_t ms)
{
    breaker_options_t circuit;
    witness_circuit(&circuit);
    circuit.broken_time = ms;
    circuit.recovery = BREAKER_IMMEDIATE;
    witness_open(&witness, &rig.loop, "circuit", &rig.options, &circuit, NULL);
    RIG_UNTIL(&rig, witness.ended > 0);
    witness_is_content(&witness);
    witness_trip(&witness);
}

static void read_record(char *text, size_t size)
{
    redisReply *reply = server_ask(&server, "GET " RECORD);
    snprintf(text, size, "%s", reply->str ? reply->str : "");
    freeReplyObject(reply);
}

static bool holds(const char *word)
{
    char text[300];
    read_record(text, sizeof text);
    return strstr(text, word) != NULL;
}

/* ---- Lost */

/* The same record comes back, and meanwhile nobody was let through. */
static void lose_by(const char *how, const char *cure)
{
    char before[300], after[300];
    read_record(before, sizeof before);
    assert_non_null(strstr(before, " BROKEN "));
    unsigned admitted = witness.admitted, asked = witness.asked;
    for (int i = 0; i < 5; i++) {
        server_do(&server, how);
        RIG_UNTIL(&rig, cure == NULL || server_number(&server, "DBSIZE") == 0);
        rig_run_for(&rig, 20);
        if (cure)
            server_do(&server, cure);
        RIG_UNTIL(&rig, holds(" BROKEN "));
        read_record(after, sizeof after);
        assert_string_equal(after, before);
    }
    assert_int_equal(witness_state(&witness), BREAKER_BROKEN);
    assert_int_equal(witness.admitted, admitted);
    assert_true(witness.asked > asked);
    assert_true(server_number(&server, "PTTL " RECORD) > 0);
}

static void flushed(void **state)
{
    (void)state;
    open_broken_for(60000);
    lose_by("FLUSHALL", NULL);
}

static void evicted(void **state)
{
    (void)state;
    open_broken_for(60000);
    server_do(&server, "CONFIG SET maxmemory-policy allkeys-lru");
    lose_by("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0");
    server_do(&server, "CONFIG SET maxmemory-policy noeviction");
}

/* ---- Aged: Redis' clock steps by an hour, which is the end of some keys, and far from the end of
 * others. */
static void broken_through_a_step(int64_t step)
{
    enum { BROKEN = 2000, SLACK = 6000 };
    uint64_t since = uv_hrtime();
    open_broken_for(BROKEN);
    unsigned admitted = witness.admitted;
    rig_run_for(&rig, 100);
    *server.shift += step;
    rig_run_for(&rig, 200);
    assert_int_equal(witness_state(&witness), BREAKER_BROKEN);
    assert_int_equal(witness.admitted, admitted);
    RIG_UNTIL(&rig, witness.admitted > admitted);
    assert_in_range((uv_hrtime() - since) / 1000000, BROKEN - 100, BROKEN + SLACK);
    RIG_UNTIL(&rig, witness_state(&witness) == BREAKER_PASSING);
    RIG_UNTIL(&rig, holds(" PASSING "));
}

static void clock_steps_on(void **state)
{
    (void)state;
    broken_through_a_step(3600);
}

static void clock_steps_back(void **state)
{
    (void)state;
    broken_through_a_step(-3600);
}

static int bend(void **state)
{
    if (!server_bend_clock(&server))
        skip();
    return begin(state);
}

static int straighten(void **state)
{
    int status = end(state);
    server_straighten_clock(&server);
    return status;
}

/* ---- Garbled */

static const char *const garbage[] = {
    "garbage",
    " ",
    "nan",
    "1",
    "1 nan nan BROKEN nan nan nan nan nan nan nan nan nan nan nan nan",
    "1 99999999999999999999 0badcafe BROKEN 1754000000120 5000 10000 1 7 00c0ffee 48879 0 3 17 0 0",
    "1 1754000000123 0badcafe BROKEN -1 5000 10000 1 7 00c0ffee 48879 0 3 17 0 -110",
    "1 1754000000123 0badcafe BROKEN 1754000000120 18446744073709551615 1 1 7 00c0ffee 4 0 3 17 0 "
    "0",
    "1 1754000000123 0badcafe OPEN 1754000000120 5000 10000 1 7 00c0ffee 48879 0 3 17 0 -110",
    "2 1754000000123 0badcafe BROKEN 1754000000120 5000 10000 1 7 00c0ffee 48879 0 3 17 0 -110 "
    "more",
};

/* It is not obeyed, and not replaced for its own sake; a trip is written over it. */
static void garbled_record(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        if (i > 0) { /* end closes the last one */
            witness_close(&witness);
            server_do(&server, "FLUSHALL");
        }
        server_do(&server, "SET " RECORD " %s", garbage[i]);
        server_do(&server,
                  "SET {circuit}:2:r later PX 600000"); /* of a version to come: beside ours */
        witness_open(&witness, &rig.loop, "circuit", &rig.options, NULL, NULL);
        RIG_UNTIL(&rig, witness.asked > 50);
        witness_is_content(&witness);
        assert_int_equal(witness_state(&witness), BREAKER_PASSING);
        assert_false(holds(" PASSING "));
        witness.fails = true;
        RIG_UNTIL(&rig, witness_state(&witness) == BREAKER_BROKEN);
        char text[300];
        RIG_UNTIL(&rig, (read_record(text, sizeof text), strcmp(text, garbage[i]) != 0));
        assert_non_null(strstr(text, " BROKEN "));
        assert_true(server_number(&server, "PTTL " RECORD) > 0);
        redisReply *reply = server_ask(&server, "GET {circuit}:2:r");
        assert_string_equal(reply->str, "later");
        freeReplyObject(reply);
    }
}

/* Counters that are no numbers, again and again: the process goes on by its own counts, and trips. */
static void garbled_counters(void **state)
{
    static const char *const values[] = {"nan", "", "1e300", "-9223372036854775808",
                                         "9223372036854775807"};
    (void)state;
    witness_open(&witness, &rig.loop, "circuit", &rig.options, NULL, NULL);
    RIG_UNTIL(&rig, server_number(&server, "DBSIZE") > 0);
    for (unsigned i = 0; i < 50; i++) {
        redisReply *keys = server_ask(&server, "KEYS {circuit}:1:*:*");
        for (size_t j = 0; j < keys->elements; j++)
            server_do(&server, "SET %s %s PX 60000", keys->element[j]->str,
                      values[i % (sizeof values / sizeof *values)]);
        freeReplyObject(keys);
        rig_run_for(&rig, 10);
    }
    witness_is_content(&witness);
    witness.fails = true;
    RIG_UNTIL(&rig, witness_state(&witness) == BREAKER_BROKEN);
    witness_trip(&witness); /* by an order, for all */
    RIG_UNTIL(&rig, holds(" BROKEN "));
}

/* ---- Two processes whose own clocks are ten minutes apart */

static uint64_t ahead(void *data)
{
    (void)data;
    return (uint64_t)time(NULL) * 1000 + 300000;
}

static uint64_t behind(void *data)
{
    (void)data;
    return (uint64_t)time(NULL) * 1000 - 300000;
}

static void clocks_apart(void **state)
{
    breaker_options_t circuit;
    breaker_panel_options_t box;
    (void)state;
    witness_circuit(&circuit);
    circuit.broken_time = 1500;
    circuit.broken_factor = 1;
    circuit.recovery = BREAKER_IMMEDIATE;
    breaker_panel_options_init(&box);
    box.wall = ahead;
    witness_open(&witness, &rig.loop, "circuit", &rig.options, &circuit, &box);
    box.wall = behind;
    witness_open(&other, &rig.loop, "circuit", &rig.options, &circuit, &box);
    RIG_UNTIL(&rig, server_number(&server, "PUBLISH {circuit}:1:n hello") == 2);
    for (int round = 0; round < 2; round++) {
        struct witness *one = round ? &other : &witness;
        uint64_t since = uv_hrtime();
        witness_trip(one);
        RIG_UNTIL(&rig, witness_state(&witness) == BREAKER_BROKEN &&
                            witness_state(&other) == BREAKER_BROKEN);
        /* Both until it is over; one of them ends it for both. */
        RIG_UNTIL(&rig, witness_state(&witness) == BREAKER_PASSING &&
                            witness_state(&other) == BREAKER_PASSING);
        assert_in_range((uv_hrtime() - since) / 1000000, circuit.broken_time - 100, 9000);
        /* Both may have offered that end: one has lost, before the next order. */
        rig_run_for(&rig, 200);
    }
    RIG_UNTIL(&rig, witness.moves == 4 && other.moves == 4);
    assert_true(witness.elsewhere > 0 && other.elsewhere > 0);
}

static int set_up(void **state)
{
    (void)state;
    server_start(&server, false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_end(&server);
    return 0;
}

#define IN_RIG(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_RIG(flushed),
        IN_RIG(evicted),
        cmocka_unit_test_setup_teardown(clock_steps_on, bend, straighten),
        cmocka_unit_test_setup_teardown(clock_steps_back, bend, straighten),
        IN_RIG(garbled_record),
        IN_RIG(garbled_counters),
        IN_RIG(clocks_apart),
    };
    return cmocka_run_group_tests_name("redis: a circuit", tests, set_up, tear_down);
}
