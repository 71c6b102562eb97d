/* Shared circuits, as the loop layer drives them (circuit/fleet/fleet.h is what decides): their turns, orders
 * and bells, what surrounds them (the storage's clock as a process knows it, and the number it signs
 * with), and who is told what came of it. Their transactions are in mission.c. */
#include "shared.h"
#include "circuit/fleet/ask.h"
#include <string.h>

enum { PATIENCE_MAX = 60000 };

bool shared_wants(const breaker_panel_t *panel, const breaker_policy_t *policy)
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

static uint64_t patience(const breaker_panel_t *panel)
{
    return panel->storage_timeout < PATIENCE_MAX ? panel->storage_timeout : PATIENCE_MAX;
}

struct fleet_world shared_world(const breaker_t *b, uint64_t now)
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
        .left = panel->fleet.left,
        .lists = (panel->door.storage->ops->flags & BREAKER_STORAGE_MEMBERS) != 0};
}

/* ---- What came of it ---------------------------------------------------------------------------*/

typedef bool choose_fn(const struct shared *shared, const breaker_order_t *order);

static bool is_look(const struct shared *s, const breaker_order_t *order)
{
    (void)s;
    return order->library.kind == TURN_LOOK;
}

static bool is_order(const struct shared *s, const breaker_order_t *order)
{
    return !is_look(s, order);
}

static bool has_looked(const struct shared *s, const breaker_order_t *order)
{
    return is_look(s, order) && (int32_t)(s->fleet.looked - order->library.number) >= 0;
}

static void tell(struct shared *s, choose_fn *chosen, int status)
{
    breaker_order_t **link = &s->orders.first;

    while (*link != NULL) {
        breaker_order_t *order = *link;
        if (!chosen(s, order)) {
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

/* An event of a shared circuit that is not about a call. */
static void note_about(breaker_t *b, int kind, int status)
{
    uint8_t state = (uint8_t)fleet_state(&shared_of(b)->fleet, &b->circuit);

    if (event_is_wanted(b, kind))
        event_note(b, &(struct note){.kind = (uint16_t)kind,
                                     .time = panel_now(b->panel),
                                     .from = state,
                                     .to = state,
                                     .status = status,
                                     .elsewhere = true});
}

bool shared_is_refusal(const breaker_panel_t *panel, int status)
{
    return !panel->door.is_lost && (status == UV_EINVAL || status == UV_EMSGSIZE ||
                                    status == UV_ENOTSUP || status == UV_ENOSPC);
}

static void lose(struct shared *s, int status)
{
    if (!shared_is_refusal(s->breaker->panel, status)) {
        storage_is(s->breaker->panel, true, status);
    } else if (!s->is_barred) {
        s->is_barred = true;
        note_about(s->breaker, BREAKER_ON_STORAGE_LOST, status);
    }
}

static void find(struct shared *s)
{
    storage_is(s->breaker->panel, false, 0);
    if (!s->is_barred || s->fleet.is_away || s->fleet.refused_twice != 0)
        return;
    s->is_barred = false;
    note_about(s->breaker, BREAKER_ON_STORAGE_FOUND, 0);
}

static int why_unheard(int status)
{
    if (status == BREAKER_EGUARD)
        return UV_EBUSY; /* others wrote, again and again */
    return status != 0 ? status : UV_ETIMEDOUT;
}

/* After anything that happened to a circuit. status: of the last answer. */
static void after(struct shared *s, const struct fleet_news *news, int status)
{
    if (news->lost)
        lose(s, status);
    if (news->differs)
        note_about(s->breaker, BREAKER_ON_OTHER_POLICY, 0);
    if (news->obeyed)
        tell(s, is_order, 0);
    if (news->unheard)
        tell(s, is_order, why_unheard(status));
    mission_tend(s);
}

/* A transition that no turn of this process made. */
static void note_move(struct shared *s, breaker_state_t from, const struct fleet_news *news)
{
    breaker_t *b = s->breaker;
    struct turn turn = {.from = (uint8_t)from,
                        .to = (uint8_t)fleet_state(&s->fleet, &b->circuit),
                        .now = panel_now(b->panel),
                        .evidence = news->evidence};

    if (turn.from != turn.to)
        breaker_moved(b, &turn, news->entered && news->elsewhere);
}

void shared_heard(struct shared *s, breaker_state_t from, const struct fleet_news *news, int status)
{
    if (status == 0 || status == BREAKER_EGUARD)
        find(s);
    note_move(s, from, news);
    tell(s, has_looked, status);
    after(s, news, status);
}

/* ---- Life --------------------------------------------------------------------------------------*/

void shared_begin(breaker_t *b)
{
    breaker_panel_t *panel = b->panel;
    const breaker_storage_ops_t *ops = panel->door.storage->ops;
    struct shared *s = shared_of(b);
    struct fleet_world world;
    char key[KEYS_SIZE];

    if (panel->fleet.self == 0)
        sign(panel);
    world = shared_world(b, panel_now(panel));
    s->breaker = b;
    s->due.late = mission_send;
    s->orders.last = &s->orders.first;
    fleet_init(&s->fleet, &world);
    if (ops->listen != NULL) /* without its bell a circuit hears of things when it asks */
        ops->listen(panel->door.storage, &panel->door.client, key, keys_bell(key, &world));
    mission_tend(s);
}

static void unlisten(const breaker_t *b)
{
    breaker_panel_t *panel = b->panel;
    const breaker_storage_ops_t *ops = panel->door.storage->ops;
    struct fleet_world world = shared_world(b, panel_now(panel));
    char key[KEYS_SIZE];

    if (ops->size > offsetof(breaker_storage_ops_t, unlisten) && ops->unlisten != NULL)
        ops->unlisten(panel->door.storage, &panel->door.client, key, keys_bell(key, &world));
}

void shared_end(breaker_t *b)
{
    struct shared *s = shared_of(b);

    if (fleet_has_reported(&s->fleet))
        b->panel->fleet.left = fleet_clock_wall(&b->panel->fleet.clock, panel_now(b->panel));
    if (!b->panel->is_closing)
        unlisten(b);
    mission_cancel_all(s);
    tell(s, is_look, UV_ECANCELED);
    tell(s, is_order, UV_ECANCELED);
}

void shared_exchange(breaker_t *b)
{
    struct fleet_world world = shared_world(b, panel_now(b->panel));

    fleet_retune(&shared_of(b)->fleet, &world);
}

/* It missed answers, and asks when some time is over: the storage's own word is as good as that. */
static int come_back(void *data, breaker_t *b)
{
    uint64_t now = panel_now(b->panel);
    struct shared *s;

    (void)data;
    if (!(b->flags & BREAKER_IS_SHARED))
        return 0;
    s = shared_of(b);
    if (s->fleet.misses == 0)
        return 0;
    s->fleet.not_before = 0;
    fleet_sync_by(&s->fleet, now);
    mission_tend(s);
    return 0;
}

void shared_found(breaker_panel_t *panel)
{
    if (!panel->is_closing)
        breaker_each(panel, come_back, NULL);
}

static int disown(void *data, breaker_t *b)
{
    struct fleet_news news = {.entered = false};
    struct fleet_world world;
    struct shared *s;

    (void)data;
    if (!(b->flags & BREAKER_IS_SHARED))
        return 0;
    s = shared_of(b);
    world = shared_world(b, panel_now(b->panel));
    fleet_disown(&s->fleet, &world, &news);
    tell(s, is_order, UV_ECANCELED);
    mission_tend(s);
    return 0;
}

void shared_fork(breaker_panel_t *panel)
{
    if (panel->fleet.self == 0)
        return;
    sign(panel);
    breaker_each(panel, disown, NULL);
}

/* ---- Turns and orders --------------------------------------------------------------------------*/

void shared_take_turn(breaker_t *b, struct turn *turn)
{
    struct shared *s = shared_of(b);
    struct fleet_world world = shared_world(b, turn->now);
    struct fleet_news news = {.entered = false};

    if (s->fleet.current.state != BREAKER_PASSING || native_needs_draw(&b->circuit, world.rules))
        turn->draw = panel_draw(b->panel);
    fleet_step(&s->fleet, &world, turn, &news);
    after(s, &news, 0);
}

static void look(struct shared *s, uint64_t now)
{
    s->fleet.looks++;
    s->fleet.not_before = 0;
    fleet_sync_by(&s->fleet, now);
    mission_tend(s);
}

/* The order is told when it stands in the storage, or the storage has not answered: then it acts here,
 * and is offered on. */
void shared_order(breaker_t *b, struct turn *turn, breaker_order_t *order)
{
    struct shared *s = shared_of(b);

    turn->now = panel_now(b->panel);
    if (order != NULL) {
        order->library.next = NULL;
        order->library.number = s->fleet.looks + 1;
        *s->orders.last = order;
        s->orders.last = &order->library.next;
    }
    if (turn->op == TURN_LOOK)
        look(s, turn->now);
    else
        breaker_take_turn(b, turn);
}

bool shared_is_busy(const breaker_t *b)
{
    const struct shared *s = shared_of(b);

    return s->orders.first != NULL || s->fleet.order.op != TURN_ADMIT ||
           s->fleet.cas != FLEET_CAS_NONE;
}

/* ---- The bell ----------------------------------------------------------------------------------*/

static breaker_t *breaker_of_key(const breaker_panel_t *panel, const char *key, size_t length)
{
    char name[BREAKER_NAME_MAX + 1];

    return keys_name_of_bell(key, length, name) ? breaker_find(panel, name) : NULL;
}

void shared_ring(breaker_panel_t *panel, const char *key, size_t key_length, const char *value,
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
    s = shared_of(b);
    world = shared_world(b, now);
    from = fleet_state(&s->fleet, &b->circuit);
    ask_bell(&s->fleet, &world, value, length, &news);
    note_move(s, from, &news);
    after(s, &news, 0);
}

/* ---- Looking -----------------------------------------------------------------------------------*/

struct dialect_view shared_view(const breaker_t *b, uint64_t now)
{
    struct fleet_world world = shared_world(b, now);
    const struct fleet *fleet = &shared_of(b)->fleet;

    return (struct dialect_view){.state = fleet_state(fleet, &b->circuit),
                                 .last_error = b->circuit.last_error,
                                 .retry_after = fleet_retry_after(fleet, &world)};
}

void shared_inspect(const breaker_t *b, uint64_t now, breaker_snapshot_t *snapshot)
{
    struct fleet_world world = shared_world(b, now);

    fleet_inspect(&shared_of(b)->fleet, &world, snapshot);
}
