/* The bell over a real Redis: who hears what, that it comes back by itself, and that it is no
 * condition for anything. */
#include "bells.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void tell(const char *key, const char *value)
{
    struct op *op = op_new(&rig);
    breaker_verb_t *verb = op_verb(op, BREAKER_TELL, key);
    verb->value = (char *)(uintptr_t)value;
    verb->length = (uint16_t)strlen(value);
    op_submit(op);
    assert_int_equal(op_wait(op), 0);
    op_free(op);
}

static void no_connection_without_a_listener(void **state)
{
    (void)state;
    rig_run_for(&rig, 30);
    assert_int_equal(proxy.connections, 1);
    listen_to("n");
    RIG_UNTIL(&rig, proxy.connections == 2);
}

static void heard(void **state)
{
    (void)state;
    listen_to("n");
    listen_to("n"); /* twice is once */
    listen_to("m");
    until_heard("n");
    until_heard("m");
    unsigned before = rig.bells;
    tell("n", "news");
    RIG_UNTIL(&rig, rig.bells > before);
    assert_int_equal(rig.bell_key_length, 1);
    assert_memory_equal(rig.bell_key, "n", 1);
    assert_int_equal(rig.bell_length, 4);
    assert_memory_equal(rig.bell_value, "news", 4);
    rig_run_for(&rig, 20);
    assert_int_equal(rig.bells, before + 1);
}

static void not_heard(void **state)
{
    (void)state;
    listen_to("n");
    until_heard("n");
    unsigned before = rig.bells;
    tell("other", "news");
    server_do(&server, "PUBLISH n %s", "without the prefix");
    server_do(&server, "PUBLISH p:n %0300d", 7); /* longer than any of ours */
    server_do(&server, "PUBLISH p:n last");
    RIG_UNTIL(&rig, rig.bells > before);
    assert_int_equal(rig.bells, before + 1);
    assert_memory_equal(rig.bell_value, "last", 4);
}

/* A transaction that was not done rings no bell. */
static void not_rung(void **state)
{
    (void)state;
    listen_to("n");
    until_heard("n");
    unsigned before = rig.bells;
    server_do(&server, "LPUSH p:list a");
    struct op *op = op_new(&rig);
    breaker_verb_t *verb = op_verb(op, BREAKER_TELL, "n");
    verb->value = op->value;
    verb->length = 1;
    op_incr(op, "list", 1, 0);
    op_submit(op);
    assert_int_equal(op_wait(op), UV_EINVAL);
    op_free(op);
    rig_run_for(&rig, 20);
    assert_int_equal(rig.bells, before);
}

static void comes_back(void **state)
{
    (void)state;
    listen_to("n");
    listen_to("m");
    until_heard("n");
    for (int i = 0; i < 10; i++) {
        server_do(&server, "CLIENT KILL TYPE pubsub");
        until_heard("m");
        until_heard("n");
    }
    proxy.mode = PROXY_CUT;
    RIG_UNTIL(&rig, proxy.mode == PROXY_PASS);
    until_heard("n");
    assert_int_equal(rig_incr(&rig, "n"), 0);
}

/* Who listens is told when it is heard of, the first time and each time that it is heard of again:
 * each of its keys, and no other. */
static unsigned told[3];

static void on_telling_bell(breaker_client_t *client, const char *key, size_t key_length,
                            const char *value, size_t length)
{
    (void)client;
    assert_int_equal(key_length, 1);
    assert_null(value);
    assert_int_equal(length, 0);
    assert_in_range(*key, 'a', 'c');
    told[*key - 'a']++;
}

static void told_when_it_is_heard(void **state)
{
    (void)state;
    memset(told, 0, sizeof told);
    rig.client.bell = on_telling_bell;
    listen_to("a");
    RIG_UNTIL(&rig, told[0] == 1);
    assert_int_equal(server_number(&server, "PUBLISH p:b x"), 0);
    listen_to("b");
    listen_to("a"); /* twice is once */
    RIG_UNTIL(&rig, told[1] == 1);
    for (unsigned i = 2; i < 5; i++) {
        server_do(&server, "CLIENT KILL TYPE pubsub");
        RIG_UNTIL(&rig, told[0] == i && told[1] == i);
    }
    listen_to("c");
    RIG_UNTIL(&rig, told[2] == 1);
    assert_int_equal(told[0], 4);
    assert_int_equal(told[1], 4);
}

/* And not before it can be asked what was missed: a replica listens, too. */
static void told_when_it_can_be_asked(void **state)
{
    (void)state;
    server_do(&server, "REPLICAOF 127.0.0.1 1");
    assert_int_equal(rig_incr(&rig, "n"), UV_EROFS);
    listen_to("n");
    RIG_UNTIL(&rig, server_number(&server, "PUBLISH p:n x") == 1);
    RIG_UNTIL(&rig, rig.bells > 0);
    rig_run_for(&rig, 50);
    assert_int_equal(rig.heard, 0);
    server_do(&server, "REPLICAOF NO ONE");
    RIG_UNTIL(&rig, rig.heard == 1);
}

/* More channels than may wait to be asked for: none is forgotten, and they do not wait all at once,
 * though the server does not listen for a while. */
static void more_than_may_wait(void **state)
{
    enum { KEYS = 20000, LENGTH = 500 };
    char key[BREAKER_KEY_MAX];
    struct rig direct; /* a unix socket: it has little room */
    char url[128];
    (void)state;
    snprintf(url, sizeof url, "unix:%s", server.path);
    rig_init(&direct, url);
    direct.options.transaction_timeout = direct.options.connect_timeout = 8000;
    direct.options.max_bytes = 4096;
    rig_open(&direct);
    memset(key, 'k', sizeof key);
    for (int i = 0; i < KEYS; i++) {
        snprintf(key + LENGTH, sizeof key - LENGTH, "%d", i);
        assert_int_equal(
            direct.storage->ops->listen(direct.storage, &direct.client, key, strlen(key)), 0);
    }
    long before = rig_resident();
    while (direct.heard < KEYS) {
        uv_run(&direct.loop, UV_RUN_ONCE);
        rig_assert_growth("the bell", before, KEYS * LENGTH / 2);
    }
    assert_int_equal(server_number(&server, "PUBLISH %s x", key), 1);
    RIG_UNTIL(&direct, direct.bells == 1);
    rig_end(&direct);
}

/* We do not read for so long that the server hangs up: what was told is lost, the bell is not. */
static void overrun(void **state)
{
    static char filling[100000];
    (void)state;
    memset(filling, 'x', sizeof filling);
    listen_to("n");
    until_heard("n");
    server_do(&server, "CONFIG SET client-output-buffer-limit %s", "pubsub 1mb 512kb 1");
    for (int i = 0; i < 400; i++)
        server_do(&server, "PUBLISH p:n %b", filling, sizeof filling);
    until_heard("n");
    assert_int_equal(rig.lost, 0);
}

/* Many keys: each is heard, also after the connection was lost. */
static void many(void **state)
{
    enum { KEYS = 2000 };
    char key[16];
    (void)state;
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "k%d", i);
        listen_to(key);
    }
    until_heard(key);
    for (int round = 0; round < 2; round++) {
        unsigned before = rig.bells;
        for (int i = 0; i < KEYS; i += 10)
            server_do(&server, "PUBLISH p:k%d x", i);
        RIG_UNTIL(&rig, rig.bells == before + KEYS / 10);
        server_do(&server, "CLIENT KILL TYPE pubsub");
        until_heard("k0");
        until_heard(key);
    }
}

/* A second client of the same storage hears its own keys, and none once it has closed. */
static void two_clients(void **state)
{
    breaker_client_t second = second_client();
    (void)state;
    assert_int_equal(rig.storage->ops->open(rig.storage, &second), 0);
    assert_int_equal(rig.storage->ops->listen(rig.storage, &second, "n", 1), 0);
    assert_int_equal(rig.storage->ops->listen(rig.storage, &second, "m", 1), 0);
    listen_to("n");
    until_heard("n");
    RIG_UNTIL(&rig, second_heard >= 1);
    unsigned first = rig.bells, heard_before = second_heard;
    server_do(&server, "PUBLISH p:m x");
    RIG_UNTIL(&rig, second_heard == heard_before + 1);
    assert_int_equal(rig.bells, first);
    rig.storage->ops->close(rig.storage, &second);
    RIG_UNTIL(&rig, second_closed);
    heard_before = second_heard;
    until_heard("n");
    assert_int_equal(second_heard, heard_before);
}

/* In the bell's own callback: listening to more, and transactions. */
static void on_busy_bell(breaker_client_t *client, const char *key, size_t key_length,
                         const char *value, size_t length)
{
    char more[32];
    (void)key, (void)key_length;
    if (!value)
        return;
    memcpy(rig.bell_value, value, length);
    rig.bell_length = length;
    for (int i = 0; i < 40; i++) {
        snprintf(more, sizeof more, "more%u-%d", rig.bells, i);
        assert_int_equal(rig.storage->ops->listen(rig.storage, client, more, strlen(more)), 0);
    }
    rig.bells++;
}

static void listening_inside(void **state)
{
    (void)state;
    rig.client.bell = on_busy_bell;
    listen_to("n");
    until_heard("n");
    until_heard("n");
    until_heard("more0-39");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BELLS(no_connection_without_a_listener),
        IN_BELLS(heard),
        IN_BELLS(not_heard),
        IN_BELLS(not_rung),
        IN_BELLS(comes_back),
        IN_BELLS(told_when_it_is_heard),
        IN_BELLS(told_when_it_can_be_asked),
        cmocka_unit_test(more_than_may_wait),
        IN_BELLS(overrun),
        IN_BELLS(many),
        IN_BELLS(two_clients),
        IN_BELLS(listening_inside),
    };
    return cmocka_run_group_tests_name("redis: the bell", tests, bells_set_up, bells_tear_down);
}
