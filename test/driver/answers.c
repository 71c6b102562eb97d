/* Knows what is answered and told, with the counters that the circuit's own system shows. */
#include "drive.h"
#include <string.h>

void answer_add(struct drive *drive, const char *key, json_t *value)
{
    json_object_set_new(drive->answer, key, value != NULL ? value : json_null());
}

const char *answer_status_name(int status)
{
    if (status == 0)
        return "ok";
    return status < BREAKER_EREJECTED + 1 ? breaker_strerror(status) : uv_err_name(status);
}

void answer_status(struct drive *drive, int status)
{
    answer_add(drive, "status", json_integer(status));
    if (status < 0) /* those above are HTTP's */
        answer_add(drive, "message", json_string(answer_status_name(status)));
}

/* ---- What the circuit shows --------------------------------------------------------------------*/

static json_t *counts_of(const breaker_counts_t *counts)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "ok", (json_int_t)counts->ok, "failed",
                     (json_int_t)counts->failed, "slow", (json_int_t)counts->slow, "consecutive",
                     (json_int_t)counts->consecutive);
}

static json_t *totals_of(const breaker_totals_t *t)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "admitted",
                     (json_int_t)t->admitted, "rejected", (json_int_t)t->rejected, "ok",
                     (json_int_t)t->ok, "failed", (json_int_t)t->failed, "ignored",
                     (json_int_t)t->ignored, "cancelled", (json_int_t)t->cancelled, "timed_out",
                     (json_int_t)t->timed_out, "late", (json_int_t)t->late, "slow",
                     (json_int_t)t->slow, "trips", (json_int_t)t->trips);
}

static void number(struct drive *drive, const char *key, int64_t value)
{
    answer_add(drive, key, json_integer(value));
}

static void show_pybreaker(struct drive *drive)
{
    breaker_pybreaker_snapshot_t s;

    breaker_pybreaker_inspect(drive->breaker, &s);
    answer_add(drive, "state", json_string(breaker_state_name(s.stored)));
    answer_add(drive, "acts_on", json_string(breaker_state_name(s.state)));
    number(drive, "fail_counter", s.fail_counter);
    number(drive, "success_counter", s.success_counter);
    number(drive, "opened_at", s.opened_at);
    number(drive, "time_remaining", (int64_t)s.time_remaining);
}

static void show_lasier(struct drive *drive)
{
    breaker_lasier_snapshot_t s;

    breaker_lasier_inspect(drive->breaker, &s);
    number(drive, "failures", s.failures);
    number(drive, "requests", s.requests);
}

static void show_requests(struct drive *drive)
{
    breaker_requests_snapshot_t s;

    breaker_requests_inspect(drive->breaker, &s);
    number(drive, "local_last_open", s.local_last_open);
    number(drive, "last_open", s.last_open);
    number(drive, "count", s.count);
    number(drive, "errors", s.errors);
}

static void show_aiomisc(struct drive *drive)
{
    breaker_aiomisc_snapshot_t s;

    breaker_aiomisc_inspect(drive->breaker, &s);
    number(drive, "calls", (int64_t)s.calls);
    number(drive, "buckets", s.count);
    answer_add(drive, "recovery_ratio", json_real(s.recovery_ratio));
    answer_add(drive, "delay", json_real(s.delay));
}

static void show_native(struct drive *drive, const breaker_snapshot_t *s)
{
    answer_add(drive, "epoch", json_integer((json_int_t)s->epoch));
    answer_add(drive, "counts", counts_of(&s->counts));
    answer_add(drive, "ratio", json_real(s->ratio));
    answer_add(drive, "tripped_by", counts_of(&s->tripped));
    answer_add(drive, "consecutive_trips", json_integer(s->trips));
}

static void show(struct drive *drive)
{
    static const char *const holds[] = {"none", "open", "closed", "watch"};
    const struct settings *settings = &drive->settings;
    breaker_snapshot_t s;

    breaker_inspect(drive->breaker, &s);
    answer_add(drive, "state", json_string(breaker_state_name(s.state)));
    answer_add(drive, "hold", json_string(holds[s.hold]));
    if (dialect_is(settings, BREAKER_DIALECT_PYBREAKER))
        show_pybreaker(drive);
    else if (dialect_is(settings, BREAKER_DIALECT_LASIER))
        show_lasier(drive);
    else if (dialect_is(settings, BREAKER_DIALECT_REQUESTS))
        show_requests(drive);
    else if (dialect_is(settings, BREAKER_DIALECT_AIOMISC))
        show_aiomisc(drive);
    else
        show_native(drive, &s);
    if (json_object_get(drive->answer, "retry_after") == NULL)
        number(drive, "retry_after", s.retry_after > INT64_MAX ? -1 : (int64_t)s.retry_after);
    number(drive, "last_error", s.last_error);
    number(drive, "in_flight", s.in_flight);
    answer_add(drive, "totals", totals_of(&s.totals));
}

/* ---- When it is told ---------------------------------------------------------------------------*/

/* After a whole turn of the loop, in which the library has told what it had to tell. */
static void on_turn(uv_idle_t *teller)
{
    struct drive *drive = teller->data;
    json_t *answer = drive->answer;

    if (++drive->turns < 3)
        return;
    uv_idle_stop(teller);
    show(drive);
    drive->answer = NULL;
    print_line(answer);
    lines_next(drive);
}

void answer_done(struct drive *drive)
{
    drive->turns = 0;
    drive->teller.data = drive;
    uv_idle_start(&drive->teller, on_turn);
}

void answer_error(struct drive *drive, const char *error, const char *field)
{
    answer_add(drive, "error", print_text(error));
    if (field != NULL)
        answer_add(drive, "field", print_text(field));
    answer_done(drive);
}

/* ---- Events ------------------------------------------------------------------------------------*/

static json_t *name_of(const breaker_event_t *event)
{
    return print_text(breaker_name(event->breaker));
}

static json_t *change(const breaker_event_t *event)
{
    return json_pack("{s:s, s:o, s:s, s:s, s:s, s:I, s:o}", "event", "state_change", "name",
                     name_of(event), "from", breaker_state_name(event->from), "to",
                     breaker_state_name(event->to), "by", event->elsewhere ? "elsewhere" : "here",
                     "last_error", (json_int_t)event->status, "counts", counts_of(&event->counts));
}

/* Of one breaker, whose name it has then, or of all of them. */
static json_t *storage_event(const char *kind, const breaker_event_t *event)
{
    json_t *object = json_pack("{s:s}", "event", kind);

    if (event->breaker != NULL)
        json_object_set_new(object, "name", name_of(event));
    if (event->kind == BREAKER_ON_STORAGE_LOST) {
        const char *message = answer_status_name(event->status);
        json_object_set_new(object, "status", json_integer(event->status));
        json_object_set_new(object, "message", json_string(message));
    }
    return object;
}

void answer_event(breaker_listener_t *listener, const breaker_event_t *event)
{
    (void)listener;
    switch (event->kind) {
    case BREAKER_ON_STATE_CHANGE:
        print_line(change(event));
        break;
    case BREAKER_ON_OTHER_POLICY:
        print_line(json_pack("{s:s, s:o}", "event", "other_policy", "name", name_of(event)));
        break;
    case BREAKER_ON_STORAGE_LOST:
        print_line(storage_event("storage_lost", event));
        break;
    case BREAKER_ON_STORAGE_FOUND:
        print_line(storage_event("storage_found", event));
        break;
    default:
        print_line(json_pack("{s:s}", "event", "missed"));
    }
}
