/* The dialects as a program has them: breakers of the library on a loop, over a real storage, with the
 * scenario's clocks and draws lent to the panel. */
#include "house.h"
#include "replay.h"
#include <stdio.h>
#include <stdlib.h>

struct library {
    struct house house;
    struct stage *stage;
    breaker_panel_t *panel;
    breaker_t *breakers[STAGE_BREAKERS];
    breaker_listener_t listeners[STAGE_BREAKERS];
    struct guest *guests; /* that have not left */
    bool is_over;         /* what is waited for */
};

/* A call under way. */
struct guest {
    breaker_call_t call;
    struct library *library;
    struct guest *next;
    bool has_begun, is_done;
    int status;
};

bool library_uses(const char *storage)
{
    return house_uses(storage);
}

bool library_is_real(void)
{
    return house_is_real();
}

static void must(const char *what, int status)
{
    if (status == 0)
        return;
    fprintf(stderr, "replay: %s: %s\n", what, breaker_strerror(status));
    exit(2);
}

/* ---- Lent to the panel -------------------------------------------------------------------------*/

static uint64_t now_of(void *data)
{
    return ((struct library *)data)->stage->now;
}

static double draw_of(void *data)
{
    return ((struct library *)data)->stage->draw;
}

static void on_event(breaker_listener_t *listener, const breaker_event_t *event)
{
    struct library *library = listener->data;

    stage_tell(library->stage, event->kind, (int)event->from, (int)event->to, event->elsewhere);
}

/* ---- Coming and going --------------------------------------------------------------------------*/

static struct library *library_of(struct stage *stage)
{
    struct library *library = stage->actors;

    library->house.now = stage->now;
    return library;
}

static breaker_policy_t *policy_of(struct stage *stage, unsigned breaker)
{
    breaker_options_t options;
    breaker_policy_t *policy;
    const char *field = NULL;
    int status;

    breaker_options_init(&options);
    options.dialect = &stage->options[breaker].dialect;
    status = breaker_policy_create(&policy, &options, &field);
    if (status != 0)
        fprintf(stderr, "replay: the field %s is refused\n", field != NULL ? field : "?");
    must("policy", status);
    return policy;
}

static void settle_down(struct library *library)
{
    for (unsigned i = 0; i < 4; i++)
        uv_run(&library->house.loop, UV_RUN_NOWAIT);
}

static bool is_over(void *data)
{
    return ((struct library *)data)->is_over;
}

static void on_order(breaker_order_t *order, int status)
{
    must("order", status);
    ((struct library *)order->data)->is_over = true;
}

typedef int (*order_fn)(breaker_t *, breaker_order_t *, breaker_order_cb);

static void obey(struct library *library, breaker_t *breaker, order_fn command)
{
    breaker_order_t order;

    memset(&order, 0, sizeof order);
    order.data = library;
    library->is_over = false;
    must("order", command(breaker, &order, on_order));
    house_wait(&library->house, is_over, library);
    settle_down(library);
}

static void enter_breaker(struct library *library, unsigned i)
{
    breaker_policy_t *policy = policy_of(library->stage, i);
    char name[32];

    snprintf(name, sizeof name, "replay%u", i);
    must("breaker", breaker_create(&library->breakers[i], library->panel, name, policy));
    breaker_policy_destroy(policy);
    library->listeners[i].kinds =
        BREAKER_BEFORE_CALL | BREAKER_ON_SUCCESS | BREAKER_ON_FAILURE | BREAKER_ON_STATE_CHANGE;
    library->listeners[i].notify = on_event;
    library->listeners[i].data = library;
    must("listener", breaker_listen(library->breakers[i], &library->listeners[i]));
    obey(library, library->breakers[i], breaker_refresh); /* what its creation asked is answered */
}

static void enter(struct stage *stage)
{
    struct library *library = stage->actors = calloc(1, sizeof *library);
    breaker_panel_options_t options;

    if (library == NULL)
        abort();
    library->stage = stage;
    house_open(&library->house);
    library->house.now = stage->now;
    breaker_panel_options_init(&options);
    options.data = library;
    options.now = now_of;
    options.wall = now_of;
    options.random = draw_of;
    options.storage = library->house.storage;
    must("panel", breaker_panel_create(&library->panel, &library->house.loop, &options));
    for (unsigned i = 0; i < stage->breakers; i++)
        enter_breaker(library, i);
    stage->told_count = 0;
}

static void on_destroyed(void *data)
{
    ((struct library *)data)->is_over = true;
}

static void leave(struct stage *stage)
{
    struct library *library = library_of(stage);

    for (struct guest *guest = library->guests; guest != NULL; guest = guest->next)
        if (guest->has_begun && !guest->is_done)
            breaker_finish_as(&guest->call, UV_ECANCELED, BREAKER_CANCELLED);
    settle_down(library);
    for (unsigned i = 0; i < stage->breakers; i++)
        breaker_unlisten(&library->listeners[i]);
    library->is_over = false;
    must("end", breaker_panel_destroy(library->panel, on_destroyed));
    house_wait(&library->house, is_over, library);
    while (library->guests != NULL) {
        struct guest *guest = library->guests;
        library->guests = guest->next;
        free(guest);
    }
    house_close(&library->house);
    free(library);
}

/* ---- Calls -------------------------------------------------------------------------------------*/

static int on_start(breaker_call_t *call)
{
    ((struct guest *)call->data)->has_begun = true;
    return 0;
}

static void on_done(breaker_call_t *call, int status)
{
    struct guest *guest = call->data;

    guest->status = status;
    guest->is_done = true;
}

static bool has_begun(void *data)
{
    return ((struct guest *)data)->has_begun || ((struct guest *)data)->is_done;
}

static bool is_done(void *data)
{
    return ((struct guest *)data)->is_done;
}

static int begin(struct stage *stage, struct stage_call *call)
{
    struct library *library = library_of(stage);
    struct guest *guest = call->guest = calloc(1, sizeof *guest);

    if (guest == NULL)
        abort();
    guest->library = library;
    guest->next = library->guests;
    library->guests = guest;
    breaker_call_init(&guest->call);
    guest->call.data = guest;
    must("call", breaker_call(library->breakers[call->breaker], &guest->call, on_start, on_done));
    house_wait(&library->house, has_begun, guest);
    settle_down(library);
    stage->reason = (unsigned)guest->call.reason;
    return guest->is_done ? guest->status : 0;
}

static int end(struct stage *stage, struct stage_call *call, breaker_outcome_t outcome, int status)
{
    struct library *library = library_of(stage);
    struct guest *guest = call->guest;

    must("finish", breaker_finish_as(&guest->call, status, outcome));
    house_wait(&library->house, is_done, guest);
    settle_down(library);
    stage->reason = (unsigned)guest->call.reason;
    return guest->status == BREAKER_ETRIPPED ? BREAKER_ETRIPPED : 0;
}

/* ---- Management --------------------------------------------------------------------------------*/

static void order(struct stage *stage, unsigned breaker, enum turn_op op)
{
    struct library *library = library_of(stage);

    obey(library, library->breakers[breaker],
         op == TURN_TRIP      ? breaker_trip
         : op == TURN_RECOVER ? breaker_recover
                              : breaker_reset);
}

static void exchange(struct stage *stage, unsigned breaker)
{
    breaker_policy_t *policy = policy_of(stage, breaker);

    must("policy", breaker_set_policy(library_of(stage)->breakers[breaker], policy));
    breaker_policy_destroy(policy);
}

static void inspect(struct stage *stage, unsigned breaker, union snapshot *s)
{
    const breaker_t *b = library_of(stage)->breakers[breaker];

    must("inspect",
         stage->dialect == &aiomisc_dialect     ? breaker_aiomisc_inspect(b, &s->aiomisc)
         : stage->dialect == &pybreaker_dialect ? breaker_pybreaker_inspect(b, &s->family)
         : stage->dialect == &lasier_dialect    ? breaker_lasier_inspect(b, &s->lasier)
                                                : breaker_requests_inspect(b, &s->requests));
}

/* ---- The storage -------------------------------------------------------------------------------*/

static int get(struct stage *stage, struct talk_key key, char *value)
{
    breaker_verb_t verb = {.kind = BREAKER_GET, .key = key.bytes, .key_length = key.length};

    verb.value = value;
    verb.length = BREAKER_VALUE_MAX;
    must("get", house_run(&library_of(stage)->house, &verb));
    return verb.found ? verb.length : -1;
}

static void put(struct stage *stage, struct talk_key key, const char *value)
{
    breaker_verb_t verb = {.kind = BREAKER_DELETE, .key = key.bytes, .key_length = key.length};
    char text[BREAKER_VALUE_MAX];

    if (value != NULL) {
        verb.kind = BREAKER_SET;
        verb.length = (uint16_t)strlen(value);
        memcpy(text, value, verb.length);
        verb.value = text;
    }
    must("put", house_run(&library_of(stage)->house, &verb));
}

const struct cast library_cast = {true,     enter,   leave, begin, end, order,
                                  exchange, inspect, get,   put,   NULL};
