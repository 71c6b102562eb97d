/* What a reader does with what it gets, and how it comes and goes. */
#include "reader.h"
#include <stdlib.h>

void reader_lend(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct reader *reader = ((breaker_uv_read_t *)handle->data)->data;

    (void)wanted;
    reader->lent++;
    *buffer = uv_buf_init(malloc(64), 64);
}

static void act(struct reader *reader)
{
    breaker_uv_read_t *read = &reader->read;

    reader->act_at = SIZE_MAX;
    switch (reader->act) {
    case READ_ON:
        break;
    case STOP:
        assert_int_equal(API(breaker_uv_read_stop(read)), 0);
        assert_int_equal(API(breaker_uv_read_stop(read)), UV_EALREADY);
        assert_int_equal(API(breaker_uv_read_end(read, UV_EOF, BREAKER_SUCCESS)), UV_EALREADY);
        break;
    case CANCEL:
        assert_int_equal(API(breaker_uv_cancel(read)), 0);
        assert_int_equal(API(breaker_uv_read_end(read, UV_EOF, BREAKER_SUCCESS)), UV_EALREADY);
        assert_int_equal(API(breaker_uv_read_stop(read)), UV_EALREADY);
        break;
    case CLOSE:
        client_close(reader->client);
        break;
    case END_GOOD:
        assert_int_equal(API(breaker_uv_read_end(read, UV_EOF, BREAKER_SUCCESS)), 0);
        assert_int_equal(API(breaker_uv_read_end(read, UV_EPROTO, BREAKER_FAILURE)), UV_EALREADY);
        assert_int_equal(API(breaker_uv_read_stop(read)), UV_EALREADY);
        assert_int_equal(API(breaker_uv_cancel(read)), UV_EALREADY);
        break;
    case END_BAD:
        assert_int_equal(API(breaker_uv_read_end(read, UV_EPROTO, BREAKER_FAILURE)), 0);
        break;
    }
}

void reader_chunk(breaker_uv_read_t *read, ssize_t nread, const uv_buf_t *buffer)
{
    struct reader *reader = read->data;

    not_inside();
    assert_false(reader->is_over);
    if (buffer->base != NULL) {
        reader->lent--;
        free(buffer->base);
    }
    if (nread >= 0) {
        reader->received += (size_t)nread;
        if (reader->received >= reader->act_at)
            act(reader);
        return;
    }
    reader->is_over = true;
    reader->last = nread;
    if (!reader->is_freed)
        assert_ptr_equal(read->stream->data, reader->client); /* as it was */
    record(reader->client->f, "%s", nread == UV_EOF ? "end" : breaker_strerror((int)nread));
}

struct reader *reader_open(struct fixture *f, enum habit habit)
{
    struct reader *reader = keep(f, sizeof *reader);

    peer_start(&reader->peer, &f->loop, habit);
    reader->client = client_connect(f, &reader->peer);
    breaker_uv_init(&reader->read);
    reader->read.data = reader;
    reader->act_at = SIZE_MAX;
    return reader;
}

void reader_begin(struct reader *reader, breaker_t *breaker)
{
    assert_int_equal(
        API(breaker_uv_read_start(breaker, &reader->read, (uv_stream_t *)&reader->client->tcp,
                                  reader_lend, reader_chunk)),
        0);
}

void reader_run(struct reader *reader)
{
    while (!reader->is_over)
        uv_run(&reader->client->f->loop, UV_RUN_ONCE);
    assert_int_equal(reader->lent, 0);
    client_close(reader->client);
    peer_stop(&reader->peer);
    run_out(reader->client->f);
}
