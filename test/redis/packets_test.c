/* Packets that are lost, in a network namespace of the test's own: a partition in one or both
 * directions, a third of all packets, connections that are never answered. Skipped, and said so,
 * where no namespace can be made or nft is missing. */
#define _GNU_SOURCE
#include "rig.h"
#include "server.h"
#include "witness.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct server server;
static struct rig rig;
static struct witness witness;
static const char *missing;

static bool run(const char *format, ...)
{
    char command[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    return system(command) == 0;
}

/* The second client has a unix socket, which no rule touches. */
static void lose(const char *direction, const char *what)
{
    assert_true(
        run("nft add rule inet breaker in tcp %s %d %s drop", direction, server.port, what));
}

static void lose_nothing(void)
{
    assert_true(run("nft flush chain inet breaker in"));
}

/* The library's half a minute would be long for a test: a function of the program's own stands
 * before the C library's. */
enum { UNHEARD = 1500 };
static int unheard = UNHEARD;

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    const int second = 1;
    if (level == IPPROTO_TCP && (name == TCP_KEEPIDLE || name == TCP_KEEPINTVL))
        value = &second;
    if (level == IPPROTO_TCP && name == TCP_USER_TIMEOUT)
        value = &unheard;
    return (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}

static int begin(void **state)
{
    char url[64];
    (void)state;
    if (missing)
        return 0; /* the test says so */
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", server.port);
    unheard = UNHEARD;
    server_do(&server, "FLUSHALL");
    rig_init(&rig, url);
    rig.options.transaction_timeout = rig.options.connect_timeout = 150;
    return 0;
}

static int end(void **state)
{
    (void)state;
    if (missing)
        return 0;
    lose_nothing();
    if (witness.panel) {
        witness_is_content(&witness);
        witness_close(&witness);
    }
    rig_end(&rig);
    server_assert_no_key_stays(&server, SERVER_CIRCUITS);
    return 0;
}

/* Guarded calls beside it, which go on whatever is lost. */
static void open_watched(void)
{
    rig_open(&rig);
    witness_open(&witness, &rig.loop, "witness", &rig.options, NULL, NULL);
}

static void nothing_is_lost_any_more(void)
{
    lose_nothing();
    witness_is_served(&witness, &server, uv_hrtime(), witness.pause);
}

#define NEEDS_NAMESPACE                              \
    do {                                             \
        if (missing) {                               \
            print_message("skipped: %s\n", missing); \
            skip();                                  \
        }                                            \
    } while (0)

static void cut_off(const char *direction, const char *key)
{
    open_watched();
    rig_until_well(&rig);
    lose(direction, "");
    assert_int_equal(rig_incr(&rig, key), UV_ETIMEDOUT);
    RIG_UNTIL(&rig, rig.lost == 1);
    for (int i = 0; i < 30; i++) {
        assert_true(rig_ask(&rig) < 0);
        rig_run_for(&rig, 10);
    }
    assert_int_equal(rig.lost, 1);
    RIG_UNTIL(&rig, witness.lost > 0);
    nothing_is_lost_any_more();
    rig_until_well(&rig);
    RIG_UNTIL(&rig, rig.found == 1);
}

static void questions_lost(void **state)
{
    (void)state;
    NEEDS_NAMESPACE;
    cut_off("dport", "question");
    rig_run_for(&rig, 1000);
    assert_int_equal(server_number(&server, "EXISTS question"), 0); /* neither then nor later */
}

static void answers_lost(void **state)
{
    (void)state;
    NEEDS_NAMESPACE;
    cut_off("sport", "answer");
    assert_int_equal(server_number(&server, "GET answer"), 1);
}

/* Nothing is asked on the connection of the bell: that it is cut is noticed all the same, and that it
 * is there again is told. */
static void bell_cut_off(void **state)
{
    (void)state;
    NEEDS_NAMESPACE;
    rig_open(&rig);
    assert_int_equal(rig.storage->ops->listen(rig.storage, &rig.client, "n", 1), 0);
    RIG_UNTIL(&rig, rig.heard == 1);
    lose("dport", "");
    rig_run_for(&rig, 4500);
    lose_nothing();
    RIG_UNTIL(&rig, rig.heard == 2);
    server_do(&server, "PUBLISH n x");
    RIG_UNTIL(&rig, rig.bells == 1);
}

/* It is the time for connecting that ends this, long before the transaction's own would. */
static void no_answer_from_the_start(void **state)
{
    (void)state;
    NEEDS_NAMESPACE;
    rig.options.transaction_timeout = unheard = 8000; /* nor does the kernel end it */
    lose("dport", "");
    open_watched();
    uint64_t begin = uv_hrtime();
    assert_int_equal(rig_ask(&rig), UV_ETIMEDOUT);
    RIG_UNTIL(&rig, rig.lost == 1);
    assert_in_range((uv_hrtime() - begin) / 1000000, rig.options.connect_timeout - 10,
                    rig.options.connect_timeout + 2000);
    RIG_UNTIL(&rig, witness.lost > 0);
    lose_nothing();
    rig_until_well(&rig);
}

/* A third of all packets: slow, with errors, and never done twice. Each has a key of its own, so that what
 * is done twice cannot stand in for what is lost. */
static void a_third_is_lost(void **state)
{
    enum { OPS = 60 };
    char key[32];
    bool is_well[OPS];
    (void)state;
    NEEDS_NAMESPACE;
    rig.options.transaction_timeout = rig.options.connect_timeout = 400;
    open_watched();
    rig_until_well(&rig);
    lose("dport", "numgen random mod 100 \\< 30");
    lose("sport", "numgen random mod 100 \\< 30");
    for (int i = 0; i < OPS; i++) {
        uint64_t begin = uv_hrtime();
        snprintf(key, sizeof key, "third:%d", i);
        is_well[i] = rig_incr(&rig, key) == 0;
        uint64_t took = (uv_hrtime() - begin) / 1000000; /* the deadline, and a slow machine */
        assert_in_range(took, 0, rig.options.transaction_timeout + 2000);
    }
    nothing_is_lost_any_more();
    rig_until_well(&rig);
    for (int i = 0; i < OPS; i++) /* 0: it has no such key */
        assert_in_range(server_number(&server, "INCRBY third:%d 0", i), is_well[i], 1);
}

static int set_up(void **state)
{
    (void)state;
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0)
        missing = "no network namespace can be made here";
    else if (!run("ip link set lo up 2> /dev/null"))
        missing = "the namespace has no loopback device (ip)";
    else if (!run("nft add table inet breaker 2> /dev/null && nft add chain inet breaker in "
                  "'{ type filter hook input priority 0; policy accept; }' 2> /dev/null && "
                  "nft add rule inet breaker in tcp dport 1 numgen random mod 100 '<' 1 drop"))
        missing = "no packets can be lost here (nft)";
    if (!missing)
        server_start(&server, true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (!missing)
        server_end(&server);
    return 0;
}

#define IN_RIG(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_RIG(questions_lost),           IN_RIG(answers_lost),    IN_RIG(bell_cut_off),
        IN_RIG(no_answer_from_the_start), IN_RIG(a_third_is_lost),
    };
    return cmocka_run_group_tests_name("redis: lost packets", tests, set_up, tear_down);
}
