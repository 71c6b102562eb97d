/* The options of the Redis storage, checked and copied. */
#ifndef REDIS_SETTINGS_H
#define REDIS_SETTINGS_H

#include <breaker/redis.h>

struct redis_tls;

struct redis_settings {
    breaker_redis_options_t options; /* its strings are copies, or NULL */
    size_t prefix_length;
    struct redis_tls *tls; /* NULL: plain */
};

int redis_settings_make(struct redis_settings *settings, const breaker_redis_options_t *options,
                        const char **bad_field);
void redis_settings_free(struct redis_settings *settings);

#endif /* REDIS_SETTINGS_H */
