/* How scenarios of the native circuit are played: by the steps a panel would make, one by one, each
 * checked for soundness, and where a short way of native.h is enough, against that too. */
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

void rig_begin(struct rig *r, const breaker_options_t *options)
{
    assert_null(rules_fault(options));
    memset(r, 0, sizeof *r);
    rules_make(&r->rules, options);
    r->cells = new_cells(&r->rules);
    r->now = 1000000;
    r->draw = NEVER;
    native_init(&r->circuit, r->cells, &r->rules, r->now);
    assert_true(native_is_sound(&r->circuit, &r->rules));
}

void rig_end(struct rig *r)
{
    free(r->cells);
}

void rig_wait(struct rig *r, uint64_t ms)
{
    r->now += ms;
}

/* ---- The usual case ----------------------------------------------------------------------------*/

/* What the short ways of native.h make of a turn, on a copy. */
struct plain {
    struct native circuit;
    void *cells;
    bool is_taken; /* the short way is enough: the step must do the same */
    int verdict;
};

static struct plain plainly(const struct rig *r, const struct turn *turn)
{
    struct plain p = {.circuit = r->circuit, .cells = new_cells(&r->rules)};

    memcpy(p.cells, r->cells, native_cells(&r->rules));
    p.circuit.cells = p.cells;
    if (turn->op == TURN_ADMIT) {
        p.is_taken = native_admits_plainly(&p.circuit);
        if (native_refuses_plainly(&p.circuit, turn->now)) {
            assert_false(p.is_taken);
            p.is_taken = true;
            p.verdict = BREAKER_EREJECTED;
        }
    } else if (turn->op == TURN_SETTLE && turn->outcome <= BREAKER_FAILURE) {
        bool failed = turn->outcome == BREAKER_FAILURE;
        p.is_taken =
            native_settles_plainly(&p.circuit, &r->rules, turn->permit.epoch, turn->now, failed);
        if (p.is_taken && failed)
            p.circuit.last_error = turn->status;
    }
    return p;
}

static void expect_plain(const struct rig *r, struct plain *p)
{
    const struct turn *turn = &r->turn;

    if (p->is_taken) {
        assert_false(turn->moved || turn->slow || turn->watched);
        assert_int_equal(turn->verdict, p->verdict);
        if (turn->op == TURN_ADMIT && turn->verdict == 0)
            assert_int_equal(turn->permit.epoch, p->circuit.epoch);
        p->circuit.cells = r->cells;
        assert_memory_equal(&p->circuit, &r->circuit, sizeof r->circuit);
        assert_memory_equal(p->cells, r->cells, native_cells(&r->rules));
    }
    free(p->cells);
}

/* ---- Turns -------------------------------------------------------------------------------------*/

static void step(struct rig *r, struct turn turn)
{
    struct plain p;

    turn.now = r->now;
    turn.draw = r->draw;
    /* What the circuit must set itself. */
    turn.verdict = 1;
    turn.watched = turn.slow = turn.moved = true;
    r->turn = turn;
    p = plainly(r, &turn);
    assert_int_equal(native_step(&r->circuit, &r->rules, &r->turn), TURN_DONE);
    assert_true(native_is_sound(&r->circuit, &r->rules));
    expect_plain(r, &p);
}

int rig_ask(struct rig *r)
{
    step(r, (struct turn){.op = TURN_ADMIT, .permit = {7, 7}});
    if (r->turn.verdict != 0) {
        assert_int_equal(r->turn.verdict, BREAKER_EREJECTED);
        assert_int_equal(r->turn.permit.epoch, 0);
    } else {
        assert_true(r->turn.permit.epoch != 0);
        assert_int_equal(r->turn.permit.start, r->now);
    }
    return r->turn.verdict;
}

breaker_permit_t rig_admit(struct rig *r)
{
    assert_int_equal(rig_ask(r), 0);
    return r->turn.permit;
}

void rig_refuse(struct rig *r)
{
    assert_int_equal(rig_ask(r), BREAKER_EREJECTED);
}

int rig_settle(struct rig *r, breaker_permit_t permit, breaker_outcome_t outcome)
{
    step(r, (struct turn){.op = TURN_SETTLE,
                          .permit = permit,
                          .outcome = (uint8_t)outcome,
                          .status = outcome == BREAKER_FAILURE ? -1 : 0});
    assert_true(r->turn.verdict == 0 || r->turn.verdict == BREAKER_ESTALE);
    return r->turn.verdict;
}

void rig_calls(struct rig *r, unsigned count, breaker_outcome_t outcome)
{
    for (; count > 0; count--)
        assert_int_equal(rig_settle(r, rig_admit(r), outcome), 0);
}

unsigned rig_ask_many(struct rig *r, unsigned count)
{
    unsigned admitted = 0;

    for (; count > 0; count--)
        admitted += rig_ask(r) == 0;
    return admitted;
}

void rig_order(struct rig *r, enum turn_op order)
{
    step(r, (struct turn){.op = (uint8_t)order});
    assert_int_equal(r->turn.verdict, 0);
}

void rig_hold(struct rig *r, breaker_hold_t hold)
{
    step(r, (struct turn){.op = TURN_HOLD, .hold = (uint8_t)hold});
    assert_int_equal(r->turn.verdict, 0);
}

void rig_retune(struct rig *r, const breaker_options_t *options)
{
    struct rules from = r->rules;
    void *old = r->cells;

    assert_null(rules_fault(options));
    rules_make(&r->rules, options);
    if (r->moves_cells || !window_same(&from.geometry, &r->rules.geometry))
        r->cells = new_cells(&r->rules);
    r->moves_cells = !r->moves_cells;
    native_retune(&r->circuit, r->cells, &from, &r->rules, r->now);
    if (r->cells != old)
        free(old);
    assert_true(native_is_sound(&r->circuit, &r->rules));
}

/* ---- Short ways --------------------------------------------------------------------------------*/

void rig_trip(struct rig *r)
{
    rig_order(r, TURN_TRIP);
    assert_int_equal(rig_state(r), BREAKER_BROKEN);
}

void rig_recover(struct rig *r)
{
    if (rig_state(r) != BREAKER_BROKEN)
        rig_trip(r);
    rig_wait(r, rig_look(r).retry_after);
    rig_order(r, TURN_RECOVER);
    assert_int_equal(rig_state(r), BREAKER_RECOVERING);
}

breaker_snapshot_t rig_look(const struct rig *r)
{
    struct native before = r->circuit;
    breaker_snapshot_t snapshot;

    memset(&snapshot, 0, sizeof snapshot);
    native_inspect(&r->circuit, &r->rules, r->now, &snapshot);
    assert_memory_equal(&before, &r->circuit, sizeof before);
    return snapshot;
}

breaker_state_t rig_state(const struct rig *r)
{
    return rig_look(r).state;
}

void rig_counts(const struct rig *r, uint32_t ok, uint32_t failed)
{
    breaker_snapshot_t seen = rig_look(r);

    assert_int_equal(seen.counts.ok, ok);
    assert_int_equal(seen.counts.failed, failed);
}
