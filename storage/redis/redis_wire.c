/* Knows the shape of Redis' protocol in both directions. Commands are written by us, because
 * hiredis 0.14 aborts when memory is lacking there; replies are read by hiredis' reader into two
 * arrays of our own, which stay from reply to reply, so that nothing is allocated in the long
 * run, and whatever a server may send beyond what we ever ask for (depth, pushes, maps, millions
 * of elements) is refused before memory is taken for it. */
#include "redis_wire.h"
#include "memory.h"
#include <stdio.h>
#include <string.h>
#include <uv.h>

#define DEPTH_MAX 2u /* no reply of ours has arrays in arrays of arrays */

/* ---- Commands */

static char *take(struct redis_buffer *buffer, size_t size)
{
    if (buffer->spoiled)
        return NULL;
    if (buffer->room - buffer->length < size) {
        size_t room = buffer->room ? buffer->room : 1024;
        while (room - buffer->length < size)
            room *= 2;
        char *data = memory_reallocate(buffer->data, room);
        if (!data) {
            buffer->spoiled = true;
            return NULL;
        }
        buffer->data = data;
        buffer->room = room;
    }
    char *at = buffer->data + buffer->length;
    buffer->length += size;
    return at;
}

static void put(struct redis_buffer *buffer, const char *bytes, size_t size)
{
    char *at = take(buffer, size);
    if (at && size)
        memcpy(at, bytes, size);
}

/* "*3\r\n", "$12\r\n" */
static void put_head(struct redis_buffer *buffer, char sign, size_t number)
{
    char digits[24];
    char *end = digits + sizeof digits, *at = end;
    *--at = '\n';
    *--at = '\r';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    *--at = sign;
    put(buffer, at, (size_t)(end - at));
}

void redis_buffer_begin(struct redis_buffer *buffer, unsigned words)
{
    if (buffer->sent) { /* what the socket has taken makes room */
        size_t left = redis_buffer_left(buffer);
        if (left && buffer->sent > left)
            memcpy(buffer->data, buffer->data + buffer->sent, left);
        if (!left || buffer->sent > left) {
            buffer->sent = 0;
            buffer->length = left;
        }
    }
    buffer->mark = buffer->length;
    buffer->spoiled = false;
    put_head(buffer, '*', words);
}

void redis_buffer_joined(struct redis_buffer *buffer, const char *head, size_t head_length,
                         const char *tail, size_t tail_length)
{
    put_head(buffer, '$', head_length + tail_length);
    put(buffer, head, head_length);
    put(buffer, tail, tail_length);
    put(buffer, "\r\n", 2);
}

void redis_buffer_word(struct redis_buffer *buffer, const char *bytes, size_t length)
{
    redis_buffer_joined(buffer, NULL, 0, bytes, length);
}

void redis_buffer_text(struct redis_buffer *buffer, const char *text)
{
    redis_buffer_word(buffer, text, strlen(text));
}

void redis_buffer_number(struct redis_buffer *buffer, int64_t number)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%lld", (long long)number);
    redis_buffer_word(buffer, text, (size_t)length);
}

size_t redis_buffer_left(const struct redis_buffer *buffer)
{
    return buffer->length - buffer->sent;
}

int redis_buffer_end(struct redis_buffer *buffer)
{
    if (!buffer->spoiled)
        return 0;
    buffer->length = buffer->mark;
    buffer->spoiled = false;
    return UV_ENOMEM;
}

void redis_buffer_clear(struct redis_buffer *buffer)
{
    buffer->sent = buffer->length = 0;
    if (buffer->room > REDIS_REPLY_BYTES_MAX / 16) {
        memory_release(buffer->data);
        memset(buffer, 0, sizeof *buffer);
    }
}

void redis_buffer_free(struct redis_buffer *buffer)
{
    memory_release(buffer->data);
    memset(buffer, 0, sizeof *buffer);
}

/* ---- Replies. hiredis wants a pointer for each object; ours all live in the reply, so any pointer
 * that is not NULL will do, and there is nothing to free. */

static void *refuse(const redisReadTask *task)
{
    struct redis_reply *reply = task->privdata;
    reply->refused = true;
    return NULL;
}

static struct redis_part *add(const redisReadTask *task)
{
    struct redis_reply *reply = task->privdata;
    if (reply->count == reply->parts_room) {
        size_t room = reply->parts_room ? reply->parts_room * 2 : 32;
        struct redis_part *parts = memory_reallocate(reply->parts, room * sizeof *parts);
        if (!parts)
            return NULL;
        reply->parts = parts;
        reply->parts_room = room;
    }
    struct redis_part *part = &reply->parts[reply->count++];
    memset(part, 0, sizeof *part);
    part->type = task->type;
    return part;
}

static bool too_many(const redisReadTask *task)
{
    const struct redis_reply *reply = task->privdata;
    return reply->count >= REDIS_REPLY_NODES_MAX;
}

static void *create_string(const redisReadTask *task, char *bytes, size_t length)
{
    struct redis_reply *reply = task->privdata;
    bool known = task->type == REDIS_REPLY_STRING || task->type == REDIS_REPLY_STATUS ||
                 task->type == REDIS_REPLY_ERROR;
    if (!known || too_many(task) || length > REDIS_REPLY_BYTES_MAX ||
        reply->length + length > REDIS_REPLY_BYTES_MAX)
        return refuse(task);
    if (reply->text_room - reply->length < length) {
        size_t room = reply->text_room ? reply->text_room : 512;
        while (room - reply->length < length)
            room *= 2;
        char *text = memory_reallocate(reply->text, room);
        if (!text)
            return NULL;
        reply->text = text;
        reply->text_room = room;
    }
    struct redis_part *part = add(task);
    if (!part)
        return NULL;
    part->offset = (uint32_t)reply->length;
    part->length = (uint32_t)length;
    if (length)
        memcpy(reply->text + reply->length, bytes, length);
    reply->length += length;
    return reply;
}

static void *create_array(const redisReadTask *task, size_t elements)
{
    unsigned depth = 1;
    for (const redisReadTask *at = task->parent; at; at = at->parent)
        depth++;
    if (task->type != REDIS_REPLY_ARRAY || depth > DEPTH_MAX || too_many(task) ||
        elements > REDIS_REPLY_NODES_MAX)
        return refuse(task);
    struct redis_part *part = add(task);
    if (!part)
        return NULL;
    part->length = (uint32_t)elements;
    return task->privdata;
}

static void *create_integer(const redisReadTask *task, long long value)
{
    if (too_many(task))
        return refuse(task);
    struct redis_part *part = add(task);
    if (!part)
        return NULL;
    part->integer = value;
    return task->privdata;
}

static void *create_nil(const redisReadTask *task)
{
    if (too_many(task))
        return refuse(task);
    struct redis_part *part = add(task);
    if (!part)
        return NULL;
    part->type = REDIS_REPLY_NIL;
    return task->privdata;
}

static void free_object(void *object)
{
    (void)object;
}

#if HIREDIS_MAJOR >= 1
static void *create_double(const redisReadTask *task, double value, char *text, size_t length)
{
    (void)value, (void)text, (void)length;
    return refuse(task);
}

static void *create_bool(const redisReadTask *task, int value)
{
    (void)value;
    return refuse(task);
}

static redisReplyObjectFunctions functions = {
    .createString = create_string,
    .createArray = create_array,
    .createInteger = create_integer,
    .createDouble = create_double,
    .createNil = create_nil,
    .createBool = create_bool,
    .freeObject = free_object,
};
#else
static void *create_array_int(const redisReadTask *task, int elements)
{
    return elements < 0 ? refuse(task) : create_array(task, (size_t)elements);
}

static redisReplyObjectFunctions functions = {
    .createString = create_string,
    .createArray = create_array_int,
    .createInteger = create_integer,
    .createNil = create_nil,
    .freeObject = free_object,
};
#endif

void redis_reply_attach(struct redis_reply *reply, redisContext *context)
{
    redis_reply_clear(reply);
    reply->refused = false;
    context->reader->fn = &functions;
    context->reader->privdata = reply;
    context->reader->maxbuf = 0; /* it gives memory back in a way that needs some: 0.14 asserts */
#if HIREDIS_MAJOR >= 1
    context->reader->maxelements = REDIS_REPLY_NODES_MAX;
#endif
}

void redis_reply_clear(struct redis_reply *reply)
{
    reply->count = 0;
    reply->length = 0;
}

void redis_reply_free(struct redis_reply *reply)
{
    memory_release(reply->parts);
    memory_release(reply->text);
    memset(reply, 0, sizeof *reply);
}

const struct redis_part *redis_reply_part(const struct redis_reply *reply, size_t index, int type)
{
    if (index >= reply->count || (type && reply->parts[index].type != type))
        return NULL;
    return &reply->parts[index];
}

const char *redis_reply_text(const struct redis_reply *reply, const struct redis_part *part)
{
    return reply->text ? reply->text + part->offset : "";
}

void redis_reply_copy_error(const struct redis_reply *reply, char *text, size_t size)
{
    const struct redis_part *error = redis_reply_part(reply, 0, REDIS_REPLY_ERROR);
    snprintf(text, size, "%.*s", error ? (int)error->length : 0,
             error ? redis_reply_text(reply, error) : "");
}
