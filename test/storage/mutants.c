/* Storages that are wrong in one thing each. */
#include "mutants.h"
#include <string.h>
#include <uv.h>

static void pass_on(breaker_client_t *client, breaker_transaction_t *transaction)
{
    mutant_base->ops->submit(mutant_base, client, transaction);
}

static void on_copy(breaker_transaction_t *copy, int status)
{
    *(int *)copy->data = status;
}

/* Runs a copy, with the verbs at verbs, and answers its status. */
static int run(breaker_client_t *client, const breaker_transaction_t *transaction,
               breaker_transaction_t *copy, breaker_verb_t *verbs)
{
    int status = 1;
    *copy = *transaction;
    copy->verbs = verbs;
    copy->complete = on_copy;
    copy->data = &status;
    mutant_base->ops->submit(mutant_base, client, copy);
    return status;
}

static void finish(breaker_transaction_t *transaction, const breaker_transaction_t *copy,
                   int status)
{
    transaction->wall = copy->wall;
    transaction->standing_length = copy->standing_length;
    transaction->standing_found = copy->standing_found;
    transaction->complete(transaction, status);
}

/* Changes the verbs, but not what the submitter sees of them, and passes them on. */
static void with_each(breaker_client_t *client, breaker_transaction_t *transaction,
                      void (*change)(breaker_verb_t *verb))
{
    breaker_verb_t verbs[BREAKER_VERBS_MAX + 1];
    breaker_transaction_t copy;
    for (unsigned i = 0; i < transaction->count; i++) {
        verbs[i] = transaction->verbs[i];
        change(&verbs[i]);
    }
    int status = run(client, transaction, &copy, verbs);
    for (unsigned i = 0; i < transaction->count && status == 0; i++) {
        transaction->verbs[i].number = verbs[i].number;
        transaction->verbs[i].found = verbs[i].found;
        if (transaction->verbs[i].kind == BREAKER_GET)
            transaction->verbs[i].length = verbs[i].length;
    }
    finish(transaction, &copy, status);
}

#define CHANGES(name, what)                                                        \
    static void name##_verb(breaker_verb_t *verb)                                  \
    {                                                                              \
        what;                                                                      \
    }                                                                              \
    static void name(breaker_client_t *client, breaker_transaction_t *transaction) \
    {                                                                              \
        with_each(client, transaction, name##_verb);                               \
    }

#define IF(kind_, what)        \
    if (verb->kind == (kind_)) \
    what

CHANGES(add_sets, IF(BREAKER_ADD, (verb->kind = BREAKER_SET, verb->number = 1)))
CHANGES(sets_without_end, IF(BREAKER_SET, verb->ttl = 0))
CHANGES(ends_early, verb->ttl -= verb->ttl > 1)
CHANGES(ends_late, verb->ttl += verb->ttl > 0)
CHANGES(adds_without_end, IF(BREAKER_ADD, verb->ttl = 0))
CHANGES(counts_without_end, IF(BREAKER_INCR, verb->ttl = 0))
CHANGES(logs_without_end, IF(BREAKER_LOG, verb->ttl = 0))
CHANGES(short_keys, if (verb->key_length > 255) verb->key_length = 255)
CHANGES(long_keys, if (verb->key_length > 512) verb->key_length = 512)
CHANGES(long_values, if (verb->length > BREAKER_VALUE_MAX) verb->length = BREAKER_VALUE_MAX)
CHANGES(texts_for_keys, if (verb->key_length < 500)
                            verb->key_length = (uint16_t)(strnlen(verb->key, verb->key_length)))
CHANGES(registers_as_values,
        if (verb->kind == BREAKER_MEMBER || verb->kind == BREAKER_FIELD) verb->kind = BREAKER_SET)
CHANGES(fields_without_names, IF(BREAKER_FIELD, verb->kind = BREAKER_MEMBER))
CHANGES(members_for_ever, IF(BREAKER_MEMBER, verb->ttl = 0))
CHANGES(members_cut_short, IF(BREAKER_MEMBER, verb->length -= verb->length > 0))
CHANGES(short_members, IF(BREAKER_MEMBER, if (verb->length > 255) verb->length = 255))
CHANGES(texts_for_values,
        IF(BREAKER_SET,
           if (verb->length > 0) verb->length = (uint16_t)strnlen(verb->value, verb->length)))
CHANGES(cuts_below, IF(BREAKER_LOG, verb->cut--))
CHANGES(
    tells_nothing, if (verb->kind == BREAKER_TELL) {
        verb->key = "nobody";
        verb->key_length = 6;
    })

static void knows_no_registers(breaker_client_t *client, breaker_transaction_t *transaction)
{
    for (unsigned i = 0; i < transaction->count; i++)
        if (transaction->verbs[i].kind > BREAKER_TELL) {
            transaction->complete(transaction, UV_EINVAL);
            return;
        }
    pass_on(client, transaction);
}

static void without_guard(breaker_client_t *client, breaker_transaction_t *transaction)
{
    breaker_transaction_t copy = *transaction;
    copy.guard = BREAKER_GUARD_NONE;
    int status = run(client, &copy, &copy, transaction->verbs);
    finish(transaction, &copy, status);
}

static void without_standing(breaker_client_t *client, breaker_transaction_t *transaction)
{
    breaker_transaction_t copy;
    int status = run(client, transaction, &copy, transaction->verbs);
    copy.standing_length = transaction->standing_length;
    finish(transaction, &copy, status);
}

static void without_clock(breaker_client_t *client, breaker_transaction_t *transaction)
{
    breaker_transaction_t copy;
    int status = run(client, transaction, &copy, transaction->verbs);
    copy.wall = 0;
    finish(transaction, &copy, status);
}

static void stopped_clock(breaker_client_t *client, breaker_transaction_t *transaction)
{
    breaker_transaction_t copy;
    int status = run(client, transaction, &copy, transaction->verbs);
    copy.wall = 1;
    finish(transaction, &copy, status);
}

static void one_by_one(breaker_client_t *client, breaker_transaction_t *transaction)
{
    breaker_transaction_t copy = *transaction;
    int status = 0;
    copy.count = 0;
    status = run(client, &copy, &copy, NULL);
    for (unsigned i = 0; i < transaction->count && status == 0; i++) {
        copy.guard = BREAKER_GUARD_NONE;
        copy.count = 1;
        status = run(client, &copy, &copy, transaction->verbs + i);
    }
    finish(transaction, &copy, status);
}

static void backwards(breaker_client_t *client, breaker_transaction_t *transaction)
{
    breaker_verb_t verbs[BREAKER_VERBS_MAX + 1];
    breaker_transaction_t copy;
    unsigned count = transaction->count;
    for (unsigned i = 0; i < count; i++)
        verbs[i] = transaction->verbs[count - 1 - i];
    int status = run(client, transaction, &copy, verbs);
    for (unsigned i = 0; i < count; i++)
        transaction->verbs[i] = verbs[count - 1 - i];
    finish(transaction, &copy, status);
}

static void completes_twice(breaker_client_t *client, breaker_transaction_t *transaction)
{
    pass_on(client, transaction);
    transaction->complete(transaction, 0);
}

static void counts_in_doubles(breaker_client_t *client, breaker_transaction_t *transaction)
{
    breaker_transaction_t copy;
    int status = run(client, transaction, &copy, transaction->verbs);
    for (unsigned i = 0; i < transaction->count && status == 0; i++)
        if (transaction->verbs[i].number < INT64_MAX / 2)
            transaction->verbs[i].number = (int64_t)(double)transaction->verbs[i].number;
    finish(transaction, &copy, status);
}

static void forgets_what_was_asked(breaker_client_t *client, breaker_transaction_t *transaction)
{
    breaker_transaction_t copy;
    int status = run(client, transaction, &copy, transaction->verbs);
    for (unsigned i = 0; i < transaction->count && status != 0; i++)
        transaction->verbs[i].number = 0;
    finish(transaction, &copy, status);
}

static void counts_from_anything(breaker_client_t *client, breaker_transaction_t *transaction)
{
    breaker_transaction_t copy;
    int status = run(client, transaction, &copy, transaction->verbs);
    finish(transaction, &copy,
           status == UV_EINVAL && transaction->count == 1 &&
                   transaction->verbs[0].kind == BREAKER_INCR
               ? 0
               : status);
}

static void deletes_always(breaker_client_t *client, breaker_transaction_t *transaction)
{
    breaker_transaction_t copy;
    int status = run(client, transaction, &copy, transaction->verbs);
    for (unsigned i = 0; i < transaction->count && status == 0; i++)
        if (transaction->verbs[i].kind == BREAKER_DELETE)
            transaction->verbs[i].number = 1;
    finish(transaction, &copy, status);
}

static void finds_always(breaker_client_t *client, breaker_transaction_t *transaction)
{
    breaker_transaction_t copy;
    int status = run(client, transaction, &copy, transaction->verbs);
    for (unsigned i = 0; i < transaction->count && status == 0; i++)
        transaction->verbs[i].found = 1;
    finish(transaction, &copy, status);
}

static void is_silent(breaker_client_t *client, breaker_transaction_t *transaction)
{
    if (transaction->count == 0 || transaction->verbs[0].kind != BREAKER_DELETE)
        pass_on(client, transaction);
}

static void tells_in_any_case(breaker_client_t *client, breaker_transaction_t *transaction)
{
    breaker_transaction_t copy = *transaction;
    copy.guard = BREAKER_GUARD_NONE;
    for (unsigned i = 0; i < transaction->count; i++)
        if (transaction->verbs[i].kind == BREAKER_TELL) {
            breaker_verb_t verb = transaction->verbs[i];
            copy.count = 1;
            run(client, &copy, &copy, &verb);
            copy = *transaction;
            copy.guard = BREAKER_GUARD_NONE;
        }
    pass_on(client, transaction);
}

static void completes_what_is_cancelled(breaker_client_t *client,
                                        breaker_transaction_t *transaction)
{
    mutant_base->ops->cancel(mutant_base, client, transaction);
    transaction->complete(transaction, UV_ECANCELED);
}

static uv_timer_t timers[8];

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
}

/* A handle that keeps the loop alive. */
static int opens_for_ever(breaker_client_t *client)
{
    uv_timer_t *timer = timers;
    while (timer->data != NULL)
        timer++;
    timer->data = client;
    uv_timer_init(client->loop, timer);
    uv_timer_start(timer, on_timer, 3600000, 0);
    return mutant_base->ops->open(mutant_base, client);
}

static void closes_for_ever(breaker_client_t *client)
{
    uv_timer_t *timer = timers;
    while (timer->data != client)
        timer++;
    timer->data = NULL;
    uv_close((uv_handle_t *)timer, NULL);
    mutant_base->ops->close(mutant_base, client);
}

static void closes_inside(breaker_client_t *client)
{
    client->closed(client);
    mutant_base->ops->close(mutant_base, client);
}

static void flushes_nothing(breaker_client_t *client, breaker_transaction_t *transaction)
{
    pass_on(client, transaction);
}

const struct mutant mutants[] = {
    {"ADD sets only if the key is absent", .submit = add_sets},
    {"ADD gives a time to live", .submit = adds_without_end},
    {"SET gave a time to live", .submit = sets_without_end},
    {"SET gave a time to live", .submit = ends_early},
    {"SET gave a time to live", .submit = ends_late},
    {"INCR gives a time to live to what it makes", .submit = counts_without_end},
    {"LOG gives its key a time to live", .submit = logs_without_end},
    {"keys that differ", .submit = short_keys},
    {"keys that differ", .submit = texts_for_keys},
    {"keys of no length or over the limit", .submit = long_keys},
    {"values over the limit", .submit = long_values},
    {"with nothing done", .submit = one_by_one},
    {"leave what is no register alone", .submit = registers_as_values},
    {"a FIELD without a name", .submit = fields_without_names},
    {"MEMBER takes as long values", .submit = short_members},
    {"MEMBER and FIELD are accepted", .submit = knows_no_registers},
    {"MEMBERS tells every member", .submit = members_cut_short},
    {"members end with their time to live", .submit = members_for_ever},
    {"GET gives the bytes", .submit = texts_for_values},
    {"LOG forgets what is not above the cut", .submit = cuts_below},
    {"TELL is heard", .submit = tells_nothing},
    {"what was not done does not ring", .submit = tells_in_any_case},
    {"a client that listens no more", .is_all_ears = true},
    {"a guard that differs", .submit = without_guard},
    {"a guard of absence", .submit = without_standing},
    {"what stands instead", .submit = without_standing},
    {"answers the clock", .submit = without_clock},
    {"the clock goes on", .submit = stopped_clock},
    {"done in order", .submit = backwards},
    {"a thousand in flight", .submit = completes_twice},
    {"INCR is exact", .submit = counts_in_doubles},
    {"INCR over the range", .submit = forgets_what_was_asked},
    {"INCR of what is no number", .submit = counts_from_anything},
    {"DELETE takes a key away", .submit = deletes_always},
    {"GET of an absent key", .submit = finds_always},
    {"DELETE takes a key away", .submit = is_silent},
    {"a client may close as soon as it is open", .close = closes_inside},
    {"flush forgets every key", .flush = flushes_nothing},
    {"what was cancelled never completes", .is_outside = true,
     .cancel = completes_what_is_cancelled},
    {"an idle client", .open = opens_for_ever, .close = closes_for_ever},
    {NULL},
};
