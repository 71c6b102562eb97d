/* Two drives on one Redis: each sees what the other did, and what becomes of the storage. */
#include "server.h"
#include "speaker.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct server server;
static struct speaker first, second;
static char url[128];

static int start(void **state)
{
    (void)state;
    server_start(&server, false);
    snprintf(url, sizeof url, "unix:%s", server.path);
    return 0;
}

static int end(void **state)
{
    (void)state;
    server_end(&server);
    return 0;
}

static int hang_up(void **state)
{
    (void)state;
    speaker_end(&first);
    speaker_end(&second);
    if (server.pid == 0)
        server_restart(&server);
    server_do(&server, "FLUSHALL");
    return 0;
}

static void both(const char *dialect, const char *name, const char *value)
{
    SPEAKER_START(&first, "--storage", url, "--dialect", dialect, name, value);
    SPEAKER_START(&second, "--storage", url, "--dialect", dialect, name, value);
    speaker_ask(&first, "state");
    speaker_ask(&second, "state");
    assert_string_equal(speaker_text(&second, "state"), "PASSING");
}

static void a_trip_is_seen(const char *dialect, const char *name, const char *value)
{
    both(dialect, name, value);
    speaker_ask(&first, "trip");
    assert_true(speaker_was_told(&first, "state_change", "BROKEN", "here"));
    speaker_ask(&second, "call ok");
    assert_false(speaker_is(&second, "admitted"));
    assert_string_equal(speaker_text(&second, "state"), "BROKEN");
    assert_true(speaker_was_told(&second, "state_change", "BROKEN", "elsewhere"));
}

static void a_reset_is_seen(void)
{
    speaker_ask(&second, "close");
    speaker_ask(&first, "state");
    assert_string_equal(speaker_text(&first, "state"), "PASSING");
}

static void family(void **state)
{
    (void)state;
    a_trip_is_seen("pybreaker", "--namespace", "ns");
    a_reset_is_seen();
    assert_int_equal(server_number(&server, "EXISTS ns:pybreaker:state"), 1);
}

static void lasier(void **state)
{
    (void)state;
    a_trip_is_seen("lasier", "--failure-key", "f");
    a_reset_is_seen();
}

static void requests(void **state)
{
    (void)state;
    a_trip_is_seen("requests", "--service", "svc");
}

/* Nobody speaks to it meanwhile: its own work goes on between commands. */
static void is_told(struct speaker *speaker, const char *event)
{
    for (int i = 0; i < 200 && !speaker_was_told(speaker, event, NULL, NULL); i++)
        speaker_ask(speaker, "wait 50");
    assert_true(speaker_was_told(speaker, event, NULL, NULL));
}

static void native(void **state)
{
    (void)state;
    SPEAKER_START(&first, "--storage", url, "--name", "svc", "--broken-time", "60000");
    SPEAKER_START(&second, "--storage", url, "--name", "svc", "--broken-time", "60000");
    speaker_ask(&first, "state");
    speaker_ask(&second, "state");
    speaker_ask(&first, "trip");
    assert_string_equal(speaker_text(&first, "state"), "BROKEN");
    is_told(&second, "state_change");
    assert_true(speaker_was_told(&second, "state_change", "BROKEN", "elsewhere"));
    speaker_ask(&second, "call ok");
    assert_false(speaker_is(&second, "admitted"));
}

static bool lists(struct speaker *speaker, const char *name)
{
    json_t *circuits, *one;
    size_t i;

    circuits = json_object_get(speaker_ask(speaker, "list"), "circuits");
    json_array_foreach(circuits, i, one) if (strcmp(json_string_value(one), name) == 0) return true;
    return false;
}

/* A circuit is in the list of its fleet when it has been used, and not by being made. */
static void circuits_are_listed(void **state)
{
    (void)state;
    SPEAKER_START(&first, "--storage", url, "--name", "one");
    SPEAKER_START(&second, "--storage", url, "--name", "the other");
    speaker_ask(&first, "state");
    speaker_ask(&second, "state");
    assert_int_equal(server_number(&server, "DBSIZE"), 0);
    for (int i = 0; i < 200 && !lists(&second, "one"); i++) {
        speaker_ask(&first, "call ok");
        speaker_ask(&first, "wait 20");
    }
    assert_true(lists(&second, "one"));
    assert_false(lists(&second, "the other"));
}

static void the_storage_goes_and_comes(void **state)
{
    (void)state;
    SPEAKER_START(&first, "--storage", url, "--dialect", "pybreaker", "--backoff-min", "10",
                  "--backoff-max", "50", "--fail-max", "1");
    speaker_ask(&first, "state");
    server_kill(&server);
    is_told(&first, "storage_lost");
    speaker_ask(&first, "call fail");
    assert_true(speaker_is(&first, "admitted"));
    speaker_ask(&first, "call fail");
    assert_true(speaker_is(&first, "admitted"));
    server_restart(&server);
    is_told(&first, "storage_found");
    speaker_ask(&first, "call fail");
    assert_string_equal(speaker_text(&first, "state"), "BROKEN");
}

#define TEST(name) cmocka_unit_test_teardown(name, hang_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(family),
        TEST(lasier),
        TEST(requests),
        TEST(native),
        TEST(circuits_are_listed),
        TEST(the_storage_goes_and_comes),
    };
    return cmocka_run_group_tests(tests, start, end);
}
