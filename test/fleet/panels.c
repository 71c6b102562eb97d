/* The machinery: incidents in the order of time, the storage as panels see it, calls. A panel's loop is
 * turned when something has happened to it, or something is due in its wheel. */
#include "panels.h"
#include "fleet.h"
#include "panel.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { CALL, RESULT, REQUEST, REPLY, BELL, TURN, ACT };

/* A transaction on its way, with a memory of its own: its owner may cancel it at any moment. */
struct letter {
    breaker_transaction_t *owner; /* NULL: cancelled */
    breaker_client_t *client;
    breaker_transaction_t t;
    breaker_verb_t verbs[BREAKER_VERBS_MAX];
    char keys[BREAKER_VERBS_MAX + 1][BREAKER_KEY_MAX];
    char values[BREAKER_VERBS_MAX + 2][BREAKER_VALUE_MAX];
    int status;
    unsigned member, life;
};

struct incident {
    uint64_t time, order;
    enum kind kind;
    unsigned member, life;
    struct letter *letter;
    breaker_permit_t permit;
    unsigned traffic;
    bool failed;
    void (*act)(struct panels *panels);
};

/* ---- Chance and time ---------------------------------------------------------------------------*/

static uint64_t chance(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static double draw(uint64_t *state)
{
    return (double)(chance(state) >> 11) * 0x1p-53;
}

double panels_draw(struct panels *p)
{
    return draw(&p->chance);
}

static uint64_t exponential(struct panels *p, double mean)
{
    return (uint64_t)(-log(1 - panels_draw(p)) * mean);
}

static uint64_t on_now(void *data)
{
    const struct member *m = data;
    return m->base + m->all->now / 1000;
}

static double on_random(void *data)
{
    struct member *m = data;
    return draw(&m->chance);
}

static void note(struct panels *p, uint64_t what)
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

static bool is_before(const struct incident *a, const struct incident *b)
{
    return a->time != b->time ? a->time < b->time : a->order < b->order;
}

static void push(struct panels *p, struct incident incident)
{
    size_t i;

    incident.order = ++p->order;
    if (p->heap_count == p->heap_room) {
        p->heap_room = p->heap_room * 2 + 64;
        if ((p->heap = realloc(p->heap, p->heap_room * sizeof *p->heap)) == NULL)
            abort();
    }
    for (i = p->heap_count++; i > 0 && is_before(&incident, &p->heap[(i - 1) / 2]); i = (i - 1) / 2)
        p->heap[i] = p->heap[(i - 1) / 2];
    p->heap[i] = incident;
}

static struct incident pop(struct panels *p)
{
    struct incident first = p->heap[0], last = p->heap[--p->heap_count];
    size_t i = 0, child;

    while ((child = 2 * i + 1) < p->heap_count) {
        child += child + 1 < p->heap_count && is_before(&p->heap[child + 1], &p->heap[child]);
        if (!is_before(&p->heap[child], &last))
            break;
        p->heap[i] = p->heap[child];
        i = child;
    }
    p->heap[i] = last;
    return first;
}

void panels_at(struct panels *p, uint64_t time, void (*act)(struct panels *panels))
{
    push(p, (struct incident){.time = time, .kind = ACT, .act = act});
}

/* ---- The storage, as panels see it -------------------------------------------------------------*/

static struct member *member_of(const breaker_client_t *client)
{
    return client->storage_data;
}

static int on_open(breaker_storage_t *storage, breaker_client_t *client)
{
    struct panels *p = (struct panels *)(void *)storage;

    for (unsigned i = 0; i < p->count; i++) {
        if (&p->members[i].loop != client->loop)
            continue;
        client->storage_data = &p->members[i];
        p->members[i].client = client;
        return 0;
    }
    return UV_EINVAL;
}

static void on_closing(uv_handle_t *handle)
{
    breaker_client_t *client = handle->data;

    client->closed(client);
    free(handle);
}

static void on_close(breaker_storage_t *storage, breaker_client_t *client)
{
    uv_idle_t *idle = malloc(sizeof *idle);

    (void)storage;
    if (idle == NULL)
        abort();
    member_of(client)->client = NULL;
    uv_idle_init(client->loop, idle);
    idle->data = client;
    uv_close((uv_handle_t *)idle, on_closing);
}

static void post(struct panels *p, struct letter *letter, enum kind kind)
{
    push(p, (struct incident){.time = p->now + 500 + exponential(p, 1000),
                              .kind = kind,
                              .member = letter->member,
                              .life = letter->life,
                              .letter = letter});
}

static void copy_verbs(struct letter *l)
{
    for (unsigned i = 0; i < l->t.count; i++) {
        breaker_verb_t *v = &l->verbs[i];
        *v = l->owner->verbs[i];
        memcpy(l->keys[i], v->key, v->key_length);
        v->key = l->keys[i];
        if (v->kind != BREAKER_GET && v->length > 0)
            memcpy(l->values[i], v->value, v->length);
        v->value = l->values[i];
    }
}

static void on_submit(breaker_storage_t *storage, breaker_client_t *client,
                      breaker_transaction_t *t)
{
    struct panels *p = (struct panels *)(void *)storage;
    struct member *m = member_of(client);
    struct letter *l = calloc(1, sizeof *l);

    if (l == NULL)
        abort();
    *l = (struct letter){
        .owner = t, .client = client, .t = *t, .member = m->number, .life = m->life};
    t->storage_link[0] = l;
    l->t.verbs = l->verbs;
    copy_verbs(l);
    if (t->guard != BREAKER_GUARD_NONE)
        memcpy(l->keys[BREAKER_VERBS_MAX], t->guard_key, t->guard_key_length);
    if (t->guard_length > 0)
        memcpy(l->values[BREAKER_VERBS_MAX], t->guard_value, t->guard_length);
    l->t.guard_key = l->keys[BREAKER_VERBS_MAX];
    l->t.guard_value = l->values[BREAKER_VERBS_MAX];
    l->t.standing = t->standing != NULL ? l->values[BREAKER_VERBS_MAX + 1] : NULL;
    if (!m->is_cut && panels_draw(p) >= p->lose_request)
        post(p, l, REQUEST);
    else
        push(p, (struct incident){.time = p->now + 3600 * PANELS_S, .kind = REPLY, .letter = l});
}

static void on_cancel(breaker_storage_t *storage, breaker_client_t *client,
                      breaker_transaction_t *t)
{
    struct letter *l = t->storage_link[0];

    (void)storage, (void)client;
    l->owner = NULL;
}

static void answer(struct letter *l)
{
    breaker_transaction_t *t = l->owner;

    t->wall = l->t.wall;
    t->standing_found = l->t.standing_found;
    t->standing_length = l->t.standing_length;
    if (t->standing != NULL && l->t.standing_found)
        memcpy(t->standing, l->t.standing, l->t.standing_length);
    for (unsigned i = 0; l->status == 0 && i < t->count; i++) {
        t->verbs[i].number = l->verbs[i].number;
        t->verbs[i].found = l->verbs[i].found;
        if (t->verbs[i].kind != BREAKER_GET)
            continue;
        t->verbs[i].length = l->verbs[i].length;
        memcpy(t->verbs[i].value, l->verbs[i].value, l->verbs[i].length);
    }
    t->complete(t, l->status);
}

static void on_rang(void *data, const breaker_verb_t *bell)
{
    struct panels *p = data;

    for (unsigned i = 0; i < p->count; i++) {
        struct letter *l;
        if (!p->members[i].is_alive || p->members[i].is_cut || panels_draw(p) < p->lose_bell)
            continue;
        for (unsigned times = 1 + (panels_draw(p) < p->double_bell); times > 0; times--) {
            if ((l = calloc(1, sizeof *l)) == NULL)
                abort();
            l->member = i;
            l->life = p->members[i].life;
            l->verbs[0] = *bell;
            memcpy(l->keys[0], bell->key, bell->key_length);
            memcpy(l->values[0], bell->value, bell->length);
            post(p, l, BELL);
        }
    }
}

static const breaker_storage_ops_t ops = {.size = sizeof ops,
                                          .name = "panels",
                                          .flags = BREAKER_STORAGE_BELL | BREAKER_STORAGE_THREADS,
                                          .open = on_open,
                                          .close = on_close,
                                          .submit = on_submit,
                                          .cancel = on_cancel};

/* ---- What the storage is told ------------------------------------------------------------------*/

static void on_wrote(void *data, const struct record *before, const struct record *after)
{
    struct panels *p = data;

    (void)before;
    for (uint64_t i = 0; i < p->records; i++) {
        if (record_compare(&p->written[i], after) != 0)
            continue;
        if (!record_same(&p->written[i], after))
            panels_wrong(p, "N2: two records of one epoch");
        p->taught++;
        return;
    }
    if (p->records == p->written_room) {
        p->written_room = p->written_room * 2 + 64;
        if ((p->written = realloc(p->written, p->written_room * sizeof *p->written)) == NULL)
            abort();
    }
    p->written[p->records++] = *after;
    note(p, after->nonce);
}

static void on_counted(void *data, const char *key, uint16_t length, int64_t sum)
{
    (void)data, (void)key, (void)length, (void)sum;
}

static void on_wrong(void *data, const char *what)
{
    panels_wrong(data, what);
}

/* ---- What must hold after each step ------------------------------------------------------------*/

static const struct fleet *fleet_of(const struct member *m)
{
    return &fleet_shared(m->breaker)->fleet;
}

static void check_member(struct panels *p, struct member *m)
{
    const struct fleet *f = fleet_of(m);
    const struct record *known = f->cas == FLEET_CAS_PROPOSE ? &f->base : &f->current;
    struct fleet_world world = {.rules = &m->breaker->policy->rules, .local = &m->breaker->circuit};

    if (!fleet_is_sound(f, &world) || !native_is_sound(world.local, world.rules))
        panels_wrong(p, "a circuit is unsound");
    if (record_compare(known, &m->committed) < 0 && p->store.losses == 0)
        panels_wrong(p, "N3: a panel went back to an older record");
    m->committed = *known;
    if (record_same(&m->held, &f->current))
        return;
    m->held = f->current;
    m->entered = on_now(m);
    m->overdue = 0;
}

enum { SLACK = 1000 }; /* ms: a write under way, of unknown fate, again */

/* N4 */
static void check_refused(struct panels *p, struct member *m)
{
    const struct fleet *f = fleet_of(m);
    uint64_t limit = m->breaker->policy->rules.options.broken_limit, now = on_now(m);

    if (f->is_away || f->current.state != BREAKER_BROKEN || !record_same(&m->held, &f->current) ||
        m->breaker->circuit.state != BREAKER_PASSING ||
        now - m->entered <= (f->current.duration < limit ? f->current.duration : limit))
        return;
    if (m->overdue == 0)
        m->overdue = now;
    if (now - m->overdue > SLACK)
        panels_wrong(p, "N4: a panel is BROKEN for too long");
}

/* ---- Calls -------------------------------------------------------------------------------------*/

static void next_call(struct panels *p, struct member *m)
{
    if (m->rate > 0)
        push(p, (struct incident){.time = p->now + exponential(p, 1e6 / m->rate),
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
        result.time = p->now + (result.failed ? 5000 : 20000);
        p->calls++;
        p->bad += result.failed;
        push(p, result);
    } else {
        p->refused++;
        check_refused(p, m);
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
    push(p, (struct incident){.time = due, .kind = TURN, .member = m->number, .life = m->life});
}

static bool is_letter_only(const struct incident *i)
{
    return i->kind == REQUEST || i->kind == ACT;
}

static void carry_out(struct panels *p, struct letter *l)
{
    l->status = store_run(&p->store, &l->t);
    if (p->members[l->member].is_cut || panels_draw(p) < p->lose_reply)
        push(p, (struct incident){.time = p->now + 3600 * PANELS_S, .kind = REPLY, .letter = l});
    else
        post(p, l, REPLY);
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
            answer(l);
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
    while (p->heap_count > 0 && p->heap[0].time <= until && p->wrong[0] == '\0') {
        struct incident i = pop(p);
        struct member *m = &p->members[i.member];
        p->now = i.time;
        p->store.now = p->now / 1000 + UINT64_C(1750000000000);
        if (is_stale(p, &i))
            continue;
        if (!is_letter_only(&i) && p->now < m->stalled) {
            i.time = m->stalled;
            push(p, i);
        } else if (i.kind == REQUEST) {
            carry_out(p, i.letter);
        } else if (i.kind == ACT) {
            i.act(p);
        } else {
            p->steps++;
            happen(p, &i);
            turn(p, m);
            if (m->is_alive && !m->is_gone)
                check_member(p, m);
        }
    }
    if (p->now < until)
        p->now = until;
}

/* ---- Life --------------------------------------------------------------------------------------*/

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
        note(p, m->number | (uint64_t)event->to << 8 | p->now << 16);
    }
    m->differing += event->kind == BREAKER_ON_OTHER_POLICY;
    m->lost += event->kind == BREAKER_ON_STORAGE_LOST;
    m->found += event->kind == BREAKER_ON_STORAGE_FOUND;
    if (m->found > m->lost || m->lost > m->found + 1)
        panels_wrong(p, "the storage was lost or found twice");
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
    options.storage_timeout = 200;
    options.now = on_now;
    options.random = on_random;
    options.data = m;
    m->base = 1000000 + chance(&p->chance) % 1000000;
    m->chance = chance(&p->chance);
    m->state = BREAKER_PASSING;
    m->moves = m->lost = m->found = m->differing = 0;
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
    memset(p, 0, sizeof *p);
    p->storage.ops = &ops;
    p->chance = seed * 7919 + 3;
    p->digest = seed;
    p->members = calloc(PANELS_MAX, sizeof *p->members);
    if (p->members == NULL || breaker_policy_create(&p->policy, options, NULL) != 0)
        abort();
    p->store.data = p;
    p->store.wrote = on_wrote;
    p->store.counted = on_counted;
    p->store.rang = on_rang;
    p->store.wrong = on_wrong;
    p->store.now = UINT64_C(1750000000000);
}

void panels_close(struct panels *p)
{
    for (unsigned i = 0; i < p->count; i++)
        if (p->members[i].is_alive)
            panels_leave(p, &p->members[i]);
    while (p->heap_count > 0)
        free(pop(p).letter);
    store_close(&p->store);
    breaker_policy_destroy(p->policy);
    free(p->heap);
    free(p->members);
    free(p->written);
}
