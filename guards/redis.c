/* Guards commands of hiredis. Knows which error replies are Redis' trouble, and that hiredis
 * answers every command once, if only when its context is freed; so the request, allocated here,
 * lives until both hiredis and the circuit are done with it. */
#include "guard.h"
#include "memory.h"
#include <breaker/redis_guard.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

static const char *const troubles[] = {
    "BUSY",       "CLUSTERDOWN", "IOERR",      "LOADING",
    "MASTERDOWN", "MISCONF",     "NOREPLICAS", "OOM",
    "READONLY",   "TRYAGAIN",    "UNKILLABLE", "ERR max number of clients reached",
    NULL};

struct request {
    breaker_call_t call;
    breaker_redis_link_t *link;
    breaker_redis_fn fn;
    void *data;
    char *text; /* hiredis', formatted */
    size_t length;
    bool told; /* fn was called */
};

static struct request *of(breaker_call_t *call)
{
    return GUARD_OF(struct request, call, call);
}

/* ---- What replies mean ------------------------------------------------------------------------*/

static redisReply rejected = {
    .type = REDIS_REPLY_ERROR, .str = (char *)"REJECTED by the circuit breaker", .len = 31};
static redisReply timed_out = {
    .type = REDIS_REPLY_ERROR, .str = (char *)"TIMEDOUT waiting for the reply", .len = 30};
static redisReply cancelled = {
    .type = REDIS_REPLY_ERROR, .str = (char *)"CANCELLED with the circuit breaker", .len = 34};

const char *const *breaker_redis_troubles(void)
{
    return troubles;
}

int breaker_redis_status(const void *reply)
{
    if (reply == NULL)
        return UV_ENOTCONN;
    if (reply == &rejected)
        return BREAKER_EREJECTED;
    if (reply == &timed_out)
        return UV_ETIMEDOUT;
    return reply == &cancelled ? UV_ECANCELED : 0;
}

static redisReply *reply_of(int status)
{
    switch (status) {
    case BREAKER_EREJECTED:
        return &rejected;
    case UV_ETIMEDOUT:
        return &timed_out;
    case UV_ECANCELED:
        return &cancelled;
    default:
        return NULL;
    }
}

static bool begins_with(const redisReply *reply, const char *word)
{
    size_t length = strlen(word), whole = (size_t)reply->len;

    return whole >= length && memcmp(reply->str, word, length) == 0 &&
           (whole == length || reply->str[length] == ' ' || strchr(word, ' ') != NULL);
}

static bool is_trouble(const struct request *request, const redisReply *reply)
{
    const char *const *words = request->link->troubles;

    if (reply->type != REDIS_REPLY_ERROR)
        return false;
    if (words == NULL)
        words = troubles;
    while (*words != NULL && !begins_with(reply, *words))
        words++;
    return *words != NULL;
}

/* ---- One command ------------------------------------------------------------------------------*/

static void tell(struct request *request, redisAsyncContext *context, void *reply)
{
    request->told = true;
    if (request->fn != NULL)
        request->fn(context, reply, request->data);
}

/* fn is called here, since hiredis frees the reply when this returns. */
static void replied(redisAsyncContext *context, void *reply, void *data)
{
    struct request *request = data;

    if (reply == NULL)
        breaker_finish(&request->call, UV_ECONNRESET);
    else if (!request->told && is_trouble(request, reply))
        breaker_finish(&request->call, UV_EAGAIN);
    else
        breaker_finish(&request->call, 0);
    if (!request->told)
        tell(request, context, reply);
#ifdef REDIS_NO_AUTO_FREE_REPLIES
    else if (context->c.flags & REDIS_NO_AUTO_FREE_REPLIES)
        freeReplyObject(reply);
#endif
}

static int start(breaker_call_t *call)
{
    struct request *request = of(call);
    redisAsyncContext *context = request->link->context;

    if (context == NULL || context->err != 0 ||
        redisAsyncFormattedCommand(context, replied, request, request->text, request->length) !=
            REDIS_OK)
        return UV_ENOTCONN;
    return 0;
}

static void done(breaker_call_t *call, int status)
{
    struct request *request = of(call);

    if (!request->told)
        tell(request, request->link->context, reply_of(status));
}

static void release(breaker_call_t *call)
{
    struct request *request = of(call);

    redisFreeCommand(request->text);
    memory_release(request);
}

/* ---- Asking -----------------------------------------------------------------------------------*/

/* Whether the first word of the formatted command is one that is answered more than once. */
static bool goes_on(const char *text, size_t length)
{
    static const char *const words[] = {"subscribe",    "psubscribe",   "ssubscribe", "unsubscribe",
                                        "punsubscribe", "sunsubscribe", "monitor"};
    const char *word = memchr(text, '$', length);

    word = word == NULL ? NULL : memchr(word, '\n', length - (size_t)(word - text));
    for (size_t i = 0; word != NULL && i < sizeof words / sizeof *words; i++) {
        size_t size = strlen(words[i]);

        if (strncasecmp(word + 1, words[i], size) == 0 && word[1 + size] == '\r')
            return true;
    }
    return false;
}

/* Takes the text. */
static int command(breaker_t *breaker, breaker_redis_link_t *link, breaker_redis_fn fn, void *data,
                   char *text, long long length)
{
    struct request *request;
    int status = UV_ENOMEM;

    if (length < 0 || text == NULL)
        return length == -1 ? UV_ENOMEM : UV_EINVAL; /* -2: a bad format */
    if (goes_on(text, (size_t)length)) {
        redisFreeCommand(text);
        return UV_ENOTSUP;
    }
    if ((request = memory_zeroed(sizeof *request)) != NULL) {
        breaker_call_init(&request->call);
        request->call.release = release;
        request->call.timeout = link->timeout;
        request->link = link;
        request->fn = fn;
        request->data = data;
        request->text = text;
        request->length = (size_t)length;
        if ((status = breaker_call(breaker, &request->call, start, done)) == 0)
            return 0;
    }
    memory_release(request);
    redisFreeCommand(text);
    return status;
}

int breaker_redis_vcommand(breaker_t *breaker, breaker_redis_link_t *link, breaker_redis_fn fn,
                           void *data, const char *format, va_list arguments)
{
    char *text = NULL;
    int length;

    if (breaker == NULL || link == NULL || format == NULL)
        return UV_EINVAL;
    length = redisvFormatCommand(&text, format, arguments);
    return command(breaker, link, fn, data, text, length);
}

int breaker_redis_command(breaker_t *breaker, breaker_redis_link_t *link, breaker_redis_fn fn,
                          void *data, const char *format, ...)
{
    va_list arguments;
    int status;

    va_start(arguments, format);
    status = breaker_redis_vcommand(breaker, link, fn, data, format, arguments);
    va_end(arguments);
    return status;
}

int breaker_redis_command_argv(breaker_t *breaker, breaker_redis_link_t *link, breaker_redis_fn fn,
                               void *data, int argc, const char **argv, const size_t *lengths)
{
    char *text = NULL;
    long long length;

    if (breaker == NULL || link == NULL || argv == NULL || argc < 1)
        return UV_EINVAL;
    length = redisFormatCommandArgv(&text, argc, argv, lengths);
    return command(breaker, link, fn, data, text, length);
}
