/* The native circuit by chance, beside its model: long stories of calls, orders, holds, new rules, idle hours
 * and clocks that step back. */
#include "chance.h"
#include "twin.h"
#include <stdlib.h>

static int sixth_of_seven(void *data, const breaker_counts_t *c)
{
    (void)data;
    return (c->ok * 5 + c->failed * 3 + c->consecutive) % 101 == 6;
}

/* ---- Rules by chance ---------------------------------------------------------------------------*/

static void choose_window(breaker_options_t *o, struct chance *chance)
{
    static const uint64_t windows[] = {10, 100, 1000, 10000, 999, 61};

    o->window = windows[chance_below(chance, 6)];
    o->buckets = 1 + (unsigned)chance_below(chance, chance_below(chance, 2) ? 10 : 3);
    if (chance_below(chance, 3) == 0)
        o->last_calls = 8 + (unsigned)chance_below(chance, 50);
}

static void choose_rules(breaker_options_t *o, struct chance *chance)
{
    static const double ratios[] = {0.1, 0.25, 0.5, 0.5, 0.3, 1};
    uint64_t which = 1 + chance_below(chance, 31);

    o->error_ratio = which & 1 ? ratios[chance_below(chance, 6)] : BREAKER_OFF;
    o->min_calls = 1 + (unsigned)chance_below(chance, 8);
    o->min_failures = chance_below(chance, 3) == 0 ? (unsigned)chance_below(chance, 6) : 0;
    o->max_failures = which & 2 ? 2 + (unsigned)chance_below(chance, 6) : 0;
    o->consecutive_failures = which & 4 ? 2 + (unsigned)chance_below(chance, 6) : 0;
    o->slow_time = which & 8 || chance_below(chance, 5) == 0 ? 5 : 0;
    o->slow_ratio = which & 8 ? ratios[chance_below(chance, 6)] : BREAKER_OFF;
    o->rule = which & 16 ? sixth_of_seven : NULL;
    o->passing_time = chance_below(chance, 4) == 0 ? 50 : 0;
}

/* Numbers that doubles hold exactly, so that circuit and model may compute in another order. */
static void choose_recovery(breaker_options_t *o, struct chance *chance)
{
    static const double factors[] = {1, 1.5, 2, 2, 4};
    static const uint64_t times[] = {0, 1, 64, 100, 1000};

    o->broken_time = times[chance_below(chance, 5)];
    o->broken_factor = factors[chance_below(chance, 5)];
    o->broken_limit = chance_below(chance, 2) * (o->broken_time + chance_below(chance, 3000));
    o->broken_jitter = chance_below(chance, 3) == 0 ? 0.5 : 0;
    o->recovery = (breaker_recovery_t)(chance_below(chance, 8) * 3 / 8);
    o->recovery_time = 1 + chance_below(chance, chance_below(chance, 2) ? 2000 : 40);
    o->recovery_min = 1 + (unsigned)chance_below(chance, 6);
    o->recovery_ratio = chance_below(chance, 2) ? BREAKER_OFF : 0.25;
    o->max_trials = 1 + (unsigned)chance_below(chance, 4);
    o->success_threshold = 1 + (unsigned)chance_below(chance, 5);
    o->probe_time = 1 + chance_below(chance, 500);
}

static breaker_options_t choose(struct chance *chance)
{
    breaker_options_t o;

    do {
        o = rig_options();
        choose_window(&o, chance);
        choose_rules(&o, chance);
        choose_recovery(&o, chance);
    } while (rules_fault(&o) != NULL);
    return o;
}

/* ---- Steps by chance ---------------------------------------------------------------------------*/

static void pass_time(struct twin *t, struct chance *chance)
{
    const breaker_options_t *o = &t->model.options;
    uint64_t retry = rig_look(&t->rig).retry_after, now = t->rig.now;

    switch (chance_below(chance, 40)) {
    case 0:
        now += retry < UINT64_MAX ? retry : 0;
        break;
    case 1:
        now += retry > 0 && retry < UINT64_MAX ? retry - 1 : 0;
        break;
    case 2:
        now += o->recovery_time;
        break;
    case 3:
        now += o->probe_time - chance_below(chance, 2);
        break;
    case 4:
        now += o->window / o->buckets;
        break;
    case 5:
        now += chance_below(chance, 5 * o->window);
        break;
    case 6:
        now += chance_below(chance, 10) == 0 ? 3600000 : 10;
        break;
    case 7:
        if (chance_below(chance, 4) == 0)
            now -= chance_below(chance, chance_below(chance, 2) ? 20 : 3000);
        break;
    case 8:
        now = t->model.since + o->recovery_time; /* maybe back */
        break;
    case 9:
        now += o->recovery_time / 10;
        break;
    default:
        now += chance_below(chance, 4) == 0 ? chance_below(chance, 12) : 0;
    }
    t->rig.now = now;
}

static breaker_outcome_t outcome(struct chance *chance, bool is_sick)
{
    uint64_t n = chance_below(chance, 20);

    if (n < 2)
        return n == 0 ? BREAKER_IGNORED : BREAKER_CANCELLED;
    return (n < 4) != is_sick ? BREAKER_FAILURE : BREAKER_SUCCESS;
}

static void manage(struct twin *t, struct chance *chance)
{
    static const enum turn_op orders[] = {TURN_TRIP, TURN_RECOVER, TURN_RESET};

    switch (chance_below(chance, 4)) {
    case 0:
        twin_order(t, orders[chance_below(chance, 3)]);
        break;
    case 1:
    case 2:
        twin_hold(t, (breaker_hold_t)(chance_below(chance, 8) % 5 % 4));
        break;
    default: {
        breaker_options_t o = choose(chance);
        if (chance_below(chance, 2) == 0) { /* often in the same geometry */
            o.window = t->model.options.window;
            o.buckets = t->model.options.buckets;
            o.last_calls = t->model.options.last_calls;
        }
        if (rules_fault(&o) == NULL)
            twin_retune(t, &o);
    }
    }
}

static void play(struct twin *t, uint64_t seed, unsigned steps)
{
    struct chance chance = {seed};
    breaker_options_t options = choose(&chance);
    bool is_sick = false;

    t->story = "by chance";
    t->seed = seed;
    twin_begin(t, &options);
    while (t->steps < steps) {
        uint64_t n = chance_below(&chance, 100);
        pass_time(t, &chance);
        t->rig.draw = (double)chance_below(&chance, 64) / 64; /* exact, as factors are */
        if (chance_below(&chance, 60) == 0)
            is_sick = !is_sick;
        if (n < 2)
            manage(t, &chance);
        else if (n < 4 && t->model.hold != BREAKER_HOLD_NONE)
            twin_hold(t, BREAKER_HOLD_NONE);
        else if (n < 50 || t->count == 0)
            twin_admit(t);
        else
            twin_settle(t, (unsigned)chance_below(&chance, t->count), outcome(&chance, is_sick),
                        chance_below(&chance, 12) == 0);
        if (chance_below(&chance, 8) == 0)
            twin_compare(t, t->rig.now + chance_below(&chance, 2000));
    }
    twin_end(t);
}

static void by_chance(void **state)
{
    static struct twin twin;

    (void)state;
    for (uint64_t seed = 1; seed <= 1000; seed++)
        play(&twin, seed, 300);
    for (uint64_t seed = 1001; seed <= 1020; seed++)
        play(&twin, seed, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAYS("the circuit is its model, in 400,000 random steps", by_chance),
    };

    return cmocka_run_group_tests_name("the circuit by chance", tests, NULL, NULL);
}
