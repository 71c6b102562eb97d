/* Knows that what is written is one JSON object per line, whatever bytes names and words are made of. */
#include "print.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Code points that stand for bytes; here they would be taken for some. */
static bool has_bytes(const char *text)
{
    return strstr(text, "\xee\xbe") != NULL || strstr(text, "\xee\xbf") != NULL;
}

static char *put(char *out, unsigned char byte)
{
    if (byte < 0x80) {
        *out++ = (char)byte;
    } else { /* U+EF00 + byte, in UTF-8 */
        *out++ = '\xee';
        *out++ = byte < 0xc0 ? '\xbe' : '\xbf';
        *out++ = (char)(0x80 | (byte & 0x3f));
    }
    return out;
}

static json_t *bytes_of(const char *text)
{
    char *bytes = malloc(3 * strlen(text) + 1), *end = bytes;

    if (bytes == NULL)
        abort();
    for (; *text != '\0'; text++)
        end = put(end, (unsigned char)*text);
    *end = '\0';
    json_t *string = json_string(bytes);
    free(bytes);
    return string;
}

json_t *print_text(const char *text)
{
    json_t *string = has_bytes(text) ? NULL : json_string(text);

    return string != NULL ? string : bytes_of(text);
}

void print_line(json_t *object)
{
    char *line = json_dumps(object, JSON_COMPACT);

    puts(line != NULL ? line : "{\"error\":\"no memory for this line\"}");
    fflush(stdout);
    free(line);
    json_decref(object);
}
