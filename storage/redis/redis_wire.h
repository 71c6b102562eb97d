/* What goes over the wire: commands into a buffer, replies out of hiredis' reader. */
#ifndef REDIS_WIRE_H
#define REDIS_WIRE_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REDIS_REPLY_BYTES_MAX \
    (1024u * 1024u) /* of one reply; what is longer costs the connection */
#define REDIS_REPLY_NODES_MAX 4096u

/* ---- Commands: lengths everywhere, formats nowhere. */
struct redis_buffer {
    char *data;
    size_t sent;   /* bytes that the socket has taken */
    size_t length; /* bytes that are written in it */
    size_t room;
    size_t mark;  /* where the command begins that is being written */
    bool spoiled; /* memory was lacking: the command will be taken back */
};

void redis_buffer_begin(struct redis_buffer *buffer, unsigned words);
void redis_buffer_word(struct redis_buffer *buffer, const char *bytes, size_t length);
void redis_buffer_text(struct redis_buffer *buffer, const char *text);
void redis_buffer_number(struct redis_buffer *buffer, int64_t number);
/* One word of two parts: prefix and key. */
void redis_buffer_joined(struct redis_buffer *buffer, const char *head, size_t head_length,
                         const char *tail, size_t tail_length);
/* What the socket has not taken yet, in bytes. */
size_t redis_buffer_left(const struct redis_buffer *buffer);
/* 0, or UV_ENOMEM and nothing of the command is left. */
int redis_buffer_end(struct redis_buffer *buffer);

void redis_buffer_clear(struct redis_buffer *buffer);
void redis_buffer_free(struct redis_buffer *buffer);

/* ---- Replies: one at a time, its parts in order, an array before its elements. */
struct redis_part {
    int type;        /* hiredis' REDIS_REPLY_... */
    uint32_t offset; /* strings: where in text */
    uint32_t length; /* strings: bytes; arrays: elements */
    int64_t integer;
};

struct redis_reply {
    struct redis_part *parts;
    size_t count;
    size_t parts_room;
    char *text;
    size_t length;
    size_t text_room;
    bool refused; /* it had what we never take; otherwise an error means that memory was lacking */
};

/* Lets a context's reader write into reply; it must outlive the context. */
void redis_reply_attach(struct redis_reply *reply, redisContext *context);
void redis_reply_clear(struct redis_reply *reply);
void redis_reply_free(struct redis_reply *reply);

/* The part at index, or NULL if there is none or it is not of that type (0: any). */
const struct redis_part *redis_reply_part(const struct redis_reply *reply, size_t index, int type);
const char *redis_reply_text(const struct redis_reply *reply, const struct redis_part *part);
/* The text of an error, as a string cut to size. */
void redis_reply_copy_error(const struct redis_reply *reply, char *text, size_t size);

#endif /* REDIS_WIRE_H */
