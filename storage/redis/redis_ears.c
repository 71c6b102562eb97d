/* A table of ears by key, and a list of them for each stage that has something to do. */
#include "redis_ears.h"
#include "memory.h"
#include <string.h>
#include <uv.h>

#define ROOM_MIN 16u

/* FNV-1a: the keys are the program's own. */
static uint64_t hash_of(const char *key, size_t length)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)key[i]) * 1099511628211u;
    return hash ^ hash >> 32;
}

static int make_room(struct redis_ears *ears)
{
    if (ears->room && (ears->count < ears->room || ears->ringing))
        return 0;
    size_t room = ears->room ? ears->room * 2 : ROOM_MIN;
    struct redis_ear **buckets = memory_zeroed(room * sizeof(struct redis_ear *));
    if (!buckets)
        return ears->room ? 0 : UV_ENOMEM; /* long chains are better than none */
    for (size_t i = 0; i < ears->room; i++)
        for (struct redis_ear *ear = ears->buckets[i], *next; ear; ear = next) {
            next = ear->next;
            ear->next = buckets[ear->hash & (room - 1)];
            buckets[ear->hash & (room - 1)] = ear;
        }
    memory_release(ears->buckets);
    ears->buckets = buckets;
    ears->room = room;
    return 0;
}

static void delist(struct redis_ear *ear)
{
    if (!ear->listed)
        return;
    *ear->listed = ear->next_listed;
    if (ear->next_listed)
        ear->next_listed->listed = ear->listed;
    ear->listed = NULL;
}

void redis_ears_move(struct redis_ear **list, struct redis_ear *ear, enum redis_stage stage)
{
    delist(ear);
    ear->stage = stage;
    ear->next_listed = *list;
    ear->listed = list;
    if (*list)
        (*list)->listed = &ear->next_listed;
    *list = ear;
}

struct redis_ear *redis_ears_take(struct redis_ear **list, enum redis_stage stage)
{
    struct redis_ear *ear = *list;
    delist(ear);
    ear->stage = stage;
    return ear;
}

static bool is_of(const struct redis_ear *ear, const char *key, size_t length)
{
    return ear->length == length && memcmp(ear->key, key, length) == 0;
}

/* The next who listens to the key, at ear or behind it. */
static struct redis_ear *find_from(struct redis_ear *ear, const char *key, size_t length)
{
    while (ear && (!ear->client || !is_of(ear, key, length)))
        ear = ear->next;
    return ear;
}

static struct redis_ear **bucket_of(const struct redis_ears *ears, uint64_t hash)
{
    return &ears->buckets[hash & (ears->room - 1)];
}

void redis_ears_destroy(struct redis_ears *ears, struct redis_ear *ear)
{
    struct redis_ear **at = bucket_of(ears, ear->hash);
    while (*at != ear)
        at = &(*at)->next;
    *at = ear->next;
    delist(ear);
    memory_release(ear);
}

bool redis_ears_have_others(const struct redis_ears *ears, const struct redis_ear *ear)
{
    struct redis_ear *other = *bucket_of(ears, ear->hash);
    while ((other = find_from(other, ear->key, ear->length)) && other->stage == REDIS_UNASKED)
        other = other->next;
    return other != NULL;
}

struct redis_ear *redis_ears_first(const struct redis_ears *ears, const char *key, size_t length)
{
    return ears->room ? find_from(*bucket_of(ears, hash_of(key, length)), key, length) : NULL;
}

struct redis_ear *redis_ears_next(const struct redis_ear *ear)
{
    return find_from(ear->next, ear->key, ear->length);
}

struct redis_ear *redis_ears_find(const struct redis_ears *ears, const breaker_client_t *client,
                                  const char *key, size_t length)
{
    struct redis_ear *ear = redis_ears_first(ears, key, length);
    while (ear && ear->client != client)
        ear = redis_ears_next(ear);
    return ear;
}

int redis_ears_add(struct redis_ears *ears, breaker_client_t *client, const char *key,
                   size_t length)
{
    if (make_room(ears) != 0)
        return UV_ENOMEM;
    if (redis_ears_find(ears, client, key, length))
        return 0;
    struct redis_ear *ear = memory_zeroed(sizeof *ear + length);
    if (!ear)
        return UV_ENOMEM;
    ear->client = client;
    ear->hash = hash_of(key, length);
    ear->length = length;
    memcpy(ear->key, key, length);
    redis_ears_move(&ears->unasked, ear, REDIS_UNASKED);
    ear->next = *bucket_of(ears, ear->hash);
    *bucket_of(ears, ear->hash) = ear;
    ears->count++;
    return 0;
}

void redis_ears_leave(struct redis_ears *ears, struct redis_ear *ear, bool is_asked)
{
    bool is_known = is_asked && ear->stage != REDIS_UNASKED;
    ears->count--;
    if (ears->next == ear)
        ears->next = redis_ears_next(ear);
    ear->client = NULL;
    redis_ears_move(&ears->leaving, ear, REDIS_LEAVING);
    if (!is_known)
        redis_ears_destroy(ears, ear);
}

void redis_ears_leave_all(struct redis_ears *ears, const breaker_client_t *client, bool is_asked)
{
    for (size_t i = 0; i < ears->room; i++)
        for (struct redis_ear *ear = ears->buckets[i], *next; ear; ear = next) {
            next = ear->next;
            if (ear->client == client)
                redis_ears_leave(ears, ear, is_asked);
        }
}

void redis_ears_unask(struct redis_ears *ears)
{
    redis_ears_forget_leaving(ears);
    for (size_t i = 0; i < ears->room; i++)
        for (struct redis_ear *ear = ears->buckets[i]; ear; ear = ear->next)
            redis_ears_move(&ears->unasked, ear, REDIS_UNASKED);
}

void redis_ears_forget_leaving(struct redis_ears *ears)
{
    while (ears->leaving)
        redis_ears_destroy(ears, ears->leaving);
}

void redis_ears_free(struct redis_ears *ears)
{
    redis_ears_forget_leaving(ears);
    memory_release(ears->buckets);
    *ears = (struct redis_ears){.room = 0};
}
