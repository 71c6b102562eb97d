/* Speaks to a drive: a process of its own, by lines and JSON. */
#ifndef SPEAKER_H
#define SPEAKER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

enum { SPEAKER_PATIENCE = 20000 /* ms */ };

struct speaker {
    pid_t pid;
    int to, from;
    size_t length;
    char bytes[16384];
    json_t *events;       /* an array: what was told between answers, oldest first */
    json_t *answer;       /* the last one */
    FILE *errors;         /* its standard error */
    char complaint[4096]; /* what that was, once it has ended; the test's own shows it too */
};

/* The program is named by DRIVE in the environment; arguments end with NULL. */
void speaker_start(struct speaker *speaker, const char *const *arguments);
#define SPEAKER_START(speaker, ...) \
    speaker_start((speaker), (const char *const[]){__VA_ARGS__, NULL})

void speaker_say(struct speaker *speaker, const char *line);
/* The next answer, which is the speaker's until the one after it; a line that is no event. */
json_t *speaker_hear(struct speaker *speaker);
json_t *speaker_ask(struct speaker *speaker, const char *line); /* both */

/* Members of the last answer; name may be "counts.failed". */
const char *speaker_text(const struct speaker *speaker, const char *name);
long long speaker_number(const struct speaker *speaker, const char *name);
bool speaker_is(const struct speaker *speaker, const char *name);

/* Whether such an event was told, NULL: whatever. */
bool speaker_was_told(const struct speaker *speaker, const char *event, const char *to,
                      const char *by);

/* The last such event, or NULL. */
const json_t *speaker_event(const struct speaker *speaker, const char *event);

/* Its output has ended, and there is nothing more in it. */
bool speaker_is_silent(struct speaker *speaker);

/* Closes its input, and answers its exit status; kills it first. */
int speaker_end(struct speaker *speaker);
void speaker_kill(struct speaker *speaker);

#endif /* SPEAKER_H */
