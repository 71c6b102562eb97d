/* Which easy handles are under way, of all clients of the process: one that was given to two of
 * them would have two owners, and libcurl tells of that too late. Clients have
 * threads of their own, so the table has a lock. */
#include "curl_client.h"
#include <stdlib.h>

enum { BUCKETS = 1024 };

static struct curl_transfer *buckets[BUCKETS];
static uv_mutex_t lock;
static uv_once_t once = UV_ONCE_INIT;

static void make_lock(void)
{
    if (uv_mutex_init(&lock) != 0)
        abort();
}

static struct curl_transfer **bucket(const CURL *easy)
{
    return &buckets[((uint64_t)(uintptr_t)easy * 0x9e3779b97f4a7c15u) >> 54];
}

/* With the lock. */
static struct curl_transfer **place_of(const CURL *easy)
{
    struct curl_transfer **link = bucket(easy);

    while (*link != NULL && (*link)->easy != easy)
        link = &(*link)->next_in_table;
    return link;
}

bool curl_table_enter(struct curl_transfer *transfer)
{
    struct curl_transfer **place;
    bool is_free;

    uv_once(&once, make_lock);
    uv_mutex_lock(&lock);
    place = place_of(transfer->easy);
    is_free = *place == NULL;
    if (is_free)
        *place = transfer; /* the last of its bucket */
    uv_mutex_unlock(&lock);
    return is_free;
}

void curl_table_leave(struct curl_transfer *transfer)
{
    uv_mutex_lock(&lock);
    *place_of(transfer->easy) = transfer->next_in_table;
    transfer->next_in_table = NULL;
    uv_mutex_unlock(&lock);
}

struct curl_transfer *curl_table_find(const breaker_curl_t *client, const CURL *easy)
{
    struct curl_transfer *transfer;

    uv_once(&once, make_lock);
    uv_mutex_lock(&lock);
    transfer = *place_of(easy);
    if (transfer != NULL && transfer->client != client)
        transfer = NULL;
    uv_mutex_unlock(&lock);
    return transfer;
}
