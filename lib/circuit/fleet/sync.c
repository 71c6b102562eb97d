/* The transactions that carry counts. SYNC has for each bucket two verbs, which send or read or do both,
 * and then reads the record; READ has buckets only, where a decision needs more of them than a SYNC has
 * room for. */
#include "sync.h"
#include "circuit/text.h"
#include "judge.h"
#include "keys.h"
#include "mutant.h"
#include "obey.h"

enum { RECOVERY_LIVES = 20, RECOVERY_LIFE = 3600000 }; /* times its time, and ms: the longer */

/* ---- Asking ------------------------------------------------------------------------------------*/

static uint64_t count_life(const struct fleet *f, const struct fleet_world *w)
{
    const breaker_options_t *o = fleet_options(w);
    struct tally_shape shape = judge_shape(w);

    if (f->current.state == BREAKER_RECOVERING && o->recovery_time * RECOVERY_LIVES > RECOVERY_LIFE)
        return RECOVERY_LIVES * o->recovery_time;
    if (f->current.state == BREAKER_RECOVERING)
        return RECOVERY_LIFE;
    return 2 * shape.width * shape.count;
}

/* An INCR answers the sum, and so is a GET too. */
static void number(struct ask *a, const struct fleet_world *w, const struct fleet *f, char kind,
                   uint64_t bucket, int64_t more)
{
    char *key = ask_next_key(a);
    uint16_t length = keys_count(key, f, w, kind, bucket);
    breaker_verb_t *v;

    if (more == 0) {
        ask_get(a, key, length, a->numbers[a->key_count - 1], ASK_NUMBER);
        return;
    }
    v = ask_verb(a, BREAKER_INCR, key, length);
    v->number = more;
    v->ttl = count_life(f, w);
    a->writes = true;
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
    struct tally_shape shape = judge_shape(w);
    uint64_t which;

    if (f->current.state == BREAKER_PASSING)
        tally_roll(&f->tally, &shape, w->wall / shape.width);
    if (!MUTANT(ONE_BATCH) || !tally_is_sent(&f->tally))
        tally_send(&f->tally, &shape);
    for (unsigned i = 0; i < TALLY_BATCHES; i++)
        if (!tally_is_empty(&f->tally.sent[i].more))
            bucket(a, f, w, f->tally.sent[i].bucket,
                   MUTANT(ONE_BATCH) && f->misses > 0 ? &nothing : &f->tally.sent[i].more);
    which = f->tally.newest;
    if (a->bucket_count < TALLY_BATCHES && !has(a, which))
        bucket(a, f, w, which, &nothing);
    while (f->current.state == BREAKER_PASSING && a->bucket_count < TALLY_BATCHES &&
           tally_wants(&f->tally, &shape, w->wall, a->is_thorough, &which))
        if (!has(a, which))
            bucket(a, f, w, which, &nothing);
}

/* Where a decision needs more buckets than a SYNC has room for, they are read beside it. */
bool sync_make_read(struct ask *a, struct fleet *f, const struct fleet_world *w)
{
    static const struct tally_cell nothing;
    struct tally_shape shape = judge_shape(w);
    uint64_t which = f->tally.newest;

    ask_begin(a, f, w, ASK_READ);
    while (a->bucket_count < ASK_BUCKETS && tally_wants(&f->tally, &shape, w->wall, true, &which))
        bucket(a, f, w, which, &nothing);
    f->wants_read = a->bucket_count == ASK_BUCKETS;
    return a->bucket_count > 0;
}

void sync_make(struct ask *a, struct fleet *f, const struct fleet_world *w)
{
    char *key;

    ask_begin(a, f, w, ASK_SYNC);
    a->looks = f->looks;
    a->is_thorough = fleet_is_looked_at(f) || judge_is_suspicious(f, w);
    if (w->wall > 0 && f->current.state != BREAKER_BROKEN && !fleet_keeps_counts(w))
        buckets(a, f, w);
    key = ask_next_key(a);
    ask_get(a, key, keys_record(key, w), a->standing, sizeof a->standing);
    f->sync_is_out = true;
    f->wants_read = a->is_thorough && a->bucket_count > 0 && f->current.state == BREAKER_PASSING;
    f->asked = w->now;
    f->sync_at = UINT64_MAX;
}

/* ---- Hearing -----------------------------------------------------------------------------------*/

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
    struct tally_shape shape = judge_shape(w);

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

/* A decision that waits for more of the counts, or somebody who looks. */
static void ask_on(struct ask *a, struct fleet *f, const struct fleet_world *w)
{
    struct tally_shape shape = judge_shape(w);
    bool complete = f->current.state != BREAKER_PASSING || fleet_keeps_counts(w) ||
                    tally_is_complete(&f->tally, &shape, w->wall);
    bool is_of_this = a->entries == f->entries; /* the counts, of the record in force */

    if (complete && is_of_this)
        f->looked = a->looks;
    if (!fleet_is_looked_at(f) && (complete || !judge_is_suspicious(f, w)))
        return;
    fleet_sync_by(f, complete || !is_of_this ? w->now : w->now + fleet_options(w)->sync_interval);
}

static void hear(struct ask *a, struct fleet *f, const struct fleet_world *w,
                 struct fleet_news *news)
{
    const breaker_verb_t *v = &a->verbs[a->transaction.count - 1];
    struct record record;
    enum replica_sight sight = ask_read_record(&record, v->found, v->value, v->length);
    bool is_old = a->entries != f->entries;

    if (!is_old)
        hear_counts(a, f, w);
    replica_see(f, w, &record, is_old ? REPLICA_PASSED : sight, news);
    obey(f, w, news);
    judge_evidence(f, w, news);
    ask_on(a, f, w);
}

void sync_hear(struct ask *a, struct fleet *f, const struct fleet_world *w, bool is_answer,
               struct fleet_news *news)
{
    f->sync_is_out = false;
    if (is_answer) {
        hear(a, f, w, news);
        return;
    }
    f->looked = a->looks;
    tally_unread(&f->tally);
    if (!MUTANT(SEND_AGAIN) && !MUTANT(ONE_BATCH))
        tally_lose(&f->tally); /* at most once */
}

void sync_hear_read(struct ask *a, struct fleet *f, const struct fleet_world *w, bool is_answer,
                    struct fleet_news *news)
{
    if (a->entries != f->entries)
        return;
    if (!is_answer) {
        tally_unread(&f->tally);
        return;
    }
    hear_counts(a, f, w);
    judge_evidence(f, w, news);
}
