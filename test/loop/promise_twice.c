/* Promise 3: a call ends twice, once for the circuit and once for its I/O, and then its memory is the
 * caller's. Every way to end the one is crossed with every moment to end the other, with and without
 * stop and release; the memory is overwritten at the very moment when it is the caller's. */
#include "job.h"
#include "poison.h"
#include <stdlib.h>
#include <string.h>

/* How the circuit's end comes about, if breaker_finish does not come first. */
enum ending {
    BY_FINISH,
    BY_TIMEOUT,
    BY_CANCEL,
    BY_CANCEL_IN_START,
    BY_CANCEL_WAITING,
    BY_DESTROY,
    BY_DESTROY_IN_START,
    BY_DESTROY_WAITING,
    BY_PANEL,
    BY_PANEL_IN_START,
    BY_PANEL_WAITING,
    BY_REFUSAL,
    ENDINGS
};

/* When the I/O is over. */
enum finishing {
    IN_START,
    BEFORE_ENDING, /* under way, nothing happened yet */
    AFTER_ENDING,  /* its end is decided, and not yet told */
    IN_STOP,
    IN_DONE,
    AFTER_DONE,
    NEVER, /* start fails */
    FINISHINGS
};

enum {
    WITH_STOP = 1 << 0,
    WITH_RELEASE = 1 << 1,
    WITH_FALLBACK = 1 << 2,
    FREED = 1 << 3,
    ALL = 16
};

enum { POISON = 0xa5, STATUS = UV_EPIPE };

/* Apart from the call's memory, which goes away. */
struct trial {
    struct fixture *f;
    breaker_t *breaker;
    breaker_call_t *call; /* NULL: freed */
    enum ending ending;
    enum finishing finishing;
    unsigned with;
    unsigned starts, stops, dones, releases;
    bool is_finished, is_given_back;
    int status;
};

static struct trial *trial_of(breaker_call_t *call)
{
    not_inside();
    return call->data;
}

/* ---- The memory --------------------------------------------------------------------------------*/

static void give_back(struct trial *t)
{
    assert_false(t->is_given_back);
    t->is_given_back = true;
    memset(t->call, POISON, sizeof *t->call);
    if (t->with & FREED) {
        free(t->call);
        t->call = NULL;
    }
}

/* Both ends were there: without release, the memory is the caller's. */
static void perhaps_give_back(struct trial *t)
{
    if (t->dones > 0 && (t->is_finished || t->starts == 0) && !(t->with & WITH_RELEASE))
        give_back(t);
}

static void assert_untouched(const struct trial *t)
{
    const unsigned char *bytes = (const unsigned char *)t->call;

    for (size_t i = 0; t->call != NULL && i < sizeof *t->call; i++)
        assert_int_equal(bytes[i], POISON);
}

/* ---- What happens ------------------------------------------------------------------------------*/

static void finish(struct trial *t)
{
    if (t->is_finished || t->starts == 0)
        return;
    t->is_finished = true;
    assert_int_equal(API(breaker_finish(t->call, STATUS)), 0);
    perhaps_give_back(t);
}

static void destroy(struct trial *t)
{
    API_VOID(breaker_destroy(t->breaker));
}

static void end(struct trial *t)
{
    switch (t->ending) {
    case BY_CANCEL:
    case BY_CANCEL_IN_START:
    case BY_CANCEL_WAITING:
        assert_int_equal(API(breaker_cancel(t->call)), t->is_finished ? UV_EALREADY : 0);
        break;
    case BY_DESTROY:
    case BY_DESTROY_IN_START:
    case BY_DESTROY_WAITING:
        destroy(t);
        break;
    case BY_PANEL:
    case BY_PANEL_IN_START:
    case BY_PANEL_WAITING:
        fixture_destroy_panel(t->f);
        break;
    case BY_TIMEOUT:
        t->f->clock += 100;
        break;
    default:
        break;
    }
}

static bool ends_in_start(const struct trial *t)
{
    return t->ending == BY_CANCEL_IN_START || t->ending == BY_DESTROY_IN_START ||
           t->ending == BY_PANEL_IN_START;
}

static bool ends_waiting(const struct trial *t)
{
    return t->ending == BY_CANCEL_WAITING || t->ending == BY_DESTROY_WAITING ||
           t->ending == BY_PANEL_WAITING;
}

/* ---- Callbacks ---------------------------------------------------------------------------------*/

static int on_start(breaker_call_t *call)
{
    struct trial *t = trial_of(call);

    assert_int_equal(t->starts + t->dones, 0);
    if (t->finishing == NEVER) {
        if (ends_in_start(t))
            end(t);
        return UV_ECONNREFUSED;
    }
    t->starts++;
    if (t->finishing == IN_START)
        finish(t);
    if (ends_in_start(t))
        end(t);
    return 0;
}

static void on_stop(breaker_call_t *call)
{
    struct trial *t = trial_of(call);

    assert_int_equal(t->starts, 1);
    assert_int_equal(t->stops + t->dones, 0);
    assert_false(t->is_finished);
    t->stops++;
    if (t->finishing == IN_STOP)
        finish(t);
}

static void on_done(breaker_call_t *call, int status)
{
    struct trial *t = trial_of(call);

    assert_int_equal(t->dones + t->releases, 0);
    t->dones++;
    t->status = status;
    if (t->finishing == IN_DONE && t->starts > 0 && !t->is_finished)
        finish(t);
    else
        perhaps_give_back(t);
}

static void on_release(breaker_call_t *call)
{
    struct trial *t = trial_of(call);

    assert_int_equal(t->dones, 1);
    assert_true(t->is_finished || t->starts == 0);
    t->releases++;
    give_back(t);
}

/* ---- The crossing ------------------------------------------------------------------------------*/

static void begin(struct trial *t)
{
    breaker_options_t options;

    quick_options(&options);
    options.timeout = 50;
    t->breaker = make_breaker(t->f, "a", &options);
    if (t->ending == BY_REFUSAL)
        assert_int_equal(API(breaker_trip(t->breaker, NULL, NULL)), 0);
    t->call = malloc(sizeof *t->call);
    assert_non_null(t->call);
    API_VOID(breaker_call_init(t->call));
    t->call->data = t;
    t->call->stop = t->with & WITH_STOP ? on_stop : NULL;
    t->call->release = t->with & WITH_RELEASE ? on_release : NULL;
    t->call->fallback = t->with & WITH_FALLBACK ? on_start : NULL;
    assert_int_equal(API(breaker_call(t->breaker, t->call, on_start, on_done)), 0);
    if (ends_waiting(t))
        end(t);
}

static bool is_over(const struct trial *t)
{
    return t->dones > 0 && (t->is_finished || t->starts == 0);
}

static void go_on(struct trial *t)
{
    settle_down(t->f);
    if (t->finishing == BEFORE_ENDING || t->ending == BY_FINISH)
        finish(t);
    if (t->dones == 0 && !t->is_given_back && !ends_waiting(t) && !ends_in_start(t))
        end(t);
    if (t->finishing == AFTER_ENDING)
        finish(t);
    settle_down(t->f);
    if (!is_over(t))
        finish(t);
    settle_down(t->f);
}

/* What done must have said. A finish that comes while the end is decided and not told is too late. */
static int wanted_status(const struct trial *t)
{
    bool runs = t->ending != BY_REFUSAL || (t->with & WITH_FALLBACK);

    if (ends_waiting(t))
        return UV_ECANCELED;
    if (!runs)
        return BREAKER_EREJECTED;
    if (t->finishing == NEVER)
        return ends_in_start(t) ? UV_ECANCELED : UV_ECONNREFUSED;
    if (t->finishing == IN_START)
        return STATUS;
    if (ends_in_start(t))
        return UV_ECANCELED;
    if (t->finishing == BEFORE_ENDING || t->ending == BY_FINISH)
        return STATUS;
    if (t->ending == BY_TIMEOUT)
        /* Late is judged in the next turn: what is there by then was in time. */
        return t->finishing == AFTER_ENDING ? STATUS : UV_ETIMEDOUT;
    return t->ending == BY_REFUSAL ? STATUS : UV_ECANCELED;
}

static void check(const struct trial *t)
{
    bool asks_to_stop = (t->with & WITH_STOP) && t->starts > 0 && t->status != STATUS &&
                        t->finishing != AFTER_ENDING;

    assert_int_equal(t->dones, 1);
    assert_int_equal(t->status, wanted_status(t));
    assert_int_equal(t->releases, (t->with & WITH_RELEASE) != 0);
    assert_true(t->is_given_back);
    if (t->finishing != AFTER_ENDING || !ends_in_start(t))
        assert_int_equal(t->stops, asks_to_stop);
    assert_untouched(t);
}

static void tidy(struct trial *t)
{
    if (t->f->panel == NULL) {
        breaker_panel_options_t options;
        fixture_wait_destroyed(t->f);
        t->f->destroyed = 0;
        breaker_panel_options_init(&options);
        fixture_panel(t->f, &options, true);
    } else if (t->ending != BY_DESTROY && t->ending != BY_DESTROY_IN_START &&
               t->ending != BY_DESTROY_WAITING) {
        assert_int_equal(look(t->breaker).in_flight, 0);
        destroy(t);
    } else if (breaker_find(t->f->panel, "a") != NULL) {
        destroy(t); /* its end came before */
    }
    assert_untouched(t);
    free(t->call);
    settle_down(t->f);
    assert_false(uv_loop_alive(&t->f->loop));
}

static void cross(struct fixture *f, unsigned with)
{
    for (int ending = 0; ending < ENDINGS; ending++) {
        for (int finishing = 0; finishing < FINISHINGS; finishing++) {
            struct trial t = {.f = f,
                              .ending = (enum ending)ending,
                              .finishing = (enum finishing)finishing,
                              .with = with};
            begin(&t);
            go_on(&t);
            if (t.dones != 1 || t.status != wanted_status(&t) || !t.is_given_back)
                print_error("ending %d, finishing %d, with %u: dones %u, status %d for %d\n",
                            ending, finishing, with, t.dones, t.status, wanted_status(&t));
            check(&t);
            tidy(&t);
            forget(f);
        }
    }
}

static void test_every_crossing(void **state)
{
    for (unsigned with = 0; with < ALL; with++)
        cross(*state, with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIRTUAL_TEST(test_every_crossing),
    };

    poison_what_is_released();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
