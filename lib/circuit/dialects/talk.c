/* The words of a conversation: verbs with their values, and decimal numbers as a storage keeps them. */
#include "talk.h"

/* ---- For the driver ----------------------------------------------------------------------------*/

void talk_offer(struct talk *talk, breaker_transaction_t *transaction)
{
    transaction->verbs = talk->verbs;
    transaction->count = talk->verb_count;
    transaction->guard = (breaker_guard_t)talk->guard;
    transaction->guard_key = talk->guard_key;
    transaction->guard_key_length = talk->guard_key_length;
    transaction->guard_value = talk->guard_value;
    transaction->guard_length = talk->guard_length;

    transaction->standing = talk->standing;
    transaction->standing_length = talk->guard == BREAKER_GUARD_NONE ? 0 : TALK_VALUE;
    transaction->standing_found = 0;
}

static void expect(struct talk *talk, bool found, const char *value, size_t length)
{
    talk->expects_value = found && length <= TALK_VALUE;
    talk->guard_length = talk->expects_value ? (uint16_t)length : 0;
    memcpy(talk->guard_value, value, talk->guard_length);
}

void talk_hear(struct talk *talk, const breaker_transaction_t *transaction, int status)
{
    talk->status = status;
    if (status == BREAKER_EGUARD)
        expect(talk, transaction->standing_found, talk->standing, transaction->standing_length);
}

/* ---- Numbers -----------------------------------------------------------------------------------*/

uint16_t talk_print(char *text, int64_t number)
{
    char digits[20];
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    uint16_t count = 0, length = 0;

    do {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        text[length++] = '-';
    while (count > 0)
        text[length++] = digits[--count];
    return length;
}

bool talk_parse(const char *text, size_t length, int64_t *number)
{
    bool is_negative = length > 0 && text[0] == '-';
    int64_t value = 0;

    if (length == (size_t)is_negative)
        return false;
    for (size_t i = is_negative; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, text[i] - '0', &value))
            return false;
    }
    if (!is_negative && __builtin_sub_overflow(0, value, &value))
        return false;
    *number = value;
    return true;
}

bool talk_number(const breaker_verb_t *verb, int64_t *number)
{
    return verb->found && talk_parse(verb->value, verb->length, number);
}

bool talk_says(const breaker_verb_t *verb, const char *word)
{
    return verb->found && verb->length == strlen(word) &&
           memcmp(verb->value, word, verb->length) == 0;
}

/* ---- Verbs -------------------------------------------------------------------------------------*/

static breaker_verb_t *next_verb(struct talk *talk, breaker_verb_kind_t kind, struct talk_key key)
{
    breaker_verb_t *verb = &talk->verbs[talk->verb_count];

    memset(verb, 0, sizeof *verb);
    verb->kind = kind;
    verb->key = key.bytes;
    verb->key_length = key.length;
    verb->value = talk->values[talk->verb_count];
    talk->verb_count++;
    return verb;
}

static void put_text(breaker_verb_t *verb, const char *text, uint64_t ttl)
{
    verb->length = (uint16_t)strlen(text);
    memcpy(verb->value, text, verb->length);
    verb->ttl = ttl;
}

void talk_get(struct talk *talk, struct talk_key key)
{
    next_verb(talk, BREAKER_GET, key)->length = TALK_VALUE;
}

void talk_set(struct talk *talk, struct talk_key key, const char *value, uint64_t ttl)
{
    put_text(next_verb(talk, BREAKER_SET, key), value, ttl);
}

void talk_set_number(struct talk *talk, struct talk_key key, int64_t number, uint64_t ttl)
{
    breaker_verb_t *verb = next_verb(talk, BREAKER_SET, key);

    verb->length = talk_print(verb->value, number);
    verb->ttl = ttl;
}

void talk_add(struct talk *talk, struct talk_key key, const char *value, uint64_t ttl)
{
    put_text(next_verb(talk, BREAKER_ADD, key), value, ttl);
}

void talk_incr(struct talk *talk, struct talk_key key, uint64_t ttl)
{
    breaker_verb_t *verb = next_verb(talk, BREAKER_INCR, key);

    verb->number = 1;
    verb->ttl = ttl;
}

void talk_delete(struct talk *talk, struct talk_key key)
{
    next_verb(talk, BREAKER_DELETE, key);
}

void talk_log(struct talk *talk, struct talk_key key, int64_t score, int64_t cut)
{
    breaker_verb_t *verb = next_verb(talk, BREAKER_LOG, key);

    verb->score = score;
    verb->cut = cut;
}

void talk_member(struct talk *talk, struct talk_key key, struct talk_key member)
{
    breaker_verb_t *verb = next_verb(talk, BREAKER_MEMBER, key);

    verb->value = (char *)member.bytes; /* which nobody writes to */
    verb->length = member.length;
}

void talk_field(struct talk *talk, struct talk_key key, const char *name, const char *text)
{
    breaker_verb_t *verb = next_verb(talk, BREAKER_FIELD, key);
    size_t length = strlen(name) + 1;

    memcpy(verb->value, name, length);
    verb->length = (uint16_t)(length + strlen(text));
    memcpy(verb->value + length, text, strlen(text));
}

void talk_event(struct talk *talk, int kind, breaker_state_t from, breaker_state_t to, bool noticed)
{
    if (talk->event_count == TALK_EVENTS)
        return;
    talk->events[talk->event_count++] =
        (struct talk_event){(uint8_t)kind, (uint8_t)from, (uint8_t)to, noticed};
}

void talk_guard(struct talk *talk, struct talk_key key)
{
    talk->guard = talk->expects_value ? BREAKER_GUARD_EQUALS : BREAKER_GUARD_ABSENT;
    talk->guard_key = key.bytes;
    talk->guard_key_length = key.length;
}

void talk_expect(struct talk *talk, const breaker_verb_t *verb)
{
    expect(talk, verb->found, verb->value, verb->length);
}
