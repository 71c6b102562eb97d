/* How the native circuit decides. Time and chance come with the turn; every transition is made by
 * move(), which knows the table of the legal ones. The recovery is in recovery.c. */
#include "native.h"
#include "recovery.h"
#include <assert.h>
#include <string.h>

size_t native_cells(const struct rules *rules)
{
    size_t cells = window_bytes(&rules->geometry), trip = sizeof(breaker_counts_t);
    return cells > trip ? cells : trip;
}

void native_init(struct native *c, void *cells, const struct rules *rules, uint64_t now)
{
    memset(c, 0, sizeof *c);
    c->epoch = 1;
    c->since = now;
    c->cells = cells;
    window_clear(&c->window, cells, &rules->geometry, now);
}

/* ---- Evidence ----------------------------------------------------------------------------------*/

static breaker_counts_t counts_of(const struct native *c, const struct rules *rules, uint64_t now)
{
    breaker_counts_t counts = {0, 0, 0, 0};

    if (c->state == BREAKER_PASSING) {
        struct window sums = window_peek(&c->window, c->cells, &rules->geometry, now);
        counts = (breaker_counts_t){sums.ok, sums.failed, sums.slow, c->consecutive};
    } else if (c->state == BREAKER_RECOVERING) {
        counts = (breaker_counts_t){c->recovery.ok, c->recovery.failed, c->recovery.slow, 0};
    }
    return counts;
}

/* ---- Transitions -------------------------------------------------------------------------------*/

enum cause { BY_RULE = 1 << 0, BY_TIME = 1 << 1, BY_EVIDENCE = 1 << 2, BY_ORDER = 1 << 3 };

/* legal[from][to]: what may cause it. */
static const uint8_t legal[3][3] = {
    [BREAKER_PASSING] = {[BREAKER_PASSING] = BY_ORDER,
                         [BREAKER_BROKEN] = BY_RULE | BY_ORDER,
                         [BREAKER_RECOVERING] = BY_ORDER},
    [BREAKER_BROKEN] = {[BREAKER_PASSING] = BY_TIME | BY_ORDER, /* time: BREAKER_IMMEDIATE */
                        [BREAKER_BROKEN] = BY_ORDER,
                        [BREAKER_RECOVERING] = BY_TIME | BY_ORDER},
    [BREAKER_RECOVERING] = {[BREAKER_PASSING] = BY_EVIDENCE | BY_ORDER,
                            [BREAKER_BROKEN] = BY_EVIDENCE | BY_ORDER,
                            [BREAKER_RECOVERING] = BY_ORDER},
};

/* Did PASSING hold long enough for the next trip to be a first one again? */
static bool streak_is_over(const struct native *c, const struct rules *rules, uint64_t now)
{
    uint64_t held = elapsed(c->since, now);
    return held > rules->options.recovery_time && held > c->broken;
}

uint32_t native_broken_time(const struct rules *rules, unsigned trips, double draw)
{
    const breaker_options_t *o = &rules->options;
    double time = (double)o->broken_time, limit = (double)o->broken_limit;

    for (unsigned i = 1; i < trips && time < limit; i++)
        time *= o->broken_factor;
    return (uint32_t)((time < limit ? time : limit) * (1 + o->broken_jitter * draw));
}

static void enter_broken(struct native *c, const struct rules *rules, const struct turn *turn)
{
    if (c->state != BREAKER_BROKEN) { /* an order may begin it anew */
        c->trips += c->trips < UINT8_MAX;
        memcpy(c->cells, &turn->evidence, sizeof turn->evidence);
    }
    c->broken = turn->op == TURN_TRIP && turn->duration > 0
                    ? (uint32_t)turn->duration
                    : native_broken_time(rules, c->trips, turn->draw);
}

/* Into a state, afresh: the only place that begins an epoch's counts. */
static void begin(struct native *c, const struct rules *rules, uint64_t now)
{
    c->epoch++;
    c->consecutive = 0;
    if (c->state == BREAKER_PASSING)
        window_clear(&c->window, c->cells, &rules->geometry, now);
    else
        recovery_begin(c, now);
}

/* Makes every transition. */
static void move(struct native *c, const struct rules *rules, struct turn *turn, breaker_state_t to,
                 enum cause cause)
{
    assert(legal[c->state][to] & cause);
    (void)legal, (void)cause;
    turn->moved = true;
    turn->from = c->state;
    turn->to = (uint8_t)to;
    turn->evidence = counts_of(c, rules, turn->now);
    if (c->state == BREAKER_PASSING && streak_is_over(c, rules, turn->now))
        c->trips = 0;
    if (c->state == BREAKER_PASSING && to == BREAKER_RECOVERING)
        memset(c->cells, 0, sizeof(breaker_counts_t)); /* ordered: there was no trip */
    if (to == BREAKER_BROKEN)
        enter_broken(c, rules, turn);
    c->state = (uint8_t)to;
    c->since = turn->now;
    begin(c, rules, turn->now);
}

static void leave_broken(struct native *c, const struct rules *rules, struct turn *turn,
                         enum cause cause)
{
    bool immediate = rules->options.recovery == BREAKER_IMMEDIATE;
    move(c, rules, turn, immediate ? BREAKER_PASSING : BREAKER_RECOVERING, cause);
}

/* What RECOVERING has shown may decide it. */
static void judge(struct native *c, const struct rules *rules, struct turn *turn)
{
    switch (recovery_verdict(c, rules, turn->now)) {
    case RECOVERY_OPEN:
        break;
    case RECOVERY_GOOD:
        move(c, rules, turn, BREAKER_PASSING, BY_EVIDENCE);
        break;
    case RECOVERY_BAD:
        move(c, rules, turn, BREAKER_BROKEN, BY_EVIDENCE);
        break;
    }
}

/* ---- Admission ---------------------------------------------------------------------------------*/

static bool is_broken_over(const struct native *c, uint64_t now)
{
    return elapsed(c->since, now) >= c->broken;
}

static bool admits(struct native *c, const struct rules *rules, struct turn *turn)
{
    if (c->state == BREAKER_BROKEN && is_broken_over(c, turn->now))
        leave_broken(c, rules, turn, BY_TIME);
    if (c->state == BREAKER_RECOVERING && !turn->moved) {
        recovery_write_off(c, rules, turn->now);
        judge(c, rules, turn);
    }
    if (c->state == BREAKER_RECOVERING)
        return recovery_admits(c, rules, turn->now, turn->draw);
    return c->state == BREAKER_PASSING;
}

static void permit(struct turn *turn, uint64_t epoch)
{
    turn->verdict = 0;
    turn->permit = (breaker_permit_t){epoch, turn->now};
}

static void refuse(struct turn *turn)
{
    turn->verdict = BREAKER_EREJECTED;
    turn->permit = (breaker_permit_t){0, 0};
}

/* Whatever is not a plain PASSING; apart, so that the usual case stays short. */
static __attribute__((noinline)) void admit_slowly(struct native *c, const struct rules *rules,
                                                   struct turn *turn)
{
    if (c->hold == BREAKER_HOLD_CLOSED) {
        permit(turn, NATIVE_UNCOUNTED);
    } else if (c->hold == BREAKER_HOLD_OPEN) {
        refuse(turn);
    } else if (admits(c, rules, turn)) {
        permit(turn, c->epoch);
    } else if (c->hold == BREAKER_HOLD_WATCH) {
        permit(turn, NATIVE_UNCOUNTED);
        turn->watched = true;
    } else {
        refuse(turn);
    }
}

static inline void admit(struct native *c, const struct rules *rules, struct turn *turn)
{
    if (c->state == BREAKER_PASSING && c->hold == BREAKER_HOLD_NONE)
        permit(turn, c->epoch);
    else
        admit_slowly(c, rules, turn);
}

/* ---- Results -----------------------------------------------------------------------------------*/

static bool is_slow(const struct rules *rules, const struct turn *turn)
{
    uint64_t slow_time = rules->options.slow_time;
    return slow_time > 0 && elapsed(turn->permit.start, turn->now) >= slow_time;
}

static void count_passing(struct native *c, const struct rules *rules, struct turn *turn,
                          bool failed)
{
    bool slow = rules->wants_slow && turn->slow;
    breaker_counts_t counts;

    window_add(&c->window, c->cells, &rules->geometry, turn->now, failed, slow);
    c->consecutive = failed ? c->consecutive + (c->consecutive < UINT32_MAX) : 0;
    counts = (breaker_counts_t){c->window.ok, c->window.failed, c->window.slow, c->consecutive};
    if (rules_trip(rules, &counts, failed, slow) &&
        elapsed(c->since, turn->now) >= rules->options.passing_time)
        move(c, rules, turn, BREAKER_BROKEN, BY_RULE);
}

static __attribute__((noinline)) void settle_recovering(struct native *c, const struct rules *rules,
                                                        struct turn *turn)
{
    recovery_count(c, turn->outcome, rules->wants_slow && turn->slow);
    judge(c, rules, turn);
}

static inline void settle(struct native *c, const struct rules *rules, struct turn *turn)
{
    bool failed = turn->outcome == BREAKER_FAILURE;

    turn->verdict = 0;
    if (turn->outcome <= BREAKER_FAILURE)
        turn->slow = is_slow(rules, turn);
    if (turn->permit.epoch != c->epoch) {
        if (turn->permit.epoch != NATIVE_UNCOUNTED)
            turn->verdict = BREAKER_ESTALE;
        else if (failed)
            c->last_error = turn->status;
        return;
    }
    if (failed)
        c->last_error = turn->status;
    if (c->state == BREAKER_RECOVERING)
        settle_recovering(c, rules, turn);
    else if (c->state == BREAKER_PASSING && turn->outcome <= BREAKER_FAILURE)
        count_passing(c, rules, turn, failed);
}

/* ---- Orders ------------------------------------------------------------------------------------*/

static void order(struct native *c, const struct rules *rules, struct turn *turn)
{
    turn->verdict = 0;
    switch ((enum turn_op)turn->op) {
    case TURN_TRIP:
        move(c, rules, turn, BREAKER_BROKEN, BY_ORDER);
        break;
    case TURN_RECOVER:
        leave_broken(c, rules, turn, BY_ORDER);
        break;
    case TURN_RESET:
        c->trips = 0;
        move(c, rules, turn, BREAKER_PASSING, BY_ORDER);
        break;
    case TURN_HOLD:
        if (c->hold != turn->hold) {
            c->hold = turn->hold;
            begin(c, rules, turn->now);
        }
        break;
    default:
        assert(0 && "no order");
    }
}

enum turn_next native_step(struct native *c, const struct rules *rules, struct turn *turn)
{
    turn->moved = turn->slow = turn->watched = false;
    if (turn->op == TURN_ADMIT)
        admit(c, rules, turn);
    else if (turn->op == TURN_SETTLE)
        settle(c, rules, turn);
    else
        order(c, rules, turn);
    assert(native_is_sound(c, rules));
    return TURN_DONE;
}

/* ---- Exchange of rules, inspection -------------------------------------------------------------*/

void native_retune(struct native *c, void *cells, const struct rules *from, const struct rules *to,
                   uint64_t now)
{
    void *old = c->cells;

    c->cells = cells;
    if (c->state != BREAKER_PASSING) {
        if (cells != old)
            memcpy(cells, old, sizeof(breaker_counts_t));
    } else if (!window_same(&from->geometry, &to->geometry)) {
        window_clear(&c->window, cells, &to->geometry, now);
        c->consecutive = 0;
    } else if (cells != old) {
        memcpy(cells, old, window_bytes(&to->geometry));
    }
    assert(native_is_sound(c, to));
}

uint64_t native_retry_after(const struct native *c, const struct rules *rules, uint64_t now)
{
    uint64_t held = elapsed(c->since, now);

    if (c->hold == BREAKER_HOLD_OPEN)
        return UINT64_MAX;
    if (c->hold != BREAKER_HOLD_NONE || c->state == BREAKER_PASSING)
        return 0;
    if (c->state == BREAKER_BROKEN)
        return held < c->broken ? c->broken - held : 0;
    return recovery_retry_after(c, rules, now);
}

void native_inspect(const struct native *c, const struct rules *rules, uint64_t now,
                    breaker_snapshot_t *s)
{
    double all;

    s->state = (breaker_state_t)c->state;
    s->hold = (breaker_hold_t)c->hold;
    s->epoch = c->epoch;
    s->since = c->since;
    s->counts = counts_of(c, rules, now);
    all = (double)s->counts.ok + s->counts.failed;
    s->ratio = all > 0 ? s->counts.failed / all : 0;
    s->retry_after = native_retry_after(c, rules, now);
    s->last_error = c->last_error;
    s->trips = c->state == BREAKER_PASSING && streak_is_over(c, rules, now) ? 0 : c->trips;
    if (c->state != BREAKER_PASSING)
        memcpy(&s->tripped, c->cells, sizeof s->tripped);
}

/* What the newest bucket's cell says of the others is true. */
static bool window_is_sound(const struct native *c, const struct rules *rules)
{
    const struct geometry *g = &rules->geometry;
    const struct window *w = &c->window;
    const uint32_t *cells = c->cells, *rest = cells + w->head;
    uint64_t ok = 0, failed = 0, slow = 0;

    if (g->last > 0)
        return w->ok + w->failed <= g->last && w->head < g->last;
    for (const uint32_t *bucket = cells; bucket < cells + (size_t)g->buckets * g->stride;
         bucket += g->stride) {
        ok += bucket != rest ? bucket[0] : 0;
        failed += bucket != rest ? bucket[1] : 0;
        slow += bucket != rest && g->stride > 2 ? bucket[2] : 0;
    }
    return ok == rest[0] && failed == rest[1] && (g->stride <= 2 || slow == rest[2]) &&
           w->ok >= ok && w->failed >= failed && w->slow >= slow && w->slow <= w->ok + w->failed &&
           w->ok + w->failed <= WINDOW_FULL;
}

bool native_is_sound(const struct native *c, const struct rules *rules)
{
    if (c->state > BREAKER_RECOVERING || c->hold > BREAKER_HOLD_WATCH || c->epoch == 0)
        return false;
    if (c->state == BREAKER_PASSING)
        return window_is_sound(c, rules);
    if (c->state == BREAKER_BROKEN)
        return c->trips > 0 && c->consecutive == 0;
    return recovery_is_sound(c, rules);
}
