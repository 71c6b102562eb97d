/* The hash of names: what SipHash-1-3 says of some, and that the key decides which names collide. */
#include "hash.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static uint64_t hash(uint64_t low, uint64_t high, const char *name)
{
    return hash_of(&(struct hash_key){low, high}, name, strlen(name));
}

/* Lengths on both sides of a word, and of two. */
static void known_answers(void **state)
{
    (void)state;
    assert_true(hash(UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908), "") ==
                UINT64_C(0xabac0158050fc4dc));
    assert_true(hash(0, 0, "a") == UINT64_C(0x407448d2b89b1813));
    assert_true(hash(0, 0, "host-1") == UINT64_C(0x618512b77f8c74ad));
    assert_true(hash(0, 0, "api.example") == UINT64_C(0x0dba4a6e6f42b1a0));
    assert_true(hash(0, 0, "0123456789abcdef") == UINT64_C(0x1d42b30f7e060c24));
    assert_true(hash(0, 0, "host-000001.example") == UINT64_C(0x4ef4b0bb1d5e1ea4));
}

static void every_bit_of_the_key_counts(void **state)
{
    uint64_t plain = hash(0, 0, "api.example");

    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        assert_true(hash(UINT64_C(1) << bit, 0, "api.example") != plain);
        assert_true(hash(0, UINT64_C(1) << bit, "api.example") != plain);
    }
}

enum { NAMES = 4096, CHAINS = 256, FULL = 64 };

static unsigned count_in_chain(uint64_t key, uint64_t chain, char (*names)[16], unsigned count)
{
    unsigned found = 0;

    for (unsigned i = 0; i < count; i++)
        found += hash(key, 0, names[i]) % CHAINS == chain;
    return found;
}

/* Names that were made to fall into one chain under one key are spread under another. */
static void prepared_collisions_are_spread(void **state)
{
    static char names[NAMES][16];
    unsigned count = 0;

    (void)state;
    for (unsigned i = 0; count < NAMES; i++) {
        snprintf(names[count], sizeof names[count], "%u", i);
        count += hash(1, 0, names[count]) % CHAINS == 0;
    }
    assert_int_equal(count_in_chain(1, 0, names, NAMES), NAMES);
    for (uint64_t chain = 0; chain < CHAINS; chain++)
        assert_in_range(count_in_chain(2, chain, names, NAMES), 0, FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(every_bit_of_the_key_counts),
        cmocka_unit_test(prepared_collisions_are_spread),
    };

    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
