/* How lasier decides: what counts where, and when a failure is one too many. */
#include "lasier.h"
#include "dialect.h"
#include <errno.h>
#include <math.h>

/* ---- Options -----------------------------------------------------------------------------------*/

void breaker_lasier_init_sized(breaker_lasier_t *options, size_t size)
{
    breaker_lasier_t all = {
        .dialect = {size, BREAKER_DIALECT_LASIER},
        .kind = BREAKER_LASIER_MAX,
        .max_failures = 5,
        .max_failures_percentage = 50,
        .min_accepted_requests = 10,
        .failure_timeout = 60000,
        .circuit_timeout = 60000,
    };

    memcpy(options, &all, size < sizeof all ? size : sizeof all);
}

static void take(breaker_lasier_t *rules, const breaker_dialect_t *options)
{
    breaker_lasier_init_sized(rules, sizeof *rules);
    dialect_take(rules, sizeof *rules, options);
}

static int check(const breaker_dialect_t *options, const char **bad_field)
{
    breaker_lasier_t o;
    const char *bad = NULL;

    take(&o, options);
    if (o.kind < BREAKER_LASIER_MAX || o.kind > BREAKER_LASIER_OWN)
        bad = "kind";
    else if (o.max_failures == 0)
        bad = "max_failures"; /* each failure that ends while open would open anew */
    else if (!(o.max_failures_percentage >= 0 && isfinite(o.max_failures_percentage)))
        bad = "max_failures_percentage";
    else if (o.kind == BREAKER_LASIER_OWN && o.rule == NULL)
        bad = "rule";
    else if (!dialect_is_seconds(o.failure_timeout, 1000))
        bad = "failure_timeout";
    else if (!dialect_is_seconds(o.circuit_timeout, 1000))
        bad = "circuit_timeout";
    else if (!dialect_is_name(o.failure_key))
        bad = "failure_key";
    else if (!dialect_is_name(o.request_key))
        bad = "request_key";
    else if (!dialect_is_list(&o.caught))
        bad = "caught";
    return dialect_bad(bad_field, bad);
}

static size_t rules_size(const breaker_dialect_t *options)
{
    breaker_lasier_t o;

    take(&o, options);
    return sizeof o + dialect_list_size(&o.caught) + dialect_text_size(o.failure_key) +
           dialect_text_size(o.request_key);
}

static void rules_make(void *memory, const breaker_dialect_t *options)
{
    breaker_lasier_t *rules = memory;
    char *end = (char *)(rules + 1);

    take(rules, options);
    dialect_keep_list(&rules->caught, &end);
    dialect_keep_text(&rules->failure_key, &end);
    dialect_keep_text(&rules->request_key, &end);
}

/* ---- Keys --------------------------------------------------------------------------------------*/

/* Lays the keys at end, or, where that is NULL, only measures them. */
static size_t lay_keys(struct talk_key *keys, char *end, const breaker_lasier_t *rules,
                       const char *name)
{
    const struct {
        const char *head, *key, *tail;
    } parts[LASIER_KEYS] = {
        [LASIER_CIRCUIT] = {"circuit_", rules->failure_key, ":failures"},
        [LASIER_FAILURES] = {"", rules->failure_key, ":failures"},
        [LASIER_REQUESTS] = {"", rules->request_key, ":requests"},
    };
    size_t bytes = 0;

    for (unsigned i = 0; i < LASIER_KEYS; i++) {
        const char *begin = end, *key = parts[i].key != NULL ? parts[i].key : name;
        const char *tail = parts[i].key != NULL ? "" : parts[i].tail;
        bytes += strlen(parts[i].head) + strlen(key) + strlen(tail);
        if (end == NULL)
            continue;
        end = dialect_append(dialect_append(dialect_append(end, parts[i].head), key), tail);
        keys[i] = dialect_key(begin, end);
    }
    return bytes;
}

static size_t size(const void *rules, const char *name)
{
    return sizeof(struct lasier) + lay_keys(NULL, NULL, rules, name);
}

static void init(void *circuit, const void *rules, const char *name, bool wire)
{
    struct lasier *c = circuit;

    (void)wire;
    memset(c, 0, sizeof *c);
    lay_keys(c->keys, c->names, rules, name);
}

/* ---- Deciding ----------------------------------------------------------------------------------*/

enum stage { AT_BEGIN, AT_READ, AT_COUNTED, AT_LOOKED };

struct scene {
    struct lasier *c;
    const breaker_lasier_t *rules;
    struct turn *turn;
    struct talk *talk;
};

static enum turn_next ask(struct scene *s, enum stage stage)
{
    s->talk->stage = (uint8_t)stage;
    return TURN_ASK;
}

static bool counts_requests(const breaker_lasier_t *rules)
{
    return rules->kind == BREAKER_LASIER_PERCENTAGE ||
           (rules->kind == BREAKER_LASIER_OWN && rules->count_requests);
}

static bool is_too_many(const breaker_lasier_t *rules, int64_t failures, int64_t requests)
{
    switch (rules->kind) {
    case BREAKER_LASIER_PERCENTAGE:
        return requests > rules->min_accepted_requests &&
               (double)(failures * 100) / (double)requests >= rules->max_failures_percentage;
    case BREAKER_LASIER_OWN:
        return rules->rule(rules->rule_data, (uint64_t)failures,
                           counts_requests(rules) ? (uint64_t)requests : 0) != 0;
    default:
        return failures >= rules->max_failures;
    }
}

static void see(struct scene *s, breaker_state_t state)
{
    if (s->c->seen == state)
        return;
    talk_event(s->talk, BREAKER_ON_STATE_CHANGE, s->c->seen, state, true);
    s->c->seen = (uint8_t)state;
    s->c->until = state == BREAKER_BROKEN ? s->turn->now + s->rules->circuit_timeout : 0;
}

static void tell(struct scene *s, int kind)
{
    talk_event(s->talk, kind, s->c->seen, s->c->seen, false);
}

static breaker_state_t read_circuit(const struct scene *s)
{
    return s->talk->status == 0 && s->talk->verbs[0].found ? BREAKER_BROKEN : BREAKER_PASSING;
}

static int64_t read_count(const struct scene *s, unsigned i)
{
    int64_t number = 0;

    if (s->talk->status != 0 || !talk_number(&s->talk->verbs[i], &number) || number < 0)
        return 0;
    return number;
}

static enum turn_next open_circuit(struct scene *s)
{
    talk_clear(s->talk);
    talk_set(s->talk, s->c->keys[LASIER_CIRCUIT], "1", s->rules->circuit_timeout);
    talk_delete(s->talk, s->c->keys[LASIER_FAILURES]);
    if (counts_requests(s->rules))
        talk_delete(s->talk, s->c->keys[LASIER_REQUESTS]);
    talk_event(s->talk, BREAKER_ON_STATE_CHANGE, s->c->seen, BREAKER_BROKEN, false);
    s->c->seen = BREAKER_BROKEN;
    s->c->until = s->turn->now + s->rules->circuit_timeout;
    s->c->failures = s->c->requests = 0;
    return TURN_WRITE;
}

static enum turn_next close_circuit(struct scene *s)
{
    talk_delete(s->talk, s->c->keys[LASIER_CIRCUIT]);
    talk_event(s->talk, BREAKER_ON_STATE_CHANGE, s->c->seen, BREAKER_PASSING, false);
    s->c->seen = BREAKER_PASSING;
    s->c->until = 0;
    return TURN_WRITE;
}

static enum turn_next admit(struct scene *s)
{
    if (s->talk->stage == AT_BEGIN) {
        s->turn->permit = (breaker_permit_t){0, 0};
        talk_get(s->talk, s->c->keys[LASIER_CIRCUIT]);
        return ask(s, AT_READ);
    }
    see(s, read_circuit(s));
    if (s->c->seen == BREAKER_BROKEN) {
        s->turn->verdict = BREAKER_EREJECTED;
        s->talk->reason = BREAKER_REASON_OPEN;
        return TURN_DONE;
    }
    s->turn->permit = (breaker_permit_t){1, s->turn->now};
    tell(s, BREAKER_BEFORE_CALL);
    return TURN_DONE;
}

/* ---- Results -----------------------------------------------------------------------------------*/

enum plan { IS_FAILURE = 1 << 0, COUNTS_REQUESTS = 1 << 1 };

static uint8_t make_plan(const struct scene *s)
{
    bool is_failure = s->turn->outcome == BREAKER_FAILURE &&
                      dialect_match(&s->rules->caught, s->turn->status, true);

    return (uint8_t)((is_failure ? IS_FAILURE : 0) |
                     (counts_requests(s->rules) ? COUNTS_REQUESTS : 0));
}

/* Counts, unless the circuit is open: then the guard fails, and nothing is. */
static enum turn_next count(struct scene *s, bool is_failure)
{
    uint64_t life = s->rules->failure_timeout;

    if (s->talk->plan & COUNTS_REQUESTS) {
        talk_incr(s->talk, s->c->keys[LASIER_REQUESTS], life);
        talk_add(s->talk, s->c->keys[LASIER_FAILURES], "0", life);
    }
    if (is_failure)
        talk_incr(s->talk, s->c->keys[LASIER_FAILURES], life);
    talk_guard(s->talk, s->c->keys[LASIER_CIRCUIT]);
    return s->talk->verb_count > 0 ? ask(s, AT_COUNTED) : TURN_DONE;
}

static enum turn_next ask_counters(struct scene *s)
{
    talk_clear(s->talk);
    talk_get(s->talk, s->c->keys[LASIER_FAILURES]);
    talk_get(s->talk, s->c->keys[LASIER_REQUESTS]);
    return ask(s, AT_LOOKED);
}

static void hear_counted(struct scene *s, bool is_failure)
{
    bool has_requests = (s->talk->plan & COUNTS_REQUESTS) != 0;

    s->c->requests = has_requests ? talk_count(s->talk, 0) : 0;
    if (is_failure)
        s->c->failures = talk_count(s->talk, has_requests ? 2 : 0);
}

/* A failure always asks the rule, even when it was not counted. */
static enum turn_next judge(struct scene *s)
{
    if (s->talk->status != 0 || !is_too_many(s->rules, s->c->failures, s->c->requests))
        return TURN_DONE;
    s->turn->verdict = BREAKER_ETRIPPED;
    s->talk->reason = BREAKER_REASON_TRIPPED;
    return open_circuit(s);
}

static enum turn_next settle(struct scene *s)
{
    bool is_success = s->turn->outcome == BREAKER_SUCCESS, is_failure;

    if (s->talk->stage == AT_BEGIN)
        s->talk->plan = make_plan(s);
    is_failure = (s->talk->plan & IS_FAILURE) != 0;
    switch (s->talk->stage) {
    case AT_BEGIN:
        if (is_failure)
            s->c->last_error = s->turn->status;
        if (is_success)
            tell(s, BREAKER_ON_SUCCESS);
        return count(s, is_failure);
    case AT_COUNTED:
        if (s->talk->status == BREAKER_EGUARD) {
            see(s, BREAKER_BROKEN);
            if (is_failure)
                tell(s, BREAKER_ON_LATE);
            return is_failure ? ask_counters(s) : TURN_DONE;
        }
        hear_counted(s, is_failure);
        if (is_failure)
            tell(s, BREAKER_ON_FAILURE);
        return is_failure ? judge(s) : TURN_DONE;
    default:
        s->c->failures = read_count(s, 0);
        s->c->requests = read_count(s, 1);
        return judge(s);
    }
}

/* ---- Orders ------------------------------------------------------------------------------------*/

static enum turn_next look(struct scene *s)
{
    if (s->talk->stage == AT_BEGIN) {
        for (unsigned i = 0; i < LASIER_KEYS; i++)
            talk_get(s->talk, s->c->keys[i]);
        return ask(s, AT_READ);
    }
    if (s->talk->status == 0) {
        uint64_t until = s->c->until;
        bool was_open = s->c->seen == BREAKER_BROKEN;
        s->c->seen = (uint8_t)read_circuit(s);
        if (s->c->seen == BREAKER_BROKEN)
            s->c->until = was_open ? until : s->turn->now + s->rules->circuit_timeout;
        s->c->failures = read_count(s, LASIER_FAILURES);
        s->c->requests = read_count(s, LASIER_REQUESTS);
    }
    return TURN_DONE;
}

enum turn_next lasier_step(void *circuit, const void *rules, struct turn *turn)
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
        return settle(&s);
    case TURN_TRIP:
        return open_circuit(&s);
    case TURN_RECOVER: /* there is no half-open state */
    case TURN_RESET:
        return close_circuit(&s);
    case TURN_CREATE:
        return TURN_DONE;
    case TURN_LOOK:
        return look(&s);
    default:
        turn->verdict = -ENOTSUP;
        return TURN_DONE;
    }
}

/* ---- Looking -----------------------------------------------------------------------------------*/

static void view(const void *circuit, const void *rules, uint64_t now, uint64_t wall,
                 struct dialect_view *view)
{
    const struct lasier *c = circuit;

    (void)rules, (void)wall;
    view->state = c->seen;
    view->last_error = c->last_error;
    view->retry_after = c->seen == BREAKER_BROKEN && c->until > now ? c->until - now : 0;
}

void lasier_inspect(const struct lasier *c, uint64_t now, breaker_lasier_snapshot_t *s)
{
    struct dialect_view seen;

    view(c, NULL, now, 0, &seen);
    *s = (breaker_lasier_snapshot_t){seen.state, c->failures, c->requests, seen.retry_after,
                                     seen.last_error};
}

const struct dialect lasier_dialect = {
    .name = "lasier",
    .check = check,
    .rules_size = rules_size,
    .rules_make = rules_make,
    .size = size,
    .init = init,
    .step = lasier_step,
    .view = view,
};
