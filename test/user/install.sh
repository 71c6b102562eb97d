#!/bin/sh
# Installs the project into a prefix of its own and uses it as somebody would who has nothing else: only
# pkg-config says where things are. Holds what the shared libraries export and which languages can
# read the headers.
#     install.sh SOURCE-ROOT
set -eu
source=$1
here=$source/test/user
cc=${CC:-cc}
cxx=${CXX:-c++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# The compiler may be a list of words.
# shellcheck disable=SC2086
compile() {
    $cc -Wall -Wextra -Werror "$@"
}

# ---- Install
meson setup "$work/build" "$source" --prefix "$prefix" --libdir lib --buildtype release \
    -Dtests=false -Dexamples=false -Dbenches=false >"$work/log" 2>&1 || { cat "$work/log"; fail setup; }
meson install -C "$work/build" >"$work/log" 2>&1 || { cat "$work/log"; fail install; }
for file in lib/libbreaker.a lib/libbreaker.so lib/pkgconfig/libbreaker.pc; do
    [ -e "$prefix/$file" ] || fail "$file is not installed"
done
for header in "$source"/include/*.h "$source"/include/breaker/*.h; do
    name=$(basename "$header" .h)
    case $name in
    redis | redis_guard | curl) # come with a library of their own, where that can be built
        [ -e "$prefix/lib/libbreaker-${name%_guard}.so" ] || continue
        ;;
    esac
    [ -e "$prefix/${header#"$source"/}" ] || fail "$header is not installed"
done

# ---- Exports
for library in "$prefix"/lib/libbreaker*.so; do
    nm -D --defined-only "$library" | awk '{ print $NF }' >"$work/exports"
    grep -q '^breaker_' "$work/exports" || fail "$library exports nothing"
    if grep -v '^breaker_' "$work/exports"; then
        fail "$library exports names that are not breaker_*"
    fi
done

# ---- Headers: each of those installed, alone, in both languages; libuv's own, which only breaker/uv.h
# includes, wants to see POSIX
(cd "$prefix/include" && find . -name '*.h') >"$work/installed"
while read -r header; do
    set -- -pedantic-errors -Wall -Wextra -Werror -I"$prefix/include" -fsyntax-only
    case $header in
    */breaker/uv.h) set -- "$@" -D_POSIX_C_SOURCE=200809L ;;
    *) ! grep -q '#include <uv' "$prefix/include/$header" || fail "$header includes libuv's" ;;
    esac
    # shellcheck disable=SC2086
    $cc -std=c99 -Wstrict-prototypes "$@" -x c "$prefix/include/$header" ||
        fail "$header is not strict C99"
    # shellcheck disable=SC2086
    $cxx -std=c++11 "$@" -x c++ "$prefix/include/$header" || fail "$header is not C++11"
done <"$work/installed"

# ---- Programs, with the shared libraries and with the static ones
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig" LD_LIBRARY_PATH="$prefix/lib"
version=$(sed -n 's/.*VERSION_STRING "\(.*\)"/\1/p' "$prefix/include/breaker.h")

build_and_run() { # PACKAGE PROGRAM [--static]
    package=$1 program=$2
    shift 2
    # shellcheck disable=SC2046
    compile -o "$work/program" "$program" $(pkg-config "$@" --cflags --libs "$package") ||
        fail "$program does not build with $package $*"
    case ${1:-shared}$(ldd "$work/program" | grep "libbreaker.*\.so.*$prefix") in
    shared | --static?*) fail "$program has the wrong library: $package $*" ;;
    esac
    "$work/program" </dev/null || fail "$program does not run with $package $*"
}

use() { # PACKAGE PROGRAM...
    for program in "$@"; do
        [ "$program" = "$1" ] || build_and_run "$1" "$program" ${static:+"$static"}
    done
}

use_all() {
    use libbreaker "$here/stranger.c" "$source/examples/ten_lines.c"
    if [ -e "$prefix/include/breaker/redis.h" ]; then
        use libbreaker-redis "$work/redis.c"
    fi
    # What a static libcurl needs is not there everywhere.
    if [ -e "$prefix/include/breaker/curl.h" ] && [ -z "$static" ]; then
        use libbreaker-curl "$source/examples/fetch.c"
    fi
}

cat >"$work/redis.c" <<'PROGRAM'
#include <breaker/redis.h>
#include <stddef.h>

int main(void)
{
    breaker_storage_t *storage;

    return breaker_redis_create(&storage, NULL, NULL) != 0 || breaker_redis_destroy(storage) != 0;
}
PROGRAM

for package in "$prefix"/lib/pkgconfig/*.pc; do
    package=$(basename "$package" .pc)
    [ "$(pkg-config --modversion "$package")" = "$version" ] ||
        fail "$package is not of the header's version, $version"
done

static=
use_all
rm "$prefix"/lib/libbreaker*.so*
static=--static
use_all
