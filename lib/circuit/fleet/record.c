/* How the record looks in the storage, where people may read it:
 *
 *   1 1754000000123 0badcafe BROKEN 1754000000120 5000 10000 1 7 00c0ffee 48879 0 3 17 0 -110
 *   version epoch nonce state since duration recovery_time trips reporters writer policy hold
 *   ok failed slow error
 *
 * There is one text for each record, so that equal records are equal bytes. Anybody may have written
 * what is read: all of it is checked. */
#include "record.h"
#include "circuit/text.h"
#include <string.h>

#define EPOCH_MAX UINT64_C(99999999999999) /* ms, in the year 5138 */
enum { COUNT_MAX = 9999999, ERROR_MAX = 99999, DURATION_MAX = 2 * BREAKER_TIME_MAX };

static const char *const names[] = {"PASSING", "BROKEN", "RECOVERING"};

static char *put(char *end, uint64_t number)
{
    *end++ = ' ';
    return text_number(end, number);
}

static char *put_hex(char *end, uint32_t number)
{
    *end++ = ' ';
    return text_hex(end, number);
}

static uint32_t trim(uint32_t number, uint32_t limit)
{
    return number < limit ? number : limit;
}

void record_trim(struct record *r)
{
    r->duration = trim(r->duration, DURATION_MAX);
    r->ok = trim(r->ok, COUNT_MAX);
    r->failed = trim(r->failed, COUNT_MAX);
    r->slow = trim(r->slow, COUNT_MAX);
    if (r->error < -ERROR_MAX || r->error > ERROR_MAX)
        r->error = r->error < 0 ? -ERROR_MAX : ERROR_MAX;
}

uint16_t record_write(const struct record *r, char *text)
{
    char *end = text;

    *end++ = '1';
    end = put(end, r->epoch);
    end = put_hex(end, r->nonce);
    *end++ = ' ';
    end = text_word(end, names[r->state]);
    end = put(end, r->since);
    end = put(end, r->duration);
    end = put(end, r->recovery_time);
    end = put(end, r->trips);
    end = put(end, r->reporters);
    end = put_hex(end, r->writer);
    end = put(end, r->policy);
    end = put(end, r->hold);
    end = put(end, r->ok);
    end = put(end, r->failed);
    end = put(end, r->slow);
    *end++ = ' ';
    end = text_signed(end, r->error);
    return (uint16_t)(end - text);
}

static bool take_state(struct text *text, uint8_t *state)
{
    struct text word;

    if (!text_take_word(text, &word))
        return false;
    for (*state = 0; *state < 3; (*state)++)
        if (text_is(&word, names[*state]))
            return true;
    return false;
}

static bool take32(struct text *text, uint32_t limit, uint32_t *number)
{
    uint64_t wide;
    bool is = text_take_number(text, limit, &wide);

    if (is)
        *number = (uint32_t)wide;
    return is;
}

static bool take16(struct text *text, uint16_t *number)
{
    uint32_t wide;
    bool is = take32(text, UINT16_MAX, &wide);

    if (is)
        *number = (uint16_t)wide;
    return is;
}

static bool take8(struct text *text, uint32_t limit, uint8_t *number)
{
    uint32_t wide;
    bool is = take32(text, limit, &wide);

    if (is)
        *number = (uint8_t)wide;
    return is;
}

static bool take_who(struct text *text, struct record *r)
{
    struct text version;

    return text_take_word(text, &version) && text_is(&version, "1") &&
           text_take_number(text, EPOCH_MAX, &r->epoch) && r->epoch > 0 &&
           text_take_hex(text, &r->nonce) && take_state(text, &r->state);
}

static bool take_times(struct text *text, struct record *r)
{
    return text_take_number(text, EPOCH_MAX, &r->since) &&
           take32(text, DURATION_MAX, &r->duration) &&
           take32(text, BREAKER_TIME_MAX, &r->recovery_time);
}

static bool take_circumstances(struct text *text, struct record *r)
{
    return take8(text, UINT8_MAX, &r->trips) && take16(text, &r->reporters) && r->reporters > 0 &&
           text_take_hex(text, &r->writer) && take16(text, &r->policy) &&
           take8(text, BREAKER_HOLD_WATCH, &r->hold);
}

static bool take_why(struct text *text, struct record *r)
{
    int64_t status;

    if (!take32(text, COUNT_MAX, &r->ok) || !take32(text, COUNT_MAX, &r->failed) ||
        !take32(text, COUNT_MAX, &r->slow) || !text_take_signed(text, ERROR_MAX, &status))
        return false;
    r->error = (int32_t)status;
    return true;
}

bool record_read(struct record *record, const char *bytes, size_t length)
{
    struct text text = {bytes, bytes + length};
    char again[RECORD_TEXT];
    struct record r;

    memset(&r, 0, sizeof r);
    if (length > RECORD_TEXT || !take_who(&text, &r) || !take_times(&text, &r) ||
        !take_circumstances(&text, &r) || !take_why(&text, &r) || text.at != text.end)
        return false;
    if (record_write(&r, again) != length || memcmp(again, bytes, length) != 0)
        return false; /* leading zeros, say: other bytes than ours could never be replaced */
    *record = r;
    return true;
}

int record_compare(const struct record *a, const struct record *b)
{
    if (a->epoch != b->epoch)
        return a->epoch < b->epoch ? -1 : 1;
    return a->nonce == b->nonce ? 0 : a->nonce < b->nonce ? -1 : 1;
}
