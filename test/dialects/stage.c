/* A stage: what a scenario's configuration says, what its steps bring, and time that stands still until
 * the next one. */
#include "replay.h"
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

/* Another circuit of the same name has the same keys. */
static void find_keys(struct stage *stage)
{
    const breaker_dialect_t *options = &stage->options[0].dialect;
    void *rules;

    stage->dialect = dialect_find(options);
    if (stage->dialect->is_local)
        return;
    rules = malloc(stage->dialect->rules_size(options));
    if (rules == NULL)
        abort();
    stage->dialect->rules_make(rules, options);
    stage->spare = malloc(stage->dialect->size(rules, "replay"));
    if (stage->spare == NULL)
        abort();
    stage->dialect->init(stage->spare, rules, "replay", stage->is_wire);
    stage->keys = stage->spare; /* the first member of each that has some */
    free(rules);
}

struct stage *stage_make(const struct player *player, const struct cast *cast, const json_t *config)
{
    struct stage *stage = calloc(1, sizeof *stage);

    if (stage == NULL)
        abort();
    stage->player = player;
    stage->cast = cast;
    stage->config = config;
    stage->is_wire = strcmp(text_of(config, "storage"), "redis") == 0;
    stage->breakers = (unsigned)number_of(config, "breakers", 1);
    if (stage->breakers < 1 || stage->breakers > STAGE_BREAKERS)
        abort();
    for (unsigned i = 0; i < stage->breakers; i++)
        player->configure(stage, i);
    find_keys(stage);
    stage->dialect->check(&stage->options[0].dialect, &stage->fault);
    return stage;
}

void stage_enter(struct stage *stage, uint64_t now)
{
    stage->now = now;
    stage->cast->enter(stage);
}

void stage_free(struct stage *stage)
{
    free(stage->spare);
    free(stage);
}

void stage_tell(struct stage *stage, int kind, int from, int to, bool noticed)
{
    if (stage->told_count == STAGE_EVENTS)
        abort();
    stage->told[stage->told_count++] =
        (struct talk_event){(uint8_t)kind, (uint8_t)from, (uint8_t)to, noticed};
}

void stage_event(struct stage *stage, const char *text)
{
    json_array_append_new(stage->events, json_string(text));
}

/* ---- Looking -----------------------------------------------------------------------------------*/

bool stage_has(struct stage *stage, struct talk_key key)
{
    char value[BREAKER_VALUE_MAX];
    return stage->cast->get(stage, key, value) >= 0;
}

int64_t stage_number(struct stage *stage, struct talk_key key, int64_t otherwise)
{
    char value[BREAKER_VALUE_MAX];
    int64_t number;
    int length = stage->cast->get(stage, key, value);

    return length >= 0 && talk_parse(value, (size_t)length, &number) ? number : otherwise;
}
