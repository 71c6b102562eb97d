/* Knows how to carry bytes between two sockets, or not to. */
#include "proxy.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static void drop(struct proxy *proxy, int pair, bool reset)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    if (reset)
        setsockopt(proxy->pairs[pair][0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(proxy->pairs[pair][0]);
    close(proxy->pairs[pair][1]);
    memcpy(proxy->pairs[pair], proxy->pairs[--proxy->count], sizeof proxy->pairs[0]);
}

static void welcome(struct proxy *proxy)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int from = accept(proxy->listener, NULL, NULL);
    int to = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", proxy->target);
    proxy->connections++;
    if (from < 0 || proxy->count == PROXY_PAIRS ||
        connect(to, (struct sockaddr *)&address, sizeof address) != 0) {
        close(from);
        close(to);
        return;
    }
    proxy->pairs[proxy->count][0] = from;
    proxy->pairs[proxy->count++][1] = to;
}

/* False: the pair is over. side: where bytes come from; 0: the storage's. */
static bool carry(struct proxy *proxy, int pair, int side)
{
    char bytes[65536];
    int mode = proxy->mode;
    size_t slice = side == 1 && proxy->slice ? (size_t)proxy->slice : sizeof bytes;
    ssize_t came = recv(proxy->pairs[pair][side], bytes, slice, MSG_DONTWAIT);
    if (came <= 0)
        return came < 0 && errno == EAGAIN;
    if (mode == PROXY_LOSE_ALL || (mode == PROXY_LOSE_REPLIES && side == 1))
        return true;
    if (side == 1 && proxy->delay)
        usleep((unsigned)proxy->delay * 1000);
    for (ssize_t sent = 0; sent < came;) {
        struct pollfd room = {.fd = proxy->pairs[pair][!side], .events = POLLOUT};
        ssize_t now =
            send(room.fd, bytes + sent, (size_t)(came - sent), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (proxy->ending || (now < 0 && errno != EAGAIN))
            return false;
        if (now < 0)
            poll(&room, 1, 5);
        else
            sent += now;
    }
    return true;
}

static bool is_held(const struct proxy *proxy, int side)
{
    return proxy->mode == PROXY_HOLD || (proxy->mode == PROXY_HOLD_REPLIES && side == 1);
}

static void *run(void *data)
{
    struct proxy *proxy = data;
    while (!proxy->ending) {
        struct pollfd ready[1 + 2 * PROXY_PAIRS] = {{.fd = proxy->listener, .events = POLLIN}};
        int count = proxy->count;
        if (proxy->mode == PROXY_CUT) {
            while (proxy->count)
                drop(proxy, 0, true);
            proxy->mode = PROXY_PASS;
            continue;
        }
        for (int i = 0; i < 2 * count; i++)
            ready[1 + i] = (struct pollfd){
                .fd = is_held(proxy, i % 2) ? -1 : proxy->pairs[i / 2][i % 2], .events = POLLIN};
        if (poll(ready, (nfds_t)(1 + 2 * count), 5) <= 0)
            continue;
        for (int i = count - 1; i >= 0; i--)
            if ((ready[1 + 2 * i].revents && !carry(proxy, i, 0)) ||
                (ready[2 + 2 * i].revents && !carry(proxy, i, 1)))
                drop(proxy, i, false);
        if (ready[0].revents)
            welcome(proxy);
    }
    while (proxy->count)
        drop(proxy, 0, false);
    return NULL;
}

void proxy_start(struct proxy *proxy, const char *target)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    memset(proxy, 0, sizeof *proxy);
    snprintf(proxy->target, sizeof proxy->target, "%s", target);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(proxy->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(proxy->listener, PROXY_PAIRS), 0);
    assert_int_equal(getsockname(proxy->listener, (struct sockaddr *)&address, &size), 0);
    proxy->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&proxy->thread, NULL, run, proxy), 0);
}

void proxy_end(struct proxy *proxy)
{
    proxy->ending = 1;
    pthread_join(proxy->thread, NULL);
    close(proxy->listener);
}
