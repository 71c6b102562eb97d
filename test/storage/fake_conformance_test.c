/* The fake storage in good health conforms, wherever it completes. */
#include "conformance.h"
#include "fake.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include <cmocka.h>

struct health {
    struct fake *fake;
    bool outside;
    unsigned bell_times;
};

static int make(void *data, breaker_storage_t **storage)
{
    struct health *health = data;
    health->fake = fake_create(1);
    fake_switches(health->fake)->outside = health->outside;
    fake_switches(health->fake)->bell_times = health->bell_times;
    *storage = fake_storage(health->fake);
    return 0;
}

static void destroy(void *data, breaker_storage_t *storage)
{
    struct health *health = data;
    (void)storage;
    fake_destroy(health->fake);
}

static void pass(void *data, breaker_storage_t *storage, uint64_t ms)
{
    struct health *health = data;
    (void)storage;
    fake_advance(health->fake, ms);
}

static int conformance(bool outside, unsigned bell_times)
{
    struct health health = {.outside = outside, .bell_times = bell_times};
    struct conformance_subject subject = {.name = outside ? "fake, outside submit" : "fake",
                                          .data = &health,
                                          .make = make,
                                          .destroy = destroy,
                                          .pass = pass};
    return breaker_storage_conformance(&subject);
}

static void conforms(void **state)
{
    (void)state;
    assert_int_equal(conformance(false, 1), 0);
    assert_int_equal(conformance(true, 1), 0);
    assert_int_equal(conformance(true, 3), 0); /* a bell may be doubled */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conforms),
    };
    return cmocka_run_group_tests_name("fake, conformance", tests, NULL, NULL);
}
