/* The transactions of a circuit: what is to be asked next, the verbs, and what their answers mean. */
#include "ask.h"
#include "judge.h"
#include "keys.h"
#include "lease.h"
#include "mutant.h"
#include "obey.h"
#include "sync.h"
#include <string.h>

enum { BACKOFF_FIRST = 100, BACKOFF_LAST = 1000, MISSES_UNTIL_AWAY = 2 };
enum { REFUSED = 10000 }; /* ms until what was refused is tried again */

/* ---- Verbs -------------------------------------------------------------------------------------*/

void ask_begin(struct ask *a, const struct fleet *f, const struct fleet_world *w,
               enum ask_kind kind)
{
    memset(a, 0, offsetof(struct ask, verbs));
    a->transaction.verbs = a->verbs;
    a->kind = (uint8_t)kind;
    a->went = w->now;
    a->entries = f->entries;
}

char *ask_next_key(struct ask *a)
{
    return a->keys[a->key_count++];
}

breaker_verb_t *ask_verb(struct ask *a, breaker_verb_kind_t kind, const char *key, uint16_t length)
{
    breaker_verb_t *v = &a->verbs[a->transaction.count++];

    *v = (breaker_verb_t){.kind = kind, .key = key, .key_length = length};
    return v;
}

void ask_get(struct ask *a, const char *key, uint16_t length, char *value, uint16_t room)
{
    breaker_verb_t *v = ask_verb(a, BREAKER_GET, key, length);

    v->value = value;
    v->length = room;
}

/* Only if the key holds what is in a->guard; nothing: if it is absent. */
static void guard(struct ask *a, const char *key, uint16_t length, uint16_t guarded)
{
    breaker_transaction_t *t = &a->transaction;

    t->guard = guarded > 0 ? BREAKER_GUARD_EQUALS : BREAKER_GUARD_ABSENT; /* no record is empty */
    t->guard_key = key;
    t->guard_key_length = length;
    t->guard_value = a->guard;
    t->guard_length = guarded;
    t->standing = a->standing;
    t->standing_length = sizeof a->standing;
}

enum replica_sight ask_read_record(struct record *r, bool found, const char *bytes, size_t length)
{
    *r = (struct record){.reporters = 1};
    if (!found || record_read(r, bytes, length))
        return REPLICA_STANDING;
    return REPLICA_GARBLED;
}

/* ---- CAS ---------------------------------------------------------------------------------------*/

static void make_cas(struct ask *a, struct fleet *f, const struct fleet_world *w)
{
    char *key, *bell;
    breaker_verb_t *set, *tell;
    uint16_t length, guarded = 0;

    ask_begin(a, f, w, ASK_CAS);
    a->record = f->current;
    key = ask_next_key(a);
    length = keys_record(key, w);
    if (f->base.epoch > 0)
        guarded = record_write(&f->base, a->guard);
    if (!MUTANT(NO_GUARD))
        guard(a, key, length, guarded);
    set = ask_verb(a, BREAKER_SET, key, length);
    bell = ask_next_key(a);
    tell = ask_verb(a, BREAKER_TELL, bell, keys_bell(bell, w));
    set->value = tell->value = a->value;
    set->length = tell->length = record_write(&a->record, a->value);
    set->ttl = FLEET_LIFE;
    f->cas_is_out = a->writes = true;
}

/* A record is written over by an order or a rule, not taught over, where what stands is no record. */
static bool writes_over(struct ask *a, const struct fleet *f, enum replica_sight sight)
{
    breaker_transaction_t *t = &a->transaction;

    if (sight != REPLICA_GARBLED || f->cas != FLEET_CAS_PROPOSE ||
        !record_same(&a->record, &f->current) || t->standing_length > sizeof a->guard)
        return false;
    memcpy(a->guard, a->standing, t->standing_length);
    t->guard = BREAKER_GUARD_EQUALS;
    t->guard_length = t->standing_length;
    t->standing_length = sizeof a->standing;
    return true;
}

static bool hear_cas(struct ask *a, struct fleet *f, const struct fleet_world *w, int status,
                     struct fleet_news *news)
{
    enum replica_fate fate = status == 0                ? REPLICA_WON
                             : status == BREAKER_EGUARD ? REPLICA_LOST
                                                        : REPLICA_UNKNOWN;
    enum replica_sight sight = REPLICA_STANDING;
    struct record standing = {.reporters = 1};
    const breaker_transaction_t *t = &a->transaction;

    if (fate == REPLICA_LOST)
        sight = ask_read_record(&standing, t->standing_found, t->standing, t->standing_length);
    if (writes_over(a, f, sight))
        return true;
    replica_written(f, w, &a->record, fate, &standing, sight, news);
    obey(f, w, news);
    if (fate != REPLICA_UNKNOWN)
        judge_evidence(f, w, news);
    return false;
}

/* ---- Leases ------------------------------------------------------------------------------------*/

static void make_lease(struct ask *a, struct fleet *f, const struct fleet_world *w, unsigned index)
{
    struct fleet_lease *l = &f->leases[index];
    char *key;
    uint16_t length;
    breaker_verb_t *v;

    ask_begin(a, f, w, ASK_LEASE);
    a->lease = (uint8_t)index;
    a->stage = l->stage;
    a->mine = lease_draw(f, w, l->slot);
    key = ask_next_key(a);
    length = keys_lease(key, f, w, l->slot);
    if (l->stage != LEASE_WANTED && !(MUTANT(LEASE_NO_GUARD) && l->stage == LEASE_LEAVING))
        guard(a, key, length, lease_write(l, a->guard));
    if (l->stage == LEASE_LEAVING) {
        ask_verb(a, BREAKER_DELETE, key, length);
    } else {
        v = ask_verb(a, l->stage == LEASE_WANTED ? BREAKER_ADD : BREAKER_SET, key, length);
        v->value = a->value;
        v->length = lease_write(&a->mine, a->value);
        v->ttl = a->mine.life;
    }
    if (l->stage == LEASE_WANTED)
        ask_get(a, key, length, a->standing, sizeof a->standing);
    f->lease_is_out = true;
    a->writes = l->stage != LEASE_LEAVING;
}

static void hear_lease(struct ask *a, struct fleet *f, const struct fleet_world *w, int status)
{
    const breaker_verb_t *v = &a->verbs[1];
    bool wanted = a->stage == LEASE_WANTED, had, read;
    struct fleet_lease standing;

    f->lease_is_out = false;
    if (a->entries != f->entries)
        return;
    if (status != 0 && status != BREAKER_EGUARD) {
        lease_lost(f, w, a->lease, &a->mine);
        return;
    }
    had = status == 0 && (!wanted || a->verbs[0].number == 1);
    read = wanted && !had && v->found && lease_read(&standing, v->value, v->length);
    lease_heard(f, w, a->lease, &a->mine, had, read ? &standing : NULL);
}

/* ---- The list of circuits ----------------------------------------------------------------------
 * A set for each day, in which the names of the last half of the day before are too: so whoever reads the
 * set of today finds what was used lately, and what is used no more goes with its day. */

enum { ENTRY_AGAIN = 3600000, ENTRY_LATER = 60000, HALF_DAY = 43200000, ENTRY_LIFE = 4 * HALF_DAY };

static void enter_name(struct ask *a, const struct fleet_world *w, uint64_t wall)
{
    char *key = ask_next_key(a);
    breaker_verb_t *v = ask_verb(a, BREAKER_MEMBER, key, keys_list(key, wall));

    v->value = (char *)(uintptr_t)w->name;
    v->length = w->name_length;
    v->ttl = ENTRY_LIFE;
}

static void make_entry(struct ask *a, struct fleet *f, const struct fleet_world *w)
{
    ask_begin(a, f, w, ASK_ENTRY);
    enter_name(a, w, w->wall);
    enter_name(a, w, w->wall + HALF_DAY);
    f->wants_entry = f->is_used = false;
    f->entry_at = w->now + ENTRY_LATER;
}

/* ---- All of them -------------------------------------------------------------------------------*/

static bool make(struct ask *a, struct fleet *f, const struct fleet_world *w)
{
    if (f->cas != FLEET_CAS_NONE && !f->cas_is_out && w->now >= f->cas_at) {
        make_cas(a, f, w);
        return true;
    }
    if (!f->lease_is_out && w->now >= f->lease_at) {
        unsigned index = lease_next(f, w);
        if (index < FLEET_LEASES) {
            make_lease(a, f, w, index);
            return true;
        }
    }
    if (!f->sync_is_out && w->now >= f->sync_at) {
        sync_make(a, f, w);
        return true;
    }
    if (f->wants_entry) {
        make_entry(a, f, w);
        return true;
    }
    return f->wants_read && sync_make_read(a, f, w);
}

bool ask_make(struct ask *a, struct fleet *f, const struct fleet_world *w)
{
    if (!make(a, f, w))
        return false;
    f->plain_until = 0;
    return true;
}

static void answered(struct fleet *f, const struct fleet_world *w, struct fleet_news *news)
{
    f->misses = 0;
    f->heard = w->now;
    f->not_before = 0;
    f->wants_entry |= f->is_used && w->lists && w->now >= f->entry_at;
    if (!f->is_away || w->now < f->refused_until)
        return;
    news->found = true;
    f->back = w->now;
    f->is_away = false;
}

static void part(struct fleet *f, const struct fleet_world *w, struct fleet_news *news)
{
    if (f->is_away)
        return;
    news->lost = true;
    replica_part(f, w, news);
}

/* A storage that answers, and will not write (it is full), is as good as one that is away: until it writes
 * again, which is tried when some time is over. */
static void note_refusal(struct fleet *f, const struct fleet_world *w, const struct ask *a,
                         int status, struct fleet_news *news)
{
    uint8_t kind = (uint8_t)(1 << a->kind);

    if (a->is_refused) {
        f->refused_twice |= f->refused & kind;
        f->refused |= kind;
    } else if (status == 0 || status == BREAKER_EGUARD) {
        f->refused &= (uint8_t)~kind;
        f->refused_twice &= f->refused;
        if (f->refused_twice == 0)
            f->refused_until = 0;
        return;
    }
    if (!(f->refused_twice & kind))
        return;
    f->refused_until = w->now + REFUSED;
    part(f, w, news);
}

/* What is asked about the record, in a row; others that fail say only that it should be asked about. */
static void missed(struct fleet *f, const struct fleet_world *w, const struct ask *a,
                   struct fleet_news *news)
{
    uint64_t wait = BACKOFF_FIRST;

    news->unheard |= obey_waits(f);
    if (a->kind != ASK_SYNC) {
        fleet_sync_by(f, w->now);
        return;
    }
    f->misses += f->misses < UINT8_MAX;
    for (unsigned i = 1; i < f->misses && wait < BACKOFF_LAST; i++)
        wait *= 2;
    if (wait > BACKOFF_LAST)
        wait = BACKOFF_LAST;
    f->not_before = a->went + (uint64_t)((double)wait * (0.5 + fleet_draw(w)));
    if (f->misses < MISSES_UNTIL_AWAY || obey_waits(f))
        fleet_sync_by(f, w->now); /* is it away? Is it back? */
    if (f->misses >= MISSES_UNTIL_AWAY)
        part(f, w, news);
}

bool ask_hear(struct ask *a, struct fleet *f, const struct fleet_world *w, int status,
              struct fleet_news *news)
{
    bool is_answer = status == 0 || status == BREAKER_EGUARD;

    f->plain_until = 0;
    if (a->kind == ASK_ENTRY) { /* which says nothing about this circuit's own keys */
        f->entry_at = w->now + (is_answer ? ENTRY_AGAIN : ENTRY_LATER);
        return false;
    }
    if (a->writes)
        note_refusal(f, w, a, status, news);
    if (is_answer && (a->kind == ASK_SYNC || a->kind == ASK_CAS)) /* the record was seen */
        answered(f, w, news);
    else if (!is_answer)
        missed(f, w, a, news);
    switch ((enum ask_kind)a->kind) {
    case ASK_SYNC:
        sync_hear(a, f, w, is_answer, news);
        break;
    case ASK_READ:
        sync_hear_read(a, f, w, is_answer, news);
        break;
    case ASK_CAS:
        return hear_cas(a, f, w, status, news);
    case ASK_LEASE:
        hear_lease(a, f, w, status);
        break;
    default:
        break;
    }
    return false;
}

void ask_bell(struct fleet *f, const struct fleet_world *w, const char *value, size_t length,
              struct fleet_news *news)
{
    struct record record;

    if (value == NULL) {
        fleet_sync_by(f, w->now);
        return;
    }
    if (w->wall == 0 || !record_read(&record, value, length))
        return;
    f->plain_until = 0;
    replica_see(f, w, &record, REPLICA_PASSED, news);
    obey(f, w, news); /* an order that gave way to it is offered again */
}
