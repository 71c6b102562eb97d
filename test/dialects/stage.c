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

static void *make_rules(const struct dialect *dialect, const breaker_dialect_t *options)
{
    void *rules = malloc(dialect->rules_size(options));

    if (rules == NULL)
        abort();
    dialect->rules_make(rules, options);
    return rules;
}

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
        stage->dialect = dialect_find(&stage->options[i].dialect);
        stage->rules[i] = make_rules(stage->dialect, &stage->options[i].dialect);
        stage->circuits[i] = malloc(stage->dialect->size(stage->rules[i], "replay"));
        if (stage->circuits[i] == NULL)
            abort();
        stage->dialect->init(stage->circuits[i], stage->rules[i], "replay", stage->is_wire);
        if (!stage->dialect->is_local)
            stage_turn(stage, i, TURN_CREATE);
    }
    return stage;
}

void stage_free(struct stage *stage)
{
    for (unsigned i = 0; i < stage->breakers; i++) {
        free(stage->circuits[i]);
        free(stage->rules[i]);
    }
    shelf_clear(&stage->shelf);
    free(stage);
}

void stage_exchange(struct stage *stage, unsigned breaker)
{
    void *rules = make_rules(stage->dialect, &stage->options[breaker].dialect);

    free(stage->rules[breaker]);
    stage->rules[breaker] = rules;
    if (stage->dialect->retune != NULL)
        stage->dialect->retune(stage->circuits[breaker], rules);
}

/* ---- Turns -------------------------------------------------------------------------------------*/

static void converse(struct stage *stage, unsigned breaker)
{
    enum turn_next next;

    talk_begin(&stage->talk, stage->now);
    stage->turn.talk = &stage->talk;
    do {
        breaker_transaction_t transaction = {.verbs = NULL};

        next = stage->dialect->step(stage->circuits[breaker], stage->rules[breaker], &stage->turn);
        if (next == TURN_DONE)
            break;
        talk_offer(&stage->talk, &transaction);
        talk_hear(&stage->talk, &transaction, shelf_run(&stage->shelf, &transaction));
    } while (next == TURN_ASK);
}

void stage_turn(struct stage *stage, unsigned breaker, enum turn_op op)
{
    struct turn *turn = &stage->turn;

    stage->shelf.now = stage->now;
    turn->op = (uint8_t)op;
    turn->now = stage->now;
    turn->draw = 0;
    if (stage->dialect->needs_draw != NULL &&
        stage->dialect->needs_draw(stage->circuits[breaker], stage->rules[breaker], turn))
        turn->draw = stage->draw;
    turn->talk = NULL;
    if (stage->dialect->is_local)
        stage->dialect->step(stage->circuits[breaker], stage->rules[breaker], turn);
    else
        converse(stage, breaker);
    if (stage->events != NULL)
        stage->player->tell(stage, breaker);
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
