/* The rules of clients: several see one storage, completions come once or, after a cancel, never, and
 * after close nothing comes. */
#include "conformance_suite.h"
#include <stdlib.h>

enum { MANY = 1000 };

static void share(struct suite *suite)
{
    struct act *act = act_new(suite);
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("value"), 0, NULL) == 0);
    const breaker_verb_t *get = act_get(act, TEXT("key"));
    act_set(act, TEXT("key"), TEXT("other"));
    act_submit(act, &suite->party[1]);
    MUST(suite, act_wait(act) == 0);
    MUST(suite, get->found == 1 && get->length == 5 && memcmp(act->value, "value", 5) == 0);
    MUST(suite, suite_holds(suite, TEXT("key"), TEXT("other")));
}

static void many_in_flight(struct suite *suite)
{
    struct act **acts = calloc(MANY, sizeof *acts);
    bool seen[MANY + 1] = {false};
    for (unsigned i = 0; i < MANY; i++) {
        acts[i] = act_new(suite);
        act_incr(acts[i], TEXT("first"), 1);
        act_incr(acts[i], TEXT("second"), 2);
        act_submit(acts[i], &suite->party[i % PARTIES]);
    }
    bool is_well = true;
    for (unsigned i = 0; i < MANY && is_well; i++) {
        is_well = act_wait(acts[i]) == 0;
        int64_t number = acts[i]->verbs[0].number;
        is_well = is_well && number >= 1 && number <= MANY && !seen[number] &&
                  acts[i]->verbs[1].number == 2 * number;
        if (is_well)
            seen[number] = true;
    }
    free(acts);
    MUST(suite, is_well && "each transaction is one step, done once, and completes");
    MUST(suite, suite_holds(suite, TEXT("second"), TEXT("2000")));
}

static void one_guard_wins(struct suite *suite)
{
    struct act *acts[20];
    unsigned won = 0;
    for (unsigned i = 0; i < 20; i++) {
        acts[i] = act_new(suite);
        act_guard_absent(acts[i], TEXT("key"));
        act_set(acts[i], TEXT("key"), i % 2 == 0 ? "a" : "b", 1);
        act_submit(acts[i], &suite->party[i % PARTIES]);
    }
    for (unsigned i = 0; i < 20; i++) {
        int status = act_wait(acts[i]);
        MUST(suite, status == 0 || status == BREAKER_EGUARD);
        won += status == 0;
    }
    MUST(suite, won == 1);
}

static void submit_again(struct act *act)
{
    unsigned *left = act->data;
    if (*left == 0)
        return;
    --*left;
    struct act *next = act_new(act->suite);
    act_incr(next, TEXT("key"), 1);
    next->then = submit_again;
    next->data = left;
    act_submit(next, act->party);
}

static void submit_inside(struct suite *suite)
{
    unsigned left = 20;
    struct act *act = act_new(suite);
    act_incr(act, TEXT("key"), 1);
    act->then = submit_again;
    act->data = &left;
    act_submit(act, &suite->party[0]);
    MUST(suite, act_wait(act) == 0);
    for (unsigned i = 0; i < 100 && left > 0; i++)
        suite_pass(suite, 1);
    while (suite->acts->is_pending)
        MUST(suite, act_wait(suite->acts) == 0);
    MUST(suite, left == 0);
    MUST(suite, suite_holds(suite, TEXT("key"), TEXT("21")));
}

/* ---- Cancel, close -----------------------------------------------------------------------------*/

/* The library's memory after a cancel: gone. Under a sanitizer, a touch is told. */
static void cancel_and_free(struct act *act)
{
    struct suite *suite = act->suite;
    if (!act->is_pending)
        return;
    act->is_pending = false;
    suite->storage->ops->cancel(suite->storage, &act->party->client, &act->transaction);
    struct act **link = &suite->acts;
    while (*link != act)
        link = &(*link)->next;
    *link = act->next;
    memset(act, 0xa5, sizeof *act);
    free(act);
}

static void cancel_is_final(struct suite *suite)
{
    struct act *acts[40];
    for (unsigned i = 0; i < 40; i++) {
        char *key = (char *)(acts[i] = act_new(suite))->standing;
        key[0] = 'k';
        act_incr(acts[i], key, 1, 1);
        act_get(acts[i], key, 1);
        act_submit(acts[i], &suite->party[0]);
    }
    for (unsigned i = 0; i < 40; i += 2)
        cancel_and_free(acts[i]);
    for (unsigned i = 1; i < 40; i += 2)
        MUST(suite, act_wait(acts[i]) == 0 && "the others complete");
    suite_pass(suite, 10);
    struct act *act = act_new(suite);
    breaker_verb_t *count = act_incr(act, TEXT("k"), 0);
    MUST(suite, act_run(act) == 0);
    MUST(suite, count->number >= 20 && count->number <= 40 && "carried out once, or not");
}

static void cancel_in_a_completion(struct act *act)
{
    cancel_and_free(act->data);
}

static void cancel_another(struct suite *suite)
{
    struct act *first = act_new(suite);
    struct act *second = act_new(suite);
    act_get(first, TEXT("key"));
    act_incr(second, TEXT("key"), 1);
    act_submit(second, &suite->party[0]);
    first->then = cancel_in_a_completion;
    first->data = second;
    act_submit(first, &suite->party[0]);
    MUST(suite, act_wait(first) == 0);
    suite_pass(suite, 10);
    MUST(suite, suite_found(suite, TEXT("key"), NULL) >= 0);
}

static void close_is_final(struct suite *suite)
{
    struct party *party = malloc(sizeof *party);
    MUST(suite, party_open(suite, party, &suite->loop) == 0);
    struct act *acts[10];
    for (unsigned i = 0; i < 10; i++) {
        acts[i] = act_new(suite);
        act_incr(acts[i], TEXT("key"), 1);
        act_submit(acts[i], party);
    }
    for (unsigned i = 0; i < 10; i++)
        cancel_and_free(acts[i]);
    party_close(party);
    bool is_closed = suite_until(suite, &party->is_closed);
    memset(party, 0xa5, sizeof *party);
    free(party);
    MUST(suite, is_closed);
    suite_pass(suite, 10);
    MUST(suite,
         suite_set(suite, TEXT("key"), TEXT("value"), 0, NULL) == 0 && "the other clients go on");
}

static void close_at_once(struct suite *suite)
{
    struct party party;
    for (unsigned i = 0; i < 3; i++) {
        MUST(suite, party_open(suite, &party, &suite->loop) == 0);
        party_close(&party);
        bool is_closed = suite_until(suite, &party.is_closed);
        MUST(suite, is_closed);
    }
}

static void close_handle(uv_handle_t *handle, void *own)
{
    if (handle != own && !uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void close_after_the_host(struct suite *suite)
{
    for (unsigned turns = 0; turns < 2; turns++) {
        uv_walk(&suite->loop, close_handle, &suite->timer);
        for (unsigned i = 0; i < PARTIES; i++)
            party_close(&suite->party[i]);
        for (unsigned i = 0; i < PARTIES; i++)
            MUST(suite, suite_until(suite, &suite->party[i].is_closed));
        for (unsigned i = 0; i < PARTIES; i++)
            MUST(suite, party_open(suite, &suite->party[i], &suite->loop) == 0);
    }
    uv_walk(&suite->loop, close_handle, &suite->timer);
    suite_turn(suite);
    party_close(&suite->party[0]);
    MUST(suite, suite_until(suite, &suite->party[0].is_closed));
}

static void idle_lets_the_loop_end(struct suite *suite)
{
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("value"), 0, NULL) == 0);
    for (unsigned i = 0; i < 50 && uv_loop_alive(&suite->loop); i++)
        suite_pass(suite, 10);
    MUST(suite, !uv_loop_alive(&suite->loop));
}

static void flush(struct suite *suite, struct act *act)
{
    act->party = &suite->party[0];
    act->is_pending = true;
    suite->storage->ops->flush(suite->storage, &act->party->client, &act->transaction);
}

static void flush_forgets(struct suite *suite)
{
    char key[BREAKER_KEY_MAX];
    if (suite->storage->ops->flush == NULL)
        return;
    memset(key, 'k', sizeof key);
    for (size_t length = 1; length <= sizeof key; length += 73)
        MUST(suite, suite_set(suite, key, length, TEXT("value"), length % 2 * 60000, NULL) == 0);
    struct act *act = act_new(suite);
    flush(suite, act);
    MUST(suite, act_wait(act) == 0);
    MUST(suite, act->transaction.wall > 0);
    for (size_t length = 1; length <= sizeof key; length += 73)
        MUST(suite, suite_found(suite, key, length, NULL) == 0);
    MUST(suite, suite_set(suite, TEXT("key"), TEXT("value"), 0, NULL) == 0);
    MUST(suite, suite_holds(suite, TEXT("key"), TEXT("value")) && "and goes on");
    act = act_new(suite);
    flush(suite, act);
    cancel_and_free(act);
    suite_pass(suite, 10);
}

const struct rule conformance_clients[] = {
    {"clients of one storage see each other's keys", share, 0},
    {"a thousand in flight: each is one step, is done once, and completes once", many_in_flight, 0},
    {"of many that want a key absent, one makes it", one_guard_wins, 0},
    {"a completion may submit", submit_inside, 0},
    {"what was cancelled never completes, and its memory is not touched", cancel_is_final, 0},
    {"a completion may cancel others", cancel_another, 0},
    {"after closed nothing comes, and the client's memory is not touched", close_is_final, 0},
    {"a client may close as soon as it is open", close_at_once, 0},
    {"a client may close when the host has closed every handle", close_after_the_host, 0},
    {"an idle client does not keep the loop alive", idle_lets_the_loop_end, 0},
    {"flush forgets every key", flush_forgets, 0},
    {NULL, NULL, 0},
};
