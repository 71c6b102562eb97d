/* Listings: the names of circuits that processes have left in the storage, read page by page. Each page
 * waits for the drain, which tells its names and asks for the next. */
#include "circuit/fleet/keys.h"
#include "memory.h"
#include "panel.h"
#include <string.h>

enum { PAGE = 32768 };

struct pages {
    struct errand errand;
    breaker_listing_t *listing;
    breaker_panel_t *panel;
    struct pages *next; /* of the panel's */
    bool is_out;        /* an errand is under way; otherwise the drain is to see to it */
    bool has_day;       /* the storage's clock is known, and so the key */
    int status;
    breaker_verb_t verb;
    char key[KEYS_SIZE];
    char page[PAGE];
};

static void on_page(struct errand *errand, int status)
{
    struct pages *p = (struct pages *)(void *)errand;

    p->is_out = false;
    p->status = status;
    panel_wake(p->panel);
}

/* The clock first, then pages. */
static void ask(struct pages *p)
{
    breaker_transaction_t *t = &p->errand.transaction;

    memset(t, 0, sizeof *t);
    p->errand.done = on_page;
    if (p->has_day) {
        p->verb.kind = BREAKER_MEMBERS;
        p->verb.value = p->page;
        p->verb.length = sizeof p->page;
        t->verbs = &p->verb;
        t->count = 1;
    }
    p->is_out = true;
    errand_run(&p->errand, p->panel, &p->panel->door);
}

static void tell(struct pages *p)
{
    const char *end = p->page + p->verb.length;

    for (const char *name = p->page; name < end && p->status == 0;) {
        size_t length = strnlen(name, (size_t)(end - name));
        if (length < (size_t)(end - name))
            p->listing->library.name(p->listing, name);
        name += length + 1;
    }
}

static void take_out(struct pages *p)
{
    struct pages **link = &p->panel->listings;

    while (*link != p)
        link = &(*link)->next;
    *link = p->next;
}

static void end(struct pages *p)
{
    breaker_listing_t *listing = p->listing;
    int status = p->status;

    take_out(p);
    p->panel->pending--;
    memory_release(p);
    listing->library.in_use = 0;
    listing->library.done(listing, status);
}

static void go_on(struct pages *p)
{
    bool is_last = false;

    if (p->status == 0 && p->has_day) {
        tell(p);
        is_last = p->verb.number == 0;
    } else if (p->status == 0) {
        p->has_day = true;
        p->verb.key = p->key;
        p->verb.key_length = keys_list(p->key, p->errand.transaction.wall);
    }
    if (p->status != 0 || is_last)
        end(p);
    else
        ask(p);
}

bool listing_is_ready(const breaker_panel_t *panel)
{
    for (const struct pages *p = panel->listings; p != NULL; p = p->next)
        if (!p->is_out)
            return true;
    return false;
}

/* A callback may add listings, in front, and none goes but the one that is seen to. */
void listing_run(breaker_panel_t *panel)
{
    for (struct pages *p = panel->listings, *next; p != NULL; p = next) {
        next = p->next;
        if (!p->is_out)
            go_on(p);
    }
}

void listing_abandon(breaker_panel_t *panel)
{
    for (struct pages *p = panel->listings; p != NULL; p = p->next) {
        if (p->is_out)
            errand_cancel(&p->errand);
        p->is_out = false;
        p->status = UV_ECANCELED;
    }
}

int breaker_list(breaker_panel_t *panel, breaker_listing_t *listing, breaker_listing_name_cb name,
                 breaker_listing_cb done)
{
    struct pages *p;

    if (panel == NULL || listing == NULL || name == NULL || done == NULL)
        return UV_EINVAL;
    if (listing->library.in_use)
        return UV_EBUSY;
    if (!panel_is_open(panel))
        return UV_ESHUTDOWN;
    if (panel->door.storage == NULL || !(panel->door.storage->ops->flags & BREAKER_STORAGE_MEMBERS))
        return UV_ENOTSUP;
    if ((p = memory_zeroed(sizeof *p)) == NULL)
        return UV_ENOMEM;
    listing->library.name = name;
    listing->library.done = done;
    listing->library.in_use = 1;
    p->listing = listing;
    p->panel = panel;
    p->next = panel->listings;
    panel->listings = p;
    panel->pending++;
    ask(p);
    return 0;
}
