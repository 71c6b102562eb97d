/* Runs the rules of the conformance suite, each on a fresh storage, and leaves nothing of it behind:
 * that a storage is quiet after its clients are closed is asked here, after every rule. */
#include "conformance_suite.h"
#include <stdio.h>
#include <stdlib.h>

void suite_fail(struct suite *suite, const char *what, const char *file, int line)
{
    const struct conformance_subject *subject = suite->subject;
    const char *slash = strrchr(file, '/');
    char found[300];
    snprintf(found, sizeof found, "%s:%d: %s", slash != NULL ? slash + 1 : file, line, what);
    suite->has_failed = true;
    if (subject->report != NULL)
        subject->report(subject->data, suite->rule, found);
    else
        fprintf(stderr, "%s: does not hold: %s\n    %s\n", subject->name, suite->rule, found);
}

/* ---- One rule ----------------------------------------------------------------------------------*/

static bool is_ready(struct suite *suite)
{
    for (unsigned i = 0; i < 100; i++) {
        if (act_run(act_new(suite)) == 0)
            return true;
        suite_pass(suite, suite->subject->pass != NULL ? 1 : 20);
    }
    return false;
}

static void begin(struct suite *suite)
{
    for (unsigned i = 0; i < PARTIES; i++)
        MUST(suite, party_open(suite, &suite->party[i], &suite->loop) == 0);
    MUST(suite, is_ready(suite) && "a storage in good health answers a transaction without verbs");
}

static void cancel_pending(struct suite *suite)
{
    for (struct act *act = suite->acts; act != NULL; act = act->next)
        if (act->is_pending) {
            act->is_pending = false;
            suite->storage->ops->cancel(suite->storage, &act->party->client, &act->transaction);
        }
}

static void end(struct suite *suite)
{
    cancel_pending(suite);
    for (unsigned i = 0; i < PARTIES; i++)
        if (suite->party[i].is_open)
            party_close(&suite->party[i]);
    for (unsigned i = 0; i < PARTIES; i++)
        if (suite->party[i].is_closing)
            MUST(suite, suite_until(suite, &suite->party[i].is_closed) && "close runs closed");
    suite_turn(suite);
    for (struct act *act = suite->acts; act != NULL; act = act->next)
        MUST(suite, act->completions <= 1 && "a transaction completes once");
}

static void close_loop(struct suite *suite)
{
    uv_close((uv_handle_t *)&suite->timer, NULL);
    for (unsigned i = 0; i < 3; i++)
        uv_run(&suite->loop, UV_RUN_NOWAIT);
    MUST(suite, uv_loop_close(&suite->loop) == 0 && "a closed client leaves no handle behind");
}

static bool run_rule(const struct conformance_subject *subject, const struct rule *rule)
{
    struct suite *suite = calloc(1, sizeof *suite);
    suite->subject = subject;
    suite->rule = rule->name;
    suite->thread = uv_thread_self();
    uv_loop_init(&suite->loop);
    uv_timer_init(&suite->loop, &suite->timer);
    int error = subject->make(subject->data, &suite->storage);
    if (error != 0) {
        suite_fail(suite, uv_strerror(error), __FILE__, __LINE__);
    } else {
        begin(suite);
        if (!suite->has_failed && suite_can(suite, rule->needs))
            rule->holds(suite);
        end(suite);
    }
    close_loop(suite);
    if (error == 0)
        subject->destroy(subject->data, suite->storage);
    bool has_failed = suite->has_failed;
    suite_free_acts(suite);
    free(suite);
    return !has_failed;
}

/* ---- All ---------------------------------------------------------------------------------------*/

int breaker_storage_conformance(const struct conformance_subject *subject)
{
    const struct rule *const sets[] = {
        conformance_verbs,        conformance_registers, conformance_logs, conformance_times,
        conformance_transactions, conformance_clients,   conformance_bells};
    int failed = 0;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        for (const struct rule *rule = sets[i]; rule->name != NULL; rule++)
            if (subject->only == NULL || strstr(rule->name, subject->only) != NULL)
                failed += !run_rule(subject, rule);
    return failed;
}
