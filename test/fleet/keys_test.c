/* The keys of a shared circuit: names of any bytes, each with a hash tag that a cluster takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "circuit/fleet/keys.h"
#include <cmocka.h>
#include <string.h>

static uint16_t key_of(const char *name, char *key)
{
    struct fleet_world world = {.name = name, .name_length = (uint8_t)strlen(name)};

    return keys_bell(key, &world);
}

/* Redis' rule: what is between the first brace and the next closing one, if that is anything. */
static size_t tag_of(const char *key, size_t length)
{
    const char *begin = memchr(key, '{', length), *end;

    if (begin == NULL)
        return 0;
    end = memchr(begin, '}', length - (size_t)(begin - key));
    return end == NULL ? 0 : (size_t)(end - begin) - 1;
}

static void any_name_has_its_key(void **state)
{
    static const char *const names[] = {"api", "}",   "}x", ":",          ":}",    "::", "{",
                                        "{}",  "a}b", "%",  "\xc3\xa4\n", "}:1:n", ":a", "x:1:n"};
    char longest[BREAKER_NAME_MAX + 1], name[BREAKER_NAME_MAX + 1], key[KEYS_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        uint16_t length = key_of(names[i], key);
        assert_true(tag_of(key, length) > 0);
        assert_true(keys_name_of_bell(key, length, name));
        assert_string_equal(name, names[i]);
    }
    memset(longest, '}', BREAKER_NAME_MAX);
    longest[BREAKER_NAME_MAX] = '\0';
    assert_true(keys_name_of_bell(key, key_of(longest, key), name));
    assert_string_equal(name, longest);
}

static void other_keys_are_nobodys(void **state)
{
    static const char *const keys[] = {"",        "{",       "}:1:n",   "{}:1:n",
                                       "{a}:2:n", "{a}:1:r", "a}:1:n{", "x{a}:1:n"};
    char name[BREAKER_NAME_MAX + 1], key[BREAKER_NAME_MAX + 16];

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_false(keys_name_of_bell(keys[i], strlen(keys[i]), name));
    key[0] = '{';
    memset(key + 1, 'a', BREAKER_NAME_MAX + 1);
    memcpy(key + 2 + BREAKER_NAME_MAX, "}:1:n", 5);
    assert_false(keys_name_of_bell(key, BREAKER_NAME_MAX + 7, name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_name_has_its_key),
        cmocka_unit_test(other_keys_are_nobodys),
    };

    return cmocka_run_group_tests_name("fleet keys", tests, NULL, NULL);
}
