/* Counts by buckets: packing, the ring, what is sent, what is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "circuit/fleet/fleet.h"
#include <cmocka.h>
#include <string.h>

static const struct tally_shape shape = {.width = 1000, .count = 10, .grace = 200};
static struct tally tally;
static struct tally_sums sums;

static int fresh(void **state)
{
    (void)state;
    tally_clear(&tally, 0, 100);
    return 0;
}

static void sum(void)
{
    tally_sum(&tally, &shape, &sums);
}

static bool same(const struct tally_cell *a, const struct tally_cell *b)
{
    return a->ok == b->ok && a->failed == b->failed && a->slow == b->slow &&
           a->reporters == b->reporters && a->bad == b->bad;
}

static void packs(void **state)
{
    const struct tally_cell cells[] = {
        {0, 0, 0, 0, 0},
        {1, 2, 3, 4, 5},
        {INT32_MAX, INT32_MAX, INT32_MAX, UINT16_MAX, INT16_MAX},
        {7, 0, 0, 1, -1},
        {0, 0, 9, 300, -300},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        struct tally_cell back =
            tally_unpack(tally_pack_results(&cells[i]), tally_pack_cells(&cells[i]));
        assert_true(same(&back, &cells[i]));
    }
}

/* The storage adds; what it adds up to is the sum of the parts. */
static void packed_add_up(void **state)
{
    struct tally_cell a = {5, 6, 7, 1, 1}, b = {10, 20, 0, 1, -1}, c = {0, 0, 0, 0, -1};
    int64_t results = tally_pack_results(&a) + tally_pack_results(&b) + tally_pack_results(&c);
    int64_t cells = tally_pack_cells(&a) + tally_pack_cells(&b) + tally_pack_cells(&c);
    struct tally_cell all = tally_unpack(results, cells), wanted = {15, 26, 7, 2, -1};

    (void)state;
    assert_true(same(&all, &wanted));
}

static void hostile_numbers(void **state)
{
    struct tally_cell cell = tally_unpack(INT64_MIN, INT64_MIN);

    (void)state;
    assert_int_equal(cell.ok + cell.failed, 0);
    assert_int_equal(cell.bad, INT16_MIN);
    cell = tally_unpack(INT64_MAX, INT64_MAX);
    assert_int_equal(cell.bad, INT16_MAX);
}

static void counts_a_cell_once(void **state)
{
    (void)state;
    tally_count(&tally, &shape, false, false);
    tally_count(&tally, &shape, true, true);
    tally_mark(&tally, true);
    tally_mark(&tally, true);
    sum();
    assert_int_equal(sums.counts.ok, 1);
    assert_int_equal(sums.counts.failed, 1);
    assert_int_equal(sums.counts.slow, 1);
    assert_int_equal(sums.reporters, 1);
    assert_int_equal(sums.most_bad, 1);
    tally_mark(&tally, false);
    sum();
    assert_int_equal(sums.bad, 0);
    tally_roll(&tally, &shape, 101);
    tally_count(&tally, &shape, false, false);
    sum();
    assert_int_equal(sums.reporters, 2);
    assert_int_equal(sums.most_reporters, 1);
}

static void expires(void **state)
{
    (void)state;
    tally_count(&tally, &shape, true, false);
    tally_keep(&tally, &shape);
    tally_roll(&tally, &shape, 109);
    sum();
    assert_int_equal(sums.counts.failed, 1);
    tally_roll(&tally, &shape, 110);
    sum();
    assert_int_equal(sums.counts.failed, 0);
    tally_roll(&tally, &shape, UINT64_C(1) << 50);
    tally_count(&tally, &shape, true, false);
    sum();
    assert_int_equal(sums.counts.failed, 1);
}

static void clock_steps_back(void **state)
{
    (void)state;
    tally_count(&tally, &shape, true, false);
    tally_roll(&tally, &shape, 99); /* an edge: nothing */
    sum();
    assert_int_equal(sums.counts.failed, 1);
    assert_int_equal(tally.newest, 100);
    tally_roll(&tally, &shape, 50);
    sum();
    assert_int_equal(sums.counts.failed, 0);
    assert_int_equal(tally.newest, 50);
    assert_false(tally_has_unsent(&tally));
}

/* What is on its way counts, and what is lost on it does not, nor is it sent again. */
static void sends_at_most_once(void **state)
{
    (void)state;
    tally_count(&tally, &shape, true, false);
    assert_true(tally_has_unsent(&tally));
    tally_send(&tally, &shape);
    assert_false(tally_has_unsent(&tally));
    sum();
    assert_int_equal(sums.counts.failed, 1);
    tally_count(&tally, &shape, true, false);
    tally_lose(&tally);
    sum();
    assert_int_equal(sums.counts.failed, 1);
    tally_send(&tally, &shape);
    assert_int_equal(tally.sent[0].more.failed + tally.sent[1].more.failed, 1);
    assert_int_equal(tally.sent[0].more.reporters + tally.sent[1].more.reporters, 0);
}

/* The answer contains what was sent. */
static void hears(void **state)
{
    struct tally_cell answer = {.ok = 40, .failed = 2, .reporters = 5};

    (void)state;
    tally_count(&tally, &shape, true, false);
    tally_send(&tally, &shape);
    tally_count(&tally, &shape, false, false);
    tally_hear(&tally, &shape, 100, &answer, 100500);
    tally_lose(&tally);
    sum();
    assert_int_equal(sums.counts.ok, 41);
    assert_int_equal(sums.counts.failed, 2);
    assert_int_equal(sums.reporters, 5);
}

static void too_old_is_not_sent(void **state)
{
    (void)state;
    tally_count(&tally, &shape, true, false);
    tally_roll(&tally, &shape, 110);
    tally_send(&tally, &shape);
    assert_false(tally_is_sent(&tally));
}

/* More buckets than there are batches: the oldest gives way. */
static void gives_up_the_oldest(void **state)
{
    (void)state;
    for (uint64_t bucket = 100; bucket < 104; bucket++) {
        tally_roll(&tally, &shape, bucket);
        tally_count(&tally, &shape, true, false);
    }
    sum();
    assert_int_equal(sums.counts.failed, 3);
    tally_send(&tally, &shape);
    for (unsigned i = 0; i < TALLY_BATCHES; i++)
        assert_true(tally.sent[i].bucket > 100);
}

static void hear(uint64_t bucket, uint64_t wall)
{
    struct tally_cell nothing = {0, 0, 0, 0, 0};

    tally_hear(&tally, &shape, bucket, &nothing, wall);
}

static void knows_what_is_missing(void **state)
{
    uint64_t bucket = 102;

    (void)state;
    tally_clear(&tally, 100, 102);
    assert_false(tally_is_complete(&tally, &shape, 102300));
    assert_true(tally_wants(&tally, &shape, 102300, true, &bucket));
    assert_int_equal(bucket, 101);
    assert_true(tally_wants(&tally, &shape, 102300, true, &bucket));
    assert_int_equal(bucket, 100);
    assert_false(tally_wants(&tally, &shape, 102300, true, &bucket));
    bucket = 102; /* they are being asked for */
    assert_false(tally_wants(&tally, &shape, 102300, true, &bucket));
    tally_unread(&tally);
    bucket = 102;
    assert_true(tally_wants(&tally, &shape, 102300, false, &bucket));
    assert_int_equal(bucket, 101);
    assert_false(tally_wants(&tally, &shape, 102300, false, &bucket));
    hear(101, 102300);
    hear(100, 102300);
    assert_true(tally_is_complete(&tally, &shape, 102300));
    bucket = 102;
    assert_false(tally_wants(&tally, &shape, 102300, true, &bucket));
}

/* Just over, a bucket is known well enough if it was known of late; and is read once more later. */
static void stragglers(void **state)
{
    uint64_t bucket = 101;

    (void)state;
    tally_clear(&tally, 100, 100);
    hear(100, 100900);
    tally_roll(&tally, &shape, 101);
    assert_true(tally_is_complete(&tally, &shape, 101100));
    assert_false(tally_wants(&tally, &shape, 101100, true, &bucket));
    assert_false(tally_is_complete(&tally, &shape, 101200));
    bucket = 101;
    assert_true(tally_wants(&tally, &shape, 101200, false, &bucket));
    hear(100, 101250);
    assert_true(tally_is_complete(&tally, &shape, 101300));
    tally_clear(&tally, 100, 100);
    hear(100, 100300);
    tally_roll(&tally, &shape, 101);
    assert_false(tally_is_complete(&tally, &shape, 101100));
}

static void shapes(void **state)
{
    breaker_options_t options = {.window = 10000, .buckets = 60};
    struct tally_shape made = tally_shape(&options, 7);

    (void)state;
    assert_int_equal(made.count, 10);
    assert_int_equal(made.width, 1000);
    assert_int_equal(made.grace, 7);
    options.buckets = 3;
    made = tally_shape(&options, 7);
    assert_int_equal(made.count, 3);
    assert_int_equal(made.width, 3334);
}

/* An answer that took long says little of when; one that says that it cannot be so moves the clock. */
static void slow_answers_leave_the_clock_alone(void **state)
{
    struct fleet_clock clock = {.is_known = false};

    (void)state;
    fleet_clock_hear(&clock, 1000, 1010, 5000);
    assert_int_equal(clock.offset, 3995);
    fleet_clock_hear(&clock, 2000, 3000, 6500); /* at 2505 by what is known */
    assert_int_equal(clock.offset, 3995);
    fleet_clock_hear(&clock, 4000, 4010, 8100);
    assert_int_equal(clock.offset, 4095);
    fleet_clock_hear(&clock, 5000, 5010, 1000);
    assert_int_equal(clock.offset, -4005);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(packs, fresh),
        cmocka_unit_test_setup(packed_add_up, fresh),
        cmocka_unit_test_setup(hostile_numbers, fresh),
        cmocka_unit_test_setup(counts_a_cell_once, fresh),
        cmocka_unit_test_setup(expires, fresh),
        cmocka_unit_test_setup(clock_steps_back, fresh),
        cmocka_unit_test_setup(sends_at_most_once, fresh),
        cmocka_unit_test_setup(hears, fresh),
        cmocka_unit_test_setup(too_old_is_not_sent, fresh),
        cmocka_unit_test_setup(gives_up_the_oldest, fresh),
        cmocka_unit_test_setup(knows_what_is_missing, fresh),
        cmocka_unit_test_setup(stragglers, fresh),
        cmocka_unit_test_setup(shapes, fresh),
        cmocka_unit_test(slow_answers_leave_the_clock_alone),
    };

    return cmocka_run_group_tests_name("fleet tally", tests, NULL, NULL);
}
