/* The rules of the bell, and of clients in several threads. */
#include "conformance_suite.h"

enum { ROUNDS = 200 };

static void tell(struct suite *suite, const char *key, size_t key_length, const char *value,
                 size_t length, int *status)
{
    struct act *act = act_new(suite);
    act_tell(act, key, key_length, value, length);
    *status = act_run(act);
}

static int listen_to(struct suite *suite, struct party *party, const char *key, size_t key_length)
{
    const breaker_storage_ops_t *ops = suite->storage->ops;
    return ops->listen == NULL ? 0 : ops->listen(suite->storage, &party->client, key, key_length);
}

/* Tells until the second client hears: the bell is a hint, and listening may take a while. */
static bool is_heard(struct suite *suite, const char *key, size_t key_length, const char *value,
                     size_t length)
{
    struct party *party = &suite->party[1];
    party->heard = 0;
    for (unsigned i = 0; i < 100 && party->heard == 0; i++) {
        int status;
        tell(suite, key, key_length, value, length, &status);
        if (status != 0)
            return false;
        suite_pass(suite, 2 + i);
    }
    return party->heard > 0 && party->key_length == key_length && party->length == length &&
           memcmp(party->key, key, key_length) == 0 && memcmp(party->value, value, length) == 0;
}

static void tell_is_accepted(struct suite *suite)
{
    int status;
    tell(suite, TEXT("key"), TEXT("value"), &status);
    MUST(suite, status == 0);
    tell(suite, TEXT("key"), NULL, 0, &status);
    MUST(suite, status == 0);
    MUST(suite, suite_found(suite, TEXT("key"), NULL) == 0 && "telling keeps nothing");
}

static void tell_is_heard(struct suite *suite)
{
    char key[BREAKER_KEY_MAX];
    char value[BREAKER_VALUE_MAX];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (char)i;
    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (char)(i + 128);
    MUST(suite, listen_to(suite, &suite->party[1], TEXT("key")) == 0);
    MUST(suite, listen_to(suite, &suite->party[1], TEXT("key")) == 0 && "twice is once");
    MUST(suite, listen_to(suite, &suite->party[1], key, sizeof key) == 0);
    MUST(suite, is_heard(suite, TEXT("key"), TEXT("value")));
    MUST(suite, is_heard(suite, TEXT("key"), TEXT("\0")));
    MUST(suite, is_heard(suite, TEXT("key"), TEXT("")));
    MUST(suite, is_heard(suite, key, sizeof key, value, sizeof value));
}

static void last_is_heard(struct suite *suite)
{
    struct party *party = &suite->party[1];
    MUST(suite, listen_to(suite, party, TEXT("key")) == 0);
    MUST(suite, is_heard(suite, TEXT("key"), TEXT("value")));
    suite_pass(suite, 20);
    for (char number = '0'; number <= '9'; number++) {
        int status;
        tell(suite, TEXT("key"), &number, 1, &status);
        MUST(suite, status == 0);
    }
    for (unsigned i = 0; i < 100 && !(party->length == 1 && party->value[0] == '9'); i++)
        suite_pass(suite, 2 + i);
    MUST(suite, party->length == 1 && party->value[0] == '9');
}

static void only_what_is_done_rings(struct suite *suite)
{
    struct party *party = &suite->party[1];
    MUST(suite, listen_to(suite, party, TEXT("key")) == 0);
    MUST(suite, is_heard(suite, TEXT("key"), TEXT("value")));
    suite_pass(suite, 20);
    party->heard = 0;
    struct act *act = act_new(suite);
    act_guard_equals(act, TEXT("absent"), TEXT("1"));
    act_tell(act, TEXT("key"), TEXT("not done"));
    MUST(suite, act_run(act) == BREAKER_EGUARD);
    if (suite->storage->ops->listen != NULL) {
        int status;
        tell(suite, TEXT("other"), TEXT("not listened to"), &status);
        MUST(suite, status == 0);
    }
    suite_pass(suite, 30);
    MUST(suite, party->heard == 0);
}

static void nothing_rings_unasked(struct suite *suite)
{
    if (suite->storage->ops->listen == NULL)
        return;
    for (unsigned i = 0; i < 3; i++) {
        int status;
        tell(suite, TEXT("key"), TEXT("value"), &status);
        MUST(suite, status == 0);
        suite_pass(suite, 10);
    }
    MUST(suite, suite->party[0].heard == 0 && suite->party[1].heard == 0);
}

static void who_listens_no_more(struct suite *suite)
{
    const breaker_storage_ops_t *ops = suite->storage->ops;
    struct party *party = &suite->party[1];
    if (ops->listen == NULL || ops->unlisten == NULL)
        return;
    ops->unlisten(suite->storage, &party->client, TEXT("key"));
    for (unsigned rounds = 0; rounds < 2; rounds++) {
        MUST(suite, listen_to(suite, party, TEXT("key")) == 0);
        MUST(suite, listen_to(suite, party, TEXT("other")) == 0);
        MUST(suite, is_heard(suite, TEXT("key"), TEXT("value")));
        ops->unlisten(suite->storage, &party->client, TEXT("key"));
        suite_pass(suite, 50);
        party->heard = 0;
        for (unsigned i = 0; i < 3; i++) {
            int status;
            tell(suite, TEXT("key"), TEXT("unheard"), &status);
            MUST(suite, status == 0);
            suite_pass(suite, 10);
        }
        MUST(suite, party->heard == 0);
        MUST(suite, is_heard(suite, TEXT("other"), TEXT("value")));
    }
}

static void bell_and_close(struct suite *suite)
{
    struct party *party = &suite->party[1];
    int status;
    MUST(suite, listen_to(suite, party, TEXT("key")) == 0);
    MUST(suite, is_heard(suite, TEXT("key"), TEXT("value")));
    tell(suite, TEXT("key"), TEXT("late"), &status);
    party_close(party);
    tell(suite, TEXT("key"), TEXT("later"), &status);
    MUST(suite, suite_until(suite, &party->is_closed));
    unsigned heard = party->heard;
    tell(suite, TEXT("key"), TEXT("latest"), &status);
    suite_pass(suite, 20);
    MUST(suite, party->heard == heard);
}

/* ---- Threads -----------------------------------------------------------------------------------*/

/* A thread with a loop and a client of its own; it counts with the others in one key. */
struct worker {
    struct suite suite; /* its own, of which only what acts need is used */
    uv_thread_t id;
};

static void work(void *data)
{
    struct worker *worker = data;
    struct suite *suite = &worker->suite;
    struct party *party = &suite->party[0];
    suite->thread = uv_thread_self();
    if (party_open(suite, party, &suite->loop) != 0) {
        suite_fail(suite, "open in a thread of its own", __FILE__, __LINE__);
        return;
    }
    if (suite_can(suite, BREAKER_STORAGE_BELL))
        listen_to(suite, party, TEXT("bell"));
    for (unsigned done = 0; done < ROUNDS && !suite->has_failed;) {
        struct act *act = act_new(suite);
        act_incr(act, TEXT("first"), 1);
        act_incr(act, TEXT("second"), 1);
        act_tell(act, TEXT("bell"), TEXT("rings"));
        int status = act_run(act);
        if (status == 0 && act->verbs[0].number != act->verbs[1].number)
            suite_fail(suite, "a transaction is one step in every thread", __FILE__, __LINE__);
        done += status == 0;
        if (status != 0)
            suite_pass(suite, 5);
    }
    party_close(party);
    suite_until(suite, &party->is_closed);
}

static void threads_share(struct suite *suite)
{
    static struct worker workers[2];
    memset(workers, 0, sizeof workers);
    for (unsigned i = 0; i < 2; i++) {
        struct suite *own = &workers[i].suite;
        own->subject = suite->subject;
        own->storage = suite->storage;
        own->rule = suite->rule;
        uv_loop_init(&own->loop);
        uv_timer_init(&own->loop, &own->timer);
        uv_thread_create(&workers[i].id, work, &workers[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        struct suite *own = &workers[i].suite;
        uv_thread_join(&workers[i].id);
        uv_close((uv_handle_t *)&own->timer, NULL);
        uv_run(&own->loop, UV_RUN_DEFAULT);
        MUST(suite, uv_loop_close(&own->loop) == 0);
        suite_free_acts(own);
        MUST(suite, !own->has_failed);
    }
    struct act *act = act_new(suite);
    breaker_verb_t *first = act_incr(act, TEXT("first"), 0);
    breaker_verb_t *second = act_incr(act, TEXT("second"), 0);
    MUST(suite, act_run(act) == 0);
    MUST(suite, first->number == 2 * ROUNDS && second->number == 2 * ROUNDS);
}

const struct rule conformance_bells[] = {
    {"TELL is accepted, and keeps nothing", tell_is_accepted, 0},
    {"TELL is heard by a client that listens, with all its bytes", tell_is_heard,
     BREAKER_STORAGE_BELL},
    {"of many tellings, the last is heard", last_is_heard, BREAKER_STORAGE_BELL},
    {"what was not done does not ring", only_what_is_done_rings, BREAKER_STORAGE_BELL},
    {"a client that does not listen hears nothing", nothing_rings_unasked, BREAKER_STORAGE_BELL},
    {"a client that listens no more hears nothing, and may listen again", who_listens_no_more,
     BREAKER_STORAGE_BELL},
    {"a client that has closed hears nothing", bell_and_close, BREAKER_STORAGE_BELL},
    {"clients of several threads share it, in whole steps", threads_share, BREAKER_STORAGE_THREADS},
    {NULL, NULL, 0},
};
