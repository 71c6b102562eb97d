/* The native circuit beside its model, in every short story: all sequences of a few steps, from each state. */
#include "twin.h"
#include <stdlib.h>

enum { DEPTH = 5, STEPS = 11 };

/* Small numbers, so that a story of few steps gets everywhere. */
static breaker_options_t small(breaker_recovery_t recovery)
{
    breaker_options_t o = rig_options();

    o.window = 40;
    o.buckets = 2;
    o.min_calls = 2;
    o.broken_time = 100;
    o.recovery = recovery;
    o.recovery_time = 100;
    o.recovery_min = 2;
    o.max_trials = 2;
    o.success_threshold = 2;
    o.probe_time = 150;
    return o;
}

static void settle_oldest(struct twin *t, breaker_outcome_t outcome)
{
    if (t->count > 0)
        twin_settle(t, 0, outcome, false);
}

static void take(struct twin *t, unsigned step)
{
    switch (step) {
    case 0:
        t->rig.draw = NEVER;
        twin_admit(t);
        break;
    case 1:
        t->rig.draw = 0;
        twin_admit(t);
        break;
    case 2:
        settle_oldest(t, BREAKER_SUCCESS);
        break;
    case 3:
        settle_oldest(t, BREAKER_FAILURE);
        break;
    case 4:
        settle_oldest(t, BREAKER_CANCELLED);
        break;
    case 5:
        rig_wait(&t->rig, 10); /* a tenth */
        break;
    case 6:
        rig_wait(&t->rig, 150); /* all that anybody waits for */
        break;
    case 7:
        twin_order(t, TURN_TRIP);
        break;
    case 8:
        twin_order(t, TURN_RECOVER);
        break;
    case 9:
        twin_order(t, TURN_RESET);
        break;
    default:
        twin_hold(t, t->model.hold == BREAKER_HOLD_NONE ? BREAKER_HOLD_WATCH : BREAKER_HOLD_NONE);
    }
    twin_compare(t, t->rig.now);
}

/* Stories is a stack of circuits, one for each depth. */
static void every(struct twin *stories, unsigned depth)
{
    for (unsigned step = 0; depth < DEPTH && step < STEPS; step++) {
        twin_copy(&stories[depth + 1], &stories[depth]);
        stories[depth + 1].seed = stories[depth].seed * 100 + step;
        take(&stories[depth + 1], step);
        every(stories, depth + 1);
    }
}

static void from_each_state(const char *story, const breaker_options_t *o)
{
    struct twin *stories = calloc(DEPTH + 1, sizeof *stories);

    assert_non_null(stories);
    for (unsigned state = BREAKER_PASSING; state <= BREAKER_RECOVERING; state++) {
        for (unsigned depth = 0; depth <= DEPTH; depth++) {
            twin_begin(&stories[depth], o);
            stories[depth].story = story;
        }
        stories[0].seed = state + 1; /* the story's steps are the digits after it */
        if (state != BREAKER_PASSING)
            twin_order(&stories[0], TURN_TRIP);
        if (state == BREAKER_RECOVERING)
            twin_order(&stories[0], TURN_RECOVER);
        every(stories, 0);
        for (unsigned depth = 0; depth <= DEPTH; depth++)
            twin_end(&stories[depth]);
    }
    free(stories);
}

static void every_story_of_a_sampler(void **state)
{
    breaker_options_t o = small(BREAKER_SAMPLER);

    (void)state;
    from_each_state("sampler", &o);
}

static void every_story_of_a_trial(void **state)
{
    breaker_options_t o = small(BREAKER_TRIAL);

    (void)state;
    o.consecutive_failures = 2;
    from_each_state("trial", &o);
}

static void every_story_of_immediate(void **state)
{
    breaker_options_t o = small(BREAKER_IMMEDIATE);

    (void)state;
    o.last_calls = 2;
    from_each_state("immediate", &o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAYS("the circuit is its model, in every story of five steps: sampler",
             every_story_of_a_sampler),
        SAYS("the circuit is its model, in every story of five steps: trial",
             every_story_of_a_trial),
        SAYS("the circuit is its model, in every story of five steps: immediate",
             every_story_of_immediate),
    };

    return cmocka_run_group_tests_name("every short story", tests, NULL, NULL);
}
