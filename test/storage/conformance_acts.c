/* How the rules of the conformance suite speak to a storage: a client with ears, a transaction that
 * counts its completions and knows where they came from, and waiting that always ends. */
#include "conformance_suite.h"
#include <stdlib.h>

/* ---- Clients -----------------------------------------------------------------------------------*/

static void on_bell(breaker_client_t *client, const char *key, size_t key_length, const char *value,
                    size_t length)
{
    struct party *party = client->data;
    MUST(party->suite, !party->is_closed && "a closed client hears no bell");
    MUST(party->suite, key_length <= BREAKER_KEY_MAX && length <= BREAKER_VALUE_MAX);
    if (value == NULL) { /* it says only that the key is heard */
        MUST(party->suite, length == 0);
        return;
    }
    memcpy(party->key, key, key_length);
    memcpy(party->value, value, length);
    party->key_length = key_length;
    party->length = length;
    party->heard++;
}

static void on_health(breaker_client_t *client, int status)
{
    struct party *party = client->data;
    MUST(party->suite, !party->is_closed && "a closed client hears of no health");
    MUST(party->suite, status <= 0);
}

static void on_closed(breaker_client_t *client)
{
    struct party *party = client->data;
    MUST(party->suite, !party->is_open && "closed never runs inside close");
    MUST(party->suite, !party->is_closed && "closed runs once");
    party->is_closed = true;
}

int party_open(struct suite *suite, struct party *party, uv_loop_t *loop)
{
    memset(party, 0, sizeof *party);
    party->suite = suite;
    party->client.loop = loop;
    party->client.data = party;
    party->client.bell = on_bell;
    party->client.health = on_health;
    int error = suite->storage->ops->open(suite->storage, &party->client);
    party->is_open = error == 0;
    return error;
}

void party_close(struct party *party)
{
    struct suite *suite = party->suite;
    party->client.closed = on_closed;
    party->is_closing = true;
    suite->storage->ops->close(suite->storage, &party->client);
    party->is_open = false;
}

/* ---- Transactions ------------------------------------------------------------------------------*/

static void on_complete(breaker_transaction_t *transaction, int status)
{
    struct act *act = transaction->data;
    uv_thread_t self = uv_thread_self();
    act->completions++;
    MUST(act->suite, act->is_pending && "only what is pending completes, and once");
    MUST(act->suite, uv_thread_equal(&self, &act->suite->thread) != 0 && "on its loop's thread");
    act->is_pending = false;
    act->status = status;
    if (act->then != NULL)
        act->then(act);
}

struct act *act_new(struct suite *suite)
{
    struct act *act = calloc(1, sizeof *act);
    act->suite = suite;
    act->transaction.verbs = act->verbs;
    act->transaction.complete = on_complete;
    act->transaction.data = act;
    act->transaction.standing = act->standing;
    act->transaction.standing_length = sizeof act->standing;
    act->next = suite->acts;
    suite->acts = act;
    return act;
}

void suite_free_acts(struct suite *suite)
{
    while (suite->acts != NULL) {
        struct act *act = suite->acts;
        suite->acts = act->next;
        free(act);
    }
}

static breaker_verb_t *add_verb(struct act *act, breaker_verb_kind_t kind, const char *key,
                                size_t key_length)
{
    breaker_verb_t *verb = &act->verbs[act->transaction.count++];
    verb->kind = kind;
    verb->key = key;
    verb->key_length = (uint16_t)key_length;
    return verb;
}

static breaker_verb_t *with_value(breaker_verb_t *verb, const char *value, size_t length)
{
    verb->value = (char *)value;
    verb->length = (uint16_t)length;
    return verb;
}

breaker_verb_t *act_get(struct act *act, const char *key, size_t key_length)
{
    breaker_verb_t *verb = add_verb(act, BREAKER_GET, key, key_length);
    return with_value(verb, act->value, BREAKER_VALUE_MAX);
}

breaker_verb_t *act_set(struct act *act, const char *key, size_t key_length, const char *value,
                        size_t length)
{
    return with_value(add_verb(act, BREAKER_SET, key, key_length), value, length);
}

breaker_verb_t *act_add(struct act *act, const char *key, size_t key_length, const char *value,
                        size_t length)
{
    return with_value(add_verb(act, BREAKER_ADD, key, key_length), value, length);
}

breaker_verb_t *act_incr(struct act *act, const char *key, size_t key_length, int64_t number)
{
    breaker_verb_t *verb = add_verb(act, BREAKER_INCR, key, key_length);
    verb->number = number;
    return verb;
}

breaker_verb_t *act_delete(struct act *act, const char *key, size_t key_length)
{
    return add_verb(act, BREAKER_DELETE, key, key_length);
}

breaker_verb_t *act_log(struct act *act, const char *key, size_t key_length, int64_t score,
                        int64_t cut)
{
    breaker_verb_t *verb = add_verb(act, BREAKER_LOG, key, key_length);
    verb->score = score;
    verb->cut = cut;
    return verb;
}

breaker_verb_t *act_tell(struct act *act, const char *key, size_t key_length, const char *value,
                         size_t length)
{
    return with_value(add_verb(act, BREAKER_TELL, key, key_length), value, length);
}

breaker_verb_t *act_member(struct act *act, const char *key, size_t key_length, const char *value,
                           size_t length)
{
    return with_value(add_verb(act, BREAKER_MEMBER, key, key_length), value, length);
}

breaker_verb_t *act_members(struct act *act, const char *key, size_t key_length, char *page,
                            size_t room)
{
    breaker_verb_t *verb = add_verb(act, BREAKER_MEMBERS, key, key_length);
    verb->value = page;
    verb->length = (uint16_t)room;
    return verb;
}

breaker_verb_t *act_field(struct act *act, const char *key, size_t key_length, const char *value,
                          size_t length)
{
    return with_value(add_verb(act, BREAKER_FIELD, key, key_length), value, length);
}

void act_guard_absent(struct act *act, const char *key, size_t key_length)
{
    act->transaction.guard = BREAKER_GUARD_ABSENT;
    act->transaction.guard_key = key;
    act->transaction.guard_key_length = (uint16_t)key_length;
}

void act_guard_equals(struct act *act, const char *key, size_t key_length, const char *value,
                      size_t length)
{
    act_guard_absent(act, key, key_length);
    act->transaction.guard = BREAKER_GUARD_EQUALS;
    act->transaction.guard_value = value;
    act->transaction.guard_length = (uint16_t)length;
}

/* ---- Submitting and waiting --------------------------------------------------------------------*/

void act_submit(struct act *act, struct party *party)
{
    act->party = party;
    act->is_pending = true;
    act->suite->storage->ops->submit(act->suite->storage, &party->client, &act->transaction);
}

static uint64_t patience(const struct suite *suite)
{
    return suite->subject->patience != 0 ? suite->subject->patience : 5000;
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
}

/* Turns the loop until *flag is what is wanted; a repeating timer sees that no turn blocks for long. */
static bool until(struct suite *suite, const bool *flag, bool wanted)
{
    uint64_t begin = uv_hrtime();
    uv_update_time(&suite->loop);
    uv_timer_start(&suite->timer, on_timer, 5, 5);
    while (*flag != wanted && (uv_hrtime() - begin) / 1000000 < patience(suite))
        uv_run(&suite->loop, UV_RUN_ONCE);
    uv_timer_stop(&suite->timer);
    return *flag == wanted;
}

bool suite_until(struct suite *suite, const bool *flag)
{
    return until(suite, flag, true);
}

int act_wait(struct act *act)
{
    if (until(act->suite, &act->is_pending, false))
        return act->status;
    suite_fail(act->suite, "a storage in good health completes a transaction", __FILE__, __LINE__);
    return UV_ETIMEDOUT;
}

int act_run(struct act *act)
{
    act_submit(act, &act->suite->party[0]);
    return act_wait(act);
}

/* A loop without anything alive does not turn at all. */
void suite_turn(struct suite *suite)
{
    uv_timer_start(&suite->timer, on_timer, 1000, 0);
    for (unsigned i = 0; i < 5; i++)
        uv_run(&suite->loop, UV_RUN_NOWAIT);
    uv_timer_stop(&suite->timer);
}

void suite_pass(struct suite *suite, uint64_t ms)
{
    uint64_t begin = uv_hrtime();
    if (suite->subject->pass != NULL) {
        suite->subject->pass(suite->subject->data, suite->storage, ms);
        suite_turn(suite);
        return;
    }
    uv_update_time(&suite->loop);
    uv_timer_start(&suite->timer, on_timer, 1, 1);
    while ((uv_hrtime() - begin) / 1000000 < ms)
        uv_run(&suite->loop, UV_RUN_ONCE);
    uv_timer_stop(&suite->timer);
}

/* ---- In one step -------------------------------------------------------------------------------*/

int suite_set(struct suite *suite, const char *key, size_t key_length, const char *value,
              size_t length, uint64_t ttl, uint64_t *wall)
{
    struct act *act = act_new(suite);
    act_set(act, key, key_length, value, length)->ttl = ttl;
    int status = act_run(act);
    if (wall != NULL)
        *wall = act->transaction.wall;
    return status;
}

int suite_found(struct suite *suite, const char *key, size_t key_length, uint64_t *wall)
{
    struct act *act = act_new(suite);
    breaker_verb_t *get = act_get(act, key, key_length);
    if (act_run(act) != 0)
        return -1;
    if (wall != NULL)
        *wall = act->transaction.wall;
    return get->found;
}

bool suite_holds(struct suite *suite, const char *key, size_t key_length, const char *value,
                 size_t length)
{
    struct act *act = act_new(suite);
    breaker_verb_t *get = act_get(act, key, key_length);
    return act_run(act) == 0 && get->found && get->length == length &&
           memcmp(act->value, value, length) == 0;
}

bool suite_can(const struct suite *suite, unsigned flags)
{
    return (suite->storage->ops->flags & flags) == flags;
}
