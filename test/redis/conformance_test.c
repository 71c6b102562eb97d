/* The Redis storage is a storage: the conformance suite on it, over a unix socket and over TCP,
 * and what the script must be besides. */
#include "conformance.h"
#include "rig.h"
#include "server.h"
#include <stdio.h>
#include <stdlib.h>

static struct server server;

static int make(void *data, breaker_storage_t **storage)
{
    breaker_redis_options_t options;
    breaker_redis_options_init(&options);
    int status = breaker_redis_options_url(&options, data);
    options.prefix = "suite:";
    server_do(&server, "FLUSHALL");
    return status ? status : breaker_redis_create(storage, &options, NULL);
}

static void destroy(void *data, breaker_storage_t *storage)
{
    (void)data;
    assert_int_equal(breaker_redis_destroy(storage), 0);
}

static void conformance_unix(void **state)
{
    char url[128];
    (void)state;
    snprintf(url, sizeof url, "unix:%s", server.path);
    struct conformance_subject subject = {.name = "redis, unix",
                                          .data = url,
                                          .coarse = RIG_COARSE_MS,
                                          .make = make,
                                          .destroy = destroy};
    assert_int_equal(breaker_storage_conformance(&subject), 0);
}

static void conformance_tcp(void **state)
{
    char url[64];
    (void)state;
    snprintf(url, sizeof url, "redis://127.0.0.1:%d/3", server.port);
    struct conformance_subject subject = {.name = "redis, tcp",
                                          .data = url,
                                          .coarse = RIG_COARSE_MS,
                                          .make = make,
                                          .destroy = destroy};
    assert_int_equal(breaker_storage_conformance(&subject), 0);
}

static int set_up(void **state)
{
    (void)state;
    server_start(&server, true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_end(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conformance_unix),
        cmocka_unit_test(conformance_tcp),
    };
    return cmocka_run_group_tests_name("redis: conformance", tests, set_up, tear_down);
}
