/* The machinery: incidents in the order of time, calls, and the life of panels. A panel's loop is turned when something has happened to it, or something is due in its wheel. */
#include "panel.h"
#include "panels_parts.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Chance and time ---------------------------------------------------------------------------*/

double panels_draw(struct panels *p)
{
    return chance_draw(&p->chance);
}

uint64_t panels_exponential(struct panels *p, double mean)
{
    return (uint64_t)(-log(1 - panels_draw(p)) * mean);
}

uint64_t panels_now(const struct member *m)
{
    return m->base + m->all->now / 1000;
}

static uint64_t on_now(void *data)
{
    return panels_now(data);
}

static double on_random(void *data)
{
    struct member *m = data;
    return chance_draw(&m->chance);
}

void panels_note(struct panels *p, uint64_t what)
{
    p->digest = (p->digest ^ what) * UINT64_C(1099511628211);
    p->digest ^= p->digest >> 29;
}

void panels_wrong(struct panels *p, const char *what)
{
    if (p->wrong[0] == '\0')
        snprintf(p->wrong, sizeof p->wrong, "at %.3f s: %s", (double)p->now / 1e6, what);
}

/* ---- Incidents ---------------------------------------------------------------------------------*/

void panels_push(struct panels *p, struct incident incident)
{
    incident.date.order = ++p->order;
    calendar_push(&p->calendar, &incident);
}

void panels_at(struct panels *p, uint64_t time, void (*act)(struct panels *panels))
{
    panels_push(p, (struct incident){.date.time = time, .kind = ACT, .act = act});
}

static void on_counted(void *data, const char *key, uint16_t length, int64_t sum)
{
    (void)data, (void)key, (void)length, (void)sum;
}

static void on_wrong(void *data, const char *what)
{
    panels_wrong(data, what);
}

/* ---- Calls -------------------------------------------------------------------------------------*/

static void next_call(struct panels *p, struct member *m)
{
    if (m->rate > 0)
        panels_push(p, (struct incident){.date.time = p->now + panels_exponential(p, 1e6 / m->rate),
                                         .kind = CALL,
                                         .member = m->number,
                                         .life = m->life,
                                         .traffic = m->traffic});
}

void panels_rate(struct panels *p, struct member *m, double rate)
{
    m->rate = rate;
    m->traffic++;
    if (m->is_alive)
        next_call(p, m);
}

static void call(struct panels *p, struct member *m)
{
    struct incident result = {.kind = RESULT, .member = m->number, .life = m->life};

    if (breaker_try_acquire(m->breaker, &result.permit) == 0) {
        result.failed = p->failing != NULL && panels_draw(p) < p->failing(p, m);
        result.date.time = p->now + (result.failed ? 5000 : 20000);
        p->calls++;
        p->bad += result.failed;
        panels_push(p, result);
    } else {
        p->refused++;
        panels_check_refused(p, m);
    }
    next_call(p, m);
}

/* ---- Running -----------------------------------------------------------------------------------*/

static void turn(struct panels *p, struct member *m)
{
    uint64_t due;

    for (int i = 0; i < 3; i++)
        uv_run(&m->loop, UV_RUN_NOWAIT);
    if (m->is_gone || !m->is_alive)
        return;
    due = wheel_next(&m->panel->wheel);
    if (due == UINT64_MAX)
        return;
    due = due > m->base ? (due - m->base) * 1000 : 0;
    due = due > p->now ? due : p->now + 1000;
    if (m->turns_at > p->now && m->turns_at <= due)
        return;
    m->turns_at = due;
    panels_push(
        p, (struct incident){.date.time = due, .kind = TURN, .member = m->number, .life = m->life});
}

static bool is_letter_only(const struct incident *i)
{
    return i->kind == REQUEST || i->kind == ACT;
}

static void happen(struct panels *p, struct incident *i)
{
    struct member *m = &p->members[i->member];
    struct letter *l = i->letter;

    switch (i->kind) {
    case CALL:
        if (i->traffic == m->traffic)
            call(p, m);
        break;
    case RESULT:
        breaker_report(m->breaker, &i->permit, i->failed ? BREAKER_FAILURE : BREAKER_SUCCESS,
                       i->failed ? UV_ETIMEDOUT : 0);
        break;
    case REPLY:
        if (l->owner != NULL)
            letter_answer(l);
        free(l);
        break;
    case BELL:
        if (m->client != NULL)
            m->client->bell(m->client, l->keys[0], l->verbs[0].key_length, l->values[0],
                            l->verbs[0].length);
        free(l);
        break;
    default:
        break;
    }
}

/* What nobody waits for any more. */
static bool is_stale(struct panels *p, const struct incident *i)
{
    const struct member *m = &p->members[i->member];

    if (is_letter_only(i) || (i->life == m->life && m->is_alive))
        return false;
    if (i->kind == REPLY || i->kind == BELL)
        free(i->letter);
    return true;
}

void panels_run(struct panels *p, uint64_t until)
{
    const struct date *first;

    while ((first = calendar_first(&p->calendar)) != NULL && first->time <= until &&
           p->wrong[0] == '\0') {
        struct incident i;
        struct member *m;
        calendar_pop(&p->calendar, &i);
        m = &p->members[i.member];
        p->now = i.date.time;
        p->store.now = p->now / 1000 + UINT64_C(1750000000000);
        if (is_stale(p, &i))
            continue;
        if (!is_letter_only(&i) && p->now < m->stalled) {
            i.date.time = m->stalled;
            panels_push(p, i);
        } else if (i.kind == REQUEST) {
            letter_carry_out(p, i.letter);
        } else if (i.kind == ACT) {
            i.act(p);
        } else {
            p->steps++;
            happen(p, &i);
            turn(p, m);
            if (m->is_alive && !m->is_gone)
                panels_check(p, m);
        }
    }
    if (p->now < until)
        p->now = until;
}

/* ---- Life --------------------------------------------------------------------------------------*/

static void on_storage(struct member *m, bool *is_lost, bool lost)
{
    if (*is_lost == lost)
        panels_wrong(m->all, "the storage was lost or found twice");
    *is_lost = lost;
    m->lost += lost;
    m->found += !lost;
}

static void on_event(breaker_listener_t *listener, const breaker_event_t *event)
{
    struct member *m = listener->data;
    struct panels *p = m->all;

    if (event->kind == BREAKER_ON_STATE_CHANGE) {
        if (event->from != m->state)
            panels_wrong(p, "an event from a state that it was not in");
        m->state = event->to;
        m->since = p->now / 1000;
        m->moves++;
        panels_note(p, m->number | (uint64_t)event->to << 8 | p->now << 16);
    }
    m->differing += event->kind == BREAKER_ON_OTHER_POLICY;
    if (event->kind == BREAKER_ON_STORAGE_LOST || event->kind == BREAKER_ON_STORAGE_FOUND)
        on_storage(m, event->breaker == NULL ? &m->is_lost : &m->is_barred,
                   event->kind == BREAKER_ON_STORAGE_LOST);
}

static void on_keeper(uv_timer_t *keeper)
{
    (void)keeper;
}

static void begin(struct panels *p, struct member *m)
{
    breaker_panel_options_t options;

    breaker_panel_options_init(&options);
    options.storage = &p->storage;
    options.storage_timeout = p->patience;
    options.now = on_now;
    options.random = on_random;
    options.data = m;
    m->base = 1000000 + chance_next(&p->chance) % 1000000;
    m->chance.state = chance_next(&p->chance);
    m->state = BREAKER_PASSING;
    m->moves = m->lost = m->found = m->differing = 0;
    m->is_lost = m->is_barred = false;
    m->is_alive = true;
    m->is_gone = false;
    m->turns_at = m->overdue = 0;
    memset(&m->held, 0, sizeof m->held);
    memset(&m->committed, 0, sizeof m->committed);
    m->listener = (breaker_listener_t){.kinds = BREAKER_ON_STATE_CHANGE | BREAKER_ON_STORAGE_LOST |
                                                BREAKER_ON_STORAGE_FOUND | BREAKER_ON_OTHER_POLICY,
                                       .notify = on_event,
                                       .data = m};
    if (uv_loop_init(&m->loop) != 0 || uv_timer_init(&m->loop, &m->keeper) != 0 ||
        uv_timer_start(&m->keeper, on_keeper, 1000000000, 0) != 0 ||
        breaker_panel_create(&m->panel, &m->loop, &options) != 0 ||
        breaker_create(&m->breaker, m->panel, "api", p->policy) != 0 ||
        breaker_panel_listen(m->panel, &m->listener) != 0)
        abort();
    turn(p, m);
    next_call(p, m);
}

struct member *panels_join(struct panels *p, double rate)
{
    struct member *m = NULL;

    for (unsigned i = 0; i < p->count && m == NULL; i++)
        if (!p->members[i].is_alive)
            m = &p->members[i];
    if (m == NULL) {
        if (p->count == PANELS_MAX)
            return NULL;
        m = &p->members[p->count];
        m->number = p->count++;
    }
    m->all = p;
    m->rate = rate;
    begin(p, m);
    return m;
}

static void on_gone(void *data)
{
    struct member *m = data;
    m->is_gone = true;
}

/* As a crash: what it holds in the storage is left there. */
void panels_leave(struct panels *p, struct member *m)
{
    (void)p;
    m->is_alive = false;
    m->life++;
    uv_close((uv_handle_t *)&m->keeper, NULL);
    breaker_panel_destroy(m->panel, on_gone);
    for (int i = 0; i < 20 && (i < 2 || !m->is_gone); i++)
        uv_run(&m->loop, UV_RUN_NOWAIT);
    if (!m->is_gone || uv_loop_close(&m->loop) != 0)
        panels_wrong(p, "a panel that does not end");
}

void panels_cut(struct panels *p, struct member *m, bool is_cut)
{
    static const char bell[] = "{api}:1:n";

    if (m->is_cut == is_cut || !m->is_alive)
        return;
    m->is_cut = is_cut;
    if (is_cut || m->client == NULL || p->now < m->stalled)
        return;
    m->client->bell(m->client, bell, sizeof bell - 1, NULL, 0);
    turn(p, m);
}

void panels_stall(struct panels *p, struct member *m, uint64_t time)
{
    m->stalled = p->now + time;
}

bool panels_all(struct panels *p, breaker_state_t state)
{
    for (unsigned i = 0; i < p->count; i++)
        if (p->members[i].is_alive && p->members[i].state != state)
            return false;
    return true;
}

void panels_open(struct panels *p, uint64_t seed, const breaker_options_t *options)
{
    breaker_options_t usual, others;

    memset(p, 0, sizeof *p);
    breaker_options_init(&usual);
    others = *(options = options != NULL ? options : &usual);
    p->storage.ops = &panels_ops;
    p->chance.state = seed * 7919 + 3;
    p->digest = seed;
    p->patience = 200;
    p->calendar.size = sizeof(struct incident);
    p->members = calloc(PANELS_MAX, sizeof *p->members);
    if (p->members == NULL || breaker_policy_create(&p->policy, options, NULL) != 0)
        abort();
    others.min_calls++;
    others.window /= 2;
    if (breaker_policy_create(&p->other, &others, NULL) != 0)
        abort();
    p->store.data = p;
    p->store.wrote = panels_wrote;
    p->store.counted = on_counted;
    p->store.rang = letter_ring;
    p->store.wrong = on_wrong;
    p->store.now = UINT64_C(1750000000000);
}

void panels_close(struct panels *p)
{
    for (unsigned i = 0; i < p->count; i++)
        if (p->members[i].is_alive)
            panels_leave(p, &p->members[i]);
    while (calendar_first(&p->calendar) != NULL) {
        struct incident i;
        calendar_pop(&p->calendar, &i);
        free(i.letter);
    }
    store_close(&p->store);
    breaker_policy_destroy(p->policy);
    breaker_policy_destroy(p->other);
    calendar_free(&p->calendar);
    free(p->members);
    free(p->written);
}
