/* Guards commands of hiredis. Knows which error replies are Redis' trouble, and that hiredis
 * answers every command once, if only when its context is freed. Who gives a command up does not
 * wait for that: the call ends without hiredis, and the block, allocated here, is freed by the
 * later of the two. And it knows of connects that fail and nobody is told. */
#include "guard.h"
#include "memory.h"
#include <breaker/redis_guard.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdlib.h>
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
    char *text; /* hiredis', formatted; NULL once it is sent */
    size_t length;
    bool told;  /* fn was called */
    bool asked; /* hiredis has it, and will answer */
    bool over;  /* the call is */
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

/* hiredis frees no reply of a context that is told not to; then fn would. */
static void drop(const redisAsyncContext *context, void *reply)
{
#ifdef REDIS_NO_AUTO_FREE_REPLIES
    if (context->c.flags & REDIS_NO_AUTO_FREE_REPLIES)
        freeReplyObject(reply);
#else
    (void)context, (void)reply;
#endif
}

static void forget(struct request *request)
{
    redisFreeCommand(request->text);
    memory_release(request);
}

/* fn is called here, since hiredis frees the reply when this returns. That there is none fn learns
 * from the loop: the program itself may be in the middle of freeing the context. */
static void replied(redisAsyncContext *context, void *reply, void *data)
{
    struct request *request = data;

    request->asked = false;
    if (request->over) { /* given up long ago */
        drop(context, reply);
        forget(request);
        return;
    }
    if (reply == NULL) {
        breaker_finish(&request->call, UV_ECONNRESET);
        return;
    }
    breaker_finish(&request->call, !request->told && is_trouble(request, reply) ? UV_EAGAIN : 0);
    if (request->told || request->fn == NULL)
        drop(context, reply);
    if (!request->told)
        tell(request, context, reply);
}

/* hiredis' adapter for libuv (before hiredis 1.0) passes no error of the socket on: a connect that
 * was refused stays under way for ever. hiredis asked to write finds out, tells the program, and
 * frees the context. */
static bool fails_to_connect(redisAsyncContext *context)
{
    struct pollfd socket = {.fd = context->c.fd, .events = POLLOUT};

    if ((context->c.flags & (REDIS_CONNECTED | REDIS_DISCONNECTING | REDIS_FREEING)) ||
        poll(&socket, 1, 0) != 1 || !(socket.revents & POLLERR))
        return false;
    redisAsyncHandleWrite(context);
    return true;
}

static int start(breaker_call_t *call)
{
    struct request *request = of(call);
    redisAsyncContext *context = request->link->context;

    if (context == NULL || context->err != 0 || fails_to_connect(context) ||
        redisAsyncFormattedCommand(context, replied, request, request->text, request->length) !=
            REDIS_OK)
        return UV_ENOTCONN;
    request->asked = true;
    redisFreeCommand(request->text); /* hiredis has copied it */
    request->text = NULL;
    return 0;
}

/* A timeout, or the end of the breaker: what hiredis still says goes to nobody. */
static void give_up(breaker_call_t *call)
{
    redisAsyncContext *context = of(call)->link->context;

    breaker_finish(call, UV_ECANCELED);
    if (context != NULL && context->err == 0)
        fails_to_connect(context);
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

    request->over = true;
    if (!request->asked)
        forget(request);
}

/* ---- Asking -----------------------------------------------------------------------------------*/

/* The next word of a formatted command, and its length; NULL: there is none. */
static const char *next_word(const char **at, const char *end, size_t *length)
{
    const char *size = memchr(*at, '$', (size_t)(end - *at)), *word;

    word = size == NULL ? NULL : memchr(size, '\n', (size_t)(end - size));
    if (word == NULL)
        return NULL;
    *length = strtoul(size + 1, NULL, 10);
    *at = word + 1 + *length;
    return word + 1;
}

static bool is_one_of(const char *word, size_t length, const char *const *words)
{
    while (*words != NULL && (strlen(*words) != length || strncasecmp(word, *words, length) != 0))
        words++;
    return *words != NULL;
}

/* The guard wants one reply to each command: some have many, and some see to it that there is none.
 * hiredis aborts the program at no word at all. */
static int check(const char *text, size_t size)
{
    static const char *const refused[] = {
        "subscribe",    "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe",
        "sunsubscribe", "monitor",    "sync",       "psync",       NULL};
    static const char *const client[] = {"client", NULL}, *const reply[] = {"reply", NULL};
    const char *at = text, *end = text + size, *word;
    size_t length;

    if ((word = next_word(&at, end, &length)) == NULL)
        return UV_EINVAL;
    if (is_one_of(word, length, refused))
        return UV_ENOTSUP;
    if (!is_one_of(word, length, client))
        return 0;
    word = next_word(&at, end, &length);
    return word != NULL && is_one_of(word, length, reply) ? UV_ENOTSUP : 0;
}

/* Takes the text. */
static int command(breaker_t *breaker, breaker_redis_link_t *link, breaker_redis_fn fn, void *data,
                   char *text, long long length)
{
    struct request *request = NULL;
    int status;

    if (length < 0 || text == NULL)
        return length == -1 ? UV_ENOMEM : UV_EINVAL; /* -2: a bad format */
    if ((status = check(text, (size_t)length)) == 0 &&
        (request = memory_zeroed(sizeof *request)) == NULL)
        status = UV_ENOMEM;
    if (status == 0) {
        breaker_call_init(&request->call);
        request->call.stop = give_up;
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
