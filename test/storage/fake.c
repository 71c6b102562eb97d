/* When things happen in the fake storage: its virtual clock, the order in which what is due is carried
 * out, and the turn of the loop in which it completes. */
#include "fake.h"
#include "fake_parts.h"
#include <stdlib.h>

static uint64_t wall(void *data)
{
    const struct fake *fake = data;
    return fake->now + (uint64_t)fake->wall_step;
}

static void pump_all(struct fake *fake)
{
    for (struct fake_client *client = fake->clients; client != NULL; client = client->next)
        fake_client_pump(fake, client);
}

/* ---- Carrying out ------------------------------------------------------------------------------*/

static void carry_out(struct fake *fake, struct fake_op *op)
{
    if (op->status == 0)
        fake_carry_out(fake, op);
    bool is_silent = op->fault == FAKE_SILENT || op->fault == FAKE_REPLY_LOST;
    op->stage = is_silent ? FAKE_LOST : FAKE_TO_COMPLETE;
    op->due += fake->switches.reply + fake_draw(fake, fake->switches.jitter + 1);
    if (op->outer == NULL)
        fake_op_complete(fake, op);
}

static struct fake_op *next_to_carry_out(const struct fake *fake, uint64_t until)
{
    struct fake_op *next = NULL;
    for (struct fake_op *op = fake->ops; op != NULL; op = op->next)
        if (op->stage == FAKE_TO_CARRY_OUT && op->due <= until &&
            (next == NULL || op->due < next->due))
            next = op;
    return next;
}

void fake_advance(struct fake *fake, uint64_t ms)
{
    uint64_t until = fake->now + ms;
    struct fake_op *op;
    while ((op = next_to_carry_out(fake, until)) != NULL) {
        fake->now = op->due > fake->now ? op->due : fake->now;
        carry_out(fake, op);
    }
    fake->now = until;
    pump_all(fake);
}

static void begin(struct fake *fake, breaker_client_t *outer, breaker_transaction_t *transaction,
                  bool is_flush)
{
    struct fake_client *client = outer->storage_data;
    struct fake_op *op = fake_op_make(fake, client, transaction, is_flush);
    fake->totals.submitted++;
    if (op == NULL) {
        transaction->complete(transaction, UV_ENOMEM);
        return;
    }
    op->due = fake->now;
    if (fake->is_gone) {
        op->status = UV_ECONNRESET;
        op->stage = FAKE_TO_COMPLETE;
    } else {
        op->fault = fake_choose(fake);
        fake->totals.faults[op->fault]++;
        op->due += fake->switches.request + fake_draw(fake, fake->switches.jitter + 1);
        if (fake_op_is_due(fake, op, FAKE_TO_CARRY_OUT))
            carry_out(fake, op);
    }
    if (fake_op_is_due(fake, op, FAKE_TO_COMPLETE) && !fake->switches.outside)
        fake_op_complete(fake, op);
    else
        fake_client_pump(fake, client);
}

static void fake_submit(breaker_storage_t *storage, breaker_client_t *client,
                        breaker_transaction_t *transaction)
{
    begin((struct fake *)storage, client, transaction, false);
}

static void fake_flush(breaker_storage_t *storage, breaker_client_t *client,
                       breaker_transaction_t *transaction)
{
    begin((struct fake *)storage, client, transaction, true);
}

/* What is on its way may still arrive, as on a network. */
static void fake_cancel(breaker_storage_t *storage, breaker_client_t *client,
                        breaker_transaction_t *transaction)
{
    struct fake *fake = (struct fake *)storage;
    struct fake_op *op = transaction->storage_link[0];
    (void)client;
    fake->totals.cancelled++;
    op->outer = NULL;
    if (op->stage != FAKE_TO_CARRY_OUT)
        fake_op_complete(fake, op);
}

/* ---- The storage -------------------------------------------------------------------------------*/

static const breaker_storage_ops_t ops = {
    .size = sizeof ops,
    .name = "fake",
    .flags = BREAKER_STORAGE_LOGS | BREAKER_STORAGE_BELL | BREAKER_STORAGE_MEMBERS,
    .open = fake_client_open,
    .close = fake_client_close,
    .submit = fake_submit,
    .cancel = fake_cancel,
    .flush = fake_flush,
    .listen = fake_client_listen,
    .unlisten = fake_client_unlisten,
};

/* ---- For the test ------------------------------------------------------------------------------*/

struct fake *fake_create(uint64_t seed)
{
    breaker_memory_options_t options;
    struct fake *fake = calloc(1, sizeof *fake);
    if (fake == NULL)
        return NULL;
    breaker_memory_options_init(&options);
    options.wall = wall;
    options.data = fake;
    fake->storage.ops = &ops;
    fake->switches.bell_times = 1;
    fake->now = UINT64_C(1700000000000);
    fake->random = seed;
    if (breaker_memory_create(&fake->memory, &options) == 0)
        return fake;
    free(fake);
    return NULL;
}

void fake_destroy(struct fake *fake)
{
    breaker_memory_destroy(fake->memory);
    free(fake);
}

breaker_storage_t *fake_storage(struct fake *fake)
{
    return &fake->storage;
}

struct fake_switches *fake_switches(struct fake *fake)
{
    return &fake->switches;
}

const struct fake_totals *fake_totals(const struct fake *fake)
{
    return &fake->totals;
}

uint64_t fake_now(const struct fake *fake)
{
    return fake->now;
}

void fake_step_wall(struct fake *fake, int64_t ms)
{
    fake->wall_step += ms;
}

void fake_next(struct fake *fake, enum fake_fault fault, unsigned count)
{
    fake->next = fault;
    fake->next_count = count;
}

unsigned fake_pending(const struct fake *fake)
{
    unsigned count = 0;
    for (const struct fake_op *op = fake->ops; op != NULL; op = op->next)
        count += op->outer != NULL;
    return count;
}

static void tell_health(struct fake *fake, int status)
{
    for (struct fake_client *client = fake->clients; client != NULL; client = client->next) {
        client->has_news = true;
        client->health = status;
    }
    pump_all(fake);
}

/* A cut connection: what was sent may have been carried out, and answers are lost. */
void fake_go(struct fake *fake)
{
    if (fake->is_gone)
        return;
    fake->is_gone = true;
    for (struct fake_op *op = fake->ops, *next; op != NULL; op = next) {
        next = op->next;
        if (op->stage == FAKE_TO_CARRY_OUT && op->status == 0 && fake_draw(fake, 2) == 0)
            fake_carry_out(fake, op);
        op->status = UV_ECONNRESET;
        op->stage = FAKE_TO_COMPLETE;
        op->due = fake->now;
        if (op->outer == NULL)
            fake_op_complete(fake, op);
    }
    tell_health(fake, UV_ECONNRESET);
}

void fake_come_back(struct fake *fake)
{
    if (!fake->is_gone)
        return;
    fake->is_gone = false;
    tell_health(fake, 0);
}

static void on_lost(breaker_transaction_t *transaction, int status)
{
    (void)transaction;
    (void)status;
}

void fake_lose_keys(struct fake *fake)
{
    breaker_transaction_t transaction = {.complete = on_lost};
    fake->memory->ops->flush(fake->memory, NULL, &transaction);
}
