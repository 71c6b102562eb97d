/* A program for scripts: one breaker, spoken to in lines on standard input, answering with one JSON
 * object per line on standard output.
 *
 *     drive [--storage memory|redis://HOST:PORT|unix:PATH] [--name NAME] [--OPTION VALUE]...
 *     (a circuit in memory is the process' own unless --share says otherwise)
 *     drive --dialect pybreaker|asyncbreaker|aiobreaker|infuse|lasier|requests|aiomisc ...
 *
 *   main.c       the life of the program
 *   settings.c   arguments: what they are called, and which go together
 *   dialects.c   the same for dialects, whose times are seconds
 *   values.c     what they may hold and where it goes
 *   refusals.c   what is said about those that are wrong
 *   house.c      storage, policy, panel and breaker, made and destroyed
 *   lines.c      standard input, read by the loop
 *   commands.c   which word does what
 *   calls.c      guarded calls
 *   answers.c    what is answered and told
 *   print.c      how it is written
 */
#ifndef DRIVE_H
#define DRIVE_H

#include "print.h"
#include <breaker.h>
#include <breaker/dialects.h>
#include <breaker/storage.h>
#include <jansson.h>
#include <stdbool.h>
#include <uv.h>
#ifdef HAVE_REDIS
#include <breaker/redis.h>
#endif

enum { LINES_MAX = 65536, WORDS_MAX = 8, FATAL = 2 };
enum { EXCLUDED = UV_ENOENT }; /* the status that the policy excludes */

/* What the arguments say. */
struct settings {
    const char *storage;
    const char *name;
    const char *dialect; /* NULL: the native circuit */
    int count;           /* of arguments, in pairs of a name and a value */
    char **arguments;
    breaker_options_t options;
    breaker_panel_options_t panel;
    union {
        breaker_dialect_t dialect;
        breaker_aiomisc_t aiomisc;
        breaker_pybreaker_t pybreaker;
        breaker_lasier_t lasier;
        breaker_requests_t requests;
    } of;
#ifdef HAVE_REDIS
    breaker_redis_options_t redis;
#endif
};

struct lines {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_pipe_t pipe;
        uv_tty_t tty;
    } in;
    uv_fs_t file; /* instead, where standard input is a file */
    bool is_file, is_reading, is_over;
    size_t length;
    char bytes[LINES_MAX];
};

struct job; /* a call that the script has begun */

struct drive {
    struct settings settings;
    uv_loop_t loop;
    breaker_storage_t *storage;
    bool is_redis;
    breaker_policy_t *policy;
    breaker_panel_t *panel;
    breaker_t *breaker;
    breaker_listener_t listener;
    breaker_order_t order;
    breaker_listing_t listing;
    json_t *names; /* that it has brought */
    struct lines lines;
    struct job *jobs;
    json_t *answer; /* to the command under way, as far as it is known; NULL: there is none */
    uv_timer_t pause;
    uv_idle_t teller;
    unsigned turns; /* of the loop, until the answer is told */
    bool is_ending;
};

/* settings.c: ends the program if something is wrong. */
void settings_read(struct settings *settings, int count, char **arguments);
const char *settings_value(const struct settings *settings, const char *name); /* NULL: not given */
const char *settings_argument(const char *field); /* by which such a field of the library is set */

/* refusals.c: says what is wrong, and ends the program. */
_Noreturn void settings_refuse(const char *error, const char *field, const char *value);
_Noreturn void settings_refuse_word(const char *error, const char *word); /* that is no name */

/* values.c. One argument: its name, with underscores; what it is; and where it goes. */
enum kind { TIME, SECONDS, COUNT, RATIO, TEXT, WORD };
struct word {
    const char *text;
    int value;
};
struct parameter {
    const char *name;
    enum kind kind;
    size_t offset;
    const struct word *words; /* of a WORD */
};
/* NULL, false: there is none of that name. */
const struct parameter *value_find(const struct parameter *parameters, const char *name);
bool value_take(const struct parameter *parameters, void *base, const char *name,
                const char *value);

/* dialects.c */
void dialect_begin(struct settings *settings);
bool dialect_take(struct settings *settings, const char *name, const char *value);
bool dialect_knows(const char *name);        /* some dialect does */
void dialect_end(struct settings *settings); /* all are taken */
bool dialect_is(const struct settings *settings, int kind);

/* house.c */
void house_build(struct drive *drive);
void house_leave(struct drive *drive); /* to be called on the way out; the loop ends by itself */
void house_clear(struct drive *drive); /* after that */

/* lines.c */
void lines_begin(struct drive *drive);
void lines_next(struct drive *drive); /* the command is over */
void lines_end(struct drive *drive);

/* commands.c: line may be written to; there is a zero behind its length. */
void command_run(struct drive *drive, char *line, size_t length);

/* calls.c */
void call_once(struct drive *drive, const char *outcome);
void call_begin(struct drive *drive, const char *id);
void call_end(struct drive *drive, const char *id, const char *outcome);
void call_finish_all(struct drive *drive); /* on the way out */

/* answers.c */
void answer_add(struct drive *drive, const char *key, json_t *value);
void answer_status(struct drive *drive, int status);
void answer_done(struct drive *drive); /* told when the events that it brought have been */
void answer_error(struct drive *drive, const char *error, const char *field);
void answer_event(breaker_listener_t *listener, const breaker_event_t *event);

/* The library's names for states, outcomes and reasons are constants; these are for people. */
const char *answer_status_name(int status);

#endif /* DRIVE_H */
