/* What the codes are called: our own here, libuv's by libuv. */
#include <breaker.h>
#include <breaker/storage.h>
#include <uv.h>

const char *breaker_version(void)
{
    return BREAKER_VERSION_STRING;
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
        /* uv_strerror allocates, and leaks, for codes that it does not know. */
        return code < 0 && code >= UV_ERRNO_MAX ? uv_strerror(code) : "unknown error";
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
