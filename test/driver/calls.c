/* Knows how the script's calls are made: with the callbacks that any circuit takes, and with a permit
 * where the script says how long the call took. */
#include "drive.h"
#include <stdlib.h>
#include <string.h>

enum { ID = 64 };

struct job {
    breaker_call_t call; /* first */
    struct drive *drive;
    char id[ID];
    bool is_over;                /* for the circuit */
    bool is_started;             /* and owes its breaker_finish */
    bool is_awaited;             /* the command under way is about it */
    const struct result *result; /* to finish with at once; NULL: the script will say */
    struct job *next;
};

struct result {
    const char *name;
    breaker_outcome_t outcome;
    int status;
    int http; /* the status, where statuses are HTTP's */
};

static const struct result results[] = {
    {"ok", BREAKER_SUCCESS, 0, 200},
    {"fail", BREAKER_FAILURE, UV_ECONNREFUSED, 503},
    {"slow", BREAKER_SUCCESS, 0, 200},
    {"ignored", BREAKER_IGNORED, UV_EINVAL, 404},
    {"cancelled", BREAKER_CANCELLED, UV_ECANCELED, UV_ECANCELED},
    {"excluded", BREAKER_IGNORED, EXCLUDED, 404},
    {"base", BREAKER_CANCELLED, UV_ECANCELED, UV_ECANCELED},
};

static const struct result *find_result(const char *name)
{
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        if (strcmp(results[i].name, name) == 0)
            return &results[i];
    return NULL;
}

static bool is_excluded(const struct drive *drive, const struct result *result)
{
    const struct settings *settings = &drive->settings;

    return result->status == EXCLUDED &&
           (settings->dialect == NULL || settings_value(settings, "excluded_outcome") != NULL);
}

/* ---- One call ----------------------------------------------------------------------------------*/

static void answer_admission(struct drive *drive, const breaker_call_t *call)
{
    answer_add(drive, "admitted", json_boolean(!call->refused));
    if (call->refused) {
        answer_add(drive, "retry_after", json_integer((json_int_t)call->retry_after));
        answer_add(drive, "last_error", json_integer(call->last_error));
    }
}

static void finish(struct job *job, const struct result *result)
{
    struct drive *drive = job->drive;
    bool is_http = dialect_is(&drive->settings, BREAKER_DIALECT_REQUESTS);
    int status = is_http ? result->http : result->status;

    job->is_started = false;
    if (is_excluded(drive, result))
        breaker_finish(&job->call, EXCLUDED); /* the policy says what that means */
    else
        breaker_finish_as(&job->call, status, result->outcome);
}

static void drop(struct job *job)
{
    struct job **link = &job->drive->jobs;

    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    free(job);
}

static int on_start(breaker_call_t *call)
{
    struct job *job = (struct job *)(void *)call;

    job->is_started = true;
    if (job->result != NULL) {
        finish(job, job->result);
    } else if (job->is_awaited) { /* it is open, until the script ends it */
        job->is_awaited = false;
        answer_admission(job->drive, call);
        answer_done(job->drive);
    }
    return 0;
}

/* A call that nobody waited for is over: its time was, or it was refused late. */
static void tell_over(const struct job *job, int status)
{
    print_line(json_pack("{s:s, s:o, s:s}", "event", "call_over", "id", print_text(job->id),
                         "status", answer_status_name(status)));
}

static void on_done(breaker_call_t *call, int status)
{
    struct job *job = (struct job *)(void *)call;
    struct drive *drive = job->drive;

    job->is_over = true;
    if (drive->is_ending) {
        ;
    } else if (!job->is_awaited) {
        tell_over(job, status);
    } else {
        answer_admission(drive, call);
        answer_add(drive, "tripped", json_boolean(status == BREAKER_ETRIPPED));
        answer_status(drive, status);
        answer_done(drive);
    }
    if (!job->is_started)
        drop(job);
}

static struct job *make(struct drive *drive, const char *id)
{
    struct job *job = calloc(1, sizeof *job);

    if (job == NULL)
        abort();
    breaker_call_init(&job->call);
    job->drive = drive;
    strncpy(job->id, id, ID - 1);
    job->is_awaited = true;
    job->next = drive->jobs;
    drive->jobs = job;
    return job;
}

static void begin(struct drive *drive, struct job *job)
{
    int status = breaker_call(drive->breaker, &job->call, on_start, on_done);

    if (status == 0)
        return;
    drop(job);
    answer_error(drive, breaker_strerror(status), NULL);
}

/* ---- Commands ----------------------------------------------------------------------------------*/

/* A permit may be given back as one of long ago. */
static void call_slowly(struct drive *drive)
{
    breaker_permit_t permit;
    int status = breaker_try_acquire(drive->breaker, &permit);

    answer_add(drive, "admitted", json_boolean(status == 0));
    if (status == 0) {
        permit.start -= drive->settings.options.slow_time;
        status = breaker_report(drive->breaker, &permit, BREAKER_SUCCESS, 0);
    } else {
        uint64_t rest = breaker_retry_after(drive->breaker);
        answer_add(drive, "retry_after", json_integer((json_int_t)rest));
    }
    answer_status(drive, status);
    answer_done(drive);
}

void call_once(struct drive *drive, const char *outcome)
{
    const struct result *result = find_result(outcome);

    if (result == NULL) {
        answer_error(drive, "no such outcome", outcome);
        return;
    }
    answer_add(drive, "outcome", json_string(outcome));
    if (strcmp(outcome, "slow") == 0 && drive->settings.dialect == NULL) {
        call_slowly(drive);
        return;
    }
    struct job *job = make(drive, "");
    job->result = result;
    begin(drive, job);
}

static struct job *find(struct drive *drive, const char *id)
{
    struct job *job = drive->jobs;

    while (job != NULL && strcmp(job->id, id) != 0)
        job = job->next;
    return job;
}

void call_begin(struct drive *drive, const char *id)
{
    if (strlen(id) >= ID || find(drive, id) != NULL) {
        answer_error(drive, "in use, or too long", id);
        return;
    }
    answer_add(drive, "id", print_text(id));
    begin(drive, make(drive, id));
}

void call_end(struct drive *drive, const char *id, const char *outcome)
{
    const struct result *result = find_result(outcome);
    struct job *job = find(drive, id);

    if (result == NULL || job == NULL) {
        answer_error(drive, result == NULL ? "no such outcome" : "no such call",
                     result == NULL ? outcome : id);
        return;
    }
    answer_add(drive, "id", print_text(id));
    answer_add(drive, "outcome", json_string(outcome));
    job->is_awaited = true;
    finish(job, result);
    if (job->is_over) { /* its time was over before: the library is done with it now */
        answer_add(drive, "late", json_true());
        answer_done(drive);
        drop(job);
    }
}

void call_finish_all(struct drive *drive)
{
    for (struct job *job = drive->jobs, *next; job != NULL; job = next) {
        next = job->next;
        if (!job->is_started)
            continue;
        finish(job, find_result("cancelled"));
        if (job->is_over)
            drop(job);
    }
}
