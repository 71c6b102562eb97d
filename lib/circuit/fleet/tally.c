/* How the results of many processes become one evidence. A bucket of the storage changes little once it
 * is over, so it is read once more then, and not again; and five counters travel as two numbers, so that
 * a transaction stays short however many buckets there are. */
#include "tally.h"
#include "mutant.h"
#include <string.h>

struct tally_shape tally_shape(const breaker_options_t *o, uint64_t grace)
{
    uint64_t count = o->buckets < TALLY_BUCKETS ? o->buckets : TALLY_BUCKETS;
    return (struct tally_shape){(o->window + count - 1) / count, count, grace};
}

/* ---- Packing -----------------------------------------------------------------------------------
 * results: failed x 2^31 + ok. cells: bad x 2^47 + slow x 2^16 + reporters; bad is on top, because a
 * lost batch can make it negative. */

enum { RESULT_BITS = 31, REPORTER_BITS = 16, BAD_SHIFT = REPORTER_BITS + RESULT_BITS };

static uint32_t low_bits(uint64_t number, unsigned bits)
{
    return (uint32_t)(number & ((UINT64_C(1) << bits) - 1));
}

int64_t tally_pack_results(const struct tally_cell *c)
{
    return (int64_t)c->failed * (INT64_C(1) << RESULT_BITS) + c->ok;
}

int64_t tally_pack_cells(const struct tally_cell *c)
{
    return c->bad * (INT64_C(1) << BAD_SHIFT) + (int64_t)c->slow * (1 << REPORTER_BITS) +
           c->reporters;
}

static int16_t bad_of(int64_t cells)
{
    int64_t floor = (int64_t)((uint64_t)cells & ((UINT64_C(1) << BAD_SHIFT) - 1));
    int64_t bad = (cells - floor) / (INT64_C(1) << BAD_SHIFT);

    if (bad < INT16_MIN)
        return INT16_MIN;
    return bad > INT16_MAX ? INT16_MAX : (int16_t)bad;
}

struct tally_cell tally_unpack(int64_t results, int64_t cells)
{
    uint64_t r = results < 0 ? 0 : (uint64_t)results, c = (uint64_t)cells;

    return (struct tally_cell){
        .ok = low_bits(r, RESULT_BITS),
        .failed = low_bits(r >> RESULT_BITS, RESULT_BITS),
        .slow = low_bits(c >> REPORTER_BITS, RESULT_BITS),
        .reporters = (uint16_t)low_bits(c, REPORTER_BITS),
        .bad = bad_of(cells),
    };
}

/* ---- The ring ----------------------------------------------------------------------------------*/

/* What is known of a bucket: nothing, or early in its span; until shortly before its end; after its
 * end; for good. */
enum { EARLY, LATE, OVER, FINAL };

static uint64_t place(const struct tally_shape *shape, uint64_t bucket)
{
    return bucket % shape->count;
}

static uint64_t oldest(const struct tally *t, const struct tally_shape *shape)
{
    uint64_t span = shape->count - 1;
    uint64_t edge = t->newest > span ? t->newest - span : 0;

    return t->first > edge ? t->first : edge;
}

static bool is_held(const struct tally *t, const struct tally_shape *shape, uint64_t bucket)
{
    return bucket >= oldest(t, shape) && bucket <= t->newest;
}

void tally_clear(struct tally *t, uint64_t first, uint64_t newest)
{
    memset(t, 0, sizeof *t);
    t->first = first;
    t->newest = newest;
    t->mine = newest;
}

/* The storage's clock stepped back: what was counted is of a time to come. */
static void step_back(struct tally *t, uint64_t bucket)
{
    uint64_t first = t->first < bucket ? t->first : bucket, reported = t->reported;

    tally_clear(t, first, bucket);
    t->reported = reported;
}

void tally_reshape(struct tally *t)
{
    memset(t->ring, 0, sizeof t->ring);
    memset(t->known, 0, sizeof t->known);
    tally_unread(t);
}

/* After a step back buckets come again in which this process was counted, and may be still. */
static bool may_report(const struct tally *t, const struct tally_shape *shape)
{
    return t->mine >= t->reported || t->mine + 1 + 2 * shape->count < t->reported;
}

/* A bucket back is nothing but an estimate of the clock near an edge. */
void tally_roll(struct tally *t, const struct tally_shape *shape, uint64_t bucket)
{
    uint64_t steps;

    if (bucket + 1 < t->newest) {
        step_back(t, bucket);
        return;
    }
    steps = bucket > t->newest ? bucket - t->newest : 0;
    for (uint64_t i = 0; i < steps && i < shape->count; i++) {
        memset(&t->ring[place(shape, bucket - i)], 0, sizeof *t->ring);
        t->known[place(shape, bucket - i)] = EARLY;
        t->is_read[place(shape, bucket - i)] = false;
    }
    t->newest += steps;
}

/* ---- Results of mine ---------------------------------------------------------------------------*/

static void add(struct tally_cell *to, const struct tally_cell *more)
{
    to->ok += more->ok;
    to->failed += more->failed;
    to->slow += more->slow;
    to->reporters = (uint16_t)(to->reporters + more->reporters);
    to->bad = (int16_t)(to->bad + more->bad);
}

/* Where my newest bucket has its batch, or is to get one: where there is no room, the oldest is given
 * up. */
static uint8_t place_of_batch(const struct tally *t)
{
    uint8_t place = 0;

    for (uint8_t i = 0; i < TALLY_BATCHES; i++) {
        const struct tally_batch *b = &t->unsent[i], *best = &t->unsent[place];
        if (b->bucket == t->mine && !tally_is_empty(&b->more))
            return i;
        if (!tally_is_empty(&best->more) && (tally_is_empty(&b->more) || b->bucket < best->bucket))
            place = i;
    }
    return place;
}

static struct tally_cell *batch(struct tally *t)
{
    struct tally_batch *b = &t->unsent[t->open = place_of_batch(t)];

    if (b->bucket != t->mine)
        *b = (struct tally_batch){.bucket = t->mine};
    return &b->more;
}

void tally_count(struct tally *t, const struct tally_shape *shape, bool failed, bool slow)
{
    struct tally_cell one = {.ok = !failed, .failed = failed, .slow = slow};

    if (t->mine != t->newest) {
        memset(&t->cell, 0, sizeof t->cell);
        t->mine = t->newest;
    }
    if (t->cell.reporters == 0 && may_report(t, shape)) {
        one.reporters = 1;
        t->reported = t->mine + 1;
    }
    add(&t->cell, &one);
    add(batch(t), &one);
}

void tally_mark(struct tally *t, bool is_bad)
{
    struct tally_cell change = {.bad = (int16_t)(is_bad - t->cell.bad)};

    if (change.bad == 0 || t->cell.reporters == 0)
        return;
    t->cell.bad = is_bad;
    add(batch(t), &change);
}

/* Only a mistake needs this: see mutant.h. */
static void send_again(struct tally *t, const struct tally_batch *b)
{
    unsigned i = 0;

    while (i < TALLY_BATCHES - 1 && !tally_is_empty(&t->unsent[i].more) &&
           t->unsent[i].bucket != b->bucket)
        i++;
    t->unsent[i].bucket = b->bucket;
    add(&t->unsent[i].more, &b->more);
}

bool tally_is_sent(const struct tally *t)
{
    for (unsigned i = 0; i < TALLY_BATCHES; i++)
        if (!tally_is_empty(&t->sent[i].more))
            return true;
    return false;
}

bool tally_has_unsent(const struct tally *t)
{
    for (unsigned i = 0; i < TALLY_BATCHES; i++)
        if (!tally_is_empty(&t->unsent[i].more))
            return true;
    return false;
}

void tally_send(struct tally *t, const struct tally_shape *shape)
{
    for (unsigned i = 0; MUTANT(SEND_AGAIN) && i < TALLY_BATCHES; i++)
        send_again(t, &t->sent[i]);
    memcpy(t->sent, t->unsent, sizeof t->sent);
    memset(t->unsent, 0, sizeof t->unsent);
    for (unsigned i = 0; i < TALLY_BATCHES; i++)
        if (!is_held(t, shape, t->sent[i].bucket))
            memset(&t->sent[i], 0, sizeof t->sent[i]);
}

void tally_lose(struct tally *t)
{
    memset(t->sent, 0, sizeof t->sent);
}

void tally_keep(struct tally *t, const struct tally_shape *shape)
{
    tally_send(t, shape);
    for (unsigned i = 0; i < TALLY_BATCHES; i++)
        add(&t->ring[place(shape, t->sent[i].bucket)], &t->sent[i].more);
    tally_lose(t);
}

/* ---- Sums --------------------------------------------------------------------------------------*/

static void add_of(struct tally_cell *to, const struct tally_batch *batches, uint64_t bucket)
{
    for (unsigned i = 0; i < TALLY_BATCHES; i++)
        if (batches[i].bucket == bucket)
            add(to, &batches[i].more);
}

static uint32_t clamp(uint64_t sum)
{
    return sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

static void sum_up(struct tally_sums *s, const struct tally_cell *c)
{
    uint16_t bad = c->bad > 0 ? (uint16_t)c->bad : 0;

    s->counts.ok = clamp((uint64_t)s->counts.ok + c->ok);
    s->counts.failed = clamp((uint64_t)s->counts.failed + c->failed);
    s->counts.slow = clamp((uint64_t)s->counts.slow + c->slow);
    s->reporters += c->reporters;
    s->bad += bad;
    if (c->reporters > s->most_reporters)
        s->most_reporters = c->reporters;
    if (bad > s->most_bad)
        s->most_bad = bad;
}

void tally_sum(const struct tally *t, const struct tally_shape *shape, struct tally_sums *sums)
{
    memset(sums, 0, sizeof *sums);
    for (uint64_t bucket = oldest(t, shape); bucket <= t->newest; bucket++) {
        struct tally_cell cell = t->ring[place(shape, bucket)];
        add_of(&cell, t->sent, bucket);
        add_of(&cell, t->unsent, bucket);
        sum_up(sums, &cell);
    }
}

/* ---- What the storage says ---------------------------------------------------------------------*/

static uint64_t end_of(const struct tally_shape *shape, uint64_t bucket)
{
    return (bucket + 1) * shape->width;
}

static uint8_t known_at(const struct tally_shape *shape, uint64_t bucket, uint64_t wall)
{
    uint64_t end = end_of(shape, bucket);

    if (wall >= end + shape->grace)
        return FINAL;
    if (wall >= end)
        return OVER;
    return wall + shape->grace >= end ? LATE : EARLY;
}

/* Until the grace is over, what was known shortly before a bucket's end will do. */
static bool is_known(const struct tally *t, const struct tally_shape *shape, uint64_t wall,
                     uint64_t bucket)
{
    uint8_t known = t->known[place(shape, bucket)];

    return known >= OVER || (known == LATE && wall < end_of(shape, bucket) + shape->grace);
}

bool tally_is_complete(const struct tally *t, const struct tally_shape *shape, uint64_t wall)
{
    for (uint64_t bucket = oldest(t, shape); bucket < t->newest; bucket++)
        if (!is_known(t, shape, wall, bucket))
            return false;
    return true;
}

bool tally_wants(struct tally *t, const struct tally_shape *shape, uint64_t wall, bool thorough,
                 uint64_t *bucket)
{
    uint64_t edge = oldest(t, shape);

    if (!thorough && edge + 1 < t->newest)
        edge = t->newest - 1;
    while (*bucket > edge) {
        uint64_t at = place(shape, --*bucket);
        bool is_settled = wall >= end_of(shape, *bucket) + shape->grace;
        if (t->is_read[at])
            continue;
        if ((is_settled && t->known[at] < FINAL) ||
            (thorough && !is_known(t, shape, wall, *bucket)))
            return t->is_read[at] = true;
    }
    return false;
}

void tally_unread(struct tally *t)
{
    memset(t->is_read, 0, sizeof t->is_read);
}

void tally_hear(struct tally *t, const struct tally_shape *shape, uint64_t bucket,
                const struct tally_cell *cell, uint64_t wall)
{
    if (!is_held(t, shape, bucket))
        return;
    t->ring[place(shape, bucket)] = *cell;
    t->known[place(shape, bucket)] = known_at(shape, bucket, wall);
    t->is_read[place(shape, bucket)] = false;
    for (unsigned i = 0; i < TALLY_BATCHES; i++)
        if (t->sent[i].bucket == bucket)
            memset(&t->sent[i], 0, sizeof t->sent[i]);
}
