/* What is wrong in a drive's arguments is said on both outputs, by the argument's name; nothing is passed
 * over, and no password is shown. */
#include "speaker.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct speaker s;

static int end(void **state)
{
    (void)state;
    speaker_end(&s);
    return 0;
}

/* One line on each output: for scripts the name with underscores, for people with dashes. */
static void is_refused(const char *const *arguments, const char *wanted)
{
    char field[64], start[80];

    snprintf(field, sizeof field, "%s", wanted + strspn(wanted, "-"));
    for (char *c = field; *c != '\0'; c++)
        *c = *c == '-' ? '_' : *c;
    snprintf(start, sizeof start, "drive: %s: ", wanted);
    speaker_start(&s, arguments);
    speaker_hear(&s);
    assert_non_null(speaker_text(&s, "error"));
    assert_string_equal(speaker_text(&s, "field"), field);
    assert_true(speaker_is_silent(&s));
    assert_int_equal(speaker_end(&s), 2);
    assert_memory_equal(s.complaint, start, strlen(start));
    assert_ptr_equal(strchr(s.complaint, '\n'), s.complaint + strlen(s.complaint) - 1);
}

struct wrong {
    const char *arguments[7], *name;
};

static void are_refused(const struct wrong *wrong, size_t count)
{
    for (size_t i = 0; i < count; i++)
        is_refused(wrong[i].arguments, wrong[i].name);
}
#define ARE_REFUSED(wrong) are_refused((wrong), sizeof(wrong) / sizeof *(wrong))

static void wrong_values(void **state)
{
    static const struct wrong wrong[] = {
        {{"--error-ratio", "2"}, "--error-ratio"},
        {{"--error-ratio", "half"}, "--error-ratio"},
        {{"--recovery", "slowly"}, "--recovery"},
        {{"--share", "some"}, "--share"},
        {{"--on-outage", "panic"}, "--on-outage"},
        {{"--name", ""}, "--name"},
        {{"--storage", "paper"}, "--storage"},
        {{"--storage-timeout", "0"}, "--storage-timeout"},
        {{"--max-turns", "0"}, "--max-turns"},
        {{"--dialect", "latin"}, "--dialect"},
        {{"--dialect", "lasier", "--failure-timeout", "0.5"}, "--failure-timeout"},
        {{"--dialect", "pybreaker", "--fail-max", "many"}, "--fail-max"},
        {{"--dialect", "requests", "--ttl", "soon"}, "--ttl"},
        {{"--dialect", "requests", "--re-enable-after", "0.5"}, "--re-enable-after"},
        {{"--dialect", "pybreaker", "--reset-timeout", "off"}, "--reset-timeout"},
    };

    (void)state;
    ARE_REFUSED(wrong);
}

static void wrong_names(void **state)
{
    static const struct wrong wrong[] = {
        {{"--colour", "red"}, "--colour"},
        {{"colour", "red"}, "colour"},
        {{"--window"}, "--window"},
        {{"--name", "x", "--window"}, "--window"},
        {{"--window", "10000", "state"}, "state"},
        {{"--name", "a", "--name", "a"}, "--name"},
        {{"--min-calls", "5", "--name", "a", "--min-calls", "5"}, "--min-calls"},
        {{"--min-calls", "5", "--min_calls", "5"}, "--min-calls"},
        {{"--dialect", "lasier", "--dialect", "requests"}, "--dialect"},
        {{"--storage", "memory", "--storage", "memory"}, "--storage"},
    };

    (void)state;
    ARE_REFUSED(wrong);
}

/* Of each kind: a time, a count, a ratio, seconds. */
static void wrong_numbers(void **state)
{
    static const char *const numbers[] = {
        "",    " ",   " 5",  "5 ", "5x", "0x10", "-5",  "+5", "1e999",
        "nan", "inf", "5,0", "-1", ".",  "5e",   "\t5", "-0", "99999999999999999999"};

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const struct wrong wrong[] = {
            {{"--window", numbers[i]}, "--window"},
            {{"--min-calls", numbers[i]}, "--min-calls"},
            {{"--broken-factor", numbers[i]}, "--broken-factor"},
            {{"--dialect", "pybreaker", "--reset-timeout", numbers[i]}, "--reset-timeout"},
        };
        ARE_REFUSED(wrong);
    }
    is_refused((const char *const[]){"--min-calls", "5000000000", NULL}, "--min-calls");
    is_refused((const char *const[]){"--slow-ratio", "-1", NULL}, "--slow-ratio"); /* as off */
    is_refused((const char *const[]){"--slow-ratio", "0x.8", NULL}, "--slow-ratio");
    is_refused((const char *const[]){"--slow-ratio", " 0.5", NULL}, "--slow-ratio");
}

static void good_numbers(void **state)
{
    (void)state;
    SPEAKER_START(&s, "--slow-ratio", "off", "--error-ratio", "5e-1", "--broken-jitter", ".25",
                  "--broken-factor", "2", "--min-calls", "007");
    speaker_ask(&s, "state");
    assert_string_equal(speaker_text(&s, "state"), "PASSING");
}

/* What would have no meaning, each beside what takes it away. */
static void what_does_not_go_together(void **state)
{
#define NATIVE(name, value)                           \
    {                                                 \
        {"--dialect", "pybreaker", name, value}, name \
    }
    static const struct wrong wrong[] = {
        NATIVE("--window", "10000"),
        NATIVE("--window", "0"),
        NATIVE("--error-ratio", "0.5"),
        NATIVE("--min-calls", "5"),
        NATIVE("--share", "counts"),
        NATIVE("--sync-interval", "10"),
        NATIVE("--on-outage", "refuse"),
        {{"--window", "0", "--dialect", "pybreaker"}, "--window"},
        {{"--dialect", "lasier", "--success-threshold", "2"}, "--success-threshold"},
        {{"--dialect", "lasier", "--fail-max", "2"}, "--fail-max"},
        {{"--dialect", "requests", "--max-failures", "2"}, "--max-failures"},
        {{"--dialect", "aiobreaker", "--success-threshold", "2"}, "--success-threshold"},
        {{"--dialect", "infuse", "--throw-new-error-on-trip", "0"}, "--throw-new-error-on-trip"},
        {{"--fail-max", "2"}, "--fail-max"},
        {{"--namespace", "ns"}, "--namespace"},
        {{"--failure-key", "f"}, "--failure-key"},
        {{"--ttl", "10"}, "--ttl"},
        {{"--dialect", "lasier", "--max-failures", "2", "--max-failures-percentage", "50"},
         "--max-failures"},
        {{"--dialect", "lasier", "--min-accepted-requests", "2"}, "--min-accepted-requests"},
        {{"--backoff-min", "5"}, "--backoff-min"},
        {{"--prefix", "p", "--storage", "memory"}, "--prefix"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        is_refused(wrong[i].arguments, wrong[i].name);
}

static void the_calls_options_go_with_dialects(void **state)
{
    (void)state;
    SPEAKER_START(&s, "--timeout", "1000", "--dialect", "pybreaker", "--excluded-outcome",
                  "success", "--storage-timeout", "100");
    speaker_ask(&s, "call ok");
    assert_true(speaker_is(&s, "admitted"));
}

/* ---- Passwords ---------------------------------------------------------------------------------*/

static void is_shown(const char *const *arguments, const char *member, const char *wanted)
{
    speaker_start(&s, arguments);
    speaker_hear(&s);
    assert_string_equal(speaker_text(&s, member), wanted);
    speaker_end(&s);
    assert_non_null(strstr(s.complaint, wanted));
    assert_null(strstr(s.complaint, "secret"));
}

static void passwords(void **state)
{
    static const char *const rows[][2] = {
        {"redis://me:secret@host:x", "redis://me:***@host:x"},
        {"redis://:secret@host:0", "redis://:***@host:0"},
        {"redis://me:sec:ret@secret@host/x", "redis://me:***@host/x"},
        {"redis://me:secret://@host/x", "redis://me:***@host/x"},
        {"redis://secret@host", "redis://***@host"},
        {"redis://me:secret/x@host/0", "redis://me:***@host/0"},
        {"rediss://me:secret%zz@host", "rediss://me:***@host"},
        {"http://me:secret@host", "http://me:***@host"},
        {"redis:/me:secret@host", "redis:***@host"},
        {"me:secret@host", "me:***@host"},
        {"unix:/tmp/s?db=0&password=secret", "unix:/tmp/s?db=0&password=***"},
        {"redis://host/0?password=secret@secret", "redis://***"},
        {"redis://me:secret", "redis://me:***"},
        {"redis://:secret/0", "redis://:***"},
        {"redis://host:0/0", "redis://host:0/0"},
        {"redis://[::1]:6390/x", "redis://[::1]:6390/x"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        is_shown((const char *const[]){"--storage", rows[i][0], NULL}, "value", rows[i][1]);
    is_shown((const char *const[]){"redis://me:secret@host", NULL}, "field", "redis://me:***@host");
}

#define TEST(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(wrong_values),
        TEST(wrong_names),
        TEST(wrong_numbers),
        TEST(good_numbers),
        TEST(what_does_not_go_together),
        TEST(the_calls_options_go_with_dialects),
        TEST(passwords),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
