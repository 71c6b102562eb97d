/* Guarded read streams that their reader ends: stopped, closed, judged, and given up too late. */
#include "reader.h"
#include <stdlib.h>
#include <unistd.h>

static void acts(struct fixture *f, enum act what, uint64_t idle, const char *wanted,
                 breaker_outcome_t outcome)
{
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = reader_open(f, PEER_DRIPS);

    reader->read.call.idle = idle;
    reader->act = what;
    reader->act_at = 3;
    reader_begin(reader, peer);
    reader_run(reader);
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
    acts(*state, CANCEL, 0, "operation canceled closed", BREAKER_CANCELLED);
    acts(*state, CANCEL, 60000, "operation canceled closed", BREAKER_CANCELLED);
}

static void so_is_closing_in_a_chunk(void **state)
{
    acts(*state, CLOSE, 0, "operation canceled closed", BREAKER_CANCELLED);
    acts(*state, CLOSE, 60000, "operation canceled closed", BREAKER_CANCELLED);
}

static void the_callers_own_verdict(void **state)
{
    acts(*state, END_GOOD, 0, "end closed", BREAKER_SUCCESS);
    acts(*state, END_GOOD, 60000, "end closed", BREAKER_SUCCESS);
    acts(*state, END_BAD, 0, "protocol error closed", BREAKER_FAILURE);
    acts(*state, END_BAD, 60000, "protocol error closed", BREAKER_FAILURE);
}

static void used_again(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = reader_open(f, PEER_DRIPS);

    reader->read.call.idle = 60000;
    reader->act = STOP;
    for (unsigned i = 0; i < 3; i++) {
        reader->act_at = reader->received + 2;
        reader_begin(reader, peer);
        assert_int_equal(
            API(breaker_uv_read_start(peer, &reader->read, (uv_stream_t *)&reader->client->tcp,
                                      reader_lend, reader_chunk)),
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

/* The end has come and is not told yet: what gives up in the same turn of the loop is too late. */
struct latecomer {
    uv_check_t check;
    struct reader *reader;
    breaker_t *destroys;
};

static void come_late(uv_check_t *check)
{
    struct latecomer *latecomer = check->data;
    struct reader *reader = latecomer->reader;

    if (reader->received < PEER_LENGTH || reader->client->tcp.data != reader->client)
        return; /* it still reads */
    assert_false(reader->is_over);
    if (latecomer->destroys != NULL)
        API_VOID(breaker_destroy(latecomer->destroys));
    else
        assert_int_equal(API(breaker_uv_read_stop(&reader->read)), UV_EALREADY);
    uv_close((uv_handle_t *)check, NULL);
}

static void ends_and_is_given_up(struct fixture *f, uint64_t idle, bool destroys)
{
    breaker_t *peer = quick_breaker(f, "peer");
    struct latecomer latecomer = {.destroys = destroys ? peer : NULL};

    latecomer.reader = reader_open(f, PEER_SENDS);
    latecomer.reader->read.call.idle = idle;
    reader_begin(latecomer.reader, peer);
    uv_check_init(&f->loop, &latecomer.check);
    latecomer.check.data = &latecomer;
    uv_check_start(&latecomer.check, come_late);
    reader_run(latecomer.reader);
    expect(f, "end closed");
    assert_int_equal(latecomer.reader->read.call.outcome, BREAKER_SUCCESS);
    if (!destroys)
        API_VOID(breaker_destroy(peer));
}

static void a_good_end_stays_one(void **state)
{
    ends_and_is_given_up(*state, 0, false);
    ends_and_is_given_up(*state, 60000, false);
    ends_and_is_given_up(*state, 0, true);
    ends_and_is_given_up(*state, 60000, true);
}

/* Once stopped, the stream is the caller's: closed and freed before the last callback. */
static void freed(uv_handle_t *handle)
{
    free(handle);
}

static void stopped_and_closed(void **state)
{
    struct fixture *f = *state;
    breaker_t *peer = quick_breaker(f, "peer");
    struct reader *reader = reader_open(f, PEER_DRIPS);
    uv_tcp_t *tcp = malloc(sizeof *tcp);
    int fd = -1;

    client_close(reader->client);
    uv_tcp_init(&f->loop, tcp);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(
        connect(fd, (struct sockaddr *)&reader->peer.address, sizeof reader->peer.address), 0);
    assert_int_equal(uv_tcp_open(tcp, fd), 0);
    reader->read.call.idle = 60000;
    assert_int_equal(API(breaker_uv_read_start(peer, &reader->read, (uv_stream_t *)tcp, reader_lend,
                                               reader_chunk)),
                     0);
    while (reader->received == 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(API(breaker_uv_read_stop(&reader->read)), 0);
    uv_close((uv_handle_t *)tcp, freed);
    reader->is_freed = true;
    reader_run(reader);
    expect(f, "closed operation canceled");
    assert_int_equal(look(peer).totals.cancelled, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(stopping_early_is_a_cancel), REAL_TEST(so_is_closing_in_a_chunk),
        REAL_TEST(the_callers_own_verdict),    REAL_TEST(used_again),
        REAL_TEST(a_good_end_stays_one),       REAL_TEST(stopped_and_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
