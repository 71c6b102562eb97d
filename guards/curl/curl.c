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

static void join(breaker_curl_t *client, struct curl_transfer *transfer)
{
    transfer->link = &client->transfers;
    transfer->next = client->transfers;
    if (transfer->next != NULL)
        transfer->next->link = &transfer->next;
    client->transfers = transfer;
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
    if (client->transfers == NULL && client->is_closing)
        curl_loop_close(client);
}

/* Between two hops the call to the circuit is over, and the transfer is not. */
static int cancel(struct curl_transfer *transfer)
{
    int status = breaker_cancel(&transfer->call);

    if (status == UV_EALREADY && transfer->redirect != NULL && !transfer->is_cancelled)
        status = 0;
    if (status == 0) {
        transfer->is_cancelled = true;
        curl_redirect_drop(transfer);
    }
    return status;
}

void curl_transfers_cancel(breaker_curl_t *client, bool for_want_of_memory)
{
    for (struct curl_transfer *t = client->transfers; t != NULL; t = t->next)
        if (cancel(t) == 0)
            t->is_starved = for_want_of_memory;
}

/* ---- The end ----------------------------------------------------------------------------------*/

static bool wants_body(CURL *easy)
{
    const char *method = NULL;

    curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_METHOD, &method);
    return method == NULL || strcmp(method, "HEAD") != 0;
}

static void make_response(struct curl_transfer *transfer)
{
    const breaker_curl_sinks_t *sinks = &transfer->sinks;
    breaker_curl_result_t *result = &transfer->result;
    const char *line = refusal_headers;

    result->status = 0;
    result->response = 500;
    result->headers = refusal_headers;
    result->body = wants_body(transfer->easy) ? refusal_body : NULL;
    while (sinks->header != NULL && *line != '\0') {
        size_t length = strcspn(line, "\n") + 1;

        sinks->header((char *)(uintptr_t)line, 1, length, sinks->header_data);
        line += length;
    }
    if (sinks->write != NULL && result->body != NULL)
        sinks->write((char *)(uintptr_t)refusal_body, 1, sizeof refusal_body - 1,
                     sinks->write_data);
}

/* A status that is not negative is the breaker's; the program is told libcurl's result. */
static void tell(struct curl_transfer *transfer, int status)
{
    breaker_curl_result_t *result = &transfer->result;
    breaker_call_t *call = &transfer->call;

    if (transfer->is_cancelled && status >= 0)
        status = UV_ECANCELED;
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
    curl_table_leave(transfer);
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
        if (status == UV_ENOENT || status == UV_EINVAL)
            status = 0;
        tell(transfer, status == UV_ESHUTDOWN ? UV_ECANCELED : status);
    }
    dispose(transfer);
}

/* ---- Beginning --------------------------------------------------------------------------------*/

int curl_transfer_begin(struct curl_transfer *transfer, char *url)
{
    breaker_curl_t *client = transfer->client;
    breaker_t *breaker;
    char name[BREAKER_NAME_MAX + 1];
    int status = UV_ESHUTDOWN;

    if (!client->is_closing && curl_client_has_panel(client))
        status = curl_mount_find(client, url, &breaker, name);
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
    if (!curl_table_enter(transfer)) {
        memory_release(url);
        memory_release(transfer);
        return UV_EBUSY;
    }
    if ((status = curl_transfer_begin(transfer, url)) != 0) {
        curl_table_leave(transfer);
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
    transfer = curl_table_find(client, easy);
    return transfer == NULL ? UV_ENOENT : cancel(transfer);
}
