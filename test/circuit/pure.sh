#!/bin/sh
# What decides is pure: its objects ask the world for the functions below and nothing else, and hold nothing
# that can be written to.
#     pure.sh NM SIZE LIBRARY [sanitized]
set -eu
nm=$1 size=$2 library=$3 sanitized=${4:-}

# Memory and text, in the caller's hands.
allowed='memchr memcmp memcpy memmove memset strchr strcmp strcspn strlen strncmp strnlen strspn'
# Arithmetic.
allowed="$allowed ceil exp2 floor fmod ldexp llround pow"
# What the compiler makes of the above, of assert and of position-independent code.
allowed="$allowed __memcpy_chk __memmove_chk __memset_chk bcmp __assert_fail __stack_chk_fail
    _GLOBAL_OFFSET_TABLE_"
allowed=$(printf '%s\n' $allowed)

defined=$("$nm" -g --defined-only "$library" | awk 'NF == 3 { print $3 }' | sort -u)
wanted=$("$nm" -u "$library" | awk '$1 == "U" || $1 == "w" { print $2 }' | sort -u)
if [ -n "$sanitized" ]; then
    wanted=$(printf '%s\n' "$wanted" | grep -Ev '^(__asan|__ubsan|__tsan|__msan|__lsan|__sanitizer)_' |
        grep -Ev '^__(start|stop)_' || true)
fi
if [ -z "$defined" ] || [ -z "$wanted" ]; then
    echo "pure: $library: no symbols were found"
    exit 1
fi

status=0
for symbol in $wanted; do
    if ! printf '%s\n%s\n' "$defined" "$allowed" | grep -qxF -e "$symbol"; then
        echo "pure: an object of $library wants $symbol"
        status=1
    fi
done

# Sanitizers have variables of their own; the other builds tell.
if [ -z "$sanitized" ]; then
    written=$("$size" -A "$library" |
        awk '/ex / { object = $1 }
             $1 ~ /^\.(data|bss|tdata|tbss|ldata|lbss)(\.|$)/ && $1 !~ /^\.data\.rel\.ro/ && $2 > 0 {
                 print object " has " $2 " bytes in " $1 }')
    common=$("$nm" "$library" | awk '$2 == "C" { print $3 " is common" }')
    if [ -n "$written$common" ]; then
        printf 'pure: %s: what can be written to:\n%s\n' "$library" "$written$common"
        status=1
    fi
fi
exit "$status"
