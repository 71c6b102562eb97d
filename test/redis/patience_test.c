/* Servers that hang, or hang up, and hosts without patience: nothing is asked too often, nothing
 * is answered late, and whatever is closed in the middle of it is closed once. */
#include "hostile.h"
#include "rig.h"
#include "server.h"
#include "witness.h"
#include <stdio.h>
#include <stdlib.h>

static struct hostile hostile, beside; /* the witness', whose connections are its own */
static struct witness witness;

static void open_rig(struct rig *rig, const char *client_name)
{
    char url[64];
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", hostile.port);
    hostile.connections = 0;
    rig_init(rig, url);
    rig->options.client_name = client_name;
    rig->options.connect_timeout = rig->options.transaction_timeout = 100;
    rig_open(rig);
}

/* Guarded calls beside it, with a server that does the same to their circuit. */
static void open_witness(struct rig *rig)
{
    breaker_redis_options_t where = rig->options;
    where.host = "127.0.0.1";
    where.port = (unsigned)beside.port;
    beside.connections = 0;
    beside.polite = hostile.polite;
    beside.mode = hostile.mode;
    witness_open(&witness, &rig->loop, "witness", &where, NULL, NULL);
}

static void close_witness(struct rig *rig)
{
    RIG_UNTIL(rig, witness.lost > 0 && witness.ended > 0);
    witness_is_content(&witness);
    witness_close(&witness);
}

/* A server that takes connections and hangs up at once, or talks nonsense, is not hammered: pauses
 * grow. However polite it is before: also where it was of use for a moment. */
static void no_storm(void **state)
{
    static const int modes[] = {HOSTILE_CLOSE,   HOSTILE_RST,        HOSTILE_MAXCLIENTS,
                                HOSTILE_GARBAGE, HOSTILE_WRONG_TYPE, HOSTILE_EXTRA};
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        for (int polite = -1; polite < 3; polite++) {
            struct rig rig;
            hostile.polite = polite;
            hostile.mode = modes[i];
            open_rig(&rig, "hostile");
            open_witness(&rig);
            uint64_t until = uv_hrtime() + 300000000;
            while (uv_hrtime() < until)
                rig_ask(&rig);
            /* Pauses of 10 on average once grown, 30 in this time; with none there would be
             * thousands. */
            assert_in_range(hostile.connections, 2, 90);
            assert_in_range(beside.connections, 2, 2 * 90); /* its bell's, too */
            close_witness(&rig);
            hostile.mode = HOSTILE_NOT;
            rig_end(&rig);
        }
}

/* A late reply never answers a later question: the first connection's answer comes when the second
 * connection asks. */
static void hang_is_dropped(void **state)
{
    struct rig rig;
    (void)state;
    hostile.polite = 2;
    hostile.mode = HOSTILE_HANG;
    open_rig(&rig, "hostile");
    open_witness(&rig);
    struct op *first = op_new(&rig), *cancelled = op_new(&rig);
    op_submit(first);
    op_submit(cancelled);
    RIG_UNTIL(&rig, hostile.connections >= 1);
    rig_run_for(&rig, 10);
    unsigned before = cancelled->completions; /* on a slow machine it is over by now */
    if (before == 0)
        op_cancel(cancelled);
    assert_int_equal(op_wait(first), UV_ETIMEDOUT);
    assert_int_equal(cancelled->completions, before);
    hostile.mode = HOSTILE_NOT;
    rig_until_well(&rig);
    assert_int_equal(cancelled->completions, before);
    op_free(first);
    op_free(cancelled);
    close_witness(&rig);
    rig_end(&rig);
}

/* Nobody waits, but a server that does not answer what was cancelled is given up all the same. */
static void hang_with_nobody_waiting(void **state)
{
    struct rig rig;
    (void)state;
    hostile.polite = 2;
    hostile.mode = HOSTILE_HANG;
    open_rig(&rig, "hostile");
    open_witness(&rig);
    struct op *op = op_new(&rig);
    op_submit(op);
    RIG_UNTIL(&rig, hostile.connections >= 1);
    rig_run_for(&rig, 20);
    if (!op->completions) /* on a slow machine it is over by now */
        op_cancel(op);
    hostile.polite = 1000;
    RIG_UNTIL(&rig, hostile.connections >= 2);
    rig_until_well(&rig);
    op_free(op);
    close_witness(&rig);
    rig_end(&rig);
}

static void resubmit(struct op *op)
{
    unsigned *left = op->data;
    if (*left == 0 || op->status == 0)
        return;
    --*left;
    op->completions = 0;
    op_submit(op);
}

/* One that asks again whenever it failed: neither recursion nor a loop that turns no more. */
static void resubmitting(void **state)
{
    struct rig rig;
    unsigned left = 1000000;
    (void)state;
    hostile.polite = 2;
    hostile.mode = HOSTILE_RST;
    open_rig(&rig, "hostile");
    open_witness(&rig);
    struct op *op = op_new(&rig);
    op->then = resubmit;
    op->data = &left;
    op_submit(op);
    RIG_UNTIL(&rig, left < 1000000 - 100);
    hostile.mode = HOSTILE_NOT;
    RIG_UNTIL(&rig, op->completions == 1 && op->status == 0);
    op_free(op);
    close_witness(&rig);
    rig_end(&rig);
}

/* A host that closes every handle it finds, at any moment, and then the storage's client. */
static void close_handle(uv_handle_t *handle, void *rig)
{
    if (handle != (uv_handle_t *)&((struct rig *)rig)->ticker && !uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void walked_over(void **state)
{
    (void)state;
    for (int turns = 0; turns < 40; turns++) {
        struct rig rig;
        hostile.polite = turns % 4 - 1;
        hostile.mode = turns % 3 ? HOSTILE_HANG : HOSTILE_NOT;
        open_rig(&rig, "hostile");
        struct op *op = op_new(&rig), *later = op_new(&rig);
        op_submit(op);
        for (int i = 0; i < turns / 4; i++)
            uv_run(&rig.loop, UV_RUN_NOWAIT);
        uv_walk(&rig.loop, close_handle, &rig);
        if (turns % 2)
            uv_run(&rig.loop, UV_RUN_NOWAIT);
        op_submit(later);
        assert_int_equal(later->status, UV_ESHUTDOWN);
        if (!op->completions)
            op_cancel(op);
        rig_close(&rig);
        rig_end(&rig);
        op_free(op);
        op_free(later);
    }
}

/* Closed at any moment of its life: the callback comes once, and nothing is left. */
static void closed_at_any_moment(void **state)
{
    (void)state;
    for (int turns = 0; turns < 60; turns++) {
        struct rig rig;
        hostile.polite = turns % 4 - 1;
        hostile.mode = turns % HOSTILE_MODES;
        open_rig(&rig, "hostile");
        struct op *op = op_new(&rig);
        op_submit(op);
        rig.storage->ops->listen(rig.storage, &rig.client, "key", 3);
        for (int i = 0; i < turns / 4; i++)
            uv_run(&rig.loop, i % 2 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
        if (!op->completions)
            op_cancel(op);
        rig_end(&rig);
        op_free(op);
    }
}

static int set_up(void **state)
{
    (void)state;
    hostile_start(&hostile);
    hostile_start(&beside);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hostile_end(&hostile);
    hostile_end(&beside);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_storm),
        cmocka_unit_test(hang_is_dropped),
        cmocka_unit_test(hang_with_nobody_waiting),
        cmocka_unit_test(resubmitting),
        cmocka_unit_test(walked_over),
        cmocka_unit_test(closed_at_any_moment),
    };
    return cmocka_run_group_tests_name("redis: patience", tests, set_up, tear_down);
}
