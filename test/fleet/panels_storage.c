/* The storage among real panels: letters with transactions go out, are carried out, lost or late, and answered. */
#include "panels_parts.h"
#include <stdlib.h>
#include <string.h>

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
    panels_push(p, (struct incident){.date.time = p->now + 500 + panels_exponential(p, 1000) +
                                                  (uint64_t)(panels_draw(p) * (double)p->latency),
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
    struct letter *l;

    if (panels_draw(p) < p->fails_at_once) {
        t->complete(t, UV_ECONNRESET);
        return;
    }
    if ((l = calloc(1, sizeof *l)) == NULL)
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
        panels_push(p, (struct incident){
                           .date.time = p->now + 3600 * PANELS_S, .kind = REPLY, .letter = l});
}

static void on_cancel(breaker_storage_t *storage, breaker_client_t *client,
                      breaker_transaction_t *t)
{
    struct letter *l = t->storage_link[0];

    (void)storage, (void)client;
    l->owner = NULL;
}

void letter_answer(struct letter *l)
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

void letter_ring(void *data, const breaker_verb_t *bell)
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

const breaker_storage_ops_t panels_ops = {.size = sizeof(breaker_storage_ops_t),
                                          .name = "panels",
                                          .flags = BREAKER_STORAGE_BELL | BREAKER_STORAGE_THREADS,
                                          .open = on_open,
                                          .close = on_close,
                                          .submit = on_submit,
                                          .cancel = on_cancel};

/* ---- What the storage is told ------------------------------------------------------------------*/

void panels_wrote(void *data, const struct record *before, const struct record *after)
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
    panels_note(p, after->nonce);
}

static bool is_refused(const struct panels *p, const struct letter *l)
{
    for (unsigned i = 0; i < l->t.count; i++)
        if (p->refuses & 1U << l->verbs[i].kind)
            return true;
    return false;
}

void letter_carry_out(struct panels *p, struct letter *l)
{
    l->status = is_refused(p, l) ? UV_ENOSPC : store_run(&p->store, &l->t);
    if (p->members[l->member].is_cut || panels_draw(p) < p->lose_reply)
        panels_push(p, (struct incident){
                           .date.time = p->now + 3600 * PANELS_S, .kind = REPLY, .letter = l});
    else
        post(p, l, REPLY);
}
