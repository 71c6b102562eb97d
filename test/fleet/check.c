/* FLEET's invariants, as far as one step can break them; those about the end of a run are in chaos.c. */
#include "check.h"
#include "circuit/text.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t hash, uint64_t more)
{
    hash = (hash ^ more) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 31;
}

/* ---- What was truly counted: N7 ----------------------------------------------------------------*/

static struct tally_cell *truth_of(struct sim *sim, const char *key, size_t length)
{
    uint64_t hash = 1;

    for (size_t i = 0; i < length; i++)
        hash = mix(hash, (unsigned char)key[i]);
    for (uint64_t i = hash;; i++) {
        struct truth *truth = &sim->truths[i % SIM_TRUTHS];
        if (truth->key == 0)
            truth->key = hash;
        if (truth->key == hash)
            return &truth->cell;
    }
}

static struct tally_cell *truth_here(struct sim *sim, struct proc *p, const struct record *r,
                                     uint64_t bucket)
{
    struct tally_shape shape = tally_shape(&p->rules.options, 0);
    char key[80], *end = text_number(key, r->epoch);

    *end++ = '.';
    end = text_hex(end, r->nonce);
    *end++ = ':';
    end = text_number(end, shape.width);
    *end++ = ':';
    end = text_number(end, bucket);
    return truth_of(sim, key, (size_t)(end - key));
}

void check_counted(void *data, const char *key, uint16_t length, int64_t sum)
{
    struct sim *sim = data;
    const char *begin = memchr(key, ':', length);
    struct tally_cell cell = tally_unpack(sum, 0), *truth;

    if (begin == NULL || memcmp(begin, ":1:c:", 5) != 0)
        return;
    truth = truth_of(sim, begin + 5, (size_t)(key + length - begin - 5));
    if (cell.ok > truth->ok || cell.failed > truth->failed)
        sim_wrong(sim, "N7: %u and %u counted, %u and %u true, in %.*s", cell.ok, cell.failed,
                  truth->ok, truth->failed, length, key);
}

/* ---- Records: N2, N6 ---------------------------------------------------------------------------*/

void check_record(struct sim *sim, const struct record *written)
{
    for (unsigned i = 0; i < sim->written_count; i++) {
        if (record_compare(&sim->written[i], written) != 0)
            continue;
        if (!record_same(&sim->written[i], written))
            sim_wrong(sim, "N2: two records of epoch %" PRIu64, written->epoch);
        sim->taught++;
        return;
    }
    if (sim->written_count == sim->written_room) {
        sim->written_room = sim->written_room * 2 + 64;
        sim->written = realloc(sim->written, sim->written_room * sizeof *sim->written);
        if (sim->written == NULL)
            abort();
    }
    sim->written[sim->written_count++] = *written;
}

/* ---- A process ---------------------------------------------------------------------------------*/

static bool is_tentative(const struct proc *p)
{
    return p->fleet.cas == FLEET_CAS_PROPOSE;
}

/* N3: what a process saw stand is not undone but by a loss of the storage's. */
static void check_committed(struct sim *sim, struct proc *p)
{
    const struct record *known = is_tentative(p) ? &p->fleet.base : &p->fleet.current;

    if (record_compare(known, &p->committed) < 0 && sim->store.losses == 0)
        sim_wrong(sim, "N3: process %u went back from epoch %" PRIu64 " to %" PRIu64, p->number,
                  p->committed.epoch, known->epoch);
    p->committed = *known;
}

void check_proc(struct sim *sim, struct proc *p, const struct fleet_news *news)
{
    struct fleet_world world = sim_world(sim, p);

    (void)news;
    if (!fleet_is_sound(&p->fleet, &world))
        sim_wrong(sim, "process %u is unsound", p->number);
    if (!native_is_sound(&p->local, &p->rules))
        sim_wrong(sim, "the circuit of process %u is unsound", p->number);
    check_committed(sim, p);
    if (record_same(&p->held, &p->fleet.current))
        return;
    p->held = p->fleet.current;
    p->entered = world.now;
    p->overdue = 0;
    sim->trials_out -= p->out;
    p->out = 0;
}

/* ---- Asking: N4, N11, N12 ----------------------------------------------------------------------*/

static void credit(struct sim *sim, struct proc *p, uint64_t bucket, bool failed)
{
    struct tally_cell *truth = truth_here(sim, p, &p->fleet.current, bucket);

    truth->ok += !failed;
    truth->failed += failed;
}

void check_asking(struct sim *sim, struct proc *p)
{
    const struct fleet *f = &p->fleet;
    struct fleet_world w = sim_world(sim, p);

    p->cell = f->tally.cell;
    p->entries = f->entries;
    p->local_state = p->local.state;
    /* As the replica does: missing results are one failure. It can lead to a transition at once. */
    if (f->current.state == BREAKER_RECOVERING && !f->is_away && f->probes > 0 &&
        elapsed(f->admitted_at, w.now) >= p->rules.options.probe_time) {
        credit(sim, p, 0, true);
        sim->trials_out -= p->out;
        p->out = 0;
    }
}

enum { SLACK = 1000 }; /* ms: a write under way, of unknown fate, again */

void check_asked(struct sim *sim, struct proc *p, const struct turn *turn)
{
    const struct fleet *f = &p->fleet;
    struct fleet_world w = sim_world(sim, p);
    uint64_t limit = p->rules.options.broken_limit, duration = f->current.duration;
    uint64_t held = w.now - p->entered;

    if (turn->verdict == 0 || f->is_away || f->current.state != BREAKER_BROKEN ||
        f->entries != p->entries || p->local_state != BREAKER_PASSING)
        return;
    if (held <= (duration < limit ? duration : limit))
        return;
    if (p->overdue == 0)
        p->overdue = w.now;
    if (w.now - p->overdue > SLACK)
        sim_wrong(sim, "N4: process %u BROKEN for %" PRIu64 " ms, configured %u", p->number, held,
                  f->current.duration);
}

static uint64_t name_of(const struct record *r)
{
    return mix(r->epoch, r->nonce) & ~UINT64_C(3);
}

enum { BY_LOCAL = 3 };

static void check_unproven(struct sim *sim, struct proc *p)
{
    struct tally_sums sums;

    sim_sums(sim, p, &sums);
    if (p->rules.options.recovery == BREAKER_SAMPLER &&
        sums.counts.ok < p->rules.options.recovery_min && p->out > p->rules.options.recovery_min)
        sim_wrong(sim, "N11: %u unproven probes of process %u", p->out, p->number);
}

uint64_t check_began(struct sim *sim, struct proc *p, const struct turn *turn)
{
    const struct fleet *f = &p->fleet;

    if (f->is_away || turn->permit.epoch == NATIVE_UNCOUNTED)
        return name_of(&f->current) | BY_LOCAL;
    if (f->current.state == BREAKER_RECOVERING) {
        if (!record_same(&p->held, &f->current)) { /* begun by this very call */
            sim->trials_out -= p->out;
            p->out = 0;
            p->held = f->current;
            p->entered = sim_world(sim, p).now;
            p->overdue = 0;
        }
        p->out++;
        if (++sim->trials_out > sim->most_trials)
            sim->most_trials = sim->trials_out;
        check_unproven(sim, p);
    }
    return name_of(&f->current) | f->current.state;
}

/* ---- Results: N7, N8 ---------------------------------------------------------------------------*/

/* The bucket that a result of now belongs to. */
static uint64_t bucket_of(struct sim *sim, struct proc *p)
{
    struct tally_shape shape = tally_shape(&p->rules.options, 0);
    uint64_t bucket = sim_world(sim, p).wall / shape.width, newest = p->fleet.tally.newest;

    if (p->fleet.current.state != BREAKER_PASSING)
        return 0;
    return bucket + 1 < newest || bucket > newest ? bucket : newest;
}

void check_settling(struct sim *sim, struct proc *p, const struct turn *turn, uint64_t remembered)
{
    const struct fleet *f = &p->fleet;

    p->cell = f->tally.cell;
    p->entries = f->entries;
    if ((remembered & ~UINT64_C(3)) != name_of(&f->current) ||
        turn->permit.epoch < f->oldest_permit || turn->permit.epoch == NATIVE_UNCOUNTED)
        return;
    if ((remembered & 3) == BREAKER_RECOVERING && p->out > 0) {
        p->out--;
        sim->trials_out--;
    }
    if (f->current.state != BREAKER_BROKEN && sim_world(sim, p).wall > 0)
        credit(sim, p, bucket_of(sim, p), turn->outcome == BREAKER_FAILURE);
}

static bool is_same_cell(const struct tally_cell *a, const struct tally_cell *b)
{
    return a->ok == b->ok && a->failed == b->failed;
}

void check_settled(struct sim *sim, struct proc *p, uint64_t remembered)
{
    const struct fleet *f = &p->fleet;

    if (f->entries == p->entries && (remembered & ~UINT64_C(3)) != name_of(&f->current) &&
        !is_same_cell(&f->tally.cell, &p->cell))
        sim_wrong(sim, "N8: a late result was counted by process %u", p->number);
}
