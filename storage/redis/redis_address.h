/* Where the server is: one or more addresses, found without blocking. */
#ifndef REDIS_ADDRESS_H
#define REDIS_ADDRESS_H

#include <breaker/redis.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <uv.h>

#define REDIS_ADDRESSES_MAX 8u /* more addresses than that of one name are not tried */

struct redis_lookup;

struct redis_addresses {
    struct redis_lookup *lookup; /* under way; NULL: none */
    void (*found)(struct redis_addresses *addresses, int status);
    unsigned count;
    unsigned next;
    struct redis_address {
        struct sockaddr_storage address;
        socklen_t length;
    } list[REDIS_ADDRESSES_MAX];
};

/* Looks the server up anew. 0: the addresses are there; 1: found will be called, from the loop;
 * negative: no way. A look-up that is under way already is waited for, but not in a child of the
 * process that began it: there it never ends. */
int redis_addresses_find(struct redis_addresses *addresses, uv_loop_t *loop,
                         const breaker_redis_options_t *options,
                         void (*found)(struct redis_addresses *addresses, int status));

/* Such a look-up of the parent's is under way: it must be begun anew. */
bool redis_addresses_are_orphaned(const struct redis_addresses *addresses);

/* Nobody wants them any more. True: they are being looked up, and found will be called when that
 * is over, be it sooner for this; libuv cannot end what has begun. */
bool redis_addresses_abandon(struct redis_addresses *addresses);

/* The next address to try, or NULL when all were tried. */
const struct redis_address *redis_addresses_next(struct redis_addresses *addresses);

#endif /* REDIS_ADDRESS_H */
