/* Redis as a cluster, of one node and of two. */
#include "rig.h"
#include "server.h"
#include "witness.h"
#include <stdio.h>
#include <stdlib.h>

static struct server server, second;
static struct rig rig;
static struct witness witness, follower;
static char url[256];

/* The port of the cluster's own talk: by default it is the same for all of them here. */
static int become_node(struct server *one)
{
    static char ports[2][16];
    char *port = ports[one == &second];
    snprintf(port, sizeof ports[0], "%d", server_free_port());
    SERVER_AGAIN(one, "--cluster-enabled", "yes", "--cluster-port", port,
                 "--cluster-require-full-coverage", "no");
    return atoi(port);
}

static int begin(void **state)
{
    (void)state;
    server_start(&server, true);
    snprintf(url, sizeof url, "unix:%s", server.path);
    rig_init(&rig, url);
    return 0;
}

static int end(void **state)
{
    (void)state;
    if (witness.panel)
        witness_close(&witness);
    if (follower.panel)
        witness_close(&follower);
    rig_end(&rig);
    memset(server.extra, 0, sizeof server.extra);
    server_end(&server);
    if (second.pid)
        server_end(&second);
    return 0;
}

static void cluster(void **state)
{
    (void)state;
    become_node(&server);
    rig_open(&rig);
    assert_true(rig_incr(&rig, "{n}:r") < 0); /* CLUSTERDOWN: no slots yet */
    RIG_UNTIL(&rig, rig.lost == 1);
    server_do(&server, "CLUSTER ADDSLOTSRANGE 0 16383");
    RIG_UNTIL(&rig, rig_incr(&rig, "{n}:r") == 0);
    RIG_UNTIL(&rig, rig.health == 0);
    unsigned lost = rig.lost;
    /* Keys of one breaker are in one slot; a transaction over several slots is its own fault. */
    struct op *op = op_new(&rig);
    op_incr(op, "{n}:a", 1, 1000);
    op_incr(op, "{n}:b", 1, 1000);
    op_submit(op);
    assert_int_equal(op_wait(op), 0);
    op_free(op);
    op = op_new(&rig);
    op_incr(op, "a", 1, 1000);
    op_incr(op, "b", 1, 1000);
    op_submit(op);
    assert_int_equal(op_wait(op), UV_EINVAL);
    op_free(op);
    assert_int_equal(rig_incr(&rig, "{n}:r"), 0);
    assert_int_equal(rig.lost, lost);
    server_do(&server, "CLUSTER DELSLOTSRANGE 0 16383");
    RIG_UNTIL(&rig, rig_incr(&rig, "{n}:r") < 0);
    RIG_UNTIL(&rig, rig.lost == lost + 1);
}

/* A node that has some of the slots: enough for who uses no others. */
static void node_of_a_cluster(void **state)
{
    (void)state;
    become_node(&server);
    long long mine = server_number(&server, "CLUSTER KEYSLOT {n}");
    assert_int_not_equal(mine, server_number(&server, "CLUSTER KEYSLOT breaker:probe"));
    server_do(&server, "CLUSTER ADDSLOTS %lld", mine);
    rig_open(&rig);
    RIG_UNTIL(&rig, rig_incr(&rig, "{n}:r") == 0);
    unsigned lost = rig.lost;
    assert_int_equal(rig_get(&rig, "{n}:r"), 0);
    assert_int_equal(rig.lost, lost);
    server_do(&server, "CLIENT KILL TYPE normal SKIPME yes");
    rig_until_well(&rig);
    assert_int_equal(rig_incr(&rig, "{n}:r"), 0);
}

/* ---- Two nodes */

static bool knows(struct server *one, const char *what)
{
    redisReply *reply = server_ask(one, "CLUSTER INFO");
    bool does = strstr(reply->str, what) != NULL;
    freeReplyObject(reply);
    return does;
}

static void set_slot(struct server *one, long long slot, const char *what, struct server *other)
{
    char id[64] = "";
    if (other) {
        redisReply *reply = server_ask(other, "CLUSTER MYID");
        snprintf(id, sizeof id, "%s", reply->str);
        freeReplyObject(reply);
    }
    server_do(one, other ? "CLUSTER SETSLOT %lld %s %s" : "CLUSTER SETSLOT %lld %s", slot, what,
              id);
}

static void make_two(void)
{
    server_start(&second, true);
    become_node(&server);
    int bus = become_node(&second);
    server_do(&server, "CLUSTER MEET 127.0.0.1 %d %d", second.port, bus);
    server_do(&server, "CLUSTER ADDSLOTSRANGE 0 8191");
    server_do(&second, "CLUSTER ADDSLOTSRANGE 8192 16383");
    RIG_UNTIL(&rig, knows(&server, "cluster_slots_assigned:16384") &&
                        knows(&second, "cluster_slots_assigned:16384"));
    RIG_UNTIL(&rig, knows(&server, "cluster_state:ok") && knows(&second, "cluster_state:ok"));
}

/* What another node has is said so, in words and by a code of its own; guarded calls go on. */
static void moved(void **state)
{
    (void)state;
    make_two();
    assert_true(server_number(&server, "CLUSTER KEYSLOT {a}") > 8191);
    assert_true(server_number(&server, "CLUSTER KEYSLOT {b}") < 8192);
    rig_open(&rig);
    witness_open(&witness, &rig.loop, "a", &rig.options, NULL, NULL);
    assert_int_equal(rig_incr(&rig, "{b}:1"), 0);
    assert_int_equal(rig_incr(&rig, "{a}:1"), UV_EXDEV);
    RIG_UNTIL(&rig, rig.lost == 1);
    assert_int_equal(rig.health, UV_EXDEV);
    assert_non_null(strstr(breaker_redis_reason(rig.storage), "MOVED"));
    assert_non_null(strstr(breaker_redis_reason(rig.storage), "{a}:1"));
    RIG_UNTIL(&rig, witness.lost > 0 && witness.ended > 0);
    /* It comes to our node. */
    long long slot = server_number(&server, "CLUSTER KEYSLOT {a}");
    set_slot(&second, slot, "NODE", &server);
    set_slot(&server, slot, "NODE", &server);
    RIG_UNTIL(&rig, rig_incr(&rig, "{a}:1") == 0);
    RIG_UNTIL(&rig, witness.found == witness.lost);
    witness_is_content(&witness);
}

/* A slot on its way to another node: what is not here any more, and what is half here, mends with
 * time. */
static void on_its_way(void **state)
{
    (void)state;
    make_two();
    long long slot = server_number(&server, "CLUSTER KEYSLOT {b}");
    rig_open(&rig);
    assert_int_equal(rig_incr(&rig, "{b}:here"), 0);
    set_slot(&second, slot, "IMPORTING", &server);
    set_slot(&server, slot, "MIGRATING", &second);
    assert_int_equal(rig_incr(&rig, "{b}:absent"), UV_EAGAIN);
    assert_non_null(strstr(breaker_redis_reason(rig.storage), "ASK"));
    RIG_UNTIL(&rig, rig.health == UV_EAGAIN);
    set_slot(&server, slot, "STABLE", NULL);
    RIG_UNTIL(&rig, rig_incr(&rig, "{b}:absent") == 0);
    set_slot(&server, slot, "MIGRATING", &second);
    struct op *op = op_new(&rig);
    op_incr(op, "{b}:here", 1, 0);
    op_incr(op, "{b}:nowhere", 1, 0);
    op_submit(op);
    assert_int_equal(op_wait(op), UV_EAGAIN);
    op_free(op);
    assert_non_null(strstr(breaker_redis_reason(rig.storage), "TRYAGAIN"));
    set_slot(&server, slot, "STABLE", NULL);
    RIG_UNTIL(&rig, rig_incr(&rig, "{b}:here") == 0);
    RIG_UNTIL(&rig, rig.health == 0);
}

/* ---- Names: whatever is in them, all keys of a circuit are in one slot, and its processes hear of
 * each other. */

static void assert_one_slot(void)
{
    redisReply *keys = server_ask(&server, "KEYS *:c:*");
    assert_true(keys->elements > 0);
    freeReplyObject(keys);
    keys = server_ask(&server, "KEYS {*}:1:*");
    long long slot = -1;
    for (size_t i = 0; i < keys->elements; i++) {
        if (strncmp(keys->element[i]->str, "{libbreaker}:1:", 15) == 0)
            continue; /* of all circuits */
        long long its = server_number(&server, "CLUSTER KEYSLOT %b", keys->element[i]->str,
                                      keys->element[i]->len);
        assert_true(slot == -1 || slot == its);
        slot = its;
    }
    freeReplyObject(keys);
}

static void names(void **state)
{
    static char lengthy[256];
    static const char *const odd[] = {
        "{",    "}", "{}",   "a{b}c",   "{{x}}",
        "}{",   ":", "::a",  "a:b:1:r", "%s%d",
        "100%", " ", "\n\t", "*?[a]",   "\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82",
        lengthy};
    (void)state;
    memset(lengthy, '{', sizeof lengthy - 1);
    become_node(&server);
    server_do(&server, "CLUSTER ADDSLOTSRANGE 0 16383");
    RIG_UNTIL(&rig, knows(&server, "cluster_state:ok"));
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        server_do(&server, "FLUSHALL");
        witness_open(&witness, &rig.loop, odd[i], &rig.options, NULL, NULL);
        witness_open(&follower, &rig.loop, odd[i], &rig.options, NULL, NULL);
        RIG_UNTIL(&rig, server_number(&server, "DBSIZE") > 2);
        assert_one_slot();
        witness_trip(&witness);
        RIG_UNTIL(&rig, witness_state(&follower) == BREAKER_BROKEN);
        assert_one_slot();
        assert_int_equal(witness.lost + follower.lost, 0);
        witness_close(&witness);
        witness_close(&follower);
    }
    server_assert_no_key_stays(&server, SERVER_CIRCUITS);
}

#define IN_RIG(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_RIG(cluster), IN_RIG(node_of_a_cluster), IN_RIG(moved), IN_RIG(on_its_way),
        IN_RIG(names),
    };
    return cmocka_run_group_tests_name("redis: clusters", tests, NULL, NULL);
}
