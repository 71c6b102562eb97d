/* Guarded read streams: every way in which one can end, to peers that cause it. */
#include "reader.h"

/* To the end, with an idle limit and without, which lead different ways. */
static void whole(struct fixture *f, enum habit habit, uint64_t idle, const char *wanted,
                  breaker_outcome_t outcome)
{
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = reader_open(f, habit);
    uv_buf_t word = uv_buf_init((char *)(uintptr_t) "x", 1);

    reader->read.call.idle = idle;
    reader_begin(reader, peer);
    if (habit == PEER_BREAKS_OFF)
        assert_int_equal(uv_try_write((uv_stream_t *)&reader->client->tcp, &word, 1), 1);
    reader_run(reader);
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

static void idle_by_the_panels_clock(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = reader_open(f, PEER_STALLS);
    uv_buf_t word = uv_buf_init((char *)(uintptr_t) "x", 1);

    reader->read.call.idle = 1000;
    reader_begin(reader, peer);
    settle_down(f);
    f->clock += 999;
    assert_int_equal(uv_try_write((uv_stream_t *)reader->peer.clients, &word, 1), 1);
    while (reader->received == 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    f->clock += 999;
    settle_down(f);
    assert_false(reader->is_over);
    f->clock += 1;
    reader_run(reader);
    expect(f, "connection timed out closed");
    assert_int_equal(look(peer).totals.failed, 1);
}

static void an_early_end_is_a_failure_if_more_was_to_come(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = reader_open(f, PEER_SENDS);

    reader->read.unfinished = 1;
    reader_begin(reader, peer);
    reader_run(reader);
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
    struct reader *reader = reader_open(f, PEER_DRIPS);

    reader->read.call.idle = 60000;
    reader->read.call.timeout = 60;
    reader_begin(reader, peer);
    while (reader->received < 3) {
        uv_run(&f->loop, UV_RUN_ONCE);
        if (reader->received > 0 && !reader->is_over)
            assert_int_equal(look(peer).in_flight, 1);
        if (reader->is_over)
            break;
    }
    reader_run(reader);
    expect(f, "connection timed out closed");
    assert_true(reader->received > 0);
    assert_int_equal(look(peer).totals.admitted, 1);
    assert_int_equal(look(peer).totals.timed_out, 1);
    assert_int_equal(look(peer).totals.late, 0);
}

/* The loop stood still, not the stream: what has arrived meanwhile is read first. */
static void a_loop_that_stalls_is_no_idle_stream(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = reader_open(f, PEER_STALLS);
    uv_buf_t word = uv_buf_init((char *)(uintptr_t) "x", 1);

    reader->read.call.idle = 200;
    reader_begin(reader, peer);
    settle_down(f);
    assert_int_equal(uv_try_write((uv_stream_t *)reader->peer.clients, &word, 1), 1);
    uv_sleep(300);
    reader_run(reader);
    assert_int_equal(reader->received, 1);
    expect(f, "connection timed out closed"); /* after the chunk, it was idle indeed */
}

static void refused(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = reader_open(f, PEER_DRIPS);

    breaker_trip(peer, NULL, NULL);
    reader->read.call.idle = 10;
    reader_begin(reader, peer);
    reader_run(reader);
    expect(f, "refused by the circuit breaker closed");
    assert_int_equal(reader->received, 0);
}

static void lend_nothing(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    (void)handle;
    (void)wanted;
    *buffer = uv_buf_init(NULL, 0);
}

/* A shortage on this side, of which the peer knows nothing. */
static void no_buffer_is_no_failure(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = reader_open(f, PEER_SENDS);

    assert_int_equal(
        API(breaker_uv_read_start(peer, &reader->read, (uv_stream_t *)&reader->client->tcp,
                                  lend_nothing, reader_chunk)),
        0);
    reader_run(reader);
    assert_int_equal(reader->last, UV_ENOBUFS);
    assert_int_equal(reader->read.call.outcome, BREAKER_IGNORED);
    assert_int_equal(look(peer).totals.ignored, 1);
}

static void the_breaker_goes_away(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = reader_open(f, PEER_DRIPS);

    reader->read.call.idle = 60000;
    reader_begin(reader, peer);
    while (reader->received == 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    API_VOID(breaker_destroy(peer));
    reader_run(reader);
    expect(f, "operation canceled closed");
}

static void misuse(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = reader_open(f, PEER_DRIPS);
    uv_stream_t *stream = (uv_stream_t *)&reader->client->tcp;

    assert_int_equal(API(breaker_uv_read_stop(&reader->read)), UV_EINVAL);
    assert_int_equal(API(breaker_uv_read_end(&reader->read, UV_EOF, BREAKER_SUCCESS)), UV_EINVAL);
    assert_int_equal(API(breaker_uv_read_start(peer, &reader->read, stream, NULL, reader_chunk)),
                     UV_EINVAL);
    assert_int_equal(
        API(breaker_uv_read_start(peer, &reader->read, NULL, reader_lend, reader_chunk)),
        UV_EINVAL);
    assert_int_equal(
        API(breaker_uv_read_start(NULL, &reader->read, stream, reader_lend, reader_chunk)),
        UV_EINVAL);
    assert_int_equal(API(breaker_uv_read_start(peer, &reader->read, stream, reader_lend, NULL)),
                     UV_EINVAL);
    reader_begin(reader, peer);
    settle_down(f);
    assert_int_equal(API(breaker_uv_read_end(&reader->read, 0, BREAKER_SUCCESS)), UV_EINVAL);
    assert_int_equal(API(breaker_uv_read_end(&reader->read, UV_EOF, (breaker_outcome_t)9)),
                     UV_EINVAL);
    assert_int_equal(API(breaker_uv_read_stop(&reader->read)), 0);
    reader_run(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(the_end_is_a_success),
        REAL_TEST(a_reset_is_a_failure),
        REAL_TEST(an_idle_stream_is_a_failure),
        VIRTUAL_TEST(idle_by_the_panels_clock),
        REAL_TEST(an_early_end_is_a_failure_if_more_was_to_come),
        REAL_TEST(too_long_in_all),
        REAL_TEST(a_loop_that_stalls_is_no_idle_stream),
        REAL_TEST(refused),
        REAL_TEST(no_buffer_is_no_failure),
        REAL_TEST(the_breaker_goes_away),
        REAL_TEST(misuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
