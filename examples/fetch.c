/* Fetches a list of URLs, guarded, with a breaker for each host: when a host has failed often
 * enough its other URLs are not tried, and the rest goes on at full speed. Some are under way at
 * once; a line for each that ends, and a table at the end.
 *
 *     fetch [FILE]     one URL a line, from FILE or the standard input; none for blank and #
 *
 * Answers 0 when every host is well, 1 when one was given up, 2 for wrong usage or a list that cannot
 * be read.
 */
#include <breaker.h>
#include <breaker/curl.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { AT_ONCE = 8, LINE_LIMIT = 4096 };

static breaker_panel_t *panel;
static breaker_curl_t *client;
static struct {
    uv_file file;
    uv_fs_t request;
    char text[LINE_LIMIT + 1]; /* what was read and is still to be fetched */
    size_t length;
    bool is_being_read, is_over, is_broken;
    bool is_cut; /* what comes up to the end of the line belongs to one that was too long */
} list;
static unsigned under_way, ended, tried, fetched, failed, refused;
static size_t bytes;

/* ---- One URL ----------------------------------------------------------------------------------*/

static size_t count_bytes(char *text, size_t one, size_t size, void *data)
{
    (void)text;
    (void)one;
    *(size_t *)data += size;
    return size;
}

static void fetch_more(void);

static void done(CURL *easy, const breaker_curl_result_t *result)
{
    char *url = NULL;
    size_t *size = NULL;

    curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &size);
    under_way--;
    ended++;
    if (result->refused) {
        refused++;
        printf("%4u  refused  %s (again in %u ms)\n", ended, url, (unsigned)result->retry_after);
    } else if (result->status < 0) {
        failed++;
        printf("%4u  failed   %s: %s\n", ended, url,
               result->code != CURLE_OK ? curl_easy_strerror(result->code)
                                        : breaker_strerror(result->status));
    } else {
        if (result->outcome == BREAKER_FAILURE)
            failed++;
        else
            fetched++;
        bytes += *size;
        printf("%4u  %-7ld  %s, %zu bytes\n", ended, result->response, url, *size);
    }
    fflush(stdout);
    curl_easy_cleanup(easy);
    free(size);
    fetch_more();
}

static void fetch(const char *url)
{
    CURL *easy = curl_easy_init();
    size_t *size = calloc(1, sizeof *size);
    const breaker_curl_sinks_t sinks = {.write = count_bytes, .write_data = size};
    int status = UV_ENOMEM;

    tried++;
    if (easy != NULL && size != NULL) {
        curl_easy_setopt(easy, CURLOPT_URL, url);
        curl_easy_setopt(easy, CURLOPT_PRIVATE, size);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        status = breaker_curl_perform_into(client, easy, &sinks, done);
    }
    if (status == 0) {
        under_way++;
        return;
    }
    printf("%4u  skipped  %s: %s\n", ++ended, url, breaker_strerror(status));
    curl_easy_cleanup(easy);
    free(size);
}

/* ---- All of them: libuv reads the list, so that one that comes slowly holds up nothing ---------*/

/* False: there is no whole line. */
static bool fetch_line(void)
{
    char *end = memchr(list.text, '\n', list.length);
    size_t length = end != NULL ? (size_t)(end - list.text) : list.length;
    size_t taken = length + (end != NULL);

    if (taken == 0 || (end == NULL && length < LINE_LIMIT && !list.is_over))
        return false;
    list.text[length] = '\0';
    list.text[strcspn(list.text, " \t\r")] = '\0';
    if (!list.is_cut && length == LINE_LIMIT) {
        tried++;
        printf("%4u  skipped  a line of %d bytes or more\n", ++ended, LINE_LIMIT);
    } else if (!list.is_cut && list.text[0] != '\0' && list.text[0] != '#') {
        fetch(list.text);
    }
    list.is_cut = end == NULL;
    list.length -= taken;
    memmove(list.text, list.text + taken, list.length);
    return true;
}

static void was_read(uv_fs_t *request)
{
    ssize_t length = request->result;

    uv_fs_req_cleanup(request);
    list.is_being_read = false;
    list.is_over = length <= 0;
    list.is_broken = length < 0;
    if (length > 0)
        list.length += (size_t)length;
    if (length < 0)
        fprintf(stderr, "fetch: cannot read the list: %s\n", uv_strerror((int)length));
    fetch_more();
}

static void fetch_more(void)
{
    uv_buf_t room;

    while (under_way < AT_ONCE && fetch_line())
        ;
    if (under_way == AT_ONCE || list.is_being_read || list.is_over)
        return;
    room = uv_buf_init(list.text + list.length, (unsigned)(LINE_LIMIT - list.length));
    list.is_being_read = true;
    uv_fs_read(uv_default_loop(), &list.request, list.file, &room, 1, -1, was_read);
}

static int print_row(void *data, breaker_t *breaker)
{
    breaker_snapshot_t now;

    breaker_inspect(breaker, &now);
    printf("%-40s %-10s %6u %6u %8u\n", breaker_name(breaker), breaker_state_name(now.state),
           (unsigned)now.totals.ok, (unsigned)now.totals.failed, (unsigned)now.totals.rejected);
    *(int *)data |= now.state != BREAKER_PASSING;
    return 0;
}

static int print_table(void)
{
    int is_sick = 0;

    printf("\n%-40s %-10s %6s %6s %8s\n", "host", "state", "ok", "failed", "refused");
    breaker_each(panel, print_row, &is_sick);
    printf("\n%u URLs: %u fetched, %u failed, %u refused, %zu bytes\n", tried, fetched, failed,
           refused, bytes);
    return is_sick;
}

static void end_panel(void *data)
{
    (void)data;
    breaker_panel_destroy(panel, NULL);
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    breaker_options_t options;
    breaker_curl_options_t curl_options;
    breaker_policy_t *policy;
    int is_sick;

    list.file = argc == 2 ? open(argv[1], O_RDONLY) : 0;
    if (argc > 2 || list.file < 0) {
        fprintf(stderr, "usage: fetch [FILE]\n");
        return 2;
    }
    breaker_options_init(&options);
    options.consecutive_failures = 3;
    options.timeout = 10000; /* for each hop */
    breaker_curl_options_init(&curl_options);
    curl_options.max_redirects = 5;
    curl_options.refusal = BREAKER_CURL_ERROR;
    curl_options.retry_after_limit = 60000;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        breaker_policy_create(&policy, &options, NULL) != 0 ||
        breaker_panel_create(&panel, loop, NULL) != 0)
        return 2;
    curl_options.hosts = policy;
    if (breaker_curl_create(&client, panel, &curl_options) != 0)
        return 2;

    fetch_more();
    uv_run(loop, UV_RUN_DEFAULT); /* until all are fetched */
    is_sick = print_table();

    breaker_curl_destroy(client, end_panel, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    breaker_policy_destroy(policy);
    curl_global_cleanup();
    return uv_loop_close(loop) != 0 || list.is_broken ? 2 : is_sick;
}
