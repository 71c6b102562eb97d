/* What the guards allocate for each operation, by the bench's own count: those of libuv's requests
 * nothing beyond libuv itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <mallocs.h>
#include <string.h>

static unsigned counted;

/* Warming up, a thread of the pool may allocate once in many operations; a guard would each time. */
static void take(struct row *row, const char *guard, double mallocs)
{
    (void)row;
    counted++;
    if (mallocs > 0.5)
        fail_msg("%s: %.2f blocks for each operation", guard, mallocs);
}

static void the_guards_allocate_nothing(void **state)
{
    struct row row;

    (void)state;
    if (!mallocs_are_counted())
        skip();
    memset(&row, 0, sizeof row);
    mallocs_of_guards(40, &row, take);
    assert_int_equal(counted, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_guards_allocate_nothing)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
