/* Breakers by name: a chained hash table that grows with them. A breaker is one allocation: itself, the
 * cells of its window, its name. Where breakers made on demand are bounded, a hand goes round the table
 * and takes the first idle one that was not used since it last came by. */
#include "memory.h"
#include "panel.h"
#include "shared.h"
#include <string.h>

enum { FIRST_CHAINS = 16 };

/* Names may come from outside, and nobody is to make them collide. */
int registry_init(breaker_panel_t *panel)
{
    struct hash_key *key = &panel->registry.key;

    return uv_random(NULL, NULL, key, sizeof *key, 0, NULL);
}

void registry_free(breaker_panel_t *panel)
{
    memory_release(panel->registry.chains);
}

/* ---- The table ---------------------------------------------------------------------------------*/

static uint32_t hash_name(const struct registry *registry, const char *name, size_t length)
{
    return (uint32_t)hash_of(&registry->key, name, length);
}

static breaker_t **chain_of(const struct registry *registry, uint32_t hash)
{
    return &registry->chains[hash & registry->mask];
}

static breaker_t *lookup(const struct registry *registry, const char *name, size_t length,
                         uint32_t hash)
{
    if (registry->chains == NULL)
        return NULL;
    for (breaker_t *b = *chain_of(registry, hash); b != NULL; b = b->next)
        if (b->hash == hash && b->name_length == length &&
            memcmp(breaker_name(b), name, length) == 0)
            return b;
    return NULL;
}

static int grow(struct registry *registry)
{
    size_t old = registry->chains == NULL ? 0 : registry->mask + 1;
    size_t size = old == 0 ? FIRST_CHAINS : old * 2;
    breaker_t **chains = memory_zeroed(size * sizeof(breaker_t *)), **before = registry->chains;

    if (chains == NULL)
        return old == 0 ? UV_ENOMEM : 0; /* longer chains will do */
    registry->chains = chains;
    registry->mask = size - 1;
    for (size_t i = 0; i < old; i++) {
        for (breaker_t *b = before[i], *next; b != NULL; b = next) {
            breaker_t **chain = chain_of(registry, b->hash);
            next = b->next;
            b->next = *chain;
            *chain = b;
        }
    }
    memory_release(before);
    return 0;
}

static int insert(struct registry *registry, breaker_t *breaker)
{
    breaker_t **chain;

    if (registry->chains == NULL || registry->count > registry->mask)
        if (grow(registry) != 0)
            return UV_ENOMEM;
    chain = chain_of(registry, breaker->hash);
    breaker->next = *chain;
    *chain = breaker;
    registry->count++;
    return 0;
}

static void take_out(struct registry *registry, breaker_t *breaker)
{
    breaker_t **link = chain_of(registry, breaker->hash);

    while (*link != breaker)
        link = &(*link)->next;
    *link = breaker->next;
    registry->count--;
    registry->obtained -= (breaker->flags & BREAKER_IS_OBTAINED) != 0;
}

/* ---- Life --------------------------------------------------------------------------------------*/

/* The memory behind a breaker: what decides, before its name. */
static size_t tail_size(const breaker_policy_t *policy, const char *name)
{
    return policy->dialect == NULL ? native_cells(&policy->rules)
                                   : policy->dialect->size(policy->dialect_rules, name);
}

static void init_circuit(breaker_t *b, const char *name)
{
    const breaker_policy_t *policy = b->policy;

    if (policy->dialect == NULL) {
        native_init(&b->circuit, breaker_tail(b), &policy->rules, panel_now(b->panel));
        return;
    }
    b->flags |= BREAKER_IS_DIALECT | (policy->dialect->is_local ? 0 : BREAKER_CONVERSES);
    policy->dialect->init(breaker_tail(b), policy->dialect_rules, name, turn_is_wire(b->panel));
}

static int create(breaker_t **made, breaker_panel_t *panel, const char *name, size_t length,
                  uint32_t hash, breaker_policy_t *policy)
{
    bool converses = policy->dialect != NULL && !policy->dialect->is_local;
    size_t offset = BREAKER_TAIL + tail_size(policy, name);
    bool shared = shared_wants(panel, policy);
    int status = converses ? turn_prepare(panel, policy->dialect) : 0;
    breaker_t *b;

    if (status != 0)
        return status;
    if (shared)
        offset = (offset + 15) / 16 * 16 + SHARED_SIZE;
    if ((b = memory_zeroed(offset + length + 1)) == NULL)
        return UV_ENOMEM;
    b->panel = panel;
    b->policy = policy;
    b->hash = hash;
    b->name_length = (uint8_t)length;
    b->name_offset = (uint32_t)offset;
    memcpy((char *)b + offset, name, length);
    init_circuit(b, name);
    if (event_prepare(b) != 0 || insert(&panel->registry, b) != 0) {
        memory_release(b->missed);
        memory_release(b);
        return UV_ENOMEM;
    }
    policy_ref(policy);
    if (converses)
        turn_create(b);
    if (shared) {
        b->flags |= BREAKER_IS_SHARED;
        shared_begin(b);
    }
    *made = b;
    return 0;
}

static int check_name(const char *name, size_t *length)
{
    if (name == NULL)
        return UV_EINVAL;
    *length = strnlen(name, BREAKER_NAME_MAX + 1);
    if (*length > BREAKER_NAME_MAX)
        return UV_ENAMETOOLONG;
    return *length == 0 ? UV_EINVAL : 0;
}

int breaker_create(breaker_t **breaker, breaker_panel_t *panel, const char *name,
                   breaker_policy_t *policy)
{
    size_t length;
    uint32_t hash;
    int status;

    if (breaker == NULL)
        return UV_EINVAL;
    *breaker = NULL;
    if (panel == NULL || policy == NULL)
        return UV_EINVAL;
    if ((status = check_name(name, &length)) != 0)
        return status;
    if (panel->is_closing)
        return UV_ESHUTDOWN;
    hash = hash_name(&panel->registry, name, length);
    if (lookup(&panel->registry, name, length, hash) != NULL)
        return UV_EEXIST;
    return create(breaker, panel, name, length, hash, policy);
}

void registry_free_breaker(breaker_t *breaker)
{
    if (!(breaker->flags & BREAKER_IS_DIALECT) && breaker->circuit.cells != breaker_tail(breaker))
        memory_release(breaker->circuit.cells);
    policy_unref(breaker->policy);
    memory_release(breaker);
}

void breaker_destroy(breaker_t *breaker)
{
    if (breaker == NULL || (breaker->flags & BREAKER_IS_GONE))
        return;
    take_out(&breaker->panel->registry, breaker);
    breaker->flags |= BREAKER_IS_GONE;
    event_forget(breaker);
    if (breaker->flags & BREAKER_IS_SHARED)
        shared_end(breaker);
    if (!breaker->panel->is_closing) { /* which does it for all at once */
        order_abandon(breaker->panel, breaker);
        turn_abandon(breaker->panel, breaker);
    }
    call_abandon(breaker);
    registry_drop_if_over(breaker);
}

void registry_destroy_all(breaker_panel_t *panel)
{
    struct registry *registry = &panel->registry;

    for (size_t i = 0; registry->chains != NULL && i <= registry->mask; i++)
        while (registry->chains[i] != NULL)
            breaker_destroy(registry->chains[i]);
}

static int exchange_native(breaker_t *breaker, const breaker_policy_t *policy)
{
    struct native *circuit = &breaker->circuit;
    const struct rules *from = &breaker->policy->rules, *to = &policy->rules;
    void *before = circuit->cells, *cells = before;

    if (!window_same(&from->geometry, &to->geometry)) {
        cells = memory_zeroed(native_cells(to));
        if (cells == NULL)
            return UV_ENOMEM;
    }
    native_retune(circuit, cells, from, to, panel_now(breaker->panel));
    if (cells != before && before != breaker_tail(breaker))
        memory_release(before);
    return 0;
}

int breaker_set_policy(breaker_t *breaker, breaker_policy_t *policy)
{
    int status = 0;

    if (breaker == NULL || policy == NULL || policy->dialect != breaker->policy->dialect ||
        shared_wants(breaker->panel, policy) != ((breaker->flags & BREAKER_IS_SHARED) != 0))
        return UV_EINVAL;
    if (policy->dialect == NULL)
        status = exchange_native(breaker, policy);
    else if (policy->dialect->retune != NULL)
        policy->dialect->retune(breaker_tail(breaker), policy->dialect_rules);
    if (status != 0)
        return status;
    policy_ref(policy);
    policy_unref(breaker->policy);
    breaker->policy = policy;
    if (breaker->flags & BREAKER_IS_SHARED)
        shared_exchange(breaker);
    return 0;
}

/* ---- Finding -----------------------------------------------------------------------------------*/

breaker_t *breaker_find(const breaker_panel_t *panel, const char *name)
{
    size_t length;

    if (panel == NULL || check_name(name, &length) != 0)
        return NULL;
    return lookup(&panel->registry, name, length, hash_name(&panel->registry, name, length));
}

static bool is_idle(const breaker_t *b)
{
    return (b->flags & BREAKER_IS_OBTAINED) && !order_is_under_way(b) &&
           breaker_view(b, panel_now(b->panel)).state == BREAKER_PASSING &&
           b->circuit.hold == BREAKER_HOLD_NONE && b->in_flight <= 0 && b->pending == NULL &&
           b->listeners.first == NULL;
}

/* Twice round at the most: once to clear the marks of use. */
static breaker_t *idle_one(struct registry *registry)
{
    for (size_t steps = 0; steps <= 2 * registry->mask + 1; steps++) {
        breaker_t *b = registry->chains[registry->hand];
        for (; b != NULL; b = b->next) {
            if (is_idle(b) && !(b->flags & BREAKER_WAS_USED))
                return b;
            b->flags &= (uint8_t)~BREAKER_WAS_USED;
        }
        registry->hand = (registry->hand + 1) & registry->mask;
    }
    return NULL;
}

static bool is_full(const breaker_panel_t *panel)
{
    return panel->max_obtained > 0 && panel->registry.obtained >= panel->max_obtained;
}

/* Who makes room goes only when the new one is there. */
static int add_obtained(breaker_t **breaker, breaker_panel_t *panel, const char *name,
                        size_t length, uint32_t hash, breaker_policy_t *policy)
{
    breaker_t *idle = NULL;
    int status;

    if (is_full(panel) && (idle = idle_one(&panel->registry)) == NULL)
        return UV_ENOBUFS;
    if ((status = create(breaker, panel, name, length, hash, policy)) != 0)
        return status;
    breaker_destroy(idle);
    (*breaker)->flags |= BREAKER_IS_OBTAINED;
    panel->registry.obtained++;
    return 0;
}

int breaker_obtain(breaker_t **breaker, breaker_panel_t *panel, const char *name,
                   breaker_policy_t *policy)
{
    size_t length;
    uint32_t hash;
    int status;

    if (breaker == NULL)
        return UV_EINVAL;
    *breaker = NULL;
    if (panel == NULL || policy == NULL)
        return UV_EINVAL;
    if ((status = check_name(name, &length)) != 0)
        return status;
    if (panel->is_closing)
        return UV_ESHUTDOWN;
    hash = hash_name(&panel->registry, name, length);
    *breaker = lookup(&panel->registry, name, length, hash);
    if (*breaker == NULL &&
        (status = add_obtained(breaker, panel, name, length, hash, policy)) != 0)
        return status;
    (*breaker)->flags |= BREAKER_WAS_USED;
    return 0;
}

int breaker_each(breaker_panel_t *panel, breaker_visit_fn visit, void *data)
{
    struct registry *registry;

    if (panel == NULL || visit == NULL)
        return UV_EINVAL;
    registry = &panel->registry;
    for (size_t i = 0; registry->chains != NULL && i <= registry->mask; i++) {
        for (breaker_t *b = registry->chains[i], *next; b != NULL; b = next) {
            int status;
            next = b->next;
            if ((status = visit(data, b)) != 0)
                return status;
        }
    }
    return 0;
}

size_t breaker_panel_count(const breaker_panel_t *panel)
{
    return panel == NULL ? 0 : panel->registry.count;
}

const char *breaker_name(const breaker_t *breaker)
{
    return breaker == NULL ? "" : (const char *)breaker + breaker->name_offset;
}

breaker_panel_t *breaker_panel(const breaker_t *breaker)
{
    return breaker == NULL ? NULL : breaker->panel;
}

breaker_policy_t *breaker_policy(const breaker_t *breaker)
{
    return breaker == NULL ? NULL : breaker->policy;
}
