/* What the tests of the loop layer stand on: a loop with a panel, a clock and a random source that the
 * test sets, a record of the callbacks in their order, and a tear-down that lets nothing lie about. */
#ifndef LOOP_FIXTURE_H
#define LOOP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <breaker.h>
#include <cmocka.h>
#include <uv.h>

struct fixture {
    uv_loop_t loop;
    uv_prepare_t prepare;   /* comes before the loop polls */
    breaker_panel_t *panel; /* NULL once breaker_panel_destroy was called */
    uint64_t clock;         /* of a virtual panel */
    double draw;            /* what its random source says */
    unsigned draws;         /* how often it was asked */
    unsigned destroyed;     /* how often the panel said that it is gone */
    bool is_made;           /* there was a panel at all */
    struct kept *kept;
    size_t used;
    bool was_recorded; /* something, in this turn */
    bool was_polled;   /* since */
    char trace[16384];
};

/* ---- Set-up and tear-down, for cmocka_unit_test_setup_teardown ---------------------------------*/

int fixture_real(void **state);    /* the loop's clock, the panel's own chance */
int fixture_virtual(void **state); /* f->clock and f->draw, which is 0.999 */
int fixture_bare(void **state);    /* a loop, and no panel */
int fixture_end(void **state);     /* the panel's end, once; then uv_loop_close() == 0 */

#define REAL_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_real, fixture_end)
#define VIRTUAL_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_virtual, fixture_end)
#define BARE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_bare, fixture_end)

/* A panel with these options on the fixture's loop; now, random and data are set here. */
void fixture_panel(struct fixture *f, breaker_panel_options_t *options, bool is_virtual);
void fixture_destroy_panel(struct fixture *f);
void fixture_wait_destroyed(struct fixture *f); /* a bounded number of turns that do not block */

/* Zeroed memory that is there until the fixture's end: what the library may touch up to then. */
void *keep(struct fixture *f, size_t size);

/* A test that takes longer than this, in seconds, is ended: a lost wake-up would hang for ever. */
enum { FIXTURE_PATIENCE = 100 };

/* Fewer rounds where each costs a hundred times as much: under valgrind, or BREAKER_TEST_SMALL set. */
unsigned fixture_rounds(unsigned rounds);

/* ---- The loop ----------------------------------------------------------------------------------*/

/* So many turns that do not block. The record shows a bar after each, and a stroke where the loop polled
 * between what was recorded before and after it. */
void turns(struct fixture *f, unsigned count);
/* As many turns as there is something to do without waiting; no bars. */
void settle_down(struct fixture *f);
/* Until nothing keeps the loop alive. */
void run_out(struct fixture *f);

/* ---- The record --------------------------------------------------------------------------------*/

void record(struct fixture *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What was recorded, words set apart by single blanks; and begins afresh. */
#define expect(f, wanted) expect_at((f), (wanted), __FILE__, __LINE__)
void expect_at(struct fixture *f, const char *wanted, const char *file, int line);

void forget(struct fixture *f); /* what was recorded */

/* ---- No callback inside a call -----------------------------------------------------------------*/

/* Around every call into the library; what the library calls back asks not_inside(). */
#define API(expression) inside_left((inside_entered(), (expression)))
#define API_VOID(expression) ((void)(inside_entered(), (expression), inside_left(0)))
void inside_entered(void);
int inside_left(int status);
void not_inside(void);

/* ---- Breakers ----------------------------------------------------------------------------------*/

/* Trips after three failures in a row; 1000 ms, each time; then one trial. */
void quick_options(breaker_options_t *options);
breaker_policy_t *make_policy(const breaker_options_t *options);
breaker_t *make_breaker(struct fixture *f, const char *name, const breaker_options_t *options);
breaker_t *quick_breaker(struct fixture *f, const char *name);

breaker_snapshot_t look(const breaker_t *breaker);
/* One call by permit; asserts that it is admitted. */
void count_one(breaker_t *breaker, breaker_outcome_t outcome, int status);
void count_many(breaker_t *breaker, unsigned times, breaker_outcome_t outcome);
/* Asks, and gives back what it got as if the call had been cancelled. */
bool is_admitted(breaker_t *breaker);

#endif /* LOOP_FIXTURE_H */
