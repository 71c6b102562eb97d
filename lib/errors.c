/* What the codes are called: our own here, libuv's by libuv. */
#include <breaker.h>
#include <breaker/storage.h>
#include <stdbool.h>
#include <string.h>
#include <uv.h>

const char *breaker_version(void)
{
    return BREAKER_VERSION_STRING;
}

/* uv_strerror allocates, and leaks, for codes that it does not know. */
static bool known_to_libuv(int code)
{
    char name[48];

    uv_err_name_r(code, name, sizeof name);
    return strncmp(name, "Unknown", 7) != 0;
}

const char *breaker_strerror(int code)
{
    switch (code) {
    case 0:
        return "success";
    case BREAKER_EREJECTED:
        return "refused by the circuit breaker";
    case BREAKER_ESTALE:
        return "permit cleared or of an earlier epoch, or call already over";
    case BREAKER_ETRIPPED:
        return "this call tripped the circuit breaker";
    case BREAKER_EGUARD:
        return "the guard of the transaction did not hold";
    default:
        return known_to_libuv(code) ? uv_strerror(code) : "unknown error";
    }
}

const char *breaker_state_name(breaker_state_t state)
{
    switch (state) {
    case BREAKER_PASSING:
        return "PASSING";
    case BREAKER_BROKEN:
        return "BROKEN";
    case BREAKER_RECOVERING:
        return "RECOVERING";
    }
    return "?";
}
