/* Knows hiredis' TLS, which is a library of its own since 1.0 and missing before. Its writing goes
 * through the context's own buffer and raises SIGPIPE on a dead connection, so that signal is held
 * back meanwhile. */
#include "redis_tls.h"
#include <uv.h>

#ifdef BREAKER_HAVE_HIREDIS_SSL
#include "memory.h"
#include <hiredis/hiredis_ssl.h>
#include <hiredis/sds.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#define CHUNK 16384u /* a record of TLS */

struct redis_tls {
    redisSSLContext *context;
};

bool redis_tls_exists(void)
{
    return true;
}

int redis_tls_make(struct redis_tls **tls, const breaker_redis_options_t *options,
                   const char **bad_field)
{
    redisSSLContextError error = REDIS_SSL_CTX_NONE;
    struct redis_tls *made = memory_allocate(sizeof *made);
    if (!made)
        return UV_ENOMEM;
    redisInitOpenSSL();
    made->context = redisCreateSSLContext(options->tls_ca, NULL, options->tls_cert,
                                          options->tls_key, options->tls_name, &error);
    if (made->context) {
        *tls = made;
        return 0;
    }
    memory_release(made);
    if (bad_field)
        *bad_field = error == REDIS_SSL_CTX_CLIENT_CERT_LOAD_FAILED   ? "tls_cert"
                     : error == REDIS_SSL_CTX_PRIVATE_KEY_LOAD_FAILED ? "tls_key"
                                                                      : "tls_ca";
    return UV_EINVAL;
}

void redis_tls_free(struct redis_tls *tls)
{
    if (tls)
        redisFreeSSLContext(tls->context);
    memory_release(tls);
}

/* Runs what may write to a dead connection, and swallows the signal if that raised it. */
struct hush {
    sigset_t pipe, before;
    bool pending;
};

static void hush(struct hush *hush)
{
    sigset_t pending;
    sigemptyset(&hush->pipe);
    sigaddset(&hush->pipe, SIGPIPE);
    sigpending(&pending);
    hush->pending = sigismember(&pending, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &hush->pipe, &hush->before);
}

static void unhush(struct hush *hush)
{
    sigset_t pending;
    sigpending(&pending);
    if (!hush->pending && sigismember(&pending, SIGPIPE))
        sigtimedwait(&hush->pipe, NULL, &(struct timespec){0, 0});
    pthread_sigmask(SIG_SETMASK, &hush->before, NULL);
}

int redis_tls_begin(struct redis_tls *tls, redisContext *context)
{
    struct hush quiet;
    hush(&quiet);
    int status = redisInitiateSSLWithContext(context, tls->context);
    unhush(&quiet);
    return status == REDIS_OK ? 0 : UV_ECONNABORTED;
}

bool redis_tls_is_waiting(const redisContext *context)
{
    return sdslen(context->obuf) != 0;
}

int redis_tls_send(redisContext *context, const char *bytes, size_t size, size_t *taken)
{
    struct hush quiet;
    int done = 0;
    *taken = 0;
    if (!redis_tls_is_waiting(context)) {
        *taken = size < CHUNK ? size : CHUNK;
        if (redisAppendFormattedCommand(context, bytes, *taken) != REDIS_OK)
            return UV_ENOMEM;
    }
    hush(&quiet);
    int status = redisBufferWrite(context, &done);
    unhush(&quiet);
    return status == REDIS_OK ? done != 0 : UV_ECONNRESET;
}

#else

bool redis_tls_exists(void)
{
    return false;
}

int redis_tls_make(struct redis_tls **tls, const breaker_redis_options_t *options,
                   const char **bad_field)
{
    (void)tls, (void)options, (void)bad_field;
    return UV_ENOTSUP;
}

void redis_tls_free(struct redis_tls *tls)
{
    (void)tls;
}

int redis_tls_begin(struct redis_tls *tls, redisContext *context)
{
    (void)tls, (void)context;
    return UV_ENOTSUP;
}

bool redis_tls_is_waiting(const redisContext *context)
{
    (void)context;
    return false;
}

int redis_tls_send(redisContext *context, const char *bytes, size_t size, size_t *taken)
{
    (void)context, (void)bytes, (void)size, (void)taken;
    return UV_ENOTSUP;
}

#endif
