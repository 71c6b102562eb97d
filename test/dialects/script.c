/* A scenario as a script: each step is played, and every field of what is expected after it compared. */
#include "script.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static enum ending ending_of(const char *word)
{
    static const char *const words[] = {"ok",      "fail",          "excluded", "base",
                                        "ignored", "inspect_error", "raise"};

    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], word) == 0)
            return (enum ending)i;
    fprintf(stderr, "replay: no such outcome: %s\n", word);
    exit(2);
}

/* ---- Operations --------------------------------------------------------------------------------*/

static void put_raised(json_t *got, const char *raised)
{
    json_object_set_new(got, "raised", json_string(raised));
}

static int play_end(struct stage *stage, struct stage_call *call, const json_t *step, json_t *got)
{
    enum ending ending = ending_of(text_of(step, "outcome"));
    bool is_quiet = stage->player == &play_requests && ending != END_RAISE;
    int status, verdict;
    breaker_outcome_t outcome = stage->player->end(stage, ending, step, &status);

    verdict = stage->cast->end(stage, call, outcome, status);
    put_raised(got, verdict == BREAKER_ETRIPPED    ? "breaker"
                    : ending == END_OK || is_quiet ? "none"
                                                   : "own");
    return verdict;
}

static int play_begin(struct stage *stage, unsigned breaker, const json_t *step, json_t *got)
{
    bool is_whole = strcmp(text_of(step, "op"), "call") == 0;
    struct stage_call *call =
        &stage->calls[is_whole ? STAGE_CALLS : (unsigned)number_of(step, "call", 0) % STAGE_CALLS];
    int verdict;

    stage->draw = number_of(step, "u", 0);
    call->breaker = breaker;
    verdict = stage->cast->begin(stage, call);
    json_object_set_new(got, "admitted", json_boolean(verdict == 0));
    put_raised(got, verdict == 0 || stage->player == &play_requests ? "none" : "breaker");
    return verdict == 0 && is_whole ? play_end(stage, call, step, got) : 0;
}

/* Another program's commands: to the key of ours that ends as theirs does. */
static void play_command(struct stage *stage, const json_t *command, unsigned keys)
{
    const char *verb = json_string_value(json_array_get(command, 0));
    const char *key = json_string_value(json_array_get(command, 1));
    const char *value = json_string_value(json_array_get(command, 2));
    const char *tail = key != NULL && strrchr(key, ':') != NULL ? strrchr(key, ':') : key;

    for (unsigned i = 0; i < keys; i++) {
        struct talk_key mine = stage->keys[i];
        size_t length = tail != NULL ? strlen(tail) : 0;

        if (verb != NULL && strcmp(verb, "FLUSHDB") == 0)
            stage->cast->put(stage, mine, NULL);
        else if (length > 0 && mine.length >= length &&
                 memcmp(mine.bytes + mine.length - length, tail, length) == 0)
            stage->cast->put(stage, mine, value);
    }
}

static void play_foreign(struct stage *stage, const json_t *step)
{
    bool is_family = stage->dialect == &pybreaker_dialect;
    size_t i;
    json_t *command;

    json_array_foreach(json_object_get(step, "redis"), i, command)
        play_command(stage, command,
                     stage->keys == NULL ? 0
                     : is_family         ? 4
                                         : 3);
}

static unsigned which_breaker(struct stage *stage, const json_t *step)
{
    unsigned breaker = (unsigned)number_of(step, "cb", 0);

    if (strcmp(text_of(step, "op"), "end") == 0)
        breaker = stage->calls[(unsigned)number_of(step, "call", 0) % STAGE_CALLS].breaker;
    return breaker < stage->breakers ? breaker : 0;
}

static bool play_op(struct stage *stage, unsigned breaker, const json_t *step, json_t *got)
{
    const char *op = text_of(step, "op");
    int verdict = 0;

    if (strcmp(op, "call") == 0 || strcmp(op, "begin") == 0) {
        verdict = play_begin(stage, breaker, step, got);
    } else if (strcmp(op, "end") == 0) {
        verdict = play_end(stage, &stage->calls[(unsigned)number_of(step, "call", 0) % STAGE_CALLS],
                           step, got);
    } else if (strcmp(op, "force_open") == 0) {
        stage->cast->order(stage, breaker, TURN_TRIP);
    } else if (strcmp(op, "force_half_open") == 0) {
        stage->cast->order(stage, breaker, TURN_RECOVER);
    } else if (strcmp(op, "force_close") == 0) {
        stage->cast->order(stage, breaker, TURN_RESET);
    } else if (strcmp(op, "set") == 0 && stage->player->set != NULL) {
        stage->player->set(stage, breaker, step);
        stage->cast->exchange(stage, breaker);
    } else if (strcmp(op, "foreign") == 0) {
        play_foreign(stage, step);
    } else if (strcmp(op, "advance") != 0) {
        return false;
    }
    stage->player->tell(stage, verdict);
    return true;
}

/* ---- Comparing ---------------------------------------------------------------------------------*/

static bool is_same(const char *key, json_t *want, json_t *got)
{
    double tolerance = strcmp(key, "delay") == 0 ? 1e-6 : 0;

    if (json_is_number(want) && json_is_number(got))
        return fabs(json_number_value(want) - json_number_value(got)) <= tolerance;
    return json_equal(want, got);
}

static void print_difference(const char *id, int index, const json_t *step, const char *key,
                             json_t *want, json_t *got)
{
    char *wanted = want != NULL ? json_dumps(want, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    char *found = got != NULL ? json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

    printf("%s: step %d (%s at %.0f): %s is %s, recorded: %s\n", id, index, text_of(step, "op"),
           number_of(step, "t_ms", 0), key, found != NULL ? found : "absent",
           wanted != NULL ? wanted : "absent");
    free(wanted);
    free(found);
}

/* can_tell: the ends of keys. */
static bool compare(const char *id, int index, const json_t *step, json_t *got, bool can_tell)
{
    json_t *expect = json_object_get(step, "expect"), *value;
    const char *key;

    json_object_foreach(expect, key, value)
    {
        json_t *other = json_object_get(got, key);
        if (!can_tell && strstr(key, "_exp") != NULL)
            continue;
        if (other == NULL || !is_same(key, value, other)) {
            print_difference(id, index, step, key, value, other);
            return false;
        }
    }
    json_object_foreach(got, key, value)
    {
        if (json_object_get(expect, key) == NULL) {
            print_difference(id, index, step, key, NULL, value);
            return false;
        }
    }
    return json_is_object(expect);
}

/* ---- Scenarios ---------------------------------------------------------------------------------*/

static bool play_step(struct stage *stage, const char *id, int index, const json_t *step)
{
    json_t *got = json_object();
    unsigned breaker = which_breaker(stage, step);
    bool holds;

    stage->index = index;
    stage->now = (uint64_t)number_of(step, "t_ms", 0);
    stage->events = json_array();
    stage->reason = BREAKER_REASON_NONE;
    stage->told_count = 0;
    if (!play_op(stage, breaker, step, got)) {
        printf("%s: step %d: no such operation: %s\n", id, index, text_of(step, "op"));
        holds = false;
    } else {
        stage->player->show(stage, breaker, step, got);
        if (json_array_size(stage->events) > 0)
            json_object_set(got, "events", stage->events);
        holds = compare(id, index, step, got, stage->cast->end_of != NULL);
    }
    json_decref(stage->events);
    stage->events = NULL;
    json_decref(got);
    return holds;
}

enum script_result script_play(const json_t *scenario, const struct player *player,
                               const struct cast *cast)
{
    const json_t *steps = json_object_get(scenario, "steps");
    const char *id = text_of(scenario, "id");
    struct stage *stage = stage_make(player, cast, json_object_get(scenario, "config"));
    bool holds = json_is_array(steps);
    size_t i;
    json_t *step;

    if (stage->fault != NULL && cast->checks_options) {
        printf("%s: skipped: %s is refused\n", id, stage->fault);
        stage_free(stage);
        return SCRIPT_REFUSED;
    }
    stage_enter(stage, (uint64_t)number_of(scenario, "t0_ms", 0));
    json_array_foreach(steps, i, step)
    {
        holds = play_step(stage, id, (int)i, step);
        if (!holds)
            break;
    }
    cast->leave(stage);
    stage_free(stage);
    return holds ? SCRIPT_PASSED : SCRIPT_FAILED;
}
