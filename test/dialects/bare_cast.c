/* Circuits without a library around them: their steps, and a shelf of keys. */
#include "actor.h"
#include "circuit/dialects/aiomisc.h"
#include "circuit/dialects/lasier.h"
#include "circuit/dialects/pybreaker.h"
#include "circuit/dialects/requests.h"
#include "replay.h"
#include <stdlib.h>

struct bare {
    struct shelf shelf;
    struct actor actors[STAGE_BREAKERS];
};

static struct bare *bare_of(struct stage *stage)
{
    struct bare *bare = stage->actors;

    bare->shelf.now = stage->now;
    return bare;
}

static void enter(struct stage *stage)
{
    struct bare *bare = stage->actors = calloc(1, sizeof *bare);

    if (bare == NULL)
        abort();
    for (unsigned i = 0; i < stage->breakers; i++)
        actor_enter(&bare->actors[i], &stage->options[i].dialect, "replay", stage->is_wire,
                    &bare->shelf, stage->now);
}

static void leave(struct stage *stage)
{
    struct bare *bare = stage->actors;

    for (unsigned i = 0; i < stage->breakers; i++)
        actor_leave(&bare->actors[i]);
    shelf_clear(&bare->shelf);
    free(bare);
}

static struct actor *actor_of(struct stage *stage, unsigned breaker)
{
    struct actor *actor = &bare_of(stage)->actors[breaker];

    actor->now = stage->now;
    actor->draw = stage->draw;
    return actor;
}

static int told(struct stage *stage, const struct actor *actor, int verdict)
{
    stage->reason = actor->talk.reason;
    for (unsigned i = 0; i < actor->talk.event_count; i++)
        stage_tell(stage, actor->talk.events[i].kind, actor->talk.events[i].from,
                   actor->talk.events[i].to, actor->talk.events[i].noticed);
    if (actor->turn.moved)
        stage_tell(stage, BREAKER_ON_STATE_CHANGE, actor->turn.from, actor->turn.to, false);
    return verdict;
}

static int begin(struct stage *stage, struct stage_call *call)
{
    struct actor *actor = actor_of(stage, call->breaker);
    int verdict = actor_turn(actor, TURN_ADMIT);

    call->permit = actor->turn.permit;
    return told(stage, actor, verdict);
}

static int end(struct stage *stage, struct stage_call *call, breaker_outcome_t outcome, int status)
{
    struct actor *actor = actor_of(stage, call->breaker);

    actor->turn.permit = call->permit;
    return told(stage, actor, actor_settle(actor, outcome, status));
}

static void order(struct stage *stage, unsigned breaker, enum turn_op op)
{
    struct actor *actor = actor_of(stage, breaker);

    told(stage, actor, actor_turn(actor, op));
}

static void exchange(struct stage *stage, unsigned breaker)
{
    actor_exchange(actor_of(stage, breaker), &stage->options[breaker].dialect);
}

static void inspect(struct stage *stage, unsigned breaker, union snapshot *s)
{
    const struct actor *actor = actor_of(stage, breaker);

    if (actor->dialect == &aiomisc_dialect)
        aiomisc_inspect(actor->circuit, actor->rules, stage->now, &s->aiomisc);
    else if (actor->dialect == &pybreaker_dialect)
        pybreaker_inspect(actor->circuit, actor->rules, stage->now, &s->family);
    else if (actor->dialect == &lasier_dialect)
        lasier_inspect(actor->circuit, stage->now, &s->lasier);
    else
        requests_inspect(actor->circuit, actor->rules, stage->now, &s->requests);
}

static int get(struct stage *stage, struct talk_key key, char *value)
{
    struct shelf_item *item = shelf_find(&bare_of(stage)->shelf, key.bytes, key.length);

    if (item == NULL)
        return -1;
    memcpy(value, item->value, item->length);
    return (int)item->length;
}

static void put(struct stage *stage, struct talk_key key, const char *value)
{
    struct shelf *shelf = &bare_of(stage)->shelf;
    struct shelf_item *item = shelf_find(shelf, key.bytes, key.length);

    if (value != NULL)
        shelf_set(shelf, key.bytes, key.length, value, strlen(value), 0);
    else if (item != NULL)
        shelf_drop(item);
}

static uint64_t end_of(struct stage *stage, struct talk_key key)
{
    struct shelf_item *item = shelf_find(&bare_of(stage)->shelf, key.bytes, key.length);
    return item != NULL ? item->end : 0;
}

const struct cast bare_cast = {false,    enter,   leave, begin, end,   order,
                               exchange, inspect, get,   put,   end_of};
