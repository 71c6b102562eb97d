/* The verdict of the demo of a fleet and its picture, over runs made up here: what the exit status
 * says must not depend on breakers that work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../examples/demo/fleet.h"

static struct fleet fleet;
static struct fleet_findings findings;

static void change(int process, double time, breaker_state_t to)
{
    struct run *run = &fleet.members[process].run;
    struct change *c = &run->changes[run->change_count++];

    c->time = time;
    c->to = to;
}

static int begin(void **state)
{
    (void)state;
    memset(&fleet, 0, sizeof fleet);
    for (int i = 0; i < FLEET_SIZE; i++) {
        atomic_init(&fleet.service.sick_hits[i], 30);
        change(i, DEMO_STALLS_FROM + 600 + 10 * i, BREAKER_BROKEN);
        change(i, DEMO_HEALS_AT + 500, BREAKER_RECOVERING);
        change(i, DEMO_HEALS_AT + 2500, BREAKER_PASSING);
    }
    return 0;
}

static int verdict(void)
{
    fleet_findings_make(&findings, &fleet);
    return fleet_report_print(&fleet, &findings);
}

static void breaking_and_recovering_together_is_good(void **state)
{
    (void)state;
    assert_true(verdict());
    assert_int_equal(findings.first, 0);
    assert_true(findings.first_broke == 600 && findings.broke_after[2] == 20);
    assert_true(findings.recovered_after[1] == 2500);
    assert_int_equal(findings.hits, 90);
}

static void one_that_does_not_break_is_not(void **state)
{
    (void)state;
    fleet.members[2].run.change_count = 0;
    assert_false(verdict());
}

static void one_that_breaks_by_itself_later_is_not(void **state)
{
    (void)state;
    fleet.members[1].run.changes[0].time += 2000;
    assert_false(verdict());
}

static void one_that_does_not_recover_is_not(void **state)
{
    (void)state;
    fleet.members[0].run.change_count--;
    assert_false(verdict());
}

static void one_that_tripped_before_the_trouble_is_not(void **state)
{
    (void)state;
    fleet.members[0].run.changes[0].time = 1000;
    assert_false(verdict());
}

static void too_many_hits_are_not(void **state)
{
    (void)state;
    atomic_init(&fleet.service.sick_hits[0], 500);
    assert_false(verdict());
}

static void a_process_that_failed_is_not(void **state)
{
    (void)state;
    fleet.members[1].exit_status = -11;
    assert_false(verdict());
}

static void one_that_lost_redis_is_not(void **state)
{
    (void)state;
    strcpy(fleet.members[1].trouble, "connection refused");
    assert_false(verdict());
}

static void the_picture_has_a_band_for_each(void **state)
{
    static char text[1 << 18];
    char path[] = "/tmp/breaker-demo-XXXXXX";
    int fd = mkstemp(path);
    FILE *file;

    (void)state;
    assert_true(fd >= 0);
    fleet_findings_make(&findings, &fleet);
    assert_int_equal(fleet_draw(path, &fleet, &findings), 0);
    assert_non_null(file = fdopen(fd, "r"));
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    unlink(path);
    assert_string_equal(text + strlen(text) - 7, "</svg>\n");
    assert_non_null(strstr(text, ">process 1<"));
    assert_non_null(strstr(text, ">process 2<"));
    assert_non_null(strstr(text, ">process 3<"));
    assert_non_null(strstr(text, ">90 of 800<"));
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(breaking_and_recovering_together_is_good, begin),
        cmocka_unit_test_setup(one_that_does_not_break_is_not, begin),
        cmocka_unit_test_setup(one_that_breaks_by_itself_later_is_not, begin),
        cmocka_unit_test_setup(one_that_does_not_recover_is_not, begin),
        cmocka_unit_test_setup(one_that_tripped_before_the_trouble_is_not, begin),
        cmocka_unit_test_setup(too_many_hits_are_not, begin),
        cmocka_unit_test_setup(a_process_that_failed_is_not, begin),
        cmocka_unit_test_setup(one_that_lost_redis_is_not, begin),
        cmocka_unit_test_setup(the_picture_has_a_band_for_each, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
