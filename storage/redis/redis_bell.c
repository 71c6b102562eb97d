/* Knows who listens to what. The connection for it is opened when somebody listens and kept
 * until nobody does; a channel is never given up on its own, because nothing is lost by hearing
 * too much. Each time the connection comes back, all channels are asked for again, no more than
 * may wait at a time; what was told meanwhile is lost, which is why a bell is but a hint, and why
 * each who listens is told when the server has heard of it and can be asked what was missed. A
 * server that lets us connect but not listen is no trouble of the storage's: news then travel with
 * the next exchange. */
#include "redis_bell.h"
#include "memory.h"
#include "redis_storage.h"
#include <string.h>

#define ROOM_MIN 16u

enum stage { UNASKED, ASKED, UNTOLD, TOLD };

struct redis_ear {
    struct redis_ear *next;
    struct redis_ear *next_listed; /* of its stage */
    enum stage stage;
    breaker_client_t *client;
    uint64_t hash;
    size_t length;
    char key[];
};

static struct redis_storage *storage_of(struct redis_link *link)
{
    return (struct redis_storage *)((char *)link->data - offsetof(struct redis_storage, bell));
}

/* FNV-1a: the keys are the program's own. */
static uint64_t hash_of(const char *key, size_t length)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)key[i]) * 1099511628211u;
    return hash ^ hash >> 32;
}

static int make_room(struct redis_bell *bell)
{
    if (bell->room && (bell->count < bell->room || bell->ringing))
        return 0;
    size_t room = bell->room ? bell->room * 2 : ROOM_MIN;
    struct redis_ear **buckets = memory_zeroed(room * sizeof(struct redis_ear *));
    if (!buckets)
        return bell->room ? 0 : UV_ENOMEM; /* long chains are better than none */
    for (size_t i = 0; i < bell->room; i++)
        for (struct redis_ear *ear = bell->buckets[i], *next; ear; ear = next) {
            next = ear->next;
            ear->next = buckets[ear->hash & (room - 1)];
            buckets[ear->hash & (room - 1)] = ear;
        }
    memory_release(bell->buckets);
    bell->buckets = buckets;
    bell->room = room;
    return 0;
}

static void enlist(struct redis_ear **list, struct redis_ear *ear, enum stage stage)
{
    ear->stage = stage;
    ear->next_listed = *list;
    *list = ear;
}

static struct redis_ear *take(struct redis_ear **list, enum stage stage)
{
    struct redis_ear *ear = *list;
    *list = ear->next_listed;
    ear->stage = stage;
    return ear;
}

static int subscribe(struct redis_bell *bell, const struct redis_ear *ear)
{
    const struct redis_settings *settings = bell->link.settings;
    redis_buffer_begin(&bell->link.out, 2);
    redis_buffer_text(&bell->link.out, "SUBSCRIBE");
    redis_buffer_joined(&bell->link.out, settings->options.prefix, settings->prefix_length,
                        ear->key, ear->length);
    int status = redis_buffer_end(&bell->link.out);
    if (status)
        return status;
    if (bell->awaited++ == 0)
        redis_link_expect(&bell->link, redis_link_clock() + settings->options.transaction_timeout);
    return 0;
}

/* As far as the server takes it now. */
static void ask(struct redis_bell *bell)
{
    struct redis_link *link = &bell->link;
    redis_link_flush(link);
    while (link->state == REDIS_LINK_UP && !link->blocked && bell->unasked) {
        int status = 0;
        while (bell->unasked && !status &&
               redis_buffer_left(&link->out) < link->settings->options.max_bytes) {
            status = subscribe(bell, bell->unasked);
            if (!status)
                take(&bell->unasked, ASKED);
        }
        if (status)
            redis_link_fail(link, status);
        else
            redis_link_flush(link);
    }
}

int redis_bell_listen(struct redis_bell *bell, breaker_client_t *client, const char *key,
                      size_t key_length)
{
    uint64_t hash = hash_of(key, key_length);
    if (make_room(bell) != 0)
        return UV_ENOMEM;
    struct redis_ear **bucket = &bell->buckets[hash & (bell->room - 1)];
    for (struct redis_ear *ear = *bucket; ear; ear = ear->next)
        if (ear->client == client && ear->length == key_length &&
            memcmp(ear->key, key, key_length) == 0)
            return 0;
    struct redis_ear *ear = memory_allocate(sizeof *ear + key_length);
    if (!ear)
        return UV_ENOMEM;
    ear->client = client;
    ear->hash = hash;
    ear->length = key_length;
    memcpy(ear->key, key, key_length);
    enlist(&bell->unasked, ear, UNASKED);
    ear->next = *bucket;
    *bucket = ear;
    bell->count++;
    return 0;
}

static void strike(struct redis_ear **list, const breaker_client_t *client)
{
    while (*list)
        if ((*list)->client == client)
            *list = (*list)->next_listed;
        else
            list = &(*list)->next_listed;
}

void redis_bell_forget(struct redis_bell *bell, const breaker_client_t *client)
{
    strike(&bell->unasked, client);
    strike(&bell->untold, client);
    for (size_t i = 0; i < bell->room; i++)
        for (struct redis_ear **at = &bell->buckets[i]; *at;) {
            struct redis_ear *ear = *at;
            if (ear->client != client) {
                at = &ear->next;
                continue;
            }
            *at = ear->next;
            memory_release(ear);
            bell->count--;
        }
}

void redis_bell_act(struct redis_bell *bell)
{
    if (bell->count == 0) {
        redis_link_stop(&bell->link);
        return;
    }
    redis_link_start(&bell->link);
    ask(bell);
    while (bell->untold && storage_of(&bell->link)->ready) {
        struct redis_ear *ear = take(&bell->untold, TOLD);
        ear->client->bell(ear->client, ear->key, ear->length, NULL, 0);
    }
}

void redis_bell_free(struct redis_bell *bell)
{
    memory_release(bell->buckets);
    bell->buckets = NULL;
    bell->room = bell->count = 0;
}

/* ---- The link's events */

static void on_up(struct redis_link *link)
{
    struct redis_bell *bell = link->data;
    bell->awaited = 0;
    bell->unasked = bell->untold = NULL;
    for (size_t i = 0; i < bell->room; i++)
        for (struct redis_ear *ear = bell->buckets[i]; ear; ear = ear->next)
            enlist(&bell->unasked, ear, UNASKED);
    ask(bell);
}

/* The next of those who listen to the channel that the reply names, after one of them or NULL. */
static struct redis_ear *next_ear(const struct redis_bell *bell, const struct redis_reply *reply,
                                  const struct redis_ear *after)
{
    size_t prefix = bell->link.settings->prefix_length;
    const struct redis_part *channel = redis_reply_part(reply, 2, REDIS_REPLY_STRING);
    if (!channel || channel->length <= prefix || !bell->room)
        return NULL; /* somebody else's */
    const char *key = redis_reply_text(reply, channel) + prefix;
    size_t length = channel->length - prefix;
    struct redis_ear *ear =
        after ? after->next : bell->buckets[hash_of(key, length) & (bell->room - 1)];
    while (ear && (ear->length != length || memcmp(ear->key, key, length) != 0))
        ear = ear->next;
    return ear;
}

static void ring(struct redis_bell *bell, const struct redis_reply *reply)
{
    const struct redis_part *value = redis_reply_part(reply, 3, REDIS_REPLY_STRING);
    if (!value || value->length > BREAKER_VALUE_MAX)
        return;
    bell->ringing = true;
    for (struct redis_ear *ear = NULL; (ear = next_ear(bell, reply, ear));)
        ear->client->bell(ear->client, ear->key, ear->length, redis_reply_text(reply, value),
                          value->length);
    bell->ringing = false;
}

static void on_confirmed(struct redis_bell *bell, const struct redis_reply *reply)
{
    struct redis_link *link = &bell->link;
    uint64_t due = redis_link_clock() + link->settings->options.transaction_timeout;
    redis_link_praise(link);
    redis_link_expect(link, --bell->awaited ? due : 0);
    for (struct redis_ear *ear = NULL; (ear = next_ear(bell, reply, ear));)
        if (ear->stage == ASKED)
            enlist(&bell->untold, ear, UNTOLD);
    redis_storage_wake(storage_of(link));
}

static void on_reply(struct redis_link *link, const struct redis_reply *reply)
{
    struct redis_bell *bell = link->data;
    const struct redis_part *error = redis_reply_part(reply, 0, REDIS_REPLY_ERROR);
    const struct redis_part *kind = redis_reply_part(reply, 1, REDIS_REPLY_STRING);
    const char *word = kind ? redis_reply_text(reply, kind) : NULL;
    if (error) {
        char text[160];
        redis_reply_copy_error(reply, text, sizeof text);
        redis_link_drop(link, redis_error_classify(text, strlen(text)), text);
    } else if (word && kind->length == 7 && memcmp(word, "message", 7) == 0) {
        ring(bell, reply);
    } else if (word && bell->awaited && kind->length == 9 && memcmp(word, "subscribe", 9) == 0) {
        on_confirmed(bell, reply);
    } else {
        redis_link_drop(link, (struct redis_trouble){REDIS_LATER, UV_EPROTO},
                        "a reply that nobody asked for");
    }
}

static void on_room(struct redis_link *link)
{
    ask(link->data);
}

static void on_due(struct redis_link *link)
{
    redis_link_drop(link, (struct redis_trouble){REDIS_LATER, UV_ETIMEDOUT},
                    uv_strerror(UV_ETIMEDOUT));
}

static void on_late(struct redis_link *link)
{
    redis_link_expect(link, redis_link_clock() + link->settings->options.transaction_timeout);
}

static void on_next(struct redis_link *link)
{
    struct redis_bell *bell = link->data;
    bell->awaited = 0;
    redis_link_expect(link, 0);
}

static bool on_down(struct redis_link *link, struct redis_trouble trouble, const char *text)
{
    struct redis_bell *bell = link->data;
    bool was_idle =
        bell->awaited == 0 && trouble.fault == REDIS_LATER && trouble.status != UV_EPROTO;
    on_next(link);
    if (trouble.fault == REDIS_SETTING)
        redis_storage_note(storage_of(link), text, strlen(text), NULL, 0);
    return was_idle;
}

static void on_closed(struct redis_link *link)
{
    redis_storage_handle_closed(storage_of(link));
}

const struct redis_link_events redis_bell_events = {
    .up = on_up,
    .reply = on_reply,
    .room = on_room,
    .due = on_due,
    .late = on_late,
    .next = on_next,
    .down = on_down,
    .closed = on_closed,
};
