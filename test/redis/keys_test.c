/* Keys that hold what none of us wrote: it stays as it is, is named, and harms no other key. */
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

/* Somebody's list at our key: it stays as it is, and is named; others are served. */
static void squatter(void **state)
{
    (void)state;
    server_do(&server, "LPUSH squat a b c");
    rig_open(&rig);
    assert_int_equal(rig_incr(&rig, "squat"), UV_EINVAL);
    assert_non_null(strstr(breaker_redis_reason(rig.storage), "WRONGTYPE"));
    assert_non_null(strstr(breaker_redis_reason(rig.storage), "squat"));
    struct op *op = op_new(&rig);
    op_get(op, "squat");
    op_submit(op);
    assert_int_equal(op_wait(op), UV_EINVAL);
    op_free(op);
    assert_int_equal(rig_incr(&rig, "n"), 0);
    assert_int_equal(server_number(&server, "LLEN squat"), 3);
    assert_int_equal(rig.lost, 0);
}

/* Values that none of us wrote: told apart, never trusted, never copied beyond the room there
 * is. */
static void strange_values(void **state)
{
    static const char *const strange[] = {
        "nan", "1e3", " 1", "0x10", "99999999999999999999", "", "9223372036854775807"};
    (void)state;
    rig_open(&rig);
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        server_do(&server, "SET n %s", strange[i]);
        assert_int_equal(rig_incr(&rig, "n"), UV_EINVAL);
        assert_int_equal(rig_get(&rig, "n"), 0);
    }
    server_do(&server, "SETRANGE n 5000000 x"); /* five megabytes stay where they are */
    assert_int_equal(rig_get(&rig, "n"), UV_EMSGSIZE);
    assert_int_equal(rig.lost, 0);
}

static void guard_on_a_long_value(void **state)
{
    (void)state;
    rig_open(&rig);
    server_do(&server, "SETRANGE n 100000 x");
    struct op *op = op_new(&rig);
    op->transaction.guard = BREAKER_GUARD_ABSENT;
    op->transaction.guard_key = "n";
    op->transaction.guard_key_length = 1;
    op->transaction.standing = op->value;
    op->transaction.standing_length = sizeof op->value;
    op_submit(op);
    assert_int_equal(op_wait(op), BREAKER_EGUARD);
    assert_int_equal(op->transaction.standing_length, UINT16_MAX);
    assert_int_equal(op->transaction.standing_found, 1);
    op_free(op);
}

#define IN_RIG(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_RIG(squatter),
        IN_RIG(strange_values),
        IN_RIG(guard_on_a_long_value),
    };
    return cmocka_run_group_tests_name("redis: keys", tests, NULL, NULL);
}
