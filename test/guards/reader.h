/* A guarded read stream from a peer, that can be told what to do when so much has come. */
#ifndef READER_H
#define READER_H

#include "client.h"
#include <breaker/uv.h>

enum act { READ_ON, STOP, CANCEL, CLOSE, END_GOOD, END_BAD };

struct reader {
    breaker_uv_read_t read;
    struct client *client;
    struct peer peer;
    size_t received, act_at;
    enum act act; /* when act_at bytes have come */
    unsigned lent;
    ssize_t last;
    bool is_over, is_freed; /* the stream is not there any more */
};

struct reader *reader_open(struct fixture *f, enum habit habit);
void reader_begin(struct reader *reader, breaker_t *breaker);
void reader_run(struct reader *reader); /* to its end, and that of the peer */

/* The callbacks of the guard, for those who begin it themselves. */
void reader_lend(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer);
void reader_chunk(breaker_uv_read_t *read, ssize_t nread, const uv_buf_t *buffer);

#endif /* READER_H */
