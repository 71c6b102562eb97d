/* The storage in its process: which forks, gets signals, runs out of descriptors and reuses
 * them. */
#include "rig.h"
#include "server.h"
#include "witness.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static struct server server;
static struct rig rig;
static struct witness witness;
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
    rig_end(&rig);
    server_assert_no_key_stays(&server, SERVER_CIRCUITS);
    return 0;
}

static void open_well(void)
{
    rig_open(&rig);
    rig_until_well(&rig);
}

static long long connections(void)
{
    redisReply *reply = server_ask(&server, "INFO stats");
    long long count = atoll(strstr(reply->str, "total_connections_received:") + 27);
    freeReplyObject(reply);
    return count;
}

/* The child has connections of its own, and sends nothing on its parent's. */
static void forked(void **state)
{
    (void)state;
    open_well();
    long long before = connections();
    struct op *op = op_new(&rig); /* under way at the fork: the parent's answer */
    op_incr(op, "n", 1, 0);
    op_submit(op);
    uv_run(&rig.loop, UV_RUN_NOWAIT);
    pid_t child = fork();
    if (child == 0) {
        int status = uv_loop_fork(&rig.loop);
        if (!op->completions)
            op_wait(op);
        for (uint64_t end = uv_hrtime() + 60000000000u; status == 0 && uv_hrtime() < end;) {
            struct op *mine = op_new(&rig);
            op_incr(mine, "child", 1, 0);
            op_submit(mine);
            if (op_wait(mine) == 0)
                rig_end_well();
        }
        _exit(1);
    }
    rig_assert_ended_well(child);
    assert_int_equal(connections(), before + 1);
    assert_int_equal(op_wait(op), 0);
    assert_int_equal(rig_incr(&rig, "n"), 0);
    assert_int_equal(connections(), before + 1);
    assert_int_equal(server_number(&server, "GET n"), 2);
    assert_int_equal(server_number(&server, "GET child"), 1);
    assert_int_equal(rig.lost, 0);
    op_free(op);
}

/* Writes to a peer that is gone, in a process that does not ignore the signal for it. */
static void no_sigpipe(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGPIPE, SIG_DFL);
        open_well();
        for (int i = 0; i < 50; i++) {
            server_do(&server, "CLIENT KILL TYPE normal SKIPME yes");
            struct op *first = op_new(&rig), *second = op_new(&rig);
            op_submit(first);
            uv_run(&rig.loop, UV_RUN_NOWAIT);
            op_submit(second);
            op_wait(first);
            op_wait(second);
            rig_until_well(&rig);
        }
        rig_end_well();
    }
    rig_assert_ended_well(child);
    redisFree(server.client); /* the child used it */
    server.client = NULL;
}

static void on_alarm(int signal)
{
    (void)signal;
}

static void signals(void **state)
{
    struct sigaction action = {.sa_handler = on_alarm}, before; /* without SA_RESTART */
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    (void)state;
    rig.options.transaction_timeout = rig.options.connect_timeout = 5000;
    sigaction(SIGALRM, &action, &before);
    setitimer(ITIMER_REAL, &often, NULL);
    open_well();
    for (int i = 0; i < 500; i++)
        assert_int_equal(rig_incr(&rig, "n"), 0);
    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_IGN); /* the last one may be still on its way */
    sigaction(SIGALRM, &before, NULL);
    assert_int_equal(server_number(&server, "GET n"), 500);
    assert_int_equal(rig.lost, 0);
}

/* No descriptor is left for the socket. */
static void no_descriptors(void **state)
{
    int taken[1024], count = 0;
    struct rlimit limit, low;
    (void)state;
    getrlimit(RLIMIT_NOFILE, &limit);
    low = limit;
    low.rlim_cur = 200;
    setrlimit(RLIMIT_NOFILE, &low);
    while (count < 1024 && (taken[count] = dup(0)) >= 0)
        count++;
    rig_open(&rig);
    witness_open(&witness, &rig.loop, "witness", &rig.options, NULL, NULL);
    for (int i = 0; i < 20; i++)
        assert_int_equal(rig_ask(&rig), UV_EMFILE);
    assert_int_equal(rig.lost, 1);
    RIG_UNTIL(&rig, witness.lost > 0 && witness.ended > 0);
    witness_is_content(&witness);
    while (count)
        close(taken[--count]);
    setrlimit(RLIMIT_NOFILE, &limit);
    rig_until_well(&rig);
    RIG_UNTIL(&rig, rig.found == 1);
    RIG_UNTIL(&rig, witness.found == witness.lost);
    witness_is_content(&witness);
    witness_close(&witness);
}

/* The descriptor of a lost connection is somebody else's at once: nothing of ours is done to it. */
static void descriptor_reused(void **state)
{
    (void)state;
    open_well();
    for (int i = 0; i < 20; i++) {
        int pipes[8][2];
        server_do(&server, "CLIENT KILL TYPE normal SKIPME yes");
        for (int j = 0; j < 8; j++) {
            uv_run(&rig.loop, UV_RUN_NOWAIT);
            assert_int_equal(pipe(pipes[j]), 0);
            assert_int_equal(write(pipes[j][1], "mine", 4), 4);
        }
        rig_until_well(&rig);
        for (int j = 0; j < 8; j++) {
            char bytes[8];
            assert_int_equal(read(pipes[j][0], bytes, sizeof bytes), 4);
            close(pipes[j][0]);
            assert_int_equal(close(pipes[j][1]), 0);
        }
    }
}

/* ---- Unix sockets that are none */

static void ask_for(const char *path, int told)
{
    struct rig other;
    rig_init(&other, url);
    other.options.path = path;
    rig_open(&other);
    assert_int_equal(rig_ask(&other), told);
    assert_int_equal(rig_ask(&other), told);
    rig_end(&other);
}

/* As somebody who may not, which root always may. */
static void ask_as_nobody(void)
{
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(1);
        ask_for(server.path, UV_EACCES);
        rig_end_well();
    }
    rig_assert_ended_well(child);
}

static void paths(void **state)
{
    (void)state;
    ask_for("/nowhere/at/all", UV_ENOENT);
    ask_for("/etc/hostname", UV_ECONNREFUSED);
    ask_for("/etc/hostname/socket", UV_ENOTDIR);
    assert_int_equal(chmod(server.path, 0), 0);
    ask_as_nobody();
    assert_int_equal(chmod(server.path, 0700), 0);
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
        IN_RIG(forked),         IN_RIG(no_sigpipe),        IN_RIG(signals),
        IN_RIG(no_descriptors), IN_RIG(descriptor_reused), IN_RIG(paths),
    };
    return cmocka_run_group_tests_name("redis: a host", tests, set_up, tear_down);
}
