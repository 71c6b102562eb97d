/* How a requests breaker registers itself where its peers do: its parameters in a record, its name in
 * the set of all breakers. Nothing of it is ever read back. */
#include "requests.h"
#include <math.h>

enum { NUMBER = 24, MILLION = 1000000 };

static void put_number(struct talk *talk, struct talk_key key, const char *name, int64_t number)
{
    char text[NUMBER];

    text[talk_print(text, number)] = '\0';
    talk_field(talk, key, name, text);
}

/* 10, 12.5: to six decimals. */
static void put_ratio(struct talk *talk, struct talk_key key, const char *name, double ratio)
{
    char text[NUMBER];
    int64_t millionths = llround((ratio < 1e9 ? ratio : 999999999) * MILLION);
    uint16_t length = talk_print(text, millionths / MILLION);
    int64_t rest = millionths % MILLION;

    if (rest > 0)
        text[length++] = '.';
    for (int64_t unit = MILLION / 10; rest > 0; unit /= 10) {
        text[length++] = (char)('0' + rest / unit);
        rest %= unit;
    }
    text[length] = '\0';
    talk_field(talk, key, name, text);
}

void requests_register(const struct requests *c, const breaker_requests_t *rules, struct talk *talk)
{
    static const char all[] = "all_breakers";
    struct talk_key config = c->keys[REQUESTS_CONFIG];

    put_number(talk, config, "ttl", (int64_t)(rules->ttl / 1000));
    put_ratio(talk, config, "percent_failed", rules->percent_failed);
    put_number(talk, config, "re_enable_after_seconds",
               (int64_t)(rules->re_enable_after_seconds / 1000));
    put_number(talk, config, "minimum_failures", rules->minimum_failures);
    talk_field(talk, config, "type", "PercentCB");
    if (c->keys[REQUESTS_TRIP].length <= BREAKER_VALUE_MAX)
        talk_member(talk, (struct talk_key){all, sizeof all - 1}, c->keys[REQUESTS_TRIP]);
}
