/* The conformance suite itself: storages that break one rule each are found out, by that rule. */
#include "conformance.h"
#include "fake.h"
#include "mutants.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

breaker_storage_t *mutant_base;
static struct fake *fake;
static const struct mutant *mutant;
static bool is_found;

static int spoilt_open(breaker_storage_t *storage, breaker_client_t *client)
{
    (void)storage;
    return mutant->open != NULL ? mutant->open(client)
                                : mutant_base->ops->open(mutant_base, client);
}

static void spoilt_close(breaker_storage_t *storage, breaker_client_t *client)
{
    (void)storage;
    if (mutant->close != NULL)
        mutant->close(client);
    else
        mutant_base->ops->close(mutant_base, client);
}

static void spoilt_submit(breaker_storage_t *storage, breaker_client_t *client,
                          breaker_transaction_t *transaction)
{
    (void)storage;
    if (mutant->submit != NULL && transaction->count <= BREAKER_VERBS_MAX)
        mutant->submit(client, transaction);
    else
        mutant_base->ops->submit(mutant_base, client, transaction);
}

static void spoilt_cancel(breaker_storage_t *storage, breaker_client_t *client,
                          breaker_transaction_t *transaction)
{
    (void)storage;
    if (mutant->cancel != NULL)
        mutant->cancel(client, transaction);
    else if (mutant->submit == NULL)
        mutant_base->ops->cancel(mutant_base, client, transaction);
}

static void spoilt_flush(breaker_storage_t *storage, breaker_client_t *client,
                         breaker_transaction_t *transaction)
{
    (void)storage;
    if (mutant->flush != NULL)
        mutant->flush(client, transaction);
    else
        mutant_base->ops->flush(mutant_base, client, transaction);
}

static int spoilt_listen(breaker_storage_t *storage, breaker_client_t *client, const char *key,
                         size_t key_length)
{
    (void)storage;
    return mutant_base->ops->listen(mutant_base, client, key, key_length);
}

static void spoilt_unlisten(breaker_storage_t *storage, breaker_client_t *client, const char *key,
                            size_t key_length)
{
    (void)storage;
    if (!mutant->is_all_ears)
        mutant_base->ops->unlisten(mutant_base, client, key, key_length);
}

static int make(void *data, breaker_storage_t **storage)
{
    static const breaker_storage_ops_t ops = {
        .size = sizeof ops,
        .name = "mutant",
        .flags = BREAKER_STORAGE_LOGS | BREAKER_STORAGE_BELL | BREAKER_STORAGE_MEMBERS,
        .open = spoilt_open,
        .close = spoilt_close,
        .submit = spoilt_submit,
        .cancel = spoilt_cancel,
        .flush = spoilt_flush,
        .listen = spoilt_listen,
        .unlisten = spoilt_unlisten,
    };
    static breaker_storage_t spoilt = {&ops};
    (void)data;
    fake = fake_create(1);
    fake_switches(fake)->outside = mutant->is_outside;
    mutant_base = fake_storage(fake);
    *storage = &spoilt;
    return 0;
}

static void destroy(void *data, breaker_storage_t *storage)
{
    (void)data;
    (void)storage;
    fake_destroy(fake);
}

static void pass(void *data, breaker_storage_t *storage, uint64_t ms)
{
    (void)data;
    (void)storage;
    fake_advance(fake, ms);
}

static void report(void *data, const char *rule, const char *what)
{
    (void)data;
    (void)what;
    is_found = is_found || strstr(rule, mutant->rule) != NULL;
}

static int conformance_of(const struct mutant *one)
{
    struct conformance_subject subject = {.name = "mutant",
                                          .make = make,
                                          .destroy = destroy,
                                          .pass = pass,
                                          .patience = one->rule != NULL ? 20 : 0,
                                          .only = one->rule,
                                          .report = one->rule != NULL ? report : NULL};
    mutant = one;
    is_found = false;
    return breaker_storage_conformance(&subject);
}

static void each_is_found_out(void **state)
{
    (void)state;
    for (const struct mutant *one = mutants; one->rule != NULL; one++) {
        int broken = conformance_of(one);
        if (!is_found)
            print_error("kept: %s, by mutant %td\n", one->rule, one - mutants);
        assert_true(is_found && broken > 0);
    }
}

static void the_unspoilt_is_not(void **state)
{
    static const struct mutant none[2] = {{.is_outside = false}, {.is_outside = true}};
    (void)state;
    assert_int_equal(conformance_of(&none[0]), 0);
    assert_int_equal(conformance_of(&none[1]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_found_out),
        cmocka_unit_test(the_unspoilt_is_not),
    };
    return cmocka_run_group_tests_name("conformance", tests, NULL, NULL);
}
