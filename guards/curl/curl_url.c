/* Spells URLs in one way, by libcurl's own parser, so that prefixes are compared byte by byte and
 * no host is taken for another. */
#include "curl_client.h"
#include "memory.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static char *small(const char *text, size_t extra)
{
    size_t size = strlen(text) + 1;
    char *copy = memory_allocate(size + extra);

    for (size_t i = 0; copy != NULL && i < size; i++)
        copy[i] = (char)tolower((unsigned char)text[i]);
    return copy;
}

static bool is_scheme(const char *prefix)
{
    const char *end = strstr(prefix, "://");

    return prefix[0] == '\0' || (end != NULL && end[3] == '\0');
}

/* The parts, which libcurl allocates. */
enum { SCHEME, HOST, PORT, PATH, QUERY, PARTS };

static int compose(char **spelling, char *const parts[PARTS])
{
    const char *query = parts[QUERY] == NULL ? "" : parts[QUERY];
    size_t size = strlen(parts[SCHEME]) + strlen(parts[HOST]) + strlen(parts[PORT]) +
                  strlen(parts[PATH]) + strlen(query) + sizeof "://:?";
    char *text = memory_allocate(size);

    if (text == NULL)
        return UV_ENOMEM;
    for (char *p = parts[SCHEME]; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    for (char *p = parts[HOST]; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    snprintf(text, size, "%s://%s:%s%s%s%s", parts[SCHEME], parts[HOST], parts[PORT], parts[PATH],
             query[0] == '\0' ? "" : "?", query);
    *spelling = text;
    return 0;
}

static int spell(char **spelling, CURLU *url)
{
    static const CURLUPart names[PARTS] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT,
                                           CURLUPART_PATH, CURLUPART_QUERY};
    char *parts[PARTS] = {NULL};
    int status = 0;

    for (unsigned i = 0; i < PARTS; i++)
        if (curl_url_get(url, names[i], &parts[i], CURLU_DEFAULT_PORT) != CURLUE_OK && i != QUERY)
            status = UV_EINVAL;
    if (status == 0)
        status = compose(spelling, parts);
    for (unsigned i = 0; i < PARTS; i++)
        curl_free(parts[i]);
    return status;
}

int curl_url_spell(char **spelling, const char *text, bool is_prefix)
{
    CURLU *url;
    int status = UV_EINVAL;

    if (is_prefix && is_scheme(text)) {
        *spelling = small(text, 0);
        return *spelling == NULL ? UV_ENOMEM : 0;
    }
    if ((url = curl_url()) == NULL)
        return UV_ENOMEM;
    if (curl_url_set(url, CURLUPART_URL, text, is_prefix ? 0 : CURLU_GUESS_SCHEME) == CURLUE_OK)
        status = spell(spelling, url);
    curl_url_cleanup(url);
    return status;
}

size_t curl_url_origin(const char *spelling)
{
    const char *host = strstr(spelling, "://");

    return host == NULL ? 0 : (size_t)(host + 3 - spelling) + strcspn(host + 3, "/?");
}
