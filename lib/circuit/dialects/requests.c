/* How the requests circuit breaker decides: by its own copy of the last trip, which is read anew only
 * when it is too old to refuse. */
#include "requests.h"
#include "dialect.h"
#include <errno.h>
#include <math.h>

/* ---- Options -----------------------------------------------------------------------------------*/

void breaker_requests_init_sized(breaker_requests_t *options, size_t size)
{
    breaker_requests_t all = {
        .dialect = {size, BREAKER_DIALECT_REQUESTS},
        .ttl = 60000,
        .percent_failed = 10,
        .re_enable_after_seconds = 180000,
        .minimum_failures = 5,
    };

    memcpy(options, &all, size < sizeof all ? size : sizeof all);
}

static void take(breaker_requests_t *rules, const breaker_dialect_t *options)
{
    breaker_requests_init_sized(rules, sizeof *rules);
    dialect_take(rules, sizeof *rules, options);
}

static int check(const breaker_dialect_t *options, const char **bad_field)
{
    breaker_requests_t o;
    const char *bad = NULL;

    take(&o, options);
    if (!dialect_is_name(o.service))
        bad = "service";
    else if (!dialect_is_seconds(o.ttl, 1000))
        bad = "ttl";
    else if (!(o.percent_failed >= 0 && isfinite(o.percent_failed)))
        bad = "percent_failed";
    else if (!dialect_is_seconds(o.re_enable_after_seconds, 0))
        bad = "re_enable_after_seconds";
    else if (!dialect_is_flavour(o.flavour))
        bad = "flavour";
    return dialect_bad(bad_field, bad);
}

static size_t rules_size(const breaker_dialect_t *options)
{
    breaker_requests_t o;

    take(&o, options);
    return sizeof o + dialect_text_size(o.service);
}

static void rules_make(void *memory, const breaker_dialect_t *options)
{
    breaker_requests_t *rules = memory;
    char *end = (char *)(rules + 1);

    take(rules, options);
    dialect_keep_text(&rules->service, &end);
}

/* HTTP's statuses. */
static breaker_outcome_t classify(const void *rules, int status)
{
    breaker_outcome_t outcome = breaker_classify_http(NULL, status);

    if (status < 0 && outcome == BREAKER_FAILURE &&
        !((const breaker_requests_t *)rules)->count_transport)
        outcome = BREAKER_IGNORED;
    return outcome;
}

/* ---- Keys --------------------------------------------------------------------------------------*/

static const char *const suffixes[REQUESTS_KEYS] = {
    [REQUESTS_TRIP] = "-PercentCB",
    [REQUESTS_COUNT] = "-PercentCB-count",
    [REQUESTS_ERROR] = "-PercentCB-error",
    [REQUESTS_CONFIG] = "-PercentCB-config",
};

static const char *service_of(const breaker_requests_t *rules, const char *name)
{
    return rules->service != NULL ? rules->service : name;
}

static size_t size(const void *rules, const char *name)
{
    size_t bytes = sizeof(struct requests);

    for (unsigned i = 0; i < REQUESTS_KEYS; i++)
        bytes += strlen(service_of(rules, name)) + strlen(suffixes[i]);
    return bytes;
}

static void init(void *circuit, const void *memory, const char *name, bool wire)
{
    struct requests *c = circuit;
    const breaker_requests_t *rules = memory;
    char *end = c->names;

    memset(c, 0, sizeof *c);
    c->is_wire =
        rules->flavour == BREAKER_FLAVOUR_AUTO ? wire : rules->flavour == BREAKER_FLAVOUR_WIRE;
    for (unsigned i = 0; i < REQUESTS_KEYS; i++) {
        const char *begin = end;
        end = dialect_append(dialect_append(end, service_of(rules, name)), suffixes[i]);
        c->keys[i] = dialect_key(begin, end);
    }
}

/* ---- Deciding ----------------------------------------------------------------------------------*/

enum stage { AT_BEGIN, AT_READ, AT_COUNTED };

struct scene {
    struct requests *c;
    const breaker_requests_t *rules;
    struct turn *turn;
    struct talk *talk;
};

static enum turn_next ask(struct scene *s, enum stage stage)
{
    s->talk->stage = (uint8_t)stage;
    return TURN_ASK;
}

static int64_t second(const struct scene *s)
{
    return (int64_t)(s->talk->wall / 1000);
}

/* How long a trip of that second still refuses, ms; its last millisecond is refused too. "Never" is a
 * trip of second 0. */
static uint64_t refuses_for(const breaker_requests_t *rules, int64_t trip, uint64_t wall)
{
    int64_t end = trip * 1000 + (int64_t)rules->re_enable_after_seconds;
    return end >= (int64_t)wall ? (uint64_t)(end - (int64_t)wall) + 1 : 0;
}

static bool refuses(const struct scene *s, int64_t trip)
{
    return refuses_for(s->rules, trip, s->talk->wall) > 0;
}

static void tell(struct scene *s, int kind)
{
    talk_event(s->talk, kind, s->c->seen, s->c->seen, false);
}

static void move(struct scene *s, breaker_state_t state, bool noticed)
{
    talk_event(s->talk, BREAKER_ON_STATE_CHANGE, s->c->seen, state, noticed);
    s->c->seen = (uint8_t)state;
}

static enum turn_next answer(struct scene *s, bool refused)
{
    breaker_state_t state = refused ? BREAKER_BROKEN : BREAKER_PASSING;

    if (state != s->c->seen)
        move(s, state, true);
    s->turn->permit = (breaker_permit_t){0, 0};
    if (refused) {
        s->turn->verdict = BREAKER_EREJECTED;
        s->talk->reason = BREAKER_REASON_OPEN;
    } else {
        s->turn->permit = (breaker_permit_t){1, s->turn->now};
        tell(s, BREAKER_BEFORE_CALL);
    }
    return TURN_DONE;
}

/* A trip that cannot be read never was; nor is it in range, if it is not a second. */
static void read_trip(struct scene *s)
{
    int64_t trip = 0;

    if (!talk_number(&s->talk->verbs[0], &trip) || trip < 0 || trip > INT64_MAX / 2000)
        trip = 0;
    s->c->stored = trip;
}

static enum turn_next admit(struct scene *s)
{
    if (s->talk->stage == AT_BEGIN) {
        if (refuses(s, s->c->local))
            return answer(s, true);
        talk_get(s->talk, s->c->keys[REQUESTS_TRIP]);
        return ask(s, AT_READ);
    }
    if (s->talk->status != 0)
        return answer(s, false);
    read_trip(s);
    s->c->local = s->c->stored;
    return answer(s, refuses(s, s->c->local));
}

/* ---- Results -----------------------------------------------------------------------------------*/

/* The log begins at a whole second, which is still in it in memory, and is not on the wire. */
static void log_event(struct scene *s, struct talk_key key)
{
    int64_t edge = second(s) * 1000 - (int64_t)s->rules->ttl;

    talk_log(s->talk, key, (int64_t)s->talk->wall, s->c->is_wire ? edge : edge - 1);
}

static void write_trip(struct scene *s, int64_t trip)
{
    talk_set_number(s->talk, s->c->keys[REQUESTS_TRIP], trip, 0);
    s->c->stored = trip;
}

static enum turn_next succeed(struct scene *s)
{
    if (s->talk->stage == AT_BEGIN) {
        tell(s, BREAKER_ON_SUCCESS);
        log_event(s, s->c->keys[REQUESTS_COUNT]);
        if (!refuses(s, s->c->local)) {
            write_trip(s, 0);
            move(s, BREAKER_PASSING, false);
        }
        return ask(s, AT_COUNTED);
    }
    if (s->talk->status == 0)
        s->c->count = talk_count(s->talk, 0);
    return TURN_DONE;
}

static bool is_too_many(const struct scene *s)
{
    const struct requests *c = s->c;

    /* In this order, as the original computes it. */
    return c->errors >= s->rules->minimum_failures &&
           100 / (double)c->count * (double)c->errors >= s->rules->percent_failed;
}

static enum turn_next fail(struct scene *s)
{
    if (s->talk->stage == AT_BEGIN) {
        s->c->last_error = s->turn->status;
        tell(s, BREAKER_ON_FAILURE);
        log_event(s, s->c->keys[REQUESTS_COUNT]);
        log_event(s, s->c->keys[REQUESTS_ERROR]);
        return ask(s, AT_COUNTED);
    }
    if (s->talk->status != 0)
        return TURN_DONE;
    s->c->count = talk_count(s->talk, 0);
    s->c->errors = talk_count(s->talk, 1);
    if (!is_too_many(s))
        return TURN_DONE;
    talk_clear(s->talk);
    write_trip(s, second(s));
    move(s, BREAKER_BROKEN, false);
    return TURN_WRITE;
}

/* ---- Orders ------------------------------------------------------------------------------------*/

/* The original has none; ours are known here at once. */
static enum turn_next obey(struct scene *s, breaker_state_t state)
{
    write_trip(s, state == BREAKER_BROKEN ? second(s) : 0);
    s->c->local = s->c->stored;
    move(s, state, false);
    return TURN_WRITE;
}

static enum turn_next look(struct scene *s)
{
    if (s->talk->stage == AT_BEGIN) {
        talk_get(s->talk, s->c->keys[REQUESTS_TRIP]);
        return ask(s, AT_READ);
    }
    if (s->talk->status == 0)
        read_trip(s);
    return TURN_DONE;
}

enum turn_next requests_step(void *circuit, const void *rules, struct turn *turn)
{
    struct scene s = {circuit, rules, turn, turn->talk};

    if (s.talk->stage == AT_BEGIN) {
        turn->verdict = 0;
        turn->watched = turn->slow = turn->moved = false;
    }
    switch (turn->op) {
    case TURN_ADMIT:
        return admit(&s);
    case TURN_SETTLE:
        if (turn->outcome == BREAKER_SUCCESS)
            return succeed(&s);
        return turn->outcome == BREAKER_FAILURE ? fail(&s) : TURN_DONE;
    case TURN_TRIP:
        return obey(&s, BREAKER_BROKEN);
    case TURN_RECOVER: /* there is no half-open state */
    case TURN_RESET:
        return obey(&s, BREAKER_PASSING);
    case TURN_CREATE:
        if (!s.c->is_wire)
            return TURN_DONE;
        requests_register(s.c, s.rules, s.talk);
        return TURN_WRITE;
    case TURN_LOOK:
        return look(&s);
    default:
        turn->verdict = -ENOTSUP;
        return TURN_DONE;
    }
}

/* ---- Looking -----------------------------------------------------------------------------------*/

static int64_t later(const struct requests *c)
{
    return c->local > c->stored ? c->local : c->stored;
}

static void view(const void *circuit, const void *rules, uint64_t now, uint64_t wall,
                 struct dialect_view *view)
{
    const struct requests *c = circuit;

    (void)now;
    view->retry_after = refuses_for(rules, later(c), wall);
    view->state = view->retry_after > 0 ? BREAKER_BROKEN : BREAKER_PASSING;
    view->last_error = c->last_error;
}

void requests_inspect(const struct requests *c, const breaker_requests_t *rules, uint64_t wall,
                      breaker_requests_snapshot_t *s)
{
    struct dialect_view seen;

    view(c, rules, 0, wall, &seen);
    memset(s, 0, sizeof *s);
    s->state = seen.state;
    s->local_last_open = c->local;
    s->last_open = c->stored;
    s->count = c->count;
    s->errors = c->errors;
    s->retry_after = seen.retry_after;
    s->last_error = seen.last_error;
}

const struct dialect requests_dialect = {
    .name = "requests",
    .wants_log = true,
    .check = check,
    .rules_size = rules_size,
    .rules_make = rules_make,
    .classify = classify,
    .size = size,
    .init = init,
    .step = requests_step,
    .view = view,
};
