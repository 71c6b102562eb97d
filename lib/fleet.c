/* The driver of shared circuits: it carries the transactions of the pure part (circuit/fleet/ask.h) to the
 * panel's storage and the answers back, always from the loop and always in the background: no call
 * waits for them, and they do not keep the loop alive. What is due at one time goes out together. What
 * a process knows of the storage's clock, and the number it signs with, are here too. */
#include "fleet.h"
#include "circuit/fleet/ask.h"
#include "memory.h"
#include <string.h>

enum { MISSIONS_MAX = 256, PATIENCE_MAX = 60000, RETRY = 1 };

/* A transaction of a shared circuit under way. */
struct mission {
    struct errand errand;
    struct mission *next; /* of the same breaker, or free */
    struct shared *shared;
    struct ask ask;
};

bool fleet_wants(const breaker_panel_t *panel, const breaker_policy_t *policy)
{
    return panel->door.storage != NULL && policy->dialect == NULL &&
           policy->rules.options.share != BREAKER_SHARE_NONE;
}

/* ---- What surrounds a circuit ------------------------------------------------------------------*/

/* A lent source of chance is asked for a seed only. */
static uint64_t *chance_of(breaker_panel_t *panel)
{
    return panel->random == NULL ? &panel->chance : &panel->fleet.chance;
}

/* A number of its own for each process; 0 is none. */
static void sign(breaker_panel_t *panel)
{
    struct fleet_world world = {.chance = chance_of(panel)};

    if (panel->random != NULL)
        panel->fleet.chance = (uint64_t)(panel_draw(panel) * 0x1p53);
    do
        panel->fleet.self = (uint32_t)fleet_chance(&world);
    while (panel->fleet.self == 0);
}

void fleet_fork(breaker_panel_t *panel)
{
    if (panel->fleet.self != 0)
        sign(panel);
}

static uint64_t patience(const breaker_panel_t *panel)
{
    return panel->storage_timeout < PATIENCE_MAX ? panel->storage_timeout : PATIENCE_MAX;
}

static struct fleet_world world_of(const breaker_t *b, uint64_t now)
{
    breaker_panel_t *panel = b->panel;

    return (struct fleet_world){
        .rules = &b->policy->rules,
        .local = (struct native *)(uintptr_t)&b->circuit,
        .name = breaker_name(b),
        .name_length = b->name_length,
        .now = now,
        .wall = fleet_clock_wall(&panel->fleet.clock, now),
        .patience = (uint32_t)patience(panel),
        .self = panel->fleet.self,
        .chance = chance_of(panel),
        .lists = (panel->door.storage->ops->flags & BREAKER_STORAGE_MEMBERS) != 0};
}

/* ---- What came of it ---------------------------------------------------------------------------*/

static void tell_orders(struct shared *s, bool looks, int status)
{
    breaker_order_t **link = &s->orders.first;

    while (*link != NULL) {
        breaker_order_t *order = *link;
        if ((order->library.kind == TURN_LOOK) != looks) {
            link = &order->library.next;
            continue;
        }
        *link = order->library.next;
        order_push(s->breaker->panel, order, status);
    }
    s->orders.last = link;
}

static void storage_is(breaker_panel_t *panel, bool lost, int status)
{
    if (panel->door.is_lost == lost)
        return;
    panel->door.is_lost = lost;
    event_note_storage(panel, lost ? BREAKER_ON_STORAGE_LOST : BREAKER_ON_STORAGE_FOUND,
                       lost ? status : 0);
}

static void note_other_policy(breaker_t *b)
{
    uint64_t now = panel_now(b->panel);
    uint8_t state = (uint8_t)fleet_state(&fleet_shared(b)->fleet, &b->circuit);

    if (event_is_wanted(b, BREAKER_ON_OTHER_POLICY))
        event_note(b, &(struct note){.kind = BREAKER_ON_OTHER_POLICY,
                                     .time = now,
                                     .from = state,
                                     .to = state,
                                     .elsewhere = true});
}

static void tend(struct shared *s);

/* After anything that happened to a circuit. status: of the last answer. */
static void after(struct shared *s, const struct fleet_news *news, int status)
{
    if (news->lost)
        storage_is(s->breaker->panel, true, status);
    if (news->differs)
        note_other_policy(s->breaker);
    if (news->obeyed)
        tell_orders(s, false, 0);
    if (news->unheard)
        tell_orders(s, false, status != 0 ? status : UV_ETIMEDOUT);
    tend(s);
}

/* A transition that no turn of this process made. */
static void note_move(struct shared *s, breaker_state_t from, const struct fleet_news *news,
                      uint64_t now)
{
    breaker_t *b = s->breaker;
    struct turn turn = {.from = (uint8_t)from,
                        .to = (uint8_t)fleet_state(&s->fleet, &b->circuit),
                        .now = now,
                        .evidence = news->evidence};

    if (turn.from != turn.to)
        breaker_moved(b, &turn, news->entered && news->elsewhere);
}

/* ---- Missions ----------------------------------------------------------------------------------*/

static struct mission *take(breaker_panel_t *panel)
{
    struct mission *m = panel->fleet.free;

    if (m != NULL) {
        panel->fleet.free = m->next;
        return m;
    }
    if (panel->fleet.missions == MISSIONS_MAX || (m = memory_zeroed(sizeof *m)) == NULL)
        return NULL;
    panel->fleet.missions++;
    return m;
}

static void give_back(breaker_panel_t *panel, struct mission *m)
{
    m->next = panel->fleet.free;
    panel->fleet.free = m;
}

static void take_out(struct mission *m)
{
    struct mission **link = &m->shared->out;

    while (*link != m)
        link = &(*link)->next;
    *link = m->next;
}

static void on_done(struct errand *errand, int status);

static void dispatch(struct mission *m)
{
    breaker_panel_t *panel = m->shared->breaker->panel;

    memset(&m->errand, 0, sizeof m->errand);
    m->errand.transaction = m->ask.transaction;
    m->errand.done = on_done;
    errand_run(&m->errand, panel, &panel->door);
}

static void on_done(struct errand *errand, int status)
{
    struct mission *m = (struct mission *)(void *)errand;
    struct shared *s = m->shared;
    breaker_panel_t *panel = s->breaker->panel;
    breaker_state_t from = fleet_state(&s->fleet, &s->breaker->circuit);
    struct fleet_news news = {.entered = false};
    uint64_t now = panel_now(panel);
    bool is_look;
    struct fleet_world world;

    m->ask.transaction = errand->transaction;
    if (status == 0 || status == BREAKER_EGUARD) {
        fleet_clock_hear(&panel->fleet.clock, m->ask.went, now, m->ask.transaction.wall);
        storage_is(panel, false, 0);
    }
    world = world_of(s->breaker, now);
    if (ask_hear(&m->ask, &s->fleet, &world, status, &news)) {
        dispatch(m);
        return;
    }
    is_look = m->ask.kind == ASK_SYNC && (!s->fleet.is_thorough || status != 0);
    take_out(m);
    give_back(panel, m);
    note_move(s, from, &news, now);
    if (is_look)
        tell_orders(s, true, status);
    after(s, &news, status);
}

/* What is due now goes out, all of it. */
static void on_due(struct breaker_due_s *due)
{
    struct shared *s = (struct shared *)(void *)((char *)due - offsetof(struct shared, due));
    breaker_panel_t *panel = s->breaker->panel;
    struct mission *m = NULL;
    struct fleet_world world;

    do {
        if ((m = take(panel)) == NULL)
            break;
        world = world_of(s->breaker, panel_now(panel));
        if (!ask_make(&m->ask, &s->fleet, &world)) {
            give_back(panel, m);
            break;
        }
        m->shared = s;
        m->next = s->out;
        s->out = m;
        dispatch(m);
    } while (true);
    tend(s);
}

/* Sees to it that what is due is done in time, after the poll phase, with what else is due then. */
static void tend(struct shared *s)
{
    breaker_panel_t *panel = s->breaker->panel;
    uint64_t due = fleet_due(&s->fleet), now = panel_now(panel);
    bool is_full = panel->fleet.free == NULL && panel->fleet.missions == MISSIONS_MAX;

    if (due == UINT64_MAX || panel->is_closing)
        return;
    if (is_full && due <= now)
        due = now + RETRY;
    if (s->due.link != NULL && s->due.time <= due)
        return;
    wheel_remove(&s->due);
    s->due.time = due;
    wheel_add(&panel->wheel, &s->due);
    panel_wake(panel);
}

/* ---- Life --------------------------------------------------------------------------------------*/

void fleet_begin(breaker_t *b)
{
    breaker_panel_t *panel = b->panel;
    const breaker_storage_ops_t *ops = panel->door.storage->ops;
    struct shared *s = fleet_shared(b);
    struct fleet_world world;
    char key[KEYS_SIZE];

    if (panel->fleet.self == 0)
        sign(panel);
    world = world_of(b, panel_now(panel));
    s->breaker = b;
    s->due.late = on_due;
    s->orders.last = &s->orders.first;
    fleet_init(&s->fleet, &world);
    if (ops->listen != NULL) /* without its bell a circuit hears of things when it asks */
        ops->listen(panel->door.storage, &panel->door.client, key, keys_bell(key, &world));
    tend(s);
}

void fleet_end(breaker_t *b)
{
    struct shared *s = fleet_shared(b);

    wheel_remove(&s->due);
    while (s->out != NULL) {
        struct mission *m = s->out;
        s->out = m->next;
        errand_cancel(&m->errand);
        give_back(b->panel, m);
    }
    tell_orders(s, true, UV_ECANCELED);
    tell_orders(s, false, UV_ECANCELED);
}

void fleet_exchange(breaker_t *b)
{
    struct fleet_world world = world_of(b, panel_now(b->panel));

    fleet_retune(&fleet_shared(b)->fleet, &world);
}

void fleet_close(breaker_panel_t *panel)
{
    while (panel->fleet.free != NULL) {
        struct mission *m = panel->fleet.free;
        panel->fleet.free = m->next;
        memory_release(m);
    }
}

/* ---- Turns and orders --------------------------------------------------------------------------*/

void fleet_take_turn(breaker_t *b, struct turn *turn)
{
    struct shared *s = fleet_shared(b);
    struct fleet_world world = world_of(b, turn->now);
    struct fleet_news news = {.entered = false};

    if (s->fleet.current.state != BREAKER_PASSING || native_needs_draw(&b->circuit, world.rules))
        turn->draw = panel_draw(b->panel);
    fleet_step(&s->fleet, &world, turn, &news);
    after(s, &news, 0);
}

static void look(struct shared *s, uint64_t now)
{
    s->fleet.is_thorough = true;
    s->fleet.not_before = 0;
    fleet_sync_by(&s->fleet, now);
    tend(s);
}

/* The order is told when it stands in the storage, or the storage has not answered: then it acts here,
 * and is offered on. */
void fleet_order(breaker_t *b, struct turn *turn, breaker_order_t *order)
{
    struct shared *s = fleet_shared(b);

    turn->now = panel_now(b->panel);
    if (order != NULL) {
        order->library.next = NULL;
        *s->orders.last = order;
        s->orders.last = &order->library.next;
    }
    if (turn->op == TURN_LOOK)
        look(s, turn->now);
    else
        breaker_take_turn(b, turn);
}

/* ---- The bell ----------------------------------------------------------------------------------*/

static breaker_t *breaker_of_key(const breaker_panel_t *panel, const char *key, size_t length)
{
    char name[BREAKER_NAME_MAX + 1];

    return keys_name_of_bell(key, length, name) ? breaker_find(panel, name) : NULL;
}

void fleet_ring(breaker_panel_t *panel, const char *key, size_t key_length, const char *value,
                size_t length)
{
    breaker_t *b = breaker_of_key(panel, key, key_length);
    uint64_t now = panel_now(panel);
    struct fleet_news news = {.entered = false};
    struct fleet_world world;
    breaker_state_t from;
    struct shared *s;

    if (b == NULL || !(b->flags & BREAKER_IS_SHARED))
        return;
    s = fleet_shared(b);
    world = world_of(b, now);
    from = fleet_state(&s->fleet, &b->circuit);
    ask_bell(&s->fleet, &world, value, length, &news);
    note_move(s, from, &news, now);
    after(s, &news, 0);
}

/* ---- Looking -----------------------------------------------------------------------------------*/

struct dialect_view fleet_view(const breaker_t *b, uint64_t now)
{
    struct fleet_world world = world_of(b, now);
    const struct fleet *fleet = &fleet_shared(b)->fleet;

    return (struct dialect_view){.state = fleet_state(fleet, &b->circuit),
                                 .last_error = b->circuit.last_error,
                                 .retry_after = fleet_retry_after(fleet, &world)};
}

void fleet_look(const breaker_t *b, uint64_t now, breaker_snapshot_t *snapshot)
{
    struct fleet_world world = world_of(b, now);

    fleet_inspect(&fleet_shared(b)->fleet, &world, snapshot);
}
