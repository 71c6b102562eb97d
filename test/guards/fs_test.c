/* Guarded files: on a disk that is well, full or away, and in a pool that has no room. */
#include "peer.h"
#include <breaker/uv.h>
#include <errno.h>
#include <fcntl.h>
#include <fixture.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct file {
    breaker_uv_fs_t fs;
    struct fixture *f;
    breaker_t *disk;
    ssize_t result;
    uint64_t size; /* as stat says */
    bool is_over;
};

static void file_done(uv_fs_t *req)
{
    struct file *file = req->data;

    not_inside();
    file->result = req->result;
    file->is_over = true;
    file->size = req->statbuf.st_size;
    uv_fs_req_cleanup(req);
}

static void file_begin(struct file *file, struct fixture *f, breaker_t *disk)
{
    memset(file, 0, sizeof *file);
    breaker_uv_init(&file->fs);
    file->fs.req.data = file;
    file->f = f;
    file->disk = disk;
}

static ssize_t wait_for(struct file *file, int status)
{
    assert_int_equal(status, 0);
    assert_false(file->is_over);
    while (!file->is_over)
        uv_run(&file->f->loop, UV_RUN_ONCE);
    file->is_over = false;
    return file->result;
}

#define DO(operation, ...)                                                                    \
    wait_for(&file, API(breaker_uv_fs_##operation(file.disk, &f->loop, &file.fs, __VA_ARGS__, \
                                                  file_done)))

static void all_operations(void **state)
{
    struct fixture *f = *state;
    struct file file;
    char directory[] = "/tmp/breaker-guard-XXXXXX", one[64], two[64], inside[64], text[8] = "";
    uv_buf_t out = uv_buf_init((char *)(uintptr_t) "hello, world", 12), in = uv_buf_init(text, 5);
    int fd;

    file_begin(&file, f, quick_breaker(f, "disk"));
    assert_non_null(mkdtemp(directory));
    snprintf(one, sizeof one, "%s/one", directory);
    snprintf(two, sizeof two, "%s/two", directory);
    snprintf(inside, sizeof inside, "%s/inside", directory);
    fd = (int)DO(open, one, O_RDWR | O_CREAT, 0600);
    assert_true(fd > 0);
    assert_int_equal(DO(write, fd, &out, 1, 0), 12);
    assert_int_equal(DO(ftruncate, fd, 5), 0);
    assert_int_equal(DO(fsync, fd), 0);
    assert_int_equal(DO(read, fd, &in, 1, 0), 5);
    assert_string_equal(text, "hello");
    assert_int_equal(DO(fstat, fd), 0);
    assert_int_equal(DO(close, fd), 0);
    assert_int_equal(DO(rename, one, two), 0);
    assert_int_equal(DO(copyfile, two, one, 0), 0);
    assert_int_equal(DO(copyfile, two, one, UV_FS_COPYFILE_EXCL), UV_EEXIST);
    assert_int_equal(DO(stat, one), 0);
    assert_int_equal(file.size, 5);
    assert_int_equal(DO(lstat, one), 0);
    assert_int_equal(DO(access, one, R_OK), 0);
    assert_int_equal(DO(mkdir, inside, 0700), 0);
    assert_int_equal(DO(scandir, directory, 0), 3);
    assert_int_equal(DO(rmdir, inside), 0);
    assert_int_equal(DO(unlink, one), 0);
    assert_int_equal(DO(unlink, two), 0);
    assert_int_equal(DO(stat, two), UV_ENOENT);
    assert_int_equal(look(file.disk).totals.ok, 19); /* that there is no such file is well said */
    assert_int_equal(look(file.disk).totals.failed, 0);
    rmdir(directory);
}

static void a_full_disk_is_a_failure(void **state)
{
    struct fixture *f = *state;
    struct file file;
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t) "text", 4);
    int fd;

    if (access("/dev/full", W_OK) != 0)
        skip();
    file_begin(&file, f, quick_breaker(f, "disk"));
    fd = (int)DO(open, "/dev/full", O_WRONLY, 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(DO(write, fd, &buffer, 1, -1), UV_ENOSPC);
    assert_int_equal(DO(write, fd, &buffer, 1, -1), BREAKER_EREJECTED);
    assert_int_equal(look(file.disk).totals.failed, 3);
    close(fd);
}

static int begin_mkdtemp(breaker_uv_fs_t *request)
{
    return uv_fs_mkdtemp(request->guard.loop, &request->req, "/nonexistent/XXXXXX",
                         breaker_uv_fs_over);
}

static int begin_badly(breaker_uv_fs_t *request)
{
    (void)request;
    return UV_EINVAL;
}

static void an_operation_of_ones_own(void **state)
{
    struct fixture *f = *state;
    struct file file;
    breaker_t *disk = quick_breaker(f, "disk");

    file_begin(&file, f, disk);
    assert_int_equal(
        wait_for(&file, API(breaker_uv_fs(disk, &f->loop, &file.fs, begin_mkdtemp, file_done))),
        UV_ENOENT);
    assert_int_equal(
        wait_for(&file, API(breaker_uv_fs(disk, &f->loop, &file.fs, begin_badly, file_done))),
        UV_EINVAL);
    assert_int_equal(look(disk).totals.failed, 0);
}

/* ---- Which errors are the file system's trouble -----------------------------------------------*/

static int says; /* the error that the next operation begins, or ends, with */

static int begin_with_it(breaker_uv_fs_t *request)
{
    (void)request;
    return says;
}

static int end_with_it(breaker_uv_fs_t *request)
{
    request->req.result = says;
    breaker_uv_fs_over(&request->req);
    return 0;
}

static void says_it(struct file *file, breaker_outcome_t outcome)
{
    static int (*const ways[])(breaker_uv_fs_t *) = {begin_with_it, end_with_it};

    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(wait_for(file, API(breaker_uv_fs(file->disk, &file->f->loop, &file->fs,
                                                          ways[i], file_done))),
                         says);
        assert_int_equal(file->fs.call.outcome, outcome);
    }
}

static void the_table_of_troubles(void **state)
{
    static const int troubles[] = {
        UV_EIO,       UV_ENOSPC,       UV_EROFS,    UV_ETIMEDOUT,  UV_EMFILE,
        UV_ENFILE,    UV_ENOMEM,       UV_ENXIO,    UV_ENODEV,     -EDQUOT,
        UV_EHOSTDOWN, UV_EHOSTUNREACH, UV_ENOTCONN, UV_ECONNRESET, -ESTALE,
    };
    static const int others[] = {
        UV_ENOENT, UV_EACCES,    UV_EPERM, UV_EEXIST,  UV_ENOTDIR,
        UV_EISDIR, UV_ENOTEMPTY, UV_EBADF, UV_EINVAL,  UV_ENAMETOOLONG,
        UV_ELOOP,  UV_EXDEV,     UV_EBUSY, UV_ETXTBSY, UV_EFBIG,
    };
    struct fixture *f = *state;
    struct file file;

    file_begin(&file, f, quick_breaker(f, "disk"));
    for (unsigned i = 0; i < sizeof troubles / sizeof *troubles; i++) {
        says = troubles[i];
        says_it(&file, BREAKER_FAILURE);
        breaker_reset(file.disk, NULL, NULL);
    }
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++) {
        says = others[i];
        says_it(&file, BREAKER_SUCCESS);
    }
    assert_int_equal(look(file.disk).totals.failed, 2 * sizeof troubles / sizeof *troubles);
}

/* ---- Files in trouble -------------------------------------------------------------------------*/

static void files_in_a_full_pool(void **state)
{
    struct fixture *f = *state;
    breaker_t *disk = quick_breaker(f, "disk");
    struct plug plug;
    struct file slow, given_up;

    file_begin(&slow, f, disk);
    file_begin(&given_up, f, disk);
    plug_in(&plug, &f->loop);
    slow.fs.call.timeout = 20;
    assert_int_equal(API(breaker_uv_fs_stat(disk, &f->loop, &slow.fs, "/", file_done)), 0);
    assert_int_equal(API(breaker_uv_fs_stat(disk, &f->loop, &given_up.fs, "/", file_done)), 0);
    settle_down(f);
    assert_int_equal(API(breaker_uv_fs_stat(disk, &f->loop, &given_up.fs, "/", file_done)),
                     UV_EBUSY);
    assert_int_equal(API(breaker_uv_cancel(&given_up.fs)), 0);
    while (!slow.is_over || !given_up.is_over)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(slow.result, UV_ETIMEDOUT);
    assert_int_equal(given_up.result, UV_ECANCELED);
    plug_draw(&plug);
    run_out(f);
    assert_int_equal(look(disk).totals.timed_out, 1);
    assert_int_equal(look(disk).totals.cancelled, 1);
}

/* A fifo that nobody writes to: the open hangs in its thread until somebody does. */
static void a_disk_that_hangs(void **state)
{
    struct fixture *f = *state;
    breaker_t *disk = quick_breaker(f, "disk");
    struct file file;
    char name[] = "/tmp/breaker-guard-XXXXXX";
    int fd;

    close(mkstemp(name));
    unlink(name);
    assert_int_equal(mkfifo(name, 0600), 0);
    file_begin(&file, f, disk);
    file.fs.call.timeout = 20;
    assert_int_equal(
        API(breaker_uv_fs_open(disk, &f->loop, &file.fs, name, O_RDONLY, 0, file_done)), 0);
    while (look(disk).totals.timed_out == 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    settle_down(f);
    if (!file.is_over) { /* a thread had begun it: the true result, to be closed */
        fd = open(name, O_WRONLY);
        run_out(f);
        assert_true(file.is_over);
        close(fd);
        if (file.result >= 0)
            close((int)file.result);
    }
    assert_int_equal(file.fs.call.outcome, BREAKER_FAILURE);
    unlink(name);
}

/* ---- Ended in one turn of the loop with what gives it up --------------------------------------*/

/* An open that has ended in its thread, and a stat before it in whose callback it is given up. */
struct race {
    struct file file;
    uv_fs_t before;
    uv_prepare_t pause;
    bool destroys;
};

static void give_up(uv_fs_t *req)
{
    struct race *race = req->data;

    if (race->destroys)
        API_VOID(breaker_destroy(race->file.disk));
    else
        API(breaker_uv_cancel(&race->file.fs));
    uv_fs_req_cleanup(req);
}

/* The loop is here before it polls: both end meanwhile, and are told in one turn. */
static void pause_here(uv_prepare_t *pause)
{
    uv_sleep(50);
    uv_close((uv_handle_t *)pause, NULL);
}

static void give_up_what_has_ended(struct fixture *f, bool destroys)
{
    breaker_t *disk = quick_breaker(f, "disk");
    struct race race = {.destroys = destroys};

    file_begin(&race.file, f, disk);
    race.before.data = &race;
    uv_prepare_init(&f->loop, &race.pause);
    uv_prepare_start(&race.pause, pause_here);
    assert_int_equal(uv_fs_stat(&f->loop, &race.before, "/", give_up), 0);
    assert_int_equal(
        API(breaker_uv_fs_open(disk, &f->loop, &race.file.fs, "/dev/null", O_RDONLY, 0, file_done)),
        0);
    run_out(f);
    assert_true(race.file.is_over);
    assert_true(race.file.result >= 0); /* it is open, whoever gave up */
    assert_int_equal(close((int)race.file.result), 0);
    if (!destroys)
        API_VOID(breaker_destroy(disk));
}

static void what_was_opened_is_told(void **state)
{
    give_up_what_has_ended(*state, false);
    give_up_what_has_ended(*state, true);
}

/* No thread and no libuv had it: the request is as it was, and says what happened. */
static void given_up_before_the_start(void **state)
{
    struct fixture *f = *state;
    breaker_t *disk = quick_breaker(f, "disk");
    struct file file;

    file_begin(&file, f, disk);
    assert_int_equal(API(breaker_uv_fs_stat(disk, &f->loop, &file.fs, "/", file_done)), 0);
    assert_int_equal(API(breaker_uv_cancel(&file.fs)), 0);
    run_out(f);
    assert_int_equal(file.result, UV_ECANCELED);
    file.is_over = false;
    assert_int_equal(
        wait_for(&file, API(breaker_uv_fs_stat(disk, &f->loop, &file.fs, "/tmp", file_done))), 0);
}

static void misuse_of_files(void **state)
{
    struct fixture *f = *state;
    breaker_t *disk = quick_breaker(f, "disk");
    uv_loop_t *loop = &f->loop;
    uv_buf_t buffer = uv_buf_init(NULL, 0);
    struct file file;
    breaker_uv_fs_t *fs = &file.fs;

    file_begin(&file, f, disk);
#define REFUSED(call) assert_int_equal(API(call), UV_EINVAL)
    REFUSED(breaker_uv_fs_open(NULL, loop, fs, "/", O_RDONLY, 0, file_done));
    REFUSED(breaker_uv_fs_open(disk, NULL, fs, "/", O_RDONLY, 0, file_done));
    REFUSED(breaker_uv_fs_open(disk, loop, NULL, "/", O_RDONLY, 0, file_done));
    REFUSED(breaker_uv_fs_open(disk, loop, fs, "/", O_RDONLY, 0, NULL));
    REFUSED(breaker_uv_fs_open(disk, loop, fs, NULL, O_RDONLY, 0, file_done));
    REFUSED(breaker_uv_fs_stat(disk, loop, fs, NULL, file_done));
    REFUSED(breaker_uv_fs_rename(disk, loop, fs, NULL, "/", file_done));
    REFUSED(breaker_uv_fs_rename(disk, loop, fs, "/", NULL, file_done));
    REFUSED(breaker_uv_fs_copyfile(disk, loop, fs, "/", NULL, 0, file_done));
    REFUSED(breaker_uv_fs_read(disk, loop, fs, 0, NULL, 1, 0, file_done));
    REFUSED(breaker_uv_fs_write(disk, loop, fs, 0, &buffer, 0, 0, file_done));
    REFUSED(breaker_uv_fs(disk, loop, fs, NULL, file_done));
    run_out(f);
    assert_false(file.is_over);
    assert_int_equal(look(disk).totals.admitted, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(all_operations),           REAL_TEST(a_full_disk_is_a_failure),
        REAL_TEST(an_operation_of_ones_own), REAL_TEST(the_table_of_troubles),
        REAL_TEST(files_in_a_full_pool),     REAL_TEST(a_disk_that_hangs),
        REAL_TEST(what_was_opened_is_told),  REAL_TEST(given_up_before_the_start),
        REAL_TEST(misuse_of_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
