/* Knows how a storage is driven without the rest of the library, so that a test sees each
 * completion, each bell and each word on health. */
#include "rig.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- The client */

static void on_bell(breaker_client_t *client, const char *key, size_t key_length, const char *value,
                    size_t length)
{
    struct rig *rig = client->data;
    if (!value) {
        assert_int_equal(length, 0);
        rig->heard++;
        return;
    }
    rig->bells++;
    memcpy(rig->bell_key, key, key_length);
    rig->bell_key_length = key_length;
    memcpy(rig->bell_value, value, length);
    rig->bell_length = length;
}

static void on_health(breaker_client_t *client, int status)
{
    struct rig *rig = client->data;
    assert_true(status <= 0);
    assert_int_not_equal(status, rig->health);
    rig->health = status;
    rig->found += status == 0;
    rig->lost += status != 0;
}

static void on_closed(breaker_client_t *client)
{
    struct rig *rig = client->data;
    rig->closed++;
    if (rig->last)
        assert_int_equal(breaker_redis_destroy(rig->storage), 0);
}

/* ---- The rig */

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

void rig_init(struct rig *rig, const char *url)
{
    memset(rig, 0, sizeof *rig);
    uv_loop_init(&rig->loop);
    uv_timer_init(&rig->loop, &rig->ticker);
    uv_timer_start(&rig->ticker, on_tick, 1, 1);
    breaker_redis_options_init(&rig->options);
    assert_int_equal(breaker_redis_options_url(&rig->options, url), 0);
    rig->options.connect_timeout = 500;
    rig->options.transaction_timeout = 500;
    rig->options.backoff_min = 2;
    rig->options.backoff_max = 20;
    rig->options.fault_retry = 60;
}

void rig_open(struct rig *rig)
{
    const char *bad_field = NULL;
    assert_int_equal(breaker_redis_create(&rig->storage, &rig->options, &bad_field), 0);
    rig->client = (breaker_client_t){
        .loop = &rig->loop, .data = rig, .bell = on_bell, .health = on_health, .closed = on_closed};
    assert_int_equal(rig->storage->ops->open(rig->storage, &rig->client), 0);
    rig->open = true;
    rig->closed = 0;
}

void rig_close(struct rig *rig)
{
    unsigned closed = rig->closed;
    assert_int_equal(breaker_redis_destroy(rig->storage), UV_EBUSY);
    rig->last = true;
    rig->storage->ops->close(rig->storage, &rig->client);
    assert_int_equal(rig->closed, closed); /* never inside */
    RIG_UNTIL(rig, rig->closed == closed + 1);
    rig->storage = NULL;
    rig->open = rig->last = false;
}

void rig_end(struct rig *rig)
{
    if (rig->open)
        rig_close(rig);
    if (!uv_is_closing((uv_handle_t *)&rig->ticker))
        uv_close((uv_handle_t *)&rig->ticker, NULL);
    uint64_t until = uv_hrtime() + (uint64_t)RIG_PATIENCE_MS * 1000000;
    while (uv_run(&rig->loop, UV_RUN_NOWAIT) != 0) /* nothing of ours is left */
        assert_true(uv_hrtime() < until);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
}

void rig_run_for(struct rig *rig, uint64_t ms)
{
    uint64_t until = uv_hrtime() + ms * 1000000;
    while (uv_hrtime() < until)
        uv_run(&rig->loop, UV_RUN_ONCE);
}

/* What a child exits with is valgrind's to change. */
void rig_end_well(void)
{
    signal(SIGUSR1, SIG_DFL);
    raise(SIGUSR1);
}

void rig_assert_ended_well(pid_t child)
{
    int result = 0;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFSIGNALED(result));
    assert_int_equal(WTERMSIG(result), SIGUSR1);
}

long rig_resident(void)
{
    long size = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%ld %ld", &size, &pages) != 2)
        pages = 0;
    if (file)
        fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

#ifdef SANITIZED
void rig_assert_growth(const char *what, long before, long most)
{
    (void)what, (void)before, (void)most;
}
#else
void rig_assert_growth(const char *what, long before, long most)
{
    long growth = rig_resident() - before;
    if (growth > most)
        fail_msg("%s: grew by %ld bytes, which is over %ld", what, growth, most);
}
#endif

/* ---- Transactions */

static void on_complete(breaker_transaction_t *transaction, int status)
{
    struct op *op = transaction->data;
    assert_int_equal(op->completions, 0);
    op->completions++;
    op->status = status;
    if (op->then)
        op->then(op);
}

struct op *op_new(struct rig *rig)
{
    struct op *op = calloc(1, sizeof *op);
    assert_non_null(op);
    op->rig = rig;
    op->status = 1;
    op->transaction.verbs = op->verbs;
    op->transaction.complete = on_complete;
    op->transaction.data = op;
    return op;
}

void op_free(struct op *op)
{
    free(op);
}

breaker_verb_t *op_verb(struct op *op, breaker_verb_kind_t kind, const char *key)
{
    breaker_verb_t *verb = &op->verbs[op->transaction.count++];
    verb->kind = kind;
    verb->key = key;
    verb->key_length = (uint16_t)strlen(key);
    return verb;
}

void op_incr(struct op *op, const char *key, int64_t number, uint64_t ttl)
{
    breaker_verb_t *verb = op_verb(op, BREAKER_INCR, key);
    verb->number = number;
    verb->ttl = ttl;
}

void op_set(struct op *op, const char *key, const char *value, uint64_t ttl)
{
    breaker_verb_t *verb = op_verb(op, BREAKER_SET, key);
    verb->value = (char *)(uintptr_t)value;
    verb->length = (uint16_t)strlen(value);
    verb->ttl = ttl;
}

void op_get(struct op *op, const char *key)
{
    breaker_verb_t *verb = op_verb(op, BREAKER_GET, key);
    verb->value = op->value;
    verb->length = sizeof op->value;
}

void op_submit(struct op *op)
{
    struct rig *rig = op->rig;
    rig->storage->ops->submit(rig->storage, &rig->client, &op->transaction);
}

void op_cancel(struct op *op)
{
    struct rig *rig = op->rig;
    rig->storage->ops->cancel(rig->storage, &rig->client, &op->transaction);
}

int op_wait(struct op *op)
{
    RIG_UNTIL(op->rig, op->completions);
    return op->status;
}

int rig_incr(struct rig *rig, const char *key)
{
    struct op *op = op_new(rig);
    op_incr(op, key, 1, 60000);
    op_submit(op);
    int status = op_wait(op);
    op_free(op);
    return status;
}

int rig_get(struct rig *rig, const char *key)
{
    struct op *op = op_new(rig);
    op_get(op, key);
    op_submit(op);
    int status = op_wait(op);
    op_free(op);
    return status;
}

int rig_ask(struct rig *rig)
{
    struct op *op = op_new(rig);
    op_submit(op);
    int status = op_wait(op);
    op_free(op);
    return status;
}

void rig_until_well(struct rig *rig)
{
    RIG_UNTIL(rig, rig_ask(rig) == 0);
}
