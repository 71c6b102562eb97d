/* A master dies, and a replica that lagged behind takes its place: what was lost with the master is
 * put back by those who know it, no process goes back to what was before, and who comes later learns
 * the same. */
#include "rig.h"
#include "server.h"
#include "witness.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RECORD "{circuit}:1:r"

static struct server one, two;
static struct rig rig; /* for its loop */
static struct witness first, second, late;
static char path[96];

/* What programs call Redis: a name that comes to mean another server. */
static void lead(const struct server *master)
{
    char next[128];
    snprintf(next, sizeof next, "%s.next", path);
    assert_int_equal(symlink(master->path, next), 0);
    assert_int_equal(rename(next, path), 0);
}

static bool is_up(struct server *replica)
{
    redisReply *reply = server_ask(replica, "INFO replication");
    bool is = strstr(reply->str, "master_link_status:up") != NULL;
    freeReplyObject(reply);
    return is;
}

static void follow(struct server *replica, struct server *master)
{
    server_do(master, "CONFIG SET repl-diskless-sync-delay 0");
    server_do(replica, "REPLICAOF 127.0.0.1 %d", master->port);
    RIG_UNTIL(&rig, is_up(replica));
}

static int begin(void **state)
{
    char url[128];
    (void)state;
    server_start(&one, true);
    server_start(&two, true);
    snprintf(path, sizeof path, "%s/redis", one.directory);
    snprintf(url, sizeof url, "unix:%s", path);
    lead(&one);
    rig_init(&rig, url);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unsigned fallen = first.epochs_fallen + second.epochs_fallen + late.epochs_fallen;
    witness_close(&first);
    witness_close(&second);
    if (late.panel)
        witness_close(&late);
    rig_end(&rig);
    server_assert_no_key_stays(&two, SERVER_CIRCUITS);
    server_end(&one);
    server_end(&two);
    assert_int_equal(fallen, 0);
    return 0;
}

static void open_both(void)
{
    breaker_options_t circuit;
    witness_circuit(&circuit);
    circuit.broken_time = 60000;
    witness_open(&first, &rig.loop, "circuit", &rig.options, &circuit, NULL);
    witness_open(&second, &rig.loop, "circuit", &rig.options, &circuit, NULL);
    RIG_UNTIL(&rig, server_number(&one, "PUBLISH {circuit}:1:n x") == 2);
}

static void read_record(struct server *server, char *text, size_t size)
{
    redisReply *reply = server_ask(server, "GET " RECORD);
    snprintf(text, size, "%s", reply->str ? reply->str : "");
    freeReplyObject(reply);
}

static bool record_has(struct server *server, const char *words)
{
    char text[300];
    read_record(server, text, sizeof text);
    return strstr(text, words) != NULL;
}

static void both_are(breaker_state_t state)
{
    RIG_UNTIL(&rig, witness_state(&first) == state && witness_state(&second) == state);
}

/* The master dies with a transition that its replica never saw. */
static void the_last_transition_is_lost(void **state)
{
    char before[300], stale[300], after[300];
    (void)state;
    follow(&two, &one);
    open_both();
    witness_trip(&first);
    both_are(BREAKER_BROKEN);
    witness_reset(&first);
    both_are(BREAKER_PASSING);
    RIG_UNTIL(&rig, record_has(&two, " PASSING "));
    read_record(&two, stale, sizeof stale);
    server_do(&two, "REPLICAOF 127.0.0.1 1"); /* from here on it lags */
    witness_trip(&second);
    both_are(BREAKER_BROKEN);
    read_record(&one, before, sizeof before);
    unsigned admitted = first.admitted + second.admitted;
    server_kill(&one);
    rig_run_for(&rig, 50);
    read_record(&two, after, sizeof after);
    assert_string_equal(after, stale);
    server_do(&two, "REPLICAOF NO ONE");
    lead(&two);
    RIG_UNTIL(&rig, first.lost == first.found && second.lost == second.found);
    RIG_UNTIL(&rig, record_has(&two, before));
    both_are(BREAKER_BROKEN);
    assert_int_equal(first.admitted + second.admitted, admitted);
    witness_open(&late, &rig.loop, "circuit", &rig.options, NULL, NULL);
    RIG_UNTIL(&rig, witness_state(&late) == BREAKER_BROKEN);
    witness_reset(&second);
    both_are(BREAKER_PASSING);
    RIG_UNTIL(&rig, witness_state(&late) == BREAKER_PASSING);
}

/* It does not die, but is degraded under its connections, while the other one leads and moves on. */
static void the_old_master_is_a_replica(void **state)
{
    (void)state;
    follow(&two, &one);
    open_both();
    server_do(&two, "REPLICAOF NO ONE");
    lead(&two);
    follow(&one, &two);
    witness_trip(&first);
    both_are(BREAKER_BROKEN);
    RIG_UNTIL(&rig, record_has(&two, " BROKEN "));
    witness_reset(&second);
    both_are(BREAKER_PASSING);
}

#define IN_RIG(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_RIG(the_last_transition_is_lost),
        IN_RIG(the_old_master_is_a_replica),
    };
    return cmocka_run_group_tests_name("redis: failover", tests, NULL, NULL);
}
