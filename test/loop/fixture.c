/* The fixture: how a loop and a panel come and go in these tests, and what they record meanwhile. */
#include "fixture.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Set-up and tear-down ----------------------------------------------------------------------*/

static uint64_t virtual_now(void *data)
{
    return ((struct fixture *)data)->clock;
}

static double scripted_draw(void *data)
{
    struct fixture *f = data;

    f->draws++;
    return f->draw;
}

static void on_destroyed(void *data)
{
    struct fixture *f = data;

    not_inside();
    f->destroyed++;
    record(f, "destroyed");
}

void fixture_panel(struct fixture *f, breaker_panel_options_t *options, bool is_virtual)
{
    options->data = f;
    options->now = is_virtual ? virtual_now : NULL;
    options->random = is_virtual ? scripted_draw : NULL;
    assert_int_equal(API(breaker_panel_create(&f->panel, &f->loop, options)), 0);
    f->is_made = true;
}

struct kept {
    struct kept *next;
    max_align_t memory[];
};

void *keep(struct fixture *f, size_t size)
{
    struct kept *kept = calloc(1, sizeof *kept + size);

    assert_non_null(kept);
    kept->next = f->kept;
    f->kept = kept;
    return kept->memory;
}

static void drop_kept(struct fixture *f)
{
    for (struct kept *kept = f->kept, *next; kept != NULL; kept = next) {
        next = kept->next;
        free(kept);
    }
}

static _Thread_local int inside;

static int set_up(void **state, bool has_panel, bool is_virtual)
{
    struct fixture *f = calloc(1, sizeof *f);
    breaker_panel_options_t options;

    assert_non_null(f);
    alarm(FIXTURE_PATIENCE);
    inside = 0;
    f->clock = 1000000;
    f->draw = 0.999;
    assert_int_equal(uv_loop_init(&f->loop), 0);
    uv_prepare_init(&f->loop, &f->prepare);
    f->prepare.data = f;
    *state = f;
    if (has_panel) {
        breaker_panel_options_init(&options);
        fixture_panel(f, &options, is_virtual);
    }
    return 0;
}

int fixture_real(void **state)
{
    return set_up(state, true, false);
}

int fixture_virtual(void **state)
{
    return set_up(state, true, true);
}

int fixture_bare(void **state)
{
    return set_up(state, false, false);
}

void fixture_destroy_panel(struct fixture *f)
{
    breaker_panel_t *panel = f->panel;

    f->panel = NULL;
    assert_int_equal(API(breaker_panel_destroy(panel, on_destroyed)), 0);
}

void fixture_wait_destroyed(struct fixture *f)
{
    for (unsigned i = 0; i < 100 && f->destroyed == 0; i++)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(f->destroyed, 1);
}

int fixture_end(void **state)
{
    struct fixture *f = *state;

    if (f->panel != NULL)
        fixture_destroy_panel(f);
    if (f->is_made)
        fixture_wait_destroyed(f);
    if (!uv_is_closing((uv_handle_t *)&f->prepare))
        uv_close((uv_handle_t *)&f->prepare, NULL);
    for (unsigned i = 0; i < 10; i++)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(f->destroyed, f->is_made);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    drop_kept(f);
    free(f);
    alarm(0);
    return 0;
}

unsigned fixture_rounds(unsigned rounds)
{
    const char *preload = getenv("LD_PRELOAD");
    bool is_slow = getenv("BREAKER_TEST_SMALL") != NULL ||
                   (preload != NULL && strstr(preload, "vgpreload") != NULL);

    return is_slow ? rounds / 50 + 1 : rounds;
}

/* ---- The loop ----------------------------------------------------------------------------------*/

static void on_prepare(uv_prepare_t *prepare)
{
    struct fixture *f = prepare->data;

    f->was_polled = f->was_recorded;
}

void turns(struct fixture *f, unsigned count)
{
    for (; count > 0; count--) {
        f->was_recorded = false;
        if (!uv_is_closing((uv_handle_t *)&f->prepare))
            uv_prepare_start(&f->prepare, on_prepare);
        uv_run(&f->loop, UV_RUN_NOWAIT);
        uv_prepare_stop(&f->prepare);
        f->was_polled = false;
        record(f, "|");
    }
}

void settle_down(struct fixture *f)
{
    for (unsigned i = 0; i < 8; i++)
        uv_run(&f->loop, UV_RUN_NOWAIT);
}

void run_out(struct fixture *f)
{
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
}

/* ---- The record --------------------------------------------------------------------------------*/

void record(struct fixture *f, const char *format, ...)
{
    size_t left;
    va_list arguments;
    int length;

    if (f->was_polled) {
        f->was_polled = false;
        record(f, "/");
    }
    f->was_recorded = true;
    left = sizeof f->trace - f->used;
    if (f->used > 0 && left > 1) {
        f->trace[f->used++] = ' ';
        left--;
    }
    va_start(arguments, format);
    length = vsnprintf(f->trace + f->used, left, format, arguments);
    va_end(arguments);
    if (length > 0)
        f->used += (size_t)length < left ? (size_t)length : left - 1;
}

void expect_at(struct fixture *f, const char *wanted, const char *file, int line)
{
    if (strcmp(f->trace, wanted) != 0) {
        print_error("%s:%d:\n  recorded: %s\n  wanted:   %s\n", file, line, f->trace, wanted);
        _fail(file, line);
    }
    forget(f);
}

void forget(struct fixture *f)
{
    f->used = 0;
    f->trace[0] = '\0';
}

/* ---- No callback inside a call -----------------------------------------------------------------*/

void inside_entered(void)
{
    inside++;
}

int inside_left(int status)
{
    inside--;
    return status;
}

void not_inside(void)
{
    if (inside != 0) {
        inside = 0;
        fail_msg("a callback inside a call into the library");
    }
}

/* ---- Breakers ----------------------------------------------------------------------------------*/

void quick_options(breaker_options_t *options)
{
    breaker_options_init(options);
    options->error_ratio = BREAKER_OFF;
    options->consecutive_failures = 3;
    options->broken_time = 1000;
    options->broken_factor = 1;
    options->recovery = BREAKER_TRIAL;
}

breaker_policy_t *make_policy(const breaker_options_t *options)
{
    breaker_policy_t *policy;
    const char *fault = "?";

    assert_int_equal(API(breaker_policy_create(&policy, options, &fault)), 0);
    assert_null(fault);
    return policy;
}

breaker_t *make_breaker(struct fixture *f, const char *name, const breaker_options_t *options)
{
    breaker_policy_t *policy = make_policy(options);
    breaker_t *breaker;

    assert_int_equal(API(breaker_create(&breaker, f->panel, name, policy)), 0);
    API_VOID(breaker_policy_destroy(policy));
    return breaker;
}

breaker_t *quick_breaker(struct fixture *f, const char *name)
{
    breaker_options_t options;

    quick_options(&options);
    return make_breaker(f, name, &options);
}

breaker_snapshot_t look(const breaker_t *breaker)
{
    breaker_snapshot_t snapshot;

    assert_int_equal(API(breaker_inspect(breaker, &snapshot)), 0);
    return snapshot;
}

void count_one(breaker_t *breaker, breaker_outcome_t outcome, int status)
{
    breaker_permit_t permit;

    assert_int_equal(API(breaker_try_acquire(breaker, &permit)), 0);
    assert_int_equal(API(breaker_report(breaker, &permit, outcome, status)), 0);
}

void count_many(breaker_t *breaker, unsigned times, breaker_outcome_t outcome)
{
    for (; times > 0; times--)
        count_one(breaker, outcome, outcome == BREAKER_FAILURE ? UV_ECONNRESET : 0);
}

bool is_admitted(breaker_t *breaker)
{
    breaker_permit_t permit;

    if (API(breaker_try_acquire(breaker, &permit)) != 0)
        return false;
    assert_int_equal(API(breaker_report(breaker, &permit, BREAKER_CANCELLED, 0)), 0);
    return true;
}
