/* Redis as a cluster, of one node and of two. */
#include "rig.h"
#include "server.h"
#include <stdio.h>
#include <stdlib.h>

static struct server server;
static struct rig rig;
static char url[256];

static int begin(void **state)
{
    (void)state;
    server_start(&server, false);
    snprintf(url, sizeof url, "unix:%s", server.path);
    rig_init(&rig, url);
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_end(&rig);
    memset(server.extra, 0, sizeof server.extra);
    server_end(&server);
    return 0;
}

static void cluster(void **state)
{
    char port[16]; /* of the cluster's own talk: by default it is the same for all of them here */
    (void)state;
    snprintf(port, sizeof port, "%d", server_free_port());
    SERVER_AGAIN(&server, "--cluster-enabled", "yes", "--cluster-port", port);
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
    char port[16];
    (void)state;
    snprintf(port, sizeof port, "%d", server_free_port());
    SERVER_AGAIN(&server, "--cluster-enabled", "yes", "--cluster-port", port,
                 "--cluster-require-full-coverage", "no");
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

#define IN_RIG(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_RIG(cluster),
        IN_RIG(node_of_a_cluster),
    };
    return cmocka_run_group_tests_name("redis: clusters", tests, NULL, NULL);
}
