/* Fetches a list of URLs, guarded, with a breaker for each host: when a host has failed often
 * enough its other URLs are not tried, and the rest goes on at full speed. Some are under way at
 * once; a line for each that ends, and a table at the end.
 *
 *     fetch [FILE]     one URL a line, from FILE or the standard input; none for blank and #
 *
 * Answers 0 when every host is well, 1 when one was given up, 2 for wrong usage.
 */
#include <breaker.h>
#include <breaker/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { AT_ONCE = 8 };

static breaker_panel_t *panel;
static breaker_curl_t *client;
static FILE *list;
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

/* ---- All of them ------------------------------------------------------------------------------*/

static void fetch_more(void)
{
    char line[4096];

    while (under_way < AT_ONCE && fgets(line, sizeof line, list) != NULL) {
        line[strcspn(line, " \t\r\n")] = '\0';
        if (line[0] != '\0' && line[0] != '#')
            fetch(line);
    }
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

    list = argc == 2 ? fopen(argv[1], "r") : stdin;
    if (argc > 2 || list == NULL) {
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
    uv_run(loop, UV_RUN_DEFAULT); /* until nothing is under way */
    is_sick = print_table();

    breaker_curl_destroy(client, end_panel, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    breaker_policy_destroy(policy);
    curl_global_cleanup();
    if (list != stdin)
        fclose(list);
    return uv_loop_close(loop) != 0 ? 2 : is_sick;
}
