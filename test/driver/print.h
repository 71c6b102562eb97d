/* How a line is written. */
#ifndef PRINT_H
#define PRINT_H

#include <jansson.h>

/* Text of any bytes, as JSON. Valid UTF-8 is written as it is. Otherwise the text is not valid, or has
 * code points U+EF80 to U+EFFF of its own, and each of its bytes from 0x80 on is written as the code point
 * U+EF00 + byte: who reads a code point of that range reads a byte, and has the text back. (Latin-1 would
 * not do: U+00FF may be one byte or the two of UTF-8.) */
json_t *print_text(const char *text);

/* One object on one line of standard output, flushed; takes it. NULL, for want of memory, is a line too. */
void print_line(json_t *object);

#endif /* PRINT_H */
