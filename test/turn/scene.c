/* The scene of these tests. */
#include "scene.h"

enum { TIMEOUT = 200 };

void scene_open(struct scene *scene, void **state, uint64_t delay, unsigned turns)
{
    breaker_panel_options_t panel;
    breaker_options_t options;
    breaker_pybreaker_t py;

    scene->f = *state;
    scene->fake = fake_create(1);
    assert_non_null(scene->fake);
    fake_switches(scene->fake)->reply = delay;
    breaker_panel_options_init(&panel);
    panel.storage = fake_storage(scene->fake);
    panel.storage_timeout = TIMEOUT;
    panel.max_turns = turns;
    fixture_panel(scene->f, &panel, true);
    breaker_pybreaker_init(&py);
    py.fail_max = 3;
    breaker_options_init(&options);
    options.dialect = &py.dialect;
    scene->breaker = make_breaker(scene->f, "py", &options);
    scene_wait(scene, 2 * delay);
}

void scene_close(struct scene *scene)
{
    if (scene->f->panel != NULL)
        fixture_destroy_panel(scene->f);
    fixture_wait_destroyed(scene->f);
    fake_destroy(scene->fake);
}

void scene_wait(struct scene *scene, uint64_t ms)
{
    scene->f->clock += ms;
    fake_advance(scene->fake, ms);
    settle_down(scene->f);
}

static int start(breaker_call_t *call)
{
    struct actor *actor = call->data;

    not_inside();
    record(actor->scene->f, "%s:start", actor->name);
    return actor->finishes ? breaker_finish(call, actor->result) : 0;
}

static void done(breaker_call_t *call, int status)
{
    struct actor *actor = call->data;

    not_inside();
    record(actor->scene->f, "%s:%s", actor->name,
           status == 0                   ? "ok"
           : status == BREAKER_EREJECTED ? "refused"
           : status == BREAKER_ETRIPPED  ? "tripped"
           : status == UV_ECANCELED      ? "cancelled"
           : status == UV_ETIMEDOUT      ? "timeout"
                                         : "failed");
}

static void released(breaker_call_t *call)
{
    struct actor *actor = call->data;

    not_inside();
    record(actor->scene->f, "%s:released", actor->name);
}

struct actor *scene_call(struct scene *scene, const char *name, bool finishes, int result)
{
    struct actor *actor = keep(scene->f, sizeof *actor);

    actor->scene = scene;
    actor->name = name;
    actor->finishes = finishes;
    actor->result = result;
    breaker_call_init(&actor->call);
    actor->call.data = actor;
    actor->call.release = released;
    assert_int_equal(API(breaker_call(scene->breaker, &actor->call, start, done)), 0);
    return actor;
}
