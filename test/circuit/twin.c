/* How a circuit and its model are led through the same steps. */
#include "twin.h"
#include <stdlib.h>
#include <string.h>

#define AGREE(what, circuit, model)                                                          \
    do {                                                                                     \
        if ((circuit) != (model))                                                            \
            fail_msg("%s, seed %llu, step %u: %s is %lld, of the model %lld",                \
                     t->story ? t->story : "?", (unsigned long long)t->seed, t->steps, what, \
                     (long long)(circuit), (long long)(model));                              \
    } while (0)

static void agree_counts(const struct twin *t, const char *what, const breaker_counts_t *a,
                         const breaker_counts_t *b)
{
    (void)what;
    AGREE("counts.ok", a->ok, b->ok);
    AGREE("counts.failed", a->failed, b->failed);
    AGREE("counts.slow", a->slow, b->slow);
    AGREE("counts.consecutive", a->consecutive, b->consecutive);
}

void twin_compare(struct twin *t, uint64_t now)
{
    uint64_t then = t->rig.now;
    breaker_snapshot_t a, b = model_look(&t->model, now);

    t->rig.now = now;
    a = rig_look(&t->rig);
    t->rig.now = then;
    AGREE("state", a.state, b.state);
    AGREE("hold", a.hold, b.hold);
    AGREE("epoch", a.epoch, b.epoch);
    AGREE("since", a.since, b.since);
    AGREE("retry_after", a.retry_after, b.retry_after);
    AGREE("last_error", a.last_error, b.last_error);
    AGREE("trips", a.trips, b.trips);
    AGREE("ratio", a.ratio * 1e15, b.ratio * 1e15);
    agree_counts(t, "counts", &a.counts, &b.counts);
    agree_counts(t, "tripped", &a.tripped, &b.tripped);
}

static void agree(struct twin *t, const struct model_answer *b)
{
    const struct turn *a = &t->rig.turn;

    t->steps++;
    AGREE("verdict", a->verdict, b->verdict);
    AGREE("watched", a->watched, b->watched);
    AGREE("slow", a->slow, b->slow);
    AGREE("moved", a->moved, b->moved);
    if (b->moved) {
        AGREE("from", a->from, b->from);
        AGREE("to", a->to, b->to);
        agree_counts(t, "evidence", &a->evidence, &b->evidence);
    }
    twin_compare(t, t->rig.now);
}

/* ---- Steps -------------------------------------------------------------------------------------*/

static void forget(struct twin *t, unsigned place)
{
    t->count--;
    memmove(t->out + place, t->out + place + 1, (t->count - place) * sizeof *t->out);
}

void twin_admit(struct twin *t)
{
    struct model_answer answer;

    rig_ask(&t->rig);
    answer = model_admit(&t->model, t->rig.now, t->rig.draw);
    agree(t, &answer);
    if (answer.verdict != 0)
        return;
    AGREE("uncounted", t->rig.turn.permit.epoch == NATIVE_UNCOUNTED, answer.permit.is_beside);
    if (!answer.permit.is_beside)
        AGREE("permit.epoch", t->rig.turn.permit.epoch, answer.permit.epoch);
    if (t->count == TWIN_PERMITS)
        forget(t, 0); /* never to be heard of again */
    t->out[t->count].permit = t->rig.turn.permit;
    t->out[t->count++].model = answer.permit;
}

void twin_settle(struct twin *t, unsigned place, breaker_outcome_t outcome, bool keep)
{
    struct model_answer answer;

    rig_settle(&t->rig, t->out[place].permit, outcome);
    answer = model_settle(&t->model, t->rig.now, t->rig.draw, t->out[place].model, outcome,
                          t->rig.turn.status);
    agree(t, &answer);
    if (!keep)
        forget(t, place);
}

void twin_order(struct twin *t, enum turn_op order)
{
    struct model_answer answer;

    rig_order(&t->rig, order);
    answer = model_order(&t->model, t->rig.now, t->rig.draw, order);
    agree(t, &answer);
}

void twin_hold(struct twin *t, breaker_hold_t hold)
{
    struct model_answer answer = {.verdict = 0};

    rig_hold(&t->rig, hold);
    model_hold(&t->model, t->rig.now, hold);
    agree(t, &answer);
}

void twin_retune(struct twin *t, const breaker_options_t *options)
{
    rig_retune(&t->rig, options);
    model_retune(&t->model, t->rig.now, options);
    t->steps++;
    twin_compare(t, t->rig.now);
}

/* ---- Life --------------------------------------------------------------------------------------*/

void twin_begin(struct twin *t, const breaker_options_t *options)
{
    rig_begin(&t->rig, options);
    model_begin(&t->model, options, t->rig.now);
    t->steps = t->count = 0;
    twin_compare(t, t->rig.now);
}

void twin_end(struct twin *t)
{
    rig_end(&t->rig);
}

/* The cells are the copy's own; of one geometry. */
void twin_copy(struct twin *to, const struct twin *from)
{
    void *cells = to->rig.cells;

    to->rig = from->rig;
    to->rig.cells = to->rig.circuit.cells = cells;
    memcpy(cells, from->rig.cells, native_cells(&from->rig.rules));
    model_copy(&to->model, &from->model);
    to->story = from->story;
    to->seed = from->seed;
    to->steps = from->steps;
    to->count = from->count;
    memcpy(to->out, from->out, from->count * sizeof *from->out);
}
