/* Numbers and words as text, for what other processes read. */
#ifndef CIRCUIT_TEXT_H
#define CIRCUIT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each appends at end and returns the new end; nothing is terminated. */
char *text_bytes(char *end, const char *bytes, size_t length);
char *text_word(char *end, const char *word);
char *text_number(char *end, uint64_t number);
char *text_signed(char *end, int64_t number);
char *text_hex(char *end, uint32_t number); /* eight digits */

/* What is left to be read. */
struct text {
    const char *at, *end;
};

/* Each takes one blank-separated piece; false: there is none, or it is none. */
bool text_take_word(struct text *text, struct text *word);
bool text_take_number(struct text *text, uint64_t limit, uint64_t *number);
bool text_take_signed(struct text *text, int64_t limit, int64_t *number);
bool text_take_hex(struct text *text, uint32_t *number);
bool text_is(const struct text *word, const char *what);

#endif /* CIRCUIT_TEXT_H */
