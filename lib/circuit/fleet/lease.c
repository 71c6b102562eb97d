/* How a process gets the right to a trial. There is one key for each slot, so nothing is counted that a
 * crash could leave wrong; a lease has a date and a life, and is void outside of them, whatever its key
 * says. It is bought in the background when somebody asks, and spent by a later call: a call never waits
 * for one. What lies unspent for long is given back, so that others get it; where calls are so rare that
 * this happens again, the next one may lie longer. */
#include "lease.h"
#include "circuit/text.h"
#include "mutant.h"

enum { SLOTS_MAX = 200, LAPSES_MAX = 8, PAUSE = 1000 };

static uint8_t slots(const struct fleet_world *w)
{
    unsigned trials = fleet_options(w)->max_trials;
    return (uint8_t)(trials < SLOTS_MAX ? trials : SLOTS_MAX);
}

/* How long it may be until the result of a trial is there. */
static uint32_t trial_life(const struct fleet_world *w)
{
    return (uint32_t)fleet_options(w)->probe_time + w->patience;
}

/* And how long a lease may lie before it is spent. */
static uint32_t life(const struct fleet *f, const struct fleet_world *w)
{
    uint64_t shelf = (fleet_options(w)->probe_time / 4 + 1) << f->lapses;

    return trial_life(w) + (uint32_t)(shelf < BREAKER_TIME_MAX ? shelf : BREAKER_TIME_MAX);
}

static bool is_usable(const struct fleet_world *w, const struct fleet_lease *l)
{
    return w->wall >= l->granted && w->wall - l->granted + trial_life(w) < l->life;
}

/* Is a lease of the storage out of date? Its date is an estimate of the storage's clock. */
static bool is_void(const struct fleet_world *w, const struct fleet_lease *l)
{
    return !MUTANT(LEASE_BY_LIFE) &&
           (l->granted > w->wall + w->patience || w->wall > l->granted + l->life);
}

static void set_alarm(struct fleet *f, const struct fleet_world *w)
{
    uint64_t at = w->now > f->lease_after ? w->now : f->lease_after;

    if (at < f->lease_at)
        f->lease_at = at;
}

static void leave(struct fleet *f, const struct fleet_world *w, struct fleet_lease *l)
{
    l->stage = LEASE_LEAVING;
    if (w->now < f->lease_at)
        f->lease_at = w->now;
}

/* It was not spent in time: others are to have it. */
static void lapse(struct fleet *f, const struct fleet_world *w, struct fleet_lease *l)
{
    f->lapses += f->lapses < LAPSES_MAX;
    leave(f, w, l);
}

/* Looks at it again when it can be spent no more. */
static void set_shelf_alarm(struct fleet *f, const struct fleet_world *w,
                            const struct fleet_lease *l)
{
    uint64_t at = w->now + (l->granted + l->life - trial_life(w) - w->wall);

    if (at < f->lease_at)
        f->lease_at = at;
}

/* ---- Spending ----------------------------------------------------------------------------------*/

static void want(struct fleet *f, const struct fleet_world *w)
{
    struct fleet_lease *free = NULL;

    for (unsigned i = 0; i < FLEET_LEASES; i++) {
        if (f->leases[i].stage == LEASE_WANTED || f->leases[i].stage == LEASE_VOID)
            return;
        if (f->leases[i].stage == LEASE_NONE)
            free = &f->leases[i];
    }
    if (free == NULL || w->wall == 0)
        return;
    *free =
        (struct fleet_lease){.stage = LEASE_WANTED, .slot = (uint8_t)(fleet_chance(w) % slots(w))};
    set_alarm(f, w);
}

bool lease_take(struct fleet *f, const struct fleet_world *w)
{
    for (unsigned i = 0; i < FLEET_LEASES; i++) {
        struct fleet_lease *l = &f->leases[i];
        if (l->stage != LEASE_HELD)
            continue;
        if (is_usable(w, l)) {
            l->stage = LEASE_SPENT;
            f->lapses = 0;
            return true;
        }
        lapse(f, w, l);
    }
    want(f, w);
    return false;
}

uint64_t lease_retry_after(const struct fleet *f, const struct fleet_world *w)
{
    uint64_t later = elapsed(w->now, f->lease_after);
    unsigned spent = 0;

    for (unsigned i = 0; i < FLEET_LEASES; i++) {
        if (f->leases[i].stage == LEASE_HELD && is_usable(w, &f->leases[i]))
            return 0;
        spent += f->leases[i].stage == LEASE_SPENT;
    }
    if (spent >= slots(w)) /* mine are all there are */
        return elapsed(w->now, f->admitted_at + fleet_options(w)->probe_time);
    return later;
}

void lease_return(struct fleet *f, const struct fleet_world *w, bool good)
{
    for (unsigned i = 0; i < FLEET_LEASES; i++) {
        struct fleet_lease *l = &f->leases[i];
        if (l->stage != LEASE_SPENT)
            continue;
        if (good && is_usable(w, l)) {
            l->stage = LEASE_HELD;
            set_shelf_alarm(f, w, l);
        } else {
            leave(f, w, l);
        }
        return;
    }
}

void lease_write_off(struct fleet *f)
{
    for (unsigned i = 0; i < FLEET_LEASES; i++)
        if (f->leases[i].stage == LEASE_SPENT)
            f->leases[i].stage = LEASE_NONE; /* its life ends by itself */
}

/* ---- Buying ------------------------------------------------------------------------------------*/

unsigned lease_next(struct fleet *f, const struct fleet_world *w)
{
    unsigned found = FLEET_LEASES;

    f->lease_at = UINT64_MAX;
    for (unsigned i = 0; i < FLEET_LEASES; i++) {
        struct fleet_lease *l = &f->leases[i];
        if (l->stage == LEASE_HELD && is_usable(w, l))
            set_shelf_alarm(f, w, l);
        else if (l->stage == LEASE_HELD)
            lapse(f, w, l);
        switch (l->stage) {
        case LEASE_LEAVING:
            found = i;
            break;
        case LEASE_WANTED:
        case LEASE_VOID:
            if (w->now < f->lease_after)
                set_alarm(f, w);
            else if (found == FLEET_LEASES)
                found = i;
            break;
        default:
            break;
        }
    }
    return found;
}

struct fleet_lease lease_draw(const struct fleet *f, const struct fleet_world *w, uint8_t slot)
{
    return (struct fleet_lease){.granted = w->wall,
                                .token = (uint32_t)fleet_chance(w),
                                .life = life(f, w),
                                .slot = slot,
                                .stage = LEASE_HELD};
}

/* This slot is taken: on to the next, and after the last one a pause. */
static void taken(struct fleet *f, const struct fleet_world *w, struct fleet_lease *l)
{
    if (++l->tries < slots(w)) {
        l->stage = LEASE_WANTED;
        l->slot = (uint8_t)((l->slot + 1) % slots(w));
        set_alarm(f, w);
        return;
    }
    l->stage = LEASE_NONE;
    f->lease_after = w->now + (uint64_t)(PAUSE * (0.5 + fleet_draw(w)));
}

/* One at a time is asked for. */
static void ask_for_rest(struct fleet *f, const struct fleet_world *w)
{
    for (unsigned i = 0; i < FLEET_LEASES; i++) {
        struct fleet_lease *l = &f->leases[i];
        if (l->stage == LEASE_LEAVING)
            leave(f, w, l);
        else if (l->stage == LEASE_HELD && is_usable(w, l))
            set_shelf_alarm(f, w, l);
        else if (l->stage == LEASE_WANTED || l->stage == LEASE_VOID)
            set_alarm(f, w);
    }
}

void lease_heard(struct fleet *f, const struct fleet_world *w, unsigned index,
                 const struct fleet_lease *mine, bool had, const struct fleet_lease *standing)
{
    struct fleet_lease *l = &f->leases[index];
    uint8_t tries = l->tries;

    if (l->stage == LEASE_LEAVING) {
        l->stage = LEASE_NONE;
    } else if (had) {
        *l = *mine;
    } else if (l->stage == LEASE_WANTED && standing != NULL && is_void(w, standing)) {
        *l = *standing;
        l->slot = mine->slot;
        l->tries = tries;
        l->stage = LEASE_VOID;
        set_alarm(f, w);
    } else {
        taken(f, w, l);
    }
    ask_for_rest(f, w);
}

void lease_lost(struct fleet *f, const struct fleet_world *w, unsigned index,
                const struct fleet_lease *mine)
{
    struct fleet_lease *l = &f->leases[index];

    if (l->stage == LEASE_LEAVING) {
        l->stage = LEASE_NONE;
    } else {
        *l = *mine; /* perhaps: so it is given back */
        l->stage = LEASE_LEAVING;
    }
    ask_for_rest(f, w);
}

/* ---- Text --------------------------------------------------------------------------------------*/

uint16_t lease_write(const struct fleet_lease *l, char *text)
{
    char *end = text_hex(text, l->token);

    *end++ = ' ';
    end = text_number(end, l->granted);
    *end++ = ' ';
    end = text_number(end, l->life);
    return (uint16_t)(end - text);
}

bool lease_read(struct fleet_lease *l, const char *bytes, size_t length)
{
    struct text text = {bytes, bytes + length};
    uint64_t granted, span;
    uint32_t token;

    if (!text_take_hex(&text, &token) || !text_take_number(&text, INT64_MAX / 2, &granted) ||
        !text_take_number(&text, 3 * (uint64_t)BREAKER_TIME_MAX, &span) || text.at != text.end)
        return false;
    *l = (struct fleet_lease){.granted = granted, .token = token, .life = (uint32_t)span};
    return true;
}
