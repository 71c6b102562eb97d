/* The keys of pybreaker and its family: how their values are read, with what stands for those that are
 * lost or wrong, and how they are written. */
#include "scene.h"

enum turn_next scene_ask(struct scene *s, enum stage stage)
{
    s->talk->stage = (uint8_t)stage;
    return TURN_ASK;
}

enum turn_next scene_finish(const struct scene *s)
{
    bool has_failed =
        s->talk->stage != AT_BEGIN && s->talk->status != 0 && s->talk->status != BREAKER_EGUARD;
    return s->talk->verb_count == 0 || has_failed ? TURN_DONE : TURN_WRITE;
}

void scene_tell(struct scene *s, int kind)
{
    talk_event(s->talk, kind, s->c->seen, s->c->seen, false);
}

/* ---- What the storage says ---------------------------------------------------------------------*/

/* The last ms that Python's datetime has: what is later is no time (ms where seconds are meant, say), and
 * would shut the circuit for good. */
#define LAST_TIME INT64_C(253402300799999)

static void hear_opened(struct scene *s, const char *text, size_t length)
{
    int64_t number;

    s->c->opened = -1;
    if (!talk_parse(text, length, &number) || number < 0)
        return;
    if (s->c->is_wire && __builtin_mul_overflow(number, 1000, &number))
        return;
    if (number <= LAST_TIME)
        s->c->opened = number;
}

void scene_read_opened(struct scene *s, unsigned i)
{
    const breaker_verb_t *verb = &s->talk->verbs[i];

    if (s->talk->status != 0)
        return;
    talk_expect(s->talk, verb);
    hear_opened(s, verb->value, verb->found ? verb->length : 0);
}

int64_t scene_read_count(const struct scene *s, unsigned i)
{
    int64_t number = 0;

    if (s->talk->status != 0 || !talk_number(&s->talk->verbs[i], &number))
        return 0;
    return number;
}

bool scene_is_lost(const struct scene *s, unsigned i)
{
    return s->talk->status == 0 && !s->talk->verbs[i].found;
}

breaker_state_t scene_read_state(struct scene *s, unsigned i)
{
    const breaker_verb_t *verb = &s->talk->verbs[i];
    breaker_state_t state = BREAKER_PASSING; /* the fallback */

    if (scene_is_lost(s, i) && !s->family->recreates)
        state = BREAKER_RECOVERING;
    else if (s->talk->status == 0 && talk_says(verb, s->family->words[BREAKER_BROKEN]))
        state = BREAKER_BROKEN;
    else if (s->talk->status == 0 && talk_says(verb, s->family->words[BREAKER_RECOVERING]))
        state = BREAKER_RECOVERING;
    s->c->stored = (uint8_t)state;
    return state;
}

/* ---- What is written ---------------------------------------------------------------------------*/

void scene_zero_fails(struct scene *s)
{
    if (!s->family->zeroes_if_counted || s->c->fails > 0)
        talk_set(s->talk, s->c->keys[PYBREAKER_FAILS], "0", 0);
    s->c->fails = 0;
}

void scene_zero_successes(struct scene *s)
{
    if (s->family->counts_successes)
        talk_set(s->talk, s->c->keys[PYBREAKER_SUCCESSES], "0", 0);
    s->c->successes = 0;
}

void scene_add_missing(struct scene *s)
{
    talk_add(s->talk, s->c->keys[PYBREAKER_FAILS], "0", 0);
    if (s->family->counts_successes)
        talk_add(s->talk, s->c->keys[PYBREAKER_SUCCESSES], "0", 0);
    talk_add(s->talk, s->c->keys[PYBREAKER_STATE], s->family->words[BREAKER_PASSING], 0);
}

void scene_write_state(struct scene *s, breaker_state_t state)
{
    talk_set(s->talk, s->c->keys[PYBREAKER_STATE], s->family->words[state], 0);
    s->c->stored = (uint8_t)state;
}

void scene_stamp(struct scene *s)
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

void scene_hear_standing(struct scene *s)
{
    hear_opened(s, s->talk->guard_value, s->talk->expects_value ? s->talk->guard_length : 0);
    s->talk->tries++;
}
