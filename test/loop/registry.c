/* Breakers by name: made, found, visited, made on demand under a bound, and a great many of them made, used
 * and destroyed inside callbacks. */
#include "job.h"
#include "watcher.h"
#include <stdio.h>
#include <string.h>

static int make(struct fixture *f, breaker_t **breaker, const char *name)
{
    breaker_options_t options;
    breaker_policy_t *policy;
    int status;

    quick_options(&options);
    policy = make_policy(&options);
    status = API(breaker_create(breaker, f->panel, name, policy));
    API_VOID(breaker_policy_destroy(policy));
    return status;
}

/* ---- Names -------------------------------------------------------------------------------------*/

static void test_names(void **state)
{
    struct fixture *f = *state;
    char longest[257];
    const char *const names[] = {"a",    "A",    " ", "a b", "{a}:%s%n/\\", "\x01\xff\xfe\n",
                                 "żółw", longest};
    breaker_t *breakers[8], *none;

    memset(longest, 'x', sizeof longest);
    longest[255] = '\0';
    for (int i = 0; i < 8; i++)
        assert_int_equal(make(f, &breakers[i], names[i]), 0);
    for (int i = 0; i < 8; i++) {
        assert_ptr_equal(breaker_find(f->panel, names[i]), breakers[i]);
        assert_string_equal(breaker_name(breakers[i]), names[i]);
        assert_ptr_not_equal(breaker_name(breakers[i]), names[i]); /* copied */
        assert_int_equal(make(f, &none, names[i]), UV_EEXIST);
        assert_null(none);
    }
    assert_int_equal(breaker_panel_count(f->panel), 8);
    longest[254] = '\0'; /* one less is another name */
    assert_null(breaker_find(f->panel, longest));
    longest[254] = longest[255] = 'x';
    longest[256] = '\0';
    assert_int_equal(make(f, &none, longest), UV_ENAMETOOLONG);
    assert_null(breaker_find(f->panel, longest));
    assert_int_equal(make(f, &none, ""), UV_EINVAL);
    assert_int_equal(make(f, &none, NULL), UV_EINVAL);
    assert_null(breaker_find(f->panel, ""));
    assert_null(breaker_find(f->panel, NULL));
    assert_int_equal(breaker_panel_count(f->panel), 8);
}

static void test_what_a_breaker_knows(void **state)
{
    struct fixture *f = *state;
    breaker_policy_t *policy = make_policy(NULL);
    breaker_t *breaker;

    assert_int_equal(API(breaker_create(&breaker, f->panel, "a", policy)), 0);
    assert_ptr_equal(breaker_panel(breaker), f->panel);
    assert_ptr_equal(breaker_policy(breaker), policy);
    assert_ptr_equal(breaker_panel_loop(f->panel), &f->loop);
    assert_ptr_equal(breaker_panel_data(f->panel), f);
    API_VOID(breaker_policy_destroy(policy)); /* the breaker keeps it */
    assert_int_equal(API(breaker_policy_exclude(breaker_policy(breaker), UV_EOF)), 0);
}

/* ---- Many --------------------------------------------------------------------------------------*/

struct visit {
    unsigned visited, until;
    bool destroys;
};

static int on_visit(void *data, breaker_t *breaker)
{
    struct visit *visit = data;

    visit->visited++;
    if (visit->destroys)
        breaker_destroy(breaker);
    return visit->visited == visit->until ? 77 : 0;
}

static void test_visiting(void **state)
{
    struct fixture *f = *state;
    struct visit visit = {.until = 0};
    breaker_t *breaker;
    char name[8];

    assert_int_equal(breaker_each(f->panel, on_visit, &visit), 0);
    assert_int_equal(visit.visited, 0);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "%d", i);
        assert_int_equal(make(f, &breaker, name), 0);
    }
    assert_int_equal(breaker_each(f->panel, on_visit, &visit), 0);
    assert_int_equal(visit.visited, 100);
    visit = (struct visit){.until = 30, .destroys = true};
    assert_int_equal(breaker_each(f->panel, on_visit, &visit), 77);
    assert_int_equal(visit.visited, 30);
    assert_int_equal(breaker_panel_count(f->panel), 70);
    visit = (struct visit){.destroys = true};
    assert_int_equal(breaker_each(f->panel, on_visit, &visit), 0);
    assert_int_equal(visit.visited, 70);
    assert_int_equal(breaker_panel_count(f->panel), 0);
}

/* A generation of breakers: each is made in the done of the one before, guards a call, and is destroyed in
 * its own. */
struct line {
    struct job *job;
    breaker_t *breaker;
    unsigned made, left;
    bool is_kept; /* not destroyed at once, so that they become many */
};

static void next_of_line(struct job *job)
{
    struct line *line = job->data;
    char name[16];

    if (line->breaker != NULL && !line->is_kept)
        API_VOID(breaker_destroy(line->breaker));
    line->breaker = NULL;
    if (line->left == 0)
        return;
    line->left--;
    snprintf(name, sizeof name, "host-%u", line->made++);
    assert_int_equal(make(job->f, &line->breaker, name), 0);
    job_begin(job, line->breaker);
}

static void test_ten_thousand_in_callbacks(void **state)
{
    struct fixture *f = *state;
    unsigned count = fixture_rounds(10000);
    struct line *line = keep(f, sizeof *line);

    for (int is_kept = 0; is_kept < 2; is_kept++) {
        struct job *job = job_new(f, "job");
        struct visit visit = {.destroys = true};

        *line = (struct line){.job = job, .left = count, .is_kept = is_kept != 0};
        job->data = line;
        job->is_quiet = true;
        job->in_start = finish_well;
        job->in_done = next_of_line;
        next_of_line(job);
        run_out(f);
        assert_int_equal(job->dones, count);
        assert_int_equal(breaker_panel_count(f->panel), is_kept ? count : 0);
        for (unsigned i = 0; is_kept && i < count; i++) {
            char name[16];
            snprintf(name, sizeof name, "host-%u", i);
            assert_string_equal(breaker_name(breaker_find(f->panel, name)), name);
        }
        assert_int_equal(breaker_each(f->panel, on_visit, &visit), 0);
        assert_int_equal(breaker_panel_count(f->panel), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIRTUAL_TEST(test_names),
        VIRTUAL_TEST(test_what_a_breaker_knows),
        VIRTUAL_TEST(test_visiting),
        REAL_TEST(test_ten_thousand_in_callbacks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
