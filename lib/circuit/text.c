/* How numbers and words become text and back. Reading is for text that anybody may have written: every
 * number has a limit, and nothing is read beyond the end. */
#include "text.h"
#include <string.h>

static const char hex[] = "0123456789abcdef";

char *text_bytes(char *end, const char *bytes, size_t length)
{
    memcpy(end, bytes, length);
    return end + length;
}

char *text_word(char *end, const char *word)
{
    return text_bytes(end, word, strlen(word));
}

char *text_number(char *end, uint64_t number)
{
    char digits[20];
    size_t count = 0;

    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (count > 0)
        *end++ = digits[--count];
    return end;
}

char *text_signed(char *end, int64_t number)
{
    if (number < 0)
        *end++ = '-';
    return text_number(end, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

char *text_hex(char *end, uint32_t number)
{
    for (int shift = 28; shift >= 0; shift -= 4)
        *end++ = hex[number >> shift & 15];
    return end;
}

bool text_take_word(struct text *text, struct text *word)
{
    word->at = text->at;
    while (text->at < text->end && *text->at != ' ')
        text->at++;
    word->end = text->at;
    if (text->at < text->end)
        text->at++;
    return word->end > word->at;
}

static bool digits(const struct text *word, uint64_t limit, uint64_t *number)
{
    uint64_t sum = 0;

    if (word->at == word->end)
        return false;
    for (const char *at = word->at; at < word->end; at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (digit > 9 || sum > (limit - digit) / 10 || digit > limit)
            return false;
        sum = sum * 10 + digit;
    }
    *number = sum;
    return true;
}

bool text_take_number(struct text *text, uint64_t limit, uint64_t *number)
{
    struct text word;

    return text_take_word(text, &word) && digits(&word, limit, number);
}

bool text_take_signed(struct text *text, int64_t limit, int64_t *number)
{
    struct text word;
    uint64_t size;
    bool negative;

    if (!text_take_word(text, &word))
        return false;
    negative = *word.at == '-';
    word.at += negative;
    if (!digits(&word, (uint64_t)limit, &size))
        return false;
    *number = negative ? -(int64_t)size : (int64_t)size;
    return true;
}

bool text_take_hex(struct text *text, uint32_t *number)
{
    struct text word;
    uint32_t sum = 0;

    if (!text_take_word(text, &word) || word.end - word.at != 8)
        return false;
    for (; word.at < word.end; word.at++) {
        const char *digit = memchr(hex, *word.at, 16);
        if (digit == NULL)
            return false;
        sum = sum << 4 | (uint32_t)(digit - hex);
    }
    *number = sum;
    return true;
}

bool text_is(const struct text *word, const char *what)
{
    size_t length = (size_t)(word->end - word->at);

    return strlen(what) == length && memcmp(word->at, what, length) == 0;
}
