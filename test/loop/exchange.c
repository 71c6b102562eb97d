/* The policy of a live breaker exchanged: in each state, with a window that grows, shrinks or becomes one of
 * another kind, and with calls under way. */
#include "job.h"
#include "watcher.h"

/* Windows of very different sizes in memory. */
static const struct shape {
    unsigned buckets, last_calls;
    double slow_ratio;
} shapes[] = {
    {10, 0, BREAKER_OFF}, {60, 0, BREAKER_OFF}, {1, 0, BREAKER_OFF},      {10, 0, 0.9},
    {60, 0, 0.9},         {10, 8, BREAKER_OFF}, {10, 10000, BREAKER_OFF}, {10, 8, 0.9},
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

static breaker_policy_t *policy_of(const struct shape *shape)
{
    breaker_options_t options;

    quick_options(&options);
    options.buckets = shape->buckets;
    options.last_calls = shape->last_calls;
    options.slow_ratio = shape->slow_ratio;
    options.slow_time = 50;
    options.min_calls = 8;
    return make_policy(&options);
}

static void set_policy(breaker_t *breaker, breaker_policy_t *policy)
{
    assert_int_equal(API(breaker_set_policy(breaker, policy)), 0);
    assert_ptr_equal(breaker_policy(breaker), policy);
}

static void put_into(struct fixture *f, breaker_t *breaker, breaker_state_t state)
{
    count_many(breaker, 1, BREAKER_SUCCESS);
    count_many(breaker, 2, BREAKER_FAILURE);
    if (state == BREAKER_PASSING)
        return;
    count_many(breaker, 1, BREAKER_FAILURE);
    if (state == BREAKER_RECOVERING) {
        f->clock += 1000;
        assert_true(is_admitted(breaker));
    }
}

static void assert_same(const breaker_snapshot_t *before, const breaker_snapshot_t *after)
{
    assert_int_equal(after->state, before->state);
    assert_int_equal(after->epoch, before->epoch);
    assert_int_equal(after->since, before->since);
    assert_int_equal(after->retry_after, before->retry_after);
    assert_int_equal(after->last_error, before->last_error);
    assert_int_equal(after->trips, before->trips);
    assert_int_equal(after->in_flight, before->in_flight);
    assert_memory_equal(&after->tripped, &before->tripped, sizeof after->tripped);
    assert_memory_equal(&after->totals, &before->totals, sizeof after->totals);
}

/* The circuit works on after it: once round, from where it is. */
static void go_round(struct fixture *f, breaker_t *breaker)
{
    while (look(breaker).state == BREAKER_PASSING)
        count_one(breaker, BREAKER_FAILURE, UV_EPIPE);
    if (look(breaker).state == BREAKER_BROKEN)
        f->clock += 1000;
    count_one(breaker, BREAKER_SUCCESS, 0);
    assert_int_equal(look(breaker).state, BREAKER_PASSING);
    for (int i = 0; i < 200; i++) { /* all over the window */
        f->clock += 100;
        count_one(breaker, BREAKER_SUCCESS, 0);
    }
}

static void exchange(struct fixture *f, int from, int to, breaker_state_t state)
{
    breaker_policy_t *old = policy_of(&shapes[from]), *new = policy_of(&shapes[to]);
    bool is_same = from == to;
    breaker_snapshot_t before, after;
    breaker_t *breaker;

    assert_int_equal(API(breaker_create(&breaker, f->panel, "a", old)), 0);
    API_VOID(breaker_policy_destroy(old));
    put_into(f, breaker, state);
    before = look(breaker);
    set_policy(breaker, new);
    after = look(breaker);
    assert_same(&before, &after);
    if (state != BREAKER_PASSING || is_same)
        assert_memory_equal(&after.counts, &before.counts, sizeof after.counts);
    else
        assert_int_equal(after.counts.ok + after.counts.failed + after.counts.consecutive, 0);
    go_round(f, breaker);
    set_policy(breaker, new); /* its own: nothing happens */
    API_VOID(breaker_policy_destroy(new));
    go_round(f, breaker);
    API_VOID(breaker_destroy(breaker));
}

static void test_each_shape_to_each_in_each_state(void **state)
{
    struct fixture *f = *state;

    for (int from = 0; from < SHAPES; from++)
        for (int to = 0; to < SHAPES; to++)
            for (int in = BREAKER_PASSING; in <= BREAKER_RECOVERING; in++)
                exchange(f, from, to, (breaker_state_t)in);
}

/* Back and forth many times, counts and memory with it. */
static void test_to_and_fro(void **state)
{
    struct fixture *f = *state;
    breaker_policy_t *policies[SHAPES];
    breaker_t *breaker = quick_breaker(f, "a");

    for (int i = 0; i < SHAPES; i++)
        policies[i] = policy_of(&shapes[i]);
    for (unsigned i = 0; i < 1000; i++) {
        set_policy(breaker, policies[i * 5 % SHAPES]);
        count_many(breaker, i % 3, BREAKER_SUCCESS);
    }
    for (int i = 0; i < SHAPES; i++)
        API_VOID(breaker_policy_destroy(policies[i]));
    count_many(breaker, 3, BREAKER_FAILURE);
    assert_int_equal(look(breaker).state, BREAKER_BROKEN);
}

/* A BROKEN under way is kept; the next one is the new policy's. */
static void test_a_broken_under_way(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    breaker_options_t options;
    breaker_policy_t *policy;

    count_many(breaker, 3, BREAKER_FAILURE);
    f->clock += 400;
    quick_options(&options);
    options.broken_time = 50;
    policy = make_policy(&options);
    set_policy(breaker, policy);
    API_VOID(breaker_policy_destroy(policy));
    assert_int_equal(breaker_retry_after(breaker), 600);
    f->clock += 600;
    count_one(breaker, BREAKER_FAILURE, UV_EPIPE);
    assert_int_equal(breaker_retry_after(breaker), 50);
}

/* While RECOVERING, to another way to recover. */
static void test_another_recovery(void **state)
{
    struct fixture *f = *state;

    for (int to = BREAKER_SAMPLER; to <= BREAKER_IMMEDIATE; to++) {
        breaker_t *breaker = quick_breaker(f, "a");
        breaker_options_t options;
        breaker_policy_t *policy;

        put_into(f, breaker, BREAKER_RECOVERING);
        quick_options(&options);
        options.recovery = (breaker_recovery_t)to;
        options.recovery_min = 1;
        policy = make_policy(&options);
        set_policy(breaker, policy);
        API_VOID(breaker_policy_destroy(policy));
        f->clock += options.recovery_time;
        count_one(breaker, BREAKER_SUCCESS, 0);
        assert_int_equal(look(breaker).state, BREAKER_PASSING);
        API_VOID(breaker_destroy(breaker));
    }
}

/* Calls that run, and permits, go on; a result is classified by the policy of its moment. */
static void test_with_calls_under_way(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    struct job *job = job_new(f, "job");
    breaker_options_t options;
    breaker_policy_t *policy;
    breaker_permit_t permit;

    job_begin(job, breaker);
    turns(f, 1);
    assert_int_equal(API(breaker_try_acquire(breaker, &permit)), 0);
    quick_options(&options);
    options.buckets = 60;
    policy = make_policy(&options);
    assert_int_equal(API(breaker_policy_exclude(policy, UV_EPIPE)), 0);
    set_policy(breaker, policy);
    API_VOID(breaker_policy_destroy(policy));
    job_finish(job, UV_EPIPE);
    assert_int_equal(API(breaker_report(breaker, &permit, BREAKER_FAILURE, UV_EPIPE)), 0);
    turns(f, 1);
    assert_int_equal(job->call.outcome, BREAKER_IGNORED);
    assert_int_equal(look(breaker).counts.failed, 1);
    assert_int_equal(look(breaker).in_flight, 0);
    expect(f, "start:job | done:job:EPIPE |");
}

static void test_bad_exchanges(void **state)
{
    struct fixture *f = *state;
    breaker_t *breaker = quick_breaker(f, "a");
    breaker_policy_t *policy = breaker_policy(breaker);

    assert_int_equal(API(breaker_set_policy(breaker, NULL)), UV_EINVAL);
    assert_int_equal(API(breaker_set_policy(NULL, policy)), UV_EINVAL);
    set_policy(breaker, policy); /* the one it has, which nobody else holds */
    count_many(breaker, 3, BREAKER_FAILURE);
    assert_int_equal(look(breaker).state, BREAKER_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIRTUAL_TEST(test_each_shape_to_each_in_each_state),
        VIRTUAL_TEST(test_to_and_fro),
        VIRTUAL_TEST(test_a_broken_under_way),
        VIRTUAL_TEST(test_another_recovery),
        VIRTUAL_TEST(test_with_calls_under_way),
        VIRTUAL_TEST(test_bad_exchanges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
