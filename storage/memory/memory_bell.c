/* How a value told by one client of the memory storage reaches the others, each on its own loop: what
 * is listened to has room for one value, the newest, so that telling allocates nothing and nothing
 * grows, however slow a loop is. Here only the storage meets libuv's handles. */
#include "memory_bell.h"
#include "memory.h"
#include <string.h>

/* One key that one client listens to. */
struct listening {
    struct memory_node node; /* in the bell's table */
    struct memory_client *client;
    struct listening *next, **link; /* of the client's */
    struct listening *ringing;      /* in the client's queue */
    bool rings;
    uint16_t length;
    char value[BREAKER_VALUE_MAX];
    char key[];
};

struct memory_client {
    breaker_client_t *client;
    struct memory_bell *bell;
    uv_async_t async;
    uv_idle_t after; /* stands in for async where the host has closed it */
    bool is_closed;
    struct listening *listens;
    struct listening *first; /* the queue of what rings */
    struct listening **last;
};

int memory_bell_init(struct memory_bell *bell, uv_mutex_t *mutex, uint64_t seed)
{
    bell->mutex = mutex;
    bell->clients = 0;
    return memory_table_init(&bell->table, seed);
}

void memory_bell_free(struct memory_bell *bell)
{
    memory_table_free(&bell->table);
}

/* ---- Delivery, on the client's loop ------------------------------------------------------------*/

/* What one rings, to be told when nothing is locked: who listens may be gone meanwhile. */
struct ring {
    uint16_t key_length, length;
    char key[BREAKER_KEY_MAX], value[BREAKER_VALUE_MAX];
};

static void copy(struct ring *ring, const struct listening *listening)
{
    ring->key_length = listening->node.key_length;
    ring->length = listening->length;
    memcpy(ring->key, listening->key, listening->node.key_length);
    memcpy(ring->value, listening->value, listening->length);
}

static void leave_queue(struct memory_client *own, struct listening *listening)
{
    struct listening **link = &own->first;
    while (*link != listening)
        link = &(*link)->ringing;
    *link = listening->ringing;
    if (*link == NULL)
        own->last = link;
    listening->rings = false;
}

static bool next_ring(struct memory_client *own, struct ring *ring)
{
    uv_mutex_lock(own->bell->mutex);
    struct listening *first = own->first;
    if (first != NULL) {
        copy(ring, first);
        leave_queue(own, first);
    }
    uv_mutex_unlock(own->bell->mutex);
    return first != NULL;
}

static size_t count_ringing(struct memory_client *own)
{
    size_t count = 0;
    uv_mutex_lock(own->bell->mutex);
    for (const struct listening *listening = own->first; listening != NULL;
         listening = listening->ringing)
        count++;
    uv_mutex_unlock(own->bell->mutex);
    return count;
}

/* What rings at the entry, and no more: what the bell brings about waits for the next turn. */
static void on_async(uv_async_t *async)
{
    struct memory_client *own = async->data;
    size_t left = count_ringing(own);
    struct ring ring;
    for (; left > 0 && !own->is_closed && next_ring(own, &ring); left--)
        own->client->bell(own->client, ring.key, ring.key_length, ring.value, ring.length);
}

void memory_bell_tell(struct memory_bell *bell, const breaker_client_t *from,
                      const breaker_verb_t *verb)
{
    uint32_t hash = memory_table_hash(&bell->table, verb->key, verb->key_length);
    struct memory_node *node = memory_table_find(&bell->table, hash, verb->key, verb->key_length);
    for (; node != NULL; node = memory_table_again(node)) {
        struct listening *listening = (struct listening *)node;
        struct memory_client *own = listening->client;
        if (own->client == from)
            continue;
        listening->length = verb->length;
        if (verb->length > 0)
            memcpy(listening->value, verb->value, verb->length);
        if (!listening->rings) {
            listening->rings = true;
            listening->ringing = NULL;
            *own->last = listening;
            own->last = &listening->ringing;
        }
        uv_async_send(&own->async);
    }
}

/* ---- Clients -----------------------------------------------------------------------------------*/

int memory_bell_open(struct memory_bell *bell, breaker_client_t *client)
{
    struct memory_client *own = memory_zeroed(sizeof *own);
    if (own == NULL)
        return UV_ENOMEM;
    int error = uv_async_init(client->loop, &own->async, on_async);
    if (error != 0) {
        memory_release(own);
        return error;
    }
    uv_unref((uv_handle_t *)&own->async);
    own->async.data = own;
    own->after.data = own;
    own->client = client;
    own->bell = bell;
    own->last = &own->first;
    client->storage_data = own;
    uv_mutex_lock(bell->mutex);
    bell->clients++;
    uv_mutex_unlock(bell->mutex);
    return 0;
}

static struct listening *find(const struct memory_client *own, uint32_t hash, const char *key,
                              uint16_t key_length)
{
    struct memory_node *node = memory_table_find(&own->bell->table, hash, key, key_length);
    while (node != NULL && ((struct listening *)node)->client != own)
        node = memory_table_again(node);
    return (struct listening *)node;
}

static void push(struct memory_client *own, struct listening *listening)
{
    listening->next = own->listens;
    listening->link = &own->listens;
    if (own->listens != NULL)
        own->listens->link = &listening->next;
    own->listens = listening;
}

int memory_bell_listen(struct memory_bell *bell, breaker_client_t *client, const char *key,
                       uint16_t key_length)
{
    struct memory_client *own = client->storage_data;
    uint32_t hash = memory_table_hash(&bell->table, key, key_length);
    struct listening *listening = memory_zeroed(sizeof *listening + key_length);
    if (listening == NULL)
        return UV_ENOMEM;
    memcpy(listening->key, key, key_length);
    listening->node =
        (struct memory_node){.key = listening->key, .key_length = key_length, .hash = hash};
    listening->client = own;
    uv_mutex_lock(bell->mutex);
    bool is_new = find(own, hash, key, key_length) == NULL;
    int error = is_new ? memory_table_reserve(&bell->table, 1) : 0;
    if (is_new && error == 0) {
        memory_table_insert(&bell->table, &listening->node);
        push(own, listening);
        listening = NULL;
    }
    uv_mutex_unlock(bell->mutex);
    memory_release(listening);
    return error;
}

/* One that does not ring. */
static void forget(struct memory_client *own, struct listening *listening)
{
    *listening->link = listening->next;
    if (listening->next != NULL)
        listening->next->link = listening->link;
    memory_table_remove(&own->bell->table, &listening->node);
    memory_release(listening);
}

void memory_bell_unlisten(struct memory_bell *bell, breaker_client_t *client, const char *key,
                          uint16_t key_length)
{
    struct memory_client *own = client->storage_data;
    uint32_t hash = memory_table_hash(&bell->table, key, key_length);
    uv_mutex_lock(bell->mutex);
    struct listening *listening = find(own, hash, key, key_length);
    if (listening != NULL && listening->rings)
        leave_queue(own, listening);
    if (listening != NULL)
        forget(own, listening);
    uv_mutex_unlock(bell->mutex);
}

static void forget_all(struct memory_client *own)
{
    own->first = NULL;
    own->last = &own->first;
    while (own->listens != NULL)
        forget(own, own->listens);
}

static void on_closed(uv_handle_t *handle)
{
    struct memory_client *own = handle->data;
    breaker_client_t *client = own->client;
    memory_release(own);
    client->closed(client);
}

/* The host's own close of async, begun before ours, is over one round of closing later. */
static void on_round(uv_handle_t *handle)
{
    struct memory_client *own = handle->data;
    uv_idle_init(own->client->loop, &own->after);
    uv_close((uv_handle_t *)&own->after, on_closed);
}

void memory_bell_close(struct memory_bell *bell, breaker_client_t *client)
{
    struct memory_client *own = client->storage_data;
    uv_mutex_lock(bell->mutex);
    forget_all(own);
    bell->clients--;
    own->is_closed = true;
    uv_mutex_unlock(bell->mutex);
    if (!uv_is_closing((uv_handle_t *)&own->async)) {
        uv_close((uv_handle_t *)&own->async, on_closed);
        return;
    }
    uv_idle_init(client->loop, &own->after);
    uv_close((uv_handle_t *)&own->after, on_round);
}
