/* How scenarios of the native circuit are played: by the steps a panel would make, one by one, each
 * checked for soundness. */
#include "rig.h"
#include <stdlib.h>
#include <string.h>

breaker_options_t rig_options(void)
{
    breaker_options_t options;

    rules_defaults(&options);
    return options;
}

breaker_options_t rig_plain(unsigned consecutive_failures)
{
    breaker_options_t options = rig_options();

    options.error_ratio = BREAKER_OFF;
    options.consecutive_failures = consecutive_failures > 0 ? consecutive_failures : UINT32_MAX;
    options.broken_factor = 1;
    return options;
}

static void *new_cells(const struct rules *rules)
{
    void *cells = malloc(native_cells(rules));

    assert_non_null(cells);
    memset(cells, 0xa5, native_cells(rules)); /* nothing may lean on zeros */
    return cells;
}

void rig_begin(struct rig *s, const breaker_options_t *options)
{
    assert_null(rules_fault(options));
    memset(s, 0, sizeof *s);
    rules_make(&s->rules, options);
    s->cells = new_cells(&s->rules);
    s->now = 1000000;
    s->draw = NEVER;
    native_init(&s->circuit, s->cells, &s->rules, s->now);
    assert_true(native_is_sound(&s->circuit, &s->rules));
}

void rig_end(struct rig *s)
{
    free(s->cells);
}

void rig_wait(struct rig *s, uint64_t ms)
{
    s->now += ms;
}

/* ---- Turns -------------------------------------------------------------------------------------*/

static void step(struct rig *s, struct turn turn)
{
    turn.now = s->now;
    turn.draw = s->draw;
    /* What the circuit must set itself. */
    turn.verdict = 1;
    turn.watched = turn.slow = turn.moved = true;
    s->turn = turn;
    assert_int_equal(native_step(&s->circuit, &s->rules, &s->turn), TURN_DONE);
    assert_true(native_is_sound(&s->circuit, &s->rules));
}

int rig_ask(struct rig *s)
{
    step(s, (struct turn){.op = TURN_ADMIT, .permit = {7, 7}});
    if (s->turn.verdict != 0) {
        assert_int_equal(s->turn.verdict, BREAKER_EREJECTED);
        assert_int_equal(s->turn.permit.epoch, 0);
    } else {
        assert_true(s->turn.permit.epoch != 0);
        assert_int_equal(s->turn.permit.start, s->now);
    }
    return s->turn.verdict;
}

breaker_permit_t rig_admit(struct rig *s)
{
    assert_int_equal(rig_ask(s), 0);
    return s->turn.permit;
}

void rig_refuse(struct rig *s)
{
    assert_int_equal(rig_ask(s), BREAKER_EREJECTED);
}

int rig_settle(struct rig *s, breaker_permit_t permit, breaker_outcome_t outcome)
{
    step(s, (struct turn){.op = TURN_SETTLE,
                          .permit = permit,
                          .outcome = (uint8_t)outcome,
                          .status = outcome == BREAKER_FAILURE ? -1 : 0});
    assert_true(s->turn.verdict == 0 || s->turn.verdict == BREAKER_ESTALE);
    return s->turn.verdict;
}

void rig_calls(struct rig *s, unsigned count, breaker_outcome_t outcome)
{
    for (; count > 0; count--)
        assert_int_equal(rig_settle(s, rig_admit(s), outcome), 0);
}

unsigned rig_ask_many(struct rig *s, unsigned count)
{
    unsigned admitted = 0;

    for (; count > 0; count--)
        admitted += rig_ask(s) == 0;
    return admitted;
}

void rig_order(struct rig *s, enum turn_op order)
{
    step(s, (struct turn){.op = (uint8_t)order});
    assert_int_equal(s->turn.verdict, 0);
}

void rig_hold(struct rig *s, breaker_hold_t hold)
{
    step(s, (struct turn){.op = TURN_HOLD, .hold = (uint8_t)hold});
    assert_int_equal(s->turn.verdict, 0);
}

void rig_retune(struct rig *s, const breaker_options_t *options)
{
    struct rules from = s->rules;
    void *old = s->cells;

    assert_null(rules_fault(options));
    rules_make(&s->rules, options);
    s->cells = window_same(&from.geometry, &s->rules.geometry) ? old : new_cells(&s->rules);
    native_retune(&s->circuit, s->cells, &from, &s->rules, s->now);
    if (s->cells != old)
        free(old);
    assert_true(native_is_sound(&s->circuit, &s->rules));
}

/* ---- Short ways --------------------------------------------------------------------------------*/

void rig_trip(struct rig *s)
{
    rig_order(s, TURN_TRIP);
    assert_int_equal(rig_state(s), BREAKER_BROKEN);
}

void rig_recover(struct rig *s)
{
    if (rig_state(s) != BREAKER_BROKEN)
        rig_trip(s);
    rig_wait(s, rig_look(s).retry_after);
    rig_order(s, TURN_RECOVER);
    assert_int_equal(rig_state(s), BREAKER_RECOVERING);
}

breaker_snapshot_t rig_look(const struct rig *s)
{
    struct native before = s->circuit;
    breaker_snapshot_t snapshot;

    memset(&snapshot, 0, sizeof snapshot);
    native_inspect(&s->circuit, &s->rules, s->now, &snapshot);
    assert_memory_equal(&before, &s->circuit, sizeof before);
    return snapshot;
}

breaker_state_t rig_state(const struct rig *s)
{
    return rig_look(s).state;
}

void rig_counts(const struct rig *s, uint32_t ok, uint32_t failed)
{
    breaker_snapshot_t seen = rig_look(s);

    assert_int_equal(seen.counts.ok, ok);
    assert_int_equal(seen.counts.failed, failed);
}
