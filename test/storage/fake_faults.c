/* What each fault of the fake storage does to a transaction. */
#include "fake_parts.h"
#include <string.h>

static uint64_t next_random(struct fake *fake)
{
    uint64_t mixed = fake->random += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return mixed ^ mixed >> 31;
}

uint64_t fake_draw(struct fake *fake, uint64_t below)
{
    return below == 0 ? 0 : next_random(fake) % below;
}

enum fake_fault fake_choose(struct fake *fake)
{
    if (fake->next_count > 0) {
        fake->next_count--;
        return fake->next;
    }
    double draw = (double)(next_random(fake) >> 11) / 9007199254740992.0;
    for (int fault = FAKE_FINE + 1; fault < FAKE_FAULTS; fault++) {
        if (draw < fake->switches.chance[fault])
            return (enum fake_fault)fault;
        draw -= fake->switches.chance[fault];
    }
    return FAKE_FINE;
}

static void noise(struct fake *fake, char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)next_random(fake);
}

static void garble(struct fake *fake, struct fake_op *op)
{
    for (unsigned i = 0; i < op->copy.count; i++) {
        breaker_verb_t *verb = &op->verbs[i];
        if (verb->kind == BREAKER_GET) {
            size_t room = op->outer == NULL ? 0 : op->outer->verbs[i].length;
            room = room < BREAKER_VALUE_MAX ? room : BREAKER_VALUE_MAX;
            verb->found = 1;
            verb->length = (uint16_t)fake_draw(fake, room + 1);
            noise(fake, verb->value, verb->length);
        }
        verb->number = (int64_t)next_random(fake);
    }
    noise(fake, op->standing, sizeof op->standing);
}

static void on_carried_out(breaker_transaction_t *transaction, int status)
{
    struct fake_op *op = transaction->data;
    op->status = status;
}

static void ask_memory(struct fake *fake, struct fake_op *op)
{
    const breaker_storage_ops_t *ops = fake->memory->ops;
    fake->totals.carried_out++;
    op->copy.complete = on_carried_out;
    op->copy.data = op;
    (op->is_flush ? ops->flush : ops->submit)(fake->memory, &op->client->inner, &op->copy);
}

void fake_carry_out(struct fake *fake, struct fake_op *op)
{
    unsigned count = op->copy.count;
    switch (op->fault) {
    case FAKE_SILENT:
        return;
    case FAKE_AGAIN:
        op->status = UV_EAGAIN;
        return;
    case FAKE_REFUSED:
        op->status = UV_EINVAL;
        return;
    case FAKE_PARTIAL:
        op->copy.count = count > 1 ? 1 + (unsigned)fake_draw(fake, count - 1) : count;
        break;
    default:
        break;
    }
    ask_memory(fake, op);
    op->copy.count = count;
    if (op->fault == FAKE_RESET || op->fault == FAKE_PARTIAL)
        op->status = UV_ECONNRESET;
    if (op->fault == FAKE_GARBAGE)
        garble(fake, op);
}
