/* Who listens to what: as many keys as there are shared circuits, and no more, however many there were. */
#include "fake.h"
#include "fixture.h"

#include <breaker/storage.h>
#include <stdio.h>

enum { ROOM = 8, NAMES = 1000 };

static void test_no_ear_outlives_its_breaker(void **state)
{
    struct fixture *f = *state;
    struct fake *fake = fake_create(1);
    breaker_panel_options_t options;
    breaker_policy_t *policy;
    breaker_t *b;
    char name[16];

    breaker_panel_options_init(&options);
    options.storage = fake_storage(fake);
    options.max_obtained = ROOM;
    fixture_panel(f, &options, true);
    assert_int_equal(breaker_policy_create(&policy, NULL, NULL), 0);
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, "host%d", i);
        assert_int_equal(breaker_obtain(&b, f->panel, name, policy), 0);
        assert_true(fake_totals(fake)->ears <= ROOM + 1);
        fake_advance(fake, 1);
        turns(f, 1);
    }
    assert_int_equal(fake_totals(fake)->ears, ROOM);
    assert_int_equal(breaker_create(&b, f->panel, "mine", policy), 0);
    assert_int_equal(fake_totals(fake)->ears, ROOM + 1);
    breaker_destroy(b);
    assert_int_equal(fake_totals(fake)->ears, ROOM);
    breaker_policy_destroy(policy);
    fixture_destroy_panel(f);
    for (int i = 0; i < 100 && f->destroyed == 0; i++) {
        fake_advance(fake, 1);
        turns(f, 1);
    }
    fixture_wait_destroyed(f);
    fake_destroy(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BARE_TEST(test_no_ear_outlives_its_breaker),
    };
    return cmocka_run_group_tests_name("ears", tests, NULL, NULL);
}
