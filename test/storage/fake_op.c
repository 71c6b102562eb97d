/* A transaction under way in the fake storage: its copy in, its answers out. */
#include "fake_parts.h"
#include <stdlib.h>
#include <string.h>

static const char *copy_key(struct fake_op *op, unsigned i, const char *key, size_t length)
{
    return memcpy(op->keys[i], key, length);
}

/* A page is too large to have room in every copy. */
static char *page_of(struct fake_op *op, const breaker_verb_t *verb)
{
    if (op->page == NULL && (op->page = malloc(verb->length)) == NULL)
        abort();
    return op->page;
}

static bool is_read(const breaker_verb_t *verb)
{
    return verb->kind == BREAKER_GET || verb->kind == BREAKER_MEMBERS;
}

static void copy_in(struct fake_op *op, const breaker_transaction_t *outer)
{
    op->copy = *outer;
    op->copy.verbs = op->verbs;
    for (unsigned i = 0; i < outer->count; i++) {
        breaker_verb_t *verb = &op->verbs[i];
        *verb = outer->verbs[i];
        verb->key = copy_key(op, i, verb->key, verb->key_length);
        if (verb->kind == BREAKER_GET && verb->length > BREAKER_VALUE_MAX)
            verb->length = BREAKER_VALUE_MAX;
        else if (!is_read(verb) && verb->value != NULL && verb->length > 0)
            memcpy(op->values[i], verb->value, verb->length);
        verb->value = verb->kind == BREAKER_MEMBERS ? page_of(op, verb) : op->values[i];
    }
    if (outer->guard != BREAKER_GUARD_NONE)
        op->copy.guard_key =
            copy_key(op, BREAKER_VERBS_MAX, outer->guard_key, outer->guard_key_length);
    if (outer->guard == BREAKER_GUARD_EQUALS && outer->guard_length > 0)
        op->copy.guard_value =
            memcpy(op->values[BREAKER_VERBS_MAX], outer->guard_value, outer->guard_length);
    op->copy.standing = op->standing;
    op->copy.standing_length = sizeof op->standing;
}

struct fake_op *fake_op_make(struct fake *fake, struct fake_client *client,
                             breaker_transaction_t *outer, bool is_flush)
{
    struct fake_op *op = calloc(1, sizeof *op);
    if (op == NULL)
        return NULL;
    op->client = client;
    op->outer = outer;
    op->is_flush = is_flush;
    op->order = fake->order++;
    outer->storage_link[0] = op;
    op->status = breaker_transaction_check(outer);
    if (op->status == 0)
        copy_in(op, outer);
    struct fake_op **link = &fake->ops;
    while (*link != NULL)
        link = &(*link)->next;
    *link = op;
    return op;
}

void fake_op_unlink(struct fake *fake, const struct fake_op *op)
{
    struct fake_op **link = &fake->ops;
    while (*link != op)
        link = &(*link)->next;
    *link = op->next;
}

static void answer(const struct fake_op *op, breaker_transaction_t *outer)
{
    for (unsigned i = 0; i < outer->count; i++) {
        breaker_verb_t *verb = &outer->verbs[i];
        const breaker_verb_t *from = &op->verbs[i];
        verb->found = from->found;
        verb->number = from->number;
        if (!is_read(verb))
            continue;
        verb->length = from->length;
        if (from->length > 0)
            memcpy(verb->value, from->value, from->length);
    }
}

static void answer_standing(const struct fake_op *op, breaker_transaction_t *outer)
{
    if (outer->standing == NULL)
        return;
    size_t room = outer->standing_length;
    size_t length = op->copy.standing_length;
    memcpy(outer->standing, op->standing, length < room ? length : room);
    outer->standing_length = (uint16_t)length;
    outer->standing_found = op->copy.standing_found;
}

void fake_op_complete(struct fake *fake, struct fake_op *op)
{
    breaker_transaction_t *outer = op->outer;
    int status = op->status;
    if (outer != NULL && (status == 0 || status == BREAKER_EGUARD))
        outer->wall = op->copy.wall;
    if (outer != NULL && status == 0)
        answer(op, outer);
    if (outer != NULL && status == BREAKER_EGUARD)
        answer_standing(op, outer);
    fake_op_unlink(fake, op);
    free(op->page);
    free(op);
    if (outer == NULL)
        return;
    fake->totals.completed++;
    outer->complete(outer, status);
}

bool fake_op_is_due(const struct fake *fake, const struct fake_op *op, enum fake_stage stage)
{
    return op->stage == stage && op->due <= fake->now;
}
