/* Chains of redirects: each hop is a transfer of its own, which asks the breaker of its own URL; so
 * libcurl, which follows unseen, must not. Knows which responses lead on, how their bodies are kept
 * from the program, and what must not be told to another host. */
#include "curl_client.h"
#include "memory.h"
#include <string.h>

static bool may_follow(const struct curl_transfer *transfer)
{
    const char *method = NULL;

    if (transfer->result.redirects >= transfer->client->options.max_redirects)
        return false;
    curl_easy_getinfo(transfer->easy, CURLINFO_EFFECTIVE_METHOD, &method);
    if (method == NULL)
        return false;
    return strcmp(method, "HEAD") == 0 ||
           (strcmp(method, "GET") == 0 && transfer->sinks.write != NULL);
}

static bool leads_on(long response)
{
    return response == 301 || response == 302 || response == 303 || response == 307 ||
           response == 308;
}

static size_t write_unless_it_leads_on(char *text, size_t one, size_t size, void *data)
{
    struct curl_transfer *transfer = data;
    long response = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &response);
    if (leads_on(response) && may_follow(transfer))
        return one * size;
    return transfer->sinks.write(text, one, size, transfer->sinks.write_data);
}

static bool is_at_work(const struct curl_transfer *transfer)
{
    return transfer->client->options.max_redirects > 0 && transfer->sinks.write != NULL;
}

void curl_redirect_prepare(struct curl_transfer *transfer)
{
    if (transfer->client->options.max_redirects > 0)
        curl_easy_setopt(transfer->easy, CURLOPT_FOLLOWLOCATION, 0L);
    if (is_at_work(transfer)) {
        curl_easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, write_unless_it_leads_on);
        curl_easy_setopt(transfer->easy, CURLOPT_WRITEDATA, transfer);
    }
}

void curl_redirect_restore(struct curl_transfer *transfer)
{
    if (is_at_work(transfer)) {
        curl_easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, transfer->sinks.write);
        curl_easy_setopt(transfer->easy, CURLOPT_WRITEDATA, transfer->sinks.write_data);
    }
}

void curl_redirect_look(struct curl_transfer *transfer)
{
    char *url = NULL;

    if (!leads_on(transfer->result.response) || !may_follow(transfer))
        return;
    curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &url);
    if (url != NULL && (transfer->redirect = memory_allocate(strlen(url) + 1)) != NULL)
        memcpy(transfer->redirect, url, strlen(url) + 1);
}

void curl_redirect_drop(struct curl_transfer *transfer)
{
    memory_release(transfer->redirect);
    transfer->redirect = NULL;
}

/* What was meant for one host is not told to another; nor is its port that of another. */
static void forget_secrets(CURL *easy)
{
    static const CURLoption secrets[] = {
        CURLOPT_HTTPHEADER,
        CURLOPT_COOKIE,
        CURLOPT_REFERER,
        CURLOPT_USERPWD,
        CURLOPT_XOAUTH2_BEARER,
        CURLOPT_TLSAUTH_USERNAME,
        CURLOPT_TLSAUTH_PASSWORD,
        CURLOPT_SSLCERT,
        CURLOPT_SSLCERT_BLOB,
        CURLOPT_SSLKEY,
        CURLOPT_SSLKEY_BLOB,
        CURLOPT_KEYPASSWD,
#if LIBCURL_VERSION_NUM >= 0x074b00
        CURLOPT_AWS_SIGV4,
#endif
    };

    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        curl_easy_setopt(easy, secrets[i], NULL);
    curl_easy_setopt(easy, CURLOPT_PORT, 0L);
}

static bool is_http(const char *url)
{
    return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

int curl_redirect_follow(struct curl_transfer *transfer)
{
    breaker_call_t last = transfer->call;
    size_t origin = curl_url_origin(transfer->url);
    bool is_far;
    char *url;
    int status;

    if ((status = curl_url_spell(&url, transfer->redirect, false)) != 0)
        return status;
    if (!is_http(url)) {
        memory_release(url);
        return UV_ENOENT;
    }
    is_far = curl_url_origin(url) != origin || memcmp(url, transfer->url, origin) != 0;
    if ((status = curl_transfer_begin(transfer, url)) != 0) {
        transfer->call = last; /* to be told of */
        return status;
    }
    curl_easy_setopt(transfer->easy, CURLOPT_URL, transfer->redirect);
    if (is_far)
        forget_secrets(transfer->easy);
    curl_redirect_drop(transfer);
    transfer->result.redirects++;
    transfer->result.response = 0; /* of the hop that begins */
    return 0;
}
