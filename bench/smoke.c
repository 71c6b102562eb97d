/* That the bench runs, and that each of its rows appears once and is well-formed. What the figures
 * say is nobody's business here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const ROWS[] = {
    "pair_success",
    "pair_failure",
    "refused",
    "call_batch_1",
    "call_batch_16",
    "call_batch_256",
    "mallocs_per_call",
    "bytes_per_breaker_1k",
    "bytes_per_breaker_1m",
    "growth_1m",
    "two_loops",
    "echo_share",
    "echo_guard_share",
#ifdef BENCH_REDIS
    "redis_call",
    "redis_calls_per_s",
    "redis_transactions_per_call",
    "redis_trip_p50_us",
    "redis_trip_p99_us",
#endif
};
#define ROW_COUNT (sizeof ROWS / sizeof *ROWS)

static const char *bench; /* the program */
static char path[] = "/tmp/breaker-bench-XXXXXX";

static int run(const char *arguments)
{
    char command[8192];

    snprintf(command, sizeof command, "'%s' %s", bench, arguments);
    return system(command);
}

static void is_number_or_null(const json_t *row, const char *field)
{
    const json_t *value = json_object_get(row, field);

    assert_non_null(value);
    assert_true(json_is_number(value) || json_is_null(value));
}

static void is_row(const char *line, const char *name)
{
    json_error_t error;
    json_t *row = json_loads(line, JSON_REJECT_DUPLICATES, &error);

    assert_non_null(row);
    assert_string_equal(json_string_value(json_object_get(row, "row")), name);
    assert_true(json_is_string(json_object_get(row, "unit")));
    assert_true(json_is_boolean(json_object_get(row, "holds")));
    assert_true(json_is_number(json_object_get(row, "must")));
    is_number_or_null(row, "value");
    is_number_or_null(row, "limit");
    is_number_or_null(row, "ratio");
    json_decref(row);
}

static void every_row_appears_and_is_well_formed(void **state)
{
    char arguments[4096];
    char line[4096];
    size_t count = 0;

    (void)state;
    snprintf(arguments, sizeof arguments, "--quick --json %s", path);
    assert_int_equal(run(arguments), 0);
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        assert_true(count < ROW_COUNT);
        is_row(line, ROWS[count++]);
    }
    fclose(file);
    assert_int_equal(count, ROW_COUNT);
}

static void chosen_rows_alone_are_run(void **state)
{
    char arguments[4096];
    char line[4096];

    (void)state;
    snprintf(arguments, sizeof arguments, "--quick --rows refused --json %s", path);
    assert_int_equal(run(arguments), 0);
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    is_row(line, "refused");
    assert_null(fgets(line, sizeof line, file));
    fclose(file);
}

static void what_is_not_understood_is_said(void **state)
{
    (void)state;
    assert_int_not_equal(run("--rows no_such_row 2>/dev/null"), 0);
    assert_int_not_equal(run("--no-such-option 2>/dev/null"), 0);
    assert_int_not_equal(run("--quick --rows refused --json /no/such/place 2>/dev/null"), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_appears_and_is_well_formed),
        cmocka_unit_test(chosen_rows_alone_are_run),
        cmocka_unit_test(what_is_not_understood_is_said),
    };

    if (argc != 2) {
        return 2;
    }
    bench = argv[1];
    int file = mkstemp(path);

    if (file < 0) {
        return 2;
    }
    close(file);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    unlink(path);
    return failed;
}
