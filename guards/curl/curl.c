/* Guarded transfers of libcurl, from the asking to the callback: each goes on from hop to hop, one
 * call to the circuit after the other. Knows what a refusal looks like. */
#include "../guard.h"
#include "curl_client.h"
#include "memory.h"
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

/* ---- Those under way --------------------------------------------------------------------------*/

static struct curl_transfer **bucket(breaker_curl_t *client, const CURL *easy)
{
    return &client->transfers[((uint64_t)(uintptr_t)easy * 0x9e3779b97f4a7c15u) >> 56];
}

struct curl_transfer *curl_transfer_find(breaker_curl_t *client, const CURL *easy)
{
    struct curl_transfer *transfer = *bucket(client, easy);

    while (transfer != NULL && (transfer->easy != easy || transfer->is_told))
        transfer = transfer->next;
    return transfer;
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

static void dispose(struct curl_transfer *transfer)
{
    breaker_curl_t *client = transfer->client;

    *transfer->link = transfer->next;
    if (transfer->next != NULL)
        transfer->next->link = transfer->link;
    curl_redirect_drop(transfer);
    memory_release(transfer->url);
    memory_release(transfer);
    if (--client->count == 0 && client->is_closing)
        curl_loop_close(client);
}

void curl_transfers_cancel(breaker_curl_t *client, bool for_want_of_memory)
{
    for (unsigned i = 0; i < CURL_BUCKETS; i++)
        for (struct curl_transfer *t = client->transfers[i]; t != NULL; t = t->next)
            if (breaker_cancel(&t->call) == 0)
                t->is_starved = for_want_of_memory;
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

/* A status that is not negative is the breaker's; the program is told libcurl's result. */
static void tell(struct curl_transfer *transfer, int status)
{
    breaker_curl_result_t *result = &transfer->result;
    breaker_call_t *call = &transfer->call;

    if (status < 0)
        result->status = transfer->is_starved && status == UV_ECANCELED ? UV_ENOMEM : status;
    result->refused = call->refused;
    result->retry_after = call->retry_after;
    result->last_error = call->last_error;
    result->outcome = call->outcome;
    result->breaker = transfer->name;
    if (call->refused) {
        result->code = CURLE_OK;
        if (transfer->client->options.refusal == BREAKER_CURL_RESPONSE)
            make_response(transfer);
    }
    transfer->is_told = true;
    transfer->done(transfer->easy, result);
}

static void done(breaker_call_t *call, int status)
{
    struct curl_transfer *transfer = of(call);

    if (status < 0)
        curl_redirect_drop(transfer);
    if (transfer->redirect == NULL)
        tell(transfer, status);
}

static void release(breaker_call_t *call)
{
    struct curl_transfer *transfer = of(call);

    if (transfer->redirect != NULL) {
        int status = curl_redirect_follow(transfer);

        if (status == 0)
            return;
        tell(transfer, status == UV_ENOENT || status == UV_EINVAL ? 0 : status);
    }
    dispose(transfer);
}

/* ---- Beginning --------------------------------------------------------------------------------*/

int curl_transfer_begin(struct curl_transfer *transfer, char *url)
{
    breaker_t *breaker;
    char name[BREAKER_NAME_MAX + 1];
    int status = curl_mount_find(transfer->client, url, &breaker, name);

    if (status == 0) {
        breaker_call_init(&transfer->call);
        transfer->call.stop = curl_hop_stop;
        transfer->call.release = release;
        status = breaker_call(breaker, &transfer->call, curl_hop_start, done);
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
    if (curl_transfer_find(client, easy) != NULL)
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
    if ((status = curl_transfer_begin(transfer, url)) != 0) {
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
    transfer = curl_transfer_find(client, easy);
    return transfer == NULL ? UV_ENOENT : breaker_cancel(&transfer->call);
}
