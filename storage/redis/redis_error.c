/* Knows Redis' error words, and which of them mend with time. The texts behind the words differ
 * from version to version, so only beginnings are compared; a word that is not here mends with
 * time. What a script meets is told by Redis 5 and 6 in wrappings: "@user_script: 31: " and the
 * reply's own dash before it, once or twice, "ERR Error running script (call to f_...): " before
 * that when it ended the script; and there the refusals have no ERR. */
#include "redis_error.h"
#include <stdbool.h>
#include <string.h>
#include <uv.h>

struct row {
    const char *head;
    enum redis_fault fault;
    int status;
};

/* Longer heads before those that they begin with. */
static const struct row rows[] = {
    {"NOSCRIPT", REDIS_SCRIPT, UV_EAGAIN},
    {"LOADING", REDIS_LATER, UV_EAGAIN},
    {"MASTERDOWN", REDIS_LATER, UV_EAGAIN},
    {"BUSY", REDIS_LATER, UV_EBUSY},
    {"UNKILLABLE", REDIS_LATER, UV_EBUSY},
    {"TRYAGAIN", REDIS_LATER, UV_EAGAIN},
    {"ASK", REDIS_LATER, UV_EAGAIN},
    {"CLUSTERDOWN", REDIS_LATER, UV_EAGAIN},
    {"OOM", REDIS_LATER, UV_ENOSPC},
    {"MISCONF", REDIS_LATER, UV_EROFS},
    {"NOREPLICAS", REDIS_LATER, UV_EROFS},
    {"READONLY", REDIS_LATER, UV_EROFS},
    {"NOAUTH", REDIS_SETTING, UV_EACCES},
    {"WRONGPASS", REDIS_SETTING, UV_EACCES},
    {"NOPERM", REDIS_SETTING, UV_EACCES},
    {"MOVED", REDIS_SETTING, UV_EXDEV},
    {"WRONGTYPE", REDIS_VERB, UV_EINVAL},
    {"CROSSSLOT", REDIS_VERB, UV_EINVAL},
    {"ERR value is not", REDIS_VERB, UV_EINVAL},
    {"ERR increment or decrement", REDIS_VERB, UV_EINVAL},
    {"ERR unknown command", REDIS_SETTING, UV_ENOSYS},
    {"ERR Unknown Redis command", REDIS_SETTING, UV_ENOSYS},
    {"ERR unknown subcommand", REDIS_SETTING, UV_ENOSYS},
    {"ERR This Redis command is not allowed", REDIS_SETTING, UV_ENOSYS},
    {"ERR The user executing the script", REDIS_SETTING, UV_EACCES},
    {"ERR ACL failure in script", REDIS_SETTING, UV_EACCES}, /* Redis 8 */
    {"ERR AUTH", REDIS_SETTING, UV_EACCES},
    {"ERR Client sent AUTH", REDIS_SETTING, UV_EACCES},
    {"ERR invalid password", REDIS_SETTING, UV_EACCES},
    {"ERR invalid username", REDIS_SETTING, UV_EACCES},
    {"ERR operation not permitted", REDIS_SETTING, UV_EACCES},
    {"ERR DB index", REDIS_SETTING, UV_EINVAL},
    {"ERR invalid DB index", REDIS_SETTING, UV_EINVAL},
    {"ERR SELECT is not allowed", REDIS_SETTING, UV_EINVAL},
    {"ERR Script attempted to access", REDIS_SETTING, UV_EXDEV},
    {"ERR Lua script attempted to access", REDIS_SETTING, UV_EXDEV},
    {"ERR Write commands not allowed after", REDIS_SETTING, UV_ENOSYS},
};

static bool begins(const char *text, size_t length, const char *head)
{
    return length >= strlen(head) && memcmp(text, head, strlen(head)) == 0;
}

/* How much of it is wrapping, in one layer. */
static size_t wrapping(const char *text, size_t length)
{
    const char *end = NULL;
    if (begins(text, length, "-"))
        return 1;
    if (begins(text, length, "ERR Error running script"))
        end = memchr(text, ':', length);
    else if (begins(text, length, "@user_script:"))
        end = memchr(text + 13, ':', length - 13);
    if (!end)
        return 0;
    size_t size = (size_t)(end - text) + 1;
    return size + (size < length && text[size] == ' ');
}

struct redis_trouble redis_error_classify(const char *text, size_t length)
{
    bool wrapped = false;
    for (size_t size; (size = wrapping(text, length)) != 0; wrapped = true)
        text += size, length -= size;
    bool bare = wrapped && !begins(text, length, "ERR ");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *head = rows[i].head;
        if (bare && begins(head, strlen(head), "ERR "))
            head += 4;
        if (!begins(text, length, head))
            continue;
        /* One word is a whole word, or BUSY would be BUSYGROUP. */
        size_t size = strlen(head);
        if (!strchr(head, ' ') && length > size && text[size] != ' ')
            continue;
        return (struct redis_trouble){rows[i].fault, rows[i].status};
    }
    return (struct redis_trouble){REDIS_LATER, UV_EAGAIN};
}
