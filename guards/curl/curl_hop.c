/* One hop of a transfer, which is one call to the circuit: from libcurl's taking the handle to its
 * giving it back. Knows what the result means, and what a Retry-After does to the circuit. */
#include "../guard.h"
#include "curl_client.h"
#include "memory.h"

static struct curl_transfer *of(breaker_call_t *call)
{
    return GUARD_OF(struct curl_transfer, call, call);
}

/* Else libcurl joins the thread of its resolver, and the loop waits as getaddrinfo does. */
static void leave_resolver_behind(CURL *easy, long leave)
{
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, leave);
#else
    (void)easy, (void)leave;
#endif
}

static void take_out(struct curl_transfer *transfer)
{
    curl_multi_remove_handle(transfer->client->multi, transfer->easy);
    leave_resolver_behind(transfer->easy, 0);
    curl_redirect_restore(transfer);
    transfer->is_in_multi = false;
}

int curl_hop_start(breaker_call_t *call)
{
    struct curl_transfer *transfer = of(call);
    CURLMcode code;

    leave_resolver_behind(transfer->easy, 1);
    curl_redirect_prepare(transfer);
    code = curl_multi_add_handle(transfer->client->multi, transfer->easy);
    if (code == CURLM_OK) {
        transfer->is_in_multi = true;
        return 0;
    }
    leave_resolver_behind(transfer->easy, 0);
    curl_redirect_restore(transfer);
    breaker_finish_as(call, code == CURLM_OUT_OF_MEMORY ? UV_ENOMEM : UV_EBUSY, BREAKER_IGNORED);
    return 0;
}

void curl_hop_stop(breaker_call_t *call)
{
    struct curl_transfer *transfer = of(call);

    if (transfer->is_in_multi)
        take_out(transfer);
    breaker_finish_as(call, UV_ECANCELED, BREAKER_CANCELLED);
}

/* ---- Retry-After ------------------------------------------------------------------------------*/

/* In ms, where it is asked for; 0: there is none. */
static uint64_t retry_after(const struct curl_transfer *transfer)
{
    uint64_t limit = transfer->client->options.retry_after_limit;
    curl_off_t seconds = 0;

    if (limit == 0 || (transfer->result.response != 429 && transfer->result.response != 503))
        return 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &seconds);
    if (seconds <= 0)
        return 0;
    return (uint64_t)seconds > limit / 1000 ? limit : (uint64_t)seconds * 1000;
}

static void tripped(breaker_order_t *order, int status)
{
    (void)status;
    memory_release(order);
}

/* A dialect takes its own time; and it may have to wait for a conversation with its storage. */
static void trip_dialect(breaker_t *breaker)
{
    breaker_order_t *order = memory_zeroed(sizeof *order);

    if (order != NULL && breaker_trip(breaker, order, tripped) != 0)
        memory_release(order);
}

static bool is_counted(const breaker_snapshot_t *now)
{
    return now->state != BREAKER_BROKEN &&
           (now->hold == BREAKER_HOLD_NONE || now->hold == BREAKER_HOLD_WATCH);
}

/* Reports the failure; if the circuit counts it, breaks it for so long. Of those that come at once
 * the first does, and the others are late: neither does a shorter time cut a longer one short, nor
 * do they count as so many trips. */
static void fail(struct curl_transfer *transfer, int status, uint64_t time)
{
    breaker_t *breaker = breaker_of(&transfer->call);
    breaker_snapshot_t before = {0}, now = {0};

    breaker_inspect(breaker, &before);
    breaker_finish_as(&transfer->call, status, BREAKER_FAILURE);
    breaker_inspect(breaker, &now);
    if (breaker == NULL || !is_counted(&before) || now.totals.late != before.totals.late ||
        (now.state == BREAKER_BROKEN && now.retry_after >= time))
        return;
    if (breaker_trip_for(breaker, time, NULL, NULL) == UV_ENOTSUP)
        trip_dialect(breaker);
}

/* ---- The result -------------------------------------------------------------------------------*/

static breaker_outcome_t judge(const struct curl_transfer *transfer, uint64_t retry)
{
    const breaker_curl_options_t *options = &transfer->client->options;
    const breaker_curl_result_t *result = &transfer->result;
    breaker_outcome_t outcome;

    if (options->judge == NULL)
        return retry > 0 ? BREAKER_FAILURE : curl_judge_outcome(result->code, result->response);
    outcome = options->judge(options->judge_data, transfer->easy, result->code, result->response);
    return outcome >= BREAKER_SUCCESS && outcome <= BREAKER_CANCELLED ? outcome : BREAKER_FAILURE;
}

void curl_hop_ended(breaker_curl_t *client, CURL *easy, CURLcode code)
{
    struct curl_transfer *transfer = curl_table_find(client, easy);
    breaker_curl_result_t *result;
    breaker_outcome_t outcome;
    uint64_t retry;
    int status;

    if (transfer == NULL || !transfer->is_in_multi)
        return;
    result = &transfer->result;
    result->code = code;
    result->status = status = curl_judge_status(code);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &result->response);
    retry = retry_after(transfer);
    outcome = judge(transfer, retry);
    if (status == 0)
        curl_redirect_look(transfer);
    if (outcome == BREAKER_FAILURE && (status == 0 || result->response > 499))
        status = (int)result->response; /* the breaker's last error */
    take_out(transfer);
    if (outcome == BREAKER_FAILURE && retry > 0)
        fail(transfer, status, retry);
    else
        breaker_finish_as(&transfer->call, status, outcome);
}
