/* Replays recorded scenarios and compares every field of every expectation.
 *
 *     replay [--storage STORAGE] FILE...
 *
 * Without a storage the bare circuits are played, with a shelf of keys for one. STORAGE is memory, or
 * redis://[[user:]password@]host[:port][/database], or unix:PATH[?db=N]: then the circuits run inside the
 * library, and what a storage does not tell (the ends of keys) is not compared; where its clock is real,
 * scenarios that live by it are skipped.
 *
 * A file has one scenario per line. The first difference of each failing scenario is printed; the last
 * line counts. A scenario whose configuration marks a bug of the original is skipped, and that is said.
 * Exit status: 0 when none failed, 1 when some did, 2 when a file could not be read. */
#include "script.h"
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

struct tally {
    unsigned passed, failed, skipped;
};

/* Why it is not played; NULL: it is. */
static const char *reason_to_skip(const json_t *scenario, const struct player *player,
                                  const struct cast *cast)
{
    if (*text_of(json_object_get(scenario, "config"), "bug") != 0)
        return "it records a bug of the original";
    if (player == &play_lasier && cast == &library_cast && library_is_real())
        return "its keys live by the storage's clock";
    return NULL;
}

static void play_line(const char *path, unsigned number, const char *line, const struct cast *cast,
                      struct tally *tally)
{
    json_error_t error;
    json_t *scenario = json_loads(line, 0, &error);
    const struct player *player = player_of(text_of(scenario, "system"));
    const char *reason;

    if (scenario == NULL || player == NULL) {
        printf("%s:%u: %s\n", path, number,
               scenario == NULL ? error.text : "a system that is not known");
        tally->failed++;
    } else if ((reason = reason_to_skip(scenario, player, cast)) != NULL) {
        printf("%s: skipped: %s\n", text_of(scenario, "id"), reason);
        tally->skipped++;
    } else {
        enum script_result result = script_play(scenario, player, cast);
        tally->passed += result == SCRIPT_PASSED;
        tally->failed += result == SCRIPT_FAILED;
        tally->skipped += result == SCRIPT_REFUSED;
    }
    json_decref(scenario);
}

static bool play_file(const char *path, const struct cast *cast, struct tally *tally)
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
            play_line(path, number, line, cast, tally);
    }
    free(line);
    fclose(file);
    return true;
}

int main(int argc, char **argv)
{
    const struct cast *cast = &bare_cast;
    struct tally tally = {0, 0, 0};
    bool is_read = true;
    int first = 1;

    if (argc > 2 && strcmp(argv[1], "--storage") == 0) {
        cast = &library_cast;
        first = 3;
        if (!library_uses(argv[2])) {
            fprintf(stderr, "replay: no such storage: %s\n", argv[2]);
            return 2;
        }
    }
    if (first >= argc) {
        fprintf(stderr, "usage: replay [--storage STORAGE] FILE...\n");
        return 2;
    }
    for (int i = first; i < argc; i++)
        is_read = play_file(argv[i], cast, &tally) && is_read;
    if (tally.skipped > 0)
        printf("%u skipped\n", tally.skipped);
    printf("%u passed, %u failed\n", tally.passed, tally.failed);
    return !is_read ? 2 : tally.failed > 0 ? 1 : 0;
}
