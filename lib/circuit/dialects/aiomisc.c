/* How aiomisc's circuit decides. It computes in seconds and doubles, in the order of the original, since
 * on the edge of a bucket the rounding decides. */
#include "aiomisc.h"
#include "dialect.h"
#include <errno.h>
#include <math.h>

/* ---- Options -----------------------------------------------------------------------------------*/

void breaker_aiomisc_init_sized(breaker_aiomisc_t *options, size_t size)
{
    breaker_aiomisc_t all = {
        .dialect = {sizeof all, BREAKER_DIALECT_AIOMISC},
        .error_ratio = 0.5,
        .response_time = 10000,
    };

    all.dialect.size = size;
    memcpy(options, &all, size < sizeof all ? size : sizeof all);
}

static void take(breaker_aiomisc_t *rules, const breaker_dialect_t *options)
{
    breaker_aiomisc_init_sized(rules, sizeof *rules);
    dialect_take(rules, sizeof *rules, options);
}

static int check(const breaker_dialect_t *options, const char **bad_field)
{
    breaker_aiomisc_t o;

    take(&o, options);
    return dialect_bad(bad_field, !(o.error_ratio >= 0 && o.error_ratio <= 1) ? "error_ratio"
                                  : !dialect_is_time(o.response_time, 1)      ? "response_time"
                                  : !dialect_is_time(o.broken_time, 0)        ? "broken_time"
                                  : !dialect_is_time(o.recovery_time, 0)      ? "recovery_time"
                                  : !dialect_is_time(o.passing_time, 0)       ? "passing_time"
                                  : !dialect_is_list(&o.listed)               ? "listed"
                                                                              : NULL);
}

static size_t rules_size(const breaker_dialect_t *options)
{
    breaker_aiomisc_t o;

    take(&o, options);
    return sizeof o + dialect_list_size(&o.listed);
}

static void rules_make(void *memory, const breaker_dialect_t *options)
{
    breaker_aiomisc_t *rules = memory;
    char *end = (char *)(rules + 1);

    take(rules, options);
    dialect_keep_list(&rules->listed, &end);
}

static size_t size(const void *rules, const char *name)
{
    (void)rules, (void)name;
    return sizeof(struct aiomisc);
}

static void init(void *circuit, const void *rules, const char *name, bool wire)
{
    (void)rules, (void)name, (void)wire;
    memset(circuit, 0, sizeof(struct aiomisc));
}

/* ---- Buckets -----------------------------------------------------------------------------------*/

static double seconds(uint64_t ms)
{
    return (double)ms / 1000.0;
}

static double span(const breaker_aiomisc_t *rules, uint64_t time)
{
    return seconds(time != 0 ? time : rules->response_time);
}

/* In tenths of a second, cut to a whole number. */
static int64_t bucket_id(const breaker_aiomisc_t *rules, double now)
{
    double tenths = now * 10;
    return (int64_t)(tenths - fmod(tenths, seconds(rules->response_time)));
}

/* The i-th from the newest. */
static const breaker_aiomisc_bucket_t *peek(const struct aiomisc *c, unsigned i)
{
    return &c->buckets[(c->head + AIOMISC_BUCKETS - i) % AIOMISC_BUCKETS];
}

/* Every call makes the bucket of its time the newest, before it is known whether it is admitted. */
static void open_bucket(struct aiomisc *c, const breaker_aiomisc_t *rules, double now)
{
    int64_t id = bucket_id(rules, now);

    if (c->count > 0 && peek(c, 0)->id == id)
        return;
    c->head = (uint8_t)((c->head + 1) % AIOMISC_BUCKETS);
    c->count += c->count < AIOMISC_BUCKETS;
    c->serial++;
    c->buckets[c->head] = (breaker_aiomisc_bucket_t){id, 0, 0, 0};
}

static bool is_bad(const breaker_aiomisc_t *rules, const breaker_aiomisc_bucket_t *bucket)
{
    return bucket->total > 0 && (double)bucket->failed / bucket->total >= rules->error_ratio;
}

/* How many buckets are fresh: from the newest on, as long as they are not older than response_time. */
static unsigned fresh(const struct aiomisc *c, const breaker_aiomisc_t *rules, double now)
{
    double edge = (double)bucket_id(rules, now) - seconds(rules->response_time) * 10;
    unsigned count = 0;

    while (count < c->count && (double)peek(c, count)->id >= edge)
        count++;
    return count;
}

static double bad_share(const struct aiomisc *c, const breaker_aiomisc_t *rules, double now)
{
    unsigned count = fresh(c, rules, now), bad = 0;

    for (unsigned i = 0; i < count; i++)
        bad += is_bad(rules, peek(c, i));
    return count == 0 ? 0 : (double)bad / count;
}

/* ---- Transitions -------------------------------------------------------------------------------*/

static void move(struct aiomisc *c, const breaker_aiomisc_t *rules, struct turn *turn,
                 breaker_state_t to)
{
    double now = seconds(turn->now);
    unsigned count = fresh(c, rules, now);

    turn->moved = true;
    turn->from = c->state;
    turn->to = (uint8_t)to;
    turn->evidence = (breaker_counts_t){0, 0, 0, 0};
    for (unsigned i = 0; i < count; i++) {
        turn->evidence.ok += peek(c, i)->ok;
        turn->evidence.failed += peek(c, i)->failed;
    }
    c->state = (uint8_t)to;
    if (to == BREAKER_BROKEN) {
        c->stuck = now + span(rules, rules->broken_time);
        c->count = 0;
    } else if (to == BREAKER_RECOVERING) {
        c->recovering = now;
    } else {
        c->stuck = now + span(rules, rules->passing_time);
    }
}

/* The state that the buckets and the time ask for; looked at only when a call comes. */
static breaker_state_t due(const struct aiomisc *c, const breaker_aiomisc_t *rules, double now)
{
    double limit = c->state == BREAKER_PASSING ? 1 : 0.5 * rules->error_ratio;

    if (now < c->stuck)
        return c->state;
    if (c->state == BREAKER_BROKEN)
        return BREAKER_RECOVERING;
    if (c->state == BREAKER_PASSING && c->count < AIOMISC_BUCKETS)
        return BREAKER_PASSING;
    if (bad_share(c, rules, now) >= limit)
        return BREAKER_BROKEN;
    if (c->state == BREAKER_RECOVERING && now - c->recovering >= span(rules, rules->recovery_time))
        return BREAKER_PASSING;
    return c->state;
}

/* Orders are ours, the original has none. They begin a state as a first call would. */
static void obey(struct aiomisc *c, const breaker_aiomisc_t *rules, struct turn *turn,
                 breaker_state_t to)
{
    move(c, rules, turn, to);
    c->count = 0;
    if (to != BREAKER_BROKEN)
        c->stuck = 0;
}

/* ---- Calls -------------------------------------------------------------------------------------*/

static bool is_sampled(const struct aiomisc *c, const breaker_aiomisc_t *rules, double now,
                       double draw)
{
    double share = (now - c->recovering) / span(rules, rules->recovery_time);
    return draw + 1 < pow(2, share);
}

enum { ALL, WHILE_PASSING, WHILE_BROKEN, WHILE_RECOVERING, SAMPLED, NOT_SAMPLED };

static bool admits(struct aiomisc *c, const breaker_aiomisc_t *rules, double now, double draw)
{
    bool admitted = true;

    c->calls[ALL]++;
    if (c->state == BREAKER_PASSING) {
        c->calls[WHILE_PASSING]++;
    } else if (c->state == BREAKER_BROKEN) {
        c->calls[WHILE_BROKEN]++;
        admitted = false;
    } else {
        admitted = is_sampled(c, rules, now, draw);
        c->calls[WHILE_RECOVERING]++;
        c->calls[admitted ? SAMPLED : NOT_SAMPLED]++;
    }
    return admitted;
}

static void admit(struct aiomisc *c, const breaker_aiomisc_t *rules, struct turn *turn)
{
    double now = seconds(turn->now);
    breaker_state_t to;

    open_bucket(c, rules, now);
    to = due(c, rules, now);
    if (to != c->state)
        move(c, rules, turn, to);
    turn->verdict = admits(c, rules, now, turn->draw) ? 0 : BREAKER_EREJECTED;
    turn->permit = (breaker_permit_t){0, 0};
    if (turn->verdict == 0)
        turn->permit = (breaker_permit_t){c->serial, turn->now};
}

/* The bucket of a call's start; NULL: it was dropped or cleared. */
static breaker_aiomisc_bucket_t *bucket_of(struct aiomisc *c, breaker_permit_t permit)
{
    uint64_t age = c->serial - permit.epoch;

    if (permit.epoch == 0 || permit.epoch > c->serial || age >= c->count)
        return NULL;
    return &c->buckets[(c->head + AIOMISC_BUCKETS - (unsigned)age) % AIOMISC_BUCKETS];
}

static bool is_failed(const breaker_aiomisc_t *rules, int status)
{
    return rules->inspector == NULL || rules->inspector(rules->inspector_data, status) != 0;
}

static void settle(struct aiomisc *c, const breaker_aiomisc_t *rules, struct turn *turn)
{
    breaker_aiomisc_bucket_t lost, *bucket = bucket_of(c, turn->permit);

    if (bucket == NULL) {
        turn->verdict = BREAKER_ESTALE;
        bucket = &lost;
        lost = (breaker_aiomisc_bucket_t){0, 0, 0, 0};
    }
    if (turn->outcome == BREAKER_SUCCESS) {
        bucket->ok++;
        c->last_error = 0;
    } else if (turn->outcome == BREAKER_FAILURE &&
               dialect_match(&rules->listed, turn->status, true)) {
        bucket->failed += is_failed(rules, turn->status);
        c->last_error = turn->status;
    }
    bucket->total++;
}

static bool needs_draw(const void *circuit, const void *rules, const struct turn *turn)
{
    const struct aiomisc *c = circuit;
    struct aiomisc copy;

    if (turn->op != TURN_ADMIT || c->state == BREAKER_PASSING)
        return false;
    copy = *c;
    open_bucket(&copy, rules, seconds(turn->now));
    return due(&copy, rules, seconds(turn->now)) == BREAKER_RECOVERING;
}

enum turn_next aiomisc_step(void *circuit, const void *rules, struct turn *turn)
{
    turn->verdict = 0;
    turn->watched = turn->slow = turn->moved = false;
    switch (turn->op) {
    case TURN_ADMIT:
        admit(circuit, rules, turn);
        break;
    case TURN_SETTLE:
        settle(circuit, rules, turn);
        break;
    case TURN_TRIP:
        obey(circuit, rules, turn, BREAKER_BROKEN);
        break;
    case TURN_RECOVER:
        obey(circuit, rules, turn, BREAKER_RECOVERING);
        break;
    case TURN_RESET:
        obey(circuit, rules, turn, BREAKER_PASSING);
        break;
    default:
        turn->verdict = -ENOTSUP;
    }
    return TURN_DONE;
}

/* ---- Looking -----------------------------------------------------------------------------------*/

void aiomisc_inspect(const struct aiomisc *c, const breaker_aiomisc_t *rules, uint64_t now,
                     breaker_aiomisc_snapshot_t *s)
{
    double at = seconds(now);

    memset(s, 0, sizeof *s);
    s->state = c->state;
    s->last_error = c->last_error;
    s->recovery_ratio = bad_share(c, rules, at);
    s->delay = c->stuck > at ? c->stuck - at : 0;
    s->calls = c->calls[ALL];
    s->passing = c->calls[WHILE_PASSING];
    s->broken = c->calls[WHILE_BROKEN];
    s->recovering = c->calls[WHILE_RECOVERING];
    s->recovering_ok = c->calls[SAMPLED];
    s->recovering_failed = c->calls[NOT_SAMPLED];
    s->count = c->count;
    for (unsigned i = 0; i < c->count; i++)
        s->buckets[i] = *peek(c, c->count - 1u - i);
}

static void view(const void *circuit, const void *rules, uint64_t now, uint64_t wall,
                 struct dialect_view *view)
{
    const struct aiomisc *c = circuit;
    double end = c->stuck;

    (void)wall;
    if (c->state == BREAKER_RECOVERING)
        end = c->recovering + span(rules, ((const breaker_aiomisc_t *)rules)->recovery_time);
    view->state = c->state;
    view->last_error = c->last_error;
    view->retry_after = 0;
    if (c->state != BREAKER_PASSING && end > seconds(now))
        view->retry_after = (uint64_t)ceil((end - seconds(now)) * 1000);
}

const struct dialect aiomisc_dialect = {
    .name = "aiomisc",
    .is_local = true,
    .check = check,
    .rules_size = rules_size,
    .rules_make = rules_make,
    .size = size,
    .init = init,
    .needs_draw = needs_draw,
    .step = aiomisc_step,
    .view = view,
};
