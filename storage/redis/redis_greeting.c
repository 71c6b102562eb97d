/* Knows what has to be said before anything else on a connection, and which of it may be
 * refused. HELLO is not said: Redis would then speak a newer protocol, with replies that nobody
 * asked for. */
#include "redis_greeting.h"
#include <string.h>
#include <uv.h>

static int begin(struct redis_buffer *out, unsigned words, const char *first)
{
    redis_buffer_begin(out, words);
    redis_buffer_text(out, first);
    return 1;
}

int redis_greeting_write(struct redis_buffer *out, const breaker_redis_options_t *options)
{
    int replies = 0, status = 0;
    if (options->password) {
        replies += begin(out, options->user ? 3 : 2, "AUTH");
        if (options->user)
            redis_buffer_text(out, options->user);
        redis_buffer_text(out, options->password);
        status = redis_buffer_end(out);
    }
    if (options->client_name && !status) {
        replies += begin(out, 3, "CLIENT");
        redis_buffer_text(out, "SETNAME");
        redis_buffer_text(out, options->client_name);
        status = redis_buffer_end(out);
    }
    if (options->database && !status) {
        replies += begin(out, 2, "SELECT");
        redis_buffer_number(out, options->database);
        status = redis_buffer_end(out);
    }
    return status ? status : replies;
}

/* What a server with too many clients says to the next one, whatever that asked. */
static bool refuses_all(const char *text, size_t length)
{
    static const char head[] = "ERR max number of clients";
    return length >= sizeof head - 1 && memcmp(text, head, sizeof head - 1) == 0;
}

struct redis_trouble redis_greeting_judge(const breaker_redis_options_t *options, int index,
                                          const struct redis_reply *reply)
{
    const struct redis_part *error = redis_reply_part(reply, 0, REDIS_REPLY_ERROR);
    if (!error) {
        bool good = redis_reply_part(reply, 0, REDIS_REPLY_STATUS);
        return (struct redis_trouble){good ? REDIS_FINE : REDIS_LATER, good ? 0 : UV_EPROTO};
    }
    struct redis_trouble trouble =
        redis_error_classify(redis_reply_text(reply, error), error->length);
    bool is_name = options->client_name && index == (options->password != NULL);
    if (is_name && !refuses_all(redis_reply_text(reply, error), error->length))
        trouble = (struct redis_trouble){REDIS_FINE, 0}; /* a nicety, that may be denied */
    return trouble;
}
