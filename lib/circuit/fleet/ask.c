/* What travels: the keys of a circuit, the verbs of each transaction, and what their answers mean.
 *
 *   {name}:1:r                                      the record
 *   {name}:1:n                                      the bell; its value is the record
 *   {name}:1:c:<epoch>.<nonce>:<width>:<bucket>     results of a bucket
 *   {name}:1:p:<epoch>.<nonce>:<width>:<bucket>     processes of a bucket, and slow results
 *   {name}:1:t:<epoch>.<nonce>:<slot>               a trial lease
 *
 * 1 is the version of this layout. Every key has a time to live. The braces make a cluster keep them
 * together, and must not be empty: a name that begins with '}' or ':' has a ':' before it. */
#include "ask.h"
#include "circuit/text.h"
#include "lease.h"
#include "mutant.h"
#include "replica.h"
#include <string.h>

enum { BACKOFF_FIRST = 100, BACKOFF_LAST = 1000, MISSES_UNTIL_AWAY = 2, RECOVERY_LIVES = 20 };

/* ---- Keys and verbs ----------------------------------------------------------------------------*/

static bool is_marked(char first)
{
    return first == '}' || first == ':';
}

static char *begin_key(char *key, const struct fleet_world *w)
{
    char *end = key;

    *end++ = '{';
    if (is_marked(w->name[0]))
        *end++ = ':';
    end = text_bytes(end, w->name, w->name_length);
    return text_word(end, "}:1:");
}

static char *put_epoch(char *end, const struct fleet *f)
{
    *end++ = ':';
    end = text_number(end, f->current.epoch);
    *end++ = '.';
    end = text_hex(end, f->current.nonce);
    *end++ = ':';
    return end;
}

uint16_t ask_bell_key(const struct fleet_world *w, char *key)
{
    return (uint16_t)(text_word(begin_key(key, w), "n") - key);
}

bool ask_bell_name(const char *key, size_t length, char *name)
{
    static const char tail[] = "}:1:n";
    const char *begin = key + 1, *end = key + length - strlen(tail);

    if (length < 1 + strlen(tail) || key[0] != '{' || memcmp(end, tail, strlen(tail)) != 0)
        return false;
    if (begin + 1 < end && begin[0] == ':' && is_marked(begin[1]))
        begin++;
    if (begin == end || end - begin > (ptrdiff_t)BREAKER_NAME_MAX)
        return false;
    memcpy(name, begin, (size_t)(end - begin));
    name[end - begin] = '\0';
    return true;
}

static breaker_verb_t *verb(struct ask *a, breaker_verb_kind_t kind, const char *key, char *end)
{
    breaker_verb_t *v = &a->verbs[a->transaction.count++];

    *v = (breaker_verb_t){.kind = kind, .key = key, .key_length = (uint16_t)(end - key)};
    return v;
}

static breaker_verb_t *get(struct ask *a, const char *key, char *end, char *value, uint16_t room)
{
    breaker_verb_t *v = verb(a, BREAKER_GET, key, end);

    v->value = value;
    v->length = room;
    return v;
}

static void begin(struct ask *a, const struct fleet *f, const struct fleet_world *w,
                  enum ask_kind kind)
{
    memset(a, 0, offsetof(struct ask, verbs));
    a->transaction.verbs = a->verbs;
    a->kind = (uint8_t)kind;
    a->went = w->now;
    a->entries = f->entries;
}

static char *next_key(struct ask *a)
{
    return a->keys[a->key_count++];
}

static void guard(struct ask *a, const char *key, char *end, const char *value, uint16_t length)
{
    breaker_transaction_t *t = &a->transaction;

    t->guard = length > 0 ? BREAKER_GUARD_EQUALS : BREAKER_GUARD_ABSENT;
    t->guard_key = key;
    t->guard_key_length = (uint16_t)(end - key);
    t->guard_value = value;
    t->guard_length = length;
    t->standing = a->standing;
    t->standing_length = sizeof a->standing;
}

/* ---- SYNC --------------------------------------------------------------------------------------
 * The counts of each bucket, sent or read or both: two verbs; then the record. */

static char *count_key(char *key, const struct fleet *f, const struct fleet_world *w, char kind,
                       uint64_t bucket)
{
    struct tally_shape shape = fleet_shape(w);
    char *end = begin_key(key, w);

    *end++ = kind;
    end = text_number(put_epoch(end, f), shape.width);
    *end++ = ':';
    return text_number(end, bucket);
}

static uint64_t count_life(const struct fleet *f, const struct fleet_world *w)
{
    struct tally_shape shape = fleet_shape(w);

    if (f->current.state == BREAKER_RECOVERING)
        return RECOVERY_LIVES * w->rules->options.recovery_time;
    return 2 * shape.width * shape.count;
}

/* An INCR answers the sum, and so is a GET too. */
static void number(struct ask *a, const struct fleet_world *w, const struct fleet *f, char kind,
                   uint64_t bucket, int64_t more)
{
    char *key = next_key(a), *end = count_key(key, f, w, kind, bucket);
    breaker_verb_t *v;

    if (more == 0) {
        get(a, key, end, a->numbers[a->key_count - 1], ASK_NUMBER);
        return;
    }
    v = verb(a, BREAKER_INCR, key, end);
    v->number = more;
    v->ttl = count_life(f, w);
}

static void bucket(struct ask *a, const struct fleet *f, const struct fleet_world *w,
                   uint64_t which, const struct tally_cell *more)
{
    number(a, w, f, 'c', which, tally_pack_results(more));
    number(a, w, f, 'p', which, tally_pack_cells(more));
    a->buckets[a->bucket_count++] = which;
}

static bool has(const struct ask *a, uint64_t which)
{
    for (unsigned i = 0; i < a->bucket_count; i++)
        if (a->buckets[i] == which)
            return true;
    return false;
}

static void buckets(struct ask *a, struct fleet *f, const struct fleet_world *w)
{
    static const struct tally_cell nothing;
    struct tally_shape shape = fleet_shape(w);
    uint64_t which;

    if (f->current.state == BREAKER_PASSING)
        tally_roll(&f->tally, &shape, w->wall / shape.width);
    if (!MUTANT(10) || !tally_is_sent(&f->tally))
        tally_send(&f->tally, &shape);
    for (unsigned i = 0; i < TALLY_BATCHES; i++)
        if (!tally_is_empty(&f->tally.sent[i].more))
            bucket(a, f, w, f->tally.sent[i].bucket,
                   MUTANT(10) && f->misses > 0 ? &nothing : &f->tally.sent[i].more);
    which = f->tally.newest;
    if (a->bucket_count < TALLY_BATCHES && !has(a, which))
        bucket(a, f, w, which, &nothing);
    while (f->current.state == BREAKER_PASSING && a->bucket_count < TALLY_BATCHES &&
           tally_wants(&f->tally, &shape, w->wall, a->is_thorough, &which))
        if (!has(a, which))
            bucket(a, f, w, which, &nothing);
}

/* Where a decision needs more buckets than a SYNC has room for, they are read beside it. */
static bool make_read(struct ask *a, struct fleet *f, const struct fleet_world *w)
{
    static const struct tally_cell nothing;
    struct tally_shape shape = fleet_shape(w);
    uint64_t which = f->tally.newest;

    begin(a, f, w, ASK_READ);
    while (a->bucket_count < ASK_BUCKETS && tally_wants(&f->tally, &shape, w->wall, true, &which))
        bucket(a, f, w, which, &nothing);
    f->wants_read = a->bucket_count == ASK_BUCKETS;
    return a->bucket_count > 0;
}

static void make_sync(struct ask *a, struct fleet *f, const struct fleet_world *w)
{
    char *key;

    begin(a, f, w, ASK_SYNC);
    a->is_thorough = f->is_thorough || fleet_is_suspicious(f, w);
    if (w->wall > 0 && f->current.state != BREAKER_BROKEN && !fleet_keeps_counts(w))
        buckets(a, f, w);
    key = next_key(a);
    get(a, key, text_word(begin_key(key, w), "r"), a->standing, sizeof a->standing);
    f->sync_is_out = true;
    f->wants_read = a->is_thorough && a->bucket_count > 0 && f->current.state == BREAKER_PASSING;
    f->asked = w->now;
    f->sync_at = UINT64_MAX;
}

static int64_t number_heard(const breaker_verb_t *v)
{
    struct text text;
    int64_t sum = 0;

    if (v->kind == BREAKER_INCR)
        return v->number;
    if (!v->found || v->value == NULL)
        return 0;
    text = (struct text){v->value, v->value + v->length};
    return text_take_signed(&text, INT64_MAX, &sum) && text.at == text.end ? sum : 0;
}

static void hear_counts(struct ask *a, struct fleet *f, const struct fleet_world *w)
{
    struct tally_shape shape = fleet_shape(w);

    for (unsigned i = 0; i < a->bucket_count; i++) {
        struct tally_cell cell =
            tally_unpack(number_heard(&a->verbs[2 * i]), number_heard(&a->verbs[2 * i + 1]));
        tally_hear(&f->tally, &shape, a->buckets[i], &cell, a->transaction.wall);
    }
    if (a->kind == ASK_READ)
        return;
    if (f->current.state == BREAKER_PASSING)
        tally_roll(&f->tally, &shape, w->wall / shape.width);
    tally_lose(&f->tally);
}

/* What was found under the record's key, as a record; epoch 0: nothing. */
static enum replica_sight read_record(struct record *r, bool found, const char *bytes,
                                      size_t length)
{
    *r = (struct record){.reporters = 1};
    if (!found || record_read(r, bytes, length))
        return REPLICA_STANDING;
    return REPLICA_GARBLED;
}

/* A decision that waits for more of the counts, or somebody who looks. */
static void ask_on(struct ask *a, struct fleet *f, const struct fleet_world *w)
{
    struct tally_shape shape = fleet_shape(w);
    bool complete = f->current.state != BREAKER_PASSING || fleet_keeps_counts(w) ||
                    tally_is_complete(&f->tally, &shape, w->wall);

    if (complete && a->entries == f->entries)
        f->is_thorough = false;
    if (!complete && (f->is_thorough || fleet_is_suspicious(f, w)))
        fleet_sync_by(f, w->now + w->rules->options.sync_interval);
}

static void hear_sync(struct ask *a, struct fleet *f, const struct fleet_world *w,
                      struct fleet_news *news)
{
    const breaker_verb_t *v = &a->verbs[a->transaction.count - 1];
    struct record record;
    enum replica_sight sight = read_record(&record, v->found, v->value, v->length);
    bool is_old = a->entries != f->entries;

    if (!is_old)
        hear_counts(a, f, w);
    replica_see(f, w, &record, is_old ? REPLICA_PASSED : sight, news);
    fleet_obey(f, w, news);
    fleet_judge(f, w, news);
    ask_on(a, f, w);
}

static void lose_sync(struct fleet *f)
{
    tally_unread(&f->tally);
    if (!MUTANT(9) && !MUTANT(10))
        tally_lose(&f->tally);
}

static void hear_read(struct ask *a, struct fleet *f, const struct fleet_world *w, bool is_answer,
                      struct fleet_news *news)
{
    if (a->entries != f->entries)
        return;
    if (!is_answer) {
        tally_unread(&f->tally);
        return;
    }
    hear_counts(a, f, w);
    fleet_judge(f, w, news);
}

/* ---- CAS ---------------------------------------------------------------------------------------*/

static void make_cas(struct ask *a, struct fleet *f, const struct fleet_world *w)
{
    char *key, *end, *bell;
    breaker_verb_t *v;
    uint16_t length = 0;

    begin(a, f, w, ASK_CAS);
    a->record = f->current;
    key = next_key(a);
    end = text_word(begin_key(key, w), "r");
    if (f->base.epoch > 0)
        length = record_write(&f->base, a->guard);
    if (!MUTANT(4))
        guard(a, key, end, a->guard, length);
    v = verb(a, BREAKER_SET, key, end);
    v->value = a->value;
    v->length = record_write(&a->record, a->value);
    v->ttl = FLEET_LIFE;
    length = v->length;
    bell = next_key(a);
    v = verb(a, BREAKER_TELL, bell, bell + ask_bell_key(w, bell));
    v->value = a->value;
    v->length = length;
    f->cas_is_out = true;
}

/* A record is written over by an order or a rule, not taught over, where what stands is no record. */
static bool writes_over(struct ask *a, const struct fleet *f, enum replica_sight sight)
{
    breaker_transaction_t *t = &a->transaction;

    if (sight != REPLICA_GARBLED || f->cas != FLEET_CAS_PROPOSE ||
        !record_same(&a->record, &f->current) || t->standing_length > sizeof a->guard ||
        t->standing_length == 0)
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
        sight = read_record(&standing, t->standing_found, t->standing, t->standing_length);
    if (writes_over(a, f, sight))
        return true;
    replica_written(f, w, &a->record, fate, &standing, sight, news);
    fleet_obey(f, w, news);
    if (fate != REPLICA_UNKNOWN)
        fleet_judge(f, w, news);
    return false;
}

/* ---- Leases ------------------------------------------------------------------------------------*/

static void make_lease(struct ask *a, struct fleet *f, const struct fleet_world *w, unsigned index)
{
    struct fleet_lease *l = &f->leases[index];
    char *key, *end;
    breaker_verb_t *v;

    begin(a, f, w, ASK_LEASE);
    a->lease = (uint8_t)index;
    a->stage = l->stage;
    a->mine = lease_draw(f, w, l->slot);
    key = next_key(a);
    end = begin_key(key, w);
    *end++ = 't';
    end = text_number(put_epoch(end, f), l->slot);
    if (l->stage != LEASE_WANTED && !(MUTANT(19) && l->stage == LEASE_LEAVING))
        guard(a, key, end, a->guard, lease_write(l, a->guard));
    if (l->stage == LEASE_LEAVING) {
        verb(a, BREAKER_DELETE, key, end);
    } else {
        v = verb(a, l->stage == LEASE_WANTED ? BREAKER_ADD : BREAKER_SET, key, end);
        v->value = a->value;
        v->length = lease_write(&a->mine, a->value);
        v->ttl = a->mine.life;
    }
    if (l->stage == LEASE_WANTED)
        get(a, key, end, a->standing, sizeof a->standing);
    f->lease_is_out = true;
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
        make_sync(a, f, w);
        return true;
    }
    return f->wants_read && make_read(a, f, w);
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
    news->found |= f->is_away;
    f->is_away = false;
}

static void missed(struct fleet *f, const struct fleet_world *w, struct fleet_news *news)
{
    uint64_t wait = BACKOFF_FIRST;

    f->misses += f->misses < UINT8_MAX;
    news->unheard |= f->order.op != TURN_ADMIT;
    for (unsigned i = 1; i < f->misses && wait < BACKOFF_LAST; i++)
        wait *= 2;
    if (wait > BACKOFF_LAST)
        wait = BACKOFF_LAST;
    f->not_before = w->now + (uint64_t)((double)wait * (0.5 + fleet_draw(w)));
    if (f->misses < MISSES_UNTIL_AWAY || f->order.op != TURN_ADMIT)
        fleet_sync_by(f, w->now); /* is it away? Is it back? */
    if (f->misses >= MISSES_UNTIL_AWAY && !f->is_away) {
        news->lost = true;
        replica_part(f, w, news);
    }
}

bool ask_hear(struct ask *a, struct fleet *f, const struct fleet_world *w, int status,
              struct fleet_news *news)
{
    bool is_answer = status == 0 || status == BREAKER_EGUARD;

    f->plain_until = 0;
    if (is_answer)
        answered(f, w, news);
    else
        missed(f, w, news);
    if (a->kind == ASK_CAS)
        return hear_cas(a, f, w, status, news);
    if (a->kind == ASK_LEASE) {
        hear_lease(a, f, w, status);
        return false;
    }
    if (a->kind == ASK_READ) {
        hear_read(a, f, w, is_answer, news);
        return false;
    }
    f->sync_is_out = false;
    if (is_answer)
        hear_sync(a, f, w, news);
    else
        lose_sync(f);
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
    fleet_obey(f, w, news); /* an order that gave way to it is offered again */
}
