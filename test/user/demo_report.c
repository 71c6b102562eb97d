/* The demo's verdict and its picture, over runs made up here: what the exit status says must not depend
 * on a breaker that works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../examples/demo/demo.h"

static struct run run;
static struct findings findings;

/* The script is main.c's, which has a main of its own. */
enum health health_at(double ms)
{
    return ms < DEMO_STALLS_FROM || ms >= DEMO_HEALS_AT ? HEALTH_WELL : HEALTH_FAILS;
}

const char *health_text(enum health health)
{
    return health == HEALTH_WELL ? "answers" : "fails";
}

static void change(double time, breaker_state_t from, breaker_state_t to)
{
    struct change *change = &run.changes[run.change_count++];

    change->time = time;
    change->from = from;
    change->to = to;
    change->counts.ok = 30;
    change->counts.failed = 32;
}

static void hits(unsigned with, unsigned without)
{
    atomic_init(&run.service.sick_hits[DOOR_WITH], with);
    atomic_init(&run.service.sick_hits[DOOR_WITHOUT], without);
}

static int verdict(void)
{
    findings_make(&findings, &run);
    return report_print(&run, &findings);
}

static int begin(void **state)
{
    (void)state;
    memset(&run, 0, sizeof run);
    hits(80, 800);
    return 0;
}

static void trip_and_recover(void)
{
    change(4500, BREAKER_PASSING, BREAKER_BROKEN);
    change(12500, BREAKER_BROKEN, BREAKER_RECOVERING);
    change(14500, BREAKER_RECOVERING, BREAKER_PASSING);
}

static void a_run_as_it_should_be_is_good(void **state)
{
    (void)state;
    trip_and_recover();
    assert_true(verdict());
    assert_true(findings.tripped_after == 500 && findings.recovered_after == 2500);
    assert_int_equal(findings.tripped_on, 62);
}

static void a_breaker_that_never_trips_is_not(void **state)
{
    (void)state;
    assert_false(verdict());
}

static void one_that_trips_before_the_trouble_is_not(void **state)
{
    (void)state;
    change(1000, BREAKER_PASSING, BREAKER_BROKEN);
    change(2000, BREAKER_BROKEN, BREAKER_RECOVERING);
    change(3000, BREAKER_RECOVERING, BREAKER_PASSING);
    trip_and_recover();
    assert_false(verdict());
    assert_int_equal(findings.false_trips, 1);
}

static void one_that_lets_too_much_through_is_not(void **state)
{
    (void)state;
    trip_and_recover();
    hits(201, 800);
    assert_false(verdict());
}

static void one_that_does_not_recover_is_not(void **state)
{
    (void)state;
    trip_and_recover();
    run.change_count--;
    assert_false(verdict());
}

static void one_that_breaks_again_is_not(void **state)
{
    (void)state;
    trip_and_recover();
    change(15000, BREAKER_PASSING, BREAKER_BROKEN);
    assert_false(verdict());
}

static void one_that_recovered_too_early_is_not(void **state)
{
    (void)state;
    trip_and_recover();
    run.changes[2].time = 11000;
    assert_false(verdict());
}

static char *picture(void)
{
    static char text[1 << 18];
    char path[] = "/tmp/breaker-demo-XXXXXX";
    FILE *file;
    size_t length;
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    findings_make(&findings, &run);
    assert_int_equal(draw_svg(path, &run, &findings), 0);
    assert_non_null(file = fdopen(fd, "r"));
    length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    remove(path);
    text[length] = '\0';
    return text;
}

static void the_picture_shows_the_states_and_no_nonsense(void **state)
{
    unsigned i;
    char *text;

    (void)state;
    trip_and_recover();
    for (i = 0; i < DEMO_STRETCHES; i++) {
        run.fates[DOOR_WITH][i].answered = run.fates[DOOR_WITHOUT][i].failed = 20;
    }
    run.ratios[0].ratio = 0.25;
    run.ratio_count = 1;
    text = picture();
    assert_ptr_equal(strstr(text, "<svg "), text);
    assert_string_equal(text + strlen(text) - 7, "</svg>\n");
    assert_non_null(strstr(text, ">PASSING<"));
    assert_non_null(strstr(text, ">BROKEN<"));
    assert_non_null(strstr(text, ">RECOVERING<"));
    assert_non_null(strstr(text, ">80, not 800<"));
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
}

static void an_empty_run_has_a_picture_too(void **state)
{
    (void)state;
    assert_non_null(strstr(picture(), ">never<"));
}

static void a_picture_that_cannot_be_written_is_told(void **state)
{
    (void)state;
    assert_int_equal(draw_svg("/no/such/place/demo.svg", &run, &findings), UV_ENOENT);
    assert_int_equal(draw_svg("/dev/full", &run, &findings), UV_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_run_as_it_should_be_is_good, begin),
        cmocka_unit_test_setup(a_breaker_that_never_trips_is_not, begin),
        cmocka_unit_test_setup(one_that_trips_before_the_trouble_is_not, begin),
        cmocka_unit_test_setup(one_that_lets_too_much_through_is_not, begin),
        cmocka_unit_test_setup(one_that_does_not_recover_is_not, begin),
        cmocka_unit_test_setup(one_that_breaks_again_is_not, begin),
        cmocka_unit_test_setup(one_that_recovered_too_early_is_not, begin),
        cmocka_unit_test_setup(the_picture_shows_the_states_and_no_nonsense, begin),
        cmocka_unit_test_setup(an_empty_run_has_a_picture_too, begin),
        cmocka_unit_test_setup(a_picture_that_cannot_be_written_is_told, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
