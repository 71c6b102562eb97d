/* Guarded read streams: every way in which one can end, to peers that cause it. */
#include "client.h"
#include <breaker/uv.h>
#include <stdlib.h>
#include <string.h>

enum act { READ_ON, STOP, CLOSE, END_GOOD, END_BAD };

struct reader {
    breaker_uv_read_t read;
    struct client *client;
    struct peer peer;
    size_t received, act_at;
    enum act act; /* when act_at bytes have come */
    unsigned lent;
    ssize_t last;
    bool is_over;
};

static void lend(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
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
        break;
    case CLOSE:
        client_close(reader->client);
        break;
    case END_GOOD:
        assert_int_equal(API(breaker_uv_read_end(read, UV_EOF, BREAKER_SUCCESS)), 0);
        assert_int_equal(API(breaker_uv_read_end(read, UV_EOF, BREAKER_SUCCESS)),
                         read->idle > 0 ? UV_EALREADY : UV_EINVAL);
        break;
    case END_BAD:
        assert_int_equal(API(breaker_uv_read_end(read, UV_EPROTO, BREAKER_FAILURE)), 0);
        break;
    }
}

static void chunk(breaker_uv_read_t *read, ssize_t nread, const uv_buf_t *buffer)
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
    assert_ptr_equal(read->stream->data, reader->client); /* as it was */
    record(reader->client->f, "%s", nread == UV_EOF ? "end" : breaker_strerror((int)nread));
}

static struct reader *open_stream(struct fixture *f, enum habit habit)
{
    struct reader *reader = keep(f, sizeof *reader);

    peer_start(&reader->peer, &f->loop, habit);
    reader->client = client_connect(f, &reader->peer);
    breaker_uv_init(&reader->read);
    reader->read.data = reader;
    reader->act_at = SIZE_MAX;
    return reader;
}

static void begin(struct reader *reader, breaker_t *breaker)
{
    assert_int_equal(API(breaker_uv_read_start(breaker, &reader->read,
                                               (uv_stream_t *)&reader->client->tcp, lend, chunk)),
                     0);
}

static void run_to_end(struct reader *reader)
{
    while (!reader->is_over)
        uv_run(&reader->client->f->loop, UV_RUN_ONCE);
    assert_int_equal(reader->lent, 0);
    client_close(reader->client);
    peer_stop(&reader->peer);
    run_out(reader->client->f);
}

/* To the end, with an idle limit and without, which lead different ways. */
static void whole(struct fixture *f, enum habit habit, uint64_t idle, const char *wanted,
                  breaker_outcome_t outcome)
{
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = open_stream(f, habit);
    uv_buf_t word = uv_buf_init((char *)(uintptr_t) "x", 1);

    reader->read.idle = idle;
    begin(reader, peer);
    if (habit == PEER_BREAKS_OFF)
        assert_int_equal(uv_try_write((uv_stream_t *)&reader->client->tcp, &word, 1), 1);
    run_to_end(reader);
    expect(f, wanted);
    assert_int_equal(reader->read.call.outcome, outcome);
    breaker_destroy(peer);
}

static void the_end_is_a_success(void **state)
{
    whole(*state, PEER_SENDS, 0, "end closed", BREAKER_SUCCESS);
    whole(*state, PEER_SENDS, 60000, "end closed", BREAKER_SUCCESS);
    whole(*state, PEER_HALF_CLOSES, 0, "end closed", BREAKER_SUCCESS);
}

static void a_reset_is_a_failure(void **state)
{
    whole(*state, PEER_BREAKS_OFF, 0, "connection reset by peer closed", BREAKER_FAILURE);
    whole(*state, PEER_BREAKS_OFF, 60000, "connection reset by peer closed", BREAKER_FAILURE);
}

static void an_idle_stream_is_a_failure(void **state)
{
    whole(*state, PEER_STALLS, 30, "connection timed out closed", BREAKER_FAILURE);
    whole(*state, PEER_READS, 1, "connection timed out closed", BREAKER_FAILURE);
}

static void an_early_end_is_a_failure_if_more_was_to_come(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = open_stream(f, PEER_SENDS);

    reader->read.unfinished = 1;
    begin(reader, peer);
    run_to_end(reader);
    expect(f, "end closed");
    assert_int_equal(reader->received, PEER_LENGTH);
    assert_int_equal(reader->read.call.outcome, BREAKER_FAILURE);
    assert_int_equal(look(peer).last_error, UV_EOF);
}

/* It drips about every other millisecond: never idle for long, but it lasts. One permit for all of
 * it. */
static void too_long_in_all(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = open_stream(f, PEER_DRIPS);

    reader->read.idle = 60000;
    reader->read.call.timeout = 60;
    begin(reader, peer);
    while (reader->received < 3) {
        uv_run(&f->loop, UV_RUN_ONCE);
        if (reader->received > 0 && !reader->is_over)
            assert_int_equal(look(peer).in_flight, 1);
        if (reader->is_over)
            break;
    }
    run_to_end(reader);
    expect(f, "connection timed out closed");
    assert_true(reader->received > 0);
    assert_int_equal(look(peer).totals.admitted, 1);
    assert_int_equal(look(peer).totals.timed_out, 1);
    assert_int_equal(look(peer).totals.late, 0);
}

static void acts(struct fixture *f, enum act what, uint64_t idle, const char *wanted,
                 breaker_outcome_t outcome)
{
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = open_stream(f, PEER_DRIPS);

    reader->read.idle = idle;
    reader->act = what;
    reader->act_at = 3;
    begin(reader, peer);
    run_to_end(reader);
    expect(f, wanted);
    assert_int_equal(reader->received, 3);
    assert_int_equal(reader->read.call.outcome, outcome);
    assert_int_equal(look(peer).totals.late, 0);
    breaker_destroy(peer);
}

static void stopping_early_is_a_cancel(void **state)
{
    acts(*state, STOP, 0, "operation canceled closed", BREAKER_CANCELLED);
    acts(*state, STOP, 60000, "operation canceled closed", BREAKER_CANCELLED);
}

static void so_is_closing_in_a_chunk(void **state)
{
    acts(*state, CLOSE, 0, "closed operation canceled", BREAKER_CANCELLED);
    acts(*state, CLOSE, 60000, "closed operation canceled", BREAKER_CANCELLED);
}

static void the_callers_own_verdict(void **state)
{
    acts(*state, END_GOOD, 0, "end closed", BREAKER_SUCCESS);
    acts(*state, END_GOOD, 60000, "end closed", BREAKER_SUCCESS);
    acts(*state, END_BAD, 0, "protocol error closed", BREAKER_FAILURE);
    acts(*state, END_BAD, 60000, "protocol error closed", BREAKER_FAILURE);
}

/* The loop stood still, not the stream: what has arrived meanwhile is read first. */
static void a_loop_that_stalls_is_no_idle_stream(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = open_stream(f, PEER_STALLS);
    uv_buf_t word = uv_buf_init((char *)(uintptr_t) "x", 1);

    reader->read.idle = 200;
    begin(reader, peer);
    settle_down(f);
    assert_int_equal(uv_try_write((uv_stream_t *)reader->peer.clients, &word, 1), 1);
    uv_sleep(300);
    run_to_end(reader);
    assert_int_equal(reader->received, 1);
    expect(f, "connection timed out closed"); /* after the chunk, it was idle indeed */
}

static void refused(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = open_stream(f, PEER_DRIPS);

    breaker_trip(peer, NULL, NULL);
    reader->read.idle = 10;
    begin(reader, peer);
    run_to_end(reader);
    expect(f, "refused by the circuit breaker closed");
    assert_int_equal(reader->received, 0);
}

static void used_again(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = open_stream(f, PEER_DRIPS);

    reader->read.idle = 60000;
    reader->act = STOP;
    for (unsigned i = 0; i < 3; i++) {
        reader->act_at = reader->received + 2;
        begin(reader, peer);
        assert_int_equal(
            API(breaker_uv_read_start(peer, &reader->read, (uv_stream_t *)&reader->client->tcp,
                                      lend, chunk)),
            UV_EBUSY);
        while (!reader->is_over)
            uv_run(&f->loop, UV_RUN_ONCE);
        reader->is_over = false;
    }
    client_close(reader->client);
    peer_stop(&reader->peer);
    run_out(f);
    assert_int_equal(look(peer).totals.cancelled, 3);
}

static void the_breaker_goes_away(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = open_stream(f, PEER_DRIPS);

    reader->read.idle = 60000;
    begin(reader, peer);
    while (reader->received == 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    API_VOID(breaker_destroy(peer));
    run_to_end(reader);
    expect(f, "operation canceled closed");
}

static void misuse(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = open_stream(f, PEER_DRIPS);
    uv_stream_t *stream = (uv_stream_t *)&reader->client->tcp;

    assert_int_equal(API(breaker_uv_read_stop(&reader->read)), UV_EINVAL);
    assert_int_equal(API(breaker_uv_read_end(&reader->read, UV_EOF, BREAKER_SUCCESS)), UV_EINVAL);
    assert_int_equal(API(breaker_uv_read_start(peer, &reader->read, stream, NULL, chunk)),
                     UV_EINVAL);
    assert_int_equal(API(breaker_uv_read_start(peer, &reader->read, NULL, lend, chunk)), UV_EINVAL);
    assert_int_equal(API(breaker_uv_read_start(NULL, &reader->read, stream, lend, chunk)),
                     UV_EINVAL);
    assert_int_equal(API(breaker_uv_read_start(peer, &reader->read, stream, lend, NULL)),
                     UV_EINVAL);
    begin(reader, peer);
    settle_down(f);
    assert_int_equal(API(breaker_uv_read_end(&reader->read, 0, BREAKER_SUCCESS)), UV_EINVAL);
    assert_int_equal(API(breaker_uv_read_end(&reader->read, UV_EOF, (breaker_outcome_t)9)),
                     UV_EINVAL);
    assert_int_equal(API(breaker_uv_read_stop(&reader->read)), 0);
    run_to_end(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(the_end_is_a_success),
        REAL_TEST(a_reset_is_a_failure),
        REAL_TEST(an_idle_stream_is_a_failure),
        REAL_TEST(an_early_end_is_a_failure_if_more_was_to_come),
        REAL_TEST(too_long_in_all),
        REAL_TEST(stopping_early_is_a_cancel),
        REAL_TEST(so_is_closing_in_a_chunk),
        REAL_TEST(the_callers_own_verdict),
        REAL_TEST(a_loop_that_stalls_is_no_idle_stream),
        REAL_TEST(refused),
        REAL_TEST(used_again),
        REAL_TEST(the_breaker_goes_away),
        REAL_TEST(misuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
