/* HTTP through libcurl, guarded, on the loop of a panel: libcurl's easy handles as they are, its
 * multi interface driven by libuv, and a breaker in front of each transfer (libbreaker-curl).
 *
 *     curl_global_init(CURL_GLOBAL_DEFAULT);         (first of all, while there is one thread)
 *     breaker_curl_create(&client, panel, NULL);
 *     breaker_curl_mount(client, "https://api.example.com/v1/", api);
 *     breaker_curl_perform(client, easy, done);
 *
 * Breakers are mounted on URL prefixes, of which the longest wins; and where options.hosts is set,
 * each other host has a breaker of its own, made when it is first needed. Then
 *
 *   failure     a status of 500 and above, whatever else became of the transfer; or a transport
 *               error: no address, no connection, a reset, TLS, a bad certificate of the peer,
 *               libcurl's own timeout, ... Not decided by the policy's classifier, but by
 *               options.judge, if that is set
 *   success     any other response, 4xx too (also with CURLOPT_FAILONERROR)
 *   ignored     what is wrong on this side: the URL, an option, a certificate or a file of the
 *               program's own, a body that cannot be sent again, memory
 *   cancelled   a callback of the program's that stopped the transfer (write, header, read,
 *               progress)
 *   a timeout   the policy's: the transfer is taken out of libcurl, the result is UV_ETIMEDOUT.
 *               Each hop of a chain of redirects has its own
 *   a refusal   a response made here (status 500, "X-Circuit-Breaker: breaker tripped", a small
 *               JSON body), or the error BREAKER_EREJECTED, as options.refusal says
 *
 * An easy handle is the caller's, and not to be touched between breaker_curl_perform and its
 * callback, but by curl_easy_pause: a callback may return CURL_WRITEFUNC_PAUSE or
 * CURL_READFUNC_PAUSE, and curl_easy_pause(easy, CURLPAUSE_CONT) goes on, from the loop. Timeouts
 * run on in the pause. CURLOPT_QUICK_EXIT is the guard's, so that what is given up while its name
 * is being looked up does not hold up the loop; libcurl before 7.87 lacks it, and there a timeout,
 * a cancel or the client's end waits for the system's resolver.
 *
 * Besides what libcurl allocates, a transfer allocates two blocks here, each redirect that is
 * followed two more, each socket one.
 *
 * libcurl follows redirects unseen, so leave CURLOPT_FOLLOWLOCATION off and set
 * options.max_redirects: then each hop asks the breaker of its own URL. HTTP/2 is used where
 * libcurl has it, many transfers to a connection; set CURLOPT_PIPEWAIT to wait for one rather than
 * open another. What a server pushes is not taken: set no CURLMOPT_PUSHFUNCTION.
 *
 * The breaker is asked about the host and the port of the URL. What sends libcurl elsewhere is not
 * seen, since libcurl does not tell of it: CURLOPT_PORT, CONNECT_TO, RESOLVE, UNIX_SOCKET_PATH, a
 * proxy. So write a port into the URL; with the others the breaker is that of the URL, not of where
 * it is sent.
 *
 * The client belongs to the panel's loop and thread, and does not keep the loop alive; transfers
 * do. It may outlive the panel. A host that closes every handle of its loop must destroy the client
 * first. */
#ifndef BREAKER_CURL_H
#define BREAKER_CURL_H

/* clang-format off */ /* laid out by hand */

#include <breaker.h>
#include <curl/curl.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct breaker_curl_s breaker_curl_t;

typedef enum {
    BREAKER_CURL_RESPONSE = 0, /* a refused transfer ends with a response that is made here */
    BREAKER_CURL_ERROR = 1     /* with the status BREAKER_EREJECTED */
} breaker_curl_refusal_t;

typedef enum {
    BREAKER_CURL_STRICT = 0, /* a URL under no prefix is UV_ENOENT */
    BREAKER_CURL_PASS = 1    /* it goes through unguarded, without a timeout: by the panel's breaker
                                "unguarded", which is made when first needed, and held closed */
} breaker_curl_unmounted_t;

/* What a transfer means for the circuit; easy may be asked by curl_easy_getinfo. */
typedef breaker_outcome_t (*breaker_curl_judge_fn)(void *data, CURL *easy, CURLcode code,
                                                   long response);

typedef struct breaker_curl_options_s {
    size_t size;                    /* set by breaker_curl_options_init; grows at the end only */
    breaker_curl_refusal_t refusal; /* Default BREAKER_CURL_RESPONSE */
    breaker_curl_judge_fn judge;    /* Default NULL: as above */
    void *judge_data;
    breaker_policy_t *hosts;    /* of the breakers of hosts under no prefix, which are named like
                                   "https://example.com:443". The policy is not counted here: it
                                   must outlive the client. See max_obtained of the panel. Default
                                   NULL: see unmounted */
    uint64_t retry_after_limit; /* up to a day: a 429 or 503 with Retry-After is a failure, and
                                   breaks the circuit for as long as it says, at most so many ms (a
                                   shared circuit, no longer than its policies let it; a dialect's,
                                   as long as its own rules say). If judge says that it is a
                                   failure, where judge is set; and if the circuit counts it: not
                                   what is late or cancelled, or comes while it is broken. Default
                                   0: not */
    unsigned max_redirects;     /* Default 0: none is followed */
    breaker_curl_unmounted_t unmounted; /* where hosts is NULL. Default BREAKER_CURL_STRICT */
} breaker_curl_options_t;

#define breaker_curl_options_init(options)                                                         \
    breaker_curl_options_init_sized((options), sizeof *(options))
BREAKER_API void breaker_curl_options_init_sized(breaker_curl_options_t *options, size_t size);

/* Makes a client on the panel's loop. options may be NULL. UV_EINVAL, UV_ENOMEM, UV_ESHUTDOWN. */
BREAKER_API int breaker_curl_create(breaker_curl_t **client, breaker_panel_t *panel,
                                    const breaker_curl_options_t *options);

typedef void (*breaker_curl_destroy_cb)(void *data);

/* Cancels all transfers, whose callbacks come with UV_ECANCELED, closes all connections, and then
 * calls done (may be NULL), once, from the loop. UV_EALREADY when called twice. Before or after the
 * end of the panel, but before uv_loop_close. */
BREAKER_API int breaker_curl_destroy(breaker_curl_t *client, breaker_curl_destroy_cb done,
                                     void *data);

/* libcurl's multi handle, for its options (CURLMOPT_MAX_HOST_CONNECTIONS, ...); not for its
 * sockets, timers and messages. */
BREAKER_API CURLM *breaker_curl_multi(breaker_curl_t *client);

/* ---- Breakers by prefix -----------------------------------------------------------------------*/

/* From now on the breaker is asked about URLs that begin with the prefix: "https://host/path",
 * "http://host:8080", "https://", or "" for all. Scheme and host are compared without regard to
 * case, the port always counts (80 and 443 where none is written), a path ends where it is written
 * to end: "/v1" also holds "/v10", "/v1/" does not. Mounting on a prefix again exchanges the
 * breaker. The breaker is found by its name each time; if there is none of that name any more,
 * UV_ENOENT is what breaker_curl_perform says. UV_EINVAL: no such URL, or a breaker of another
 * panel; UV_ENOMEM. */
BREAKER_API int breaker_curl_mount(breaker_curl_t *client, const char *prefix, breaker_t *breaker);
BREAKER_API int breaker_curl_unmount(breaker_curl_t *client, const char *prefix); /* or UV_ENOENT */

/* ---- Transfers --------------------------------------------------------------------------------*/

typedef struct breaker_curl_result_s {
    int status;              /* 0: there is a response. Negative: there is none, or not the whole
                                of it: BREAKER_EREJECTED, UV_ETIMEDOUT, UV_ECANCELED, or the error
                                most like code; or BREAKER_ETRIPPED of a dialect */
    CURLcode code;           /* libcurl's result; CURLE_OK where libcurl was not asked */
    long response;           /* the status of HTTP; 0: none came; 500 when it was made here */
    int refused;             /* the circuit refused; then the next four say more */
    const char *headers;     /* BREAKER_CURL_RESPONSE: the response that was made here, in whole
                                lines ... */
    const char *body;        /* ... and JSON, but not for a HEAD; otherwise NULL */
    uint64_t retry_after;    /* as breaker_retry_after */
    int last_error;          /* of the breaker: a negative status, or an HTTP status */
    const char *breaker;     /* the name of the breaker that was asked (last) */
    unsigned redirects;      /* that were followed */
    breaker_outcome_t outcome; /* what the circuit counted (last); 0 when refused */
} breaker_curl_result_t;

/* From the loop, once. The result is good during the callback only; the easy handle is the
 * caller's. After a refusal curl_easy_getinfo tells of the handle's previous transfer: libcurl has
 * seen nothing of this one. */
typedef void (*breaker_curl_cb)(CURL *easy, const breaker_curl_result_t *result);

/* Asks the breaker of the handle's URL, and lets libcurl do the transfer. The URL is CURLOPT_URL;
 * set it anew where libcurl itself followed a redirect in an earlier transfer of the handle. A
 * CURLOPT_CURLU is not seen. UV_ENOENT: there is no breaker for the URL; UV_EINVAL: no URL;
 * UV_EBUSY: the handle is under way already, with whatever client; UV_ENOMEM; UV_ESHUTDOWN: the
 * client or the panel is at its end; as breaker_obtain. A handle in a multi handle of the program's
 * own must not be given: libcurl tells of that only when the transfer begins, and then the callback
 * says UV_EBUSY, and options of the handle have changed.
 *
 * With max_redirects, CURLOPT_FOLLOWLOCATION is turned off, and a HEAD that is led on by a 301,
 * 302, 303, 307 or 308 goes on where there is a breaker for the new URL (by http or https); with
 * breaker_curl_perform_into and a write sink, a GET too. Nothing else is followed: no GET of this
 * function's, since the body of the redirect could not be kept from a CURLOPT_WRITEFUNCTION that is
 * not known here; no POST and no PUT, by a 307 or 308 neither, since a body cannot always be sent
 * again. What is not followed is the response. The guard then sets CURLOPT_URL to the last URL; and
 * on the way to another scheme, host or port CURLOPT_PORT to 0, and the following to NULL, which
 * were meant for the first; set them again before the handle is used again:
 *     CURLOPT_HTTPHEADER, COOKIE, REFERER, USERPWD, XOAUTH2_BEARER, AWS_SIGV4, SSLCERT, SSLKEY,
 *     SSLCERT_BLOB, SSLKEY_BLOB, KEYPASSWD, TLSAUTH_USERNAME, TLSAUTH_PASSWORD
 * Headers for a proxy stay, since the proxy does; so do the cookies of libcurl's engine and the
 * passwords of a netrc file, which know their hosts. */
BREAKER_API int breaker_curl_perform(breaker_curl_t *client, CURL *easy, breaker_curl_cb done);

/* Where libcurl writes; it does not tell what a handle has, so it is said here. */
typedef struct breaker_curl_sinks_s {
    curl_write_callback write; /* CURLOPT_WRITEFUNCTION, and its data. NULL: not set */
    void *write_data;
    curl_write_callback header; /* CURLOPT_HEADERFUNCTION, and its data. NULL: not set */
    void *header_data;
} breaker_curl_sinks_t;

/* The same, and sets these callbacks on the handle. The response that is made here comes through
 * them too, header lines first, before the callback; what they return then is not looked at. A
 * HEAD (CURLOPT_NOBODY, unless a CURLOPT_CUSTOMREQUEST hides it) gets the header lines only. And
 * with max_redirects a GET is followed if write is set: the body of a response that may lead on is
 * kept from it (also where, for want of a breaker, it does not lead on in the end), the header
 * lines of every hop come. */
BREAKER_API int breaker_curl_perform_into(breaker_curl_t *client, CURL *easy,
                                          const breaker_curl_sinks_t *sinks, breaker_curl_cb done);

/* Ends the transfer with UV_ECANCELED, between two hops too: then the outcome is that of the first.
 * UV_ENOENT: it is not under way; UV_EALREADY: it is about to end. */
BREAKER_API int breaker_curl_cancel(breaker_curl_t *client, CURL *easy);

#ifdef __cplusplus
}
#endif

#endif /* BREAKER_CURL_H */
