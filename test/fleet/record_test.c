/* The record as text: there and back, and from hostile hands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "circuit/fleet/record.h"
#include <cmocka.h>

static const struct record sample = {.epoch = 1754000000123,
                                     .since = 1754000000120,
                                     .nonce = 0x0badcafe,
                                     .writer = 0xc0ffee,
                                     .duration = 5000,
                                     .recovery_time = 10000,
                                     .ok = 3,
                                     .failed = 17,
                                     .error = -110,
                                     .reporters = 7,
                                     .policy = 48879,
                                     .state = BREAKER_BROKEN,
                                     .trips = 1};
static const char text[] =
    "1 1754000000123 0badcafe BROKEN 1754000000120 5000 10000 1 7 00c0ffee 48879 0 3 17 0 -110";

static void is_readable(void **state)
{
    char written[BREAKER_VALUE_MAX];

    (void)state;
    assert_int_equal(record_write(&sample, written), strlen(text));
    assert_memory_equal(written, text, strlen(text));
}

static void comes_back(void **state)
{
    struct record record;

    (void)state;
    assert_true(record_read(&record, text, strlen(text)));
    assert_true(record_same(&record, &sample));
}

/* The longest that can be read fits into a value. */
static void longest(void **state)
{
    struct record record = {.epoch = 99999999999999,
                            .since = 99999999999999,
                            .nonce = UINT32_MAX,
                            .writer = UINT32_MAX,
                            .duration = UINT32_MAX,
                            .recovery_time = BREAKER_TIME_MAX,
                            .ok = UINT32_MAX,
                            .failed = UINT32_MAX,
                            .slow = UINT32_MAX,
                            .error = INT32_MIN,
                            .reporters = UINT16_MAX,
                            .policy = UINT16_MAX,
                            .state = BREAKER_RECOVERING,
                            .hold = BREAKER_HOLD_WATCH,
                            .trips = UINT8_MAX};
    char written[BREAKER_VALUE_MAX];
    struct record back;
    uint16_t length;

    (void)state;
    record_trim(&record);
    length = record_write(&record, written);
    assert_true(length <= BREAKER_VALUE_MAX);
    assert_true(record_read(&back, written, length));
    assert_true(record_same(&record, &back));
}

static void refused(const char *bytes)
{
    struct record record = sample;

    if (record_read(&record, bytes, strlen(bytes)))
        fail_msg("was read: %s", bytes);
    assert_true(record_same(&record, &sample));
}

static void hostile(void **state)
{
    (void)state;
    refused("");
    refused(" ");
    refused("1");
    refused("2 1 00000000 PASSING 0 0 0 0 1 00000000 0 0 0 0 0 0");
    refused("1 0 00000000 PASSING 0 0 0 0 1 00000000 0 0 0 0 0 0");
    refused("1 1 0000000 PASSING 0 0 0 0 1 00000000 0 0 0 0 0 0");
    refused("1 1 0000000G PASSING 0 0 0 0 1 00000000 0 0 0 0 0 0");
    refused("1 1 00000000 passing 0 0 0 0 1 00000000 0 0 0 0 0 0");
    refused("1 1 00000000 PASSING 0 0 0 0 0 00000000 0 0 0 0 0 0");
    refused("1 1 00000000 PASSING 0 0 0 256 1 00000000 0 0 0 0 0 0");
    refused("1 1 00000000 PASSING 0 0 0 0 65536 00000000 0 0 0 0 0 0");
    refused("1 1 00000000 PASSING 0 0 0 0 1 00000000 0 4 0 0 0 0");
    refused("1 1 00000000 PASSING 0 0 0 0 1 00000000 0 0 10000000 0 0 0");
    refused("1 1 00000000 PASSING 0 0 0 0 1 00000000 0 0 0 0 0 100000");
    refused("1 1 00000000 PASSING 0 0 0 0 1 00000000 0 0 0 0 0 -");
    refused("1 1 00000000 PASSING 0 0 0 0 1 00000000 0 0 0 0 0 -0");
    refused("1 1 00000000 PASSING 0 0 0 0 1 00000000 0 0 0 0 0");
    refused("1 1 00000000 PASSING 0 0 0 0 1 00000000 0 0 0 0 0 0 ");
    refused("1 1 00000000 PASSING 0 0 0 0 1 00000000 0 0 0 0 0 0 0");
    refused("1 01 00000000 PASSING 0 0 0 0 1 00000000 0 0 0 0 0 0");
    refused("1 1  00000000 PASSING 0 0 0 0 1 00000000 0 0 0 0 0 0");
    refused("1 100000000000000 00000000 PASSING 0 0 0 0 1 00000000 0 0 0 0 0 0");
    refused("1 18446744073709551617 00000000 PASSING 0 0 0 0 1 00000000 0 0 0 0 0 0");
    refused("1 1 00000000 BROKEN 0 172800001 0 0 1 00000000 0 0 0 0 0 0");
    refused("1 1 00000000 BROKEN 0 0 86400001 0 1 00000000 0 0 0 0 0 0");
}

/* Of any change to a byte, what can still be read says something else, and can be written again. */
static void changed_bytes(void **state)
{
    char bytes[sizeof text], again[BREAKER_VALUE_MAX];
    struct record record;

    (void)state;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(bytes, text, sizeof text);
            bytes[i] = (char)byte;
            if (!record_read(&record, bytes, sizeof text - 1))
                continue;
            assert_int_equal(record_write(&record, again), sizeof text - 1);
            assert_memory_equal(again, bytes, sizeof text - 1);
            assert_true(record_same(&record, &sample) == (bytes[i] == text[i]));
        }
        assert_true(i > sizeof text - 4 ||
                    !record_read(&record, text, i)); /* -11 is an error too */
    }
}

static void order(void **state)
{
    struct record a = sample, b = sample;

    (void)state;
    assert_int_equal(record_compare(&a, &b), 0);
    b.nonce++;
    assert_true(record_compare(&a, &b) < 0);
    a.epoch++;
    assert_true(record_compare(&a, &b) > 0);
    assert_false(record_same(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_readable), cmocka_unit_test(comes_back),    cmocka_unit_test(longest),
        cmocka_unit_test(hostile),     cmocka_unit_test(changed_bytes), cmocka_unit_test(order),
    };

    return cmocka_run_group_tests_name("fleet record", tests, NULL, NULL);
}
