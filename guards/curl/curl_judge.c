/* Knows what libcurl's results mean for a circuit, and which of libuv's errors is most like one. */
#include "curl_client.h"

int curl_judge_status(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
    case CURLE_TOO_MANY_REDIRECTS:  /* a response of 3xx all the same */
    case CURLE_HTTP_RETURNED_ERROR: /* one of 4xx or 5xx (CURLOPT_FAILONERROR) */
        return 0;
    case CURLE_OPERATION_TIMEDOUT:
        return UV_ETIMEDOUT;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
        return UV_EAI_NONAME;
    case CURLE_COULDNT_CONNECT:
        return UV_ECONNREFUSED;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
        return UV_ECONNRESET;
    case CURLE_WRITE_ERROR:
    case CURLE_READ_ERROR:
    case CURLE_ABORTED_BY_CALLBACK:
        return UV_ECANCELED;
    case CURLE_OUT_OF_MEMORY:
        return UV_ENOMEM;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_UNKNOWN_OPTION:
    case CURLE_NOT_BUILT_IN:
    case CURLE_FAILED_INIT:
    case CURLE_INTERFACE_FAILED:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_SSL_CERTPROBLEM: /* our own certificate; the peer's is another */
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
        return UV_EINVAL;
    case CURLE_FILESIZE_EXCEEDED:
        return UV_EFBIG;
    default:
        return UV_EPROTO;
    }
}

breaker_outcome_t curl_judge_outcome(CURLcode code, long response)
{
    int status = curl_judge_status(code);

    if (response > 499) /* whatever the program made of it */
        return BREAKER_FAILURE;
    if (status == UV_ECANCELED)
        return BREAKER_CANCELLED;
    if (status == UV_ENOMEM || status == UV_EINVAL || status == UV_EFBIG)
        return BREAKER_IGNORED;
    return status < 0 ? BREAKER_FAILURE : BREAKER_SUCCESS;
}
