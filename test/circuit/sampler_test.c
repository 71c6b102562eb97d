/* RECOVERING by sample: who is let in, at which time, on what evidence. */
#include "chance.h"
#include "rig.h"
#include <math.h>

/* A circuit that is RECOVERING since now. */
static void recovering(struct rig *r, const breaker_options_t *o)
{
    rig_begin(r, o);
    rig_recover(r);
    assert_int_equal(rig_look(r).since, r->now);
}

/* So many successes, so that the draw alone decides from here on. */
static void prove(struct rig *r)
{
    r->draw = ALWAYS;
    rig_wait(r, 1);
    rig_calls(r, r->rules.options.recovery_min, BREAKER_SUCCESS);
    r->draw = NEVER;
}

/* 1,000 calls a second for ten seconds, as aiomisc was measured: 37 109 203 274 356 470 564 694 788 936,
 * then all. The bounds are six standard deviations wide. */
static void the_ramp_in_numbers(void **state)
{
    breaker_options_t o = rig_plain(0);
    struct chance chance = {12345};
    double sum = 0, expected = 0;
    struct rig r;

    (void)state;
    o.recovery_min = 100000000; /* never over */
    o.recovery_time = 10000;
    for (unsigned round = 0; round < 5; round++) {
        recovering(&r, &o);
        for (unsigned second = 0; second < 12; second++) {
            double share = second < 10
                               ? (exp2((second + 1) / 10.0) - exp2(second / 10.0)) * 10 / log(2) - 1
                               : 1;
            unsigned admitted = 0;
            for (unsigned ms = 0; ms < 1000; ms++) {
                r.draw = chance_draw(&chance);
                if (rig_ask(&r) == 0) {
                    admitted++;
                    assert_int_equal(rig_settle(&r, r.turn.permit, BREAKER_SUCCESS), 0);
                }
                rig_wait(&r, 1);
            }
            if (second >= 10)
                assert_int_equal(admitted, 1000);
            assert_true(fabs(admitted - 1000 * share) <= 6 * sqrt(1000 * share * (1 - share)) + 3);
            sum += admitted;
            expected += 1000 * share;
        }
        rig_end(&r);
    }
    assert_true(fabs(sum - expected) < 300);
}

static void the_ramp_at_its_edge(void **state)
{
    static const uint64_t times[] = {1, 3, 7, 1000, 10000, 777777, BREAKER_TIME_MAX};
    struct rig r;

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        for (unsigned percent = 0; percent < 100; percent++) {
            breaker_options_t o = rig_plain(0);
            uint64_t t = times[i] * percent / 100;
            double chance = pow(2, (double)t / (double)times[i]) - 1;
            o.recovery_min = 1;
            o.recovery_time = times[i];
            recovering(&r, &o);
            rig_wait(&r, t);
            rig_calls(&r, 1, BREAKER_SUCCESS); /* the first of its tenth */
            r.draw = chance + 1e-12;
            rig_refuse(&r);
            r.draw = chance - 1e-12;
            if (chance > 0)
                rig_admit(&r);
            r.draw = chance / 2;
            if (chance > 0)
                rig_admit(&r);
            r.draw = NEVER;
            rig_refuse(&r);
            rig_end(&r);
        }
    }
}

static void after_recovery_time_all_are_admitted(void **state)
{
    breaker_options_t o = rig_plain(0);
    struct rig r;

    (void)state;
    o.recovery_min = 50;
    recovering(&r, &o);
    rig_wait(&r, o.recovery_time - 1);
    rig_calls(&r, 1, BREAKER_SUCCESS);
    rig_refuse(&r);
    rig_wait(&r, 1);
    rig_calls(&r, 48, BREAKER_SUCCESS);
    assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
    rig_wait(&r, 100000);
    rig_calls(&r, 1, BREAKER_SUCCESS);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_end(&r);
}

static void the_first_of_each_tenth_is_admitted(void **state)
{
    static const uint64_t times[] = {10, 11, 99, 1000, 12345};
    struct rig r;

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        breaker_options_t o = rig_plain(0);
        unsigned admitted = 0;
        o.recovery_time = times[i];
        o.recovery_min = 1000;
        recovering(&r, &o);
        for (uint64_t t = 0; t < times[i]; t++) { /* with a draw that never wins */
            bool is_first = t == 0 || 10 * t / times[i] != 10 * (t - 1) / times[i];
            assert_int_equal(rig_ask(&r) == 0, is_first);
            rig_refuse(&r);
            admitted += is_first;
            rig_wait(&r, 1);
        }
        assert_int_equal(admitted, 10);
        rig_end(&r);
    }
}

/* One call a second, all good: ten of them, and the next one passes. */
static void low_traffic_recovers(void **state)
{
    breaker_options_t o = rig_options();
    struct rig r;

    (void)state;
    recovering(&r, &o);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
        rig_calls(&r, 1, BREAKER_SUCCESS);
        rig_wait(&r, 1000);
    }
    rig_admit(&r);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    rig_end(&r);
}

static void few_probes_are_out_while_nothing_is_proven(void **state)
{
    static const uint64_t idle[] = {0, 5000, 10000, 3600000, BREAKER_TIME_MAX};
    breaker_options_t o = rig_plain(0);
    struct rig r;

    (void)state;
    o.recovery_min = 7;
    for (size_t i = 0; i < sizeof idle / sizeof *idle; i++) {
        recovering(&r, &o);
        r.draw = ALWAYS;
        rig_wait(&r, idle[i] + 1);
        assert_int_equal(rig_ask_many(&r, 1000), 7);
        rig_end(&r);
    }
}

static void so_many_successes_prove_it(void **state)
{
    breaker_options_t o = rig_plain(0);
    breaker_permit_t permits[7];
    struct rig r;

    (void)state;
    o.recovery_min = 7;
    o.recovery_ratio = 1;
    recovering(&r, &o);
    r.draw = ALWAYS;
    rig_wait(&r, 10);
    rig_calls(&r, 3, BREAKER_FAILURE); /* proves nothing */
    for (unsigned i = 0; i < 7; i++)
        permits[i] = rig_admit(&r);
    rig_refuse(&r);
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(rig_settle(&r, permits[i], BREAKER_SUCCESS), 0);
        rig_admit(&r); /* a place was given back, and taken */
        rig_refuse(&r);
    }
    assert_int_equal(rig_settle(&r, permits[6], BREAKER_SUCCESS), 0);
    assert_int_equal(rig_ask_many(&r, 10000), 10000);
    rig_end(&r);
}

static void time_alone_is_no_evidence(void **state)
{
    breaker_options_t o = rig_plain(0);
    struct rig r;

    (void)state;
    recovering(&r, &o);
    for (unsigned i = 1; i <= 9; i++) {
        rig_wait(&r, 3600000);
        rig_calls(&r, 1, BREAKER_SUCCESS);
        assert_int_equal(rig_state(&r), BREAKER_RECOVERING);
        rig_counts(&r, i, 0); /* in one bucket, however long ago */
    }
    rig_calls(&r, 1, BREAKER_SUCCESS);
    assert_int_equal(rig_state(&r), BREAKER_PASSING);
    assert_int_equal(r.turn.evidence.ok, 10);
    assert_int_equal(r.turn.from, BREAKER_RECOVERING);
    rig_end(&r);
}

/* Results before recovery_time, of which so many failed: what is it then, and when the time is over? */
static void the_evidence_decides(void **state)
{
    static const struct {
        double error_ratio, recovery_ratio;
        unsigned min, ok, failed;
        breaker_state_t before, after;
    } table[] = {
        {0.5, BREAKER_OFF, 10, 10, 0, BREAKER_RECOVERING, BREAKER_PASSING},
        {0.5, BREAKER_OFF, 10, 9, 0, BREAKER_RECOVERING, BREAKER_RECOVERING},
        {0.5, BREAKER_OFF, 10, 6, 4, BREAKER_RECOVERING, BREAKER_PASSING},
        {0.5, BREAKER_OFF, 10, 5, 5, BREAKER_BROKEN, BREAKER_BROKEN},
        {0.5, BREAKER_OFF, 10, 0, 9, BREAKER_RECOVERING, BREAKER_RECOVERING},
        {0.5, BREAKER_OFF, 10, 0, 10, BREAKER_BROKEN, BREAKER_BROKEN},
        {0.1, BREAKER_OFF, 10, 9, 1, BREAKER_BROKEN, BREAKER_BROKEN},
        {0.1, 0.3, 10, 9, 1, BREAKER_RECOVERING, BREAKER_PASSING},
        {0.1, 0.3, 10, 7, 3, BREAKER_BROKEN, BREAKER_BROKEN},
        {BREAKER_OFF, BREAKER_OFF, 2, 1, 1, BREAKER_BROKEN, BREAKER_BROKEN},
        {BREAKER_OFF, BREAKER_OFF, 3, 2, 1, BREAKER_RECOVERING, BREAKER_PASSING},
        {BREAKER_OFF, 1, 1, 0, 1, BREAKER_BROKEN, BREAKER_BROKEN},
        {BREAKER_OFF, 1, 3, 1, 2, BREAKER_RECOVERING, BREAKER_PASSING},
        {BREAKER_OFF, BREAKER_OFF, 1, 1, 0, BREAKER_RECOVERING, BREAKER_PASSING},
    };
    struct rig r;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        breaker_options_t o = rig_plain(0);
        o.error_ratio = table[i].error_ratio;
        o.recovery_ratio = table[i].recovery_ratio;
        o.recovery_min = table[i].min;
        o.broken_time = 100000;
        recovering(&r, &o);
        r.draw = ALWAYS;
        rig_calls(&r, table[i].ok > 0, BREAKER_SUCCESS); /* the first, at once */
        rig_wait(&r, 5000);
        rig_calls(&r, table[i].ok - (table[i].ok > 0), BREAKER_SUCCESS);
        rig_calls(&r, table[i].failed, BREAKER_FAILURE);
        assert_int_equal(rig_state(&r), table[i].before);
        rig_wait(&r, 4999); /* a ms too early */
        rig_ask(&r);
        assert_int_equal(rig_state(&r), table[i].before);
        rig_wait(&r, 1);
        rig_ask(&r);
        assert_int_equal(rig_state(&r), table[i].after);
        if (table[i].before == BREAKER_BROKEN) {
            assert_int_equal(rig_look(&r).tripped.ok, table[i].ok);
            assert_int_equal(rig_look(&r).tripped.failed, table[i].failed);
        }
        rig_end(&r);
    }
}

/* A result decides where nobody asks: also one that says nothing about the dependency. */
static void a_result_after_recovery_time_passes(void **state)
{
    static const breaker_outcome_t last[] = {BREAKER_SUCCESS, BREAKER_FAILURE, BREAKER_IGNORED,
                                             BREAKER_CANCELLED};
    breaker_options_t o = rig_plain(0);
    breaker_permit_t permit;
    struct rig r;

    (void)state;
    o.recovery_min = 4;
    for (size_t i = 0; i < sizeof last / sizeof *last; i++) {
        recovering(&r, &o);
        permit = rig_admit(&r);
        prove(&r);
        rig_wait(&r, o.recovery_time);
        assert_int_equal(rig_settle(&r, permit, last[i]), 0);
        assert_int_equal(rig_state(&r), BREAKER_PASSING);
        rig_end(&r);
    }
}

static void slow_probes_are_bad_evidence_where_a_rule_asks(void **state)
{
    breaker_options_t o = rig_plain(0);
    breaker_permit_t permits[4];
    struct rig r;

    (void)state;
    o.recovery_min = 4;
    o.slow_ratio = 0.5;
    o.slow_time = 100;
    for (unsigned slow = 0; slow <= 3; slow++) {
        recovering(&r, &o);
        r.draw = ALWAYS;
        rig_wait(&r, 1);
        for (unsigned i = 0; i < slow; i++)
            permits[i] = rig_admit(&r);
        rig_wait(&r, 5000);
        for (unsigned i = slow; i < 4; i++)
            permits[i] = rig_admit(&r);
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(rig_settle(&r, permits[i], BREAKER_SUCCESS), 0);
        assert_int_equal(rig_state(&r), slow >= 2 ? BREAKER_BROKEN : BREAKER_RECOVERING);
        rig_end(&r);
    }
}

/* At now + retry_after a call with the worst luck is admitted, and not a ms before. */
static void retry_after_is_the_next_sure_admission(void **state)
{
    static const uint64_t times[] = {1, 9, 10, 11, 95, 1000};
    struct rig r;

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        breaker_options_t o = rig_plain(0);
        o.recovery_time = times[i];
        o.recovery_min = 1000;
        recovering(&r, &o);
        for (uint64_t end = r.now + 2 * times[i]; r.now < end;) {
            uint64_t retry = rig_look(&r).retry_after;
            for (; retry > 0; retry--) {
                assert_int_equal(rig_look(&r).retry_after, retry);
                rig_refuse(&r);
                rig_wait(&r, 1);
            }
            rig_admit(&r);
            rig_wait(&r, i % 3);
        }
        rig_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAYS("the ramp admits as many as 2^(t/recovery_time) - 1 says", the_ramp_in_numbers),
        SAYS("a call at time t is admitted with probability 2^(t/recovery_time) - 1",
             the_ramp_at_its_edge),
        SAYS("after recovery_time all are admitted", after_recovery_time_all_are_admitted),
        SAYS("the first call of each tenth of recovery_time is admitted whatever the draw",
             the_first_of_each_tenth_is_admitted),
        SAYS("at low traffic it recovers too", low_traffic_recovers),
        SAYS("at most recovery_min probes are in flight, however long the circuit idled",
             few_probes_are_out_while_nothing_is_proven),
        SAYS("until that many successes were seen", so_many_successes_prove_it),
        SAYS("time alone is no evidence; results are counted in one bucket from the start",
             time_alone_is_no_evidence),
        SAYS("PASSING needs recovery_time over and recovery_min results and a ratio below; a ratio "
             "at "
             "or over it with that many results goes back to BROKEN",
             the_evidence_decides),
        SAYS("a result after recovery_time decides as an asking does",
             a_result_after_recovery_time_passes),
        SAYS("slow probes are bad evidence where a rule asks",
             slow_probes_are_bad_evidence_where_a_rule_asks),
        SAYS("retry_after is the next sure admission", retry_after_is_the_next_sure_admission),
    };

    return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
