/* Options, checked once and shared by many breakers, and what a status means under them. */
#include "memory.h"
#include "panel.h"
#include <string.h>

void breaker_options_init_sized(breaker_options_t *options, size_t size)
{
    breaker_options_t defaults;

    if (options == NULL)
        return;
    rules_defaults(&defaults);
    defaults.size = size;
    memcpy(options, &defaults, size < sizeof defaults ? size : sizeof defaults);
}

/* Of the options themselves, a dialect uses only what concerns calls. */
static const char *dialect_fault(const breaker_options_t *options)
{
    const struct dialect *dialect = dialect_find(options->dialect);
    const char *fault = rules_call_fault(options);

    if (fault != NULL)
        return fault;
    if (dialect == NULL)
        return "dialect";
    return dialect->check(options->dialect, &fault) == 0 ? NULL : fault;
}

static const char *take_options(breaker_options_t *taken, const breaker_options_t *options)
{
    rules_defaults(taken);
    if (options == NULL)
        return NULL;
    if (options->size != sizeof *taken)
        return "size";
    *taken = *options;
    return taken->dialect != NULL ? dialect_fault(taken) : rules_fault(taken);
}

static int keep_dialect(breaker_policy_t *policy, const breaker_dialect_t *options)
{
    if (options == NULL)
        return 0;
    policy->dialect = dialect_find(options);
    policy->dialect_rules = memory_zeroed(policy->dialect->rules_size(options));
    if (policy->dialect_rules == NULL)
        return UV_ENOMEM;
    policy->dialect->rules_make(policy->dialect_rules, options);
    return 0;
}

static bool is_plain(const breaker_policy_t *policy)
{
    return policy->excluded_count == 0 && policy->rules.options.classify == NULL &&
           policy->dialect == NULL;
}

int breaker_policy_create(breaker_policy_t **policy, const breaker_options_t *options,
                          const char **bad_field)
{
    breaker_options_t taken;
    const char *fault;
    breaker_policy_t *made;

    if (policy == NULL)
        return UV_EINVAL;
    *policy = NULL;
    fault = take_options(&taken, options);
    if (bad_field != NULL)
        *bad_field = fault;
    if (fault != NULL)
        return UV_EINVAL;
    made = memory_zeroed(sizeof *made);
    if (made == NULL || keep_dialect(made, taken.dialect) != 0) {
        memory_release(made);
        return UV_ENOMEM;
    }
    atomic_init(&made->refs, 1);
    rules_make(&made->rules, &taken);
    made->rules.options.dialect = NULL; /* the copy is ours */
    made->is_plain = is_plain(made);
    *policy = made;
    return 0;
}

void policy_ref(breaker_policy_t *policy)
{
    atomic_fetch_add_explicit(&policy->refs, 1, memory_order_relaxed);
}

void policy_unref(breaker_policy_t *policy)
{
    if (atomic_fetch_sub_explicit(&policy->refs, 1, memory_order_acq_rel) != 1)
        return;
    memory_release(policy->excluded);
    memory_release(policy->dialect_rules);
    memory_release(policy);
}

void breaker_policy_destroy(breaker_policy_t *policy)
{
    if (policy != NULL)
        policy_unref(policy);
}

/* ---- Statuses ----------------------------------------------------------------------------------*/

/* Where the status is in the sorted list, or belongs. */
static size_t place_of(const breaker_policy_t *policy, int status)
{
    size_t low = 0, high = policy->excluded_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (policy->excluded[middle] < status)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_excluded(const breaker_policy_t *policy, int status)
{
    size_t place = place_of(policy, status);
    return place < policy->excluded_count && policy->excluded[place] == status;
}

int breaker_policy_exclude(breaker_policy_t *policy, int status)
{
    size_t place;
    int *grown;

    if (policy == NULL)
        return UV_EINVAL;
    if (is_excluded(policy, status))
        return 0;
    grown = memory_reallocate(policy->excluded,
                              (policy->excluded_count + 1) * sizeof *policy->excluded);
    if (grown == NULL)
        return UV_ENOMEM;
    policy->excluded = grown;
    place = place_of(policy, status);
    memmove(grown + place + 1, grown + place, (policy->excluded_count - place) * sizeof *grown);
    grown[place] = status;
    policy->excluded_count++;
    policy->is_plain = false;
    return 0;
}

int breaker_policy_include(breaker_policy_t *policy, int status)
{
    size_t place;

    if (policy == NULL)
        return UV_EINVAL;
    if (!is_excluded(policy, status))
        return UV_ENOENT;
    place = place_of(policy, status);
    policy->excluded_count--;
    memmove(policy->excluded + place, policy->excluded + place + 1,
            (policy->excluded_count - place) * sizeof *policy->excluded);
    policy->is_plain = is_plain(policy);
    return 0;
}

static breaker_outcome_t classify_plainly(int status)
{
    if (status >= 0)
        return BREAKER_SUCCESS;
    return status == UV_ECANCELED ? BREAKER_CANCELLED : BREAKER_FAILURE;
}

breaker_outcome_t policy_classify_by_rules(const breaker_policy_t *policy, int status)
{
    const breaker_options_t *o = &policy->rules.options;
    breaker_outcome_t outcome;

    if (policy->excluded_count > 0 && is_excluded(policy, status))
        return o->excluded_outcome;
    if (o->classify == NULL && policy->dialect != NULL && policy->dialect->classify != NULL)
        return policy->dialect->classify(policy->dialect_rules, status);
    if (o->classify == NULL)
        return classify_plainly(status);
    outcome = o->classify(o->classify_data, status);
    return outcome >= BREAKER_SUCCESS && outcome <= BREAKER_CANCELLED ? outcome : BREAKER_FAILURE;
}
