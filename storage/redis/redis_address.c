/* Knows how a host, a port or a path becomes addresses. Numbers and paths need nobody; names are
 * asked of the system's resolver on libuv's thread pool, each time anew, because what stands
 * behind a name moves when a replica takes over. */
#include "redis_address.h"
#include "memory.h"
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* Apart from what asked: a child of the process leaves it to its loop, which may or may not tell it
 * that it is over. */
struct redis_lookup {
    uv_getaddrinfo_t request;
    struct redis_addresses *addresses; /* NULL: nobody waits */
    pid_t pid;
};

static void add(struct redis_addresses *addresses, const void *address, size_t length)
{
    if (addresses->count == REDIS_ADDRESSES_MAX || length > sizeof addresses->list[0].address)
        return;
    struct redis_address *place = &addresses->list[addresses->count++];
    memset(place, 0, sizeof *place);
    memcpy(&place->address, address, length);
    place->length = (socklen_t)length;
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    struct redis_lookup *lookup = request->data;
    struct redis_addresses *addresses = lookup->addresses;
    memory_release(lookup);
    for (struct addrinfo *at = list; addresses && status == 0 && at; at = at->ai_next)
        add(addresses, at->ai_addr, at->ai_addrlen);
    uv_freeaddrinfo(list);
    if (!addresses)
        return;
    addresses->lookup = NULL;
    addresses->found(addresses, status == 0 && addresses->count == 0 ? UV_EAI_NONAME : status);
}

static int look_up(struct redis_addresses *addresses, uv_loop_t *loop,
                   const breaker_redis_options_t *options)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char port[8];
    snprintf(port, sizeof port, "%u", options->port & 0xffffu);
    struct redis_lookup *lookup = memory_allocate(sizeof *lookup);
    if (!lookup)
        return UV_ENOMEM;
    lookup->request.data = lookup;
    lookup->addresses = addresses;
    lookup->pid = getpid();
    int status = uv_getaddrinfo(loop, &lookup->request, on_found, options->host, port, &hints);
    if (status) {
        memory_release(lookup);
        return status;
    }
    addresses->lookup = lookup;
    return 1;
}

bool redis_addresses_are_orphaned(const struct redis_addresses *addresses)
{
    return addresses->lookup && addresses->lookup->pid != getpid();
}

static void leave_to_parent(struct redis_addresses *addresses)
{
    addresses->lookup->addresses = NULL;
    addresses->lookup = NULL;
}

int redis_addresses_find(struct redis_addresses *addresses, uv_loop_t *loop,
                         const breaker_redis_options_t *options,
                         void (*found)(struct redis_addresses *addresses, int status))
{
    addresses->found = found;
    if (redis_addresses_are_orphaned(addresses))
        leave_to_parent(addresses);
    if (addresses->lookup)
        return 1;
    addresses->count = addresses->next = 0;
    if (options->path) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        strncpy(address.sun_path, options->path, sizeof address.sun_path - 1);
        add(addresses, &address, sizeof address);
        return 0;
    }
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    if (uv_ip4_addr(options->host, (int)options->port, &four) == 0)
        add(addresses, &four, sizeof four);
    else if (strchr(options->host, ':') &&
             uv_ip6_addr(options->host, (int)options->port, &six) == 0)
        add(addresses, &six, sizeof six);
    else
        return look_up(addresses, loop, options);
    return 0;
}

bool redis_addresses_abandon(struct redis_addresses *addresses)
{
    if (redis_addresses_are_orphaned(addresses))
        leave_to_parent(addresses);
    if (addresses->lookup)
        uv_cancel((uv_req_t *)&addresses->lookup->request);
    return addresses->lookup != NULL;
}

const struct redis_address *redis_addresses_next(struct redis_addresses *addresses)
{
    return addresses->next < addresses->count ? &addresses->list[addresses->next++] : NULL;
}
