/* How pybreaker and its family decide: when a call is admitted, what its result changes, and what is
 * told of it. */
#include "scene.h"
#include <errno.h>

/* ---- Transitions -------------------------------------------------------------------------------*/

/* The breaker takes a state on: by its own decision, or by noticing that of others. */
static void become(struct scene *s, breaker_state_t state, bool noticed)
{
    talk_event(s->talk, BREAKER_ON_STATE_CHANGE, s->c->seen, state, noticed);
    s->c->seen = (uint8_t)state;
    s->c->moves++;
    if (state == BREAKER_PASSING)
        scene_zero_fails(s);
    else
        scene_zero_successes(s);
}

static enum turn_next write_opening(struct scene *s)
{
    talk_clear(s->talk);
    scene_stamp(s);
    scene_zero_successes(s);
    scene_write_state(s, BREAKER_BROKEN);
    return s->talk->guard != BREAKER_GUARD_NONE && scene_finish(s) == TURN_WRITE
               ? scene_ask(s, AT_OPENING)
               : scene_finish(s);
}

static enum turn_next open_circuit(struct scene *s)
{
    become(s, BREAKER_BROKEN, false);
    return write_opening(s);
}

static enum turn_next reopen(struct scene *s)
{
    if (s->talk->status != BREAKER_EGUARD)
        return TURN_DONE;
    scene_hear_standing(s);
    return write_opening(s);
}

static void half_open(struct scene *s)
{
    become(s, BREAKER_RECOVERING, false);
    scene_write_state(s, BREAKER_RECOVERING);
}

static void close_circuit(struct scene *s)
{
    scene_zero_successes(s);
    become(s, BREAKER_PASSING, false);
    scene_write_state(s, BREAKER_PASSING);
}

/* ---- Admission ---------------------------------------------------------------------------------*/

uint64_t pybreaker_pause(const struct pybreaker *c, const breaker_pybreaker_t *rules, uint64_t wall)
{
    int64_t timeout = (int64_t)(c->wants_default ? FAMILY_DEFAULT_TIMEOUT : rules->reset_timeout);
    int64_t passed = (int64_t)wall - c->opened;

    if (c->seen != BREAKER_BROKEN || c->opened < 0 || passed >= timeout)
        return 0;
    return (uint64_t)timeout - (uint64_t)passed;
}

static enum turn_next ask_state(struct scene *s)
{
    talk_clear(s->talk);
    talk_get(s->talk, s->c->keys[PYBREAKER_STATE]);
    talk_get(s->talk, s->c->keys[PYBREAKER_OPENED]);
    if (s->family->zeroes_if_counted)
        talk_get(s->talk, s->c->keys[PYBREAKER_FAILS]);
    s->talk->mark = s->c->moves;
    return scene_ask(s, AT_READ);
}

/* Has another call moved the circuit since this one asked? */
static bool is_old(struct scene *s)
{
    return s->talk->status == 0 && s->talk->mark != s->c->moves && s->talk->tries++ < TALK_TRIES;
}

static enum turn_next decide(struct scene *s)
{
    if (pybreaker_pause(s->c, s->rules, s->talk->wall) > 0) {
        s->turn->verdict = BREAKER_EREJECTED;
        s->talk->reason = BREAKER_REASON_OPEN;
        return scene_finish(s);
    }
    if (s->c->seen == BREAKER_BROKEN)
        half_open(s);
    scene_tell(s, BREAKER_BEFORE_CALL);
    s->turn->permit = (breaker_permit_t){s->c->seen + 1u, s->turn->now};
    return scene_finish(s);
}

static enum turn_next notice(struct scene *s)
{
    bool lost = scene_is_lost(s, 0);
    breaker_state_t state = scene_read_state(s, 0);

    scene_read_opened(s, 1);
    if (s->family->zeroes_if_counted)
        s->c->fails = scene_read_count(s, 2);
    talk_clear(s->talk);
    if (lost && s->family->recreates)
        scene_add_missing(s);
    if (!s->c->has_joined && !lost) /* it was never made in the storage: as in create() */
        s->c->seen = (uint8_t)state;
    s->c->has_joined = true;
    if (state == s->c->seen && (!lost || s->family->recreates))
        return decide(s);
    become(s, state, true);
    if (state == BREAKER_BROKEN && s->family->restarts_pause)
        scene_stamp(s);
    return s->talk->guard != BREAKER_GUARD_NONE ? scene_ask(s, AT_STAMPED) : decide(s);
}

static enum turn_next admit(struct scene *s)
{
    s->turn->permit = (breaker_permit_t){0, 0};
    switch (s->talk->stage) {
    case AT_BEGIN:
        return ask_state(s);
    case AT_READ:
        return is_old(s) ? ask_state(s) : notice(s);
    default:
        if (s->talk->status == BREAKER_EGUARD)
            scene_hear_standing(s);
        talk_clear(s->talk);
        return decide(s);
    }
}

/* ---- Results -----------------------------------------------------------------------------------*/

/* A result is judged in the state that its call began in. */
static breaker_state_t begun_in(const struct scene *s)
{
    return (breaker_state_t)(s->turn->permit.epoch - 1);
}

static enum turn_next succeed(struct scene *s)
{
    unsigned threshold = s->rules->success_threshold;
    bool is_trial = begun_in(s) == BREAKER_RECOVERING;
    bool is_counted = is_trial && s->family->counts_successes;

    if (s->talk->stage == AT_BEGIN) {
        if (s->family->zeroes_if_counted)
            talk_get(s->talk, s->c->keys[PYBREAKER_FAILS]);
        else
            scene_zero_fails(s);
        if (is_counted)
            talk_incr(s->talk, s->c->keys[PYBREAKER_SUCCESSES], 0);
        if (is_counted || s->family->zeroes_if_counted)
            return scene_ask(s, AT_COUNTED);
    } else {
        if (is_counted)
            s->c->successes = talk_count(s->talk, 1);
        if (s->family->zeroes_if_counted)
            s->c->fails = scene_read_count(s, 0);
        talk_clear(s->talk);
        if (s->family->zeroes_if_counted)
            scene_zero_fails(s);
    }
    if (is_trial && (!is_counted || s->c->successes >= (threshold > 0 ? threshold : 1)))
        close_circuit(s);
    scene_tell(s, BREAKER_ON_SUCCESS);
    return scene_finish(s);
}

static enum turn_next fail(struct scene *s)
{
    bool is_trial = begun_in(s) == BREAKER_RECOVERING;
    unsigned limit = s->rules->fail_max > 0 ? s->rules->fail_max : 1;

    if (s->talk->stage == AT_OPENING)
        return reopen(s);
    if (s->talk->stage == AT_BEGIN) {
        s->c->last_error = s->turn->status;
        talk_incr(s->talk, s->c->keys[PYBREAKER_FAILS], 0);
        if (s->c->is_wire)
            talk_get(s->talk, s->c->keys[PYBREAKER_OPENED]);
        return scene_ask(s, AT_COUNTED);
    }
    s->c->fails = talk_count(s->talk, 0);
    if (s->c->is_wire)
        scene_read_opened(s, 1);
    scene_tell(s, BREAKER_ON_FAILURE);
    if (!is_trial && s->c->fails < limit)
        return TURN_DONE;
    if (s->rules->throw_new_error_on_trip || !s->family->may_keep_status) {
        s->talk->reason = is_trial ? BREAKER_REASON_TRIAL : BREAKER_REASON_TRIPPED;
        s->turn->verdict = BREAKER_ETRIPPED;
    }
    return open_circuit(s);
}

/* An excluded failure is none. */
static uint8_t judged(const struct scene *s)
{
    uint8_t outcome = s->turn->outcome;

    if (outcome == BREAKER_FAILURE && dialect_match(&s->rules->excluded, s->turn->status, false))
        return BREAKER_IGNORED;
    return outcome;
}

static enum turn_next settle(struct scene *s)
{
    int outcome;

    if (begun_in(s) != BREAKER_PASSING && begun_in(s) != BREAKER_RECOVERING) {
        s->turn->verdict = BREAKER_ESTALE;
        return TURN_DONE;
    }
    if (s->talk->stage == AT_BEGIN)
        s->talk->plan = judged(s);
    outcome = s->talk->plan;
    if (outcome == BREAKER_SUCCESS || outcome == BREAKER_IGNORED)
        return succeed(s);
    if (outcome == BREAKER_FAILURE || s->family->is_cancel_failure)
        return fail(s);
    return TURN_DONE;
}

/* ---- Orders, and the beginning -----------------------------------------------------------------*/

static enum turn_next trip(struct scene *s)
{
    if (s->talk->stage == AT_OPENING)
        return reopen(s);
    if (s->talk->stage == AT_BEGIN && s->c->is_wire) {
        talk_get(s->talk, s->c->keys[PYBREAKER_OPENED]);
        return scene_ask(s, AT_READ);
    }
    if (s->talk->stage == AT_READ)
        scene_read_opened(s, 0);
    return open_circuit(s);
}

static enum turn_next reset(struct scene *s)
{
    if (s->talk->stage == AT_BEGIN && s->family->zeroes_if_counted) {
        talk_get(s->talk, s->c->keys[PYBREAKER_FAILS]);
        return scene_ask(s, AT_COUNTED);
    }
    if (s->talk->stage == AT_COUNTED)
        s->c->fails = scene_read_count(s, 0);
    talk_clear(s->talk);
    close_circuit(s);
    return scene_finish(s);
}

static enum turn_next look(struct scene *s)
{
    if (s->talk->stage == AT_BEGIN) {
        for (unsigned i = 0; i < PYBREAKER_KEYS; i++)
            talk_get(s->talk, s->c->keys[i]);
        return scene_ask(s, AT_READ);
    }
    if (s->talk->status == 0) {
        scene_read_state(s, PYBREAKER_STATE);
        s->c->fails = scene_read_count(s, PYBREAKER_FAILS);
        s->c->successes = scene_read_count(s, PYBREAKER_SUCCESSES);
        scene_read_opened(s, PYBREAKER_OPENED);
    }
    return TURN_DONE;
}

/* What is there already stays: a breaker that is made joins the others, and tells nothing. */
static enum turn_next create(struct scene *s)
{
    unsigned count;

    if (s->talk->stage == AT_BEGIN) {
        scene_add_missing(s);
        talk_get(s->talk, s->c->keys[PYBREAKER_STATE]);
        talk_get(s->talk, s->c->keys[PYBREAKER_OPENED]);
        return scene_ask(s, AT_READ);
    }
    count = s->talk->verb_count;
    s->c->seen = (uint8_t)scene_read_state(s, count - 2);
    s->c->has_joined = true;
    scene_read_opened(s, count - 1);
    return TURN_DONE;
}

enum turn_next pybreaker_step(void *circuit, const void *rules, struct turn *turn)
{
    struct pybreaker *c = circuit;
    struct scene s = {c, rules, c->family, turn, turn->talk};

    if (s.talk->stage == AT_BEGIN) {
        turn->verdict = 0;
        turn->watched = turn->slow = turn->moved = false;
    }
    switch (turn->op) {
    case TURN_ADMIT:
        return admit(&s);
    case TURN_SETTLE:
        return settle(&s);
    case TURN_TRIP:
        return trip(&s);
    case TURN_RECOVER:
        half_open(&s);
        return scene_finish(&s);
    case TURN_RESET:
        return reset(&s);
    case TURN_CREATE:
        return create(&s);
    case TURN_LOOK:
        return look(&s);
    default:
        turn->verdict = -ENOTSUP;
        return TURN_DONE;
    }
}
