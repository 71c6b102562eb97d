/* Replays recorded scenarios and compares every field of every expectation.
 *
 *     replay FILE...
 *
 * A file has one scenario per line. The first difference of each failing scenario is printed; the last
 * line counts. A scenario whose configuration marks a bug of the original is skipped, and that is said.
 * Exit status: 0 when none failed, 1 when some did, 2 when a file could not be read. */
#include "replay.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct player *const players[] = {&play_aiomisc,     &play_pybreaker, &play_aiobreaker,
                                               &play_infuse,      &play_lasier,    &play_requests,
                                               &play_asyncbreaker};

static const struct player *player_of(const char *system)
{
    for (size_t i = 0; i < sizeof players / sizeof *players; i++)
        if (strcmp(players[i]->system, system) == 0)
            return players[i];
    return NULL;
}

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

static void play_end(struct stage *stage, unsigned breaker, const json_t *step, json_t *got)
{
    struct turn *turn = &stage->actors[breaker].turn;
    enum ending ending = ending_of(text_of(step, "outcome"));
    bool is_quiet = stage->player == &play_requests && ending != END_RAISE;

    turn->outcome = (uint8_t)stage->player->end(stage, ending, step, &turn->status);
    stage_turn(stage, breaker, TURN_SETTLE);
    put_raised(got, turn->verdict == BREAKER_ETRIPPED ? "breaker"
                    : ending == END_OK || is_quiet    ? "none"
                                                      : "own");
}

static void play_begin(struct stage *stage, unsigned breaker, const json_t *step, json_t *got)
{
    bool is_whole = strcmp(text_of(step, "op"), "call") == 0;
    unsigned call = (unsigned)number_of(step, "call", 0) % STAGE_CALLS;

    stage->draw = number_of(step, "u", 0);
    stage_turn(stage, breaker, TURN_ADMIT);
    json_object_set_new(got, "admitted", json_boolean(stage->turn->verdict == 0));
    if (stage->turn->verdict != 0) {
        put_raised(got, stage->player == &play_requests ? "none" : "breaker");
        return;
    }
    put_raised(got, "none");
    if (is_whole) {
        play_end(stage, breaker, step, got);
    } else {
        stage->calls[call].breaker = breaker;
        stage->calls[call].permit = stage->turn->permit;
    }
}

/* Another program's commands: to the key of ours that ends as theirs does. */
static void play_foreign(struct stage *stage, const json_t *step)
{
    const struct talk_key *keys =
        stage->player == &play_requests ? NULL : stage->actors[0].circuit; /* the first member */
    size_t i;
    json_t *command;

    json_array_foreach(json_object_get(step, "redis"), i, command)
    {
        const char *verb = json_string_value(json_array_get(command, 0));
        const char *key = json_string_value(json_array_get(command, 1));
        const char *value = json_string_value(json_array_get(command, 2));
        const char *tail = key != NULL && strrchr(key, ':') != NULL ? strrchr(key, ':') : key;

        if (verb != NULL && strcmp(verb, "FLUSHDB") == 0)
            shelf_clear(&stage->shelf);
        for (unsigned k = 0; tail != NULL && keys != NULL && k < 4; k++) {
            size_t length = strlen(tail);
            struct shelf_item *item;
            if (keys[k].length < length ||
                memcmp(keys[k].bytes + keys[k].length - length, tail, length) != 0)
                continue;
            item = stage_item(stage, keys[k]);
            if (value != NULL)
                shelf_set(&stage->shelf, keys[k].bytes, keys[k].length, value, strlen(value), 0);
            else if (item != NULL)
                shelf_drop(item);
        }
    }
}

static unsigned breaker_of(struct stage *stage, const json_t *step)
{
    unsigned breaker = (unsigned)number_of(step, "cb", 0);

    if (strcmp(text_of(step, "op"), "end") == 0)
        breaker = stage->calls[(unsigned)number_of(step, "call", 0) % STAGE_CALLS].breaker;
    return breaker < stage->breakers ? breaker : 0;
}

static bool play_op(struct stage *stage, unsigned breaker, const json_t *step, json_t *got)
{
    const char *op = text_of(step, "op");

    if (strcmp(op, "call") == 0 || strcmp(op, "begin") == 0) {
        play_begin(stage, breaker, step, got);
    } else if (strcmp(op, "end") == 0) {
        stage->actors[breaker].turn.permit =
            stage->calls[(unsigned)number_of(step, "call", 0) % STAGE_CALLS].permit;
        play_end(stage, breaker, step, got);
    } else if (strcmp(op, "force_open") == 0) {
        stage_turn(stage, breaker, TURN_TRIP);
    } else if (strcmp(op, "force_half_open") == 0) {
        stage_turn(stage, breaker, TURN_RECOVER);
    } else if (strcmp(op, "force_close") == 0) {
        stage_turn(stage, breaker, TURN_RESET);
    } else if (strcmp(op, "set") == 0 && stage->player->set != NULL) {
        stage->player->set(stage, breaker, step);
        stage_exchange(stage, breaker);
    } else if (strcmp(op, "foreign") == 0) {
        play_foreign(stage, step);
    } else if (strcmp(op, "advance") != 0) {
        return false;
    }
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

static bool compare(const char *id, int index, const json_t *step, json_t *got)
{
    json_t *expect = json_object_get(step, "expect"), *value;
    const char *key;

    json_object_foreach(expect, key, value)
    {
        json_t *other = json_object_get(got, key);
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
    unsigned breaker = breaker_of(stage, step);
    bool holds;

    stage->index = index;
    stage->now = (uint64_t)number_of(step, "t_ms", 0);
    stage->events = json_array();
    stage->turn = NULL;
    stage->talk = NULL;
    if (!play_op(stage, breaker, step, got)) {
        printf("%s: step %d: no such operation: %s\n", id, index, text_of(step, "op"));
        holds = false;
    } else {
        stage->player->show(stage, breaker, step, got);
        if (json_array_size(stage->events) > 0)
            json_object_set(got, "events", stage->events);
        holds = compare(id, index, step, got);
    }
    json_decref(stage->events);
    stage->events = NULL;
    json_decref(got);
    return holds;
}

static bool play(const json_t *scenario, const struct player *player)
{
    const json_t *steps = json_object_get(scenario, "steps");
    struct stage *stage = stage_make(player, json_object_get(scenario, "config"),
                                     (uint64_t)number_of(scenario, "t0_ms", 0));
    bool holds = json_is_array(steps);
    size_t i;
    json_t *step;

    json_array_foreach(steps, i, step)
    {
        holds = play_step(stage, text_of(scenario, "id"), (int)i, step);
        if (!holds)
            break;
    }
    stage_free(stage);
    return holds;
}

struct tally {
    unsigned passed, failed, skipped;
};

static void play_line(const char *path, unsigned number, const char *line, struct tally *tally)
{
    json_error_t error;
    json_t *scenario = json_loads(line, 0, &error);
    const struct player *player = player_of(text_of(scenario, "system"));
    const char *bug = text_of(json_object_get(scenario, "config"), "bug");

    if (scenario == NULL || player == NULL) {
        printf("%s:%u: %s\n", path, number,
               scenario == NULL ? error.text : "a system that is not known");
        tally->failed++;
    } else if (*bug != 0) {
        printf("%s: skipped, it records a bug of the original: %s\n", text_of(scenario, "id"), bug);
        tally->skipped++;
    } else if (play(scenario, player)) {
        tally->passed++;
    } else {
        tally->failed++;
    }
    json_decref(scenario);
}

static bool play_file(const char *path, struct tally *tally)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    unsigned number = 0;

    if (file == NULL) {
        perror(path);
        return false;
    }
    while (getline(&line, &room, file) > 0) {
        number++;
        if (line[strspn(line, " \t\r\n")] != 0)
            play_line(path, number, line, tally);
    }
    free(line);
    fclose(file);
    return true;
}

int main(int argc, char **argv)
{
    struct tally tally = {0, 0, 0};
    bool is_read = true;

    if (argc < 2) {
        fprintf(stderr, "usage: replay FILE...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++)
        is_read = play_file(argv[i], &tally) && is_read;
    if (tally.skipped > 0)
        printf("%u skipped\n", tally.skipped);
    printf("%u passed, %u failed\n", tally.passed, tally.failed);
    return !is_read ? 2 : tally.failed > 0 ? 1 : 0;
}
