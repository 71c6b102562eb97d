/* HTTP with breakers on URL prefixes, by <breaker/curl.h>: a part of a service that is sick does
 * not cost the others. What the circuit refuses comes as a response, through the same callbacks, so
 * the rest of the program need not know.
 *
 *     curl_guard ROOT      ROOT/well/... answers 200, ROOT/sick/... 503, ROOT/moved/... leads to
 *                          ROOT/well/...
 */
#include <breaker.h>
#include <breaker/curl.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

static const char *const paths[] = {"/sick/1", "/sick/2",  "/sick/3", "/sick/4",
                                    "/well/1", "/moved/1", "/other"};
enum { PATHS = sizeof paths / sizeof *paths };

static breaker_panel_t *panel;
static breaker_curl_t *client;
static CURL *easy;
static const char *root;
static unsigned refusals, responses;

struct page {
    char header[256]; /* the one that tells of a breaker, if it came */
    char body[256];
    size_t length;
};

static size_t take_header(char *line, size_t one, size_t size, void *data)
{
    struct page *page = data;

    (void)one;
    if (size < sizeof page->header && strncmp(line, "X-Circuit-Breaker:", 18) == 0)
        memcpy(page->header, line, size - 2);
    return size;
}

static size_t take_body(char *text, size_t one, size_t size, void *data)
{
    struct page *page = data;
    size_t room = sizeof page->body - 1 - page->length, part = size < room ? size : room;

    (void)one;
    memcpy(page->body + page->length, text, part);
    page->length += part;
    return size;
}

static void end_panel(void *data)
{
    (void)data;
    breaker_panel_destroy(panel, NULL);
}

static void next_page(void);

static void done(CURL *handle, const breaker_curl_result_t *result)
{
    struct page *page;

    curl_easy_getinfo(handle, CURLINFO_PRIVATE, &page);
    printf("%-10s %-6s %ld %s\n", page->header[0] != '\0' ? "refused" : "", result->breaker,
           result->response, page->body);
    refusals += result->refused && strcmp(page->header, "X-Circuit-Breaker: breaker tripped") == 0;
    responses += result->status == 0;
    next_page();
}

static void next_page(void)
{
    static unsigned number;
    static struct page page;
    const breaker_curl_sinks_t sinks = {take_body, &page, take_header, &page};
    char url[512];

    if (number == PATHS) {
        breaker_curl_destroy(client, end_panel, NULL);
        return;
    }
    memset(&page, 0, sizeof page);
    snprintf(url, sizeof url, "%s%s", root, paths[number++]);
    printf("%-60s ", url);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &page);
    if (breaker_curl_perform_into(client, easy, &sinks, done) != 0)
        next_page();
}

static int mount(const char *path, const char *name, breaker_policy_t *policy)
{
    char prefix[512];
    breaker_t *breaker;

    snprintf(prefix, sizeof prefix, "%s%s", root, path);
    return breaker_create(&breaker, panel, name, policy) != 0 ||
           breaker_curl_mount(client, prefix, breaker) != 0;
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    breaker_options_t options;
    breaker_curl_options_t curl_options;
    breaker_policy_t *policy;

    if (argc != 2) {
        fprintf(stderr, "usage: curl_guard ROOT\n");
        return 2;
    }
    root = argv[1];
    breaker_options_init(&options);
    options.consecutive_failures = 3;
    options.timeout = 10000; /* for each hop */
    breaker_curl_options_init(&curl_options);
    curl_options.max_redirects = 3;
    curl_options.unmounted = BREAKER_CURL_PASS;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (easy = curl_easy_init()) == NULL ||
        breaker_policy_create(&policy, &options, NULL) != 0 ||
        breaker_panel_create(&panel, loop, NULL) != 0 ||
        breaker_curl_create(&client, panel, &curl_options) != 0 ||
        mount("/sick/", "sick", policy) || mount("/well/", "well", policy) ||
        mount("/moved/", "moved", policy))
        return 2;
    breaker_policy_destroy(policy);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    next_page();
    uv_run(loop, UV_RUN_DEFAULT);
    curl_easy_cleanup(easy);
    curl_global_cleanup();
    return uv_loop_close(loop) != 0 || refusals != 1 || responses != PATHS;
}
