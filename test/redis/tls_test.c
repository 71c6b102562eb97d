/* TLS, where hiredis has it: the whole contract over it, certificates that do not fit, servers
 * that speak no TLS or hang in the middle of the handshake. */
#include "conformance.h"
#include "hostile.h"
#include "rig.h"
#include "server.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct server server;
static struct hostile hostile;
static struct rig rig;
static char certificates[64];
static char url[64], ca[96], cert[96], key[96], other[96];
static int tls_port;

static int make(void *data, breaker_storage_t **storage)
{
    breaker_redis_options_t options;
    (void)data;
    breaker_redis_options_init(&options);
    int status = breaker_redis_options_url(&options, url);
    options.tls_ca = ca;
    options.prefix = "suite:";
    server_do(&server, "FLUSHALL");
    return status ? status : breaker_redis_create(storage, &options, NULL);
}

static void destroy(void *data, breaker_storage_t *storage)
{
    (void)data;
    assert_int_equal(breaker_redis_destroy(storage), 0);
}

static void conformance(void **state)
{
    struct conformance_subject subject = {
        .name = "redis, tls", .coarse = RIG_COARSE_MS, .make = make, .destroy = destroy};
    (void)state;
    assert_int_equal(breaker_storage_conformance(&subject), 0);
}

static int begin(void **state)
{
    (void)state;
    server_do(&server, "FLUSHALL");
    rig_init(&rig, url);
    rig.options.tls_ca = ca;
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_end(&rig);
    return 0;
}

static void large_turns(void **state)
{
    enum { OPS = 2000 };
    static struct op *ops[OPS];
    static char value[BREAKER_VALUE_MAX];
    (void)state;
    memset(value, 'v', sizeof value);
    rig.options.transaction_timeout = 5000;
    rig.options.max_bytes = OPS * 4096;
    rig_open(&rig);
    for (int i = 0; i < OPS; i++) {
        ops[i] = op_new(&rig);
        for (int j = 0; j < 7; j++) {
            breaker_verb_t *verb = op_verb(ops[i], BREAKER_SET, "key");
            verb->value = value;
            verb->length = sizeof value;
        }
        op_get(ops[i], "key");
        op_submit(ops[i]);
    }
    for (int i = 0; i < OPS; i++) {
        assert_int_equal(op_wait(ops[i]), 0);
        assert_int_equal(ops[i]->verbs[7].length, sizeof value);
        op_free(ops[i]);
    }
    assert_int_equal(rig.lost, 0);
}

/* More than is read in one turn, in as many records, while the loop stood still. */
static void many_records(void **state)
{
    enum { BELLS = 1000 };
    (void)state;
    rig.options.transaction_timeout = 5000;
    rig_open(&rig);
    assert_int_equal(rig.storage->ops->listen(rig.storage, &rig.client, "n", 1), 0);
    RIG_UNTIL(&rig, server_number(&server, "PUBLISH n first") == 1);
    RIG_UNTIL(&rig, rig.bells == 1);
    for (int i = 0; i < BELLS; i++)
        assert_int_equal(server_number(&server, "PUBLISH n x"), 1);
    RIG_UNTIL(&rig, rig.bells == 1 + BELLS);
    assert_int_equal(server_number(&server, "PUBLISH n last"), 1); /* still the same connection */
}

static void stranger(void **state)
{
    (void)state;
    rig.options.tls_ca = other; /* signed by somebody whom we do not know */
    rig_open(&rig);
    assert_true(rig_ask(&rig) < 0);
    RIG_UNTIL(&rig, rig.lost == 1);
    assert_int_equal(rig.found, 0);
}

static void files_that_are_not(void **state)
{
    breaker_storage_t *storage;
    const char *bad_field;
    (void)state;
    rig.options.tls_ca = "/nowhere";
    assert_int_equal(breaker_redis_create(&storage, &rig.options, &bad_field), UV_EINVAL);
    assert_string_equal(bad_field, "tls_ca");
    rig.options.tls_ca = ca;
    rig.options.tls_cert = "/nowhere";
    rig.options.tls_key = key;
    assert_int_equal(breaker_redis_create(&storage, &rig.options, &bad_field), UV_EINVAL);
    assert_string_equal(bad_field, "tls_cert");
    rig.options.tls_cert = cert;
    rig.options.tls_key = "/nowhere";
    assert_int_equal(breaker_redis_create(&storage, &rig.options, &bad_field), UV_EINVAL);
    assert_string_equal(bad_field, "tls_key");
}

/* No signal, no hang, no busy loop: whatever the other side does instead of a handshake. */
static void no_handshake(void **state)
{
    char address[64];
    (void)state;
    signal(SIGPIPE, SIG_DFL);
    snprintf(address, sizeof address, "rediss://127.0.0.1:%d", hostile.port);
    for (int mode = HOSTILE_UNSOLICITED; mode < HOSTILE_MODES; mode++) {
        struct rig one;
        hostile.polite = -1;
        hostile.mode = mode;
        rig_init(&one, address);
        one.options.connect_timeout = one.options.transaction_timeout = 60;
        rig_open(&one);
        assert_true(rig_ask(&one) < 0);
        rig_end(&one);
    }
}

static void killed_again_and_again(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_DFL);
    rig_open(&rig);
    for (int i = 0; i < 20; i++) {
        rig_until_well(&rig);
        struct op *first = op_new(&rig), *second = op_new(&rig);
        server_do(&server, "CLIENT KILL TYPE normal SKIPME yes");
        op_submit(first);
        uv_run(&rig.loop, UV_RUN_NOWAIT);
        op_submit(second);
        op_wait(first);
        op_wait(second);
        op_free(first);
        op_free(second);
    }
    server_signal(&server, SIGSTOP);
    assert_true(rig_ask(&rig) <= 0);
    server_signal(&server, SIGCONT);
    rig_until_well(&rig);
}

/* ---- Certificates of the test's own */

static void certify(const char *name, char *file)
{
    char command[512];
    snprintf(file, 96, "%s/%s.pem", certificates, name);
    snprintf(
        command, sizeof command,
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -keyout %s/%s.key"
        " -out %s > /dev/null 2>&1",
        certificates, name, file);
    assert_int_equal(system(command), 0);
}

static int set_up(void **state)
{
    static char port[16];
    (void)state;
    snprintf(certificates, sizeof certificates, "/tmp/breaker-tls-XXXXXX");
    assert_non_null(mkdtemp(certificates));
    certify("server", ca);
    certify("other", other);
    snprintf(cert, sizeof cert, "%s", ca);
    snprintf(key, sizeof key, "%s/server.key", certificates);
    tls_port = server_free_port();
    snprintf(port, sizeof port, "%d", tls_port);
    snprintf(url, sizeof url, "rediss://127.0.0.1:%d", tls_port);
    const char *extra[] = {"--tls-port",     port, "--tls-cert-file",    cert,
                           "--tls-key-file", key,  "--tls-auth-clients", "no"};
    memcpy(server.extra, extra, sizeof extra);
    server_start(&server, false);
    hostile_start(&hostile);
    return 0;
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;
    hostile_end(&hostile);
    server_end(&server);
    snprintf(command, sizeof command, "rm -rf '%s'", certificates);
    return system(command);
}

#define IN_RIG(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conformance),  IN_RIG(large_turns),
        IN_RIG(many_records),           IN_RIG(stranger),
        IN_RIG(files_that_are_not),     cmocka_unit_test(no_handshake),
        IN_RIG(killed_again_and_again),
    };
    return cmocka_run_group_tests_name("redis: TLS", tests, set_up, tear_down);
}
