/* What each verb does to a key of the memory storage. */
#include "memory_draft.h"
#include <string.h>
#include <uv.h>

static uint64_t end_of(uint64_t now, uint64_t ttl)
{
    return ttl == 0 || ttl > UINT64_MAX - now ? UINT64_MAX : now + ttl;
}

/* After this the draft has no log entries, and no time to live. */
static void empty(struct memory_draft *draft)
{
    draft->held = MEMORY_NOTHING;
    draft->changed = true;
    draft->end = UINT64_MAX;
    draft->gone = draft->log != NULL ? draft->log->count : 0;
    draft->coming = 0;
}

static int verb_get(struct memory_draft *draft, const breaker_verb_t *verb,
                    struct memory_result *result)
{
    if (draft->held == MEMORY_LOG)
        return UV_EINVAL;
    result->found = draft->held == MEMORY_VALUE;
    result->length = 0;
    if (!result->found)
        return 0;
    if (draft->length > verb->length)
        return UV_EMSGSIZE;
    result->length = draft->length;
    if (draft->length > 0)
        memcpy(verb->value, draft->value, draft->length);
    return 0;
}

static int verb_set(struct memory_draft *draft, const breaker_verb_t *verb, uint64_t now)
{
    empty(draft);
    draft->held = MEMORY_VALUE;
    draft->end = end_of(now, verb->ttl);
    draft->length = verb->length;
    if (verb->length > 0)
        memcpy(draft->value, verb->value, verb->length);
    return 0;
}

static int verb_add(struct memory_draft *draft, const breaker_verb_t *verb, uint64_t now,
                    struct memory_result *result)
{
    result->number = draft->held == MEMORY_NOTHING;
    return result->number ? verb_set(draft, verb, now) : 0;
}

static int verb_incr(struct memory_draft *draft, const breaker_verb_t *verb, uint64_t now,
                     struct memory_result *result)
{
    if (draft->held == MEMORY_LOG)
        return UV_EINVAL;
    if (draft->held == MEMORY_NOTHING) {
        draft->value[0] = '0';
        draft->length = 1;
    }
    result->number = verb->number;
    int error = breaker_number_add(draft->value, &draft->length, &result->number);
    if (error != 0)
        return error;
    draft->held = MEMORY_VALUE;
    draft->changed = true;
    if (result->number == verb->number && verb->ttl != 0)
        draft->end = end_of(now, verb->ttl);
    return 0;
}

static int verb_delete(struct memory_draft *draft, struct memory_result *result)
{
    result->number = draft->held != MEMORY_NOTHING;
    empty(draft);
    return 0;
}

static void come(struct memory_draft *draft, int64_t score)
{
    unsigned place = draft->coming++;
    for (; place > 0 && draft->scores[place - 1] > score; place--)
        draft->scores[place] = draft->scores[place - 1];
    draft->scores[place] = score;
}

static void forget_coming(struct memory_draft *draft, unsigned oldest)
{
    draft->coming -= oldest;
    memmove(draft->scores, draft->scores + oldest, draft->coming * sizeof *draft->scores);
}

static void forget_oldest(struct memory_draft *draft)
{
    const struct memory_log *log = draft->log;
    if (draft->gone < log->count &&
        (draft->coming == 0 || log->scores[log->first + draft->gone] <= draft->scores[0]))
        draft->gone++;
    else
        forget_coming(draft, 1);
}

static int verb_log(struct memory_drafts *drafts, struct memory_draft *draft,
                    const breaker_verb_t *verb, struct memory_result *result)
{
    if (draft->held == MEMORY_VALUE)
        return UV_EINVAL;
    if (draft->log == NULL && (draft->log = memory_log_create()) == NULL)
        return UV_ENOMEM;
    struct memory_log *log = draft->log;
    unsigned old = 0;
    draft->gone += memory_log_upto(log, draft->gone, verb->cut);
    while (old < draft->coming && draft->scores[old] <= verb->cut)
        old++;
    forget_coming(draft, old);
    int error = memory_log_reserve(log, draft->gone, draft->coming + 1);
    if (error != 0)
        return error;
    come(draft, verb->score);
    if (log->count - draft->gone + draft->coming > drafts->keys->max_log)
        forget_oldest(draft);
    result->number = (int64_t)(log->count - draft->gone + draft->coming);
    draft->held = MEMORY_LOG;
    draft->changed = true;
    if (verb->ttl != 0)
        draft->end = end_of(drafts->now, verb->ttl);
    return 0;
}

/* Kept elsewhere, but for fields: there is nobody outside who could read them. */
static bool is_register(const breaker_verb_t *verb)
{
    return verb->kind == BREAKER_MEMBER || verb->kind == BREAKER_FIELD ||
           verb->kind == BREAKER_MEMBERS;
}

static int run(struct memory_drafts *drafts, const breaker_verb_t *verb,
               struct memory_result *result)
{
    if (verb->kind == BREAKER_TELL || is_register(verb))
        return 0;
    struct memory_draft *draft = memory_draft_of(drafts, verb->key, verb->key_length);
    switch (verb->kind) {
    case BREAKER_GET:
        return verb_get(draft, verb, result);
    case BREAKER_SET:
        return verb_set(draft, verb, drafts->now);
    case BREAKER_ADD:
        return verb_add(draft, verb, drafts->now, result);
    case BREAKER_INCR:
        return verb_incr(draft, verb, drafts->now, result);
    case BREAKER_DELETE:
        return verb_delete(draft, result);
    default:
        return verb_log(drafts, draft, verb, result);
    }
}

int memory_keys_run(struct memory_keys *keys, uint64_t now,
                    const breaker_transaction_t *transaction, struct memory_result *results)
{
    struct memory_drafts drafts;
    drafts.keys = keys;
    drafts.now = now;
    drafts.count = 0;
    int error = 0;
    for (unsigned i = 0; i < transaction->count && error == 0; i++)
        error = run(&drafts, &transaction->verbs[i], &results[i]);
    return memory_draft_finish(&drafts, error);
}
