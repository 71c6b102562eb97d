/* The wheel of deadlines, beside a list of what is in it that is searched from end to end. */
#include "chance.h"
#include "deadlines.h"
#include "rig.h"
#include <string.h>

enum { DUES = 200 };

struct bench {
    struct wheel wheel;
    struct breaker_due_s dues[DUES];
    uint64_t begins[DUES]; /* when it counts as due: its time, or the wheel's when it was added */
    bool is_in[DUES];
    uint64_t now;
    unsigned taken;
};

static void begin(struct bench *b, uint64_t now)
{
    memset(b, 0, sizeof *b);
    b->now = now;
    wheel_init(&b->wheel, now);
    assert_true(wheel_next(&b->wheel) == UINT64_MAX);
    assert_null(wheel_due(&b->wheel, now));
}

static void add(struct bench *b, unsigned i, uint64_t time)
{
    b->dues[i].time = time;
    wheel_add(&b->wheel, &b->dues[i]);
    b->begins[i] = time > b->wheel.now ? time : b->wheel.now;
    b->is_in[i] = true;
}

static void take_away(struct bench *b, unsigned i)
{
    wheel_remove(&b->dues[i]);
    assert_null(b->dues[i].link);
    b->is_in[i] = false;
}

static uint64_t earliest(const struct bench *b)
{
    uint64_t first = UINT64_MAX;

    for (unsigned i = 0; i < DUES; i++)
        if (b->is_in[i] && b->begins[i] < first)
            first = b->begins[i];
    return first;
}

static bool holds_any(const struct bench *b)
{
    for (unsigned i = 0; i < DUES; i++)
        if (b->is_in[i])
            return true;
    return false;
}

static void expect_next(struct bench *b)
{
    uint64_t next = wheel_next(&b->wheel), first = earliest(b);

    assert_true(next <= first);
    assert_true(wheel_next(&b->wheel) == next);
    assert_int_equal(wheel_is_empty(&b->wheel), !holds_any(b));
}

/* Takes out all that is due by then, the earliest first. */
static void advance(struct bench *b, uint64_t now)
{
    struct breaker_due_s *due;

    b->now = now;
    while ((due = wheel_due(&b->wheel, now)) != NULL) {
        unsigned i = (unsigned)(due - b->dues);
        assert_true(i < DUES && b->is_in[i]);
        assert_true(due->time <= now);
        assert_true(b->begins[i] == earliest(b));
        assert_null(due->link);
        wheel_remove(due); /* does nothing */
        b->is_in[i] = false;
        b->taken++;
    }
    assert_true(earliest(b) > now || earliest(b) == UINT64_MAX);
    assert_true(wheel_next(&b->wheel) > now || wheel_next(&b->wheel) == UINT64_MAX);
    expect_next(b);
}

/* ---- By chance ---------------------------------------------------------------------------------*/

/* A little around a multiple of 64^k. */
static uint64_t near_a_digit(struct chance *chance, uint64_t now)
{
    unsigned shift = 6 * (unsigned)chance_below(chance, 11);
    uint64_t edge = ((now >> shift) + 1 + chance_below(chance, 3)) << shift;

    return edge + chance_below(chance, 5) - 2;
}

static uint64_t some_time(struct chance *chance, uint64_t now)
{
    switch (chance_below(chance, 12)) {
    case 0:
        return chance_below(chance, now + 1); /* in the past */
    case 1:
        return now;
    case 2:
        return now + (UINT64_C(1) << chance_below(chance, 40));
    case 3:
        return now + (UINT64_C(1) << 36) + chance_below(chance, 3) - 1;
    case 4:
        return (UINT64_C(1) << 63) + chance_below(chance, 5) - 2;
    case 5:
        return UINT64_MAX - chance_below(chance, 3);
    case 6:
    case 7:
        return near_a_digit(chance, now);
    case 8:
        return now + chance_below(chance, 86400000);
    default:
        return now + chance_below(chance, 200);
    }
}

static uint64_t later(struct chance *chance, struct bench *b)
{
    uint64_t time = b->now, next = wheel_next(&b->wheel), first = earliest(b);

    switch (chance_below(chance, 8)) {
    case 0:
        time = next == UINT64_MAX ? time : next;
        break;
    case 1:
        time = first == UINT64_MAX ? time : first - (chance_below(chance, 2) && first > 0);
        break;
    case 2:
        time = near_a_digit(chance, time);
        break;
    case 3:
        time += chance_below(chance, 100000);
        break;
    case 4: /* a huge jump, now and then */
        time += chance_below(chance, 50) == 0 ? UINT64_C(1) << chance_below(chance, 62) : 1;
        break;
    default:
        time += chance_below(chance, 100);
    }
    return time < b->now ? b->now : time;
}

static void play(uint64_t seed, uint64_t start, unsigned steps)
{
    static struct bench b;
    struct chance chance = {seed};

    begin(&b, start);
    for (unsigned step = 0; step < steps; step++) {
        unsigned i = (unsigned)chance_below(&chance, DUES);
        if (chance_below(&chance, 4) == 0)
            advance(&b, later(&chance, &b));
        else if (!b.is_in[i])
            add(&b, i, some_time(&chance, b.now));
        else if (chance_below(&chance, 3) == 0)
            take_away(&b, i);
        if (chance_below(&chance, 16) == 0)
            expect_next(&b);
    }
    advance(&b, UINT64_MAX);
    assert_true(earliest(&b) == UINT64_MAX);
    assert_true(wheel_next(&b.wheel) == UINT64_MAX);
}

static void a_wheel_is_a_sorted_list(void **state)
{
    static const uint64_t starts[] = {0,
                                      1,
                                      63,
                                      64,
                                      1000000,
                                      (UINT64_C(1) << 36) - 1,
                                      (UINT64_C(1) << 36),
                                      (UINT64_C(1) << 60) - 1,
                                      (UINT64_C(1) << 63) - 1,
                                      (UINT64_C(1) << 63) + 1};

    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++)
        play(seed, starts[seed % 10], 1500);
}

/* ---- By tables ---------------------------------------------------------------------------------*/

static void each_time_is_met_exactly(void **state)
{
    static struct bench b;

    (void)state;
    for (unsigned shift = 0; shift < 64; shift++) {
        for (int off = -1; off <= 1; off++) {
            uint64_t time = (UINT64_C(1) << shift) + (uint64_t)off;
            begin(&b, 0);
            add(&b, 0, time);
            if (time > 0)
                advance(&b, time - 1);
            assert_int_equal(b.taken, 0);
            advance(&b, time);
            assert_int_equal(b.taken, 1);
        }
    }
}

/* Looking again when wheel_next says so comes to the time in a few looks, however far it is. */
static void a_few_looks_are_enough(void **state)
{
    static struct bench b;
    struct chance chance = {99};

    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        uint64_t start = chance_next(&chance) >> chance_below(&chance, 64);
        uint64_t time = start + (chance_next(&chance) >> chance_below(&chance, 64));
        unsigned looks = 0;
        if (time < start)
            continue;
        begin(&b, start);
        add(&b, 0, time);
        while (b.taken == 0) {
            advance(&b, wheel_next(&b.wheel));
            assert_true(++looks <= WHEEL_LEVELS + 1);
        }
        assert_true(b.now == time);
    }
}

static void all_of_one_time_come_at_once(void **state)
{
    static struct bench b;

    (void)state;
    begin(&b, 12345);
    for (unsigned i = 0; i < DUES; i++)
        add(&b, i, 12345 + 64 * 64 * 64);
    advance(&b, 12345 + 64 * 64 * 64 - 1);
    assert_int_equal(b.taken, 0);
    for (unsigned i = 0; i < DUES; i += 2)
        take_away(&b, i);
    for (unsigned i = 0; i < DUES; i += 2) /* once more does nothing */
        take_away(&b, i);
    advance(&b, 12345 + 64 * 64 * 64);
    assert_int_equal(b.taken, DUES / 2);
}

/* What is over at once is taken out by the next look, without time going on. */
static void the_past_is_as_good_as_now(void **state)
{
    static struct bench b;

    (void)state;
    begin(&b, 1000);
    add(&b, 0, 0);
    add(&b, 1, 999);
    add(&b, 2, 1000);
    add(&b, 3, 1001);
    advance(&b, 1000);
    assert_int_equal(b.taken, 3);
    assert_true(wheel_next(&b.wheel) == 1001);
    advance(&b, 1001);
    assert_int_equal(b.taken, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAYS("a wheel is a sorted list, in 90,000 random steps", a_wheel_is_a_sorted_list),
        SAYS("each time is met exactly, around every power of two", each_time_is_met_exactly),
        SAYS("a few looks are enough, however far the time is", a_few_looks_are_enough),
        SAYS("all of one time come at once, but those taken away", all_of_one_time_come_at_once),
        SAYS("the past is as good as now", the_past_is_as_good_as_now),
    };

    return cmocka_run_group_tests_name("deadlines", tests, NULL, NULL);
}
