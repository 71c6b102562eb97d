/* Knows Redis' error words, and which of them mend with time. The texts behind the words differ
 * from version to version, so only beginnings are compared; a word that is not here mends with
 * time. */
#include "redis_error.h"
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
};

struct redis_trouble redis_error_classify(const char *text, size_t length)
{
    if (length && *text == '-') /* inside scripts, older servers leave it on */
        text++, length--;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t head = strlen(rows[i].head);
        if (length < head || memcmp(text, rows[i].head, head) != 0)
            continue;
        /* One word is a whole word, or BUSY would be BUSYGROUP. */
        if (!strchr(rows[i].head, ' ') && length > head && text[head] != ' ')
            continue;
        return (struct redis_trouble){rows[i].fault, rows[i].status};
    }
    return (struct redis_trouble){REDIS_LATER, UV_EAGAIN};
}
