/* Knows how a test runs a drive and waits for its lines, never for ever. */
#include "speaker.h"
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ARGUMENTS = 62 };

static void run(const char *const *arguments, int in, int out, int errors)
{
    const char *all[ARGUMENTS + 2] = {getenv("DRIVE")};

    for (unsigned i = 0; i < ARGUMENTS && arguments[i] != NULL; i++)
        all[i + 1] = arguments[i];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(in, 0);
    dup2(out, 1);
    dup2(errors, 2);
    execv(all[0], (char **)(uintptr_t)all);
    _exit(127);
}

/* Closed in whatever else the test starts: input must end when this end of it is closed. */
static void open_pipe(int *ends)
{
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(fcntl(ends[i], F_SETFD, FD_CLOEXEC), 0);
}

void speaker_start(struct speaker *speaker, const char *const *arguments)
{
    int in[2], out[2];

    memset(speaker, 0, sizeof *speaker);
    signal(SIGPIPE, SIG_IGN);
    assert_non_null(getenv("DRIVE"));
    open_pipe(in);
    open_pipe(out);
    speaker->errors = tmpfile();
    assert_non_null(speaker->errors);
    speaker->pid = fork();
    assert_true(speaker->pid >= 0);
    if (speaker->pid == 0)
        run(arguments, in[0], out[1], fileno(speaker->errors));
    close(in[0]);
    close(out[1]);
    speaker->to = in[1];
    speaker->from = out[0];
    speaker->events = json_array();
}

/* ---- Lines -------------------------------------------------------------------------------------*/

void speaker_say(struct speaker *speaker, const char *line)
{
    char text[256];
    int length = snprintf(text, sizeof text, "%s\n", line);

    assert_int_equal(write(speaker->to, text, (size_t)length), length);
}

static void read_some(struct speaker *speaker)
{
    struct pollfd from = {.fd = speaker->from, .events = POLLIN};
    size_t room = sizeof speaker->bytes - speaker->length;

    if (poll(&from, 1, SPEAKER_PATIENCE) != 1)
        fail_msg("the drive does not answer");
    ssize_t count = read(speaker->from, speaker->bytes + speaker->length, room);
    if (count <= 0)
        fail_msg("the drive is gone");
    speaker->length += (size_t)count;
}

static json_t *next_line(struct speaker *speaker)
{
    char *end;

    while ((end = memchr(speaker->bytes, '\n', speaker->length)) == NULL)
        read_some(speaker);
    size_t taken = (size_t)(end - speaker->bytes) + 1;
    json_t *object = json_loadb(speaker->bytes, taken, 0, NULL);
    assert_non_null(object);
    speaker->length -= taken;
    memmove(speaker->bytes, end + 1, speaker->length);
    return object;
}

json_t *speaker_hear(struct speaker *speaker)
{
    json_decref(speaker->answer);
    speaker->answer = NULL; /* so that it is not given back twice when the drive is gone */
    while (json_object_get(speaker->answer = next_line(speaker), "event") != NULL) {
        json_array_append_new(speaker->events, speaker->answer);
        speaker->answer = NULL;
    }
    return speaker->answer;
}

json_t *speaker_ask(struct speaker *speaker, const char *line)
{
    speaker_say(speaker, line);
    return speaker_hear(speaker);
}

/* ---- What it said ------------------------------------------------------------------------------*/

static json_t *member(const struct speaker *speaker, const char *name)
{
    char path[64];
    char *rest = NULL;
    json_t *object = speaker->answer;

    snprintf(path, sizeof path, "%s", name);
    for (char *step = strtok_r(path, ".", &rest); step != NULL; step = strtok_r(NULL, ".", &rest))
        object = json_object_get(object, step);
    if (object == NULL)
        fail_msg("the answer has no %s", name);
    return object;
}

const char *speaker_text(const struct speaker *speaker, const char *name)
{
    return json_string_value(member(speaker, name));
}

long long speaker_number(const struct speaker *speaker, const char *name)
{
    return json_integer_value(member(speaker, name));
}

bool speaker_is(const struct speaker *speaker, const char *name)
{
    return json_is_true(member(speaker, name));
}

static bool is_like(const json_t *event, const char *name, const char *wanted)
{
    const char *text = json_string_value(json_object_get(event, name));

    return wanted == NULL || (text != NULL && strcmp(text, wanted) == 0);
}

bool speaker_was_told(const struct speaker *speaker, const char *event, const char *to,
                      const char *by)
{
    for (size_t i = 0; i < json_array_size(speaker->events); i++) {
        const json_t *one = json_array_get(speaker->events, i);
        if (is_like(one, "event", event) && is_like(one, "to", to) && is_like(one, "by", by))
            return true;
    }
    return false;
}

const json_t *speaker_event(const struct speaker *speaker, const char *event)
{
    for (size_t i = json_array_size(speaker->events); i > 0; i--) {
        const json_t *one = json_array_get(speaker->events, i - 1);
        if (is_like(one, "event", event))
            return one;
    }
    return NULL;
}

bool speaker_is_silent(struct speaker *speaker)
{
    struct pollfd from = {.fd = speaker->from, .events = POLLIN};
    char byte;

    return speaker->length == 0 && poll(&from, 1, SPEAKER_PATIENCE) == 1 &&
           read(speaker->from, &byte, 1) == 0;
}

/* ---- The end -----------------------------------------------------------------------------------*/

static bool is_gone(struct speaker *speaker, int *status)
{
    for (int i = 0; i < SPEAKER_PATIENCE; i++) {
        if (waitpid(speaker->pid, status, WNOHANG) == speaker->pid)
            return true;
        usleep(1000);
    }
    return false;
}

/* Shown, too: it may be a sanitizer's. */
static void read_errors(struct speaker *speaker)
{
    char *complaint = speaker->complaint;

    rewind(speaker->errors);
    complaint[fread(complaint, 1, sizeof speaker->complaint - 1, speaker->errors)] = '\0';
    fputs(complaint, stderr);
    for (int c; (c = getc(speaker->errors)) != EOF;)
        putc(c, stderr);
    fclose(speaker->errors);
}

int speaker_end(struct speaker *speaker)
{
    int status = 0;
    bool is_well;

    if (speaker->pid == 0)
        return 0;
    close(speaker->to);
    is_well = is_gone(speaker, &status);
    if (!is_well) {
        kill(speaker->pid, SIGKILL);
        waitpid(speaker->pid, NULL, 0);
    }
    close(speaker->from);
    read_errors(speaker);
    json_decref(speaker->events);
    json_decref(speaker->answer);
    speaker->pid = 0;
    assert_true(is_well);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void speaker_kill(struct speaker *speaker)
{
    kill(speaker->pid, SIGKILL);
    speaker_end(speaker);
}
