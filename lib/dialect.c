/* What each dialect alone can tell of its circuit. */
#include "circuit/dialects/aiomisc.h"
#include "circuit/dialects/lasier.h"
#include "circuit/dialects/pybreaker.h"
#include "circuit/dialects/requests.h"
#include "panel.h"

static bool speaks(const breaker_t *breaker, const struct dialect *dialect)
{
    return breaker != NULL && breaker->policy->dialect == dialect;
}

int breaker_aiomisc_inspect(const breaker_t *breaker, breaker_aiomisc_snapshot_t *snapshot)
{
    if (snapshot == NULL || !speaks(breaker, &aiomisc_dialect))
        return UV_EINVAL;
    aiomisc_inspect(breaker_tail(breaker), breaker->policy->dialect_rules,
                    panel_now(breaker->panel), snapshot);
    return 0;
}

int breaker_pybreaker_inspect(const breaker_t *breaker, breaker_pybreaker_snapshot_t *snapshot)
{
    if (snapshot == NULL || !speaks(breaker, &pybreaker_dialect))
        return UV_EINVAL;
    pybreaker_inspect(breaker_tail(breaker), breaker->policy->dialect_rules,
                      panel_wall(breaker->panel), snapshot);
    return 0;
}

int breaker_lasier_inspect(const breaker_t *breaker, breaker_lasier_snapshot_t *snapshot)
{
    if (snapshot == NULL || !speaks(breaker, &lasier_dialect))
        return UV_EINVAL;
    lasier_inspect(breaker_tail(breaker), panel_now(breaker->panel), snapshot);
    return 0;
}

int breaker_requests_inspect(const breaker_t *breaker, breaker_requests_snapshot_t *snapshot)
{
    if (snapshot == NULL || !speaks(breaker, &requests_dialect))
        return UV_EINVAL;
    requests_inspect(breaker_tail(breaker), breaker->policy->dialect_rules,
                     panel_wall(breaker->panel), snapshot);
    return 0;
}
