/* Knows which word on standard input does what to the breaker. */
#include "drive.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MAX = 86400000 };

/* ---- Orders ------------------------------------------------------------------------------------*/

static void on_order(breaker_order_t *order, int status)
{
    struct drive *drive = order->data;

    if (drive->is_ending)
        return;
    answer_status(drive, status);
    answer_done(drive);
}

static void given(struct drive *drive, int status)
{
    if (status != 0)
        answer_error(drive, breaker_strerror(status), NULL);
}

static void on_trip(struct drive *drive, char **words)
{
    (void)words;
    given(drive, breaker_trip(drive->breaker, &drive->order, on_order));
}

static void on_reset(struct drive *drive, char **words)
{
    (void)words;
    given(drive, breaker_reset(drive->breaker, &drive->order, on_order));
}

static void on_recover(struct drive *drive, char **words)
{
    (void)words;
    given(drive, breaker_recover(drive->breaker, &drive->order, on_order));
}

static void on_look(struct drive *drive, char **words)
{
    (void)words;
    given(drive, breaker_refresh(drive->breaker, &drive->order, on_order));
}

static void on_hold(struct drive *drive, char **words)
{
    static const char *const holds[] = {"none", "open", "closed", "watch"};

    for (unsigned i = 0; i < sizeof holds / sizeof *holds; i++)
        if (strcmp(words[1], holds[i]) == 0) {
            given(drive, breaker_hold(drive->breaker, (breaker_hold_t)i, &drive->order, on_order));
            return;
        }
    answer_error(drive, "no such hold: none, open, closed, watch", words[1]);
}

/* ---- The list of circuits ----------------------------------------------------------------------*/

static void on_name(breaker_listing_t *listing, const char *name)
{
    struct drive *drive = listing->data;

    json_array_append_new(drive->names, print_text(name));
}

static void on_listed(breaker_listing_t *listing, int status)
{
    struct drive *drive = listing->data;

    if (drive->is_ending) {
        json_decref(drive->names);
        return;
    }
    answer_status(drive, status);
    answer_add(drive, "circuits", drive->names);
    answer_done(drive);
}

static void on_list(struct drive *drive, char **words)
{
    int status;

    (void)words;
    drive->listing.data = drive;
    status = breaker_list(drive->panel, &drive->listing, on_name, on_listed);
    if (status == 0)
        drive->names = json_array();
    given(drive, status);
}

/* ---- Others ------------------------------------------------------------------------------------*/

static void on_call(struct drive *drive, char **words)
{
    call_once(drive, words[1]);
}

static void on_begin(struct drive *drive, char **words)
{
    call_begin(drive, words[1]);
}

static void on_end(struct drive *drive, char **words)
{
    call_end(drive, words[1], words[2]);
}

static void on_pause(uv_timer_t *timer)
{
    answer_done(timer->data);
}

static void on_wait(struct drive *drive, char **words)
{
    char *end;
    unsigned long long ms = strtoull(words[1], &end, 10);

    if (!isdigit((unsigned char)words[1][0]) || *end != '\0' || ms > WAIT_MAX) {
        answer_error(drive, "not milliseconds up to a day", words[1]);
        return;
    }
    drive->pause.data = drive;
    uv_update_time(&drive->loop);
    uv_timer_start(&drive->pause, on_pause, ms, 0);
}

static void on_quit(struct drive *drive, char **words)
{
    (void)words;
    drive->lines.is_over = true; /* what comes after it is not looked at */
    drive->lines.length = 0;
    answer_done(drive);
}

static const struct command {
    const char *name;
    const char *arguments;
    unsigned count;
    void (*run)(struct drive *drive, char **words);
} commands[] = {
    {"call", "OUTCOME", 1, on_call},  {"begin", "ID", 1, on_begin},
    {"end", "ID OUTCOME", 2, on_end}, {"state", "", 0, on_look},
    {"snapshot", "", 0, on_look},     {"trip", "", 0, on_trip},
    {"open", "", 0, on_trip},         {"recover", "", 0, on_recover},
    {"half_open", "", 0, on_recover}, {"reset", "", 0, on_reset},
    {"close", "", 0, on_reset},       {"hold", "none|open|closed|watch", 1, on_hold},
    {"list", "", 0, on_list},         {"wait", "MS", 1, on_wait},
    {"quit", "", 0, on_quit},
};

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

void command_run(struct drive *drive, char *line, size_t length)
{
    char *words[WORDS_MAX], *rest = NULL;
    unsigned count = 0;
    bool is_whole = memchr(line, '\0', length) == NULL;
    char *word = strtok_r(line, " \t\r", &rest);

    for (; word != NULL && count < WORDS_MAX; word = strtok_r(NULL, " \t\r", &rest))
        words[count++] = word;
    if (count == 0 && is_whole)
        return;
    drive->answer = json_object();
    answer_add(drive, "op", print_text(count > 0 ? words[0] : ""));
    const struct command *command = count > 0 ? find(words[0]) : NULL;
    if (!is_whole)
        answer_error(drive, "a byte of zero in the line", NULL);
    else if (command == NULL)
        answer_error(drive, "no such command", words[0]);
    else if (count != command->count + 1)
        answer_error(drive, "not the arguments it takes", command->arguments);
    else
        command->run(drive, words);
}
