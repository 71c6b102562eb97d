/* Knows the system's sockets. */
#include "redis_socket.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* So that a peer whose machine is gone is noticed by the connection that only listens: within half a
 * minute, whether it is silent or what we send is. */
static void keep_alive(int fd)
{
    const int on = 1, idle = 15, interval = 5, count = 3;
#ifdef TCP_USER_TIMEOUT /* how long what was sent may go unheard, in ms */
    const unsigned unheard = 15000;
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unheard, sizeof unheard);
#endif
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

int redis_socket_dial(const struct redis_address *to)
{
    int fd = socket(to->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return uv_translate_sys_error(errno);
    if (to->address.ss_family != AF_UNIX)
        keep_alive(fd);
    if (connect(fd, (const struct sockaddr *)&to->address, to->length) == 0 || errno == EINPROGRESS)
        return fd;
    int status = uv_translate_sys_error(errno);
    close(fd);
    return status;
}

/* A port of this very machine that nobody listens to may, by bad luck, be the one that we were
 * given: then we are connected to ourselves, and keep the server from coming up. */
static bool is_self(int fd, const struct sockaddr_storage *there, socklen_t there_size)
{
    struct sockaddr_storage here;
    socklen_t size = sizeof here;
    memset(&here, 0, sizeof here);
    if (there->ss_family == AF_UNIX || getsockname(fd, (struct sockaddr *)&here, &size) != 0)
        return false;
    return size == there_size && memcmp(&here, there, size) == 0;
}

int redis_socket_is_connected(int fd)
{
    struct sockaddr_storage there;
    socklen_t there_size = sizeof there, size = sizeof(int);
    int error = 0;
    memset(&there, 0, sizeof there);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (!error && getpeername(fd, (struct sockaddr *)&there, &there_size) != 0) {
        if (errno == ENOTCONN)
            return 0;
        error = errno;
    }
    if (!error && is_self(fd, &there, there_size))
        error = ECONNREFUSED;
    return error ? uv_translate_sys_error(error) : 1;
}

ssize_t redis_socket_send(int fd, const char *bytes, size_t size)
{
    ssize_t sent;
    do
        sent = send(fd, bytes, size, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return sent;
    return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : uv_translate_sys_error(errno);
}

bool redis_socket_has_room(int fd)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    return poll(&room, 1, 0) > 0;
}

void redis_socket_give_up(int fd)
{
    const struct linger none = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}
