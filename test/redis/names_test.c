/* Where the server is: names, several addresses, IPv6. The resolver is this test's: a function
 * of the program's own stands before the C library's. */
#include "redis_socket.h"
#include "rig.h"
#include "server.h"
#include "witness.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct server server;
static struct rig rig;

/* ---- The resolver */

static atomic_int delay, answer, lookups, active, most; /* most: at once */
static const char *addresses[4];                        /* numeric, to the first NULL */

static struct addrinfo *entry_of(const char *text, int port)
{
    struct {
        struct addrinfo info;
        struct sockaddr_storage address;
    } *entry = calloc(1, sizeof *entry);
    struct sockaddr_in *four = (struct sockaddr_in *)&entry->address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&entry->address;
    entry->info.ai_addr = (struct sockaddr *)&entry->address;
    if (strchr(text, ':')) {
        six->sin6_family = entry->info.ai_family = AF_INET6;
        six->sin6_port = htons((uint16_t)port);
        inet_pton(AF_INET6, text, &six->sin6_addr);
        entry->info.ai_addrlen = sizeof *six;
    } else {
        four->sin_family = entry->info.ai_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        inet_pton(AF_INET, text, &four->sin_addr);
        entry->info.ai_addrlen = sizeof *four;
    }
    return &entry->info;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    struct addrinfo **last = result;
    (void)node, (void)hints;
    lookups++;
    if (++active > most)
        most = active;
    for (int i = 0; i < delay; i++)
        usleep(1000);
    active--;
    *result = NULL;
    for (int i = 0; answer == 0 && i < 4 && addresses[i]; i++) {
        *last = entry_of(addresses[i], atoi(service));
        last = &(*last)->ai_next;
    }
    return answer;
}

void freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;
        free(list);
        list = next;
    }
}

/* ---- Tests */

static int begin(void **state)
{
    char url[64];
    (void)state;
    delay = answer = lookups = most = 0;
    memset(addresses, 0, sizeof addresses);
    addresses[0] = "127.0.0.1";
    snprintf(url, sizeof url, "redis://somewhere.test:%d", server.port);
    rig_init(&rig, url);
    rig.options.connect_timeout = rig.options.transaction_timeout = 10000; /* slow machines */
    return 0;
}

static int end(void **state)
{
    (void)state;
    delay = 0;
    rig_end(&rig);
    return 0;
}

#ifdef TCP_USER_TIMEOUT
static atomic_uint unheard;

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    if (level == IPPROTO_TCP && name == TCP_USER_TIMEOUT)
        memcpy(&unheard, value, sizeof unheard);
    return (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}

/* What is sent to a machine that is gone does not wait for the system's quarter of an hour. */
static void system_is_told(void **state)
{
    (void)state;
    rig_open(&rig);
    assert_int_equal(rig_ask(&rig), 0);
    assert_int_equal(unheard, 15000);
}
#endif

static void found(void **state)
{
    (void)state;
    rig_open(&rig);
    assert_int_equal(rig_ask(&rig), 0);
    assert_int_equal(lookups, 1);
    assert_int_equal(rig.lost, 0);
}

/* Nobody listens there: another of this machine's addresses. */
static void first_is_dead(void **state)
{
    (void)state;
    addresses[0] = "::1";
    addresses[1] = "127.0.0.9";
    addresses[2] = "127.0.0.1";
    rig_open(&rig);
    assert_int_equal(rig_ask(&rig), 0);
    assert_int_equal(lookups, 1);
    assert_int_equal(rig.lost, 0);
}

static void all_are_dead(void **state)
{
    (void)state;
    addresses[0] = "127.0.0.8";
    addresses[1] = "127.0.0.9";
    rig_open(&rig);
    assert_int_equal(rig_ask(&rig), UV_ECONNREFUSED);
    RIG_UNTIL(&rig, rig.lost == 1);
    /* The name moves to where the server is: it is asked for anew each time. */
    addresses[1] = "127.0.0.1";
    rig_until_well(&rig);
    assert_true(lookups >= 2);
}

/* A name with two addresses, of which one is a replica's: what we write, the other one gets. */
static void replica_first(void **state)
{
    struct server replica = {.extra = {"--bind", "127.0.0.2"}};
    (void)state;
    server_start(&replica, false);
    server_kill(&replica);
    replica.port = server.port; /* on an address of its own */
    server_restart(&replica);
    server_do(&replica, "SET n 7");
    server_do(&replica, "REPLICAOF 127.0.0.1 1");
    server_do(&server, "SET n 100");
    addresses[0] = "127.0.0.2";
    addresses[1] = "127.0.0.1";
    rig_open(&rig);
    for (int i = 1; i <= 5; i++) {
        struct op *op = op_new(&rig);
        op_incr(op, "n", 1, 0);
        op_submit(op);
        assert_int_equal(op_wait(op), 0);
        assert_int_equal(op->verbs[0].number, 100 + i);
        op_free(op);
    }
    assert_int_equal(rig.lost, 0);
    /* They change places. */
    server_do(&replica, "REPLICAOF NO ONE");
    server_do(&server, "REPLICAOF 127.0.0.1 1");
    assert_int_equal(rig_incr(&rig, "n"), UV_EROFS);
    RIG_UNTIL(&rig, rig_incr(&rig, "n") == 0);
    assert_int_equal(server_number(&replica, "GET n"), 8);
    RIG_UNTIL(&rig, rig.found == 1);
    assert_int_equal(rig.lost, 1);
    server_do(&server, "REPLICAOF NO ONE");
    server_end(&replica);
}

static void unknown_name(void **state)
{
    (void)state;
    answer = EAI_NONAME;
    rig_open(&rig);
    assert_int_equal(rig_ask(&rig), UV_EAI_NONAME);
    RIG_UNTIL(&rig, rig.lost == 1);
    assert_int_equal(rig.health, UV_EAI_NONAME);
    answer = 0;
    addresses[0] = NULL; /* known, and without addresses */
    RIG_UNTIL(&rig, lookups >= 5);
    addresses[0] = "127.0.0.1";
    rig_until_well(&rig);
}

/* While the resolver takes its time, the loop turns, and guarded calls go on. */
static void slow_resolver(void **state)
{
    static struct witness witness;
    (void)state;
    delay = 1500;
    rig_open(&rig);
    witness_open(&witness, &rig.loop, "witness", &rig.options, NULL, NULL);
    assert_int_equal(rig_ask(&rig), 0);
    RIG_UNTIL(&rig, witness.asked >= 50);
    witness_is_content(&witness);
    assert_in_range(witness.longest_gap, 0, 700); /* a look-up in the loop would be twice that */
    witness_close(&witness);
}

/* It takes longer than the attempt may: the next attempt waits for the same look-up. */
static void too_slow_resolver(void **state)
{
    (void)state;
    delay = 200;
    rig.options.connect_timeout = rig.options.transaction_timeout = 50;
    rig_open(&rig);
    assert_int_equal(rig_ask(&rig), UV_ETIMEDOUT);
    RIG_UNTIL(&rig, rig_ask(&rig) < 0 && active == 0);
    delay = 0;
    rig_until_well(&rig);
    assert_int_equal(most, 1);
}

/* A look-up that has begun cannot be ended: closed comes when nothing is left on the loop, however
 * many wait for it. */
static void closed_while_looking(void **state)
{
    (void)state;
    delay = 100;
    rig_open(&rig);
    assert_int_equal(rig.storage->ops->listen(rig.storage, &rig.client, "n", 1), 0);
    RIG_UNTIL(&rig, lookups == 2);
    rig_close(&rig);
    assert_int_equal(active, 0);
    rig_open(&rig);
    RIG_UNTIL(&rig, lookups == 3);
    uv_close((uv_handle_t *)&rig.ticker, NULL);
    rig_close(&rig);
    assert_int_equal(uv_loop_close(&rig.loop), 0);
    uv_loop_init(&rig.loop); /* for end */
}

/* The child's resolver knows nothing of what was asked: it is asked anew. */
static void forked_while_looking(void **state)
{
    (void)state;
    delay = 200;
    rig_open(&rig);
    RIG_UNTIL(&rig, lookups == 1);
    pid_t child = fork();
    if (child == 0) {
        delay = 0;
        int status = uv_loop_fork(&rig.loop);
        for (int i = 0; i < 200 && status == 0; i++) {
            if (rig_ask(&rig) != 0)
                continue;
            rig.last = true;
            rig.storage->ops->close(rig.storage, &rig.client); /* waits for no parent */
            RIG_UNTIL(&rig, rig.closed);
            rig_end_well();
        }
        _exit(1);
    }
    rig_assert_ended_well(child);
    assert_int_equal(rig_ask(&rig), 0);
    assert_int_equal(lookups, 1);
}

/* Addresses that swallow what is sent to them: each has its deadline, then the next is tried. */
struct hole {
    int listener, fillers[64], count;
};

static void open_hole(struct hole *hole, const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server.port)};
    int on = 1;
    hole->listener = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, text, &address.sin_addr);
    setsockopt(hole->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    assert_int_equal(bind(hole->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(hole->listener, 0), 0);
    for (hole->count = 0; hole->count < 64; hole->count++) { /* until its queue is full */
        int filler = hole->fillers[hole->count] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(filler, (struct sockaddr *)&address, sizeof address);
    }
}

static void close_hole(struct hole *hole)
{
    while (hole->count)
        close(hole->fillers[--hole->count]);
    close(hole->listener);
}

static void black_holes(void **state)
{
    struct hole first, second;
    (void)state;
    open_hole(&first, "127.0.0.5");
    open_hole(&second, "127.0.0.6");
    usleep(20000);
    addresses[0] = "127.0.0.5";
    addresses[1] = "127.0.0.6";
    addresses[2] = "127.0.0.1";
    rig.options.connect_timeout = 200;
    rig.options.transaction_timeout = 5000;
    rig_open(&rig);
    assert_int_equal(rig_ask(&rig), 0);
    assert_int_equal(rig.lost, 0);
    close_hole(&first);
    close_hole(&second);
}

/* The answer to who connects is the parent's alone. */
static void forked_while_connecting(void **state)
{
    struct hole hole;
    (void)state;
    open_hole(&hole, "127.0.0.7");
    usleep(20000);
    addresses[0] = "127.0.0.7";
    rig.options.transaction_timeout = 300;
    rig_open(&rig);
    struct op *op = op_new(&rig);
    op_submit(op);
    RIG_UNTIL(&rig, lookups == 1 && active == 0);
    rig_run_for(&rig, 20);
    close_hole(&hole); /* the next packet that asks is refused: a second later */
    pid_t child = fork();
    if (child == 0) {
        usleep(1600000);
        int status = uv_loop_fork(&rig.loop);
        for (int i = 0; i < 20 && status == 0; i++)
            uv_run(&rig.loop, UV_RUN_NOWAIT);
        rig_end_well();
    }
    rig_assert_ended_well(child);
    assert_int_equal(op_wait(op), UV_ECONNREFUSED);
    op_free(op);
}

/* A connection from an address to itself, which a retry on a free port makes by chance, is none. */
static void connected_to_itself(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)state;
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        print_message("this system does not connect a socket to itself\n");
        skip();
    }
    assert_int_equal(redis_socket_is_connected(fd), UV_ECONNREFUSED);
    close(fd);
}

static void ipv6(void **state)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    char url[64];
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool works = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    struct server six = {.extra = {"--bind", "::1"}};
    (void)state;
    if (fd >= 0)
        close(fd);
    if (!works) {
        print_message("no IPv6 on the loopback device\n");
        skip();
    }
    server_start(&six, true);
    struct rig direct;
    snprintf(url, sizeof url, "redis://[::1]:%d", six.port);
    rig_init(&direct, url);
    rig_open(&direct);
    assert_int_equal(rig_ask(&direct), 0);
    rig_end(&direct);
    server_end(&six);
    assert_int_equal(lookups, 0); /* numbers need no resolver */
}

static int set_up(void **state)
{
    (void)state;
    server_start(&server, true);
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
#ifdef TCP_USER_TIMEOUT
        IN_RIG(system_is_told),
#endif
        IN_RIG(found),
        IN_RIG(first_is_dead),
        IN_RIG(all_are_dead),
        IN_RIG(replica_first),
        IN_RIG(unknown_name),
        IN_RIG(slow_resolver),
        IN_RIG(too_slow_resolver),
        IN_RIG(closed_while_looking),
        IN_RIG(forked_while_looking),
        IN_RIG(black_holes),
        IN_RIG(forked_while_connecting),
        IN_RIG(ipv6),
        cmocka_unit_test(connected_to_itself),
    };
    return cmocka_run_group_tests_name("redis: names", tests, set_up, tear_down);
}
