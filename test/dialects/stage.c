/* A stage: circuits without a library around them, a shelf for a storage, and time that stands still
 * until the next step. */
#include "replay.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* ---- Reading -----------------------------------------------------------------------------------*/

double number_of(const json_t *object, const char *key, double otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

uint64_t ms_of(const json_t *object, const char *key, double otherwise)
{
    return (uint64_t)llround(number_of(object, key, otherwise) * 1000);
}

const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* ---- Statuses ----------------------------------------------------------------------------------*/

enum { KINDS = 8 };

int stage_status(const struct stage *stage, enum ending ending)
{
    return -(stage->index * KINDS + (int)ending) - 10000;
}

enum ending stage_ending(int status)
{
    return (enum ending)((-status - 10000) % KINDS);
}

int stage_step_of(int status)
{
    return (-status - 10000) / KINDS;
}

/* ---- The stage ---------------------------------------------------------------------------------*/

struct stage *stage_make(const struct player *player, const json_t *config, uint64_t now)
{
    struct stage *stage = calloc(1, sizeof *stage);

    if (stage == NULL)
        abort();
    stage->player = player;
    stage->config = config;
    stage->is_wire = strcmp(text_of(config, "storage"), "redis") == 0;
    stage->breakers = (unsigned)number_of(config, "breakers", 1);
    if (stage->breakers < 1 || stage->breakers > STAGE_BREAKERS)
        abort();
    stage->now = now;
    for (unsigned i = 0; i < stage->breakers; i++) {
        player->configure(stage, i);
        actor_enter(&stage->actors[i], &stage->options[i].dialect, "replay", stage->is_wire,
                    &stage->shelf, now);
    }
    return stage;
}

void stage_free(struct stage *stage)
{
    for (unsigned i = 0; i < stage->breakers; i++)
        actor_leave(&stage->actors[i]);
    shelf_clear(&stage->shelf);
    free(stage);
}

void stage_exchange(struct stage *stage, unsigned breaker)
{
    actor_exchange(&stage->actors[breaker], &stage->options[breaker].dialect);
}

int stage_turn(struct stage *stage, unsigned breaker, enum turn_op op)
{
    struct actor *actor = &stage->actors[breaker];

    actor->now = stage->now;
    actor->draw = stage->draw;
    actor_turn(actor, op);
    stage->turn = &actor->turn;
    stage->talk = &actor->talk;
    stage->player->tell(stage);
    return actor->turn.verdict;
}

void stage_event(struct stage *stage, const char *text)
{
    json_array_append_new(stage->events, json_string(text));
}

/* ---- Looking -----------------------------------------------------------------------------------*/

struct shelf_item *stage_item(struct stage *stage, struct talk_key key)
{
    stage->shelf.now = stage->now;
    return shelf_find(&stage->shelf, key.bytes, key.length);
}

int64_t stage_number(struct stage *stage, struct talk_key key, int64_t otherwise)
{
    struct shelf_item *item = stage_item(stage, key);
    int64_t number;

    return item != NULL && talk_parse(item->value, item->length, &number) ? number : otherwise;
}
