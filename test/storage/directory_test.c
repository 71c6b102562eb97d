/* The example of a storage of one's own conforms. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "conformance.h"
#include "directory_storage.h"
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

static int make(void *data, breaker_storage_t **storage)
{
    char *path = data;
    strcpy(path, "/tmp/breaker-directory-XXXXXX");
    return mkdtemp(path) != NULL ? directory_storage_create(storage, path) : UV_EIO;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
    (void)stat;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void destroy(void *data, breaker_storage_t *storage)
{
    directory_storage_destroy(storage);
    assert_int_equal(nftw(data, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void conforms(void **state)
{
    char path[64];
    struct conformance_subject subject = {
        .name = "directory", .data = path, .make = make, .destroy = destroy};
    (void)state;
    assert_int_equal(breaker_storage_conformance(&subject), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conforms),
    };
    return cmocka_run_group_tests_name("directory", tests, NULL, NULL);
}
