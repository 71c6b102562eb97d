/* The dialects' options: defaults, limits with the name of the field, copies that outlive what was
 * given, keys as the originals call theirs, and older or newer callers. */
#include "actor.h"
#include "circuit/dialects/aiomisc.h"
#include "circuit/dialects/lasier.h"
#include "circuit/dialects/pybreaker.h"
#include "circuit/dialects/requests.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *fault(const breaker_dialect_t *options)
{
    const struct dialect *dialect = dialect_find(options);
    const char *field = "not set";
    int status;

    assert_non_null(dialect);
    status = dialect->check(options, &field);
    assert_int_equal(status, field == NULL ? 0 : -EINVAL);
    return field;
}

#define assert_fault(options, member, value, name)       \
    do {                                                 \
        __typeof__(options) copy = (options);            \
        copy.member = (value);                           \
        assert_non_null(fault(&copy.dialect));           \
        assert_string_equal(fault(&copy.dialect), name); \
    } while (0)

#define assert_fine(options, member, value)   \
    do {                                      \
        __typeof__(options) copy = (options); \
        copy.member = (value);                \
        assert_null(fault(&copy.dialect));    \
    } while (0)

static char too_long[BREAKER_NAME_MAX + 2];

static int set_up(void **state)
{
    (void)state;
    memset(too_long, 'x', sizeof too_long - 1);
    return 0;
}

static void limits_of_aiomisc(void **state)
{
    breaker_aiomisc_t o;

    (void)state;
    breaker_aiomisc_init(&o);
    assert_null(fault(&o.dialect));
    assert_fault(o, error_ratio, -0.1, "error_ratio");
    assert_fault(o, error_ratio, 1.1, "error_ratio");
    assert_fault(o, error_ratio, (double)NAN, "error_ratio");
    assert_fine(o, error_ratio, 0.0);
    assert_fault(o, response_time, 0, "response_time");
    assert_fault(o, response_time, BREAKER_TIME_MAX + 1u, "response_time");
    assert_fault(o, broken_time, BREAKER_TIME_MAX + 1u, "broken_time");
    assert_fault(o, recovery_time, BREAKER_TIME_MAX + 1u, "recovery_time");
    assert_fault(o, passing_time, BREAKER_TIME_MAX + 1u, "passing_time");
    assert_fault(o, listed.count, 1, "listed");
}

static void limits_of_the_family(void **state)
{
    breaker_pybreaker_t py, aio;

    (void)state;
    breaker_pybreaker_init(&py);
    assert_null(fault(&py.dialect));
    breaker_asyncbreaker_init(&aio);
    assert_null(fault(&aio.dialect));
    breaker_infuse_init(&aio);
    assert_null(fault(&aio.dialect));
    breaker_aiobreaker_init(&aio);
    assert_null(fault(&aio.dialect));
    assert_fault(py, variant, (breaker_family_t)0, "variant");
    assert_fault(py, variant, (breaker_family_t)5, "variant");
    assert_fine(py, success_threshold, 3);
    assert_fault(aio, success_threshold, 2, "success_threshold");
    assert_fine(py, reset_timeout, 0);
    assert_fault(py, reset_timeout, BREAKER_TIME_MAX + 1u, "reset_timeout");
    assert_fine(py, throw_new_error_on_trip, 0);
    assert_fault(aio, throw_new_error_on_trip, 0, "throw_new_error_on_trip");
    assert_fault(py, flavour, (breaker_flavour_t)3, "flavour");
    assert_fault(py, key_namespace, "", "key_namespace");
    assert_fault(py, key_namespace, too_long, "key_namespace");
    assert_fault(py, excluded.count, 1, "excluded");
}

static void limits_of_lasier(void **state)
{
    breaker_lasier_t o;

    (void)state;
    breaker_lasier_init(&o);
    assert_null(fault(&o.dialect));
    assert_fault(o, kind, (breaker_lasier_kind_t)0, "kind");
    assert_fault(o, kind, (breaker_lasier_kind_t)4, "kind");
    assert_fault(o, kind, BREAKER_LASIER_OWN, "rule");
    assert_fault(o, max_failures, 0, "max_failures");
    assert_fault(o, max_failures_percentage, -1.0, "max_failures_percentage");
    assert_fault(o, max_failures_percentage, (double)NAN, "max_failures_percentage");
    assert_fault(o, max_failures_percentage, (double)INFINITY, "max_failures_percentage");
    assert_fault(o, failure_timeout, 0, "failure_timeout");
    assert_fault(o, failure_timeout, 1500, "failure_timeout");
    assert_fault(o, circuit_timeout, 999, "circuit_timeout");
    assert_fault(o, circuit_timeout, BREAKER_TIME_MAX + 1000u, "circuit_timeout");
    assert_fault(o, failure_key, "", "failure_key");
    assert_fault(o, request_key, too_long, "request_key");
    assert_fault(o, caught.count, 1, "caught");
}

static void limits_of_requests(void **state)
{
    breaker_requests_t o;

    (void)state;
    breaker_requests_init(&o);
    assert_null(fault(&o.dialect));
    assert_fault(o, service, "", "service");
    assert_fault(o, ttl, 0, "ttl");
    assert_fault(o, ttl, 1001, "ttl");
    assert_fault(o, percent_failed, -1.0, "percent_failed");
    assert_fault(o, percent_failed, (double)NAN, "percent_failed");
    assert_fine(o, re_enable_after_seconds, 0);
    assert_fault(o, re_enable_after_seconds, 1, "re_enable_after_seconds");
    assert_fault(o, flavour, (breaker_flavour_t)-1, "flavour");
}

static void no_such_dialect(void **state)
{
    breaker_dialect_t none = {sizeof none, 0};

    (void)state;
    assert_null(dialect_find(&none));
    none.kind = BREAKER_DIALECT_REQUESTS + 1;
    assert_null(dialect_find(&none));
    none = (breaker_dialect_t){sizeof none - 1, BREAKER_DIALECT_AIOMISC};
    assert_null(dialect_find(&none));
}

/* A program built with a shorter struct gets the defaults for the rest. */
static void an_older_caller(void **state)
{
    breaker_requests_t whole, *rules;
    char older[offsetof(breaker_requests_t, percent_failed)];
    const breaker_dialect_t *given = (const breaker_dialect_t *)(void *)older;

    (void)state;
    breaker_requests_init_sized((breaker_requests_t *)(void *)older, sizeof older);
    breaker_requests_init(&whole);
    assert_null(fault(given));
    rules = malloc(requests_dialect.rules_size(given));
    requests_dialect.rules_make(rules, given);
    assert_int_equal(rules->minimum_failures, whole.minimum_failures);
    assert_int_equal(rules->dialect.size, sizeof whole);
    free(rules);
}

static void what_was_given_may_go(void **state)
{
    int statuses[] = {-1, -2, -3};
    char failure_key[] = "shop", request_key[] = "visits";
    breaker_lasier_t o, *rules;

    (void)state;
    breaker_lasier_init(&o);
    o.caught = (breaker_statuses_t){statuses, 3, NULL, NULL};
    o.failure_key = failure_key;
    o.request_key = request_key;
    rules = malloc(lasier_dialect.rules_size(&o.dialect));
    lasier_dialect.rules_make(rules, &o.dialect);
    memset(statuses, 0, sizeof statuses);
    memset(failure_key, 'x', sizeof failure_key);
    memset(request_key, 'x', sizeof request_key);
    assert_int_equal(rules->caught.list[2], -3);
    assert_string_equal(rules->failure_key, "shop");
    assert_string_equal(rules->request_key, "visits");
    free(rules);
}

/* ---- Keys --------------------------------------------------------------------------------------*/

static void assert_keys(const breaker_dialect_t *options, bool wire, const char *first,
                        const char *last, unsigned count)
{
    struct shelf shelf = {.now = 0};
    struct actor a;
    const struct talk_key *keys;

    actor_enter(&a, options, "name", wire, &shelf, 1000);
    keys = a.circuit; /* the first member of each that has some */
    assert_int_equal(keys[0].length, strlen(first));
    assert_memory_equal(keys[0].bytes, first, keys[0].length);
    assert_int_equal(keys[count - 1].length, strlen(last));
    assert_memory_equal(keys[count - 1].bytes, last, keys[count - 1].length);
    /* They fill the memory to its end, and no further. */
    assert_int_equal((size_t)(keys[count - 1].bytes + keys[count - 1].length - (char *)a.circuit) <=
                         a.dialect->size(a.rules, "name"),
                     1);
    actor_leave(&a);
    shelf_clear(&shelf);
}

static void keys_of_the_family(void **state)
{
    breaker_pybreaker_t o;

    (void)state;
    breaker_pybreaker_init(&o);
    assert_keys(&o.dialect, true, "pybreaker:state", "pybreaker:opened_at", 4);
    assert_keys(&o.dialect, false, "name:pybreaker:state", "name:pybreaker:opened_at", 4);
    o.flavour = BREAKER_FLAVOUR_MEMORY;
    assert_keys(&o.dialect, true, "name:pybreaker:state", "name:pybreaker:opened_at", 4);
    o.flavour = BREAKER_FLAVOUR_WIRE;
    assert_keys(&o.dialect, false, "pybreaker:state", "pybreaker:opened_at", 4);
    o.key_namespace = "shop";
    assert_keys(&o.dialect, true, "shop:pybreaker:state", "shop:pybreaker:opened_at", 4);
    breaker_asyncbreaker_init(&o);
    assert_keys(&o.dialect, true, "asyncbreaker:state", "asyncbreaker:opened_at", 4);
    breaker_aiobreaker_init(&o);
    o.key_namespace = "shop";
    assert_keys(&o.dialect, true, "shop:aiobreaker:state", "shop:aiobreaker:opened_at", 4);
    breaker_infuse_init(&o);
    assert_keys(&o.dialect, true, "infuse:state", "infuse:opened_at", 4);
    o.key_namespace = "prod:shop";
    assert_keys(&o.dialect, true, "infuse:prod:shop:state", "infuse:prod:shop:opened_at", 4);
}

static void keys_of_the_others(void **state)
{
    breaker_lasier_t lasier;
    breaker_requests_t requests;

    (void)state;
    breaker_lasier_init(&lasier);
    assert_keys(&lasier.dialect, true, "circuit_name:failures", "name:requests", 3);
    lasier.failure_key = "f";
    lasier.request_key = "r";
    assert_keys(&lasier.dialect, true, "circuit_f", "r", 3);
    breaker_requests_init(&requests);
    assert_keys(&requests.dialect, true, "name-PercentCB", "name-PercentCB-error", 3);
    requests.service = "shop";
    assert_keys(&requests.dialect, false, "shop-PercentCB", "shop-PercentCB-error", 3);
}

/* ---- Statuses ----------------------------------------------------------------------------------*/

static int is_even(void *data, int status)
{
    (void)data;
    return status % 2 == 0;
}

static void statuses_by_list_and_function(void **state)
{
    const int list[] = {3, 5};
    breaker_statuses_t none = {NULL, 0, NULL, NULL}, both = {list, 2, is_even, NULL};

    (void)state;
    assert_true(dialect_match(&none, 3, true));
    assert_false(dialect_match(&none, 3, false));
    assert_true(dialect_match(&both, 5, false));
    assert_true(dialect_match(&both, 4, false));
    assert_false(dialect_match(&both, 7, true));
}

static void statuses_of_http(void **state)
{
    breaker_requests_t o;

    (void)state;
    breaker_requests_init(&o);
    assert_int_equal(requests_dialect.classify(&o, 200), BREAKER_SUCCESS);
    assert_int_equal(requests_dialect.classify(&o, 499), BREAKER_SUCCESS);
    assert_int_equal(requests_dialect.classify(&o, 500), BREAKER_FAILURE);
    assert_int_equal(requests_dialect.classify(&o, -ECONNREFUSED), BREAKER_IGNORED);
    assert_int_equal(requests_dialect.classify(&o, -ECANCELED), BREAKER_CANCELLED);
    o.count_transport = 1;
    assert_int_equal(requests_dialect.classify(&o, -ECONNREFUSED), BREAKER_FAILURE);
    assert_int_equal(requests_dialect.classify(&o, -ECANCELED), BREAKER_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_of_aiomisc),     cmocka_unit_test(limits_of_the_family),
        cmocka_unit_test(limits_of_lasier),      cmocka_unit_test(limits_of_requests),
        cmocka_unit_test(no_such_dialect),       cmocka_unit_test(an_older_caller),
        cmocka_unit_test(what_was_given_may_go), cmocka_unit_test(keys_of_the_family),
        cmocka_unit_test(keys_of_the_others),    cmocka_unit_test(statuses_by_list_and_function),
        cmocka_unit_test(statuses_of_http),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
