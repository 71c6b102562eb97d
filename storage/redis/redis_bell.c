/* The connection is opened when somebody listens and kept until nobody does; a channel is left with
 * the last who listens to it. Each time the connection comes back, all channels are asked for again,
 * no more than may wait at a time; what was told meanwhile is lost, which is why a bell is but a
 * hint, and why each who listens is told when the server has heard of it and can be asked what was
 * missed. A server that lets us connect but not listen is no trouble of the storage's: news then
 * travel with the next exchange. One that does not let us leave a channel is heard a little more. */
#include "redis_bell.h"
#include "memory.h"
#include "redis_storage.h"
#include <string.h>

static struct redis_storage *storage_of(struct redis_link *link)
{
    return (struct redis_storage *)((char *)link->data - offsetof(struct redis_storage, bell));
}

static int say(struct redis_bell *bell, const char *word, const struct redis_ear *ear)
{
    const struct redis_settings *settings = bell->link.settings;
    redis_buffer_begin(&bell->link.out, 2);
    redis_buffer_text(&bell->link.out, word);
    redis_buffer_joined(&bell->link.out, settings->options.prefix, settings->prefix_length,
                        ear->key, ear->length);
    int status = redis_buffer_end(&bell->link.out);
    if (status)
        return status;
    if (bell->awaited++ == 0)
        redis_link_expect(&bell->link, redis_link_clock() + settings->options.transaction_timeout);
    return 0;
}

static bool has_to_say(const struct redis_bell *bell)
{
    return bell->ears.leaving || bell->ears.unasked;
}

/* One thing, of what is to be said; channels are left before others are asked for. */
static int ask_one(struct redis_bell *bell)
{
    struct redis_ear *ear = bell->ears.leaving;
    int status = 0;
    if (ear) {
        if (!bell->may_not_leave && !redis_ears_have_others(&bell->ears, ear))
            status = say(bell, "UNSUBSCRIBE", ear);
        if (!status)
            redis_ears_destroy(&bell->ears, ear);
        return status;
    }
    status = say(bell, "SUBSCRIBE", bell->ears.unasked);
    if (!status)
        redis_ears_take(&bell->ears.unasked, REDIS_ASKED);
    return status;
}

/* As far as the server takes it now. */
static void ask(struct redis_bell *bell)
{
    struct redis_link *link = &bell->link;
    redis_link_flush(link);
    while (link->state == REDIS_LINK_UP && !link->blocked && has_to_say(bell)) {
        int status = 0;
        while (has_to_say(bell) && !status &&
               redis_buffer_left(&link->out) < link->settings->options.max_bytes)
            status = ask_one(bell);
        if (status)
            redis_link_fail(link, status);
        else
            redis_link_flush(link);
    }
}

/* The ear may be gone when its client returns. */
static void tell(const struct redis_ear *ear, const char *value, size_t length)
{
    char key[BREAKER_KEY_MAX];
    memcpy(key, ear->key, ear->length);
    ear->client->bell(ear->client, key, ear->length, value, length);
}

int redis_bell_listen(struct redis_bell *bell, breaker_client_t *client, const char *key,
                      size_t key_length)
{
    return redis_ears_add(&bell->ears, client, key, key_length);
}

static bool is_up(const struct redis_bell *bell)
{
    return bell->link.state == REDIS_LINK_UP;
}

void redis_bell_unlisten(struct redis_bell *bell, const breaker_client_t *client, const char *key,
                         size_t key_length)
{
    struct redis_ear *ear = redis_ears_find(&bell->ears, client, key, key_length);
    if (ear)
        redis_ears_leave(&bell->ears, ear, is_up(bell));
}

void redis_bell_forget(struct redis_bell *bell, const breaker_client_t *client)
{
    redis_ears_leave_all(&bell->ears, client, is_up(bell));
}

void redis_bell_act(struct redis_bell *bell)
{
    if (bell->ears.count == 0) {
        redis_link_stop(&bell->link);
        redis_ears_forget_leaving(&bell->ears);
        return;
    }
    redis_link_start(&bell->link);
    ask(bell);
    while (bell->ears.untold && storage_of(&bell->link)->ready)
        tell(redis_ears_take(&bell->ears.untold, REDIS_TOLD), NULL, 0);
}

void redis_bell_free(struct redis_bell *bell)
{
    redis_ears_free(&bell->ears);
}

/* ---- The link's events */

static void on_up(struct redis_link *link)
{
    struct redis_bell *bell = link->data;
    bell->awaited = 0;
    bell->may_not_leave = false;
    redis_ears_unask(&bell->ears);
    ask(bell);
}

/* The first of those who listen to the channel that the reply names. */
static struct redis_ear *first_ear(const struct redis_bell *bell, const struct redis_reply *reply)
{
    size_t prefix = bell->link.settings->prefix_length;
    const struct redis_part *channel = redis_reply_part(reply, 2, REDIS_REPLY_STRING);
    if (!channel || channel->length <= prefix)
        return NULL; /* somebody else's */
    const char *key = redis_reply_text(reply, channel) + prefix;
    return redis_ears_first(&bell->ears, key, channel->length - prefix);
}

static void ring(struct redis_bell *bell, const struct redis_reply *reply)
{
    const struct redis_part *value = redis_reply_part(reply, 3, REDIS_REPLY_STRING);
    if (!value || value->length > BREAKER_VALUE_MAX)
        return;
    bell->ears.ringing = true;
    for (struct redis_ear *ear = first_ear(bell, reply); ear; ear = bell->ears.next) {
        bell->ears.next = redis_ears_next(ear);
        tell(ear, redis_reply_text(reply, value), value->length);
    }
    bell->ears.ringing = false;
}

static void on_confirmed(struct redis_bell *bell)
{
    struct redis_link *link = &bell->link;
    uint64_t due = redis_link_clock() + link->settings->options.transaction_timeout;
    redis_link_praise(link);
    redis_link_expect(link, --bell->awaited ? due : 0);
}

static void on_subscribed(struct redis_bell *bell, const struct redis_reply *reply)
{
    on_confirmed(bell);
    for (struct redis_ear *ear = first_ear(bell, reply); ear; ear = redis_ears_next(ear))
        if (ear->stage == REDIS_ASKED)
            redis_ears_move(&bell->ears.untold, ear, REDIS_UNTOLD);
    redis_storage_wake(storage_of(&bell->link));
}

static bool is_word(const char *word, const struct redis_part *part, const char *wanted)
{
    return word && part->length == strlen(wanted) && memcmp(word, wanted, part->length) == 0;
}

/* An access list may have the right to subscribe alone. */
static void on_error(struct redis_bell *bell, const char *text)
{
    struct redis_trouble trouble = redis_error_classify(text, strlen(text));
    bell->may_not_leave = bell->awaited && strstr(text, "unsubscribe");
    if (bell->may_not_leave)
        on_confirmed(bell);
    else
        redis_link_drop(&bell->link, trouble, text);
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
        on_error(bell, text);
    } else if (is_word(word, kind, "message")) {
        ring(bell, reply);
    } else if (bell->awaited && is_word(word, kind, "subscribe")) {
        on_subscribed(bell, reply);
    } else if (bell->awaited && is_word(word, kind, "unsubscribe")) {
        on_confirmed(bell);
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
