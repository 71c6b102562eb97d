/* How pybreaker and its family decide: what is read and written, in which order, and what is told. */
#include "pybreaker.h"
#include "family.h"
#include <errno.h>

/* Where a conversation is; each operation knows those that it uses. */
enum stage {
    AT_BEGIN,
    AT_READ,    /* what the storage says has come */
    AT_STAMPED, /* a noticed opening was stamped */
    AT_COUNTED, /* the counter has come */
    AT_OPENING  /* the opening was written, if nobody moved opened_at meanwhile */
};

/* Everything that a step works on. */
struct scene {
    struct pybreaker *c;
    const breaker_pybreaker_t *rules;
    const struct family *family;
    struct turn *turn;
    struct talk *talk;
};

static enum turn_next ask(struct scene *s, enum stage stage)
{
    s->talk->stage = (uint8_t)stage;
    return TURN_ASK;
}

/* Writes what was prepared. A storage that has just failed is spared it: the write is dropped. */
static enum turn_next finish(const struct scene *s)
{
    bool has_failed =
        s->talk->stage != AT_BEGIN && s->talk->status != 0 && s->talk->status != BREAKER_EGUARD;
    return s->talk->verb_count == 0 || has_failed ? TURN_DONE : TURN_WRITE;
}

static void tell(struct scene *s, int kind)
{
    talk_event(s->talk, kind, s->c->seen, s->c->seen, false);
}

/* ---- What the storage says ---------------------------------------------------------------------*/

static void hear_opened(struct scene *s, const char *text, size_t length)
{
    int64_t number;

    s->c->opened = -1;
    if (!talk_parse(text, length, &number) || number < 0)
        return;
    if (s->c->is_wire && __builtin_mul_overflow(number, 1000, &number))
        number = INT64_MAX;
    s->c->opened = number;
}

static void read_opened(struct scene *s, unsigned i)
{
    const breaker_verb_t *verb = &s->talk->verbs[i];

    if (s->talk->status != 0)
        return;
    talk_expect(s->talk, verb);
    hear_opened(s, verb->value, verb->found ? verb->length : 0);
}

/* Counters read 0 when the storage fails. */
static int64_t read_count(const struct scene *s, unsigned i)
{
    int64_t number = 0;

    if (s->talk->status != 0 || !talk_number(&s->talk->verbs[i], &number))
        return 0;
    return number;
}

static bool is_lost(const struct scene *s, unsigned i)
{
    return s->talk->status == 0 && !s->talk->verbs[i].found;
}

static breaker_state_t read_state(struct scene *s, unsigned i)
{
    const breaker_verb_t *verb = &s->talk->verbs[i];
    breaker_state_t state = BREAKER_PASSING; /* the fallback */

    if (is_lost(s, i) && !s->family->recreates)
        state = BREAKER_RECOVERING;
    else if (s->talk->status == 0 && talk_says(verb, s->family->words[BREAKER_BROKEN]))
        state = BREAKER_BROKEN;
    else if (s->talk->status == 0 && talk_says(verb, s->family->words[BREAKER_RECOVERING]))
        state = BREAKER_RECOVERING;
    s->c->stored = (uint8_t)state;
    return state;
}

/* ---- What is written ---------------------------------------------------------------------------*/

static void zero_fails(struct scene *s)
{
    if (!s->family->zeroes_if_counted || s->c->fails > 0)
        talk_set(s->talk, s->c->keys[PYBREAKER_FAILS], "0", 0);
    s->c->fails = 0;
}

static void zero_successes(struct scene *s)
{
    if (s->family->counts_successes)
        talk_set(s->talk, s->c->keys[PYBREAKER_SUCCESSES], "0", 0);
    s->c->successes = 0;
}

static void add_missing(struct scene *s)
{
    talk_add(s->talk, s->c->keys[PYBREAKER_FAILS], "0", 0);
    if (s->family->counts_successes)
        talk_add(s->talk, s->c->keys[PYBREAKER_SUCCESSES], "0", 0);
    talk_add(s->talk, s->c->keys[PYBREAKER_STATE], s->family->words[BREAKER_PASSING], 0);
}

static void write_state(struct scene *s, breaker_state_t state)
{
    talk_set(s->talk, s->c->keys[PYBREAKER_STATE], s->family->words[state], 0);
    s->c->stored = (uint8_t)state;
}

/* The instant of an opening. On the wire a whole second, which only moves forward; the guard sees to
 * that, and the transaction is to be asked, since the guard may fail. */
static void stamp(struct scene *s)
{
    int64_t wall = (int64_t)s->talk->wall;

    if (!s->c->is_wire) {
        talk_set_number(s->talk, s->c->keys[PYBREAKER_OPENED], wall, 0);
        s->c->opened = wall;
    } else if (wall / 1000 * 1000 > s->c->opened && s->talk->tries < TALK_TRIES) {
        talk_set_number(s->talk, s->c->keys[PYBREAKER_OPENED], wall / 1000, 0);
        talk_guard(s->talk, s->c->keys[PYBREAKER_OPENED]);
        s->c->opened = wall / 1000 * 1000;
    }
}

/* The guard failed: somebody else moved opened_at. */
static void hear_standing(struct scene *s)
{
    hear_opened(s, s->talk->guard_value, s->talk->expects_value ? s->talk->guard_length : 0);
    s->talk->tries++;
}

/* ---- Transitions -------------------------------------------------------------------------------*/

/* The breaker takes a state on: by its own decision, or by noticing that of others. */
static void become(struct scene *s, breaker_state_t state, bool noticed)
{
    talk_event(s->talk, BREAKER_ON_STATE_CHANGE, s->c->seen, state, noticed);
    s->c->seen = (uint8_t)state;
    s->c->moves++;
    if (state == BREAKER_PASSING)
        zero_fails(s);
    else
        zero_successes(s);
}

static enum turn_next write_opening(struct scene *s)
{
    talk_clear(s->talk);
    stamp(s);
    zero_successes(s);
    write_state(s, BREAKER_BROKEN);
    return s->talk->guard != BREAKER_GUARD_NONE && finish(s) == TURN_WRITE ? ask(s, AT_OPENING)
                                                                           : finish(s);
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
    hear_standing(s);
    return write_opening(s);
}

static void half_open(struct scene *s)
{
    become(s, BREAKER_RECOVERING, false);
    write_state(s, BREAKER_RECOVERING);
}

static void close_circuit(struct scene *s)
{
    zero_successes(s);
    become(s, BREAKER_PASSING, false);
    write_state(s, BREAKER_PASSING);
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
    return ask(s, AT_READ);
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
        return finish(s);
    }
    if (s->c->seen == BREAKER_BROKEN)
        half_open(s);
    tell(s, BREAKER_BEFORE_CALL);
    s->turn->permit = (breaker_permit_t){s->c->seen + 1u, s->turn->now};
    return finish(s);
}

static enum turn_next notice(struct scene *s)
{
    bool lost = is_lost(s, 0);
    breaker_state_t state = read_state(s, 0);

    read_opened(s, 1);
    if (s->family->zeroes_if_counted)
        s->c->fails = read_count(s, 2);
    talk_clear(s->talk);
    if (lost && s->family->recreates)
        add_missing(s);
    if (!s->c->has_joined && !lost) /* it was never made in the storage: as in create() */
        s->c->seen = (uint8_t)state;
    s->c->has_joined = true;
    if (state == s->c->seen && (!lost || s->family->recreates))
        return decide(s);
    become(s, state, true);
    if (state == BREAKER_BROKEN && s->family->restarts_pause)
        stamp(s);
    return s->talk->guard != BREAKER_GUARD_NONE ? ask(s, AT_STAMPED) : decide(s);
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
            hear_standing(s);
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
            zero_fails(s);
        if (is_counted)
            talk_incr(s->talk, s->c->keys[PYBREAKER_SUCCESSES], 0);
        if (is_counted || s->family->zeroes_if_counted)
            return ask(s, AT_COUNTED);
    } else {
        if (is_counted)
            s->c->successes = talk_count(s->talk, 1);
        if (s->family->zeroes_if_counted)
            s->c->fails = read_count(s, 0);
        talk_clear(s->talk);
        if (s->family->zeroes_if_counted)
            zero_fails(s);
    }
    if (is_trial && (!is_counted || s->c->successes >= (threshold > 0 ? threshold : 1)))
        close_circuit(s);
    tell(s, BREAKER_ON_SUCCESS);
    return finish(s);
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
        return ask(s, AT_COUNTED);
    }
    s->c->fails = talk_count(s->talk, 0);
    if (s->c->is_wire)
        read_opened(s, 1);
    tell(s, BREAKER_ON_FAILURE);
    if (!is_trial && s->c->fails < limit)
        return TURN_DONE;
    if (s->rules->throw_new_error_on_trip || !s->family->may_keep_status) {
        s->talk->reason = is_trial ? BREAKER_REASON_TRIAL : BREAKER_REASON_TRIPPED;
        s->turn->verdict = BREAKER_ETRIPPED;
    }
    return open_circuit(s);
}

static enum turn_next settle(struct scene *s)
{
    int outcome = s->turn->outcome;

    if (begun_in(s) != BREAKER_PASSING && begun_in(s) != BREAKER_RECOVERING) {
        s->turn->verdict = BREAKER_ESTALE;
        return TURN_DONE;
    }
    if (outcome == BREAKER_FAILURE && dialect_match(&s->rules->excluded, s->turn->status, false))
        outcome = BREAKER_IGNORED;
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
        return ask(s, AT_READ);
    }
    if (s->talk->stage == AT_READ)
        read_opened(s, 0);
    return open_circuit(s);
}

static enum turn_next reset(struct scene *s)
{
    if (s->talk->stage == AT_BEGIN && s->family->zeroes_if_counted) {
        talk_get(s->talk, s->c->keys[PYBREAKER_FAILS]);
        return ask(s, AT_COUNTED);
    }
    if (s->talk->stage == AT_COUNTED)
        s->c->fails = read_count(s, 0);
    talk_clear(s->talk);
    close_circuit(s);
    return finish(s);
}

static enum turn_next look(struct scene *s)
{
    if (s->talk->stage == AT_BEGIN) {
        for (unsigned i = 0; i < PYBREAKER_KEYS; i++)
            talk_get(s->talk, s->c->keys[i]);
        return ask(s, AT_READ);
    }
    if (s->talk->status == 0) {
        read_state(s, PYBREAKER_STATE);
        s->c->fails = read_count(s, PYBREAKER_FAILS);
        s->c->successes = read_count(s, PYBREAKER_SUCCESSES);
        read_opened(s, PYBREAKER_OPENED);
    }
    return TURN_DONE;
}

/* What is there already stays: a breaker that is made joins the others, and tells nothing. */
static enum turn_next create(struct scene *s)
{
    unsigned count;

    if (s->talk->stage == AT_BEGIN) {
        add_missing(s);
        talk_get(s->talk, s->c->keys[PYBREAKER_STATE]);
        talk_get(s->talk, s->c->keys[PYBREAKER_OPENED]);
        return ask(s, AT_READ);
    }
    count = s->talk->verb_count;
    s->c->seen = (uint8_t)read_state(s, count - 2);
    s->c->has_joined = true;
    read_opened(s, count - 1);
    return TURN_DONE;
}

enum turn_next pybreaker_step(void *circuit, const void *rules, struct turn *turn)
{
    struct scene s = {circuit, rules, family_of(rules), turn, turn->talk};

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
        return finish(&s);
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
