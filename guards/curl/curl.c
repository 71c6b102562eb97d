/* Guards transfers of libcurl: one call to the circuit for each hop, from libcurl's taking the
 * handle to its giving it back. Knows what a refusal looks like, and how a chain of redirects goes
 * on. */
#include "../guard.h"
#include "curl_client.h"
#include "memory.h"
#include <stdio.h>
#include <string.h>

static const char refusal_headers[] = "HTTP/1.1 500 Internal Server Error\r\n"
                                      "Content-Type: application/json\r\n"
                                      "X-Circuit-Breaker: breaker tripped\r\n"
                                      "Content-Length: 27\r\n"
                                      "\r\n";
static const char refusal_body[] = "{\"error\":\"breaker tripped\"}";

static struct curl_transfer *of(breaker_call_t *call)
{
    return GUARD_OF(struct curl_transfer, call, call);
}

static struct curl_transfer **bucket(breaker_curl_t *client, const CURL *easy)
{
    return &client->transfers[((uint64_t)(uintptr_t)easy * 0x9e3779b97f4a7c15u) >> 56];
}

/* The transfer of the handle, until it was told. */
static struct curl_transfer *find(breaker_curl_t *client, const CURL *easy)
{
    struct curl_transfer *transfer = *bucket(client, easy);

    while (transfer != NULL && (transfer->easy != easy || transfer->is_told))
        transfer = transfer->next;
    return transfer;
}

/* ---- One hop ----------------------------------------------------------------------------------*/

static void take_out(struct curl_transfer *transfer)
{
    curl_multi_remove_handle(transfer->client->multi, transfer->easy);
    curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer->private_data);
    transfer->is_in_multi = false;
}

static int start(breaker_call_t *call)
{
    struct curl_transfer *transfer = of(call);
    CURL *easy = transfer->easy;
    CURLMcode code;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer->private_data);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    if (transfer->client->options.max_redirects > 0) { /* libcurl drops their bodies, and stops */
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
        curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 0L);
    }
    code = curl_multi_add_handle(transfer->client->multi, easy);
    if (code == CURLM_OK) {
        transfer->is_in_multi = true;
        return 0;
    }
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer->private_data);
    breaker_finish_as(call, code == CURLM_OUT_OF_MEMORY ? UV_ENOMEM : UV_EBUSY, BREAKER_IGNORED);
    return 0;
}

static void stop(breaker_call_t *call)
{
    struct curl_transfer *transfer = of(call);

    if (transfer->is_in_multi)
        take_out(transfer);
    breaker_finish_as(call, UV_ECANCELED, BREAKER_CANCELLED);
}

/* Where the response leads, if it is to be followed. */
static void look_for_redirect(struct curl_transfer *transfer)
{
    const breaker_curl_options_t *options = &transfer->client->options;
    const char *method = NULL;
    char *url = NULL;

    if (transfer->result.redirects >= options->max_redirects)
        return;
    curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &url);
    curl_easy_getinfo(transfer->easy, CURLINFO_EFFECTIVE_METHOD, &method);
    if (url == NULL || method == NULL ||
        (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0))
        return;
    if ((transfer->redirect = memory_allocate(strlen(url) + 1)) != NULL)
        memcpy(transfer->redirect, url, strlen(url) + 1);
}

static void heed_retry_after(struct curl_transfer *transfer)
{
    uint64_t limit = transfer->client->options.retry_after_limit, time;
    breaker_t *breaker;
    curl_off_t seconds = 0;

    if (limit == 0 || (transfer->result.response != 429 && transfer->result.response != 503))
        return;
    curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &seconds);
    if (seconds <= 0)
        return;
    time = (uint64_t)seconds > limit / 1000 ? limit : (uint64_t)seconds * 1000;
    breaker = breaker_find(transfer->client->panel, transfer->name);
    if (breaker != NULL && breaker_trip_for(breaker, time, NULL, NULL) == UV_ENOTSUP)
        breaker_trip(breaker, NULL, NULL); /* a shared one takes its own time */
}

void curl_transfer_ended(struct curl_transfer *transfer, CURLcode code)
{
    breaker_curl_result_t *result = &transfer->result;
    const breaker_curl_options_t *options = &transfer->client->options;
    breaker_outcome_t outcome;
    int status = curl_judge_status(code);

    result->code = code;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &result->response);
    if (status == 0)
        look_for_redirect(transfer);
    outcome = options->judge != NULL
                  ? options->judge(options->judge_data, transfer->easy, code, result->response)
                  : curl_judge_outcome(code, result->response);
    if (outcome < BREAKER_SUCCESS || outcome > BREAKER_CANCELLED)
        outcome = BREAKER_FAILURE;
    take_out(transfer);
    if (status == 0 && outcome == BREAKER_FAILURE)
        status = (int)result->response; /* the breaker's last error */
    breaker_finish_as(&transfer->call, status, outcome);
    heed_retry_after(transfer);
}

void curl_transfer_starve(breaker_curl_t *client, CURL *easy)
{
    struct curl_transfer *transfer = find(client, easy);

    if (transfer != NULL && breaker_cancel(&transfer->call) == 0)
        transfer->is_starved = true;
}

/* ---- The end ----------------------------------------------------------------------------------*/

static void make_response(struct curl_transfer *transfer)
{
    const breaker_curl_sinks_t *sinks = &transfer->sinks;
    breaker_curl_result_t *result = &transfer->result;
    const char *line = refusal_headers;

    result->status = 0;
    result->response = 500;
    result->headers = refusal_headers;
    result->body = refusal_body;
    while (sinks->header != NULL && *line != '\0') {
        size_t length = strcspn(line, "\n") + 1;

        sinks->header((char *)(uintptr_t)line, 1, length, sinks->header_data);
        line += length;
    }
    if (sinks->write != NULL)
        sinks->write((char *)(uintptr_t)refusal_body, 1, sizeof refusal_body - 1,
                     sinks->write_data);
}

static void tell(struct curl_transfer *transfer, int status)
{
    breaker_curl_result_t *result = &transfer->result;
    breaker_call_t *call = &transfer->call;

    result->status = status < 0 ? status : 0;
    if (transfer->is_starved && status == UV_ECANCELED)
        result->status = UV_ENOMEM;
    result->refused = call->refused;
    result->retry_after = call->retry_after;
    result->last_error = call->last_error;
    result->outcome = call->outcome;
    result->breaker = transfer->name;
    if (call->refused) {
        result->code = CURLE_OK;
        result->response = 0;
        if (transfer->client->options.refusal == BREAKER_CURL_RESPONSE)
            make_response(transfer);
    }
    transfer->is_told = true;
    transfer->done(transfer->easy, result);
}

static void done(breaker_call_t *call, int status)
{
    struct curl_transfer *transfer = of(call);

    if (status < 0) {
        memory_release(transfer->redirect);
        transfer->redirect = NULL;
    }
    if (transfer->redirect == NULL)
        tell(transfer, status);
}

static void dispose(struct curl_transfer *transfer)
{
    breaker_curl_t *client = transfer->client;

    *transfer->link = transfer->next;
    if (transfer->next != NULL)
        transfer->next->link = transfer->link;
    memory_release(transfer->redirect);
    memory_release(transfer->url);
    memory_release(transfer);
    if (--client->count == 0 && client->is_closing)
        curl_loop_close(client);
}

/* ---- Beginning, and going on ------------------------------------------------------------------*/

static void release(breaker_call_t *call);

/* Takes the URL. */
static int begin(struct curl_transfer *transfer, char *url)
{
    breaker_t *breaker;
    char name[BREAKER_NAME_MAX + 1];
    int status = curl_mount_find(transfer->client, url, &breaker, name);

    if (status == 0) {
        breaker_call_init(&transfer->call);
        transfer->call.stop = stop;
        transfer->call.release = release;
        status = breaker_call(breaker, &transfer->call, start, done);
    }
    if (status != 0) {
        memory_release(url);
        return status;
    }
    memcpy(transfer->name, name, sizeof name);
    memory_release(transfer->url);
    transfer->url = url;
    return 0;
}

/* What was meant for one host is not told to another. */
static void forget_secrets(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(easy, CURLOPT_COOKIE, NULL);
    curl_easy_setopt(easy, CURLOPT_USERPWD, NULL);
    curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, NULL);
}

static bool is_http(const char *url)
{
    return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

static int follow(struct curl_transfer *transfer)
{
    breaker_call_t last = transfer->call;
    char *redirect = transfer->redirect, *url;
    size_t origin = curl_url_origin(transfer->url);
    bool is_far;
    int status;

    if (transfer->client->is_closing)
        return UV_ECANCELED;
    if ((status = curl_url_spell(&url, redirect, false)) != 0)
        return status;
    if (!is_http(url)) {
        memory_release(url);
        return UV_ENOENT;
    }
    is_far = curl_url_origin(url) != origin || memcmp(url, transfer->url, origin) != 0;
    if ((status = begin(transfer, url)) != 0) {
        transfer->call = last; /* to be told of */
        return status;
    }
    curl_easy_setopt(transfer->easy, CURLOPT_URL, redirect);
    if (is_far)
        forget_secrets(transfer->easy);
    transfer->result.redirects++;
    transfer->redirect = NULL;
    memory_release(redirect);
    return 0;
}

static void release(breaker_call_t *call)
{
    struct curl_transfer *transfer = of(call);

    if (transfer->redirect != NULL) {
        int status = follow(transfer);

        if (status == 0)
            return;
        tell(transfer, status == UV_ENOENT || status == UV_EINVAL ? 0 : status);
    }
    dispose(transfer);
}

static void set_sinks(struct curl_transfer *transfer, const breaker_curl_sinks_t *sinks)
{
    transfer->sinks = *sinks;
    if (sinks->write != NULL) {
        curl_easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, sinks->write);
        curl_easy_setopt(transfer->easy, CURLOPT_WRITEDATA, sinks->write_data);
    }
    if (sinks->header != NULL) {
        curl_easy_setopt(transfer->easy, CURLOPT_HEADERFUNCTION, sinks->header);
        curl_easy_setopt(transfer->easy, CURLOPT_HEADERDATA, sinks->header_data);
    }
}

static void join(breaker_curl_t *client, struct curl_transfer *transfer)
{
    transfer->link = bucket(client, transfer->easy);
    transfer->next = *transfer->link;
    if (transfer->next != NULL)
        transfer->next->link = &transfer->next;
    *transfer->link = transfer;
    client->count++;
}

int breaker_curl_perform_into(breaker_curl_t *client, CURL *easy, const breaker_curl_sinks_t *sinks,
                              breaker_curl_cb callback)
{
    struct curl_transfer *transfer;
    char *text = NULL, *url;
    int status;

    if (client == NULL || easy == NULL || callback == NULL)
        return UV_EINVAL;
    if (client->is_closing)
        return UV_ESHUTDOWN;
    if (find(client, easy) != NULL)
        return UV_EBUSY;
    if (curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &text) != CURLE_OK || text == NULL)
        return UV_EINVAL;
    if ((status = curl_url_spell(&url, text, false)) != 0)
        return status;
    if ((transfer = memory_zeroed(sizeof *transfer)) == NULL) {
        memory_release(url);
        return UV_ENOMEM;
    }
    transfer->client = client;
    transfer->easy = easy;
    transfer->done = callback;
    if ((status = begin(transfer, url)) != 0) {
        memory_release(transfer);
        return status;
    }
    if (sinks != NULL)
        set_sinks(transfer, sinks);
    join(client, transfer);
    return 0;
}

int breaker_curl_perform(breaker_curl_t *client, CURL *easy, breaker_curl_cb callback)
{
    return breaker_curl_perform_into(client, easy, NULL, callback);
}

int breaker_curl_cancel(breaker_curl_t *client, CURL *easy)
{
    struct curl_transfer *transfer;

    if (client == NULL || easy == NULL)
        return UV_EINVAL;
    transfer = find(client, easy);
    return transfer == NULL ? UV_ENOENT : breaker_cancel(&transfer->call);
}
