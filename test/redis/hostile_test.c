/* Whatever answers at Redis' address: every transaction completes exactly once and in time, the
 * process lives and does not grow, and when a Redis answers there at last, all is well within a
 * pause and a deadline. (FAULTS: refused connections, resets, nonsense, floods.) */
#include "hostile.h"
#include "rig.h"
#include "server.h"
#include "witness.h"
#include <stdio.h>
#include <stdlib.h>

#define OPS 5
#define GROWTH_MAX (8l * 1024 * 1024) /* two panels' own */

static struct hostile hostile;
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

/* Guarded calls beside it, which go on whatever answers. */
static void open_witness(struct rig *rig)
{
    witness_open(&witness, &rig->loop, "witness", &rig->options, NULL, NULL);
}

static void close_witness(struct rig *rig)
{
    RIG_UNTIL(rig, witness.ended > 0);
    witness_is_content(&witness);
    witness_close(&witness);
}

/* Some transactions in one turn; polite tells how far the connection gets before the mode
 * begins. */
static void meet(enum hostile_mode mode, int polite)
{
    struct rig rig;
    struct op *ops[OPS];
    long before = rig_resident();
    hostile.polite = polite;
    hostile.mode = (int)mode;
    open_rig(&rig, "hostile");
    open_witness(&rig);
    uint64_t begin = uv_hrtime();
    for (int i = 0; i < OPS; i++) {
        ops[i] = op_new(&rig);
        op_submit(ops[i]);
    }
    for (int i = 0; i < OPS; i++) {
        int status = op_wait(ops[i]);
        assert_true(status <= 0);
    }
    uint64_t took = (uv_hrtime() - begin) / 1000000;
    if (took > 2000) /* a hundred for each stage, and a slow machine */
        fail_msg("%s: %d ms for an answer", hostile_name(mode), (int)took);
    rig_assert_growth(hostile_name(mode), before, GROWTH_MAX);
    hostile.mode = HOSTILE_NOT;
    rig_until_well(&rig);
    RIG_UNTIL(&rig, rig.health == 0);
    for (int i = 0; i < OPS; i++) {
        assert_int_equal(ops[i]->completions, 1);
        op_free(ops[i]);
    }
    close_witness(&rig);
    rig_end(&rig);
}

static void every_mode(int polite)
{
    for (int mode = HOSTILE_NOT; mode < HOSTILE_MODES; mode++)
        meet((enum hostile_mode)mode, polite);
}

static void before_the_first_word(void **state)
{
    (void)state;
    every_mode(-1);
}

static void at_the_greeting(void **state)
{
    (void)state;
    every_mode(0);
}

static void at_the_probe(void **state)
{
    (void)state;
    every_mode(1);
}

static void at_the_first_transaction(void **state)
{
    (void)state;
    every_mode(2);
}

/* What the first transaction is told, when two before it (greeting and probe) went well. */
static void what_it_is_told(void **state)
{
    static const int told[HOSTILE_MODES] = {
        [HOSTILE_NOT] = 0,
        [HOSTILE_UNSOLICITED] = UV_EPROTO,
        [HOSTILE_EXTRA] = 0,
        [HOSTILE_MAXCLIENTS] = UV_EAGAIN,
        [HOSTILE_RST] = UV_ECONNRESET,
        [HOSTILE_CLOSE] = UV_ECONNRESET,
        [HOSTILE_GARBAGE] = UV_EPROTO,
        [HOSTILE_HALF_REPLY] = UV_ECONNRESET,
        [HOSTILE_DRIBBLE] = UV_ETIMEDOUT,
        [HOSTILE_HUGE_ARRAY] = UV_EPROTO,
        [HOSTILE_NESTED_ARRAY] = UV_EPROTO,
        [HOSTILE_HUGE_STRING] = UV_EPROTO,
        [HOSTILE_LONG_STRING] = UV_EPROTO,
        [HOSTILE_PUSH] = UV_EPROTO,
        [HOSTILE_MAP] = UV_EPROTO,
        [HOSTILE_DOUBLE] = UV_EPROTO,
        [HOSTILE_DEEP] = UV_EPROTO,
        [HOSTILE_HANG] = UV_ETIMEDOUT,
        [HOSTILE_WRONG_TYPE] = UV_EPROTO,
        [HOSTILE_WRONG_SHAPE] = UV_EPROTO,
        [HOSTILE_WRONG_COUNT] = UV_EPROTO,
        [HOSTILE_NO_SCRIPT] = UV_EAGAIN,
        [HOSTILE_ERROR] = UV_EAGAIN,
        [HOSTILE_FLOOD] = 0,
    };
    (void)state;
    hostile.polite = 2;
    for (int mode = HOSTILE_NOT; mode < HOSTILE_MODES; mode++) {
        struct rig rig;
        hostile.mode = mode;
        open_rig(&rig, "hostile");
        int status = rig_ask(&rig);
        if (status != told[mode])
            fail_msg("%s: %s", hostile_name(mode), uv_strerror(status));
        if (mode != HOSTILE_NOT) {
            /* The storage says so, once, and why; an answer that was good says nothing yet. */
            RIG_UNTIL(&rig, rig.lost || rig_ask(&rig) > 0);
            assert_true(rig.lost == 1 || told[mode] == 0);
            assert_true(rig.health < 0);
            assert_string_not_equal(breaker_redis_reason(rig.storage), "");
        }
        rig_end(&rig);
    }
}

static void between_transactions(void **state)
{
    (void)state;
    every_mode(4);
}

/* The same without a greeting: the probe is the first word. */
static void without_greeting(void **state)
{
    struct rig rig;
    (void)state;
    for (int mode = HOSTILE_NOT; mode < HOSTILE_MODES; mode++) {
        hostile.polite = -1;
        hostile.mode = mode;
        open_rig(&rig, NULL);
        open_witness(&rig);
        assert_true(rig_ask(&rig) <= 0);
        hostile.mode = HOSTILE_NOT;
        rig_until_well(&rig);
        close_witness(&rig);
        rig_end(&rig);
    }
}

/* What ends a connection is acted upon when it happens, not when a deadline looks. */
static void not_by_deadline(void **state)
{
    static const int modes[] = {HOSTILE_RST, HOSTILE_CLOSE, HOSTILE_HALF_REPLY, HOSTILE_MAXCLIENTS,
                                HOSTILE_GARBAGE};
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        for (int polite = -1; polite < 5; polite++) {
            struct rig rig;
            struct op *ops[2];
            hostile.polite = polite;
            hostile.mode = modes[i];
            open_rig(&rig, "hostile");
            rig_close(&rig);
            rig.options.connect_timeout = rig.options.transaction_timeout = 3600000;
            rig_open(&rig);
            for (int j = 0; j < 2; j++) {
                ops[j] = op_new(&rig);
                op_submit(ops[j]);
            }
            for (int j = 0; j < 2; j++) {
                assert_true(op_wait(ops[j]) <= 0);
                op_free(ops[j]);
            }
            RIG_UNTIL(&rig, rig.lost || rig_ask(&rig) > 0);
            rig_end(&rig);
        }
}

/* That it does not like our name, or knows no names, is no reason to leave. */
static void name_refused(void **state)
{
    static const char *const answers[] = {
        "-ERR Client names cannot contain spaces, newlines or special characters.\r\n",
        "-ERR unknown command 'CLIENT'\r\n", "-NOPERM no permissions\r\n", "-WEIRD\r\n"};
    (void)state;
    hostile.mode = HOSTILE_NOT;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct rig rig;
        hostile.name_answer = answers[i];
        open_rig(&rig, "hostile");
        assert_int_equal(rig_ask(&rig), 0);
        assert_int_equal(rig.lost, 0);
        rig_end(&rig);
    }
    hostile.name_answer = "-ERR max number of clients reached\r\n";
    struct rig rig;
    open_rig(&rig, "hostile");
    assert_int_equal(rig_ask(&rig), UV_EAGAIN);
    assert_non_null(strstr(breaker_redis_reason(rig.storage), "max number"));
    rig_end(&rig);
    hostile.name_answer = NULL;
}

/* A server that hangs before it was of any use, with nobody waiting for it. */
static void hang_at_the_probe(void **state)
{
    (void)state;
    for (int polite = -1; polite < 2; polite++) {
        struct rig rig;
        hostile.polite = polite;
        hostile.mode = HOSTILE_HANG;
        open_rig(&rig, "hostile");
        RIG_UNTIL(&rig, hostile.connections >= 2);
        RIG_UNTIL(&rig, rig.lost);
        assert_int_equal(rig.health, UV_ETIMEDOUT);
        rig_end(&rig);
    }
}

#define GOOD_BELL "*3\r\n$7\r\nmessage\r\n$10\r\nprefix:key\r\n$1\r\nx\r\n"

/* What may come over the connection of the bell, after a good beginning. */
static void hostile_bells(void **state)
{
    static const char *const bells[] = {
        "*3\r\n$7\r\nmessage\r\n$1\r\np\r\n$1\r\nx\r\n" GOOD_BELL, /* shorter than our prefix */
        "*3\r\n$7\r\nmessage\r\n$0\r\n\r\n$0\r\n\r\n" GOOD_BELL,
        "*3\r\n$7\r\nmessage\r\n:1\r\n:2\r\n" GOOD_BELL,
        "*2\r\n$7\r\nmessage\r\n$10\r\nprefix:key\r\n" GOOD_BELL,
        "*1\r\n$7\r\nmessage\r\n" GOOD_BELL,
        "*3\r\n$7\r\nmessage\r\n*1\r\n$1\r\nx\r\n$1\r\nx\r\n" GOOD_BELL,
        "*0\r\n",
        "*-1\r\n",
        "+OK\r\n",
        ":1\r\n",
        "-ERR what\r\n",
        "*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n", /* one more than was asked for */
        "*3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:1\r\n",
        "garbage\r\n",
        ">1\r\n$9\r\nsubscribe\r\n", /* of the newer protocol, which was not asked for */
        ">3\r\n$7\r\nmessage\r\n$10\r\nprefix:key\r\n$1\r\nx\r\n",
        NULL};
    (void)state;
    hostile.mode = HOSTILE_NOT;
    for (size_t i = 0; i < sizeof bells / sizeof *bells; i++) {
        struct rig rig;
        hostile.bell = bells[i];
        open_rig(&rig, "hostile");
        rig_close(&rig);
        rig.options.prefix = "prefix:";
        rig_open(&rig);
        assert_int_equal(rig.storage->ops->listen(rig.storage, &rig.client, "key", 3), 0);
        rig_until_well(&rig);
        if (i < 6) { /* somebody else's business */
            RIG_UNTIL(&rig, rig.bells == 1);
        } else { /* nonsense, or silence: made anew */
            RIG_UNTIL(&rig, hostile.connections >= 5);
            assert_int_equal(rig.bells, 0);
        }
        assert_int_equal(rig.lost, 0); /* a bell is no condition for anything */
        rig_end(&rig);
    }
    hostile.bell = "";
}

/* What a circuit itself is answered so, from its first transaction on, until it has given the storage
 * up. */
static void a_circuit_meets_them(void **state)
{
    (void)state;
    hostile.polite = 2;
    for (int mode = HOSTILE_NOT; mode < HOSTILE_MODES; mode++) {
        struct rig rig;
        hostile.mode = mode;
        open_rig(&rig, "hostile");
        open_witness(&rig);
        RIG_UNTIL(&rig, witness.lost > 0);
        unsigned ended = witness.ended;
        RIG_UNTIL(&rig, witness.ended > ended + 10);
        close_witness(&rig);
        rig_end(&rig);
    }
}

/* A Redis takes the place at last. */
static void replaced_by_a_good_one(void **state)
{
    static const int modes[] = {HOSTILE_GARBAGE, HOSTILE_HANG, HOSTILE_MAXCLIENTS};
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        static struct server server;
        struct rig rig;
        hostile.polite = 2;
        hostile.mode = modes[i];
        open_rig(&rig, "hostile");
        open_witness(&rig);
        RIG_UNTIL(&rig, witness.lost > 0);
        rig_run_for(&rig, 300); /* pauses have grown */
        hostile_end(&hostile);
        server_start(&server, false);
        server.port = hostile.port;
        SERVER_AGAIN(&server, NULL);
        witness_is_served(&witness, &server, uv_hrtime(), witness.pause);
        close_witness(&rig);
        rig_end(&rig);
        server_assert_no_key_stays(&server, SERVER_CIRCUITS);
        server_end(&server);
        hostile_start(&hostile);
    }
}

static int set_up(void **state)
{
    (void)state;
    hostile_start(&hostile);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hostile_end(&hostile);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_first_word),  cmocka_unit_test(at_the_greeting),
        cmocka_unit_test(at_the_probe),           cmocka_unit_test(at_the_first_transaction),
        cmocka_unit_test(between_transactions),   cmocka_unit_test(without_greeting),
        cmocka_unit_test(not_by_deadline),        cmocka_unit_test(hang_at_the_probe),
        cmocka_unit_test(hostile_bells),          cmocka_unit_test(what_it_is_told),
        cmocka_unit_test(name_refused),           cmocka_unit_test(a_circuit_meets_them),
        cmocka_unit_test(replaced_by_a_good_one),
    };
    return cmocka_run_group_tests_name("redis: hostile servers", tests, set_up, tear_down);
}
