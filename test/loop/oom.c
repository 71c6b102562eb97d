/* Every allocation of the library failed: once, each in turn, over a scenario that uses everything; and for
 * ever, from each on. What fails says UV_ENOMEM and has changed nothing; no block is lost; what needs no
 * memory goes on. */
#include "job.h"
#include "watcher.h"
#include <breaker/dialects.h>
#include <breaker/storage.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The allocator -----------------------------------------------------------------------------*/

static struct {
    unsigned asked; /* for how many blocks */
    unsigned fails; /* which one fails; 0: none */
    bool for_ever;
    unsigned failed;
    int live;
} memory;

static bool is_to_fail(void)
{
    bool fails;

    memory.asked++;
    fails = memory.asked == memory.fails ||
            (memory.for_ever && memory.fails != 0 && memory.asked > memory.fails);
    memory.failed += fails;
    return fails;
}

static void *allocate(size_t size)
{
    void *block;

    if (is_to_fail())
        return NULL;
    block = malloc(size);
    assert_non_null(block);
    memset(block, 0x5a, size);
    memory.live++;
    return block;
}

static void *reallocate(void *old, size_t size)
{
    void *block;

    if (is_to_fail())
        return NULL;
    block = realloc(old, size);
    assert_non_null(block);
    memory.live += old == NULL;
    return block;
}

static void release(void *block)
{
    assert_non_null(block);
    memory.live--;
    free(block);
}

static void on_keeper(uv_timer_t *keeper)
{
    (void)keeper;
}

/* ---- Steps: each may fail, and is then tried again ---------------------------------------------*/

struct world {
    struct fixture *f;
    breaker_policy_t *policies[3];
    breaker_pybreaker_t py; /* one that converses with the panel's own storage */
    breaker_lasier_t lasier;
    breaker_aiomisc_t aiomisc;
    breaker_t *breakers[40];
    unsigned count;
    struct job *jobs[4];
    struct watcher *watchers[2];
};

typedef int (*step_fn)(struct world *w, unsigned which);

static int add_policy(struct world *w, unsigned which)
{
    static const unsigned buckets[] = {10, 60, 2};
    breaker_options_t options;
    const char *fault = "?";
    int status;

    quick_options(&options);
    options.buckets = buckets[which];
    status = API(breaker_policy_create(&w->policies[which], &options, &fault));
    assert_null(fault);
    assert_int_equal(w->policies[which] == NULL, status != 0);
    return status;
}

static int exclude(struct world *w, unsigned which)
{
    int status = API(breaker_policy_exclude(w->policies[0], -(int)which - 1));

    if (status != 0)
        assert_int_equal(API(breaker_policy_include(w->policies[0], -(int)which - 1)), UV_ENOENT);
    return status;
}

static int add_panel(struct world *w, unsigned which)
{
    breaker_panel_options_t options;
    breaker_panel_t *panel;
    int status;

    (void)which;
    breaker_panel_options_init(&options);
    options.max_obtained = 4;
    status = API(breaker_panel_create(&panel, &w->f->loop, &options));
    assert_int_equal(panel == NULL, status != 0);
    if (status != 0) {
        assert_false(uv_loop_alive(&w->f->loop));
        return status;
    }
    breaker_panel_destroy(panel, NULL); /* which itself needs no memory */
    settle_down(w->f);
    return 0;
}

static int add_breaker(struct world *w, unsigned which)
{
    char name[16];
    breaker_t *breaker;
    int status;

    snprintf(name, sizeof name, "breaker-%u", which);
    status = API(breaker_create(&breaker, w->f->panel, name, w->policies[which % 3]));
    assert_int_equal(breaker == NULL, status != 0);
    assert_ptr_equal(breaker_find(w->f->panel, name), breaker);
    if (status == 0)
        w->breakers[w->count++] = breaker;
    assert_int_equal(breaker_panel_count(w->f->panel), w->count);
    return status;
}

/* Whatever it evicts for it: the count says that nothing is lost but what was idle. */
static int obtain(struct world *w, unsigned which)
{
    char name[16];
    breaker_t *breaker;
    size_t before = breaker_panel_count(w->f->panel);
    int status;

    snprintf(name, sizeof name, "host-%u", which);
    status = API(breaker_obtain(&breaker, w->f->panel, name, w->policies[0]));
    assert_ptr_equal(breaker_find(w->f->panel, name), breaker);
    if (status != 0)
        assert_int_equal(breaker_panel_count(w->f->panel), before);
    return status;
}

static int exchange(struct world *w, unsigned which)
{
    breaker_t *breaker = w->breakers[which];
    breaker_policy_t *before = breaker_policy(breaker);
    breaker_snapshot_t was, is;
    int status;

    assert_int_equal(API(breaker_reset(breaker, NULL, NULL)), 0);
    count_many(breaker, which % 3, BREAKER_FAILURE);
    was = look(breaker);
    status = API(breaker_set_policy(breaker, w->policies[(which + 1) % 3]));
    is = look(breaker);
    if (status != 0) {
        assert_ptr_equal(breaker_policy(breaker), before);
        assert_memory_equal(&was, &is, sizeof was);
    }
    return status;
}

static int listen_in(struct world *w, unsigned which)
{
    struct watcher *watcher = w->watchers[which];
    int status = which == 0 ? API(breaker_listen(w->breakers[0], &watcher->listener))
                            : API(breaker_panel_listen(w->f->panel, &watcher->listener));

    if (status != 0)
        assert_int_equal(API(breaker_unlisten(&watcher->listener)), UV_EINVAL);
    return status;
}

/* What needs no memory: calls, orders, permits, events. */
static int guard(struct world *w, unsigned which)
{
    breaker_t *breaker = w->breakers[which];
    struct job *job = w->jobs[which % 4];
    unsigned dones = job->dones, asked = memory.asked;

    assert_int_equal(API(breaker_reset(breaker, NULL, NULL)), 0);
    job_begin(job, breaker);
    settle_down(w->f);
    assert_int_equal(job->dones, dones + 1);
    count_many(breaker, 3, BREAKER_FAILURE);
    assert_false(is_admitted(breaker));
    settle_down(w->f);
    assert_int_equal(memory.asked, asked);
    return 0;
}

static int add_dialect(struct world *w, unsigned which)
{
    const breaker_dialect_t *const dialects[] = {&w->py.dialect, &w->lasier.dialect,
                                                 &w->aiomisc.dialect};
    breaker_options_t options;
    breaker_policy_t *policy;
    breaker_t *breaker;
    char name[16];
    unsigned dones;
    int status;

    breaker_options_init(&options);
    options.dialect = dialects[which];
    if ((status = API(breaker_policy_create(&policy, &options, NULL))) != 0)
        return status;
    snprintf(name, sizeof name, "dialect-%u", which);
    status = API(breaker_create(&breaker, w->f->panel, name, policy));
    API_VOID(breaker_policy_destroy(policy));
    assert_ptr_equal(breaker_find(w->f->panel, name), breaker);
    if (status != 0)
        return status;
    dones = w->jobs[0]->dones;
    job_begin(w->jobs[0], breaker);
    for (unsigned i = 0; i < 100 && w->jobs[0]->dones == dones; i++)
        uv_run(&w->f->loop, UV_RUN_NOWAIT);
    settle_down(w->f);
    API_VOID(breaker_destroy(breaker));
    settle_down(w->f);
    return 0;
}

static const struct step {
    step_fn run;
    unsigned times;
} steps[] = {
    {add_policy, 3}, {exclude, 5},   {add_panel, 1}, {add_breaker, 40}, {listen_in, 2},
    {guard, 40},     {exchange, 40}, {guard, 40},    {obtain, 12},      {add_dialect, 3},
};

enum { STEPS = sizeof steps / sizeof *steps };

/* ---- The scenario ------------------------------------------------------------------------------*/

/* Failed once, a step succeeds when it is tried again; failing for ever, the scenario is over there. */
static bool go_through(struct world *w)
{
    for (unsigned s = 0; s < STEPS; s++) {
        for (unsigned i = 0; i < steps[s].times; i++) {
            int status = steps[s].run(w, i);
            if (status != 0) {
                assert_int_equal(status, UV_ENOMEM);
                assert_true(memory.failed > 0);
                if (memory.for_ever)
                    return false;
                assert_int_equal(steps[s].run(w, i), 0);
            }
        }
    }
    return true;
}

static void open_world(struct world *w, struct fixture *f)
{
    *w = (struct world){.f = f};
    breaker_pybreaker_init(&w->py);
    breaker_lasier_init(&w->lasier);
    breaker_aiomisc_init(&w->aiomisc);
    for (int i = 0; i < 4; i++) {
        w->jobs[i] = job_new(f, "job");
        w->jobs[i]->is_quiet = true;
        w->jobs[i]->in_start = finish_well;
    }
    for (int i = 0; i < 2; i++) {
        w->watchers[i] = watcher_new(f, "w", BREAKER_ON_ALL);
        w->watchers[i]->is_quiet = true;
    }
}

static void close_world(struct world *w)
{
    if (w->f->panel != NULL) {
        fixture_destroy_panel(w->f);
        fixture_wait_destroyed(w->f);
    }
    for (int i = 0; i < 3; i++)
        API_VOID(breaker_policy_destroy(w->policies[i]));
    w->f->destroyed = 0;
    w->f->is_made = false;
    forget(w->f);
    settle_down(w->f);
    assert_int_equal(memory.live, 0);
}

static int open_panel(struct fixture *f)
{
    breaker_panel_options_t options;
    int status;

    breaker_panel_options_init(&options);
    options.data = f;
    options.max_obtained = 4;
    options.max_events = 8;
    status = API(breaker_panel_create(&f->panel, &f->loop, &options));
    assert_int_equal(f->panel == NULL, status != 0);
    f->is_made = status == 0;
    return status;
}

/* How many blocks it asked for. */
static unsigned run(struct fixture *f, unsigned fails, bool for_ever)
{
    struct world *w = keep(f, sizeof *w);

    memory.asked = memory.failed = 0;
    memory.fails = fails;
    memory.for_ever = for_ever;
    open_world(w, f);
    if (open_panel(f) == 0 || (!for_ever && open_panel(f) == 0))
        go_through(w);
    close_world(w);
    return memory.asked;
}

static void test_each_once(void **state)
{
    struct fixture *f = *state;
    unsigned count = run(f, 0, false);

    assert_in_range(count, 60, 1000);
    assert_int_equal(memory.failed, 0);
    for (unsigned n = 1; n <= count; n++) {
        run(f, n, false);
        assert_int_equal(memory.failed, 1);
    }
}

static void test_for_ever_from_each_on(void **state)
{
    struct fixture *f = *state;
    unsigned count = run(f, 0, false);

    for (unsigned n = 1; n <= count; n++) {
        run(f, n, true);
        assert_true(memory.failed >= 1);
    }
}

/* A shared circuit has things to ask, and no memory to ask them with: it tries again a little later, and the
 * loop turns. */
static void test_a_shared_circuit_waits_for_memory(void **state)
{
    struct fixture *f = *state;
    breaker_panel_options_t options;
    breaker_options_t usual;
    breaker_storage_t *storage;
    uv_timer_t keeper;

    memory.fails = 0;
    memory.for_ever = true;
    assert_int_equal(breaker_memory_create(&storage, NULL), 0);
    breaker_panel_options_init(&options);
    options.storage = storage;
    fixture_panel(f, &options, true);
    breaker_options_init(&usual);
    make_breaker(f, "shared", &usual);
    uv_timer_init(&f->loop, &keeper);
    uv_timer_start(&keeper, on_keeper, 100000, 0);
    memory.asked = 0;
    memory.fails = 1;
    for (int i = 0; i < 50; i++) {
        f->clock++;
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    assert_in_range(memory.asked, 10, 60); /* once in a turn, about */
    memory.fails = 0;
    uv_close((uv_handle_t *)&keeper, NULL);
    fixture_destroy_panel(f);
    fixture_wait_destroyed(f);
    assert_int_equal(breaker_memory_destroy(storage), 0);
}

static void hear(breaker_listener_t *listener, const breaker_event_t *event)
{
    (void)listener;
    (void)event;
    fail();
}

/* Who hears only what others missed needs no room, and breakers need none for it; the first other does. */
static void test_a_listener_without_events(void **state)
{
    struct fixture *f = *state;
    breaker_listener_t ears[2] = {{.kinds = BREAKER_ON_MISSED, .notify = hear},
                                  {.kinds = BREAKER_ON_ALL, .notify = hear}};

    memory.for_ever = true;
    memory.asked = 0;
    memory.fails = 1;
    assert_int_equal(API(breaker_panel_listen(f->panel, &ears[0])), 0);
    assert_int_equal(API(breaker_panel_listen(f->panel, &ears[1])), UV_ENOMEM);
    assert_int_equal(memory.asked, 1);
    memory.fails = 0;
    assert_int_equal(API(breaker_panel_listen(f->panel, &ears[1])), 0);
    fixture_destroy_panel(f);
    fixture_wait_destroyed(f);
    assert_int_equal(API(breaker_unlisten(&ears[0])), UV_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(test_a_listener_without_events),
        BARE_TEST(test_a_shared_circuit_waits_for_memory),
        BARE_TEST(test_each_once),
        BARE_TEST(test_for_ever_from_each_on),
    };

    if (breaker_replace_allocator(allocate, reallocate, release) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
