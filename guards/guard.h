/* What the guards have in common: from the call to the request around it, and whether a loop is the
 * panel's. Everything else they use is public, so that the next guard can be written anywhere. */
#ifndef GUARD_H
#define GUARD_H

#include <breaker.h>
#include <stdbool.h>
#include <stddef.h>

#define GUARD_OF(type, member, pointer) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline bool guard_is_on(const breaker_t *breaker, const struct uv_loop_s *loop)
{
    return breaker != NULL && loop != NULL && breaker_panel_loop(breaker_panel(breaker)) == loop;
}

#endif /* GUARD_H */
