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
    server_start(&server, true);
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

static bool holds(const char *key, const char *value)
{
    redisReply *reply = server_ask(&server, "GET %s", key);
    bool does = reply->str != NULL && strcmp(reply->str, value) == 0;
    freeReplyObject(reply);
    return does;
}

/* One layout and two, by the words that the state is said in. */
static void the_others_of_the_family(void **state)
{
    static const char *const rows[][3] = {{"asyncbreaker", "ns:asyncbreaker:state", "open"},
                                          {"aiobreaker", "ns:aiobreaker:state", "OPEN"},
                                          {"infuse", "infuse:ns:state", "open"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        a_trip_is_seen(rows[i][0], "--namespace", "ns");
        assert_true(holds(rows[i][1], rows[i][2]));
        a_reset_is_seen();
        hang_up(NULL);
    }
}

/* ---- Where Redis is, in words */

static void a_trip_is_seen_at(const char *here, const char *there)
{
    SPEAKER_START(&first, "--storage", here, "--name", "svc", "--broken-time", "60000");
    SPEAKER_START(&second, "--storage", there, "--name", "svc", "--broken-time", "60000");
    speaker_ask(&first, "state");
    speaker_ask(&second, "state");
    speaker_ask(&first, "trip");
    speaker_ask(&second, "call ok");
    for (int i = 0; i < 200 && speaker_is(&second, "admitted"); i++) {
        speaker_ask(&second, "wait 20");
        speaker_ask(&second, "call ok");
    }
    assert_string_equal(speaker_text(&second, "state"), "BROKEN");
}

static void urls(void **state)
{
    char tcp[128], local[160];
    (void)state;
    server_do(&server, "ACL SETUSER me on >pass:word ~* &* +@all");
    snprintf(tcp, sizeof tcp, "redis://me:pass%%3Aword@127.0.0.1:%d/5", server.port);
    snprintf(local, sizeof local, "unix:%s?db=5", server.path);
    a_trip_is_seen_at(tcp, local);
    server_do(&server, "SELECT 5");
    assert_int_equal(server_number(&server, "EXISTS {svc}:1:r"), 1);
    redisReply *reply = server_ask(&server, "CLIENT LIST");
    assert_non_null(strstr(reply->str, "user=me"));
    freeReplyObject(reply);
    server_do(&server, "SELECT 0");
    assert_int_equal(server_number(&server, "DBSIZE"), 0);
    server_do(&server, "ACL DELUSER me");
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

/* NULL: it is about the whole storage. */
static const char *name_in(const char *event)
{
    return json_string_value(json_object_get(speaker_event(&first, event), "name"));
}

static void the_storage_goes_and_comes(void **state)
{
    (void)state;
    SPEAKER_START(&first, "--storage", url, "--dialect", "pybreaker", "--backoff-min", "10",
                  "--backoff-max", "50", "--fail-max", "1");
    speaker_ask(&first, "state");
    server_kill(&server);
    is_told(&first, "storage_lost");
    assert_null(name_in("storage_lost"));
    speaker_ask(&first, "call fail");
    assert_true(speaker_is(&first, "admitted"));
    speaker_ask(&first, "call fail");
    assert_true(speaker_is(&first, "admitted"));
    server_restart(&server);
    is_told(&first, "storage_found");
    assert_null(name_in("storage_found"));
    speaker_ask(&first, "call fail");
    assert_string_equal(speaker_text(&first, "state"), "BROKEN");
}

/* Something else is where one circuit's record would be: that is about this circuit. */
static void a_key_is_taken(void **state)
{
    (void)state;
    server_do(&server, "LPUSH {svc}:1:r squatter");
    SPEAKER_START(&first, "--storage", url, "--name", "svc");
    speaker_ask(&first, "call ok");
    is_told(&first, "storage_lost");
    assert_string_equal(name_in("storage_lost"), "svc");
    server_do(&server, "DEL {svc}:1:r");
    for (int i = 0; i < 200 && speaker_event(&first, "storage_found") == NULL; i++) {
        speaker_ask(&first, "call ok");
        speaker_ask(&first, "wait 50");
    }
    assert_string_equal(name_in("storage_found"), "svc");
}

/* A name that is not UTF-8 is one in Redis as anywhere, and is listed as it is told. */
static void a_name_of_any_bytes(void **state)
{
    static const char name[] = "\xee\xbf\xbf\xee\xbf\xbe"; /* as print.h has it */

    (void)state;
    SPEAKER_START(&first, "--storage", url, "--name", "\xff\xfe");
    SPEAKER_START(&second, "--storage", url, "--name", "other");
    speaker_ask(&first, "trip");
    assert_string_equal(name_in("state_change"), name);
    speaker_ask(&first, "reset");
    for (int i = 0; i < 200 && !lists(&second, name); i++) {
        speaker_ask(&first, "call ok");
        speaker_ask(&first, "wait 20");
    }
    assert_true(lists(&second, name));
}

#define TEST(name) cmocka_unit_test_teardown(name, hang_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(family),
        TEST(the_others_of_the_family),
        TEST(urls),
        TEST(lasier),
        TEST(requests),
        TEST(native),
        TEST(circuits_are_listed),
        TEST(the_storage_goes_and_comes),
        TEST(a_key_is_taken),
        TEST(a_name_of_any_bytes),
    };
    return cmocka_run_group_tests(tests, start, end);
}
