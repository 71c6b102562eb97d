/* What needs no server: options, URLs, and what an error of Redis means. */
#include "redis_error.h"
#include "rig.h"
#include "server.h"
#include <stdlib.h>

static const char *bad_field_of(const breaker_redis_options_t *options)
{
    breaker_storage_t *storage;
    const char *bad_field = "none was set";
    int status = breaker_redis_create(&storage, options, &bad_field);
    if (status == 0) {
        assert_null(bad_field);
        assert_int_equal(breaker_redis_destroy(storage), 0);
        return "";
    }
    assert_null(storage);
    assert_true(status == UV_EINVAL || status == UV_ENOTSUP);
    return bad_field;
}

static void defaults(void **state)
{
    breaker_redis_options_t options;
    (void)state;
    breaker_redis_options_init(&options);
    assert_int_equal(options.size, sizeof options);
    assert_string_equal(options.host, "127.0.0.1");
    assert_int_equal(options.port, 6379);
    assert_int_equal(options.fault_retry, 30000);
    assert_string_equal(bad_field_of(&options), "");
    assert_string_equal(bad_field_of(NULL), "");
    assert_int_equal(breaker_redis_create(NULL, &options, NULL), UV_EINVAL);
    assert_int_equal(breaker_redis_destroy(NULL), UV_EINVAL);
}

#define BAD(field, value)                                     \
    do {                                                      \
        breaker_redis_options_t options_;                     \
        breaker_redis_options_init(&options_);                \
        options_.field = value;                               \
        assert_string_equal(bad_field_of(&options_), #field); \
    } while (0)

static void bad_fields(void **state)
{
    static char lengthy[300];
    (void)state;
    memset(lengthy, 'x', sizeof lengthy - 1);
    BAD(size, 0);
    BAD(size, sizeof(breaker_redis_options_t) + 1);
    BAD(host, NULL);
    BAD(host, "");
    BAD(host, lengthy);
    BAD(port, 0);
    BAD(port, 65536);
    BAD(path, "");
    BAD(path, lengthy);
    BAD(database, 1u << 31);
    BAD(client_name, "two words");
    BAD(client_name, "caf\xc3\xa9");
    BAD(client_name, "a\x7f");
    BAD(prefix, NULL);
    BAD(prefix, lengthy);
    BAD(connect_timeout, 0);
    BAD(transaction_timeout, BREAKER_TIME_MAX + 1);
    BAD(backoff_min, 0);
    BAD(backoff_max, 99);
    BAD(fault_retry, 0);
    BAD(max_pending, 0);
    BAD(max_pending, 65537);
    BAD(max_bytes, 100);
    BAD(max_bytes, (size_t)1 << 30);
    breaker_redis_options_t options;
    breaker_redis_options_init(&options);
    options.user = "without a password";
    assert_string_equal(bad_field_of(&options), "password");
    breaker_redis_options_init(&options);
    options.tls_cert = "without a key";
    assert_string_equal(bad_field_of(&options), "tls_key");
    options.tls_cert = NULL;
    options.tls_key = "without a certificate";
    assert_string_equal(bad_field_of(&options), "tls_cert");
}

/* Options of an earlier, smaller version: what is beyond them has its default. */
static void smaller_options(void **state)
{
    breaker_redis_options_t options;
    (void)state;
    breaker_redis_options_init_sized(&options, offsetof(breaker_redis_options_t, database));
    assert_int_equal(options.size, offsetof(breaker_redis_options_t, database));
    assert_string_equal(bad_field_of(&options), "");
}

#ifndef BREAKER_HAVE_HIREDIS_SSL
static void tls_that_is_not(void **state)
{
    breaker_redis_options_t options;
    breaker_storage_t *storage;
    const char *bad_field;
    (void)state;
    breaker_redis_options_init(&options);
    options.tls = 1;
    assert_int_equal(breaker_redis_create(&storage, &options, &bad_field), UV_ENOTSUP);
    assert_string_equal(bad_field, "tls");
}
#endif

/* ---- URLs */

static int parse(breaker_redis_options_t *options, const char *url)
{
    breaker_redis_options_init(options);
    return breaker_redis_options_url(options, url);
}

static void good_urls(void **state)
{
    breaker_redis_options_t options;
    (void)state;
    assert_int_equal(parse(&options, "redis://example.org"), 0);
    assert_string_equal(options.host, "example.org");
    assert_int_equal(options.port, 6379);
    assert_int_equal(options.database, 0);
    assert_null(options.password);
    assert_null(options.path);
    assert_int_equal(parse(&options, "redis://me:s%40cr%2Fet:x@[::1]:7000/12"), 0);
    assert_string_equal(options.host, "::1");
    assert_int_equal(options.port, 7000);
    assert_int_equal(options.database, 12);
    assert_string_equal(options.user, "me");
    assert_string_equal(options.password, "s@cr/et:x");
    assert_int_equal(parse(&options, "redis://:pw@10.0.0.1:1/"), 0);
    assert_null(options.user);
    assert_string_equal(options.password, "pw");
    assert_int_equal(parse(&options, "rediss://h"), 0);
    assert_int_equal(options.tls, 1);
    assert_int_equal(parse(&options, "unix:/run/redis.sock"), 0);
    assert_string_equal(options.path, "/run/redis.sock");
    assert_int_equal(parse(&options, "unix:relative?db=3"), 0);
    assert_string_equal(options.path, "relative");
    assert_int_equal(options.database, 3);
    /* What was said before by another URL is forgotten. */
    assert_int_equal(breaker_redis_options_url(&options, "redis://:pw@h/4"), 0);
    assert_null(options.path);
    assert_int_equal(breaker_redis_options_url(&options, "unix:/x"), 0);
    assert_null(options.password);
    assert_int_equal(options.database, 0);
}

static void bad_urls(void **state)
{
    static const char *const urls[] = {"",
                                       "redis:",
                                       "redis://",
                                       "redis://h:",
                                       "redis://h:0",
                                       "http://h",
                                       "redis://h:65536",
                                       "redis://h:1x",
                                       "redis://h/x",
                                       "redis://h/-1",
                                       "unix:",
                                       "unix:?db=1",
                                       "unix:/x?db=",
                                       "unix:/x?db=1&a=b",
                                       "unix:/x?name=1",
                                       "redis://[h",
                                       "redis://[::1]x",
                                       "redis://user@h",
                                       "redis://u:%4@h",
                                       "redis://u:%zz@h",
                                       "REDIS://h",
                                       "redis://:@",
                                       "redis://u:%00@h",
                                       "redis://h/4294967296"};
    breaker_redis_options_t options;
    char lengthy[600];
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        breaker_redis_options_init(&options);
        options.host = "before";
        options.database = 7;
        if (breaker_redis_options_url(&options, urls[i]) != UV_EINVAL)
            fail_msg("taken: %s", urls[i]);
        assert_string_equal(options.host, "before");
        assert_int_equal(options.database, 7);
    }
    memset(lengthy, 'a', sizeof lengthy);
    memcpy(lengthy, "redis://", 8);
    lengthy[sizeof lengthy - 1] = '\0';
    assert_int_equal(parse(&options, lengthy), UV_ENAMETOOLONG);
    assert_int_equal(breaker_redis_options_url(NULL, "unix:/x"), UV_EINVAL);
    assert_int_equal(breaker_redis_options_url(&options, NULL), UV_EINVAL);
}

/* ---- Errors, by their first word */

static void errors(void **state)
{
    static const struct {
        const char *text;
        enum redis_fault fault;
    } rows[] = {
        {"LOADING Redis is loading the dataset in memory", REDIS_LATER},
        {"MASTERDOWN Link with MASTER is down", REDIS_LATER},
        {"BUSY Redis is busy running a script.", REDIS_LATER},
        {"TRYAGAIN Multiple keys request during rehashing of slot", REDIS_LATER},
        {"CLUSTERDOWN Hash slot not served", REDIS_LATER},
        {"ASK 3300 127.0.0.1:17483", REDIS_LATER},
        {"OOM command not allowed when used memory > 'maxmemory'.", REDIS_LATER},
        {"-OOM command not allowed when used memory > 'maxmemory'.", REDIS_LATER},
        {"MISCONF Redis is configured to save RDB snapshots", REDIS_LATER},
        {"NOREPLICAS Not enough good replicas to write.", REDIS_LATER},
        {"READONLY You can't write against a read only replica.", REDIS_LATER},
        {"READONLY You can't write ... script: 1234, on @user_script:1.", REDIS_LATER},
        {"ERR max number of clients reached", REDIS_LATER},
        {"NOAUTH Authentication required.", REDIS_SETTING},
        {"WRONGPASS invalid username-password pair or user is disabled.", REDIS_SETTING},
        {"NOPERM this user has no permissions to run the 'set' command", REDIS_SETTING},
        {"ERR The user executing the script can't run this command", REDIS_SETTING},
        {"ERR unknown command 'EVALSHA'", REDIS_SETTING},
        {"ERR DB index is out of range", REDIS_SETTING},
        {"ERR SELECT is not allowed in cluster mode", REDIS_SETTING},
        {"ERR AUTH <password> called without any password configured", REDIS_SETTING},
        {"MOVED 15495 127.0.0.1:17483", REDIS_SETTING},
        {"NOSCRIPT No matching script. Please use EVAL.", REDIS_SCRIPT},
        {"WRONGTYPE Operation against a key", REDIS_VERB},
        {"CROSSSLOT Keys in request don't hash to the same slot", REDIS_VERB},
        {"ERR value is not an integer or out of range", REDIS_VERB},
        {"ERR increment or decrement would overflow", REDIS_VERB},
        {"BUSYGROUP Consumer Group name already exists", REDIS_LATER},
        {"WHATEVER comes in the next version", REDIS_LATER},
        {"ERR Write commands not allowed after non deterministic commands.", REDIS_SETTING},
        /* Inside scripts, by Redis 5 and 6. */
        {"@user_script: 31: -READONLY You can't write against a read only replica.", REDIS_LATER},
        {"@user_script: 31: -OOM command not allowed when used memory > 'maxmemory'.", REDIS_LATER},
        {"@user_script: 31: -MISCONF Redis is configured to save RDB snapshots", REDIS_LATER},
        {"@user_script: 31: The user executing the script can't run this command or subcommand",
         REDIS_SETTING},
        {"@user_script: 31: The user executing the script can't access at least one of the keys",
         REDIS_SETTING},
        {"@user_script: 1: Unknown Redis command called from Lua script", REDIS_SETTING},
        {"@user_script: 1: This Redis command is not allowed from scripts", REDIS_SETTING},
        {"@user_script: 31: Lua script attempted to access a non local key in a cluster node",
         REDIS_SETTING},
        {"@user_script: 3: -WRONGTYPE Operation against a key", REDIS_VERB},
        {"ERR Error running script (call to f_37c56a29a40d02b18281a26f18b0e746b56cf806): "
         "@user_script:33: @user_script: 33: -OOM command not allowed",
         REDIS_LATER},
        {"ERR Error running script (call to f_37c5): @user_script:33: @user_script: 33: The user "
         "executing the script can't run this command or subcommand",
         REDIS_SETTING},
        {"ERR Error running script (call to f_37c5): @user_script:33: ERR value is not an integer",
         REDIS_VERB},
        {"ERR Error running script (call to f_37c5): @user_script:33: attempt to index a nil value",
         REDIS_LATER},
        {"ERR Error running script", REDIS_LATER},
        {"@user_script:", REDIS_LATER},
        {"@user_script: 1:", REDIS_LATER},
        {"NOSCRIPTS", REDIS_LATER},
        {"", REDIS_LATER},
        {"-", REDIS_LATER},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct redis_trouble trouble = redis_error_classify(rows[i].text, strlen(rows[i].text));
        if (trouble.fault != rows[i].fault)
            fail_msg("%s: %d", rows[i].text, (int)trouble.fault);
        assert_true(trouble.status < 0);
    }
    struct redis_trouble full =
        redis_error_classify("@user_script: 31: -OOM command not allowed", 42);
    assert_int_equal(full.status, UV_ENOSPC); /* which the unknown word is not */
    struct redis_trouble replica = redis_error_classify("@user_script: 1: -READONLY You can't", 36);
    assert_int_equal(replica.status, UV_EROFS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),        cmocka_unit_test(bad_fields),
        cmocka_unit_test(smaller_options),
#ifndef BREAKER_HAVE_HIREDIS_SSL
        cmocka_unit_test(tls_that_is_not),
#endif
        cmocka_unit_test(good_urls),       cmocka_unit_test(bad_urls),
        cmocka_unit_test(errors),
    };
    return cmocka_run_group_tests_name("redis: options", tests, NULL, NULL);
}
