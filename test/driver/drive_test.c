/* The drive on memory: every command, in the words of a script; what is wrong in them is
 * named. drive_arguments_test.c is about what is wrong before. */
#include "speaker.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct speaker s;

static int end(void **state)
{
    (void)state;
    speaker_end(&s);
    return 0;
}

static void calls(const char *line, bool admitted)
{
    speaker_ask(&s, line);
    assert_string_equal(speaker_text(&s, "op"), "call");
    assert_int_equal(speaker_is(&s, "admitted"), admitted);
}

static void is_in(const char *line, const char *wanted)
{
    speaker_ask(&s, line);
    assert_string_equal(speaker_text(&s, "state"), wanted);
}

static void outcomes(void **state)
{
    (void)state;
    SPEAKER_START(&s, "--min-calls", "100", "--slow-ratio", "0.9", "--slow-time", "5000",
                  "--excluded-outcome", "success");
    calls("call ok", true);
    calls("call fail", true);
    calls("call slow", true);
    calls("call ignored", true);
    calls("call cancelled", true);
    calls("call base", true);
    calls("call excluded", true);
    assert_int_equal(speaker_number(&s, "counts.ok"), 3);
    assert_int_equal(speaker_number(&s, "counts.failed"), 1);
    assert_int_equal(speaker_number(&s, "counts.slow"), 1);
    assert_int_equal(speaker_number(&s, "totals.ignored"), 1);
    assert_int_equal(speaker_number(&s, "totals.cancelled"), 2);
    assert_int_equal(speaker_number(&s, "totals.admitted"), 7);
    is_in("snapshot", "PASSING");
    assert_int_equal(speaker_number(&s, "epoch"), 1);
    is_in("quit", "PASSING");
    assert_int_equal(speaker_end(&s), 0);
    assert_string_equal(s.complaint, "");
}

static void a_trip_and_a_recovery(void **state)
{
    (void)state;
    SPEAKER_START(&s, "--consecutive-failures", "2", "--recovery", "trial", "--broken-time",
                  "60000");
    calls("call fail", true);
    calls("call fail", true);
    assert_string_equal(speaker_text(&s, "state"), "BROKEN");
    assert_true(speaker_was_told(&s, "state_change", "BROKEN", "here"));
    calls("call ok", false);
    assert_true(speaker_number(&s, "retry_after") > 0);
    assert_int_equal(speaker_number(&s, "last_error"), -111);
    is_in("half_open", "RECOVERING");
    speaker_ask(&s, "begin one");
    assert_true(speaker_is(&s, "admitted"));
    assert_string_equal(speaker_text(&s, "state"), "RECOVERING");
    speaker_ask(&s, "begin two");
    assert_false(speaker_is(&s, "admitted"));
    speaker_ask(&s, "end one ok");
    assert_string_equal(speaker_text(&s, "id"), "one");
    assert_string_equal(speaker_text(&s, "state"), "PASSING");
    assert_true(speaker_was_told(&s, "state_change", "PASSING", "here"));
}

static void time_passes(void **state)
{
    (void)state;
    SPEAKER_START(&s, "--broken-time", "30", "--recovery", "immediate");
    speaker_ask(&s, "trip");
    is_in("wait 40", "BROKEN");
    calls("call ok", true);
    assert_string_equal(speaker_text(&s, "state"), "PASSING");
}

static void management(void **state)
{
    static const struct {
        const char *line, *state;
    } orders[] = {{"trip", "BROKEN"},  {"recover", "RECOVERING"},   {"reset", "PASSING"},
                  {"open", "BROKEN"},  {"half_open", "RECOVERING"}, {"close", "PASSING"},
                  {"state", "PASSING"}};

    (void)state;
    SPEAKER_START(&s, "--name", "managed");
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        is_in(orders[i].line, orders[i].state);
    speaker_ask(&s, "hold open");
    assert_string_equal(speaker_text(&s, "hold"), "open");
    calls("call ok", false);
    speaker_ask(&s, "hold closed");
    is_in("trip", "BROKEN");
    calls("call fail", true);
    speaker_ask(&s, "hold watch");
    calls("call ok", true);
    speaker_ask(&s, "hold none");
    calls("call ok", false);
    assert_string_equal(speaker_text(&s, "hold"), "none");
}

static void calls_that_take_their_time(void **state)
{
    (void)state;
    SPEAKER_START(&s, "--timeout", "20");
    speaker_ask(&s, "begin late");
    assert_true(speaker_is(&s, "admitted"));
    for (int i = 0; i < 100 && !speaker_was_told(&s, "call_over", NULL, NULL); i++)
        speaker_ask(&s, "wait 20");
    assert_true(speaker_was_told(&s, "call_over", NULL, NULL));
    assert_int_equal(speaker_number(&s, "totals.timed_out"), 1);
    speaker_ask(&s, "end late ok");
    assert_true(speaker_is(&s, "late"));
    speaker_ask(&s, "begin open"); /* and it is still open at the end */
}

static void has_error(const char *line, const char *field)
{
    speaker_ask(&s, line);
    assert_non_null(speaker_text(&s, "error"));
    assert_string_equal(speaker_text(&s, "field"), field);
}

static void wrong_commands(void **state)
{
    (void)state;
    SPEAKER_START(&s, "--storage", "memory");
    has_error("jump", "jump");
    has_error("call", "OUTCOME");
    has_error("call well", "well");
    has_error("begin", "ID");
    has_error("end nobody ok", "nobody");
    has_error("hold on", "on");
    has_error("wait long", "long");
    has_error("wait -1", "-1");
    speaker_ask(&s, "begin one");
    has_error("begin one", "one");
    has_error("end one well", "well");
    assert_int_equal(write(s.to, "begin a\0b\n", 10), 10);
    assert_non_null(json_object_get(speaker_hear(&s), "error"));
    assert_int_equal(write(s.to, "\0trip\n", 6), 6);
    assert_non_null(json_object_get(speaker_hear(&s), "error"));
    speaker_say(&s, "");
    speaker_ask(&s, "  state  ");
    assert_string_equal(speaker_text(&s, "op"), "state");
}

/* Lines without waiting for answers, and no newline after the last: all are answered, in order. */
static void the_end_of_input(void **state)
{
    (void)state;
    SPEAKER_START(&s, "--min-calls", "5");
    for (int i = 0; i < 50; i++)
        speaker_say(&s, "call ok");
    speaker_say(&s, "wait 20");
    assert_int_equal(write(s.to, "state", 5), 5);
    assert_int_equal(close(s.to), 0);
    for (int i = 1; i <= 50; i++) {
        speaker_hear(&s);
        assert_int_equal(speaker_number(&s, "totals.ok"), i);
    }
    assert_string_equal(json_string_value(json_object_get(speaker_hear(&s), "op")), "wait");
    assert_string_equal(json_string_value(json_object_get(speaker_hear(&s), "op")), "state");
    s.to = dup(0);
    assert_int_equal(speaker_end(&s), 0);
}

static void dialects(void **state)
{
    (void)state;
    SPEAKER_START(&s, "--dialect", "pybreaker", "--fail-max", "2", "--success-threshold", "2",
                  "--reset-timeout", "0.05");
    calls("call fail", true);
    assert_int_equal(speaker_number(&s, "fail_counter"), 1);
    calls("call fail", true);
    assert_true(speaker_is(&s, "tripped"));
    assert_string_equal(speaker_text(&s, "state"), "BROKEN");
    speaker_ask(&s, "wait 60");
    calls("call excluded", true); /* as a success */
    assert_int_equal(speaker_number(&s, "success_counter"), 1);
    is_in("close", "PASSING");
    calls("call base", true); /* as a failure */
    assert_int_equal(speaker_number(&s, "fail_counter"), 1);
    speaker_end(&s);
    SPEAKER_START(&s, "--dialect", "pybreaker", "--excluded-outcome", "failure");
    calls("call excluded", true);
    assert_int_equal(speaker_number(&s, "fail_counter"), 1);
    speaker_end(&s);
    SPEAKER_START(&s, "--dialect", "lasier", "--failure-key", "f", "--request-key", "r",
                  "--max-failures-percentage", "50", "--min-accepted-requests", "1",
                  "--failure-timeout", "10", "--circuit-timeout", "10");
    calls("call ok", true);
    calls("call fail", true);
    assert_string_equal(speaker_text(&s, "state"), "BROKEN");
    speaker_end(&s);
    SPEAKER_START(&s, "--dialect", "requests", "--service", "svc", "--ttl", "10",
                  "--percent-failed", "50", "--re-enable-after", "10", "--minimum-failures", "2");
    calls("call ok", true);
    calls("call fail", true);
    calls("call fail", true);
    assert_int_equal(speaker_number(&s, "errors"), 2);
    assert_string_equal(speaker_text(&s, "state"), "BROKEN");
    speaker_end(&s);
    SPEAKER_START(&s, "--dialect", "aiomisc", "--response-time", "5", "--error-ratio", "0.3");
    calls("call ok", true);
    assert_int_equal(speaker_number(&s, "buckets"), 1);
}

#define TEST(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(outcomes),
        TEST(a_trip_and_a_recovery),
        TEST(time_passes),
        TEST(management),
        TEST(calls_that_take_their_time),
        TEST(wrong_commands),
        TEST(the_end_of_input),
        TEST(dialects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
